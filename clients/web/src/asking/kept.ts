// Something that the server keeps and this page shows: read when it is first shown, kept right by its events and
// after each reconnect, changed at once by the user, and put back when the server refuses.
import type { Observable, Parlor } from "@parlor/client";

/** What is known. `value` is `null` until it was read. */
export interface KeptView<T> {
  readonly value: T | null;
  /** Why the last reading failed. */
  readonly error: unknown;
}

type Change<T> = (value: T) => T;

/** How it is read, and how it is heard that it changed elsewhere. */
export interface KeptSource<T> {
  readonly read: () => Promise<T>;
  readonly listen?: (hear: (change: Change<T>) => void) => () => void;
}

/** One such thing of one client. Whoever shows it subscribes; while nobody does, nothing is asked. */
export class Kept<T> implements Observable<KeptView<T>> {
  readonly #parlor: Pick<Parlor, "status">;
  readonly #source: KeptSource<T>;
  #view: KeptView<T> = { value: null, error: null };
  #listeners = new Set<() => void>();
  #stop: (() => void) | null = null;
  /** As the server has it. */
  #base: T | null = null;
  /** Changes of the user that the server has not answered yet, in their order. */
  #wishes: Change<T>[] = [];
  #isReading = false;
  #isStale = false;

  constructor(parlor: Pick<Parlor, "status">, source: KeptSource<T>) {
    this.#parlor = parlor;
    this.#source = source;
  }

  readonly get = (): KeptView<T> => this.#view;

  readonly subscribe = (listener: () => void): (() => void) => {
    const entry = () => listener();
    this.#listeners.add(entry);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      this.#listeners.delete(entry);
      if (this.#listeners.size > 0) return;
      this.#stop?.();
      this.#stop = null;
    };
  };

  /** Reads it anew. */
  readonly reload = (): void => {
    if (this.#isReading) this.#isStale = true;
    else void this.#read();
  };

  /** What the server is known to have now. */
  hear(change: Change<T>): void {
    if (this.#isReading) this.#isStale = true;
    if (this.#base === null) return;
    this.#base = change(this.#base);
    this.#show(this.#view.error);
  }

  /** Shows a change at once, and takes it back if `ask` is refused, with whose error it then rejects. */
  async change<R>(wish: Change<T>, ask: () => Promise<R>): Promise<R> {
    this.#wishes.push(wish);
    this.#show(this.#view.error);
    try {
      const answer = await ask();
      this.#wishes = this.#wishes.filter((other) => other !== wish);
      this.hear(wish);
      return answer;
    } catch (error) {
      this.#wishes = this.#wishes.filter((other) => other !== wish);
      this.#show(this.#view.error);
      throw error;
    }
  }

  #start(): void {
    const stops = [this.#source.listen?.((change) => this.hear(change))];
    let wasLive = this.#parlor.status.get().state === "live";
    stops.push(
      this.#parlor.status.subscribe(() => {
        const isLive = this.#parlor.status.get().state === "live";
        if (isLive && !wasLive) this.reload();
        wasLive = isLive;
      }),
    );
    this.#stop = () => {
      for (const stop of stops) stop?.();
    };
    if (wasLive) this.reload();
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    let error: unknown = null;
    do {
      this.#isStale = false;
      try {
        const read = await this.#source.read();
        // What was heard meanwhile may not be in it.
        if (!this.#isStale) this.#base = read;
        error = null;
      } catch (reason) {
        error = reason;
        break;
      }
    } while (this.#isStale);
    this.#isReading = false;
    this.#show(error);
  }

  #show(error: unknown): void {
    const value = this.#base === null ? null : this.#wishes.reduce<T>((shown, wish) => wish(shown), this.#base);
    this.#view = { value, error };
    for (const listener of [...this.#listeners]) listener();
  }
}

/** One of something for each client, made when it is first asked for. */
export function perClient<T>(make: (parlor: Parlor) => T): (parlor: Parlor) => T {
  const made = new WeakMap<Parlor, T>();
  return (parlor) => {
    let found = made.get(parlor);
    if (found === undefined) {
      found = make(parlor);
      made.set(parlor, found);
    }
    return found;
  };
}

/** Reads all pages of a list, at most so many. */
export async function allPages<T>(
  page: (cursor: string | undefined) => Promise<{ items: readonly T[]; cursor: string | null }>,
  pagesMax = 100,
): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | null | undefined;
  for (let count = 0; count < pagesMax && cursor !== null; count += 1) {
    const next = await page(cursor);
    all.push(...next.items);
    cursor = next.cursor;
  }
  return all;
}
