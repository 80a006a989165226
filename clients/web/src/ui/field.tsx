// Fields for text: one line with a label, several lines, and a search.
import { Search, X } from "lucide-react";
import { type ComponentPropsWithRef, type ReactNode, useId, useRef } from "react";
import { useText } from "../i18n/text.js";
import { IconButton } from "./button.js";
import css from "./field.module.css";

interface Described {
  readonly label: string;
  /** What helps to fill it in. */
  readonly hint?: ReactNode;
  /** What is wrong with it. */
  readonly error?: string | null;
}

function Field({
  field,
  note,
  label,
  hint,
  error,
  children,
}: Described & { field: string; note: string; children: ReactNode }): ReactNode {
  return (
    <div className={css.field}>
      <label htmlFor={field}>{label}</label>
      {children}
      {(error ?? hint) != null && (
        <p id={note} className={error ? css.error : css.hint} role={error ? "alert" : undefined}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}

export interface TextFieldProps
  extends Described,
    Omit<ComponentPropsWithRef<"input">, "onChange" | "id" | "className"> {
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** One line of text. */
export function TextField({ label, hint, error, onChange, ...rest }: TextFieldProps): ReactNode {
  const [field, note] = [useId(), useId()];
  return (
    <Field field={field} note={note} label={label} hint={hint} error={error ?? null}>
      <input
        type="text"
        id={field}
        className={css.input}
        aria-describedby={(error ?? hint) != null ? note : undefined}
        aria-invalid={error ? true : undefined}
        onChange={(event) => onChange(event.target.value)}
        {...rest}
      />
    </Field>
  );
}

export interface TextAreaProps
  extends Described,
    Omit<ComponentPropsWithRef<"textarea">, "onChange" | "id" | "className"> {
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** Several lines of text; grows with them. */
export function TextArea({ label, hint, error, onChange, ...rest }: TextAreaProps): ReactNode {
  const [field, note] = [useId(), useId()];
  return (
    <Field field={field} note={note} label={label} hint={hint} error={error ?? null}>
      <textarea
        id={field}
        rows={3}
        className={css.input}
        aria-describedby={(error ?? hint) != null ? note : undefined}
        aria-invalid={error ? true : undefined}
        onChange={(event) => onChange(event.target.value)}
        {...rest}
      />
    </Field>
  );
}

export interface SearchFieldProps
  extends Omit<ComponentPropsWithRef<"input">, "onChange" | "className" | "type" | "aria-label" | "placeholder"> {
  /** Its name, which stands in it while it is empty. */
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** A search: with a sign, and a way to empty it. */
export function SearchField({ label, value, onChange, ref, ...rest }: SearchFieldProps): ReactNode {
  const text = useText();
  const own = useRef<HTMLInputElement>(null);
  return (
    <div className={css.search}>
      <Search aria-hidden="true" />
      <input
        ref={(element) => {
          own.current = element;
          if (typeof ref === "function") ref(element);
          else if (ref) ref.current = element;
        }}
        type="search"
        enterKeyHint="search"
        autoComplete="off"
        spellCheck={false}
        aria-label={label}
        placeholder={label}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        {...rest}
      />
      {value !== "" && (
        <IconButton
          label={text.common.clear}
          icon={<X />}
          onClick={() => {
            onChange("");
            own.current?.focus();
          }}
        />
      )}
    </div>
  );
}
