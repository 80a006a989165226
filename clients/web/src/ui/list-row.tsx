// Lists of settings, facts and people: groups of rows, each with what is at its end.
import { ChevronRight } from "lucide-react";
import { type ReactNode, useId } from "react";
import css from "./list-row.module.css";
import { Switch } from "./switch.js";

export interface ListProps {
  /** A small heading above. */
  readonly title?: string;
  /** An explanation below. */
  readonly hint?: ReactNode;
  readonly children: ReactNode;
}

/** A group of rows. */
export function List({ title, hint, children }: ListProps): ReactNode {
  const heading = useId();
  return (
    <section className={css.section} aria-labelledby={title === undefined ? undefined : heading}>
      {title !== undefined && <h3 id={heading}>{title}</h3>}
      <ul className={css.list}>{children}</ul>
      {hint !== undefined && <p className={css.hint}>{hint}</p>}
    </section>
  );
}

export interface ListRowProps {
  /** An icon or an avatar. */
  readonly start?: ReactNode;
  readonly title: ReactNode;
  readonly detail?: ReactNode;
  /** What is at its end: a value, a button, a `Select`. */
  readonly end?: ReactNode;
  /** Where it leads. */
  readonly href?: string;
  /** What it does, as a button. */
  readonly onSelect?: () => void;
  readonly isDanger?: boolean;
  readonly isDisabled?: boolean;
  readonly isCurrent?: boolean;
}

/** A row: a fact, a link (`href`) or a button (`onSelect`). */
export function ListRow(props: ListRowProps): ReactNode {
  const { start, title, detail, end, href, onSelect, isDanger = false, isDisabled, isCurrent } = props;
  const className = `${css.row} ${isDanger ? css.danger : ""}`;
  const inside = (
    <>
      {start !== undefined && <span className={css.start}>{start}</span>}
      <span className={css.text}>
        <span className={css.title}>{title}</span>
        {detail !== undefined && <span className={css.detail}>{detail}</span>}
      </span>
      {end !== undefined && <span className={css.end}>{end}</span>}
    </>
  );
  return (
    <li>
      {href !== undefined ? (
        <a className={className} href={href} aria-current={isCurrent ? "page" : undefined}>
          {inside}
          {end === undefined && <ChevronRight className={css.chevron} aria-hidden="true" />}
        </a>
      ) : onSelect !== undefined ? (
        <button type="button" className={className} disabled={isDisabled} onClick={onSelect}>
          {inside}
        </button>
      ) : (
        <div className={className}>{inside}</div>
      )}
    </li>
  );
}

export interface SwitchRowProps {
  readonly start?: ReactNode;
  readonly title: string;
  readonly detail?: ReactNode;
  readonly checked: boolean;
  readonly disabled?: boolean;
  readonly onChange: (checked: boolean) => void;
}

/** A row with a switch, which the whole row turns. */
export function SwitchRow({ start, title, detail, checked, disabled = false, onChange }: SwitchRowProps): ReactNode {
  const [name, note] = [useId(), useId()];
  return (
    <li>
      {/* biome-ignore lint/a11y/noLabelWithoutControl: the switch is in it */}
      <label className={`${css.row} ${css.whole}`}>
        {start !== undefined && <span className={css.start}>{start}</span>}
        <span className={css.text}>
          <span id={name} className={css.title}>
            {title}
          </span>
          {detail !== undefined && (
            <span id={note} className={css.detail}>
              {detail}
            </span>
          )}
        </span>
        <Switch
          checked={checked}
          disabled={disabled}
          onChange={onChange}
          aria-labelledby={name}
          aria-describedby={detail === undefined ? undefined : note}
        />
      </label>
    </li>
  );
}
