// A switch: something is on or off, and changes at once.
import type { ReactNode } from "react";
import css from "./switch.module.css";

export interface SwitchProps {
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly disabled?: boolean;
  /** Its name, unless `aria-labelledby` says it; a `ListRow` names the switch at its end by itself. */
  readonly label?: string;
  readonly "aria-labelledby"?: string;
  readonly "aria-describedby"?: string | undefined;
}

export function Switch({ checked, onChange, disabled = false, label, ...described }: SwitchProps): ReactNode {
  return (
    <input
      type="checkbox"
      role="switch"
      className={css.switch}
      checked={checked}
      aria-checked={checked}
      disabled={disabled}
      aria-label={label}
      onChange={(event) => onChange(event.target.checked)}
      {...described}
    />
  );
}
