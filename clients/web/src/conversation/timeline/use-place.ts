// Which message the timeline was told to show, wherever in the log it is: older pages are loaded until it is there.
import type { Conversation, TimelineView } from "@parlor/client";
import { useMessages } from "@parlor/react";
import { useCallback, useDeferredValue, useEffect, useRef, useState } from "react";

/** Where to jump to. */
export type Goal = { readonly seq: number } | { readonly ts: number };

/** A jump: the same place twice is two of them. */
export interface Jump {
  readonly goal: Goal;
}

export interface PlaceView {
  readonly view: TimelineView;
  readonly loadOlder: () => Promise<void>;
  /** Where to go, once that is loaded. */
  readonly jump: Jump | null;
  readonly isJumping: boolean;
  readonly jumpTo: (goal: Goal) => void;
  /** Back to the live end. */
  readonly toEnd: () => void;
}

/** Whether what is loaded goes back to the goal. */
export function reaches({ messages, hasOlder, error }: TimelineView, goal: Goal): boolean {
  const [first] = messages;
  if (!hasOlder || error !== null || first === undefined) return true;
  if (first.state !== "sent") return false;
  return "seq" in goal ? first.seq <= goal.seq : first.ts < goal.ts;
}

export function usePlace(conversation: Conversation): PlaceView {
  // Typing goes before what comes in: the timeline is drawn when there is time.
  const view = useDeferredValue(useMessages(conversation));
  const [jump, setJump] = useState<Jump | null>(null);
  const [isJumping, setJumping] = useState(false);
  // Only the last of several jumps counts.
  const turn = useRef(0);
  useEffect(
    () => () => {
      turn.current += 1;
    },
    [],
  );

  const toEnd = useCallback(() => {
    turn.current += 1;
    setJump(null);
    setJumping(false);
  }, []);
  const jumpTo = useCallback(
    async (goal: Goal) => {
      turn.current += 1;
      const mine = turn.current;
      setJumping(true);
      while (turn.current === mine && !reaches(conversation.messages.get(), goal)) await conversation.loadOlder();
      if (turn.current !== mine) return;
      setJumping(false);
      setJump({ goal });
    },
    [conversation],
  );
  return { view, loadOlder: conversation.messages.loadOlder, jump, isJumping, jumpTo, toEnd };
}
