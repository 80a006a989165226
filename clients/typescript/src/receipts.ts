// What the user has and has read, told to the server: the furthest mark of each conversation alone, and not
// more often than a few times a second.
import { Backoff } from "./backoff.js";
import type { Connection } from "./connection.js";
import { RefusedError } from "./errors.js";
import { reportError } from "./observable.js";

const READ_PAUSE_MS = 200;
const DELIVERED_PAUSE_MS = 500;

/** Gathers marks and tells them. */
export class Receipts {
  #connection: Connection;
  #delivered = new Map<string, number>();
  #read = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isTelling = false;
  #pace = new Backoff(500, 30_000);

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.events.on("live", () => this.#soon(0));
    // A position that is named on the next connection says the same.
    connection.events.on("lost", () => this.#delivered.clear());
  }

  /** This device has everything up to here. */
  delivered(conversationId: string, seq: number): void {
    if ((this.#delivered.get(conversationId) ?? 0) >= seq) return;
    this.#delivered.set(conversationId, seq);
    this.#soon(DELIVERED_PAUSE_MS);
  }

  /** The user has read everything up to here. Told again until the server has it. */
  read(conversationId: string, seq: number): void {
    if ((this.#read.get(conversationId) ?? 0) >= seq) return;
    this.#read.set(conversationId, seq);
    this.#soon(READ_PAUSE_MS);
  }

  /** The log has begun another life: marks on the last one say nothing. */
  forget(): void {
    this.#delivered.clear();
    this.#read.clear();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #soon(ms: number): void {
    if (this.#timer !== null || !this.#connection.isLive) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#tell().catch(reportError);
    }, ms);
  }

  async #tell(): Promise<void> {
    for (const [conversationId, seq] of this.#delivered) {
      if ((this.#read.get(conversationId) ?? 0) < seq) this.#connection.say("delivered", { conversationId, seq });
    }
    this.#delivered.clear();
    if (this.#isTelling) return;
    this.#isTelling = true;
    const asked = [...this.#read].map(([conversationId, seq]) => this.#tellRead(conversationId, seq));
    const isDone = (await Promise.all(asked)).every((done) => done);
    this.#isTelling = false;
    if (isDone) this.#pace.succeeded();
    if (this.#read.size > 0) this.#soon(isDone ? READ_PAUSE_MS : this.#pace.next());
  }

  /** `false` if it has to be told again. */
  async #tellRead(conversationId: string, seq: number): Promise<boolean> {
    try {
      await this.#connection.request("read", { conversationId, seq });
    } catch (error) {
      if (!(error instanceof RefusedError) || error.isRetryable) return false;
    }
    if (this.#read.get(conversationId) === seq) this.#read.delete(conversationId);
    return true;
  }
}
