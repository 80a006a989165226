// Which piece of the log the timeline shows: its live end, or a place in the past that was jumped to.
import type { Conversation, Observable, PastTimeline, PastView, TimelineView } from "@parlor/client";
import { useObservable, useParlor } from "@parlor/react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useAttempt } from "../../app/errors.js";
import { calm } from "./calm.js";
import { messageAt } from "./loaded.js";

/** Where to jump to. */
export type Goal = { readonly seq: number } | { readonly ts: number };

/** A jump: the same place twice is two of them. */
export interface Jump {
  readonly goal: Goal;
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
}

interface Past {
  readonly key: string;
  readonly timeline: PastTimeline;
}

const done = () => Promise.resolve();
let opened = 0;

export function usePlace(conversation: Conversation): PlaceView {
  const [past, setPast] = useState<Past | null>(null);
  const [jump, setJump] = useState<Jump | null>(null);
  const [isJumping, setJumping] = useState(false);
  const attempt = useAttempt();
  const me = useParlor().userId;
  const timeline = past?.timeline ?? null;
  // The live end stays open, so that it is there when one comes back to it.
  const live = useObservable(useMemo(() => calm(conversation.messages), [conversation]));
  const shown: Observable<TimelineView | PastView> = timeline ?? conversation.messages;
  const view = useObservable(useMemo(() => calm(shown), [shown]));
  useEffect(() => () => timeline?.close(), [timeline]);
  // Only the last of several jumps counts, and none once the conversation is left.
  const turn = useRef(0);
  useEffect(
    () => () => {
      turn.current += 1;
    },
    [],
  );

  const toEnd = useCallback(() => {
    turn.current += 1;
    setPast(null);
    setJump(null);
    setJumping(false);
  }, []);

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
    async (goal: Goal) => {
      turn.current += 1;
      const mine = turn.current;
      if ("seq" in goal && messageAt(shown.get().messages, goal.seq) !== null) {
        setJump({ goal });
        return;
      }
      setJumping(true);
      await attempt(async () => {
        const found = await conversation.openAt(goal);
        if (turn.current !== mine) {
          found.close();
          return;
        }
        opened += 1;
        setPast({ key: `past-${opened}`, timeline: found });
        setJump({ goal });
      });
      if (turn.current === mine) setJumping(false);
    },
    [conversation, shown, attempt],
  );

  return {
    key: past?.key ?? "live",
    view: timeline === null ? live : view,
    hasNewer: "hasNewer" in view && view.hasNewer,
    isPast: timeline !== null,
    loadOlder: shown === timeline ? timeline.loadOlder : conversation.messages.loadOlder,
    loadNewer: timeline?.loadNewer ?? done,
    jump,
    isJumping,
    jumpTo,
    toEnd,
  };
}
