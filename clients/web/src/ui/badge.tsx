// A number, or a dot, that asks to be looked at.
import type { ReactNode } from "react";
import { useLanguage } from "../i18n/text.js";
import css from "./badge.module.css";

const SHOWN_MAX = 999;

export interface BadgeProps {
  /** `null` for a dot without a number. */
  readonly count: number | null;
  /** What it says, for who cannot see it: "3 unread messages". */
  readonly label: string;
  /** Asks less, as of what is muted. */
  readonly isQuiet?: boolean;
}

export function Badge({ count, label, isQuiet = false }: BadgeProps): ReactNode {
  const language = useLanguage();
  const numbers = new Intl.NumberFormat(language);
  const shown = count === null ? "" : count > SHOWN_MAX ? `${numbers.format(SHOWN_MAX)}+` : numbers.format(count);
  return (
    <span className={`${css.badge} ${isQuiet ? css.quiet : ""} ${count === null ? css.dot : ""}`}>
      <span aria-hidden="true">{shown}</span>
      <span className="visually-hidden">{label}</span>
    </span>
  );
}
