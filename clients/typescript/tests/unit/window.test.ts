// The window of a log: whatever comes in whatever order, it shows the log, once, in order and without a hole.
import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { AnyEntry, Entry, HistoryPage, Message } from "../../src/protocol/types.js";
import { isMessage, isShown } from "../../src/timeline/effects.js";
import { Window } from "../../src/timeline/window.js";

const base = (seq: number) => ({ id: `c:${seq}`, conversationId: "c", seq, ts: seq, pos: seq });
const said = (seq: number): Message => ({ ...base(seq), from: "bob", content: `text ${seq}` });
const reacted = (seq: number, on: number, kind: "reaction_added" | "reaction_removed", by: string): Entry => ({
  ...base(seq),
  kind,
  by,
  messageId: `c:${on}`,
  emoji: "👍",
});
const edited = (seq: number, on: number): Entry => ({
  ...base(seq),
  kind: "message_edited",
  by: "bob",
  messageId: `c:${on}`,
  content: `edit ${seq}`,
});
const deleted = (seq: number, on: number): Entry => ({
  ...base(seq),
  kind: "message_deleted",
  by: "bob",
  messageId: `c:${on}`,
});

const joined = (seq: number): Entry => ({ ...base(seq), kind: "member_joined", by: "dave" });

/** A log as the server keeps it, and what it answers. */
class Log {
  entries: AnyEntry[] = [];
  #reactors = new Map<string, Set<string>>();

  /** Appends what a number says: a message, or a deed on an earlier one that changes something. */
  append(choice: number): void {
    const seq = this.entries.length + 1;
    const on = 1 + (choice % Math.max(1, seq - 1));
    const target = this.now(on);
    const by = choice % 3 === 0 ? "alice" : "carol";
    const reactors = this.#reactors.get(`c:${on}`) ?? new Set();
    this.#reactors.set(`c:${on}`, reactors);
    if (choice % 7 === 3) this.entries.push(joined(seq));
    else if (target === null || choice % 2 === 0 || target.deleted) this.entries.push(said(seq));
    else if (choice % 11 === 1) this.entries.push(deleted(seq, on));
    else if (choice % 5 === 1) this.entries.push(edited(seq, on));
    else if (reactors.delete(by)) this.entries.push(reacted(seq, on, "reaction_removed", by));
    else {
      reactors.add(by);
      this.entries.push(reacted(seq, on, "reaction_added", by));
    }
  }

  /** A message as it is now, computed from all of the log at once. */
  now(seq: number): Message | null {
    const entry = this.entries[seq - 1];
    if (entry === undefined || !isMessage(entry)) return null;
    const message: Message = { ...entry };
    const by = new Set<string>();
    for (const later of this.entries) {
      if (isMessage(later) || !("messageId" in later) || later.messageId !== message.id) continue;
      if (later.kind === "message_deleted") {
        return { ...base(seq), from: "bob", deleted: true };
      }
      if (later.kind === "message_edited" && later.content !== undefined) {
        message.content = later.content;
        message.editedAt = later.ts;
      }
      if (later.kind === "reaction_added") by.add(later.by);
      if (later.kind === "reaction_removed") by.delete(later.by);
    }
    if (by.size > 0) message.reactions = [{ emoji: "👍", count: by.size, mine: by.has("alice") }];
    return message;
  }

  history({ before, after, limit = 5 }: { before?: number; after?: number; limit?: number }): HistoryPage {
    const head = this.entries.length;
    const inside = this.entries.filter(({ seq }) => seq > (after ?? 0) && seq < (before ?? head + 1));
    const part = after === undefined ? inside.slice(-limit) : inside.slice(0, limit);
    const more = part.length < inside.length;
    const first = after === undefined ? (more ? (part[0]?.seq ?? 1) : 1) : after + 1;
    const last = after === undefined ? Math.min(head, (before ?? head + 1) - 1) : (part.at(-1)?.seq ?? after);
    return {
      status: "ok",
      messages: part.flatMap(({ seq }) => this.now(seq) ?? []),
      entries: part.filter((entry): entry is Entry => !isMessage(entry)),
      more,
      covers: first <= last ? [first, last] : null,
      head,
    };
  }

  /** Messages as they are now, and what is about none, in order. */
  shown(from: number): AnyEntry[] {
    const shown = this.entries.filter((entry) => entry.seq >= from && isShown(entry));
    return shown.map((entry) => this.now(entry.seq) ?? entry);
  }
}

type Step =
  | { do: "append"; choice: number; isPushed: boolean }
  | { do: "repeat"; at: number }
  | { do: "older" }
  | { do: "fill"; answersLate: number }
  | { do: "newest" }
  | { do: "shuffle"; choices: number[] };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("append" as const), choice: fc.nat(1000), isPushed: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("repeat" as const), at: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("older" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("fill" as const), answersLate: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("newest" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("shuffle" as const),
      choices: fc.array(fc.nat(1000), { minLength: 2, maxLength: 4 }),
    }),
  },
);

