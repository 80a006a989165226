// What conversations are called: a group by its name, another user as people are; the notes to oneself by what they
// are.
import type { ConversationView, Parlor, Target } from "@parlor/client";
import { personName } from "../people/profiles.js";

export { personName };

/** A conversation's name, as far as it is known now. */
export function nameOf(parlor: Parlor, { name, target }: Pick<ConversationView, "name" | "target">): string {
  return "groupId" in target ? name : personName(parlor, target.toUserId);
}

/** Whether it is the conversation with oneself. */
export function isWithSelf(parlor: Parlor, target: Target): boolean {
  return "toUserId" in target && target.toUserId === parlor.userId;
}
