// What stands where something is still to come: a turning ring, and bars in the shape of text. Both appear only after a
// moment, so that what is there quickly does not flicker.
import type { ReactNode } from "react";
import { useText } from "../i18n/text.js";
import css from "./wait.module.css";

/** A ring. Says that something loads. */
export function Spinner({ size = "md" }: { size?: "sm" | "md" }): ReactNode {
  const text = useText();
  return <span role="status" aria-label={text.common.loading} className={`${css.spinner} ${css[size]}`} />;
}

/** A ring in the middle of whatever there is of room. */
export function Loading(): ReactNode {
  return (
    <div className={css.loading}>
      <Spinner />
    </div>
  );
}

/** Lines as of a list with pictures: `rows` of them. */
export function SkeletonRows({ rows = 8 }: { rows?: number }): ReactNode {
  const text = useText();
  return (
    <div role="status" aria-label={text.common.loading} className={css.rows}>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <div key={row} className={css.row}>
          <span className={css.circle} />
          <span className={css.bars}>
            <span className={css.bar} />
            <span className={css.bar} />
          </span>
        </div>
      ))}
    </div>
  );
}
