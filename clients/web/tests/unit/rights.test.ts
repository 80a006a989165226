import type { Role } from "@parlor/client";
import { describe, expect, it } from "vitest";
import { byRank, deedsOn, type GroupDeed, may, mayAppoint } from "../../src/groups/rights.js";

const ROLES: Role[] = ["member", "moderator", "admin", "owner"];
const OPEN = { post: "everyone", add: "everyone" } as const;
const CLOSED = { post: "admins", add: "admins" } as const;

const allowed = (holds: (role: Role) => boolean) => ROLES.filter(holds);

describe("what a role may do", () => {
  it.each<[GroupDeed, typeof OPEN | typeof CLOSED, Role[]]>([
    ["post", OPEN, ROLES],
    ["post", CLOSED, ["admin", "owner"]],
    ["add", OPEN, ROLES],
    ["add", CLOSED, ["admin", "owner"]],
    ["update", OPEN, ["admin", "owner"]],
    ["delete", OPEN, ["owner"]],
    ["leave", OPEN, ["member", "moderator", "admin"]],
    ["pardon", OPEN, ["moderator", "admin", "owner"]],
  ])("%s, as the server's table has it", (deed, settings, roles) => {
    expect(allowed((role) => may(role, deed, settings))).toEqual(roles);
    expect(may(null, deed, settings)).toBe(false);
  });

  it.each<[Role, Role, Role[]]>([
    ["member", "moderator", ["admin", "owner"]],
    ["moderator", "member", ["admin", "owner"]],
    ["member", "admin", ["owner"]],
    ["admin", "member", ["owner"]],
    ["member", "owner", ["owner"]],
    ["admin", "owner", ["owner"]],
    ["owner", "member", []],
    ["member", "member", []],
  ])("making a %s a %s", (from, to, roles) => {
    expect(allowed((role) => mayAppoint(role, from, to))).toEqual(roles);
  });
});

describe("a member's menu", () => {
  const kinds = (role: Role | null, other: Role, mutedUntil?: number) =>
    deedsOn(role, { role: other, ...(mutedUntil === undefined ? {} : { mutedUntil }) }, 1_000).map((deed) =>
      deed.kind === "role" ? `to ${deed.role}` : deed.kind,
    );

  it("offers nothing to members and to who is out", () => {
    expect(kinds("member", "member")).toEqual([]);
    expect(kinds(null, "member")).toEqual([]);
  });

  it("offers moderators to keep order among those below them", () => {
    expect(kinds("moderator", "member")).toEqual(["mute", "kick", "ban"]);
    expect(kinds("moderator", "moderator")).toEqual([]);
    expect(kinds("moderator", "owner")).toEqual([]);
  });

  it("offers the owner every other role", () => {
    expect(kinds("owner", "moderator")).toEqual(["to member", "to admin", "to owner", "mute", "kick", "ban"]);
  });

  it("offers to end a mute while it holds, also of somebody above", () => {
    expect(kinds("admin", "member", 2_000)).toEqual(["to moderator", "unmute", "kick", "ban"]);
    expect(kinds("moderator", "admin", 2_000)).toEqual(["unmute"]);
    expect(kinds("moderator", "member", 1_000)).toEqual(["mute", "kick", "ban"]);
  });
});

it("members_are_shown_by_rank_and_then_by_name", () => {
  const all = [
    { role: "member", name: "Zoe" },
    { role: "member", name: "Ann" },
    { role: "owner", name: "Max" },
    { role: "moderator", name: "Bea" },
  ] as const;
  expect([...all].sort(byRank).map(({ name }) => name)).toEqual(["Max", "Bea", "Ann", "Zoe"]);
});
