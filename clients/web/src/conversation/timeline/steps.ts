// Rows that change at both ends at once are drawn in two steps: the virtual list keeps what is seen in its place when
// rows come before the first, and takes all that are new for such.
import { useLayoutEffect, useReducer, useRef } from "react";
import type { Row } from "./rows.js";

/** What is drawn next. */
export interface Step {
  readonly rows: readonly Row[];
  /** Rows came before those that were first, and nothing else changed. */
  readonly isPrepended: boolean;
}

/** The next step from the rows that are drawn towards others. It is the last one if it has all of them. */
export function stepTowards(drawn: readonly Row[], rows: readonly Row[]): Step {
  const first = drawn[0]?.key;
  const older = first === undefined ? -1 : rows.findIndex(({ key }) => key === first);
  if (older <= 0) return { rows, isPrepended: false };
  const kept = rows.length - older;
  if (kept < drawn.length) return { rows: rows.slice(older), isPrepended: false };
  return { rows: kept === drawn.length ? rows : rows.slice(0, older + drawn.length), isPrepended: true };
}

/** What to draw now of these rows. The steps follow each other before anything is seen of them. */
export function useSteps(rows: readonly Row[]): Step {
  const drawn = useRef<readonly Row[]>([]);
  const [, next] = useReducer((count: number) => count + 1, 0);
  const step = stepTowards(drawn.current, rows);
  useLayoutEffect(() => {
    drawn.current = step.rows;
    if (step.rows !== rows) next();
  });
  return step;
}
