// What is begun in the composer: filled in when it is known, or changed elsewhere, and kept at each key.
import type { Conversation } from "@parlor/client";
import { useCallback, useEffect, useRef } from "react";
import { useDraftText } from "../drafts.js";

/** Fills in the draft where it is not what is there, and gives what keeps it. */
export function useDraft(conversation: Conversation, fill: (text: string) => void): (text: string) => void {
  const text = useDraftText(conversation);
  /** What the field holds. */
  const held = useRef("");
  const latest = useRef(fill);
  latest.current = fill;
  useEffect(() => {
    if (text === held.current) return;
    held.current = text;
    latest.current(text);
  }, [text]);
  return useCallback(
    (written) => {
      held.current = written;
      conversation.setDraft(written === "" ? null : written);
    },
    [conversation],
  );
}
