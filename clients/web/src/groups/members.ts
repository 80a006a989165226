// The members of a group, page by page, and kept right by the group's log.
import type { Entry, GroupMember } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { useCallback } from "react";
import { type Paged, useEvent, usePaged } from "../asking/asked.js";
import { FOR_GOOD } from "../asking/dates.js";

const PAGE = 50;

/** An entry about who is in a group, as far as that matters here: also one that the user made. */
export type MemberChange =
  | { readonly kind: "member_left"; readonly by: string }
  | { readonly kind: "member_kicked" | "member_unmuted"; readonly userId: string }
  | { readonly kind: "member_banned" | "member_muted"; readonly userId: string; readonly until?: number }
  | { readonly kind: "role_changed"; readonly by: string; readonly userId: string; readonly role: GroupMember["role"] };

function changed(
  members: readonly GroupMember[],
  userId: string,
  change: (member: GroupMember) => GroupMember,
): readonly GroupMember[] {
  return members.map((member) => (member.userId === userId ? change(member) : member));
}

/** The members after a change. Who comes in is not known from it: the list is read anew for that. */
export function membersAfter(members: readonly GroupMember[], entry: MemberChange): readonly GroupMember[] {
  switch (entry.kind) {
    case "member_left":
      return members.filter(({ userId }) => userId !== entry.by);
    case "member_kicked":
    case "member_banned":
      return members.filter(({ userId }) => userId !== entry.userId);
    case "member_muted":
      return changed(members, entry.userId, (member) => ({ ...member, mutedUntil: entry.until ?? FOR_GOOD }));
    case "member_unmuted":
      return changed(members, entry.userId, ({ mutedUntil: _, ...member }) => member);
    case "role_changed": {
      const after = changed(members, entry.userId, (member) => ({ ...member, role: entry.role }));
      // Who gives a group away is an admin from then on.
      return entry.role === "owner" ? changed(after, entry.by, (member) => ({ ...member, role: "admin" })) : after;
    }
  }
}

function isChange(entry: Entry): entry is Entry & MemberChange {
  return ["member_left", "member_kicked", "member_banned", "member_muted", "member_unmuted", "role_changed"].includes(
    entry.kind,
  );
}

/** The members, and how to show what the user did to them: one is not told of one's own deeds. */
export function useMembers(groupId: string): Paged<GroupMember> & { apply: (change: MemberChange) => void } {
  const parlor = useParlor();
  const paged = usePaged<GroupMember>(groupId, async (cursor) => {
    const page = await parlor.command("group_members", {
      groupId,
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    return { items: page.members, cursor: page.cursor };
  });
  const { change, reload } = paged;
  const apply = useCallback((entry: MemberChange) => change((members) => membersAfter(members, entry)), [change]);
  useEvent("entry", (entry) => {
    if (entry.groupId !== groupId) return;
    if (isChange(entry)) apply(entry);
    else if (entry.kind === "member_added" || entry.kind === "member_joined") reload();
  });
  return { ...paged, apply };
}
