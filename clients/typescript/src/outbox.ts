// Messages on their way: kept until the server has each in its log, sent one after the other in each
// conversation, and each once, whatever is cut, reloaded or opened twice.
//
// A message is in the store before it is said for the first time, and leaves it after its answer. All tries
// carry the same key, so the server keeps one. Whoever empties the outbox holds its lock; in a conversation
// the next message is said only after the one before was answered.
import { Backoff, sleep } from "./backoff.js";
import type { ServerClock } from "./clock.js";
import type { Connection } from "./connection.js";
import {
  BusyError,
  DiscardedError,
  IdentityError,
  isRefused,
  ParlorError,
  RefusedError,
  refusal,
  TimeoutError,
} from "./errors.js";
import { reportError } from "./observable.js";
import type { Json, Sent } from "./protocol/types.js";
import type { OutboxItem, OutboxNews, SendOptions, Store } from "./store/store.js";
import { keyOf, type Target } from "./target.js";
import { uuidV4, uuidV7 } from "./uuid.js";

/** How often a server may fail at a message before it counts as refused. */
const FAILURES_MAX = 5;
/** How long it waits when the store cannot say whose turn it is. */
const LOCK_RETRY_MS = 1_000;
/** How long a message may be missing from the store, without word of it, before it is sent again. */
const VANISHED_MS = 2_000;

/** A message on its way. */
export interface Sending {
  /** Its idempotency key, by which it is found in `messages` until it is sent and after. */
  readonly clientId: string;
  /** Resolves once it is in the store, and so survives a reload. */
  readonly saved: Promise<void>;
  /** Resolves once it is in the server's log. Rejects when it is refused for good, or discarded. */
  readonly sent: Promise<Sent>;
}

interface Entry {
  item: OutboxItem;
  /** Whether the store has it. One that it cannot keep is sent all the same. */
  isKept: boolean;
  isSaving: boolean;
  /** Whether it was written here, lately, and how often it was said. */
  isFresh: boolean;
  tries: number;
  sent: { resolve: (sent: Sent) => void; reject: (error: ParlorError) => void } | null;
}

/** What the outbox tells. */
export interface OutboxEars {
  /** What waits for this target has changed. */
  changed(key: string): void;
  /** A message of one's own is in the log. */
  sent(item: OutboxItem, sent: Sent): void;
}

