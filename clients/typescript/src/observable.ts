// A value that can be read now and watched: `get` and `subscribe` fit React's `useSyncExternalStore`.
//
// What `get` returns never changes; when the value does, `get` returns another object, and only then.

import { ClosedError } from "./errors.js";

/** A value that changes over time. Both functions may be passed around on their own. */
export interface Observable<T> {
  /** The value now: the same object until it changes. */
  readonly get: () => T;
  /** Calls `listener` after each change, until the returned function is called. */
  readonly subscribe: (listener: () => void) => () => void;
}

/**
 * Tells of an error that nobody waits for, such as one of a listener: as the browser does, or on the console. That the
 * client is closed is none: its status says so, and why.
 */
export function reportError(error: unknown): void {
  if (error instanceof ClosedError) return;
  if (typeof globalThis.reportError === "function") globalThis.reportError(error);
  else console.error(error);
}

/** Least time from one telling to the next: as often as screens are drawn, however much happens. */
const PAUSE_MS = 16;

/** Listeners that are told together: at the end of the turn in which something happened, or soon after if that is often. */
export class Listeners {
  #listeners = new Set<() => void>();
  #isDue = false;
  #toldAt = Number.NEGATIVE_INFINITY;

  get size(): number {
    return this.#listeners.size;
  }

  add(listener: () => void): () => void {
    // Wrapped, so that one function may be added twice.
    const entry = () => listener();
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  /** Tells them, soon. */
  notify(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    const wait = this.#toldAt + PAUSE_MS - performance.now();
    if (wait > 0) setTimeout(() => this.#tell(), wait);
    else queueMicrotask(() => this.#tell());
  }

  #tell(): void {
    this.#isDue = false;
    this.#toldAt = performance.now();
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (error) {
        reportError(error);
      }
    }
  }
}

/** A value that its owner sets. */
export class Value<T> implements Observable<T> {
  #value: T;
  #listeners = new Listeners();

  constructor(value: T) {
    this.#value = value;
  }

  readonly get = (): T => this.#value;

  readonly subscribe = (listener: () => void): (() => void) => this.#listeners.add(listener);

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    this.#listeners.notify();
  }
}

/** A value that is made when it is asked for, from what its owner keeps. */
export class Derived<T> implements Observable<T> {
  #make: () => T;
  #made: { value: T } | null = null;
  #listeners = new Listeners();
  #watched: ((watched: boolean) => void) | undefined;

  /** `watched` hears when the first listener comes and when the last one goes. */
  constructor(make: () => T, watched?: (watched: boolean) => void) {
    this.#make = make;
    this.#watched = watched;
  }

  get isWatched(): boolean {
    return this.#listeners.size > 0;
  }

  readonly get = (): T => {
    this.#made ??= { value: this.#make() };
    return this.#made.value;
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    const remove = this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#watched?.(true);
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      remove();
      if (this.#listeners.size === 0) this.#watched?.(false);
    };
  };

  /** What it is made from has changed. */
  changed(): void {
    this.#made = null;
    this.#listeners.notify();
  }
}
