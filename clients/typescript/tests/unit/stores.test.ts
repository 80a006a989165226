// What every store has to do. IndexedDB's is run again in a real browser by the tests of the outbox.
import "fake-indexeddb/auto";
import { describe, expect, test } from "vitest";

import { indexedDbStore, memoryStore, type OutboxItem, type OutboxNews, type Store } from "../../src/index.js";

let databases = 0;
const stores: [string, () => Store][] = [
  ["memory", memoryStore],
  [
    "IndexedDB",
    () => {
      databases += 1;
      return indexedDbStore(`test-${databases}`);
    },
  ],
];

const item = (clientId: string, owner = "alice"): Omit<OutboxItem, "order"> => ({
  clientId,
  owner,
  target: { toUserId: "bob" },
  content: { text: "Hello", list: [1, null, true] },
  options: { thread: "m1" },
  createdAt: 5,
  failure: null,
});

const never = new AbortController().signal;

describe.each(stores)("%s", (_, make) => {
  test("items_come_back_in_the_order_in_which_they_were_added_and_to_their_owner", async () => {
    const store = make();
    const orders: number[] = [];
    for (const key of ["a", "b", "c"]) orders.push(await store.add(item(key)));
    await store.add(item("d", "mallory"));
    expect(orders).toEqual([...orders].sort((a, b) => a - b));
    const items = await store.items("alice");
    expect(items).toEqual(["a", "b", "c"].map((key, index) => ({ ...item(key), order: orders[index] })));
    expect(await store.items("nobody")).toEqual([]);
    store.close();
  });

  test("an_item_is_replaced_in_its_place_and_not_brought_back_once_it_is_removed", async () => {
    const store = make();
    for (const key of ["a", "b"]) await store.add(item(key));
    const [first, second] = (await store.items("alice")) as [OutboxItem, OutboxItem];
    await store.put({ ...first, failure: { code: "blocked", error: "text" } });
    expect((await store.items("alice")).map(({ failure }) => failure?.code)).toEqual(["blocked", undefined]);
    await store.remove(first);
    await store.put(first);
    expect(await store.items("alice")).toEqual([second]);
    store.close();
  });

  test("work_is_done_one_after_the_other_and_not_at_all_once_it_is_given_up", async () => {
    const store = make();
    const log: string[] = [];
    const work = (name: string) => async () => {
      log.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      log.push(`${name} ends`);
    };
    const gone = new AbortController();
    const all = [store.exclusive("alice", never, work("one")), store.exclusive("alice", gone.signal, work("two"))];
    all.push(store.exclusive("alice", never, work("three")));
    gone.abort(new Error("given up"));
    const outcomes = await Promise.allSettled(all);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(log).toEqual(["one begins", "one ends", "three begins", "three ends"]);
    await expect(store.exclusive("alice", never, () => Promise.reject(new Error("mine")))).rejects.toThrow("mine");
    store.close();
  });
});

test("what_one_announces_the_other_hears_in_the_same_database", async () => {
  const [one, two] = [indexedDbStore("shared"), indexedDbStore("shared")];
  const news: OutboxNews = { kind: "changed", owner: "alice" };
  const heard = new Promise((resolve) => two.subscribe(resolve));
  one.announce(news);
  expect(await heard).toEqual(news);
  await one.add(item("a"));
  expect((await two.items("alice")).map(({ clientId }) => clientId)).toEqual(["a"]);
  one.close();
  two.close();
});
