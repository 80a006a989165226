// What is begun in the composer: filled in when it is known, and kept a moment after each key.
import type { Conversation } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { useCallback, useEffect, useRef } from "react";
import { draftsOf } from "../drafts.js";

const SAVE_AFTER_MS = 800;

/** Fills in the draft when it is known, and gives what keeps it: `soon` at each key, `now` where it is done. */
export function useDraft(
  conversation: Conversation,
  fill: (text: string) => void,
): { readonly soon: (text: string) => void; readonly now: (text: string) => void } {
  const drafts = draftsOf(useParlor());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const pending = useRef<string | null>(null);
  const latest = useRef(fill);
  latest.current = fill;

  const now = useCallback(
    (text: string) => {
      clearTimeout(timer.current);
      pending.current = null;
      if (conversation.id !== null) drafts.save(conversation.id, text);
    },
    [conversation, drafts],
  );
  const soon = useCallback(
    (text: string) => {
      clearTimeout(timer.current);
      pending.current = text;
      timer.current = setTimeout(() => now(text), SAVE_AFTER_MS);
    },
    [now],
  );

  useEffect(() => {
    let isHere = true;
    const show = () => {
      const { id } = conversation;
      if (isHere && id !== null && pending.current === null) latest.current(drafts.of(id));
    };
    show();
    void drafts.read().then(show);
    const unsubscribe = drafts.subscribe((conversationId) => {
      if (conversationId === conversation.id) show();
    });
    return () => {
      isHere = false;
      unsubscribe();
      if (pending.current !== null) now(pending.current);
    };
  }, [conversation, drafts, now]);

  return { soon, now };
}
