// What the panels about a person and a group have in common.
import type { ReactNode } from "react";
import css from "./panel.module.css";

export interface HeadProps {
  readonly avatar: ReactNode;
  readonly name: ReactNode;
  readonly detail?: ReactNode;
  readonly about?: string | null;
  /** What is done most, as {@link Deed}s. */
  readonly children?: ReactNode;
}

/** Who or what it is about. */
export function Head({ avatar, name, detail, about, children }: HeadProps): ReactNode {
  return (
    <div className={css.head}>
      {avatar}
      <p className={css.name}>{name}</p>
      <p className={css.detail}>{detail}</p>
      {about && (
        <p className={css.about} dir="auto">
          {about}
        </p>
      )}
      {children !== undefined && <div className={css.deeds}>{children}</div>}
    </div>
  );
}

/** A button with an icon above its text. */
export function Deed({ icon, label, onSelect }: { icon: ReactNode; label: string; onSelect: () => void }): ReactNode {
  return (
    <button type="button" className={css.deed} onClick={onSelect}>
      {icon}
      {label}
    </button>
  );
}

/** Something that has to be noticed. */
export function Note({ children }: { children: ReactNode }): ReactNode {
  return <p className={css.note}>{children}</p>;
}
