// One of several: as a closed list, beside each other, or below each other.
import { ChevronDown } from "lucide-react";
import { type ReactNode, useId } from "react";
import css from "./choice.module.css";

export interface Choice<T extends string> {
  readonly value: T;
  readonly label: string;
  /** A line that explains it; of radio buttons alone. */
  readonly hint?: string;
}

export interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly choices: readonly Choice<T>[];
  readonly onChange: (value: T) => void;
  readonly disabled?: boolean;
}

/** A closed list. Shows no label: a `ListRow` or a `label` beside it does. */
export function Select<T extends string>({ label, value, choices, onChange, disabled }: ChoiceProps<T>): ReactNode {
  return (
    <span className={css.select}>
      <select
        aria-label={label}
        value={value}
        disabled={disabled}
        onChange={(event) => {
          const chosen = choices.find((choice) => choice.value === event.target.value);
          if (chosen !== undefined) onChange(chosen.value);
        }}
      >
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.label}
          </option>
        ))}
      </select>
      <ChevronDown aria-hidden="true" />
    </span>
  );
}

/** A few short ones, beside each other. */
export function Segments<T extends string>({ label, value, choices, onChange }: ChoiceProps<T>): ReactNode {
  const name = useId();
  return (
    <fieldset className={css.group}>
      <legend>{label}</legend>
      <div className={css.segments}>
        {choices.map((choice) => (
          <label key={choice.value} className={css.segment}>
            <input
              type="radio"
              name={name}
              value={choice.value}
              checked={choice.value === value}
              onChange={() => onChange(choice.value)}
            />
            {choice.label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** All of them, with radio buttons. */
export function RadioGroup<T extends string>({ label, value, choices, onChange, disabled }: ChoiceProps<T>): ReactNode {
  const name = useId();
  return (
    <fieldset className={css.group} disabled={disabled}>
      <legend>{label}</legend>
      {choices.map((choice) => (
        <label key={choice.value} className={css.radio}>
          <input
            type="radio"
            name={name}
            value={choice.value}
            checked={choice.value === value}
            onChange={() => onChange(choice.value)}
          />
          <span>
            {choice.label}
            {choice.hint !== undefined && <small>{choice.hint}</small>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
