// What a person is to the user.
import type { ContactLine } from "@parlor/client";
import { useObservable, useParlor } from "@parlor/react";
import { useMemo } from "react";

/** Whether a user is a contact, and is blocked; `null` until it is known. */
export function useRelation(userId: string): { contact: ContactLine | null; isBlocked: boolean | null } {
  const parlor = useParlor();
  const { byUserId } = useObservable(parlor.contacts);
  const { userIds, isKnown } = useObservable(parlor.blocked);
  return useMemo(
    () => ({ contact: byUserId.get(userId) ?? null, isBlocked: isKnown ? userIds.has(userId) : null }),
    [byUserId, userIds, isKnown, userId],
  );
}
