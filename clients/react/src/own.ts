// Hooks for what the server keeps for the user alone, the same on all devices.
import type {
  BlockedView,
  ContactsView,
  Conversation,
  ConversationList,
  DraftView,
  Json,
  PrivacySet,
  PrivacyView,
  StarredView,
} from "@parlor/client";
import { useMemo } from "react";
import { useObservable, useParlor } from "./context.js";

/**
 * What the user has begun to write in a conversation, here or on another device, and how to keep it: call `setDraft` at
 * each key, and with `null` when it is sent.
 */
export function useDraft(conversation: Conversation): DraftView & { setDraft: (content: Json) => void } {
  const view = useObservable(conversation.draft);
  return useMemo(
    () => ({ ...view, setDraft: (content: Json) => conversation.setDraft(content) }),
    [view, conversation],
  );
}

/** The user's contacts, and how to add one, which gives one that is there another name, and to take one away. */
export function useContacts(): ContactsView & {
  add: (userId: string, name?: string | null) => Promise<void>;
  remove: (userId: string) => Promise<void>;
} {
  const { contacts } = useParlor();
  const view = useObservable(contacts);
  return useMemo(
    () => ({
      ...view,
      add: (userId: string, name?: string | null) => contacts.add(userId, name),
      remove: (userId: string) => contacts.remove(userId),
    }),
    [view, contacts],
  );
}

/** Whom the user blocks, and how to block somebody and to end that. */
export function useBlocked(): BlockedView & {
  block: (userId: string) => Promise<void>;
  unblock: (userId: string) => Promise<void>;
} {
  const { blocked } = useParlor();
  const view = useObservable(blocked);
  return useMemo(
    () => ({
      ...view,
      block: (userId: string) => blocked.block(userId),
      unblock: (userId: string) => blocked.unblock(userId),
    }),
    [view, blocked],
  );
}

/** Who may write to the user and see what of the user, and how to change some of that. */
export function usePrivacy(): PrivacyView & { set: (settings: PrivacySet) => Promise<void> } {
  const { privacy } = useParlor();
  const view = useObservable(privacy);
  return useMemo(() => ({ ...view, set: (settings: PrivacySet) => privacy.set(settings) }), [view, privacy]);
}

/** The messages that the user has starred, and how to read more of them, to star one and to take a star off. */
export function useStarred(): StarredView & {
  loadMore: () => Promise<void>;
  star: (messageId: string) => Promise<void>;
  unstar: (messageId: string) => Promise<void>;
} {
  const { starred } = useParlor();
  const view = useObservable(starred);
  return useMemo(
    () => ({
      ...view,
      loadMore: starred.loadMore,
      star: (messageId: string) => starred.star(messageId),
      unstar: (messageId: string) => starred.unstar(messageId),
    }),
    [view, starred],
  );
}

/** What strangers have begun, and how to read more of it, to accept and to decline one. */
export function useRequests(): ConversationList & {
  loadMore: () => Promise<void>;
  accept: (conversation: Conversation) => Promise<void>;
  decline: (conversation: Conversation) => Promise<void>;
} {
  const { requests } = useParlor();
  const list = useObservable(requests);
  return useMemo(
    () => ({
      ...list,
      loadMore: requests.loadMore,
      accept: (conversation: Conversation) => requests.accept(conversation),
      decline: (conversation: Conversation) => requests.decline(conversation),
    }),
    [list, requests],
  );
}
