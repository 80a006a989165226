// What is read of a conversation beside its timeline: its pins, its threads, a group's members. Each is read
// when somebody looks, and kept by the entries that the conversation hears.
import { infoAfter, infoOf, type Members, membersAfter, membersOf } from "./group.js";
import { Looked } from "./looked.js";
import { Paged, type PageState } from "./paged.js";
import type { AnyEntry, GroupInfo, Message, Pin } from "./protocol/types.js";
import type { Reads } from "./reads.js";
import type { OutboxItem } from "./store/store.js";
import { seqOf, type Target } from "./target.js";
import { aboutOf, after, isMessage } from "./timeline/effects.js";
import { type ChatMessage, type LoggedMessage, logged, waiting } from "./timeline/message.js";

/** Threads that nobody looks at any more are let go of beyond so many. */
const THREADS_MAX = 20;

/** The pinned messages, the one that was pinned last first. */
export interface PinsView {
  readonly pins: readonly Pin[];
  readonly isLoading: boolean;
  readonly error: PageState["error"];
}

/** A thread, as far as it was read. */
export interface ThreadView extends PageState {
  /** The message whose thread it is; `null` until it was read. */
  readonly root: LoggedMessage | null;
  /** What is in it, oldest first: what is in the log, then what waits to be sent. */
  readonly messages: readonly ChatMessage[];
}

/** What the lists ask of the rest. */
export interface ListsNeeds {
  readonly target: Target;
  readonly reads: Reads;
  readonly me: () => string | null;
  readonly id: () => string | null;
  readonly head: () => number;
  readonly waiting: () => OutboxItem[];
}

/** The lists of one conversation. */
export class Lists {
  #needs: ListsNeeds;
  /** The number up to which entries were heard; `null` while there are no lists. */
  #heard: number | null = null;
  #members: Members | null = null;
  #info: ReturnType<typeof infoOf> | null = null;
  #pins: Paged<Pin, PinsView> | null = null;
  readonly #threads = new Looked(THREADS_MAX, (messageId) => this.#thread(messageId));

  constructor(needs: ListsNeeds) {
    this.#needs = needs;
  }

  get members(): Members {
    this.#heard ??= this.#needs.head();
    this.#members ??= membersOf(this.#groupId, this.#needs.reads);
    return this.#members;
  }

  get info(): ReturnType<typeof infoOf> {
    this.#heard ??= this.#needs.head();
    this.#info ??= infoOf(this.#groupId, this.#needs.reads);
    return this.#info;
  }

  get pins(): Paged<Pin, PinsView> {
    this.#heard ??= this.#needs.head();
    this.#pins ??= new Paged<Pin, PinsView>(
      async (_, signal) => {
        const conversationId = await this.id(signal);
        return { items: (await this.#needs.reads.ask("pins", { conversationId }, signal)).pins, cursor: null };
      },
      ({ message }) => message.id,
      (pins, { isLoading, error }) => ({ pins, isLoading, error }),
    );
    return this.#pins;
  }

  thread(messageId: string): Paged<Message, ThreadView> {
    this.#heard ??= this.#needs.head();
    return this.#threads.of(messageId);
  }

  #thread(messageId: string): Paged<Message, ThreadView> {
    return new Paged<Message, ThreadView>(
      async (cursor, signal) => {
        const { reads } = this.#needs;
        const [root, page] = await Promise.all([
          cursor === null ? this.#root(messageId, signal) : [],
          reads.ask("thread", { messageId, ...(cursor === null ? {} : { cursor }) }, signal),
        ]);
        return { items: [...root, ...page.messages], cursor: page.cursor };
      },
      ({ id }) => id,
      (messages, state) => this.#showThread(messageId, messages, state),
    );
  }

  /** Entries are seen for the first time, in the order of the log. */
  hear(entries: readonly AnyEntry[]): void {
    for (const entry of entries) {
      if (this.#heard === null || entry.seq <= this.#heard) continue;
      const isNext = entry.seq === this.#heard + 1;
      this.#heard = entry.seq;
      if (isNext) this.#apply(entry);
      else this.reset();
    }
  }

  /** There is an entry of this number, which is not going to be heard. */
  missed(seq: number): void {
    if (this.#heard === null || seq <= this.#heard) return;
    this.#heard = seq;
    this.reset();
  }

  /** What waits to be sent is another. */
  waitingChanged(): void {
    for (const thread of this.#threads.values()) thread.change((messages) => messages);
  }

  /** What they hold may be wrong. */
  reset(): void {
    for (const list of this.#all()) void list.reload();
  }

  close(): void {
    for (const list of this.#all()) list.close();
  }

  get #groupId(): string {
    if ("groupId" in this.#needs.target) return this.#needs.target.groupId;
    throw new TypeError("it is no group");
  }

  #all() {
    return [this.#members, this.#info, this.#pins, ...this.#threads.values()].filter((list) => list !== null);
  }

  /** The conversation's id, which is known from the first connection on. */
  async id(signal: AbortSignal): Promise<string> {
    if (this.#needs.id() === null) await this.#needs.reads.connected(signal);
    return this.#needs.id() ?? "";
  }

  async #root(messageId: string, signal: AbortSignal): Promise<Message[]> {
    const seq = seqOf(messageId) ?? 0;
    const conversationId = await this.id(signal);
    const query = { conversationId, after: Math.max(seq - 1, 0), before: seq + 1 };
    return (await this.#needs.reads.ask("history", query, signal)).messages;
  }

  #showThread(messageId: string, messages: readonly Message[], state: PageState): ThreadView {
    const root = messages.find(({ id }) => id === messageId);
    const inLog = messages.filter(({ id }) => id !== messageId).map(logged);
    const keys = new Set(inLog.map(({ key }) => key));
    const me = this.#needs.me() ?? "";
    const rest = this.#needs.waiting().filter(({ options }) => options.thread === messageId);
    const behind = rest.map((item) => waiting(item, me)).filter(({ key }) => !keys.has(key));
    return { root: root === undefined ? null : logged(root), messages: [...inLog, ...behind], ...state };
  }

  #apply(entry: AnyEntry): void {
    const me = this.#needs.me();
    const about = aboutOf(entry);
    const changed = (message: Message) => (message.id === about ? after(message, entry, me) : message);
    for (const [messageId, thread] of this.#threads.entries()) {
      const isIn = isMessage(entry) && entry.thread === messageId && !thread.get().hasMore;
      thread.change((messages) => [...messages.map(changed), ...(isIn ? [entry] : [])]);
    }
    if (isMessage(entry)) return;
    this.#members?.change((members) => membersAfter(members, entry));
    this.#info?.change((infos) => infos.map((info: GroupInfo) => infoAfter(info, entry, me)));
    if (about === null) return;
    if (entry.kind === "message_pinned") void this.#pins?.reload();
    else
      this.#pins?.change((pins) =>
        pins
          .map((pin) => ({ ...pin, message: changed(pin.message) }))
          .filter(({ message }) => message.pinned && !message.deleted),
      );
  }
}
