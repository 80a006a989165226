// Takes the content of messages that end, when they do.
import type { ServerClock } from "../clock.js";
import type { Window } from "./window.js";

const TIMER_MAX_MS = 2 ** 31 - 1;

/** Waits for the next message of a window that ends. */
export class Expiry {
  #clock: ServerClock;
  #due: () => void;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** `due` is called when a message has ended, to look again. */
  constructor(clock: ServerClock, due: () => void) {
    this.#clock = clock;
    this.#due = due;
  }

  /** Takes the content of what has ended by now, and waits for the next. */
  look(window: Window, signal: AbortSignal): void {
    this.close();
    const now = this.#clock.now();
    const next = window.expire(now);
    if (next === null || signal.aborted) return;
    this.#timer = setTimeout(this.#due, Math.min(next - now + 1, TIMER_MAX_MS));
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
