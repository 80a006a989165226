// How long to wait before the next try.

/** Delays that double from one try to the next, each drawn at random so that clients do not come together. */
export class Backoff {
  #tries = 0;
  #firstMs: number;
  #maxMs: number;
  #random: () => number;

  constructor(firstMs: number, maxMs: number, random: () => number = Math.random) {
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** How many tries failed since the last success. */
  get tries(): number {
    return this.#tries;
  }

  /**
   * Milliseconds until the next try: half to all of the doubled delay, and never less than `advisedMs`, to
   * which as much as that delay is added.
   */
  next(advisedMs: number | null = null): number {
    const ceiling = Math.min(this.#maxMs, this.#firstMs * 2 ** Math.min(this.#tries, 30));
    this.#tries += 1;
    if (advisedMs !== null) return advisedMs + this.#random() * Math.min(ceiling, this.#firstMs);
    return ceiling / 2 + (this.#random() * ceiling) / 2;
  }

  succeeded(): void {
    this.#tries = 0;
  }
}

/** Throws the signal's reason if it is aborted. Not everywhere does the signal have that function itself. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw signal.reason ?? new Error("aborted");
}

/** Waits; rejects with the signal's reason when it is aborted first. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const aborted = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    }, ms);
    signal?.addEventListener("abort", aborted, { once: true });
  });
}
