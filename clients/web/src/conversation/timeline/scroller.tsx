// The messages of one piece of the log, of which only those near the window are in the page. Keeps to the end
// while it is there, keeps its place when older ones come, and goes where it is told.
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
import { MessageRow } from "../message/message-row.js";
import { dayNameOf } from "../times.js";
import { indexFrom } from "./loaded.js";
import type { Row } from "./rows.js";
import css from "./scroller.module.css";
import { useKeys } from "./use-keys.js";
import type { Jump } from "./use-place.js";

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
  /** What is on the screen: the last row of which enough is seen, and whether that is the end. */
  readonly onSeen: (row: Row, isAtEnd: boolean) => void;
}

/** So near to the end counts as being there. */
const END_PX = 48;
/** So near to an end more is loaded. */
const LOAD_PX = 1_200;
/** So much of a message has to be seen. */
const SEEN_PX = 24;
/** So long after the wheel, a finger or a key, what scrolls is scrolled by hand. */
const HAND_MS = 1_000;
const MARKED_MS = 2_000;
const DAY_SHOWN_MS = 1_400;

export function Scroller(props: ScrollerProps): ReactNode {
  const { label, rows, hasOlder, hasNewer, isLoading, error, loadOlder, loadNewer, jump, selection, onSeen } = props;
  const list = useRef<VirtualizerHandle>(null);
  const box = useRef<HTMLDivElement>(null);
  const text = useText();
  const language = useLanguage();
  const isSticking = useRef(jump === null);
  const isPlaced = useRef(false);
  const lastOffset = useRef(0);
  const touchedAt = useRef(Number.NEGATIVE_INFINITY);
  const touched = () => {
    touchedAt.current = performance.now();
  };
  const [day, setDay] = useState<{ readonly ts: number; readonly isShown: boolean } | null>(null);
  const [marked, setMarked] = useState<string | null>(null);
  const keys = useKeys(rows, list, box);

  // Older messages came before those that were first: whatever is seen stays where it is.
  const first = rows[0]?.message.key;
  const known = useRef({ first, count: rows.length });
  const isPrepended = known.current.first !== first && rows.length > known.current.count && known.current.count > 0;
  useLayoutEffect(() => {
    known.current = { first, count: rows.length };
  });

  const toEnd = useCallback(
    (how: "smooth" | "instant" = "instant") => {
      isSticking.current = true;
      list.current?.scrollToIndex(rows.length - 1, { align: "end", smooth: how === "smooth" });
    },
    [rows.length],
  );
  useImperativeHandle(props.ref, () => ({ toEnd }), [toEnd]);

  const look = useCallback(() => {
    const { current } = list;
    if (current === null || rows.length === 0 || !isPlaced.current) return;
    const { scrollOffset: offset, viewportSize, scrollSize } = current;
    const isAtEnd = !hasNewer && offset + viewportSize >= scrollSize - END_PX;
    // What begins with unread ones and fits the screen is at its end as well.
    if (isAtEnd) isSticking.current = true;
    const last = rows[Math.min(current.findItemIndex(offset + viewportSize - SEEN_PX), rows.length - 1)];
    if (last !== undefined) onSeen(last, isAtEnd);
    if (isLoading || error !== null) return;
    if (hasOlder && offset < LOAD_PX) void loadOlder();
    else if (hasNewer && offset + viewportSize > scrollSize - LOAD_PX) void loadNewer();
  }, [rows, hasOlder, hasNewer, isLoading, error, loadOlder, loadNewer, onSeen]);

  const dayTimer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(dayTimer.current), []);
  const onScroll = (offset: number) => {
    const { current } = list;
    if (current === null) return;
    // What grows is followed; only the user leaves the end. Sizes that turn out otherwise than guessed move it too.
    if (offset < lastOffset.current - 1 && performance.now() - touchedAt.current < HAND_MS) isSticking.current = false;
    lastOffset.current = offset;
    const top = rows[current.findItemIndex(offset + SEEN_PX)];
    if (top !== undefined) setDay(isSticking.current ? null : { ts: top.message.ts, isShown: true });
    clearTimeout(dayTimer.current);
    dayTimer.current = setTimeout(() => setDay((now) => now && { ...now, isShown: false }), DAY_SHOWN_MS);
    look();
  };
  const onResize = () => {
    if (isSticking.current && isPlaced.current) toEnd();
    look();
  };

  // Where it begins: at what was jumped to, at what is unread, or at the end.
  const placed = useRef<Jump | null>(null);
  useLayoutEffect(() => {
    const { current } = list;
    if (current === null || rows.length === 0) return;
    if (jump !== null && jump !== placed.current) {
      placed.current = jump;
      const index = indexOf(rows, jump);
      isSticking.current = false;
      isPlaced.current = true;
      current.scrollToIndex(index, { align: "center" });
      setMarked(rows[index]?.message.key ?? null);
    } else if (!isPlaced.current) {
      isPlaced.current = true;
      const unread = rows.findIndex(({ beginsUnread }) => beginsUnread);
      isSticking.current = unread === -1;
      current.scrollToIndex(unread === -1 ? rows.length - 1 : unread, { align: unread === -1 ? "end" : "start" });
    } else if (isSticking.current) toEnd();
  }, [rows, jump, toEnd]);

  useEffect(look, [look]);
  useEffect(() => {
    if (marked === null) return;
    const timer = setTimeout(() => setMarked(null), MARKED_MS);
    return () => clearTimeout(timer);
  }, [marked]);

  return (
    <div
      className={css.frame}
      onWheelCapture={touched}
      onTouchMoveCapture={touched}
      onKeyDownCapture={touched}
      onPointerDownCapture={touched}
      onPointerMoveCapture={(event) => {
        if (event.buttons !== 0) touched();
      }}
    >
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
        <div role="feed" aria-label={label} aria-busy={isLoading} className={css.feed}>
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
            {(row, index) => (
              <MessageRow
                key={row.message.key}
                row={row}
                isStop={index === keys.stop}
                isMarked={row.message.key === marked}
                isSelected={selection === null ? null : selection.has(row.message.key)}
              />
            )}
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

/** The row that a jump leads to: the message itself, or the first of later ones; the last if there is none. */
function indexOf(rows: readonly Row[], { goal }: Jump): number {
  const messages = rows.map(({ message }) => message);
  const found = "seq" in goal ? indexFrom(messages, goal.seq) : messages.findIndex(({ ts }) => ts >= goal.ts);
  return found === -1 ? rows.length - 1 : Math.min(found, rows.length - 1);
}