/** The outbox of one user at one server. */
export class Outbox {
  #store: Store;
  #connection: Connection;
  #clock: ServerClock;
  #ears: OutboxEars;
  #url: string;
  #owner: string | null = null;
  #owned!: () => void;
  #isOwned = new Promise<void>((resolve) => {
    this.#owned = resolve;
  });
  #entries = new Map<string, Entry>();
  #saves: Promise<void> = Promise.resolve();
  #run: AbortController | null = null;
  #isRunning = false;
  #isDue = false;
  #wake: () => void = () => {};
  #unsubscribe: () => void;

  constructor(store: Store, connection: Connection, clock: ServerClock, url: string, ears: OutboxEars) {
    this.#store = store;
    this.#connection = connection;
    this.#clock = clock;
    this.#url = url;
    this.#ears = ears;
    this.#unsubscribe = store.subscribe((news) => this.#hear(news));
    connection.events.on("live", () => {
      this.#run = new AbortController();
      this.#kick();
    });
    connection.events.on("lost", () => {
      this.#run?.abort(new ParlorError("the connection ended"));
      this.#run = null;
      this.#wake();
    });
  }

  /** Says whose outbox it is, and reads what that user had in it. */
  ownedBy(userId: string): void {
    if (this.#owner !== null) return;
    this.#owner = `${this.#url}|${userId}`;
    this.#owned();
    void this.#reload().then(() => this.#kick());
  }

  /** What waits for a target, in the order in which it will be sent. */
  waiting(key: string): OutboxItem[] {
    const items = [...this.#entries.values()].map(({ item }) => item).filter(({ target }) => keyOf(target) === key);
    return items.sort((a, b) => (a.order === b.order ? 0 : a.order - b.order));
  }

  has(clientId: string): boolean {
    return this.#entries.has(clientId);
  }

  /** Puts a message behind all others. */
  add(target: Target, content: Json, options: SendOptions): Sending {
    const item: OutboxItem = {
      clientId: uuidV7(this.#clock.now()),
      owner: this.#owner ?? "",
      order: Number.POSITIVE_INFINITY,
      target,
      content: JSON.parse(JSON.stringify(content)) as Json,
      options: JSON.parse(JSON.stringify(options)) as SendOptions,
      createdAt: this.#clock.now(),
      failure: null,
    };
    return this.#put(item, true);
  }

  /** Sends a refused message again, behind all others; `null` if there is no such. */
  async retry(clientId: string): Promise<Sending | null> {
    const entry = this.#entries.get(clientId);
    if (entry === undefined || entry.item.failure === null) return null;
    const { code } = entry.item.failure;
    // A key that is used up is replaced; any other makes sure that it is kept once.
    const isUsedUp = code === "conflict" || code === "stale_client_id";
    const key = isUsedUp ? uuidV7(this.#clock.now()) : clientId;
    this.#entries.delete(clientId);
    if (entry.isKept) await this.#store.remove(entry.item);
    return this.#put({ ...entry.item, clientId: key, order: Number.POSITIVE_INFINITY, failure: null }, isUsedUp);
  }

  /** Takes a refused message out of the outbox; `false` if there is no such. */
  async discard(clientId: string): Promise<boolean> {
    const entry = this.#entries.get(clientId);
    if (entry === undefined || entry.item.failure === null) return false;
    this.#settle(entry, new DiscardedError("the message was discarded"));
    if (entry.isKept) await this.#store.remove(entry.item);
    this.#announce({ kind: "discarded", owner: entry.item.owner, clientId });
    return true;
  }

  /** The log has a message with this key, whoever brought it there. */
  isInLog(clientId: string, sent: Sent): void {
    const entry = this.#entries.get(clientId);
    if (entry !== undefined) this.#sent(entry, sent).catch(reportError);
  }

  close(): void {
    this.#unsubscribe();
    this.#store.close();
  }

  #put(item: OutboxItem, isFresh: boolean): Sending {
    const entry: Entry = { item, isKept: false, isSaving: true, isFresh, tries: 0, sent: null };
    const sent = new Promise<Sent>((resolve, reject) => {
      entry.sent = { resolve, reject };
    });
    // Who does not ask what became of it is not told by an unhandled rejection.
    sent.catch(() => {});
    this.#entries.set(item.clientId, entry);
    this.#ears.changed(keyOf(item.target));
    const saved = this.#saves.then(() => this.#save(entry));
    this.#saves = saved.catch(() => {});
    saved.catch(reportError);
    return { clientId: item.clientId, saved, sent };
  }

  async #save(entry: Entry): Promise<void> {
    await this.#isOwned;
    try {
      const { order: _, ...item } = { ...entry.item, owner: this.#owner ?? "" };
      const order = await this.#store.add(item);
      entry.item = { ...item, order };
      entry.isKept = true;
    } finally {
      entry.isSaving = false;
      this.#announce({ kind: "changed", owner: this.#owner ?? "" });
      this.#kick();
    }
  }

  #announce(news: OutboxNews): void {
    this.#store.announce(news);
  }

  #hear(news: OutboxNews): void {
    if (news.owner !== this.#owner) return;
    if (news.kind === "changed") {
      void this.#reload().then(() => this.#kick());
      return;
    }
    const entry = this.#entries.get(news.clientId);
    if (news.kind === "sent") {
      const item = entry?.item;
      if (entry !== undefined) this.#settle(entry, news.sent);
      if (item !== undefined) this.#ears.sent(item, news.sent);
    } else if (entry !== undefined) this.#settle(entry, new DiscardedError("the message was discarded"));
  }

  /** Reads what the store has, which others may have changed. */
  async #reload(): Promise<void> {
    const owner = this.#owner;
    if (owner === null) return;
    const before = [...this.#entries.values()].filter(({ isKept }) => isKept);
    let items: OutboxItem[];
    try {
      items = await this.#store.items(owner);
    } catch (error) {
      reportError(error);
      return;
    }
    const found = new Set(items.map(({ order }) => order));
    for (const item of items) this.#take(item);
    for (const entry of before) {
      if (!found.has(entry.item.order) && this.#entries.get(entry.item.clientId) === entry) this.#vanished(entry);
    }
  }

  #take(item: OutboxItem): void {
    let known = this.#entries.get(item.clientId);
    for (const other of known ? [] : this.#entries.values()) {
      // Its key was replaced by somebody else.
      if (other.isKept && other.item.order === item.order) known = other;
    }
    if (known === undefined) {
      const entry: Entry = { item, isKept: true, isSaving: false, isFresh: false, tries: 0, sent: null };
      this.#entries.set(item.clientId, entry);
    } else if (known.isKept) {
      const isNew = known.item.failure === null && item.failure !== null;
      if (known.item.clientId !== item.clientId) {
        this.#entries.delete(known.item.clientId);
        this.#entries.set(item.clientId, known);
      }
      known.item = item;
      if (isNew && item.failure !== null) known.sent?.reject(refusal(item.failure));
    }
    this.#ears.changed(keyOf(item.target));
  }

  /** Others took it out. If no word comes of what became of it, it is sent again, and gets the first answer. */
  #vanished(entry: Entry): void {
    if (entry.sent === null || entry.item.failure !== null) {
      this.#entries.delete(entry.item.clientId);
      this.#ears.changed(keyOf(entry.item.target));
      return;
    }
    entry.isKept = false;
    entry.isSaving = true;
    setTimeout(() => {
      if (this.#entries.get(entry.item.clientId) !== entry) return;
      this.#saves = this.#saves.then(() => this.#save(entry)).catch(reportError);
    }, VANISHED_MS);
  }

  /** Sends what there is to send, if there is a connection, and nobody else does. */
  #kick(): void {
    this.#isDue = true;
    this.#wake();
    const { signal } = this.#run ?? {};
    const isIdle = ![...this.#entries.values()].some((entry) => this.#isQueued(entry));
    if (signal === undefined || this.#isRunning || this.#owner === null || isIdle) return;
    this.#isRunning = true;
    this.#store
      .exclusive(this.#owner, signal, () => this.#empty(signal))
      .catch(async (error: unknown) => {
        if (signal.aborted) return;
        reportError(error);
        await sleep(LOCK_RETRY_MS);
      })
      .finally(() => {
        this.#isRunning = false;
        if (this.#run !== null && (this.#run.signal !== signal || this.#isDue)) this.#kick();
      });
  }

  #isQueued(entry: Entry): boolean {
    return !entry.isSaving && entry.item.failure === null;
  }

  async #empty(signal: AbortSignal): Promise<void> {
    const working = new Map<string, Promise<void>>();
    for (;;) {
      this.#isDue = false;
      await this.#reload();
      if (signal.aborted) break;
      for (const entry of this.#entries.values()) {
        const key = keyOf(entry.item.target);
        if (!this.#isQueued(entry) || working.has(key)) continue;
        const work = this.#work(key, signal).catch(reportError);
        working.set(
          key,
          work.then(() => {
            working.delete(key);
            this.#wake();
          }),
        );
      }
      if (working.size === 0) {
        if (this.#isDue) continue;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (this.#isDue || signal.aborted) resolve();
      });
    }
    await Promise.all(working.values());
  }

  /** Sends what waits in one conversation, one after the other, until nothing does or it has to stop. */
  async #work(key: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      const item = this.waiting(key).find(({ clientId }) => {
        const entry = this.#entries.get(clientId);
        return entry !== undefined && this.#isQueued(entry);
      });
      const entry = item && this.#entries.get(item.clientId);
      if (entry === undefined || signal.aborted) return;
      try {
        await this.#say(entry, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof RefusedError) || error instanceof IdentityError) {
          // It may or may not be in the log, or the token is no good any more: the next connection asks again.
          this.#connection.suspect(error instanceof ParlorError ? error : new TimeoutError("a message was not sent"));
          return;
        }
        await this.#failed(entry, error);
      }
    }
  }

  /** Says it until it is kept. Rejects when it is refused for good, or there is no answer. */
  async #say(entry: Entry, signal: AbortSignal): Promise<void> {
    const pace = new Backoff(250, 30_000);
    for (let failures = 0; ; ) {
      const { clientId, target, content, options } = entry.item;
      const { mentions, ...more } = options;
      const payload = { ...more, content, clientId };
      entry.tries += 1;
      try {
        const answer =
          "groupId" in target
            ? await this.#connection.request("group_message", {
                ...payload,
                groupId: target.groupId,
                ...(mentions === undefined ? {} : { mentions: [...mentions] }),
              })
            : await this.#connection.request("private_message", { ...payload, toUserId: target.toUserId });
        if (answer.status === "sent") await this.#sent(entry, answer);
        return;
      } catch (error) {
        // Somebody heard of it on another way.
        if (this.#entries.get(clientId) !== entry) return;
        if (error instanceof BusyError) await sleep(pace.next(error.retryAfterMs), signal);
        else if (isRefused(error, "internal") && failures < FAILURES_MAX) {
          failures += 1;
          await sleep(pace.next(), signal);
        } else if (isRefused(error, "stale_client_id") && entry.isFresh && entry.tries === 1) {
          // It was written just now, so this device's clock is wrong; and nothing was ever kept under this key.
          await this.#rekey(entry);
        } else throw error;
      }
    }
  }

  async #rekey(entry: Entry): Promise<void> {
    this.#entries.delete(entry.item.clientId);
    entry.item = { ...entry.item, clientId: uuidV4() };
    this.#entries.set(entry.item.clientId, entry);
    if (entry.isKept) await this.#store.put(entry.item);
    this.#ears.changed(keyOf(entry.item.target));
  }

  async #sent(entry: Entry, sent: Sent): Promise<void> {
    const { item, isKept } = entry;
    if (this.#entries.get(item.clientId) !== entry) return;
    // First, since what follows from it may tell of the same message again, with less.
    this.#settle(entry, sent);
    this.#ears.sent(item, sent);
    this.#announce({ kind: "sent", owner: item.owner, clientId: item.clientId, target: item.target, sent });
    // If this fails it is sent again after a restart, and gets the same answer.
    if (isKept) await this.#store.remove(item).catch(reportError);
  }

  async #failed(entry: Entry, error: RefusedError): Promise<void> {
    entry.item = { ...entry.item, failure: { code: error.code, error: error.message } };
    entry.sent?.reject(error);
    entry.sent = null;
    this.#ears.changed(keyOf(entry.item.target));
    if (entry.isKept) await this.#store.put(entry.item).catch(reportError);
    this.#announce({ kind: "changed", owner: entry.item.owner });
  }

  #settle(entry: Entry, outcome: Sent | ParlorError): void {
    this.#entries.delete(entry.item.clientId);
    if (outcome instanceof ParlorError) entry.sent?.reject(outcome);
    else entry.sent?.resolve(outcome);
    this.#ears.changed(keyOf(entry.item.target));
  }
}
