// Clients that end with their test, and waiting for what should come.
import { onTestFinished } from "vitest";

import { type ChatMessage, type Observable, Parlor, type ParlorOptions } from "../../src/index.js";

const PATIENCE_MS = 20_000;

/** A client that tries again quickly, and is closed when the test ends. It is not connected yet. */
export function client(options: Partial<ParlorOptions> & { url: string }): Parlor {
  const parlor = new Parlor({ reconnect: { firstMs: 20, maxMs: 100 }, ...options });
  onTestFinished(() => parlor.close());
  return parlor;
}

/** A dev user's client that is live. */
export async function live(url: string, user: string, options: Partial<ParlorOptions> = {}): Promise<Parlor> {
  const parlor = client({ url, token: user, deviceId: `${user}-1`, ...options });
  parlor.connect();
  await parlor.live();
  return parlor;
}

/** Waits until an observable holds what is asked for, and gives it. */
export function until<T>(observable: Observable<T>, holds: (value: T) => boolean, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      unsubscribe();
      reject(new Error(`waited in vain for ${what}: ${brief(observable.get())}`));
    }, PATIENCE_MS);
    const look = () => {
      const value = observable.get();
      if (!holds(value)) return;
      clearTimeout(timer);
      unsubscribe();
      resolve(value);
    };
    const unsubscribe = observable.subscribe(look);
    look();
  });
}

function brief(value: unknown): string {
  return (JSON.stringify(value, (key, held) => (key === "conversation" ? undefined : held)) ?? "").slice(0, 2_000);
}

/** Waits until a condition holds; it is looked at every few milliseconds. */
export async function eventually(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** What messages say. */
export function contents(messages: readonly ChatMessage[]): unknown[] {
  return messages.map(({ content }) => content);
}

export function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