test("whatever_is_lost_repeated_or_late_the_window_shows_the_log", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const log = new Log();
      const window = new Window(() => "alice");
      const seen: number[] = [];
      let isReplaced = false;
      const see = (entries: AnyEntry[]) => {
        seen.push(...entries.map(({ seq }) => seq));
      };
      const check = () => {
        if (!window.isPlaced) return;
        const numbers = window.shown().map(({ seq }) => seq);
        const expected = log.entries
          .filter((entry) => isShown(entry) && entry.seq >= window.from && entry.seq <= window.to)
          .map(({ seq }) => seq);
        expect(numbers).toEqual(expected);
      };
      for (const now of steps) {
        switch (now.do) {
          case "append":
            log.append(now.choice);
            if (now.isPushed) see(window.push(log.entries.at(-1) as AnyEntry));
            break;
          case "shuffle": {
            const from = log.entries.length;
            for (const choice of now.choices) log.append(choice);
            for (const entry of log.entries.slice(from).reverse()) see(window.push(entry));
            break;
          }
          case "repeat": {
            const entry = log.entries[now.at];
            const isNews = entry !== undefined && entry.seq > window.to;
            // What is pushed again after a cut is what was pushed before, or has never been heard.
            if (entry !== undefined && (window.isPlaced || isNews)) see(window.push(entry));
            break;
          }
          case "older":
            if (window.isPlaced) see(window.page(log.history({ before: window.from })));
            break;
          case "newest": {
            const page = log.history({});
            isReplaced ||= window.isPlaced && (page.covers?.[0] ?? 1) > window.to + 1;
            see(window.page(page));
            break;
          }
          case "fill": {
            if (window.missing <= 0) break;
            const page = log.history({ after: window.to, before: window.head + 1 });
            // More is said between the reading and its answer.
            for (let i = 0; i < now.answersLate; i++) {
              log.append(7 * i + 1);
              see(window.push(log.entries.at(-1) as AnyEntry));
            }
            see(window.page(page));
            if (!page.more) see(window.skipTo(page.covers?.[1] ?? window.to));
            break;
          }
        }
        check();
      }
      window.headIs(log.entries.length);
      if (!window.isPlaced) see(window.page(log.history({})));
      while (window.missing > 0) see(window.page(log.history({ after: window.to, before: window.head + 1 })));
      check();
      expect(window.shown()).toEqual(log.shown(window.from));
      if (!isReplaced) expect(new Set(seen).size, "each is news once").toBe(seen.length);
    }),
    { numRuns: 500 },
  );
});

test("what_is_ahead_of_a_hole_is_not_shown_until_the_hole_is_filled", () => {
  const window = new Window(() => null);
  expect(window.push(said(1)).map(({ seq }) => seq)).toEqual([1]);
  expect(window.push(said(3))).toEqual([]);
  expect(window.push(said(4))).toEqual([]);
  expect([window.missing, window.shown().length]).toEqual([3, 1]);
  expect(window.push(said(2)).map(({ seq }) => seq)).toEqual([2, 3, 4]);
  expect(window.missing).toBe(0);
});

test("a_reaction_that_a_page_has_counted_is_not_counted_again_when_it_is_pushed", () => {
  const log = new Log();
  log.entries = [said(1), reacted(2, 1, "reaction_added", "carol")];
  const window = new Window(() => "alice");
  window.page(log.history({ before: 2 }));
  expect(window.message("c:1")?.reactions).toMatchObject([{ count: 1 }]);
  window.push(log.entries[1] as AnyEntry);
  expect(window.message("c:1")?.reactions).toMatchObject([{ count: 1, mine: false }]);
});

test("what_has_ended_loses_its_content_and_the_next_end_is_told", () => {
  const window = new Window(() => null);
  window.push({ ...said(1), expiresAt: 100 });
  window.push({ ...said(2), expiresAt: 200 });
  expect(window.expire(99)).toBe(100);
  expect(window.expire(100)).toBe(200);
  expect(window.shown()).toMatchObject([{ expired: true }, { content: "text 2" }]);
  expect(window.shown()[0]).not.toHaveProperty("content");
});

test("trimming_keeps_the_newest_and_says_that_there_are_older_ones", () => {
  const window = new Window(() => null);
  for (let seq = 1; seq <= 10; seq++) window.push(said(seq));
  expect(window.isAtStart).toBe(true);
  window.trim(4);
  expect(window.shown().map(({ seq }) => seq)).toEqual([7, 8, 9, 10]);
  expect([window.from, window.isAtStart]).toEqual([7, false]);
});

test("what_is_behind_a_number_is_told_in_order_or_not_at_all", () => {
  const window = new Window(() => null);
  expect(window.after(0)).toEqual([]);
  for (const seq of [3, 4, 6]) window.push(said(seq));
  const behind = (seq: number) => window.after(seq)?.map((entry) => entry.seq) ?? null;
  expect([1, 2, 3, 4, 9].map(behind)).toEqual([null, [3, 4], [4], [], []]);
  window.push(said(5));
  expect(behind(3)).toEqual([4, 5, 6]);
});

test("what_is_pushed_before_the_first_page_waits_beside_it", () => {
  const log = new Log();
  log.entries = [1, 2, 3, 4, 5].map(said);
  const held = () => {
    const window = new Window(() => null);
    for (const entry of log.entries.slice(0, 4)) window.hold(entry);
    expect([window.isPlaced, window.head, window.shown()]).toEqual([false, 4, []]);
    return window;
  };
  const window = held();
  // The page is of the end: what is before it is read when somebody asks for it.
  const page = { ...log.history({ before: 4 }), messages: [said(3)], covers: [3, 3] as [number, number] };
  expect(window.page(page).map(({ seq }) => seq)).toEqual([3, 4]);
  expect([window.from, window.to, window.placeAtHeld()]).toEqual([3, 4, []]);
  // There is no page to be had.
  expect(
    held()
      .placeAtHeld()
      .map(({ seq }) => seq),
  ).toEqual([1, 2, 3, 4]);
});
