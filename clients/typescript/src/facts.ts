// What a conversation is, beside what is said in it: a group's name and members, the user's role, its timer.
import type { ConversationSettings, Entry, Role } from "./protocol/types.js";

/** What is known of it. What is absent is not known, or not so. */
export interface Facts {
  readonly name?: string;
  readonly members?: number;
  readonly role?: Role | null;
  readonly timerSeconds?: number;
  readonly settings?: ConversationSettings;
}

function counted(facts: Facts, by: number): Facts {
  return facts.members === undefined ? facts : { ...facts, members: Math.max(0, facts.members + by) };
}

function without(facts: Facts, userId: string, me: string | null): Facts {
  return { ...counted(facts, -1), ...(userId === me ? { role: null } : {}) };
}

/** What is known after an entry. `me` is the user. */
export function factsAfter(facts: Facts, entry: Entry, me: string | null): Facts {
  switch (entry.kind) {
    case "group_created":
      return { ...facts, name: entry.name, role: entry.by === me ? "owner" : "member" };
    case "group_updated":
      return entry.name === undefined ? facts : { ...facts, name: entry.name };
    case "member_added": {
      const more = counted(facts, entry.userIds.length);
      return entry.userIds.includes(me ?? "") ? { ...more, role: "member" } : more;
    }
    case "member_joined":
      return { ...counted(facts, 1), ...(entry.by === me ? { role: "member" } : {}) };
    case "member_left":
      return without(facts, entry.by, me);
    case "member_kicked":
    case "member_banned":
      return without(facts, entry.userId, me);
    case "role_changed":
      if (entry.userId === me) return { ...facts, role: entry.role };
      // Who gives a group away is an admin from then on.
      return entry.role === "owner" && entry.by === me ? { ...facts, role: "admin" } : facts;
    case "timer": {
      const { timerSeconds: _, ...rest } = facts;
      return entry.seconds === null ? rest : { ...rest, timerSeconds: entry.seconds };
    }
    default:
      return facts;
  }
}

/** Whether an entry brings the user in, so that there is more to know than it says. */
export function bringsIn(entry: Entry, me: string | null): boolean {
  if (entry.kind === "group_created") return true;
  if (entry.kind === "member_added") return entry.userIds.includes(me ?? "");
  return entry.kind === "member_joined" && entry.by === me;
}

/** What is known after the user changed some of the settings, those that are given. */
export function factsWith(facts: Facts, changed: ConversationSettings): Facts {
  const { mutedUntil, archived, markedUnread, pinned } = changed;
  const all = Object.entries({ mutedUntil, archived, markedUnread, pinned });
  const given = Object.fromEntries(all.filter(([, value]) => value !== undefined));
  return { ...facts, settings: { ...facts.settings, ...given } };
}
