// React hooks for `@parlor/client`. Each gives what its observable holds, and renders again when that changes.
import type {
  ChatMessage,
  Conversation,
  ConversationList,
  ConversationView,
  GroupInfoView,
  Json,
  MembersView,
  PinsView,
  PresenceView,
  ProfileView,
  Sending,
  SendOptions,
  Status,
  ThreadView,
  TimelineView,
  TypingView,
} from "@parlor/client";
import { useMemo } from "react";
import { useObservable, usePages, useParlor } from "./context.js";

export { ParlorProvider, useObservable, useParlor } from "./context.js";
export { useBlocked, useContacts, useDraft, usePrivacy, useRequests, useStarred } from "./own.js";
export { type SearchFor, useReceipts, useSearch, useWindow, type WindowOf } from "./reading.js";
export type { ChatMessage };

/** Where the connection stands, and why. */
export function useStatus(): Status {
  return useObservable(useParlor().status);
}

/** The user's conversations, those that moved last first, and how to read more of them. */
export function useConversations(): ConversationList & { loadMore: () => Promise<void> } {
  const { conversations } = useParlor();
  const list = useObservable(conversations);
  return useMemo(() => ({ ...list, loadMore: conversations.loadMore }), [list, conversations]);
}

/** What is known of one conversation. */
export function useConversation(conversation: Conversation): ConversationView {
  return useObservable(conversation.view);
}

/** A conversation's messages, and how to read older ones. Opens it. */
export function useMessages(conversation: Conversation): TimelineView & { loadOlder: () => Promise<void> } {
  const { messages } = conversation;
  const view = useObservable(messages);
  return useMemo(() => ({ ...view, loadOlder: messages.loadOlder }), [view, messages]);
}

/** Who else types in a conversation, and how to say that the user does: call `types` at each key. */
export function useTyping(conversation: Conversation): TypingView & { types: () => void; stopsTyping: () => void } {
  const view = useObservable(conversation.typing);
  return useMemo(
    () => ({
      ...view,
      types: () => conversation.types(),
      stopsTyping: () => conversation.stopsTyping(),
    }),
    [view, conversation],
  );
}

/** Whether a user is there. The server is asked once, however many components show it. */
export function usePresence(userId: string): PresenceView {
  return useObservable(useParlor().presence(userId));
}

/** Who a user is. The server is asked once, however many components show it. */
export function useProfile(userId: string): ProfileView {
  return useObservable(useParlor().profile(userId));
}

/** The members of a group, and how to read more of them. */
export function useMembers(group: Conversation): MembersView & { loadMore: () => Promise<void> } {
  return usePages(group.members);
}

/** What a group is, and how it is run. */
export function useGroupInfo(group: Conversation): GroupInfoView {
  return useObservable(group.info);
}

/** A message's thread, and how to read more of it. */
export function useThread(
  conversation: Conversation,
  messageId: string,
): ThreadView & { loadMore: () => Promise<void> } {
  return usePages(conversation.thread(messageId));
}

/** The pinned messages of a conversation. */
export function usePins(conversation: Conversation): PinsView {
  return useObservable(conversation.pins);
}

/** How to send in a conversation, and what to do about messages that were refused. The functions stay the same. */
export function useSend(conversation: Conversation): {
  send: (content: Json, options?: SendOptions) => Sending;
  retry: (clientId: string) => Promise<Sending | null>;
  discard: (clientId: string) => Promise<boolean>;
} {
  return useMemo(
    () => ({
      send: (content: Json, options?: SendOptions) => conversation.send(content, options),
      retry: (clientId: string) => conversation.retry(clientId),
      discard: (clientId: string) => conversation.discard(clientId),
    }),
    [conversation],
  );
}
