// Short news at the edge of the screen: what went wrong, or that something is done. Gone after a while.
//
//   showToast({ text: text.list.archived, action: { label: text.common.undo, onSelect: undo } });
import { X } from "lucide-react";
import { type ReactNode, useEffect, useState, useSyncExternalStore } from "react";
import { useText } from "../i18n/text.js";
import { IconButton } from "./button.js";
import css from "./toast.module.css";

export interface Toast {
  readonly text: string;
  readonly kind?: "news" | "error";
  readonly action?: { readonly label: string; readonly onSelect: () => void };
}

interface Shown extends Toast {
  readonly id: number;
}

const SHOWN_MAX = 3;
const STAYS_MS = 6_000;

let toasts: readonly Shown[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function set(next: readonly Shown[]): void {
  toasts = next;
  for (const listener of [...listeners]) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Shows it, in place of one that says the same. */
export function showToast(toast: Toast): void {
  lastId += 1;
  const others = toasts.filter(({ text }) => text !== toast.text);
  set([...others, { ...toast, id: lastId }].slice(-SHOWN_MAX));
}

/** Takes all away. */
export function clearToasts(): void {
  set([]);
}

function drop(id: number): void {
  set(toasts.filter((toast) => toast.id !== id));
}

/** Where they appear: once in the page. They stay while the pointer or the focus is on them. */
export function Toaster(): ReactNode {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  const [isHeld, hold] = useState(false);
  const text = useText();
  const oldest = shown[0]?.id;
  useEffect(() => {
    if (oldest === undefined || isHeld) return;
    const timer = setTimeout(() => drop(oldest), STAYS_MS);
    return () => clearTimeout(timer);
  }, [oldest, isHeld]);
  return (
    <div
      role="status"
      aria-live="polite"
      className={css.toasts}
      onPointerEnter={() => hold(true)}
      onPointerLeave={() => hold(false)}
      onFocus={() => hold(true)}
      onBlur={() => hold(false)}
    >
      {shown.map(({ id, text: said, kind = "news", action }) => (
        <div key={id} className={`${css.toast} ${css[kind]}`}>
          <span className={css.text}>{said}</span>
          {action && (
            <button
              type="button"
              className={css.action}
              onClick={() => {
                drop(id);
                action.onSelect();
              }}
            >
              {action.label}
            </button>
          )}
          <IconButton label={text.common.close} icon={<X />} onClick={() => drop(id)} />
        </div>
      ))}
    </div>
  );
}
