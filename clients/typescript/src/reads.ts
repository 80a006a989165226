// Questions that change nothing, asked until they are answered: over as many connections as it takes, a few
// at a time, and never faster than the server wants.
import { Backoff, sleep, throwIfAborted } from "./backoff.js";
import type { Connection } from "./connection.js";
import { BusyError, ClosedError, DisconnectedError, isRefused, TimeoutError } from "./errors.js";
import type { Commands } from "./protocol/types.js";

const AT_ONCE_MAX = 4;
/** How often a server may fail at a question before the asker hears of it. */
const FAILURES_MAX = 3;

/** The commands that only read. */
export type Question =
  | "history"
  | "conversations"
  | "sync"
  | "group_info"
  | "group_members"
  | "profile_get"
  | "receipts"
  | "requests"
  | "contacts"
  | "blocked"
  | "privacy_get"
  | "starred"
  | "drafts"
  | "presence"
  | "pins"
  | "thread"
  | "search";

/** Asks. Who people are is asked when nothing else is: it is nice to know, and there may be many. */
export class Reads {
  #connection: Connection;
  #running = 0;
  #waiting: (() => void)[] = [];
  /** Those that wait until nobody else does. */
  #patient: (() => void)[] = [];

  constructor(connection: Connection) {
    this.#connection = connection;
    const wake = () => {
      for (const go of [...this.#waiting.splice(0), ...this.#patient.splice(0)]) go();
    };
    connection.events.on("ready", () => queueMicrotask(wake));
  }

  /**
   * Asks until there is an answer. Rejects with a refusal that trying again does not mend, or with the
   * signal's reason, also where the answer came after the signal.
   */
  async ask<C extends Question>(
    command: C,
    payload: Commands[C]["payload"],
    signal: AbortSignal,
  ): Promise<Commands[C]["answer"]> {
    const pace = new Backoff(250, 10_000);
    for (let failures = 0; ; ) {
      await this.#turn(signal, command === "profile_get" ? this.#patient : this.#waiting);
      try {
        const answer = await this.#connection.request(command, payload);
        throwIfAborted(signal);
        return answer;
      } catch (error) {
        throwIfAborted(signal);
        if (error instanceof BusyError) await sleep(pace.next(error.retryAfterMs), signal);
        else if (isRefused(error, "internal") && failures < FAILURES_MAX) {
          failures += 1;
          await sleep(pace.next(), signal);
        } else if (error instanceof TimeoutError) this.#connection.suspect(error);
        // A client that was let out may be let in again.
        else if (!(error instanceof DisconnectedError || error instanceof ClosedError)) throw error;
      } finally {
        this.#leave();
      }
    }
  }

  /** Waits for a connection. Rejects with the signal's reason. */
  async connected(signal: AbortSignal): Promise<void> {
    await this.#turn(signal, this.#waiting);
    this.#leave();
  }

  #leave(): void {
    this.#running -= 1;
    this.#next();
  }

  #next(): void {
    (this.#waiting.shift() ?? this.#patient.shift())?.();
  }

  /** Waits for a connection, and for a place among those that ask. */
  async #turn(signal: AbortSignal, line: (() => void)[]): Promise<void> {
    for (;;) {
      // Whoever was woken and does not go on lets another.
      if (signal.aborted) this.#next();
      throwIfAborted(signal);
      if (this.#connection.isReady && this.#running < AT_ONCE_MAX) {
        this.#running += 1;
        return;
      }
      await new Promise<void>((resolve) => {
        const go = () => {
          signal.removeEventListener("abort", go);
          const at = line.indexOf(go);
          if (at >= 0) line.splice(at, 1);
          resolve();
        };
        line.push(go);
        signal.addEventListener("abort", go, { once: true });
      });
    }
  }
}
