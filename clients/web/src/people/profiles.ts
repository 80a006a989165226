// What people are called, by their ids, for all that shows them.
import type { Parlor, Profile } from "@parlor/client";
import { useObservable, useParlor } from "@parlor/react";

/** What is known of a user's name now, without asking. */
export function personName(parlor: Parlor, userId: string): string {
  return parlor.contacts.get().byUserId.get(userId)?.name || parlor.profile(userId).get().name || userId;
}

/** How a user is shown: under the name that the user here gave them, else their own, else their id. */
export function usePerson(userId: string): { name: string; avatarUrl: string | null; profile: Profile } {
  const parlor = useParlor();
  const profile = useObservable(parlor.profile(userId));
  const contact = useObservable(parlor.contacts).byUserId.get(userId);
  return { name: contact?.name || profile.name || userId, avatarUrl: profile.avatarUrl, profile };
}
