// Where the focus is after the place has changed: in what is new, and never lost.
import { useEffect, useRef } from "react";
import { hrefOf, type Route } from "./route.js";

/** Mobile browsers bring up a keyboard when a field is focused, which nobody asked for. */
function hasKeyboard(): boolean {
  return matchMedia("(hover: hover) and (pointer: fine)").matches;
}

/** Puts the focus into the middle: where one writes if there is such a place, else the page's title, else the whole. */
export function focusMain(): void {
  const main = document.getElementById("main");
  // What is replaced may still be there, hidden.
  const seen = (selector: string) =>
    [...(main?.querySelectorAll<HTMLElement>(selector) ?? [])].find((element) => element.checkVisibility());
  const target = (hasKeyboard() ? seen("[data-composer], form textarea") : null) ?? seen("[data-page-title]") ?? main;
  target?.focus({ preventScroll: true });
}

/** Puts the focus on the conversation that is open in the list, or on the first one. */
function focusList(key: string | null): void {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-conversation]")];
  const row = rows.find(({ dataset }) => dataset.conversation === key) ?? rows.find(({ tabIndex }) => tabIndex === 0);
  row?.focus();
}

/** Whether nothing has the focus, as when what had it is gone or hidden. */
function isLost(): boolean {
  const { activeElement } = document;
  return activeElement === null || activeElement === document.body || !activeElement.checkVisibility();
}

/** Moves the focus as the place changes. What is shown may take it for itself before. */
export function useFocusFollows(route: Route): void {
  const before = useRef(route);
  useEffect(() => {
    const last = before.current;
    before.current = route;
    if (hrefOf(last) === hrefOf(route)) return;
    const isSamePage = route.name === last.name && !("key" in route && "key" in last && route.key !== last.key);
    // What is loaded first takes it when it is there.
    const timer = setTimeout(() => {
      const isHome = route.name === "home" || (route.name === "new" && route.kind === "direct");
      if (isHome) {
        // What was left may still be there for a moment, and take the focus with it.
        const isLeft = last.name !== "home" && document.activeElement?.closest("#main") != null;
        if (isLost() || isLeft) focusList(last.name === "conversation" ? last.key : null);
      } else if (!isSamePage || isLost()) focusMain();
    });
    return () => clearTimeout(timer);
  }, [route]);
}
