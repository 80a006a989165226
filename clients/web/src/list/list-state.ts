// How the list is being looked at: what outlives the list itself, which is hidden on narrow screens.
import type { Observable } from "@parlor/client";
import { useSyncExternalStore } from "react";
import { go, parseRoute } from "../app/route.js";
import type { Filter } from "./arrange.js";

export interface ListState {
  readonly filter: Filter;
  readonly isArchiveOpen: boolean;
  /** What is searched for; empty for nothing. */
  readonly query: string;
}

class ListStore implements Observable<ListState> {
  #value: ListState = { filter: "all", isArchiveOpen: false, query: "" };
  readonly #listeners = new Set<() => void>();

  readonly get = (): ListState => this.#value;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  set(changed: Partial<ListState>): void {
    this.#value = { ...this.#value, ...changed };
    for (const listener of [...this.#listeners]) listener();
  }
}

export const listState = new ListStore();

export function useListState(): ListState {
  return useSyncExternalStore(listState.subscribe, listState.get);
}

/** Puts the focus into the search above the list, wherever one is. */
export function focusSearch(): void {
  if (parseRoute(location.hash).name === "new") go({ name: "home" });
  const focus = () => {
    const field = document.querySelector<HTMLInputElement>("#list-search");
    if (field === null || !field.checkVisibility()) return false;
    field.focus();
    field.select();
    return true;
  };
  if (focus()) return;
  // Where there is one pane alone, the list comes first.
  if (parseRoute(location.hash).name !== "home") go({ name: "home" });
  setTimeout(focus, 50);
}
