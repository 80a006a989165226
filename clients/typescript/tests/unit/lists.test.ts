// Lists that are read while somebody looks: whatever crosses, what is shown is true in the end.
import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { Connection } from "../../src/connection.js";
import { Emitter } from "../../src/emitter.js";
import { Looked } from "../../src/looked.js";
import { type Line, Records, type RecordsPage } from "../../src/own/records.js";
import { Paged } from "../../src/paged.js";
import { Reads } from "../../src/reads.js";

const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

/** Records of numbers, whose pages are given by the test. */
function records(isWhole: boolean) {
  const asked: { cursor: string | null; answer: (page: RecordsPage<number>) => void }[] = [];
  const list = new Records<number, readonly number[]>({
    question: "contacts",
    isWhole,
    page: (cursor) => new Promise((answer) => asked.push({ cursor, answer })),
    show: (values) => values,
    changed: () => {},
    isLive: () => true,
  });
  return { list, asked };
}

const page = (values: readonly (readonly [id: string, at: number, value: number])[], cursor: string | null = null) => ({
  lines: values.map(([id, at, value]) => [id, { at, value }] as const),
  cursor,
});

test("news_that_cross_a_page_hold_by_their_times_in_whatever_order_they_come", async () => {
  const { list, asked } = records(true);
  list.subscribe(() => {});
  list.hear("gone", 5, null);
  list.hear("newer", 7, 70);
  list.hear("older", 2, 20);
  asked[0]?.answer(
    page(
      [
        ["gone", 4, 40],
        ["newer", 6, 60],
      ],
      "more",
    ),
  );
  await turn();
  expect(asked[1]?.cursor).toBe("more");
  asked[1]?.answer(
    page([
      ["older", 3, 30],
      ["rest", 1, 10],
    ]),
  );
  await turn();
  expect(list.get()).toEqual([70, 30, 10]);
  // What is late says nothing any more.
  list.hear("newer", 6, 60);
  list.hear("gone", 4, 40);
  expect(list.get()).toEqual([70, 30, 10]);
});

test("what_is_read_while_it_turns_out_to_be_untrue_is_read_again_and_drops_what_is_gone", async () => {
  const { list, asked } = records(true);
  list.subscribe(() => {});
  asked[0]?.answer(
    page([
      ["one", 1, 1],
      ["two", 2, 2],
    ]),
  );
  await turn();
  list.stale();
  expect(list.get()).toEqual([2, 1]);
  list.stale();
  asked[1]?.answer(
    page([
      ["one", 1, 1],
      ["two", 2, 2],
    ]),
  );
  await turn();
  asked[2]?.answer(page([["one", 1, 1]]));
  await turn();
  expect([list.get(), asked.length]).toEqual([[1], 3]);
});

test("records_are_the_last_of_their_times_however_news_and_pages_mix", async () => {
  const news = fc.record({ id: fc.constantFrom("a", "b", "c"), isGone: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(news, { maxLength: 20 }), fc.nat(20), fc.nat(20), async (all, read, answered) => {
      const { list, asked } = records(true);
      const truth = new Map<string, Line<number>>();
      let seen: RecordsPage<number> | null = null;
      for (const [index, { id, isGone }] of all.entries()) {
        if (index === read) list.subscribe(() => {});
        const line = { at: index + 1, value: isGone ? null : index };
        truth.set(id, line);
        list.hear(id, line.at, line.value);
        // The server answers at some moment after it was asked, and the answer comes later still.
        if (index >= read && seen === null)
          seen = { lines: [...truth].filter(([, { value }]) => value !== null), cursor: null };
        if (index === read + answered && seen !== null) asked[0]?.answer(seen);
      }
      list.subscribe(() => {});
      asked[0]?.answer(seen ?? { lines: [...truth].filter(([, { value }]) => value !== null), cursor: null });
      await turn();
      const expected = [...truth.values()].filter(({ value }) => value !== null).sort((a, b) => b.at - a.at);
      expect(list.get()).toEqual(expected.map(({ value }) => value));
    }),
    { numRuns: 200 },
  );
});

test("what_nobody_looks_at_any_more_is_not_asked_for_and_is_asked_for_when_somebody_does_again", async () => {
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  const events = new Emitter<{ ready: unknown }>();
  const request = (_: string, { userId }: { userId: string }) => {
    asked.push(userId);
    return new Promise((resolve) => answers.push(() => resolve({ userId })));
  };
  const reads = new Reads({ events, isReady: true, request } as unknown as Connection);
  const made = (userId: string) =>
    new Paged(
      async (_, signal) => ({ items: [await reads.ask("profile_get", { userId }, signal)], cursor: null }),
      () => userId,
      (items, { isLoading }) => ({ items, isLoading }),
    );
  const all = Array.from({ length: 40 }, (_, n) => made(`user${n}`));
  const stops = all.map((one) => one.subscribe(() => {}));
  await turn();
  for (const stop of stops.slice(0, 35)) stop();
  const again = all[20]?.subscribe(() => {});
  // A question that matters goes before those of who people are.
  const other = reads.ask("pins", { conversationId: "c" } as never, new AbortController().signal);
  await turn();
  for (let round = 0; round < 20; round++) {
    for (const answer of answers.splice(0)) answer();
    await turn();
  }
  await other;
  const four = ["user0", "user1", "user2", "user3"];
  const rest = ["user35", "user36", "user37", "user38", "user39", "user20"];
  expect(asked).toEqual([...four, undefined, ...rest]);
  expect(all[20]?.get()).toMatchObject({ isLoading: false, items: [{ userId: "user20" }] });
  again?.();
});

test("what_somebody_looks_at_is_kept_however_much_else_is_looked_at", () => {
  const looked = new Looked(3, (key) => ({ key, isWatched: key === "a" }));
  const first = looked.of("a");
  for (const key of ["b", "c", "d", "e", "f"]) looked.of(key);
  expect(looked.of("a")).toBe(first);
  expect([...looked.values()].map(({ key }) => key)).toEqual(["a", "e", "f"]);
});
