// Which of what happens in a conversation has a line in its timeline, and what of it is said in one.
import type { Happening, TimelineItem } from "@parlor/client";

const ROLES: ReadonlySet<string> = new Set(["owner", "admin", "moderator", "member"]);

/**
 * What follows each other with the same text here is one line: five people whom somebody added one by one. `null` for
 * what has none: events of the operator's own app, and what only newer servers know.
 */
export function sortOf(happening: Happening): string | null {
  const { kind, by, key } = happening;
  switch (kind) {
    case "member_joined":
    case "member_left":
      return kind;
    case "member_added":
    case "member_kicked":
    case "member_unbanned":
    case "member_unmuted":
    case "group_rules_set":
      return `${kind} ${by}`;
    case "member_banned":
    case "member_muted":
      return `${kind} ${happening.until ?? ""} ${by}`;
    case "role_changed":
      return ROLES.has(happening.role) ? `${kind} ${happening.role === "owner" ? key : happening.role}` : null;
    case "group_updated":
      return happening.name === undefined ? `${kind} ${by}` : key;
    case "group_created":
    case "group_deleted":
    case "timer":
      return key;
    default:
      return null;
  }
}

/** Whether a timeline shows it by itself. */
export function isShown(item: TimelineItem): boolean {
  return item.state !== "happened" || sortOf(item) !== null;
}
