// What counts as read: what is on the screen while the tab is seen and has the focus.
import type { ChatMessage, Conversation } from "@parlor/client";
import { useCallback, useEffect, useRef } from "react";

/** Whether somebody can be reading what is on the screen. */
export function isLookedAt(page: Pick<Document, "visibilityState" | "hasFocus">): boolean {
  return page.visibilityState === "visible" && page.hasFocus();
}

/** The number up to which everything was seen, by the last message that is; `null` if that is not in the log. */
export function seenUpTo(messages: readonly ChatMessage[], last: ChatMessage): number | null {
  if (last.state === "sent") return last.seq;
  // Behind the log stands what waits to be sent.
  const sent = messages.findLast((message) => message.state === "sent");
  return sent?.state === "sent" ? sent.seq : null;
}

/** Gives a function that takes what is on the screen, and marks it read once somebody looks. */
export function useReading(conversation: Conversation): (last: ChatMessage) => void {
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
