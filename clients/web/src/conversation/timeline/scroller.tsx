// The messages of one piece of the log and what happened between them, of which only those near the window are in the page. Asks for more where
// what is loaded ends, and goes where it is told.
import type { ParlorError } from "@parlor/client";
import {
  type ReactNode,
  type Ref,
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { useLanguage, useText } from "../../i18n/text.js";
import { Button } from "../../ui/button.js";
import { Spinner } from "../../ui/wait.js";
import { Line } from "../happened/line.js";
import { MessageRow } from "../message/message-row.js";
import { dayNameOf } from "../times.js";
import type { Row } from "./rows.js";
import css from "./scroller.module.css";
import { useSteps } from "./steps.js";
import { belowOf, useHold } from "./use-hold.js";
import { useKeys } from "./use-keys.js";
import type { Jump, Seen } from "./use-place.js";

/** What the timeline tells a scroller. */
export interface ScrollerHandle {
  readonly toEnd: (how?: "smooth" | "instant") => void;
}

export interface ScrollerProps {
  readonly ref?: Ref<ScrollerHandle>;
  readonly label: string;
  readonly rows: readonly Row[];
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
  readonly isLoading: boolean;
  readonly error: ParlorError | null;
  readonly loadOlder: () => Promise<void>;
  readonly loadNewer: () => Promise<void>;
  readonly jump: Jump | null;
  readonly selection: ReadonlySet<string> | null;
  /**
   * What is on the screen: the last row of which enough is seen, whether that is the end, and what is seen first,
   * which is to stay where it is; `null` where the end is followed.
   */
  readonly onSeen: (row: Row, isAtEnd: boolean, first: Seen | null) => void;
}

/** So near to the end counts as being there. */
const END_PX = 48;
/** So near to an end more is loaded. */
const LOAD_PX = 1_200;
/** So much of a message has to be seen. */
const SEEN_PX = 24;
const MARKED_MS = 2_000;
const DAY_SHOWN_MS = 1_400;

export function Scroller(props: ScrollerProps): ReactNode {
  const { label, hasOlder, hasNewer, isLoading, error, loadOlder, loadNewer, jump, selection, onSeen } = props;
  const { rows, isPrepended } = useSteps(props.rows);
  const list = useRef<VirtualizerHandle>(null);
  const box = useRef<HTMLDivElement>(null);
  const text = useText();
  const language = useLanguage();
  const hold = useHold(box, list);
  const isPlaced = useRef(false);
  // Rows are there once it is known how high the box is: until then there is an empty feed.
  const [isDrawn, setDrawn] = useState(false);
  const [day, setDay] = useState<{ readonly ts: number; readonly isShown: boolean } | null>(null);
  const [marked, setMarked] = useState<string | null>(null);
  const keys = useKeys(rows, list, box);

  const toEnd = useCallback(
    (how: "smooth" | "instant" = "instant") => {
      if (how === "instant") hold.take("end");
      else list.current?.scrollToIndex(rows.length - 1, { align: "end", smooth: true });
    },
    [hold, rows.length],
  );
  useImperativeHandle(props.ref, () => ({ toEnd }), [toEnd]);

  // What the page says of where it is, since the list hears of scrolling later.
  const look = useCallback(() => {
    const [{ current: sizes }, { current: element }] = [list, box];
    if (sizes === null || element === null || rows.length === 0 || !isPlaced.current) return;
    const { scrollTop, clientHeight } = element;
    const below = belowOf(element);
    const last = rows[Math.min(sizes.findItemIndex(scrollTop + clientHeight - SEEN_PX), rows.length - 1)];
    const index = Math.min(sizes.findItemIndex(scrollTop), rows.length - 1);
    const seq = hold.isEnd() ? null : (rows[index]?.seq ?? null);
    const first = seq !== null ? { seq, top: sizes.getItemOffset(index) - scrollTop } : null;
    if (last !== undefined) onSeen(last, !hasNewer && below <= END_PX, first);
    if (isLoading || error !== null) return;
    if (hasOlder && scrollTop < LOAD_PX) void loadOlder();
    else if (hasNewer && below < LOAD_PX) void loadNewer();
  }, [rows, hasOlder, hasNewer, isLoading, error, loadOlder, loadNewer, onSeen, hold]);

  const dayTimer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(dayTimer.current), []);
  const onScroll = (offset: number) => {
    const { current } = list;
    if (current === null) return;
    hold.scrolled();
    const top = rows[current.findItemIndex(offset + SEEN_PX)];
    if (top !== undefined) setDay(hold.isEnd() ? null : { ts: top.ts, isShown: true });
    clearTimeout(dayTimer.current);
    dayTimer.current = setTimeout(() => setDay((now) => now && { ...now, isShown: false }), DAY_SHOWN_MS);
    look();
  };
  const onResize = () => {
    if (!isDrawn) setDrawn(box.current?.querySelector("article") !== null);
    hold.resized();
    look();
  };

  // Where it begins: at what was jumped to, at what is unread, or at the end.
  const placed = useRef<Jump | null>(null);
  useLayoutEffect(() => {
    if (rows.length === 0) return;
    hold.rowsChanged(rows, { isPrepended, hasEnd: !hasNewer });
    if (jump !== null && jump !== placed.current) {
      placed.current = jump;
      isPlaced.current = true;
      const key = rows[indexOf(rows, jump)]?.key ?? null;
      if (key !== null) hold.take({ key, top: jump.top ?? "middle" });
      if (jump.top === undefined) setMarked(key);
    } else if (!isPlaced.current) {
      isPlaced.current = true;
      const unread = rows.find(({ beginsUnread }) => beginsUnread);
      hold.take(unread === undefined ? "end" : { key: unread.key, top: 0 });
    }
  }, [rows, isPrepended, hasNewer, jump, hold]);

  useEffect(look, [look]);
  useEffect(() => {
    if (marked === null) return;
    const timer = setTimeout(() => setMarked(null), MARKED_MS);
    return () => clearTimeout(timer);
  }, [marked]);

  return (
    <div className={css.frame}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: its articles have the focus */}
      <div ref={box} className={css.box} onKeyDown={keys.onKeyDown} onFocus={keys.onFocus} tabIndex={-1}>
        <div className={css.top}>
          {error !== null ? (
            <Button kind="quiet" onClick={() => void loadOlder()}>
              {text.conversation.loadFailed}
            </Button>
          ) : (
            isLoading && <Spinner size="sm" />
          )}
        </div>
        <div role="feed" aria-label={label} aria-busy={isLoading || !isDrawn} className={css.feed}>
          <Virtualizer
            ref={list}
            scrollRef={box}
            data={rows}
            shift={isPrepended}
            bufferSize={600}
            keepMounted={keys.mounted}
            onScroll={onScroll}
            onResize={onResize}
          >
            {(row, index) =>
              row.kind === "said" ? (
                <MessageRow
                  key={row.key}
                  row={row}
                  isStop={index === keys.stop}
                  isMarked={row.key === marked}
                  isSelected={selection === null ? null : selection.has(row.key)}
                />
              ) : (
                <Line key={row.key} row={row} isStop={index === keys.stop} isMarked={row.key === marked} />
              )
            }
          </Virtualizer>
        </div>
      </div>
      {day !== null && (
        <div className={css.day} data-shown={day.isShown} aria-hidden="true">
          <span>{dayNameOf(language, day.ts)}</span>
        </div>
      )}
    </div>
  );
}

/** The row that a jump leads to: the one that has it, or the first of later ones; the last if there is none. */
function indexOf(rows: readonly Row[], { goal }: Jump): number {
  const found =
    "seq" in goal
      ? rows.findIndex(({ seq }) => seq === null || seq >= goal.seq)
      : rows.findIndex(({ ts }) => ts >= goal.ts);
  return found === -1 ? rows.length - 1 : found;
}
