// The links by which one comes into a group.
import { hrefOf } from "../app/route.js";

/** The link of an invite, or of a group that is joined without one. */
export function inviteLink(groupId: string, invite: string | null, base = location.href): string {
  return `${base.split("#")[0]}${hrefOf({ name: "join", groupId, invite })}`;
}
