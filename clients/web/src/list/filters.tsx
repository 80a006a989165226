// Which conversations are listed.
import type { ReactNode } from "react";
import { useText } from "../i18n/text.js";
import { FILTERS, type Filter } from "./arrange.js";
import css from "./filters.module.css";

export function Filters({ value, onChange }: { value: Filter; onChange: (filter: Filter) => void }): ReactNode {
  const { list } = useText();
  return (
    <fieldset className={css.filters}>
      <legend className="visually-hidden">{list.filter}</legend>
      {FILTERS.map((filter) => (
        <button key={filter} type="button" aria-pressed={filter === value} onClick={() => onChange(filter)}>
          {list.filters[filter]}
        </button>
      ))}
    </fieldset>
  );
}
