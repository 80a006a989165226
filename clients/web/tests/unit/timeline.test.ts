import type { ChatMessage, Happening, LoggedMessage, TimelineItem } from "@parlor/client";
import { describe, expect, it } from "vitest";
import { completingAt, contentOf, mentionsIn, roomLeft } from "../../src/conversation/composer/text.js";
import { deskAfter } from "../../src/conversation/desk.js";
import { indexFrom, messageOf, remains } from "../../src/conversation/timeline/loaded.js";
import { isLookedAt, seenUpTo } from "../../src/conversation/timeline/reading.js";
import { firstUnread, type Row, Rows } from "../../src/conversation/timeline/rows.js";
import { stepTowards } from "../../src/conversation/timeline/steps.js";

const NOON = new Date(2026, 4, 3, 12).getTime();
const MINUTE = 60_000;

function message(seq: number, from: string, ts = NOON + seq * 1_000): LoggedMessage {
  return { state: "sent", key: `k${seq}`, id: `dm:a:b:${seq}`, conversationId: "dm:a:b", seq, from, ts, content: "x" };
}

function waiting(key: string, ts: number): ChatMessage {
  return { state: "sending", key, clientId: key, from: "a", content: "x", ts, options: {}, error: null };
}

function happened(seq: number, kind: Happening["kind"], more: object, ts = NOON + seq * 1_000): Happening {
  const key = `k${seq}`;
  const common = { key, id: key, conversationId: "group:g", seq, pos: seq, by: "a", ts };
  return { ...common, ...more, kind, state: "happened" } as Happening;
}

const added = (seq: number, userId: string, ts?: number) => happened(seq, "member_added", { userIds: [userId] }, ts);

/** How each message stands in what its author says in one go. */
function groupsOf(items: readonly TimelineItem[]): [begins: boolean, ends: boolean][] {
  return new Rows()
    .of(items, null)
    .flatMap((row) => (row.kind === "said" ? [[row.beginsGroup, row.endsGroup] as [boolean, boolean]] : []));
}

/** The numbers that each row has. */
function seqsOf(rows: readonly Row[]): (number | null)[][] {
  return rows.map((row) => (row.kind === "said" ? [row.seq] : row.happenings.map(({ seq }) => seq)));
}

describe("rows", () => {
  it("group what one says in one go", () => {
    const messages = [message(1, "a"), message(2, "a"), message(3, "b"), message(4, "b", NOON + 20 * MINUTE)];
    expect(groupsOf(messages)).toEqual([
      [true, false],
      [false, true],
      [true, true],
      [true, true],
    ]);
  });

  it("begin a day where the local one does", () => {
    const night = new Date(2026, 4, 4).getTime();
    const messages = [
      message(1, "a", night - 1_000),
      message(2, "a", night - 1),
      message(3, "a", night),
      message(4, "a", night + 1),
    ];
    expect(new Rows().of(messages, null).map(({ beginsDay }) => beginsDay)).toEqual([true, false, true, false]);
  });

  it("part what is unread", () => {
    const messages = [message(1, "a"), message(2, "b"), message(3, "b")];
    const unread = firstUnread(messages, "a", 2);
    expect(unread).toBe("k3");
    expect(new Rows().of(messages, unread).map(({ beginsUnread }) => beginsUnread)).toEqual([false, false, true]);
    expect(firstUnread(messages, "a", null)).toBeNull();
    expect(firstUnread(messages, "b", 1)).toBeNull();
  });

  it("stay the same objects where nothing changed", () => {
    const rows = new Rows();
    const messages = Array.from({ length: 100 }, (_, index) => message(index + 1, "a"));
    const before = rows.of(messages, null);
    const after = rows.of([...messages, message(101, "b")], null);
    expect(after.slice(0, 99).every((row, index) => row === before[index])).toBe(true);
    // It may end its group now.
    expect(after[99]).toBe(before[99]);
  });
});

