// The messages that are pinned in a conversation, the last one first: read when it is opened, and when that changes.
import type { Conversation, Pin } from "@parlor/client";
import { useMessages, useObservable, useParlor } from "@parlor/react";
import { useCallback, useEffect, useMemo, useState } from "react";

export interface Pins {
  readonly pins: readonly Pin[];
  /** Whether they were read. */
  readonly isKnown: boolean;
}

export function usePins(conversation: Conversation): Pins {
  const parlor = useParlor();
  const { messages } = useMessages(conversation);
  const { state } = useObservable(parlor.status);
  const [pins, setPins] = useState<Pins>({ pins: [], isKnown: false });
  // Which of those that are loaded are pinned: another text when that changes.
  const pinned = useMemo(
    () =>
      messages
        .filter((message) => message.state === "sent" && message.pinned)
        .map(({ key }) => key)
        .join(),
    [messages],
  );
  const read = useCallback(async () => {
    if (conversation.id === null) return;
    const answer = await parlor.command("pins", { conversationId: conversation.id });
    setPins({ pins: answer.pins, isKnown: true });
  }, [parlor, conversation]);
  const isLive = state === "live";
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is pinned has changed
  useEffect(() => {
    // A conversation in which nobody has said anything has none.
    if (isLive) read().catch(() => setPins({ pins: [], isKnown: true }));
  }, [isLive, read, pinned]);
  useEffect(
    () =>
      parlor.on("entry", ({ conversationId, kind }) => {
        const isAbout = kind === "message_pinned" || kind === "message_unpinned" || kind === "message_deleted";
        if (isAbout && conversationId === conversation.id) read().catch(() => {});
      }),
    [parlor, conversation, read],
  );
  return pins;
}
