// A piece of a conversation's log around some place in the past, which grows both ways.
//
// It is read from the history, and hears what the conversation hears live: what is done to its messages is
// applied to them, and once it reaches the end of the log, what is said is put behind.
import type { ServerClock } from "../clock.js";
import { ParlorError, RefusedError } from "../errors.js";
import { Derived, type Observable, reportError } from "../observable.js";
import type { AnyEntry, History, HistoryPage, Message } from "../protocol/types.js";
import type { Reads } from "../reads.js";
import { seqOf } from "../target.js";
import { Expiry } from "./expiry.js";
import { shownOf } from "./message.js";
import type { TimelineView } from "./timeline.js";
import { Window } from "./window.js";

/** Messages of a page that is read back. */
const PAGE_MESSAGES = 50;
/** Entries of a page that is read once more. */
const AGAIN_ENTRIES = 200;
/** What is heard while a page is read and kept for it. Of more, all that is shown is read once more. */
const MEANWHILE_MAX = 1_000;

/** Where a piece of the past begins: with a message, by number or id, or with the first of a time or later. */
export type Place = { readonly seq: number } | { readonly messageId: string } | { readonly ts: number };

/** What a piece of the past shows. */
export interface PastView extends TimelineView {
  /** Whether `loadNewer` will find more. Without, it shows the end of the log, and what is said comes live. */
  readonly hasNewer: boolean;
}

/** What it asks of the rest. @internal */
export interface PastNeeds {
  readonly reads: Reads;
  readonly clock: ServerClock;
  readonly me: () => string | null;
  readonly id: () => string | null;
  readonly closed: (past: PastTimeline) => void;
}

/** Messages around a place in the past. Close it when it is shown no more. */
export class PastTimeline implements Observable<PastView> {
  #needs: PastNeeds;
  #place: Place;
  #view = new Derived<PastView>(() => this.#show());
  #window: Window;
  /** The newest number that was heard of; `null` before the first page. */
  #heard: number | null = null;
  /** What was heard while a page is read, which may not have it. */
  #meanwhile: AnyEntry[] = [];
  #stale: ReturnType<typeof shownOf> | null = null;
  #reading: Promise<void> | null = null;
  #isAgainDue = false;
  #life = new AbortController();
  #error: ParlorError | null = null;
  #expiry: Expiry;

  /** @internal */
  constructor(place: Place, needs: PastNeeds) {
    this.#place = place;
    this.#needs = needs;
    this.#window = new Window(needs.me);
    this.#expiry = new Expiry(needs.clock, () => this.#settle());
  }

  readonly get = (): PastView => this.#view.get();

  readonly subscribe = (listener: () => void): (() => void) => this.#view.subscribe(listener);

  /** Reads a page of older messages. Resolves when they are there, or there are none. */
  readonly loadOlder = (): Promise<void> => this.#grow(() => !this.#window.isAtStart, this.#readOlder);

  /** Reads a page of newer messages. Resolves when they are there, or there are none. */
  readonly loadNewer = (): Promise<void> => this.#grow(() => this.#hasNewer, this.#readNewer);

  /** Ends it: it hears nothing more. */
  close(): void {
    this.#life.abort(new ParlorError("the piece of the past was closed"));
    this.#expiry.close();
    this.#needs.closed(this);
  }