describe("lines", () => {
  it("say what is of one sort together, and part what their author says", () => {
    const items = [
      message(1, "a"),
      added(2, "b"),
      added(3, "c"),
      happened(4, "member_left", { by: "c" }),
      happened(5, "member_left", { by: "b" }),
      message(6, "a"),
      added(7, "d"),
    ];
    expect(seqsOf(new Rows().of(items, null))).toEqual([[1], [2, 3], [4, 5], [6], [7]]);
    expect(groupsOf(items)).toEqual([
      [true, true],
      [true, true],
    ]);
  });

  it("are one whatever stands between that has none", () => {
    const event = happened(3, "app_event", { name: "poll", data: null });
    const newer = { ...event, seq: 4, key: "k4", kind: "of_next_year" } as unknown as Happening;
    expect(seqsOf(new Rows().of([added(2, "b"), event, newer, added(5, "c")], null))).toEqual([[2, 5]]);
  });

  it("are parted by a day and by what is unread", () => {
    const night = new Date(2026, 4, 4).getTime();
    const items = [
      added(1, "b", night - 1),
      added(2, "c", night),
      added(3, "d", night + 1),
      message(4, "b", night + 2),
    ];
    const unread = firstUnread(items, "a", 2);
    expect(unread).toBe("k3");
    const rows = new Rows().of(items, unread);
    expect(seqsOf(rows)).toEqual([[1], [2], [3], [4]]);
    expect(rows.map(({ beginsDay, beginsUnread }) => [beginsDay, beginsUnread])).toEqual([
      [true, false],
      [true, false],
      [false, true],
      [false, false],
    ]);
    // Of itself none of it is unread.
    expect(firstUnread(items.slice(0, 3), "a", 1)).toBeNull();
  });

  it("stay the same rows where nothing changed, and keep their key when older things become part of them", () => {
    const rows = new Rows();
    const items = [added(4, "b"), added(5, "c"), message(6, "a")];
    const before = rows.of(items, null);
    expect(rows.of([...items, message(7, "b")], null)[0]).toBe(before[0]);
    const older = rows.of([message(2, "a"), added(3, "d"), ...items], null);
    expect(seqsOf(older)).toEqual([[2], [3, 4, 5], [6]]);
    expect(older[1]?.key).toBe(before[0]?.key);
    expect(stepTowards(before, older)).toMatchObject({ isPrepended: true });
  });
});

describe("what was seen", () => {
  it("is read only while the tab is seen and has the focus", () => {
    expect(isLookedAt({ visibilityState: "visible", hasFocus: () => true })).toBe(true);
    expect(isLookedAt({ visibilityState: "hidden", hasFocus: () => true })).toBe(false);
    expect(isLookedAt({ visibilityState: "visible", hasFocus: () => false })).toBe(false);
  });

  it("goes up to the last message of the log on the screen", () => {
    const messages = [message(1, "b"), message(2, "b"), waiting("w", NOON + 5_000)];
    const seen = (items: readonly TimelineItem[], at: number) => {
      const row = new Rows().of(items, null).at(at);
      const said = items.filter((item) => item.state !== "happened");
      return row === undefined ? null : seenUpTo(said, row);
    };
    expect(seen(messages, 0)).toBe(1);
    expect(seen(messages, 2)).toBe(2);
    expect(seen([waiting("w", NOON)], 0)).toBeNull();
    expect(seen([...messages.slice(0, 2), added(3, "c")], 2)).toBe(2);
    expect(seen([added(1, "c")], 0)).toBeNull();
  });
});

describe("a loaded message", () => {
  const messages = [message(1, "a"), message(4, "a"), message(9, "b"), waiting("w", NOON + MINUTE)];

  it("is found by its number and its id", () => {
    expect(indexFrom(messages, 4)).toBe(1);
    expect(indexFrom(messages, 5)).toBe(2);
    expect(indexFrom(messages, 10)).toBe(3);
    expect(messageOf(messages, "dm:a:b:9")?.seq).toBe(9);
    expect(messageOf(messages, "dm:a:b:5")).toBeNull();
    expect(messageOf(messages, "dm:x:y:9")).toBeNull();
  });
});

