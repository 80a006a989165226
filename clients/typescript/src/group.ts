// Who is in a group, as what, and how the group is run: read once, and kept by the group's entries.
import { Paged, type PageState } from "./paged.js";
import type { Entry, GroupInfo, GroupMember } from "./protocol/types.js";
import type { Reads } from "./reads.js";

/** A time that never comes: who is muted for good is muted until then. */
const FOREVER = Number.MAX_SAFE_INTEGER;

/** The members of a group, as far as they were read. */
export interface MembersView extends PageState {
  readonly members: readonly GroupMember[];
}

/** What a group is; `info` is `null` until that was read. */
export interface GroupInfoView {
  readonly info: Omit<GroupInfo, "status"> | null;
  readonly isLoading: boolean;
  readonly error: PageState["error"];
}

/** A group's members. */
export type Members = Paged<GroupMember, MembersView>;

export function membersOf(groupId: string, reads: Reads): Members {
  return new Paged(
    async (cursor, signal) => {
      const page = await reads.ask("group_members", { groupId, ...(cursor === null ? {} : { cursor }) }, signal);
      return { items: page.members, cursor: page.cursor };
    },
    ({ userId }) => userId,
    (members, state) => ({ members, ...state }),
  );
}

export function infoOf(groupId: string, reads: Reads): Paged<GroupInfo, GroupInfoView> {
  return new Paged(
    async (_, signal) => ({ items: [await reads.ask("group_info", { groupId }, signal)], cursor: null }),
    () => groupId,
    ([info], { isLoading, error }) => ({ info: info ?? null, isLoading, error }),
  );
}

/** The members after an entry. */
export function membersAfter(members: readonly GroupMember[], entry: Entry): readonly GroupMember[] {
  const without = (userId: string) => members.filter((member) => member.userId !== userId);
  const as = (change: (member: GroupMember) => GroupMember) => members.map(change);
  switch (entry.kind) {
    case "member_added":
    case "member_joined": {
      const userIds = entry.kind === "member_added" ? entry.userIds : [entry.by];
      const isNew = (userId: string) => !members.some((member) => member.userId === userId);
      const added = userIds.filter(isNew).map((userId) => ({ userId, role: "member" as const, joinedAt: entry.ts }));
      return [...members, ...added];
    }
    case "member_left":
      return without(entry.by);
    case "member_kicked":
    case "member_banned":
      return without(entry.userId);
    case "role_changed":
      return as((member) => {
        if (member.userId === entry.userId) return { ...member, role: entry.role };
        // Who was the owner is an admin from then on.
        return entry.role === "owner" && member.role === "owner" ? { ...member, role: "admin" } : member;
      });
    case "member_muted":
      return as((member) =>
        member.userId === entry.userId ? { ...member, mutedUntil: entry.until ?? FOREVER } : member,
      );
    case "member_unmuted":
      return as(({ mutedUntil, ...member }) =>
        member.userId === entry.userId || mutedUntil === undefined ? member : { ...member, mutedUntil },
      );
    default:
      return members;
  }
}

/** What a group is after an entry. `me` is the user. */
export function infoAfter(info: GroupInfo, entry: Entry, me: string | null): GroupInfo {
  switch (entry.kind) {
    case "group_updated": {
      const { name = info.name, settings = info.settings } = entry;
      return settings === undefined ? { ...info, name } : { ...info, name, settings };
    }
    case "member_added":
      return { ...info, members: info.members + entry.userIds.length };
    case "member_joined":
      return { ...info, members: info.members + 1 };
    case "member_left":
    case "member_kicked":
    case "member_banned": {
      const isMe = (entry.kind === "member_left" ? entry.by : entry.userId) === me;
      return { ...info, members: info.members - 1, role: isMe ? null : info.role };
    }
    case "role_changed": {
      const role =
        entry.userId === me ? entry.role : entry.role === "owner" && info.role === "owner" ? "admin" : info.role;
      return { ...info, role, ...(entry.role === "owner" ? { ownerId: entry.userId } : {}) };
    }
    case "member_muted":
      return entry.userId === me ? { ...info, mutedUntil: entry.until ?? FOREVER } : info;
    case "member_unmuted": {
      const { mutedUntil: _, ...rest } = info;
      return entry.userId === me ? rest : info;
    }
    default:
      return info;
  }
}
