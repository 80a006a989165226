// When a client writes down what it remembers: at once, and then no more often than that is quick.
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Cache } from "../../src/cache.js";
import type { Conversation } from "../../src/conversation.js";
import type { CacheChanges, CachedPosition } from "../../src/store/store.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A cache of one conversation, on a store that takes so long to write, and what was written. */
function kept(tookMs: number) {
  let stored: CachedPosition | null = null;
  let said = 0;
  const written: { at: number; said: number }[] = [];
  const conversation = { key: "user:bob", kept: () => ({ said }) } as unknown as Conversation;
  const store = {
    loadCache: async () => ({ position: null, pieces: new Map() }),
    saveCache: async (_: string, decide: (position: CachedPosition | null) => CacheChanges | null) => {
      const changes = decide(stored);
      if (changes === null) return false;
      stored = changes.position;
      const piece = changes.pieces.get(conversation.key) as { said: number } | undefined;
      if (piece !== undefined) written.push({ at: performance.now(), said: piece.said });
      await new Promise((resolve) => setTimeout(resolve, tookMs));
      return true;
    },
    dropCache: async () => {},
  };
  const cache = new Cache(store, "alice", {
    hasHeard: () => true,
    position: () => ({ epoch: "1", pos: said }),
    listed: () => [conversation],
    own: () => [],
    restore: () => {},
  });
  const begun = performance.now();
  const say = () => {
    said += 1;
    cache.changed(conversation);
  };
  return { cache, say, written: () => written.map(({ at, said }) => [Math.round(at - begun), said]) };
}

test("the_first_change_is_written_at_once_and_a_flood_together_as_fast_as_it_is_quick", async () => {
  const { cache, say, written } = kept(10);
  say();
  say();
  await vi.advanceTimersByTimeAsync(1);
  expect(written()).toEqual([[0, 2]]);
  for (let ms = 0; ms < 400; ms += 10) {
    say();
    await vi.advanceTimersByTimeAsync(10);
  }
  // Ten times as long as writing took is left in between, and the last change is not left out.
  await vi.advanceTimersByTimeAsync(500);
  const times = written();
  expect(times.length).toBeGreaterThan(3);
  expect(times.length).toBeLessThan(7);
  for (const [at] of times.slice(1)) expect((at ?? 0) % 110).toBeLessThan(12);
  expect(times.at(-1)?.[1]).toBe(42);
  cache.close();
});

test("a_slow_store_is_written_to_once_a_second_and_a_change_after_a_rest_at_once", async () => {
  const { cache, say, written } = kept(400);
  say();
  await vi.advanceTimersByTimeAsync(10);
  say();
  await vi.advanceTimersByTimeAsync(1_380);
  expect(written()).toEqual([[0, 1]]);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(written()).toEqual([
    [0, 1],
    [1400, 2],
  ]);
  say();
  await vi.advanceTimersByTimeAsync(1);
  expect(written().at(-1)?.[1]).toBe(3);
  cache.close();
});

test("a_page_that_is_put_out_of_sight_or_left_writes_what_it_has", async () => {
  const listeners = new Map<string, () => void>();
  const listen = (name: string, listener: () => void) => listeners.set(name, listener);
  const document = { visibilityState: "visible", addEventListener: listen, removeEventListener: () => {} };
  vi.stubGlobal("addEventListener", listen);
  vi.stubGlobal("removeEventListener", () => {});
  vi.stubGlobal("document", document);
  const { cache, say, written } = kept(400);
  say();
  await vi.advanceTimersByTimeAsync(1);
  say();
  listeners.get("visibilitychange")?.();
  expect(written()).toHaveLength(1);
  document.visibilityState = "hidden";
  listeners.get("visibilitychange")?.();
  expect(written().at(-1)).toEqual([1, 2]);
  say();
  listeners.get("pagehide")?.();
  expect(written().at(-1)).toEqual([1, 3]);
  cache.close();
});

/** A cache on a store that takes so long to read, and what was taken of it. */
function slow(tookMs: number) {
  let hasHeard = false;
  const taken: number[] = [];
  const position = { epoch: "1", pos: 7, form: 2 };
  const store = {
    loadCache: async () => {
      await new Promise((resolve) => setTimeout(resolve, tookMs));
      return { position, pieces: new Map() };
    },
    saveCache: async () => true,
    dropCache: async () => {},
  };
  const cache = new Cache(store, "alice", {
    hasHeard: () => hasHeard,
    position: () => (taken.length > 0 ? position : null),
    listed: () => [],
    own: () => [],
    restore: (_, { pos }) => taken.push(pos),
  });
  /** A connection that is prepared for: after how long it is tried. */
  const prepared = async () => {
    const begun = performance.now();
    let took = 0;
    const load = cache.load().then(() => {
      took = performance.now() - begun;
    });
    await vi.advanceTimersByTimeAsync(3_000);
    await load;
    return Math.round(took);
  };
  const heard = () => {
    hasHeard = true;
  };
  return { cache, taken, prepared, heard };
}

test("a_store_that_is_slow_holds_up_a_connection_for_a_while_and_is_taken_before_the_next", async () => {
  const { cache, taken, prepared } = slow(4_000);
  expect(await prepared()).toBe(3_000);
  expect(taken).toEqual([]);
  expect(await prepared()).toBe(1_000);
  expect(await prepared()).toBe(0);
  expect(taken).toEqual([7]);
  cache.close();
});

test("what_is_read_after_the_server_was_heard_is_out_of_date", async () => {
  const { cache, taken, prepared, heard } = slow(4_000);
  await prepared();
  heard();
  expect(await prepared()).toBe(0);
  await vi.advanceTimersByTimeAsync(4_000);
  expect(taken).toEqual([]);
  cache.close();
});
