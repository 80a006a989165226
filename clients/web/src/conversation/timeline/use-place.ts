// Which piece of the log the timeline shows: its live end, or a place in the past that was jumped to, or that was seen
// when what was loaded was replaced by something else.
import type { Conversation, Observable, PastTimeline, PastView, TimelineView } from "@parlor/client";
import { useObservable, useParlor } from "@parlor/react";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useAttempt } from "../../app/errors.js";
import { calm } from "./calm.js";
import { messageAt, remains } from "./loaded.js";

/** Where to jump to. */
export type Goal = { readonly seq: number } | { readonly ts: number };

/** A jump: the same place twice is two of them. */
export interface Jump {
  readonly goal: Goal;
  /** How far below the top it is put; without, it is put in the middle, and marked. */
  readonly top?: number;
}

/** What is seen first, by its number, and how far below the top. */
export interface Seen {
  readonly seq: number;
  readonly top: number;
}

export interface PlaceView {
  /** Another text for each piece, so that what scrolls begins anew with it. */
  readonly key: string;
  readonly view: TimelineView;
  /** Whether there are newer messages that this piece does not hold yet. */
  readonly hasNewer: boolean;
  readonly isPast: boolean;
  readonly loadOlder: () => Promise<void>;
  readonly loadNewer: () => Promise<void>;
  /** Where in it to go. */
  readonly jump: Jump | null;
  readonly isJumping: boolean;
  readonly jumpTo: (goal: Goal) => void;
  /** Back to the live end. */
  readonly toEnd: () => void;
  /** What is seen is kept where it is, whatever becomes of what is loaded; at the end there is nothing to keep. */
  readonly keep: (seen: Seen | null) => void;
}

interface Piece {
  readonly key: string;
  /** `null` for the live end. */
  readonly past: PastTimeline | null;
}

const done = () => Promise.resolve();
let pieces = 0;

function pieceOf(past: PastTimeline | null): Piece {
  pieces += 1;
  return { key: `piece-${pieces}`, past };
}

export function usePlace(conversation: Conversation): PlaceView {
  const [{ key, past }, setPiece] = useState<Piece>(() => pieceOf(null));
  const [jump, setJump] = useState<Jump | null>(null);
  const [isJumping, setJumping] = useState(false);
  const attempt = useAttempt();
  const me = useParlor().userId;
  // The live end stays open, so that it is there when one comes back to it.
  const live = useObservable(useMemo(() => calm(conversation.messages), [conversation]));
  const source: Observable<TimelineView | PastView> = past ?? conversation.messages;
  const now = useObservable(useMemo(() => calm(source), [source]));
  useEffect(() => () => past?.close(), [past]);
  // Only the last of several jumps counts, and none once the conversation is left.
  const turn = useRef(0);
  useEffect(
    () => () => {
      turn.current += 1;
    },
    [],
  );

  // After a long absence the live end is read anew, and a place in the past where it began: what is seen is neither.
  const seen = useRef<Seen | null>(null);
  const shown = useRef<{ source: unknown; view: TimelineView }>({ source, view: now });
  const keep = useCallback((at: Seen | null) => {
    seen.current = at;
  }, []);
  const isSame = shown.current.source === source && seen.current !== null;
  const left = isSame ? remains(shown.current.view.items, now.items, seen.current?.seq ?? 0) : "all";
  const view: TimelineView & Partial<PastView> = left === "all" ? now : shown.current.view;

  const toEnd = useCallback(() => {
    turn.current += 1;
    seen.current = null;
    setPiece((piece) => (piece.past === null ? piece : pieceOf(null)));
    setJump(null);
    setJumping(false);
  }, []);

  const open = useCallback(
    async (goal: Goal, top?: number) => {
      turn.current += 1;
      const mine = turn.current;
      setJumping(true);
      await attempt(async () => {
        const found = await conversation.openAt(goal);
        if (turn.current !== mine) {
          found.close();
          return;
        }
        setPiece(pieceOf(found));
        setJump(top === undefined ? { goal } : { goal, top });
      });
      if (turn.current !== mine) return;
      seen.current = null;
      setJumping(false);
    },
    [conversation, attempt],
  );

  useLayoutEffect(() => {
    const { current: at } = seen;
    if (left === "all" || at === null) shown.current = { source, view: now };
    else if (left === "some") {
      shown.current = { source, view: now };
      setPiece(pieceOf(past));
      setJump({ goal: { seq: at.seq }, top: at.top });
    }
  }, [left, source, now, past]);
  const isGone = left === "none";
  useEffect(() => {
    const { current: at } = seen;
    if (isGone && at !== null) void open({ seq: at.seq }, at.top);
  }, [isGone, open]);

  // Who says something wants to see it, which is at the end.
  const last = live.messages.at(-1);
  const said = last !== undefined && last.from === me ? last.key : null;
  const isLoaded = last !== undefined;
  const known = useRef<string | null | undefined>(undefined);
  useEffect(() => {
    if (!isLoaded) return;
    // What is there when it is opened was said before.
    if (known.current !== undefined && said !== null && said !== known.current) toEnd();
    known.current = said;
  }, [isLoaded, said, toEnd]);

  const jumpTo = useCallback(
    (goal: Goal) => {
      if (!("seq" in goal) || messageAt(source.get().messages, goal.seq) === null) return open(goal);
      turn.current += 1;
      setJump({ goal });
      return done();
    },
    [source, open],
  );

  return {
    key,
    view,
    hasNewer: view.hasNewer ?? false,
    isPast: past !== null,
    loadOlder: source === past ? past.loadOlder : conversation.messages.loadOlder,
    loadNewer: past?.loadNewer ?? done,
    jump,
    isJumping: isJumping || isGone,
    jumpTo,
    toEnd,
    keep,
  };
}
