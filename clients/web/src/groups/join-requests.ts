// Who asks to come into a group.
import type { WaitingRequest } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { useAttempt } from "../app/errors.js";
import { type Asked, useAsked, useEvent } from "../asking/asked.js";

export interface JoinRequests extends Asked<WaitingRequest[]> {
  /** Lets somebody in, or not. Resolves to whether it was done. */
  readonly decide: (userId: string, isIn: boolean) => Promise<boolean>;
}

/** `isForUser`: whether the user may decide. */
export function useJoinRequests(groupId: string, isForUser: boolean): JoinRequests {
  const parlor = useParlor();
  const attempt = useAttempt();
  const asked = useAsked<WaitingRequest[]>(`${groupId} ${isForUser}`, async () =>
    isForUser ? (await parlor.command("group_requests", { groupId })).requests : [],
  );
  useEvent("group_request", (request) => {
    if (request.groupId === groupId) asked.reload();
  });
  useEvent("entry", (entry) => {
    if (entry.groupId === groupId && entry.kind === "member_added") asked.reload();
  });
  const decide: JoinRequests["decide"] = async (userId, isIn) => {
    asked.change((requests) => requests.filter((request) => request.userId !== userId));
    const isDone = await attempt(() =>
      isIn
        ? parlor.command("group_add", { groupId, userIds: [userId] })
        : parlor.command("group_deny", { groupId, userId }),
    );
    if (!isDone) asked.reload();
    return isDone;
  };
  return { ...asked, decide };
}
