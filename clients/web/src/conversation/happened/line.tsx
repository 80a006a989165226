// A quiet line of the timeline that says what happened between messages, with the day or the unread line that begins
// with it.
import { lazy, memo, type ReactNode, Suspense, useId } from "react";
import { useLanguage } from "../../i18n/text.js";
import { Beginning } from "../timeline/beginning.js";
import type { HappenedRow } from "../timeline/rows.js";
import { fullTimeOf } from "../times.js";
import css from "./line.module.css";

const Words = lazy(() => import("./words.js"));

export interface LineProps {
  readonly row: HappenedRow;
  /** Whether the Tab key stops here. */
  readonly isStop: boolean;
  /** Whether it was jumped to just now. */
  readonly isMarked: boolean;
}

export const Line = memo(function Line({ row, isStop, isMarked }: LineProps): ReactNode {
  const language = useLanguage();
  const id = useId();
  const time = fullTimeOf(language, row.ts);
  return (
    <>
      <Beginning row={row} />
      <article
        className={css.row}
        data-key={row.key}
        data-marked={isMarked}
        tabIndex={isStop ? 0 : -1}
        aria-labelledby={id}
      >
        <div id={id} className={css.line} title={time}>
          <LineWords row={row} />
        </div>
        <span className="visually-hidden">{time}</span>
      </article>
    </>
  );
});

/** What it says. There is room for a line of it until the words are there. */
export function LineWords({ row }: { row: HappenedRow }): ReactNode {
  return (
    <Suspense>
      <Words happenings={row.happenings} />
    </Suspense>
  );
}
