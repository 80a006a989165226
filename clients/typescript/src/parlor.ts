// The client: one user on one device, connected to one server.
import { Cache } from "./cache.js";
import { ServerClock } from "./clock.js";
import { Connection, type Status } from "./connection.js";
import { Conversation, type ConversationNeeds, type ConversationPiece } from "./conversation.js";
import { Conversations, type ListNeeds } from "./conversations.js";
import { ClosedError } from "./errors.js";
import type { Observable } from "./observable.js";
import type { ParlorOptions } from "./options.js";
import { Outbox } from "./outbox.js";
import type { BlockedRecords, ContactRecords } from "./own/contacts.js";
import { Own } from "./own/own.js";
import type { PrivacyRecords } from "./own/privacy.js";
import type { StarredRecords } from "./own/starred.js";
import { PresenceBook, type PresenceView } from "./presence.js";
import { Profiles, type ProfileView } from "./profiles.js";
import type { AnyEntry, Commands, Message, Moved, Ready, ServerEvents } from "./protocol/types.js";
import { Reads } from "./reads.js";
import { Receipts } from "./receipts.js";
import { Requests } from "./requests.js";
import { type SearchQuery, type SearchResults, search } from "./search.js";
import { memoryStore } from "./store/memory.js";
import type { Store } from "./store/store.js";
import { Sync } from "./sync.js";
import { keyOf, type Target, targetOf } from "./target.js";
import { isMessage } from "./timeline/effects.js";

/** A client of a Parlor server. */
export class Parlor {
  /** The user's conversations. */
  readonly conversations: Conversations;
  /** What strangers have begun, until the user accepts or declines it. */
  readonly requests: Requests;
  readonly #connection: Connection;
  readonly #outbox: Outbox;
  readonly #own: Own;
  readonly #presence: PresenceBook;
  readonly #profiles: Profiles;
  readonly #reads: Reads;
  readonly #receipts: Receipts;
  readonly #sync: Sync;
  readonly #cache: Cache | null;
  readonly #all = new Map<string, Conversation>();
  readonly #needs: ConversationNeeds;
  /** Groups that somebody looks at. */
  readonly #open = new Set<Conversation>();
  #isClosed = false;

