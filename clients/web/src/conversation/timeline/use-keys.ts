// The keys of the timeline: arrows move from message to message, which are one stop of the Tab key together;
// letters do what is done most about the one that has the focus.
import type { LoggedMessage } from "@parlor/client";
import {
  type FocusEvent,
  type KeyboardEvent,
  type RefObject,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import type { VirtualizerHandle } from "virtua";
import { useChat } from "../chat.js";
import { emptiness } from "../message/message-content.js";
import type { Row } from "./rows.js";

export interface Keys {
  /** The row at which the Tab key stops. */
  readonly stop: number;
  /** Rows that stay in the page though they are out of sight. */
  readonly mounted: readonly number[];
  readonly onKeyDown: (event: KeyboardEvent) => void;
  readonly onFocus: (event: FocusEvent) => void;
}

const PAGE_ROWS = 10;

/** How far an arrow moves; `null` if it is none. */
function stepOf(key: string, count: number): number | null {
  switch (key) {
    case "ArrowUp":
      return -1;
    case "ArrowDown":
      return 1;
    case "PageUp":
      return -PAGE_ROWS;
    case "PageDown":
      return PAGE_ROWS;
    case "Home":
      return -count;
    case "End":
      return count;
    default:
      return null;
  }
}

export function useKeys(
  rows: readonly Row[],
  list: RefObject<VirtualizerHandle | null>,
  box: RefObject<HTMLElement | null>,
): Keys {
  const { acts, me } = useChat();
  const [at, setAt] = useState<string | null>(null);
  const wanted = useRef<string | null>(null);
  const found = useMemo(() => (at === null ? -1 : rows.findLastIndex(({ key }) => key === at)), [rows, at]);
  const stop = found === -1 ? rows.length - 1 : found;
  const mounted = useMemo(() => (found === -1 ? [] : [found]), [found]);

  const elementOf = useCallback(
    (key: string) => box.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`) ?? null,
    [box],
  );
  // A row that was out of sight is there now.
  useEffect(() => {
    if (wanted.current === null || wanted.current !== at) return;
    elementOf(wanted.current)?.focus({ preventScroll: true });
    wanted.current = null;
  });

  const moveTo = (index: number) => {
    const key = rows[index]?.key;
    if (key === undefined) return;
    list.current?.scrollToIndex(index, { align: "nearest" });
    wanted.current = key;
    setAt(key);
    elementOf(key)?.focus({ preventScroll: true });
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const { target, key } = event;
    if (!(target instanceof HTMLElement) || target.tagName !== "ARTICLE") return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = rows[stop];
    if (row === undefined) return;
    const message = row.kind === "said" ? row.message : null;
    const step = stepOf(key, rows.length);
    if (step !== null) moveTo(Math.max(0, Math.min(stop + step, rows.length - 1)));
    // Nothing can be done about what happened.
    else if (message === null) return;
    else if (key === "Enter" || key === "ContextMenu") acts.openMenu(message, target.getBoundingClientRect());
    else if (message.state !== "sent" || !pressed(key, message, target)) return;
    event.preventDefault();
    event.stopPropagation();
  };

  /** Whether a letter did anything. */
  const pressed = (key: string, message: LoggedMessage, target: HTMLElement): boolean => {
    const isGone = emptiness(message) !== null;
    if (key === " ") acts.select(message);
    else if (key === "Delete") acts.remove([message]);
    else if (isGone) return false;
    else if (key === "r") acts.reply(message);
    else if (key === "e" && message.from === me) acts.edit(message);
    else if (key === "+") acts.openPicker(message, target.getBoundingClientRect());
    else if (key === "f") acts.forward([message]);
    else return false;
    return true;
  };

  const onFocus = useCallback((event: FocusEvent) => {
    const key =
      event.target instanceof HTMLElement ? event.target.closest<HTMLElement>("article")?.dataset.key : undefined;
    if (key !== undefined) setAt(key);
  }, []);

  return { stop, mounted, onKeyDown, onFocus };
}
