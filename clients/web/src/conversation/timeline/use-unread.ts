// With which message the unread ones begin: as it was when the conversation was opened, or when the user turned away.
import type { Conversation, TimelineView } from "@parlor/client";
import { useParlor, useStatus } from "@parlor/react";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { isLogged } from "./loaded.js";
import { firstUnread } from "./rows.js";

/** So many unread messages are loaded to begin with the first. */
const LOADED_MAX = 300;

export interface Unread {
  /** Whether it is known where to begin. */
  readonly isKnown: boolean;
  /** The key of the first unread message, or of the lines right before it. */
  readonly first: string | null;
  /** There is no line any more: the user has said something. */
  readonly clear: () => void;
}

export function useUnread(conversation: Conversation, { messages, items, isLoading }: TimelineView): Unread {
  const parlor = useParlor();
  const me = parlor.userId;
  // What was read is known once the list of conversations is.
  const isListed = useSyncExternalStore(
    parlor.conversations.subscribe,
    () => !parlor.conversations.get().isLoading || conversation.view.get().lastMessage !== null,
  );
  // Nobody is kept waiting for what only a connection tells.
  const isOffline = useStatus().state === "offline";
  const [isKnown, setKnown] = useState(false);
  const [readTo, setReadTo] = useState<number | null | undefined>(undefined);
  const [unread, setUnread] = useState(0);
  const isReady = isListed && me !== null && !(isLoading && items.length === 0);
  useEffect(() => {
    if (readTo !== undefined || !isReady || me === null) return;
    const view = conversation.view.get();
    const read = view.watermarks.get(me)?.read;
    setUnread(view.unread);
    setReadTo(view.unread > 0 && read !== undefined ? read : null);
  }, [readTo, isReady, me, conversation]);

  useEffect(() => {
    const away = () => {
      const read = me === null ? undefined : conversation.view.get().watermarks.get(me)?.read;
      if (!document.hasFocus()) setReadTo((now) => (now === undefined ? now : (read ?? null)));
    };
    addEventListener("blur", away);
    return () => removeEventListener("blur", away);
  }, [conversation, me]);

  const first = useMemo(() => firstUnread(items, me, readTo ?? null), [items, me, readTo]);
  // All unread ones are loaded where they are few enough.
  const oldest = items[0];
  const isMissing =
    typeof readTo === "number" &&
    unread <= LOADED_MAX &&
    oldest !== undefined &&
    isLogged(oldest) &&
    oldest.seq > readTo + 1;
  const { hasOlder, error } = conversation.messages.get();
  const mayLoad = isMissing && hasOlder && error === null && messages.length < LOADED_MAX;
  useEffect(() => {
    if (mayLoad && !isLoading) void conversation.messages.loadOlder();
  }, [mayLoad, isLoading, conversation]);

  if (!isKnown && (isOffline ? items.length > 0 : readTo !== undefined && !mayLoad)) setKnown(true);

  return {
    isKnown,
    first: unread > LOADED_MAX && isMissing ? null : first,
    clear: () => setReadTo((now) => (now === undefined ? now : null)),
  };
}
