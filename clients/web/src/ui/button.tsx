// Buttons: with a text, or an icon with a name.
import type { ComponentPropsWithRef, ReactNode } from "react";
import css from "./button.module.css";

export interface ButtonProps extends ComponentPropsWithRef<"button"> {
  /** How much it asks to be pressed: `plain` if not given. */
  readonly kind?: "primary" | "plain" | "quiet" | "danger";
}

/** A button with a text. */
export function Button({ kind = "plain", className = "", type = "button", ...rest }: ButtonProps): ReactNode {
  return <button type={type} className={`${css.button} ${css[kind]} ${className}`} {...rest} />;
}

export interface IconButtonProps extends Omit<ComponentPropsWithRef<"button">, "aria-label" | "title" | "children"> {
  /** What it does: its name for who cannot see it, and its tooltip. */
  readonly label: string;
  readonly icon: ReactNode;
}

/** A round button with an icon alone. */
export function IconButton({ label, icon, className = "", type = "button", ...rest }: IconButtonProps): ReactNode {
  return (
    <button type={type} className={`${css.icon} ${className}`} aria-label={label} title={label} {...rest}>
      {icon}
    </button>
  );
}
