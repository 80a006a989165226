import type { GroupMember } from "@parlor/client";
import { describe, expect, it } from "vitest";
import { FOR_GOOD } from "../../src/asking/dates.js";
import { membersAfter } from "../../src/groups/members.js";

const of = (userId: string, role: GroupMember["role"] = "member"): GroupMember => ({ userId, role, joinedAt: 1 });
const ALL = [of("owner", "owner"), of("ann"), of("bea", "moderator")];

describe("the members after", () => {
  it.each([
    { kind: "member_left", by: "ann" },
    { kind: "member_kicked", userId: "ann" },
    { kind: "member_banned", userId: "ann" },
  ] as const)("$kind are without who went", (entry) => {
    expect(membersAfter(ALL, entry).map(({ userId }) => userId)).toEqual(["owner", "bea"]);
  });

  it("a mute has its end, or none", () => {
    const muted = membersAfter(ALL, { kind: "member_muted", userId: "ann", until: 77 });
    expect(muted[1]).toEqual({ ...of("ann"), mutedUntil: 77 });
    const forGood = membersAfter(ALL, { kind: "member_muted", userId: "ann" });
    expect(forGood[1]?.mutedUntil).toBe(FOR_GOOD);
    expect(membersAfter(muted, { kind: "member_unmuted", userId: "ann" })).toEqual(ALL);
  });

  it("the group was given away has one owner", () => {
    const after = membersAfter(ALL, { kind: "role_changed", by: "owner", userId: "bea", role: "owner" });
    expect(after.map(({ role }) => role)).toEqual(["admin", "member", "owner"]);
  });

  it("something about somebody who is not listed are as they were", () => {
    expect(membersAfter(ALL, { kind: "member_kicked", userId: "zoe" })).toEqual(ALL);
  });
});
