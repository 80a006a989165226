// Tabs: views of one thing beside each other, of which one is shown. Arrow keys go from one to the next.
import { type KeyboardEvent, type ReactNode, useId, useRef } from "react";
import css from "./tabs.module.css";

export interface Tab<T extends string> {
  readonly value: T;
  readonly label: string;
  /** A number beside the label, where it is not nought. */
  readonly count?: number;
}

export interface TabsProps<T extends string> {
  /** What the tabs are of. */
  readonly label: string;
  readonly tabs: readonly Tab<T>[];
  readonly value: T;
  readonly onChange: (value: T) => void;
  /** What the chosen tab shows. */
  readonly children: ReactNode;
  readonly className?: string;
}

export function Tabs<T extends string>({
  label,
  tabs,
  value,
  onChange,
  children,
  className = "",
}: TabsProps<T>): ReactNode {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const keyed = (event: KeyboardEvent) => {
    const at = tabs.findIndex((tab) => tab.value === value);
    const forwards = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const isSideways = event.key === "ArrowLeft" || event.key === "ArrowRight";
    const step = event.key === forwards ? 1 : -1;
    const to = event.key === "Home" ? 0 : event.key === "End" ? tabs.length - 1 : isSideways ? at + step : null;
    if (to === null) return;
    event.preventDefault();
    const index = (to + tabs.length) % tabs.length;
    const next = tabs[index];
    if (next === undefined) return;
    onChange(next.value);
    list.current?.querySelectorAll<HTMLElement>('[role="tab"]')[index]?.focus();
  };
  return (
    <div className={`${css.tabs} ${className}`}>
      <div ref={list} role="tablist" aria-label={label} className={css.list} onKeyDown={keyed}>
        {tabs.map((tab) => (
          <button
            key={tab.value}
            type="button"
            role="tab"
            id={`${id}-${tab.value}`}
            aria-selected={tab.value === value}
            aria-controls={`${id}-panel`}
            tabIndex={tab.value === value ? 0 : -1}
            className={css.tab}
            onClick={() => onChange(tab.value)}
          >
            {tab.label}
            {tab.count !== undefined && tab.count > 0 && <span className={css.count}>{tab.count}</span>}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${value}`} className={css.panel}>
        {children}
      </div>
    </div>
  );
}
