// What time it is at the server, as far as can be told from the times it says.
//
// Between two sayings it goes on by the monotonic clock, so a device whose clock is wrong, or jumps, makes
// no difference once the server has said any time.

/** The server's clock. */
export class ServerClock {
  #base: { at: number; monotonic: number } | null = null;

  /** Milliseconds since 1970. By this device's own clock until the server has said a time. */
  now(): number {
    if (this.#base === null) return Date.now();
    return Math.round(this.#base.at + performance.now() - this.#base.monotonic);
  }

  /** The server has just said that it is `ts`. */
  isNow(ts: number): void {
    this.#base = { at: ts, monotonic: performance.now() };
  }

  /** The server was at `ts` some time ago, perhaps years, and so is at least there. */
  wasAt(ts: number): void {
    if (ts > this.now()) this.isNow(ts);
  }
}
