// What conversations are called: a group by its name, another user by the name that the user here gave them, else their
// own; the notes to oneself by what they are.
import type { ConversationView, Parlor, Target } from "@parlor/client";
import { contactsOf } from "../people/contacts.js";
import { profilesOf } from "../people/profiles.js";

/** What is known of a user's name now, without asking. */
export function personName(parlor: Parlor, userId: string): string {
  return contactsOf(parlor).get().value?.get(userId)?.name || profilesOf(parlor).of(userId).get()?.name || userId;
}

/** A conversation's name, as far as it is known now. */
export function nameOf(parlor: Parlor, { name, target }: Pick<ConversationView, "name" | "target">): string {
  return "groupId" in target ? name : personName(parlor, target.toUserId);
}

/** Whether it is the conversation with oneself. */
export function isWithSelf(parlor: Parlor, target: Target): boolean {
  return "toUserId" in target && target.toUserId === parlor.userId;
}
