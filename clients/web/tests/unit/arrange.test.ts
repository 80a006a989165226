import { type ConversationView, memoryStore, Parlor } from "@parlor/client";
import { describe, expect, it } from "vitest";
import { unreadOf } from "../../src/app/page-title.js";
import { arrange, type Filter, withOpen } from "../../src/list/arrange.js";

const NOW = Date.UTC(2026, 0, 15);
const parlor = new Parlor({ url: "http://127.0.0.1:1", token: "me", userId: "me", store: memoryStore() });

function view(key: string, changed: Partial<ConversationView> = {}): ConversationView {
  const conversation = key.startsWith("g") ? parlor.group(key) : parlor.direct(key);
  return { ...conversation.view.get(), ...changed };
}

function keys(views: readonly ConversationView[]): string[] {
  return views.map(({ conversation }) => conversation.key.replace(/^.*:/u, ""));
}

const ALL = [
  view("a", { unread: 2 }),
  view("g1", { settings: { pinned: true } }),
  view("b", { settings: { archived: true }, unread: 1 }),
  view("c", { settings: { markedUnread: true } }),
  view("d", { settings: { pinned: true, mutedUntil: NOW + 1 }, unread: 3, mentions: 1 }),
  view("g2"),
];

function shown(filter: Filter, isArchiveOpen = false): string[] {
  return keys(arrange(ALL, { filter, isArchiveOpen, now: NOW }).shown);
}

describe("the list", () => {
  it("has pinned ones first, and keeps the order in which they moved", () => {
    expect(shown("all")).toEqual(["g1", "d", "a", "c", "g2"]);
  });

  it("shows what is unread, or marked so, alone", () => {
    expect(shown("unread")).toEqual(["d", "a", "c"]);
  });

  it("shows groups alone", () => {
    expect(shown("groups")).toEqual(["g1", "g2"]);
  });

  it("keeps what is archived apart, and counts it", () => {
    expect(shown("all", true)).toEqual(["b"]);
    const { archived, archivedUnread } = arrange(ALL, { filter: "all", isArchiveOpen: false, now: NOW });
    expect([archived, archivedUnread]).toEqual([1, 1]);
  });

  it("leaves the open one where it was among the unread ones", () => {
    const all = [view("a", { unread: 1 }), view("b"), view("c", { unread: 1 })];
    const unread = all.filter(({ unread }) => unread > 0);
    expect(keys(withOpen(unread, all, "user:b"))).toEqual(["a", "b", "c"]);
    expect(keys(withOpen(unread, all, "user:c"))).toEqual(["a", "c"]);
    expect(keys(withOpen(unread, all, null))).toEqual(["a", "c"]);
    expect(keys(withOpen([], all, "user:b"))).toEqual(["b"]);
  });
});

describe("the title", () => {
  it("counts of muted conversations the mentions alone", () => {
    expect(unreadOf(ALL, NOW)).toBe(2 + 1 + 1);
    expect(unreadOf(ALL, NOW + 2)).toBe(2 + 1 + 3);
  });
});
