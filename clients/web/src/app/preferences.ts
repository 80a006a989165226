// How the user wants this client to be, on this browser: kept in `localStorage`, the same in all tabs.
//
//   const { enterSends } = usePreferences();
//   preferences.set({ theme: "dark" });
import type { Observable } from "@parlor/client";
import { useSyncExternalStore } from "react";
import { isLanguageCode, type LanguageCode } from "../i18n/languages.js";

export const THEMES = ["system", "light", "dark"] as const;
export const TEXT_SIZES = ["small", "medium", "large", "huge"] as const;
export const DENSITIES = ["comfortable", "compact"] as const;

export interface Preferences {
  readonly theme: (typeof THEMES)[number];
  /** `null` for what the browser asks for. */
  readonly language: LanguageCode | null;
  readonly textSize: (typeof TEXT_SIZES)[number];
  readonly density: (typeof DENSITIES)[number];
  /** Whether Enter sends and Shift+Enter begins a line, or Enter begins a line and Ctrl+Enter sends. */
  readonly enterSends: boolean;
  /** Whether to tell of messages while the page is not looked at. Takes the browser's permission as well. */
  readonly notifications: boolean;
  /** Whether what is told says who wrote what. */
  readonly notificationPreviews: boolean;
  readonly notificationSound: boolean;
}

export const DEFAULTS: Preferences = {
  theme: "system",
  language: null,
  textSize: "medium",
  density: "comfortable",
  enterSends: true,
  notifications: false,
  notificationPreviews: true,
  notificationSound: false,
};

const KEY = "parlor.preferences";

function oneOf<T>(values: readonly T[], value: unknown, otherwise: T): T {
  return values.find((known) => known === value) ?? otherwise;
}

/** Reads what was kept: what is missing or makes no sense is as at first. */
export function parsePreferences(kept: string | null): Preferences {
  let value: unknown = null;
  try {
    value = JSON.parse(kept ?? "null");
  } catch {
    // Not ours, or damaged.
  }
  const given = (typeof value === "object" && value !== null ? value : {}) as Partial<
    Record<keyof Preferences, unknown>
  >;
  const flag = (name: "enterSends" | "notifications" | "notificationPreviews" | "notificationSound") =>
    oneOf([true, false], given[name], DEFAULTS[name]);
  return {
    theme: oneOf(THEMES, given.theme, DEFAULTS.theme),
    language: isLanguageCode(given.language) ? given.language : null,
    textSize: oneOf(TEXT_SIZES, given.textSize, DEFAULTS.textSize),
    density: oneOf(DENSITIES, given.density, DEFAULTS.density),
    enterSends: flag("enterSends"),
    notifications: flag("notifications"),
    notificationPreviews: flag("notificationPreviews"),
    notificationSound: flag("notificationSound"),
  };
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** The preferences, live. */
class PreferenceStore implements Observable<Preferences> {
  #value = parsePreferences(stored());
  readonly #listeners = new Set<() => void>();

  constructor() {
    // Another tab has changed them.
    addEventListener("storage", ({ key, newValue }) => {
      if (key === KEY) this.#take(parsePreferences(newValue));
    });
  }

  readonly get = (): Preferences => this.#value;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Changes those that are given. */
  set(changed: Partial<Preferences>): void {
    const value = { ...this.#value, ...changed };
    try {
      localStorage.setItem(KEY, JSON.stringify(value));
    } catch {
      // Without storage they hold until the page is left.
    }
    this.#take(value);
  }

  #take(value: Preferences): void {
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  }
}

export const preferences = new PreferenceStore();

export function usePreferences(): Preferences {
  return useSyncExternalStore(preferences.subscribe, preferences.get);
}

/** Tells the page how to look: `tokens.css` has what the attributes mean. */
export function applyPreferences(root: HTMLElement, { theme, textSize, density }: Preferences): void {
  const shown = { theme: theme === "system" ? null : theme, textSize, density };
  for (const [name, value] of Object.entries(shown)) {
    if (value === null) delete root.dataset[name];
    else root.dataset[name] = value;
  }
}