  /** Makes a client, which does nothing until `connect` is called. */
  constructor(options: ParlorOptions) {
    const { token, getToken, store = memoryStore(), cache = true, ...rest } = options;
    if ((token === undefined) === (getToken === undefined)) throw new TypeError("give either token or getToken");
    const clock = new ServerClock();
    this.#cache = cache ? this.#cacheIn(store, options) : null;
    this.#connection = new Connection({
      ...rest,
      getToken: getToken ?? (() => token ?? ""),
      tokensChange: getToken !== undefined,
      now: () => clock.now(),
      prepared: async () => this.#cache?.load(),
      resume: () => this.#sync.position,
    });
    const { events } = this.#connection;
    const reads = new Reads(this.#connection);
    this.#reads = reads;
    this.#profiles = new Profiles(reads);
    const command = this.command.bind(this);
    this.#own = new Own(this.#connection, {
      reads,
      command,
      now: () => clock.now(),
      find: (messageId) => this.#find(messageId),
      changed: (records) => this.#cache?.changed(records),
    });
    events.on("ready", ({ userId }) => this.#outbox.ownedBy(userId));
    this.#sync = new Sync(this.#connection, reads, {
      pushed: (entry) => this.#pushed(entry),
      moved: (lines, isAll) => this.#moved(lines, isAll),
      reset: (isNewLife) => this.#reset(isNewLife),
      reload: (signal) => this.conversations.reload(signal),
      stale: (commands) => this.#stale(commands),
      blocked: (userIds) => this.#own.blocks(userIds),
    });
    this.#receipts = new Receipts(this.#connection);
    this.#presence = new PresenceBook(this.#connection);
    const list: Omit<ListNeeds, "name"> = {
      reads,
      isLive: () => this.#connection.isLive,
      all: () => this.#all.values(),
      of: ({ conversationId }) => this.#named(conversationId),
    };
    this.conversations = new Conversations({ ...list, name: "conversations" });
    this.requests = new Requests(list, command);
    this.#outbox = new Outbox(store, this.#connection, clock, options.url, {
      changed: (key) => this.#all.get(key)?.waitingChanged(),
      sent: (item, sent) => {
        clock.isNow(sent.ts);
        this.#conversation(item.target).sent(item, sent);
      },
    });
    this.#needs = {
      connection: this.#connection,
      reads,
      clock,
      outbox: () => this.#outbox,
      receipts: this.#receipts,
      drafts: () => this.#own.drafts,
      seen: (entries) => this.#own.starred.seen(entries),
      moved: (conversation) => {
        this.#cache?.changed(conversation);
        for (const list of this.#lists) list.changed();
      },
      unknown: () => {
        for (const list of this.#lists) list.refresh();
      },
      watched: (conversation, isWatched) => this.#watched(conversation, isWatched),
    };
    this.#listen();
    if (options.userId !== undefined) this.#outbox.ownedBy(options.userId);
    // Once everything is made that takes what is kept.
    queueMicrotask(() => void this.#cache?.load());
  }

  /** Where the connection stands, and why. */
  get status(): Observable<Status> {
    return this.#connection.status;
  }

  /** The user; `null` until the first connection says so, unless it was given. */
  get userId(): string | null {
    return this.#connection.userId;
  }

  /** What the server said of itself when it was last connected to, its limits among it. */
  get ready(): Ready | null {
    return this.#connection.ready;
  }

  /** Connects, and stays connected until `close`. Call it again after `closed`, say with a good token. */
  connect(): void {
    if (this.#isClosed) throw new ClosedError("a client that was closed stays closed: make another one");
    this.#connection.open();
  }

  /** Tries to connect now, if it is waiting for its next try. */
  retryNow(): void {
    this.#connection.hurry();
  }

  /** Disconnects for good. What waits in the outbox stays there for the next client. */
  close(): void {
    this.#isClosed = true;
    this.#cache?.close();
    this.#connection.close();
    this.#sync.close();
    for (const list of this.#lists) list.close();
    this.#own.close();
    this.#outbox.close();
    this.#presence.close();
    this.#profiles.close();
    this.#receipts.close();
    for (const conversation of this.#all.values()) conversation.close();
  }

  /** Closes it, and forgets what is remembered over reloads. For when the user signs out. */
  async forget(): Promise<void> {
    const dropped = this.#cache?.drop();
    this.close();
    await dropped;
  }

  /** Resolves once the client is live. Rejects with {@link ClosedError} when it is closed before. */
  live(): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const { state, error } = this.status.get();
        if (state === "live") resolve();
        else if (state === "closed") reject(error ?? new ClosedError("the client is closed"));
        else return;
        unsubscribe();
      };
      const unsubscribe = this.status.subscribe(look);
      look();
    });
  }

  /** The conversation with another user, or with oneself. Always the same object. */
  direct(userId: string): Conversation {
    return this.#conversation({ toUserId: userId });
  }

  /** The conversation of a group. Always the same object. */
  group(groupId: string): Conversation {
    return this.#conversation({ groupId });
  }

  /** Whether a user is there, for as long as somebody is subscribed to it. */
  presence(userId: string): Observable<PresenceView> {
    return this.#presence.of(userId);
  }

  /** Who a user is. It is read while somebody is subscribed to it. */
  profile(userId: string): Observable<ProfileView> {
    return this.#profiles.of(userId);
  }

  /** Whom the user knows, under names of the user's choice. Read while somebody is subscribed to it. */
  get contacts(): ContactRecords {
    return this.#own.contacts;
  }

  /** Whom the user blocks. Read while somebody is subscribed to it. */
  get blocked(): BlockedRecords {
    return this.#own.blocked;
  }

  /** Who may write to the user, and see what of the user. Read while somebody is subscribed to it. */
  get privacy(): PrivacyRecords {
    return this.#own.privacy;
  }

  /** The messages that the user has starred. Read while somebody is subscribed to it. */
  get starred(): StarredRecords {
    return this.#own.starred;
  }

  /** Looks for messages by their words, newest first. */
  search(query: SearchQuery): SearchResults {
    return search(this.#reads, query);
  }

  /**
   * Asks the server anything of the protocol that has no function of its own here. It is asked once: rejects
   * with a `RefusedError`, or with a `DisconnectedError` or `TimeoutError`, after which it is not known
   * whether it was done.
   */
  async command<C extends keyof Commands>(command: C, payload: Commands[C]["payload"]): Promise<Commands[C]["answer"]> {
    const answer = await this.#connection.request(command, payload);
    // Who changes something of their own does not hear it either.
    this.#own.answered(command, payload, answer);
    if ("users" in answer) for (const profile of answer.users) this.#profiles.know(profile);
    // Who makes an entry is not told of it again: it is read like one that was missed.
    if ("seq" in answer && "conversationId" in answer && answer.conversationId && answer.seq) {
      this.#named(answer.conversationId)?.acted(answer.seq);
      this.conversations.refresh();
    }
    return answer;
  }

  /** Calls `listener` with each event of that name that the server says, until the returned function is called. */
  on<Name extends keyof ServerEvents>(name: Name, listener: (event: ServerEvents[Name]) => void): () => void {
    return this.#connection.events.on(name, listener as never);
  }

  #listen(): void {
    const { events } = this.#connection;
    events.on("ready", () => {
      for (const conversation of this.#open) this.#sayOpen(conversation, true);
    });
    events.on("live", () => {
      for (const one of [...this.#lists, ...this.#all.values()]) one.live();
    });
    events.on("lost", () => {
      for (const conversation of this.#all.values()) conversation.lost();
    });
    for (const kind of ["delivered", "read"] as const) {
      events.on(kind, ({ conversationId, userId, seq }) => {
        this.#named(conversationId)?.receipt(kind, userId, seq);
      });
    }
    events.on("typing", (event) => {
      const conversation = this.#named(event.conversationId);
      if ("count" in event) conversation?.hearTypists(event.userIds, event.count);
      else conversation?.hearTyping(event.userId, event.typing);
    });
    events.on("receipts", ({ conversationId, counts }) => this.#named(conversationId)?.receiptCounts(counts));
    const { news } = this.#own;
    news.on("profile", (profile) => this.#profiles.know(profile));
    news.on("request", ({ conversationId, state }) => {
      const place = state === "pending" ? "requests" : state === "declined" ? null : "conversations";
      this.#named(conversationId)?.placed(place);
      if (place === "requests") this.requests.refresh();
      else if (place !== null) this.conversations.refresh();
    });
    news.on("conversation_settings", ({ conversationId, ...settings }) => {
      this.#named(conversationId)?.configured(settings);
    });
    news.on("hidden", ({ messageId, hidden }) => {
      for (const conversation of this.#all.values()) {
        if (conversation.hide(messageId, hidden)) this.#cache?.changed(conversation);
      }
    });
  }

  #cacheIn({ loadCache, saveCache, dropCache }: Store, options: ParlorOptions): Cache | null {
    const { url, userId, deviceId } = options;
    // A position is good for one device of one user.
    if (!loadCache || !saveCache || !dropCache || userId === undefined) return null;
    return new Cache({ loadCache, saveCache, dropCache }, JSON.stringify([url, userId, deviceId ?? null]), {
      hasHeard: () => this.#connection.ready !== null,
      position: () => this.#sync.position,
      listed: () => this.conversations.listed(),
      own: () => this.#own.kept,
      restore: (pieces, position) => {
        this.#sync.restore(position);
        for (const [key, piece] of pieces) {
          if (this.#own.restore(key, piece)) continue;
          this.#conversation((piece as ConversationPiece).target).restore(piece as ConversationPiece);
        }
        this.conversations.restored();
      },
    });
  }

  #conversation(target: Target): Conversation {
    const key = keyOf(target);
    let found = this.#all.get(key);
    if (found === undefined) {
      found = new Conversation(target, this.#needs);
      this.#all.set(key, found);
    }
    return found;
  }

  #named(conversationId: string): Conversation | null {
    const target = targetOf(conversationId, this.userId ?? "");
    return target === null ? null : this.#conversation(target);
  }

  #pushed(entry: AnyEntry): void {
    const conversation = this.#named(entry.conversationId);
    if (conversation === null) return;
    const isRequest = "request" in entry && entry.request && isMessage(entry) && entry.from !== this.userId;
    if (isRequest && conversation.place === null) conversation.placed("requests");
    conversation.messages.take(entry);
    this.#cache?.changed(conversation);
  }

  #moved(lines: readonly Moved[], isAll: boolean): void {
    for (const line of lines) this.#named(line.conversationId)?.hasMoved(line);
    if (!isAll) this.conversations.refresh();
  }

  #reset(isNewLife: boolean): void {
    if (isNewLife) this.#receipts.forget();
    this.#cache?.reset();
    for (const conversation of this.#all.values()) conversation.reset();
    this.conversations.changed();
  }

  #stale(commands: readonly string[] | null): void {
    this.#own.stale(commands);
    if (commands?.includes("requests") ?? true) this.requests.stale();
    if (commands?.includes("conversations")) this.conversations.refresh();
  }

  #find(messageId: string): Message | null {
    for (const conversation of this.#all.values()) {
      const message = conversation.find(messageId);
      if (message !== null) return message;
    }
    return null;
  }

  get #lists(): readonly Conversations[] {
    return [this.conversations, this.requests];
  }

  #watched(conversation: Conversation, isWatched: boolean): void {
    if (!("groupId" in conversation.target)) return;
    if (isWatched) this.#open.add(conversation);
    else this.#open.delete(conversation);
    if (this.#connection.isReady) this.#sayOpen(conversation, isWatched);
  }

  /** Says which groups are shown: of larger ones, receipts and typing are told to those alone who show them. */
  #sayOpen(conversation: Conversation, isOpen: boolean): void {
    const { id } = conversation;
    if (id === null) return;
    this.#connection.say(isOpen ? "conversation_open" : "conversation_close", { conversationId: id });
  }
}