describe("the composer", () => {
  it("sends nothing that the server refuses for its characters", () => {
    expect(contentOf(" a\u0000b\r\nc\ud800 \n")).toBe("ab\nc\ufffd");
  });

  it("knows whom a text mentions", () => {
    expect(mentionsIn("@bob, mail@carol.example @caroline @all", ["bob", "carol", "@all"])).toEqual(["bob", "@all"]);
  });

  it("tells the room that is left once there is little", () => {
    expect(roomLeft("short", 1_000)).toBeNull();
    expect(roomLeft("x".repeat(950), 1_000)).toBe(48);
    expect(roomLeft("ä".repeat(600), 1_000)).toBeLessThan(0);
  });

  it("completes mentions and emoji where they are begun", () => {
    expect(completingAt("hi @bo", 6, true)).toEqual({ kind: "mention", query: "bo", from: 3 });
    expect(completingAt("hi @bo", 6, false)).toBeNull();
    expect(completingAt("a@b", 3, true)).toBeNull();
    expect(completingAt("so :owl", 7, false)).toEqual({ kind: "emoji", query: "owl", from: 3 });
    expect(completingAt("10:30", 5, false)).toBeNull();
  });
});

describe("selecting", () => {
  it("ends with the last that is taken out", () => {
    const empty = { writing: null, asking: null, selection: null };
    const one = deskAfter(empty, { type: "select", key: "a" });
    expect(one.selection).toEqual(new Set(["a"]));
    expect(deskAfter(one, { type: "select", key: "a" }).selection).toBeNull();
  });
});

describe("steps", () => {
  const log = (from: number, to: number) =>
    new Rows().of(
      Array.from({ length: to - from + 1 }, (_, index) => message(from + index, "a")),
      null,
    );
  /** What is drawn one after the other until all is. */
  const steps = (before: readonly Row[], rows: readonly Row[]) => {
    const told: [first: number, last: number, isPrepended: boolean][] = [];
    for (let drawn = before; ; ) {
      const step = stepTowards(drawn, rows);
      const seqs = step.rows.map(({ seq }) => seq ?? 0);
      told.push([seqs[0] ?? 0, seqs.at(-1) ?? 0, step.isPrepended]);
      if (step.rows === rows) return told;
      drawn = step.rows;
    }
  };

  it("are one where rows change at one end", () => {
    expect(steps([], log(1, 3))).toEqual([[1, 3, false]]);
    expect(steps(log(5, 9), log(5, 12))).toEqual([[5, 12, false]]);
    expect(steps(log(5, 9), log(5, 7))).toEqual([[5, 7, false]]);
    expect(steps(log(5, 9), log(2, 9))).toEqual([[2, 9, true]]);
  });

  it("are two where they change at both", () => {
    expect(steps(log(5, 9), log(2, 11))).toEqual([
      [2, 9, true],
      [2, 11, false],
    ]);
    expect(steps(log(5, 9), log(2, 7))).toEqual([
      [5, 7, false],
      [2, 7, true],
    ]);
  });

  it("are one where nothing stays", () => {
    expect(steps(log(5, 9), log(20, 30))).toEqual([[20, 30, false]]);
    expect(steps(log(5, 9), log(7, 12))).toEqual([[7, 12, false]]);
  });
});

describe("what remains around a message", () => {
  const log = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => message(from + index, "a"));

  it("is all while what is loaded grows", () => {
    expect(remains(log(5, 9), log(2, 12), 6)).toBe("all");
    expect(remains([], log(2, 12), 6)).toBe("all");
  });

  it("is some where what was before it is gone", () => {
    expect(remains(log(1, 99), log(50, 120), 60)).toBe("some");
  });

  it("is none where it is gone", () => {
    expect(remains(log(1, 99), log(50, 120), 49)).toBe("none");
    expect(remains(log(50, 99), log(1, 40), 60)).toBe("none");
    expect(remains(log(1, 9), [], 3)).toBe("none");
  });
});
