// When something was, as short as it can be told: today the time, then "yesterday", the weekday, the date.
import { useSyncExternalStore } from "react";

const DAY_MS = 86_400_000;

function dayOf(ts: number): number {
  const date = new Date(ts);
  return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / DAY_MS;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language} ${JSON.stringify(options)}`;
  let found = formats.get(key);
  if (found === undefined) {
    found = new Intl.DateTimeFormat(language, options);
    formats.set(key, found);
  }
  return found;
}

const relative = new Map<string, string>();

function yesterday(language: string): string {
  let word = relative.get(language);
  if (word === undefined) {
    word = new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(-1, "day");
    relative.set(language, word);
  }
  return word;
}

/** `ts` as a list shows it at the time `now`. */
export function shortWhen(ts: number, now: number, language: string): string {
  const days = dayOf(now) - dayOf(ts);
  if (days <= 0) return format(language, { timeStyle: "short" }).format(ts);
  if (days === 1) return yesterday(language);
  if (days < 7) return format(language, { weekday: "short" }).format(ts);
  const isThisYear = new Date(ts).getFullYear() === new Date(now).getFullYear();
  if (isThisYear) return format(language, { day: "numeric", month: "short" }).format(ts);
  return format(language, { dateStyle: "short" }).format(ts);
}

/** `ts` in full, for who asks. */
export function longWhen(ts: number, language: string): string {
  return format(language, { dateStyle: "full", timeStyle: "short" }).format(ts);
}

const TICK_MS = 30_000;
let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | null = null;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    // Only what the day, or what is muted for a time, decides depends on it.
    now = Date.now();
    for (const told of [...listeners]) told();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

/** The time, to half a minute. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}
