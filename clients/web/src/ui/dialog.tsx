// A dialog over everything else: the browser's own, which keeps the focus inside and closes with Escape.
import { X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef } from "react";
import { useText } from "../i18n/text.js";
import { IconButton } from "./button.js";
import css from "./dialog.module.css";

export interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  /** Buttons below, the main one last. */
  readonly actions?: ReactNode;
  /** Whether there is nothing in it but text, so that keys scroll it. */
  readonly isText?: boolean;
}

/** Open for as long as it is rendered. */
export function Dialog({ title, onClose, children, actions, isText = false }: DialogProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const text = useText();
  useEffect(() => {
    const { current } = dialog;
    current?.showModal();
    return () => current?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it; the click is on what is behind
    <dialog
      ref={dialog}
      className={css.dialog}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      <div className={css.body}>
        <header className={css.header}>
          <h2 id={heading}>{title}</h2>
          <IconButton label={text.common.close} icon={<X />} onClick={onClose} />
        </header>
        <div className={css.content} tabIndex={isText ? 0 : undefined}>
          {children}
        </div>
        {actions !== undefined && <footer className={css.actions}>{actions}</footer>}
      </div>
    </dialog>
  );
}
