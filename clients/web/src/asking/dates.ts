// Moments in words.

/** A moment that means "for good", and from when on any does. */
export const FOR_GOOD = Date.UTC(9999, 0);
const FAR = Date.UTC(9000, 0);

export function isForGood(ts: number): boolean {
  return ts >= FAR;
}

/** Day and time: "12 May 2026, 14:05". */
export function momentText(ts: number, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(ts);
}

const UNITS = [
  ["year", 365 * 86_400_000],
  ["month", 30 * 86_400_000],
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;

/** How long ago, or ahead: "3 hours ago". */
export function distanceText(ts: number, now: number, language: string): string {
  const distance = ts - now;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(distance) >= size) ?? (["minute", 60_000] as const);
  const count = Math.trunc(distance / size);
  return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(count, unit);
}

/** What a field for a moment (`datetime-local`) holds for it, in the browser's time. */
export function momentValue(ts: number): string {
  const at = new Date(ts);
  const local = new Date(ts - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

/** The moment that such a field holds; `null` if it is empty, or no moment. */
export function momentOf(value: string): number | null {
  const ts = new Date(value).getTime();
  return value === "" || Number.isNaN(ts) ? null : ts;
}
