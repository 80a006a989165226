// Times as people say them, in the user's language. Formats are made once for each language.
import type { LanguageCode } from "../i18n/languages.js";

function formats(language: LanguageCode) {
  return {
    time: new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" }),
    full: new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "short" }),
    short: new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }),
    weekday: new Intl.DateTimeFormat(language, { weekday: "long" }),
    thisYear: new Intl.DateTimeFormat(language, { weekday: "short", day: "numeric", month: "long" }),
    otherYear: new Intl.DateTimeFormat(language, { day: "numeric", month: "long", year: "numeric" }),
    relative: new Intl.RelativeTimeFormat(language, { numeric: "auto" }),
    list: new Intl.ListFormat(language, { type: "conjunction" }),
  };
}

const made = new Map<LanguageCode, ReturnType<typeof formats>>();

function of(language: LanguageCode): ReturnType<typeof formats> {
  const known = made.get(language) ?? formats(language);
  made.set(language, known);
  return known;
}

export function timeOf(language: LanguageCode, ts: number): string {
  return of(language).time.format(ts);
}

export function fullTimeOf(language: LanguageCode, ts: number): string {
  return of(language).full.format(ts);
}

/** Day and time: "12 May 2026, 14:05". */
export function shortTimeOf(language: LanguageCode, ts: number): string {
  return of(language).short.format(ts);
}

/** As little as says it: "14:05" today, else with the day. */
export function briefTimeOf(language: LanguageCode, ts: number, now = Date.now()): string {
  return daysBetween(ts, now) === 0 ? timeOf(language, ts) : shortTimeOf(language, ts);
}

export function listOf(language: LanguageCode, names: readonly string[]): string {
  return of(language).list.format(names);
}

/** The same in parts: each of the names, and what stands between them. */
export function listPartsOf(
  language: LanguageCode,
  names: readonly string[],
): ReturnType<Intl.ListFormat["formatToParts"]> {
  return of(language).list.formatToParts(names);
}

const DAY_MS = 86_400_000;

/** How many midnights lie between. */
function daysBetween(ts: number, now: number): number {
  return Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(ts).setHours(0, 0, 0, 0)) / DAY_MS);
}

function capitalized(language: LanguageCode, text: string): string {
  const [first = "", ...rest] = text;
  return first.toLocaleUpperCase(language) + rest.join("");
}

/** "Today", "Yesterday", "Monday", "Sat, 3 May", "3 May 2024". */
export function dayNameOf(language: LanguageCode, ts: number, now = Date.now()): string {
  const { relative, weekday, thisYear, otherYear } = of(language);
  const days = daysBetween(ts, now);
  if (days === 0 || days === 1) return capitalized(language, relative.format(-days, "day"));
  if (days > 1 && days < 7) return capitalized(language, weekday.format(ts));
  return new Date(ts).getFullYear() === new Date(now).getFullYear() ? thisYear.format(ts) : otherYear.format(ts);
}

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;

/** How long something lasts: "1 day", "30 minutes". */
export function durationOf(language: LanguageCode, seconds: number): string {
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? UNITS[3];
  const count = Math.round(seconds / size);
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(count);
}

/** "5 minutes ago", "yesterday". */
export function agoOf(language: LanguageCode, ts: number, now = Date.now()): string {
  const seconds = Math.max(0, Math.round((now - ts) / 1_000));
  const days = daysBetween(ts, now);
  const { relative } = of(language);
  if (days >= 7) return shortTimeOf(language, ts);
  if (days >= 1) return relative.format(-days, "day");
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? UNITS[3];
  return relative.format(-Math.round(seconds / size), unit);
}
