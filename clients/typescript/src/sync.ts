// How far the client is in the server's log, so that after a cut it says so and is told the rest.
//
// One position stands for everything: all that was committed up to it is here, or known to be missing. It
// moves with what is pushed once the client has caught up, and is given up when the server says `snapshot`.
import type { Connection } from "./connection.js";
import { ParlorError } from "./errors.js";
import { reportError } from "./observable.js";
import type { AnyEntry, Moved, MovedEvent, Position, Snapshot } from "./protocol/types.js";
import type { Reads } from "./reads.js";

/** What follows from where the client is. */
export interface SyncEars {
  /** An entry was pushed. */
  pushed(entry: AnyEntry): void;
  /** These conversations have moved while the client was away. */
  moved(lines: readonly Moved[], isAll: boolean): void;
  /** What is held of the log is no good; `isNewLife`: not even its numbers. */
  reset(isNewLife: boolean): void;
  /** Reads the conversations anew. Rejects with the signal's reason. */
  reload(signal: AbortSignal): Promise<void>;
  /** What these commands read of the user's own, or all, may not be true any more. */
  stale(commands: readonly string[] | null): void;
  /** Whom the user blocks, all of them. */
  blocked(userIds: readonly string[]): void;
}

/** Keeps the position. */
export class Sync {
  #connection: Connection;
  #reads: Reads;
  #ears: SyncEars;
  #position: Position | null = null;
  #epoch: string | null = null;
  #hasCaughtUp = false;
  /** Where the client will be once everything was read anew. */
  #ahead: Position | null = null;
  #rebuild: AbortController | null = null;
  #isAsking = false;
  /** Whether what is held of the user's own is no good: it is read once the client has caught up. */
  #isOwnStale = true;
  #life = new AbortController();

  constructor(connection: Connection, reads: Reads, ears: SyncEars) {
    this.#connection = connection;
    this.#reads = reads;
    this.#ears = ears;
    const { events } = connection;
    events.on("ready", ({ epoch }) => this.#greeted(epoch));
    events.on("lost", () => this.#lost());
    events.on("snapshot", (snapshot) => this.#start(snapshot));
    for (const push of ["private_message", "group_message", "entry"] as const) {
      events.on(push, (entry) => this.#pushed(entry));
    }
    events.on("moved", (moved) => {
      ears.moved(moved.conversations, !moved.more);
      this.#own(moved);
    });
    events.on("caught_up", (position) => this.#caughtUp(position));
    events.on("position", ({ epoch, pos }) => {
      const isBehind = this.#position !== null && this.#position.epoch === epoch && this.#position.pos < pos;
      if (isBehind) void this.#ask();
    });
  }

  /** From where the next connection resumes. */
  get position(): Position | null {
    return this.#position;
  }

  /** Goes on from where a client was before a reload, whose state is here. */
  restore(position: Position): void {
    this.#position = position;
    this.#epoch = position.epoch;
    this.#isOwnStale = false;
  }

  close(): void {
    this.#life.abort(new Error("closed"));
    this.#rebuild?.abort(new Error("closed"));
  }

  #greeted(epoch: string): void {
    this.#hasCaughtUp = false;
    this.#ahead = null;
    const isNewLife = this.#epoch !== null && this.#epoch !== epoch;
    this.#epoch = epoch;
    if (!isNewLife) return;
    this.#position = null;
    this.#isOwnStale = true;
    this.#ears.reset(true);
  }

  #lost(): void {
    this.#hasCaughtUp = false;
    // What it was reading belongs to pushes that are lost: the old position tells the server the same again.
    this.#rebuild?.abort(new Error("the connection ended"));
    this.#rebuild = null;
  }

  #pushed(entry: AnyEntry): void {
    // Before `caught_up` messages may come in another order.
    if (this.#hasCaughtUp) this.#advance(entry.pos);
    this.#ears.pushed(entry);
  }

  #advance(pos: number): void {
    if (this.#ahead !== null) this.#ahead = { ...this.#ahead, pos: Math.max(this.#ahead.pos, pos) };
    else if (this.#position !== null) this.#position = { ...this.#position, pos: Math.max(this.#position.pos, pos) };
  }

  /** Everything has to be read anew; what comes behind the snapshot's position is pushed meanwhile. */
  #start({ epoch, pos, reason }: Pick<Snapshot, "epoch" | "pos" | "reason">): void {
    this.#rebuild?.abort(new Error("once more"));
    const rebuild = new AbortController();
    this.#rebuild = rebuild;
    this.#ahead = { epoch, pos };
    this.#epoch = epoch;
    this.#ears.reset(reason !== "too_far");
    this.#isOwnStale = true;
    if (this.#hasCaughtUp) this.#staleOwn();
    this.#ears.reload(rebuild.signal).then(
      () => {
        if (this.#rebuild !== rebuild) return;
        this.#rebuild = null;
        this.#isHere();
      },
      (error: unknown) => {
        if (rebuild.signal.aborted) return;
        // Without that it cannot go on: the next connection begins anew.
        this.#connection.suspect(error instanceof ParlorError ? error : new ParlorError("reading anew failed"));
      },
    );
  }

  #caughtUp({ epoch, pos }: Position): void {
    this.#hasCaughtUp = true;
    const wasNowhere = this.#position === null && this.#rebuild === null && this.#ahead === null;
    if (this.#ahead === null) this.#ahead = { epoch, pos };
    else this.#advance(pos);
    if (this.#isOwnStale) this.#staleOwn();
    this.#isHere();
    if (!wasNowhere) return;
    // Nothing was known before: what was pushed is what this device had not confirmed, and the rest is read.
    this.#ears.reload(this.#life.signal).catch((error: unknown) => {
      if (!this.#life.signal.aborted) reportError(error);
    });
    // Who asks once is told from then on when it falls behind.
    void this.#ask();
  }

  #isHere(): void {
    if (!this.#hasCaughtUp || this.#rebuild !== null || this.#ahead === null) return;
    this.#position = this.#ahead;
    this.#ahead = null;
    this.#connection.caughtUp();
  }

  /** Asks what moved since the position. */
  async #ask(): Promise<void> {
    const position = this.#position;
    if (this.#isAsking || position === null) return;
    this.#isAsking = true;
    try {
      const answer = await this.#reads.ask("sync", position, this.#life.signal);
      if (this.#position === null || this.#position.epoch !== position.epoch || this.#rebuild !== null) return;
      if (answer.snapshot) {
        if (this.#hasCaughtUp) this.#start(answer);
        return;
      }
      this.#ears.moved(answer.conversations, true);
      this.#own(answer);
      if (answer.epoch === this.#position.epoch) this.#advance(answer.pos);
    } catch (error) {
      if (!this.#life.signal.aborted) reportError(error);
    } finally {
      this.#isAsking = false;
    }
  }

  /** What of the user's own a device missed, as the events it would have heard. */
  #own({ own = [], reread, blocked }: Pick<MovedEvent, "own" | "reread" | "blocked">): void {
    for (const { event, data } of own) this.#connection.events.emit(event as "draft", data as never);
    if (blocked !== undefined) this.#ears.blocked(blocked);
    if (reread !== undefined) this.#ears.stale(reread);
  }

  #staleOwn(): void {
    this.#isOwnStale = false;
    this.#ears.stale(null);
  }
}
