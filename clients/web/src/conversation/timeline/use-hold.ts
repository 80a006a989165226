// What stays where it is on the screen while messages come and sizes turn out otherwise than guessed: the end, one
// message, or, where somebody scrolls, whatever is seen.
//
// It is let go by hand alone. What was scrolled by hand is told from what was moved here by where things were put, and
// not by a clock: a busy machine tells of it long after, and in any order with what else happens.
import { type RefObject, useCallback, useMemo, useRef } from "react";
import type { VirtualizerHandle } from "virtua";
import type { Row } from "./rows.js";

/** What is held: the end, or a message by its key, in the middle of the screen or so far below its top. */
export type Held = "end" | { readonly key: string; readonly top: number | "middle" } | null;

/** What is said of rows that have changed. */
export interface RowsChange {
  /** Older ones came before those that were first, and nothing else changed. */
  readonly isPrepended: boolean;
  /** Whether what is said next stands behind the last of them, and so is followed. */
  readonly hasEnd: boolean;
}

export interface Hold {
  /** Holds something from now on. */
  readonly take: (held: Held) => void;
  /** Whether the end is held. */
  readonly isEnd: () => boolean;
  /** Other rows are drawn. */
  readonly rowsChanged: (rows: readonly Row[], how: RowsChange) => void;
  /** Sizes have turned out otherwise, and what moved for that has moved. */
  readonly resized: () => void;
  /** The box was scrolled, by whomever. */
  readonly scrolled: () => void;
}

/** So near to the end counts as being there, for who comes from above. */
const END_PX = 48;
/** Browsers round where they scroll to. */
const ROUNDED_PX = 1;
/** So far from where it belongs may what is held be while rows above it turn out larger or smaller. */
const RESIZED_PX = 16;

/** How far the end is below what is seen. */
export function belowOf({ scrollTop, clientHeight, scrollHeight }: HTMLElement): number {
  return scrollHeight - clientHeight - scrollTop;
}

export function useHold(box: RefObject<HTMLElement | null>, list: RefObject<VirtualizerHandle | null>): Hold {
  const held = useRef<Held>(null);
  const rows = useRef<readonly Row[]>([]);
  const hasEnd = useRef(false);
  /** Where the box was put, or was seen to be, and where the row that is held was then among all rows. */
  const put = useRef({ top: 0, size: 0, below: Number.POSITIVE_INFINITY, offset: 0 });

  const place = useCallback(() => {
    const [{ current: to }, { current: element }, { current: sizes }] = [held, box, list];
    if (element === null || sizes === null) return;
    const index = indexOf(rows.current, to);
    const offset = index === -1 ? 0 : sizes.getItemOffset(index);
    if (to === "end") element.scrollTop = element.scrollHeight;
    else if (to !== null && index !== -1) {
      const top = to.top === "middle" ? (element.clientHeight - sizes.getItemSize(index)) / 2 : to.top;
      element.scrollTop = offset - top;
    }
    put.current = { top: element.scrollTop, size: sizes.scrollSize, below: belowOf(element), offset };
  }, [box, list]);

  return useMemo(
    () => ({
      take: (to) => {
        held.current = to;
        place();
      },
      isEnd: () => held.current === "end",
      rowsChanged: (changed, how) => {
        const [{ current: element }, { current: sizes }] = [box, list];
        rows.current = changed;
        hasEnd.current = how.hasEnd;
        if (element === null || sizes === null) return;
        const { top, size, below, offset } = put.current;
        // Someone may have scrolled since, which is told later. So may the list itself, where rows came before what is
        // held or turned out otherwise: as far as what is held was moved by that, or as the end was.
        const index = indexOf(changed, held.current);
        const grown = sizes.scrollSize - size;
        const prepended = how.isPrepended ? grown : 0;
        const moved = index === -1 ? prepended : sizes.getItemOffset(index) - offset;
        const isResized = Math.abs(moved - prepended) > ROUNDED_PX;
        const isAway = isResized
          ? isLeft(element, held.current, top + moved, RESIZED_PX) &&
            isLeft(element, held.current, top + grown, RESIZED_PX)
          : isLeft(element, held.current, top + moved);
        if (isAway) held.current = null;
        // A message that is held where the end is seen too must not hide what is said next.
        else if (held.current !== null && how.hasEnd && !how.isPrepended && below <= ROUNDED_PX) held.current = "end";
        place();
      },
      resized: place,
      scrolled: () => {
        const { current: element } = box;
        if (element === null) return;
        const { top } = put.current;
        const isDown = element.scrollTop > top + ROUNDED_PX;
        if (isLeft(element, held.current, top)) held.current = null;
        else if (hasEnd.current && belowOf(element) <= (isDown ? END_PX : ROUNDED_PX)) held.current ??= "end";
        put.current = { ...put.current, top: element.scrollTop, below: belowOf(element) };
      },
    }),
    [box, list, place],
  );
}

/** Which row is held; -1 if none is. */
function indexOf(rows: readonly Row[], held: Held): number {
  return held === null || held === "end" ? -1 : rows.findIndex(({ key }) => key === held.key);
}

/** Whether what is held is no longer where it was put: someone has scrolled. */
function isLeft(element: HTMLElement, held: Held, top: number, apart = ROUNDED_PX): boolean {
  if (held === null) return false;
  const moved = element.scrollTop - top;
  // Where there is less than was thought, the browser moves up by itself, to the end.
  if (held === "end") return moved < -ROUNDED_PX && belowOf(element) > ROUNDED_PX;
  return Math.abs(moved) > apart;
}
