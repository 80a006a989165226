// The search above the list. What it finds is loaded when something is looked for.
import { lazy, type ReactNode, Suspense, useState } from "react";
import { useText } from "../i18n/text.js";
import { SearchField } from "../ui/field.js";
import { listState } from "./list-state.js";
import type { ComboboxProps } from "./results.js";
import css from "./search-all.module.css";

const SearchResults = lazy(async () => ({ default: (await import("./search-results.js")).SearchResults }));

const ask = (query: string) => listState.set({ query });
const leave = () => ask("");

export function SearchAll({ query }: { query: string }): ReactNode {
  const { list } = useText();
  const [field, setField] = useState<ComboboxProps | null>(null);
  const wanted = query.trim();
  return (
    <>
      <search className={css.search}>
        <SearchField
          id="list-search"
          label={list.search}
          value={query}
          onChange={ask}
          {...(wanted === "" ? {} : field)}
        />
      </search>
      {wanted !== "" && (
        <Suspense>
          <SearchResults query={wanted} onLeave={leave} onField={setField} />
        </Suspense>
      )}
    </>
  );
}
