// What was found, in sections, below the field that it was looked for in. The focus stays in the field: arrow keys choose,
// Enter opens.
import { type KeyboardEvent, type ReactNode, useEffect, useId, useState } from "react";
import css from "./results.module.css";

export interface Result {
  /** One for each result of all sections. */
  readonly key: string;
  readonly href: string;
  readonly content: ReactNode;
}

export interface Section {
  readonly key: string;
  /** What its results are; nothing is written where it is `null`. */
  readonly title: string | null;
  readonly results: readonly Result[];
  /** Below the results: that there are none, that some are still looked for, a button for more. */
  readonly note?: ReactNode;
}

/** What the field needs. */
export interface ComboboxProps {
  readonly role: "combobox";
  readonly "aria-expanded": boolean;
  readonly "aria-controls": string;
  readonly "aria-activedescendant": string | undefined;
  readonly "aria-autocomplete": "list";
  readonly onKeyDown: (event: KeyboardEvent) => void;
}

/** Choosing among the results. `onLeave` is for Escape. */
export function useResults(
  sections: readonly Section[],
  query: string,
  onLeave: () => void,
): { readonly field: ComboboxProps; readonly list: ReactNode } {
  const id = useId();
  const [active, setActive] = useState<string | null>(null);
  const results = sections.flatMap((section) => section.results);
  const at = results.findIndex(({ key }) => key === active);
  const idOf = (key: string) => `${id}-${results.findIndex((result) => result.key === key)}`;

  // biome-ignore lint/correctness/useExhaustiveDependencies: another question has another first answer
  useEffect(() => setActive(null), [query]);

  const choose = (index: number) => {
    const result = results[(index + results.length) % results.length];
    if (result === undefined) return;
    setActive(result.key);
    document.getElementById(idOf(result.key))?.scrollIntoView({ block: "nearest" });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "ArrowDown") choose(at + 1);
    else if (event.key === "ArrowUp") choose(at < 0 ? -1 : at - 1);
    else if (event.key === "Enter") {
      const result = results[Math.max(at, 0)];
      if (result !== undefined) location.hash = result.href;
    } else if (event.key === "Escape") onLeave();
    else return;
    event.preventDefault();
  };
  const list = (
    <div id={id} role="listbox" aria-label={query} className={css.results}>
      {sections
        .filter(({ results, note }) => results.length > 0 || note != null)
        .map(({ key, title, results, note }) => (
          // biome-ignore lint/a11y/useSemanticElements: a listbox has groups, and no fieldsets
          <div key={key} role="group" aria-labelledby={title === null ? undefined : `${id}-${key}`}>
            {title !== null && (
              <h2 id={`${id}-${key}`} className={css.title} role="presentation">
                {title}
              </h2>
            )}
            {results.map((result) => (
              <a
                key={result.key}
                id={idOf(result.key)}
                role="option"
                aria-selected={result.key === active}
                tabIndex={-1}
                className={css.result}
                href={result.href}
              >
                {result.content}
              </a>
            ))}
            {note}
          </div>
        ))}
    </div>
  );
  return {
    field: {
      role: "combobox",
      "aria-expanded": results.length > 0,
      "aria-controls": id,
      "aria-activedescendant": active === null || at < 0 ? undefined : idOf(active),
      "aria-autocomplete": "list",
      onKeyDown,
    },
    list,
  };
}
