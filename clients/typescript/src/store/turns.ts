// One at a time, within this program.
import { throwIfAborted } from "../backoff.js";

/** A line in which work waits for the work before it. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Does `work` after all that was given before, or rejects if the signal is aborted by then. */
  take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(() => {
      throwIfAborted(signal);
      return work();
    });
    this.#last = mine.catch(() => {});
    return mine;
  }
}
