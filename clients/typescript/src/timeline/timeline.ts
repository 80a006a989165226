// The messages of one conversation, live: what is pushed, what is read back, and what is on its way.
//
// A window of the log is shown, then what was sent and stands behind a hole that is being filled, then what
// waits in the outbox. Holes are noticed by their numbers and read from the history.
import { sleep } from "../backoff.js";
import type { ServerClock } from "../clock.js";
import { ParlorError, RefusedError } from "../errors.js";
import { Derived, type Observable, reportError } from "../observable.js";
import type { AnyEntry, Message, Sent } from "../protocol/types.js";
import type { Reads } from "../reads.js";
import type { OutboxItem } from "../store/store.js";
import { isMessage } from "./effects.js";
import { Expiry } from "./expiry.js";
import { type ChatMessage, shownOf, type TimelineItem, waiting } from "./message.js";
import { Window, type WindowPiece } from "./window.js";

/** Messages of a page that is read back. */
const PAGE_MESSAGES = 50;
/** Entries of a page by which a hole is filled. */
const FILL_ENTRIES = 200;
/** A larger hole is not filled: the newest page is read, and what is before it when it is asked for. */
const HOLE_ENTRIES_MAX = 1_000;
/** How long a hole may be there before it is read: what is missing is mostly under way. */
const HOLE_PATIENCE_MS = 250;
/** What is kept of a conversation that nobody looks at. */
const UNWATCHED_ENTRIES_MAX = 400;
const UNWATCHED_ENTRIES_KEPT = 200;

/** What there is to show of a conversation. */
export interface TimelineView {
  /** Oldest first: what is in the log, then what waits to be sent. */
  readonly messages: readonly ChatMessage[];
  /** The messages, and between them what happened beside: who came or went, what a group is called now… */
  readonly items: readonly TimelineItem[];
  /** Whether `loadOlder` will find more. */
  readonly hasOlder: boolean;
  /** Whether older or missing messages are being read. */
  readonly isLoading: boolean;
  /** Why the last reading failed. */
  readonly error: ParlorError | null;
}

/** What a timeline asks of the rest. */
export interface TimelineNeeds {
  readonly reads: Reads;
  readonly clock: ServerClock;
  readonly me: () => string | null;
  /** The conversation's id, `null` while the user is not known. */
  readonly id: () => string | null;
  readonly waiting: () => OutboxItem[];
  /** Entries that are seen for the first time, in the order of the log. */
  readonly news: (entries: AnyEntry[]) => void;
  /** A message has ended. */
  readonly ended: () => void;
  /** Whether somebody looks. */
  readonly watched: (isWatched: boolean) => void;
}

/** One conversation's messages. */
export class Timeline implements Observable<TimelineView> {
  #needs: TimelineNeeds;
  #view: Derived<TimelineView>;
  #window: Window;
  /** What is in the log and not in the window yet: it is shown as on its way, so that nothing is shown out of order. */
  #acked = new Map<string, { item: OutboxItem; seq: number }>();
  /** What is shown until everything was read anew. */
  #stale: ReturnType<typeof shownOf> | null = null;
  /** Ends what is being read when all is read anew. */
  #life = new AbortController();
  #isOpened = false;
  #reading: Promise<void> | null = null;
  #isFilling = false;
  #isImpatient = false;
  #error: ParlorError | null = null;
  #expiry: Expiry;

