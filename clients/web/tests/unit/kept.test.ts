import type { Parlor, Status } from "@parlor/client";
import { describe, expect, it, vi } from "vitest";
import { allPages, Kept } from "../../src/asking/kept.js";

/** A connection that a test turns on and off. */
function line() {
  const listeners = new Set<() => void>();
  let state: Status["state"] = "live";
  const status = {
    get: () => ({ state, reason: null, error: null, retryInMs: null }),
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const set = (next: Status["state"]) => {
    state = next;
    for (const listener of [...listeners]) listener();
  };
  return { parlor: { status } as unknown as Pick<Parlor, "status">, set };
}

/** A promise that a test decides. */
function later<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

describe("something that the server keeps", () => {
  it("is read when it is first shown, and again after a reconnect", async () => {
    const { parlor, set } = line();
    const read = vi.fn(async () => read.mock.calls.length);
    const kept = new Kept<number>(parlor, { read });
    expect(kept.get().value).toBeNull();
    const stop = kept.subscribe(() => {});
    await settled();
    expect(kept.get().value).toBe(1);
    set("offline");
    set("live");
    await settled();
    expect(kept.get().value).toBe(2);
    stop();
    set("offline");
    set("live");
    await settled();
    expect(read).toHaveBeenCalledTimes(2);
  });

  it("shows a change at once, and keeps it when it is done", async () => {
    const { parlor } = line();
    const kept = new Kept<number>(parlor, { read: async () => 1 });
    kept.subscribe(() => {});
    await settled();
    const answer = later<string>();
    const done = kept.change(
      (value) => value + 10,
      () => answer.promise,
    );
    expect(kept.get().value).toBe(11);
    answer.resolve("ok");
    expect(await done).toBe("ok");
    expect(kept.get().value).toBe(11);
  });

  it("takes a refused change back, and leaves the others", async () => {
    const { parlor } = line();
    const kept = new Kept<readonly string[]>(parlor, { read: async () => [] });
    kept.subscribe(() => {});
    await settled();
    const [first, second] = [later<void>(), later<void>()];
    const refused = kept.change(
      (value) => [...value, "first"],
      () => first.promise,
    );
    const kept2 = kept.change(
      (value) => [...value, "second"],
      () => second.promise,
    );
    expect(kept.get().value).toEqual(["first", "second"]);
    first.reject(new Error("no"));
    await expect(refused).rejects.toThrow("no");
    expect(kept.get().value).toEqual(["second"]);
    second.resolve();
    await kept2;
    expect(kept.get().value).toEqual(["second"]);
  });

  it("is read once more when something is heard while it is read", async () => {
    const { parlor } = line();
    const first = later<number>();
    const read = vi.fn(() => (read.mock.calls.length === 1 ? first.promise : Promise.resolve(2)));
    const kept = new Kept<number>(parlor, { read });
    kept.subscribe(() => {});
    kept.hear(() => 5);
    first.resolve(1);
    await settled();
    expect(kept.get().value).toBe(2);
  });

  it("tells why it could not be read, and keeps what it had", async () => {
    const { parlor } = line();
    const error = new Error("down");
    const read = vi.fn(async () => {
      if (read.mock.calls.length > 1) throw error;
      return 1;
    });
    const kept = new Kept<number>(parlor, { read });
    kept.subscribe(() => {});
    await settled();
    kept.reload();
    await settled();
    expect(kept.get()).toEqual({ value: 1, error });
  });
});

describe("all pages of a list", () => {
  it("are read to the end", async () => {
    const page = async (cursor: string | undefined) =>
      cursor === undefined ? { items: [1, 2], cursor: "next" } : { items: [3], cursor: null };
    expect(await allPages(page)).toEqual([1, 2, 3]);
  });

  it("end at the bound", async () => {
    const endless = vi.fn(async () => ({ items: [1], cursor: "more" }));
    expect(await allPages(endless, 5)).toHaveLength(5);
  });
});
