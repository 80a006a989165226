// Lengths of time that are offered to choose from, and how they are said.

const HOUR = 3_600;
const DAY = 24 * HOUR;

/** For how long somebody is muted; `null` for good. */
export const MUTE_SECONDS: readonly (number | null)[] = [HOUR, 8 * HOUR, DAY, 7 * DAY, null];

/** How long messages stay; `null` for ever. */
export const TIMER_SECONDS: readonly (number | null)[] = [null, 300, HOUR, DAY, 7 * DAY, 30 * DAY, 90 * DAY];

/** Time between two messages of a member. */
export const SLOW_MODE_SECONDS: readonly number[] = [0, 10, 30, 60, 300, 900, HOUR];

/** How long an invite is good. */
export const INVITE_SECONDS: readonly number[] = [HOUR, DAY, 7 * DAY, 30 * DAY];

/** How many may come in by an invite; `null` for any number. */
export const INVITE_USES: readonly (number | null)[] = [null, 1, 5, 25, 100];

const UNITS = [
  ["day", DAY],
  ["hour", HOUR],
  ["minute", 60],
  ["second", 1],
] as const;

/** A length of time in words, in the largest unit that says it exactly: "8 hours". */
export function durationText(seconds: number, language: string): string {
  const [unit, size] = UNITS.find(([, size]) => seconds >= size && seconds % size === 0) ?? (["second", 1] as const);
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(seconds / size);
}

/** The choices, with one among them that is not of the usual ones. */
export function withChoice<T>(choices: readonly T[], chosen: T): readonly T[] {
  return choices.includes(chosen) ? choices : [...choices, chosen];
}
