// Whether the user may write in a conversation, and if not, why.
import type { Conversation, GroupInfoView, Observable } from "@parlor/client";
import { useConversation, useObservable, useParlor } from "@parlor/react";
import { useSyncExternalStore } from "react";

/** Why one may not write, or what has to be decided first. */
export type Hindrance =
  | { readonly kind: "announcements" }
  | { readonly kind: "muted"; readonly until: number | null }
  | { readonly kind: "out" }
  | { readonly kind: "blocking"; readonly userId: string }
  | { readonly kind: "request" };

/** Who is muted for longer than this is muted for good. */
const FOR_GOOD_MS = 50 * 365 * 86_400_000;

type Info = GroupInfoView["info"];

const NOTHING = { info: null };
const NO_GROUP: Observable<Pick<GroupInfoView, "info">> = { get: () => NOTHING, subscribe: () => () => {} };

/** What the server says of a group; `null` while that is not known, and of direct conversations. */
export function useGroupInfo(conversation: Conversation): Info {
  return useObservable("groupId" in conversation.target ? conversation.info : NO_GROUP).info;
}

/** Whether the user blocks the other, and whether the other's first messages wait for an answer. */
function useStanding(conversation: Conversation): Hindrance | null {
  const { blocked, requests } = useParlor();
  const userId = "toUserId" in conversation.target ? conversation.target.toUserId : null;
  const isBlocked = useObservable(blocked).userIds.has(userId ?? "");
  // Renders again only when that is another answer, however often requests move.
  const isRequest = useSyncExternalStore(requests.subscribe, () =>
    requests.get().conversations.some((request) => request.conversation === conversation),
  );
  if (userId !== null && isBlocked) return { kind: "blocking", userId };
  return isRequest ? { kind: "request" } : null;
}

/** `null` if the user may write. */
export function useHindrance(conversation: Conversation, info: Info): Hindrance | null {
  const { role, members } = useConversation(conversation);
  const standing = useStanding(conversation);
  if (!("groupId" in conversation.target)) return standing;
  if (role === null) return members === null && info === null ? null : { kind: "out" };
  const isPlain = role === "member" || role === "moderator";
  if (info?.settings?.post === "admins" && isPlain) return { kind: "announcements" };
  const until = info?.mutedUntil;
  if (until === undefined || until <= Date.now()) return null;
  return { kind: "muted", until: until > Date.now() + FOR_GOOD_MS ? null : until };
}
