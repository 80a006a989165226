// What counts as read: what is on the screen while the tab is seen and has the focus.
import type { ChatMessage, Conversation } from "@parlor/client";
import { useCallback, useEffect, useRef } from "react";
import { indexFrom } from "./loaded.js";
import type { Row } from "./rows.js";

/** Whether somebody can be reading what is on the screen. */
export function isLookedAt(page: Pick<Document, "visibilityState" | "hasFocus">): boolean {
  return page.visibilityState === "visible" && page.hasFocus();
}

/** The number up to which all messages were seen, by the last row that is; `null` if none of them is in the log. */
export function seenUpTo(messages: readonly ChatMessage[], last: Row): number | null {
  if (last.kind === "said" && last.seq !== null) return last.seq;
  // What waits to be sent stands behind the log, and lines stand behind messages.
  const before = last.seq ?? Number.POSITIVE_INFINITY;
  const message = messages[indexFrom(messages, before) - 1];
  return message?.state === "sent" ? message.seq : null;
}

/** Gives a function that takes what is on the screen, and marks it read once somebody looks. */
export function useReading(conversation: Conversation): (last: Row) => void {
  const seen = useRef(0);
  const tell = useCallback(() => {
    if (seen.current > 0 && isLookedAt(document)) conversation.markRead(seen.current);
  }, [conversation]);
  useEffect(() => {
    addEventListener("focus", tell);
    document.addEventListener("visibilitychange", tell);
    return () => {
      removeEventListener("focus", tell);
      document.removeEventListener("visibilitychange", tell);
    };
  }, [tell]);
  return useCallback(
    (last) => {
      const seq = seenUpTo(conversation.messages.get().messages, last);
      if (seq === null) return;
      seen.current = Math.max(seen.current, seq);
      tell();
    },
    [conversation, tell],
  );
}