  /** Reads what is around the place. Rejects with a refusal. @internal */
  async open(): Promise<void> {
    await this.#read(this.#readPlace);
    if (this.#error !== null) throw this.#error;
    if (this.#life.signal.aborted) throw this.#life.signal.reason;
  }

  /** Entries are seen for the first time, in the order of the log. @internal */
  hear(entries: readonly AnyEntry[]): void {
    for (const entry of entries) {
      if (this.#reading !== null) this.#meanwhile.push(entry);
      if (this.#heard === null || entry.seq <= this.#heard) continue;
      const isNext = entry.seq === this.#heard + 1;
      this.#heard = entry.seq;
      this.#apply(entry);
      // What lies between was not heard, and may have been about these messages.
      if (!isNext) this.#again();
    }
    if (this.#meanwhile.length > MEANWHILE_MAX) {
      this.#meanwhile = [];
      this.#again();
    }
    this.#settle();
  }

  /** @internal */
  message(id: string): Message | null {
    return this.#window.message(id);
  }

  /** @internal */
  hide(messageId: string, hidden: boolean): void {
    this.#window.hide(messageId, hidden);
    this.#view.changed();
  }

  /** What it holds is no good any more: it is read anew. @internal */
  reset(): void {
    this.#life.abort(new ParlorError("the piece of the past is read anew"));
    this.#life = new AbortController();
    this.#stale ??= shownOf(this.#window.shown());
    this.#window = new Window(this.#needs.me);
    this.#heard = null;
    this.#reading = null;
    this.#isAgainDue = false;
    void this.#read(this.#readPlace);
  }

  get #hasNewer(): boolean {
    return this.#heard !== null && this.#window.to < this.#heard;
  }

  async #grow(isMore: () => boolean, read: () => Promise<void>): Promise<void> {
    await this.#reading;
    if (isMore()) await this.#read(read);
  }

  /** One reading after the other. */
  #read(read: () => Promise<void>): Promise<void> {
    const { signal } = this.#life;
    const reading = (this.#reading ?? Promise.resolve())
      .then(() => (signal.aborted ? undefined : read()))
      .then(
        () => {
          if (!signal.aborted) this.#error = null;
        },
        (error: unknown) => {
          if (signal.aborted) return;
          if (error instanceof RefusedError) this.#error = error;
          else reportError(error);
        },
      )
      .then(() => {
        if (this.#reading !== reading) return;
        this.#reading = null;
        this.#meanwhile = [];
        this.#settle();
      });
    this.#reading = reading;
    this.#view.changed();
    return reading;
  }

  readonly #readPlace = async (): Promise<void> => {
    const place = this.#place;
    const limit = PAGE_MESSAGES / 2;
    const seq = "seq" in place ? place.seq : "messageId" in place ? seqOf(place.messageId) : null;
    const from = await this.#ask("ts" in place ? { at: place.ts, limit } : { after: (seq ?? 1) - 1, limit });
    // Nothing is there or later: then it is the end of the log.
    const before = from.covers === null ? {} : { before: from.covers[0] };
    const older = await this.#ask({ ...before, limit });
    if (from.covers !== null) this.#take(from);
    this.#take(older);
    if (!older.more) this.#window.startReached();
    this.#stale = null;
  };

  readonly #readOlder = async (): Promise<void> => {
    const page = await this.#ask({ before: this.#window.from, limit: PAGE_MESSAGES });
    this.#take(page);
    if (!page.more) this.#window.startReached();
  };

  readonly #readNewer = async (): Promise<void> => {
    const page = await this.#ask({ after: this.#window.to, limit: PAGE_MESSAGES });
    this.#take(page);
    if (!page.more) this.#window.skipTo(page.head);
    // What was said meanwhile stands behind.
    for (const entry of this.#meanwhile) this.#apply(entry);
  };

  /** Reads all that is shown once more, after what is being read now. */
  #again(): void {
    if (this.#isAgainDue) return;
    this.#isAgainDue = true;
    void this.#read(this.#readAgain);
  }

  readonly #readAgain = async (): Promise<void> => {
    this.#isAgainDue = false;
    const before = this.#window.to + 1;
    for (let after = this.#window.from - 1; ; ) {
      const page = await this.#ask({ after, before, limit: AGAIN_ENTRIES });
      this.#take(page);
      if (!page.more || page.covers === null) return;
      after = page.covers[1];
    }
  };

  async #ask(query: Omit<History, "conversationId">): Promise<HistoryPage> {
    const { signal } = this.#life;
    if (this.#needs.id() === null) await this.#needs.reads.connected(signal);
    const page = await this.#needs.reads.ask("history", { conversationId: this.#needs.id() ?? "", ...query }, signal);
    if (signal.aborted) throw signal.reason;
    return page;
  }

  #take(page: HistoryPage): void {
    this.#window.page(page);
    this.#heard ??= page.head;
    for (const entry of this.#meanwhile) {
      if (entry.seq > page.head) this.#window.affect(entry);
      this.#heard = Math.max(this.#heard, entry.seq);
    }
  }

  #apply(entry: AnyEntry): void {
    if (this.#window.isPlaced && entry.seq === this.#window.to + 1) this.#window.push(entry);
    else this.#window.affect(entry);
  }

  #settle(): void {
    this.#expiry.look(this.#window, this.#life.signal);
    this.#view.changed();
  }

  #show(): PastView {
    return {
      ...(this.#stale ?? shownOf(this.#window.shown())),
      hasOlder: this.#window.isPlaced ? !this.#window.isAtStart : this.#reading !== null,
      hasNewer: this.#hasNewer,
      isLoading: this.#reading !== null,
      error: this.#error,
    };
  }
}
