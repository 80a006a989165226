// What a conversation is after what happened in it, and how far its members are.
import { expect, test } from "vitest";

import { bringsIn, type Facts, factsAfter, factsWith } from "../../src/facts.js";
import { Marks } from "../../src/marks.js";
import type { Entry } from "../../src/protocol/types.js";

const about = { id: "g:1", groupId: "g", conversationId: "group:g", seq: 1, ts: 1, pos: 1, by: "bob" };
const entry = (more: object): Entry => ({ ...about, ...more }) as Entry;

test.each<[string, object, Partial<Facts>]>([
  ["group_updated", { name: "Owls by night" }, { name: "Owls by night" }],
  ["group_updated", {}, {}],
  ["member_added", { userIds: ["dave", "erin"] }, { members: 5 }],
  ["member_joined", { by: "dave" }, { members: 4 }],
  ["member_left", { by: "bob" }, { members: 2 }],
  ["member_left", { by: "alice" }, { members: 2, role: null }],
  ["member_kicked", { userId: "alice" }, { members: 2, role: null }],
  ["member_banned", { userId: "carol" }, { members: 2 }],
  ["role_changed", { userId: "alice", role: "moderator" }, { role: "moderator" }],
  ["role_changed", { userId: "bob", role: "owner", by: "alice" }, { role: "admin" }],
  ["role_changed", { userId: "bob", role: "admin", by: "alice" }, {}],
  ["timer", { seconds: 60 }, { timerSeconds: 60 }],
  ["message_pinned", { messageId: "g:0" }, {}],
])("%s_%j_changes_what_it_says_and_no_more", (kind, more, changed) => {
  const before: Facts = { name: "Owls", members: 3, role: "member", settings: { pinned: true } };
  expect(factsAfter(before, entry({ kind, ...more }), "alice")).toEqual({ ...before, ...changed });
});

test("who_comes_in_is_a_member_and_has_more_to_learn", () => {
  const added = entry({ kind: "member_added", userIds: ["alice"] });
  expect(factsAfter({ role: null, members: 1 }, added, "alice")).toEqual({ role: "member", members: 2 });
  expect([bringsIn(added, "alice"), bringsIn(added, "carol")]).toEqual([true, false]);
  const made = entry({ kind: "group_created", name: "Owls", userIds: ["alice"] });
  expect(factsAfter({}, made, "alice")).toEqual({ name: "Owls", role: "member" });
  expect(factsAfter({}, made, "bob")).toEqual({ name: "Owls", role: "owner" });
});

test("a_timer_that_ends_and_settings_that_change_leave_the_rest", () => {
  expect(factsAfter({ name: "Owls", timerSeconds: 5 }, entry({ kind: "timer", seconds: null }), null)).toEqual({
    name: "Owls",
  });
  const before: Facts = { settings: { pinned: true, archived: true } };
  expect(factsWith(before, { archived: false })).toEqual({ settings: { pinned: true, archived: false } });
});

test("marks_only_grow_and_tell_how_far_a_message_got", () => {
  const marks = new Marks();
  expect(marks.of(1, "alice")).toBe("sent");
  marks.take([{ userId: "alice", delivered: 9, read: 9 }]);
  expect(marks.of(1, "alice"), "its author's mark says nothing").toBe("sent");
  marks.take([
    { userId: "bob", delivered: 5, read: 2 },
    { userId: "carol", delivered: 3, read: 3 },
  ]);
  const before = marks.all;
  expect([1, 2, 3, 4].map((seq) => marks.of(seq, "alice"))).toEqual(["read", "read", "delivered", "sent"]);
  marks.take([{ userId: "carol", delivered: 1, read: 0 }]);
  expect(marks.all.get("carol")).toEqual({ userId: "carol", delivered: 3, read: 3 });
  marks.take([{ userId: "carol", delivered: 0, read: 6 }]);
  expect([marks.of(4, "alice"), marks.readBy("carol"), marks.readBy(null)]).toEqual(["delivered", 6, 0]);
  expect(before.get("carol"), "what was given out does not change").toEqual({ userId: "carol", delivered: 3, read: 3 });
});