  constructor(needs: TimelineNeeds) {
    this.#needs = needs;
    this.#window = new Window(needs.me);
    this.#expiry = new Expiry(needs.clock, () => {
      needs.ended();
      this.#settle();
    });
    this.#view = new Derived(
      () => this.#show(),
      (isWatched) => {
        if (isWatched) this.open();
        else this.#isOpened = false;
        needs.watched(isWatched);
      },
    );
  }

  readonly get = (): TimelineView => this.#view.get();

  /** Opens the conversation as well: its newest messages are read if there are none yet. */
  readonly subscribe = (listener: () => void): (() => void) => this.#view.subscribe(listener);

  /** Reads the newest messages if there are few. */
  open(): void {
    if (this.#isOpened) return;
    this.#isOpened = true;
    const isEnough = this.#window.isPlaced && (this.#window.isAtStart || this.#window.size >= PAGE_MESSAGES);
    if (!isEnough) void this.#read();
  }

  /** Reads a page of older messages. Resolves when they are there, or there are none. */
  readonly loadOlder = async (): Promise<void> => {
    this.open();
    await this.#reading;
    if (!this.#window.isAtStart) await this.#read();
  };

  /** The newest number of the log that is known. */
  get head(): number {
    return this.#window.head;
  }

  /** The number up to which it speaks for the log; 0 if it holds nothing. */
  get to(): number {
    return this.#window.isPlaced ? this.#window.to : 0;
  }

  message(id: string): Message | null {
    return this.#window.message(id);
  }

  /** What is behind this number, as far as it was seen; `null` if not all of that is known. */
  after(seq: number): AnyEntry[] | null {
    return this.#window.after(seq);
  }

  /** Takes an entry that was pushed, or that is of this client's own doing. */
  take(entry: AnyEntry): void {
    const isUnnamed = isMessage(entry) && entry.from === this.#needs.me() && entry.clientId === undefined;
    // Groups hear one's own messages without their keys, also what waits here: the history has the key.
    if (isUnnamed && this.#needs.waiting().length > 0) {
      this.#window.headIs(entry.seq);
      if (!this.#window.isPlaced) void this.#read();
    } else this.#push(entry);
    this.#settle();
  }

  /** Takes a message that this client has sent, or another that shares its outbox. */
  sent(item: OutboxItem, sent: Sent): void {
    const { id, conversationId, seq, ts, expiresAt, masked } = sent;
    if (this.#window.covers(seq)) return;
    const { replyTo, thread, forwardOf, mentions } = item.options;
    const message: Message = {
      id,
      conversationId,
      seq,
      ts,
      pos: 0,
      from: this.#needs.me() ?? "",
      content: item.content,
      clientId: item.clientId,
      ...("groupId" in item.target ? { groupId: item.target.groupId } : { to: item.target.toUserId }),
      ...(thread === undefined ? {} : { thread }),
      ...(mentions === undefined ? {} : { mentions: [...mentions] }),
      ...(forwardOf === undefined ? {} : { forwarded: true }),
      ...(expiresAt === undefined ? {} : { expiresAt }),
    };
    this.#acked.set(item.clientId, { item, seq });
    // What it is on the outside, or what has become of its content, the server knows alone.
    const isKnown = replyTo === undefined && !masked;
    if (isKnown) this.#push(message);
    else {
      this.#window.headIs(seq);
      if (!this.#window.isPlaced) void this.#read();
    }
    this.#settle();
  }

  /** The user did something that is the entry of this number, of which nobody tells: it is read at once. */
  acted(seq: number): void {
    this.#isImpatient = true;
    this.headIs(seq);
    this.#isImpatient = false;
  }

  /** There is something up to this number. */
  headIs(seq: number): void {
    this.#window.headIs(seq);
    this.#settle();
  }

  hide(messageId: string, hidden: boolean): void {
    this.#window.hide(messageId, hidden);
    this.#view.changed();
  }

  /** What waits has changed. */
  waitingChanged(): void {
    this.#view.changed();
  }

  /** What is to be kept of it. @internal */
  kept(entriesMax: number, charsMax: number): WindowPiece | null {
    this.#window.expire(this.#needs.clock.now());
    return this.#window.kept(entriesMax, charsMax);
  }

  /** What it holds is no good any more. It is shown until there is something better, such as what was kept. @internal */
  reset(kept: WindowPiece | null = null): void {
    this.#life.abort(new ParlorError("the conversation is read anew"));
    this.#life = new AbortController();
    if (this.#window.isPlaced) this.#stale = shownOf(this.#window.shown());
    this.#window = new Window(this.#needs.me);
    if (kept !== null) this.#window.restore(kept);
    this.#acked.clear();
    this.#isFilling = false;
    this.#reading = null;
    if (this.#isOpened) {
      this.#isOpened = false;
      this.open();
    }
    this.#settle();
  }

  close(): void {
    this.#life.abort(new ParlorError("the client was closed"));
    this.#expiry.close();
  }

  #show(): TimelineView {
    const me = this.#needs.me() ?? "";
    const { messages, items } = this.#stale ?? shownOf(this.#window.shown());
    const known = new Set(messages.map(({ key }) => key));
    const ahead = [...this.#acked.values()].sort((a, b) => a.seq - b.seq).map(({ item }) => item);
    const rest: ChatMessage[] = [];
    for (const item of [...ahead, ...this.#needs.waiting()]) {
      if (known.has(item.clientId)) continue;
      known.add(item.clientId);
      rest.push(waiting(item, me));
    }
    return {
      messages: [...messages, ...rest],
      items: [...items, ...rest],
      hasOlder: this.#window.isPlaced ? !this.#window.isAtStart : !this.#isOpened || this.#reading !== null,
      isLoading: this.#reading !== null || this.#isFilling,
      error: this.#error,
    };
  }

  /** Reads the page before the window, or the newest one. One reading at a time. */
  #read(): Promise<void> {
    if (this.#reading !== null) return this.#reading;
    const { signal } = this.#life;
    const reading = this.#readPage(signal)
      .catch((error: unknown) => {
        if (!signal.aborted) reportError(error);
      })
      .then(() => {
        // After `reset` another reading has taken its place.
        if (this.#reading !== reading) return;
        this.#reading = null;
        // Where no page was to be had, what was pushed is shown.
        this.#seen(this.#window.placeAtHeld());
        this.#settle();
      });
    this.#reading = reading;
    this.#view.changed();
    return reading;
  }

  async #readPage(signal: AbortSignal): Promise<void> {
    const window = this.#window;
    await this.#guarded(signal, async (conversationId) => {
      const before = window.isPlaced ? { before: window.from } : {};
      const page = await this.#needs.reads.ask("history", { conversationId, limit: PAGE_MESSAGES, ...before }, signal);
      this.#seen(window.page(page));
      if (!page.more) window.startReached();
    });
  }

  /** Fills the hole at the window's end, page by page. */
  async #fill(signal: AbortSignal): Promise<void> {
    const window = this.#window;
    if (!this.#isImpatient) await sleep(HOLE_PATIENCE_MS, signal);
    while (window.missing > 0) {
      const isDone = await this.#guarded(signal, async (conversationId) => {
        if (window.missing > HOLE_ENTRIES_MAX) {
          const page = await this.#needs.reads.ask("history", { conversationId, limit: PAGE_MESSAGES }, signal);
          this.#seen(window.page(page));
          return;
        }
        const [after, before] = [window.to, window.head + 1];
        const query = { conversationId, after, before, limit: FILL_ENTRIES };
        const page = await this.#needs.reads.ask("history", query, signal);
        this.#seen(window.page(page));
        if (!page.more) this.#seen(window.skipTo(before - 1));
      });
      // The server will not say what is there: go on without it.
      if (!isDone) this.#seen(window.skipTo(window.head));
      this.#view.changed();
    }
  }

  /** Does what needs the conversation's id; `false`, with the error kept, if the server refuses. */
  async #guarded(signal: AbortSignal, act: (conversationId: string) => Promise<void>): Promise<boolean> {
    const wasThere = this.#window.head > 0;
    try {
      const conversationId = this.#needs.id();
      // The id is known from the first connection on, which comes before any answer.
      if (conversationId === null) {
        await this.#needs.reads.connected(signal);
        return await this.#guarded(signal, act);
      }
      await act(conversationId);
      this.#error = null;
      return true;
    } catch (error) {
      if (signal.aborted) throw error;
      if (!(error instanceof RefusedError)) throw error;
      if (error.code !== "not_found" || wasThere) {
        this.#error = error;
        return false;
      }
      // A conversation that nobody has said anything in is not there yet; if it is by now, it is asked for again.
      if (this.#window.head > 0) return await this.#guarded(signal, act);
      this.#window.page({ status: "ok", messages: [], more: false, covers: null, head: 0 });
      return true;
    }
  }

  #push(entry: AnyEntry): void {
    // While the newest page is on its way, what a new device is told may be of long ago.
    if (!this.#window.isPlaced && this.#reading !== null) this.#window.hold(entry);
    else this.#seen(this.#window.push(entry));
  }

  #seen(entries: AnyEntry[]): void {
    if (entries.length > 0) this.#needs.news(entries);
  }

  /** After anything happened: drop what is no longer needed, look for holes, and show. */
  #settle(): void {
    for (const [clientId, { seq }] of this.#acked) {
      if (this.#window.isPlaced && seq <= this.#window.to) this.#acked.delete(clientId);
    }
    if (this.#window.isPlaced && this.#reading === null) this.#stale = null;
    if (!this.#isOpened && !this.#view.isWatched && this.#window.size > UNWATCHED_ENTRIES_MAX) {
      this.#window.trim(UNWATCHED_ENTRIES_KEPT);
    }
    const { signal } = this.#life;
    if (this.#window.missing > 0 && !this.#isFilling && !signal.aborted) {
      this.#isFilling = true;
      this.#fill(signal)
        .catch((error: unknown) => {
          if (!signal.aborted) reportError(error);
        })
        .finally(() => {
          if (this.#life.signal !== signal) return;
          this.#isFilling = false;
          this.#settle();
        });
    }
    this.#expiry.look(this.#window, signal);
    this.#view.changed();
  }
}
