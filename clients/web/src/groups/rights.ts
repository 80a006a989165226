// Who may do what in a group: the server's table of roles, so that what one may not do is not offered. The server
// decides; this only spares the user the refusal.
import type { GroupMember, GroupSettings, Role } from "@parlor/client";

const RANKS: readonly Role[] = ["member", "moderator", "admin", "owner"];

/** Whether a role is above another. */
export function isAbove(role: Role, other: Role): boolean {
  return RANKS.indexOf(role) > RANKS.indexOf(other);
}

function isAtLeast(role: Role, least: Role): boolean {
  return !isAbove(least, role);
}

/** Something that concerns the group as a whole. */
export type GroupDeed = "post" | "add" | "update" | "delete" | "leave" | "pardon";

/** Whether a member of this role may do it. */
export function may(role: Role | null, deed: GroupDeed, settings: Pick<GroupSettings, "post" | "add">): boolean {
  if (role === null) return false;
  const isOpen = (to: "everyone" | "admins") => to === "everyone" || isAtLeast(role, "admin");
  switch (deed) {
    case "post":
      return isOpen(settings.post);
    case "add":
      return isOpen(settings.add);
    case "update":
      return isAtLeast(role, "admin");
    case "delete":
      return role === "owner";
    case "leave":
      return role !== "owner";
    case "pardon":
      return isAtLeast(role, "moderator");
  }
}

/** Whether somebody of `role` may make somebody who is `from` into `to`. */
export function mayAppoint(role: Role | null, from: Role, to: Role): boolean {
  if (role === "owner") return from !== "owner" && from !== to;
  return role === "admin" && isAbove("admin", from) && isAbove("admin", to) && from !== to;
}

/** Something that is done to a member. */
export type MemberDeed =
  | { readonly kind: "role"; readonly role: Role }
  | { readonly kind: "mute" }
  | { readonly kind: "unmute" }
  | { readonly kind: "kick" }
  | { readonly kind: "ban" };

/** What somebody of `role` may do to another member, in the order of a menu. */
export function deedsOn(role: Role | null, other: Pick<GroupMember, "role" | "mutedUntil">, now: number): MemberDeed[] {
  if (role === null) return [];
  const deeds: MemberDeed[] = [];
  for (const to of ["member", "moderator", "admin", "owner"] as const) {
    if (mayAppoint(role, other.role, to)) deeds.push({ kind: "role", role: to });
  }
  const isMuted = other.mutedUntil !== undefined && other.mutedUntil > now;
  const mayDiscipline = isAtLeast(role, "moderator") && isAbove(role, other.role);
  if (isMuted && isAtLeast(role, "moderator")) deeds.push({ kind: "unmute" });
  if (!mayDiscipline) return deeds;
  if (!isMuted) deeds.push({ kind: "mute" });
  deeds.push({ kind: "kick" }, { kind: "ban" });
  return deeds;
}

/** Members in the order in which they are shown: who runs the group first, then by name. */
export function byRank(one: { role: Role; name: string }, other: { role: Role; name: string }): number {
  const rank = RANKS.indexOf(other.role) - RANKS.indexOf(one.role);
  return rank !== 0 ? rank : one.name.localeCompare(other.name);
}
