// The user's conversations, those that moved last first.
import type { Conversation, ConversationView } from "./conversation.js";
import { ParlorError, RefusedError } from "./errors.js";
import { Derived, type Observable, reportError } from "./observable.js";
import type { ConversationSummary } from "./protocol/types.js";
import type { Reads } from "./reads.js";

const PAGE_CONVERSATIONS = 50;
/** Reasons to read the list are gathered for so long. */
const REFRESH_GATHER_MS = 100;

/** The list as far as it was read. */
export interface ConversationList {
  /** Those that moved last come first. */
  readonly conversations: readonly ConversationView[];
  /** Whether `loadMore` will find more. */
  readonly hasMore: boolean;
  readonly isLoading: boolean;
  /** Why the last reading failed. */
  readonly error: ParlorError | null;
}

/** The lists, by the commands that read them. @internal */
export type ListName = "conversations" | "requests";

/** What the list is made of. @internal */
export interface ListNeeds {
  readonly name: ListName;
  readonly reads: Reads;
  readonly isLive: () => boolean;
  readonly all: () => Iterable<Conversation>;
  /** The conversation that a line is about; `null` if it is of no known kind. */
  readonly of: (summary: ConversationSummary) => Conversation | null;
}

/** A list of conversations, live. */
export class Conversations implements Observable<ConversationList> {
  #needs: ListNeeds;
  readonly #view: Derived<ConversationList>;
  /** Where the next page begins; `null` at the end. */
  #cursor: string | null = null;
  #wasRead = false;
  /** Whether it shows what was kept before a reload. */
  #isRestored = false;
  #reading: Promise<void> | null = null;
  #refresh: ReturnType<typeof setTimeout> | null = null;
  #error: ParlorError | null = null;
  #life = new AbortController();

  /** @internal */
  constructor(needs: ListNeeds) {
    this.#needs = needs;
    this.#view = new Derived(
      () => this.#show(),
      () => this.live(),
    );
  }

  readonly get = (): ConversationList => this.#view.get();

  readonly subscribe = (listener: () => void): (() => void) => this.#view.subscribe(listener);

  /** Reads the next page. Resolves when it is there, or there is none. */
  readonly loadMore = async (): Promise<void> => {
    await this.#reading;
    const isUnread = (this.#isRestored || this.#isLazy) && !this.#wasRead;
    if (this.#cursor === null && !isUnread) return;
    await this.#read(async () => {
      if (isUnread) await this.#readFirst();
      if (this.#cursor === null) return;
      const query = { limit: PAGE_CONVERSATIONS, cursor: this.#cursor };
      const page = await this.#needs.reads.ask(this.#needs.name, query, this.#life.signal);
      this.#take(page.conversations);
      this.#cursor = page.cursor;
    });
  };

  /** Those in the list, in its order. @internal */
  listed(): Conversation[] {
    const listed = [...this.#needs.all()].filter(({ place }) => place === this.#needs.name);
    return listed.sort((a, b) => b.order.pos - a.order.pos || b.order.bump - a.order.bump);
  }

  /** @internal */
  changed(): void {
    this.#view.changed();
  }

  /** Reads the first page again, soon. @internal */
  refresh(): void {
    if (this.#isIdle) {
      this.#wasRead = false;
      return;
    }
    this.#refresh ??= setTimeout(() => {
      this.#refresh = null;
      void this.#read(() => this.#readFirst());
    }, REFRESH_GATHER_MS);
  }

  /** What was kept before a reload is there. Where the list goes on has to be read. @internal */
  restored(): void {
    this.#isRestored = true;
    this.#view.changed();
  }

  /** There is a connection, or somebody looks. @internal */
  live(): void {
    const isDue = this.#isRestored || (this.#isLazy && this.#view.isWatched);
    if (isDue && !this.#wasRead && this.#needs.isLive()) this.refresh();
  }

  /** What it holds may not be true any more: it is read anew, now or when somebody looks. @internal */
  stale(): void {
    this.#wasRead = false;
    this.live();
  }

  /** Reads it anew from the beginning. Rejects with the signal's reason. @internal */
  async reload(signal: AbortSignal): Promise<void> {
    try {
      const page = await this.#needs.reads.ask(this.#needs.name, { limit: PAGE_CONVERSATIONS }, signal);
      this.#take(page.conversations);
      this.#cursor = page.cursor;
      this.#wasRead = true;
      this.#error = null;
    } catch (error) {
      if (error instanceof RefusedError) this.#error = error;
      throw error;
    } finally {
      this.#view.changed();
    }
  }

  /** @internal */
  close(): void {
    this.#life.abort(new ParlorError("the client was closed"));
    if (this.#refresh !== null) clearTimeout(this.#refresh);
  }

  /** Whether it is read only when somebody looks. */
  get #isLazy(): boolean {
    return this.#needs.name === "requests";
  }

  get #isIdle(): boolean {
    return this.#isLazy && !this.#view.isWatched;
  }

  async #readFirst(): Promise<void> {
    const page = await this.#needs.reads.ask(this.#needs.name, { limit: PAGE_CONVERSATIONS }, this.#life.signal);
    this.#take(page.conversations);
    if (this.#wasRead || !(this.#isRestored || this.#isLazy)) return;
    this.#cursor = page.cursor;
    this.#wasRead = true;
  }

  #take(lines: readonly ConversationSummary[]): void {
    for (const line of lines) this.#needs.of(line)?.described(line, this.#needs.name);
  }

  #read(act: () => Promise<void>): Promise<void> {
    const before = this.#reading ?? Promise.resolve();
    const reading = before.then(act).then(
      () => {
        this.#error = null;
      },
      (error: unknown) => {
        if (error instanceof RefusedError) this.#error = error;
        else if (!this.#life.signal.aborted) reportError(error);
      },
    );
    const done = reading.then(() => {
      if (this.#reading === done) this.#reading = null;
      this.#view.changed();
    });
    this.#reading = done;
    this.#view.changed();
    return done;
  }

  #show(): ConversationList {
    return {
      conversations: this.listed().map((conversation) => conversation.view.get()),
      hasMore: this.#cursor !== null || !this.#wasRead,
      isLoading: this.#reading !== null || !(this.#wasRead || this.#isRestored),
      error: this.#error,
    };
  }
}
