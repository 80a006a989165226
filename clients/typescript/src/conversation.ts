// One conversation: what is known of it, its messages, and what can be done in it.
import type { ServerClock } from "./clock.js";
import type { Connection } from "./connection.js";
import type { ListName } from "./conversations.js";
import { ParlorError } from "./errors.js";
import { bringsIn, type Facts, factsAfter, factsWith } from "./facts.js";
import type { GroupInfoView, Members } from "./group.js";
import { Lists, type PinsView, type ThreadView } from "./lists.js";
import { Marks, type ReceiptState } from "./marks.js";
import { Derived, type Observable } from "./observable.js";
import type { Outbox, Sending } from "./outbox.js";
import type { Drafts, DraftView } from "./own/drafts.js";
import type { Paged } from "./paged.js";
import type {
  AnyEntry,
  ConversationSettings,
  ConversationSummary,
  Entry,
  Json,
  MemberReceipt,
  Message,
  MessageChanged,
  Moved,
  ReceiptCounts,
  Role,
  Sent,
  Watermarks,
} from "./protocol/types.js";
import type { Reads } from "./reads.js";
import type { Receipts } from "./receipts.js";
import { type ReceiptsView, Recipients } from "./recipients.js";
import type { OutboxItem, SendOptions } from "./store/store.js";
import { conversationIdOf, keyOf, seqOf, type Target } from "./target.js";
import { emptied, isMessage } from "./timeline/effects.js";
import { type LoggedMessage, logged } from "./timeline/message.js";
import { PastTimeline, type Place } from "./timeline/past.js";
import { Timeline } from "./timeline/timeline.js";
import type { WindowPiece } from "./timeline/window.js";
import { TypingIn, TypingOut, type TypingView } from "./typing.js";

/** What is known of a conversation, without its messages. */
export interface ConversationView {
  readonly conversation: Conversation;
  /** Its id; `null` until the first connection says who the user is. */
  readonly id: string | null;
  readonly target: Target;
  /** The group's name, or the other user's id. */
  readonly name: string;
  /** How many members a group has. */
  readonly members: number | null;
  /** The user's role in a group; `null` elsewhere, and for who is out. */
  readonly role: Role | null;
  /** How many messages of others are behind what the user has read. */
  readonly unread: number;
  /** How many of those in a group mention the user. */
  readonly mentions: number;
  readonly lastMessage: LoggedMessage | null;
  /** How far the members are, where that is told, by user id. */
  readonly watermarks: ReadonlyMap<string, Watermarks>;
  /** How long new messages stay, in seconds; `null` for ever. */
  readonly timerSeconds: number | null;
  /** How the user wants to see it. */
  readonly settings: ConversationSettings;
}

/** What is kept of a conversation over reloads. @internal */
export interface ConversationPiece {
  readonly target: Target;
  readonly facts: Facts;
  readonly pos: number;
  readonly asOf: number;
  readonly unread: number;
  readonly mentions: number;
  readonly lastMessage: Message | null;
  readonly marks: readonly Watermarks[];
  readonly window: WindowPiece | null;
}

/** What a conversation is made of. @internal */
export interface ConversationNeeds {
  readonly connection: Connection;
  readonly reads: Reads;
  readonly clock: ServerClock;
  readonly outbox: () => Outbox;
  readonly receipts: Receipts;
  readonly drafts: () => Drafts;
  /** Entries were seen for the first time, some of them long after they came. */
  readonly seen: (entries: readonly AnyEntry[]) => void;
  /** Its place in the list may be another. */
  readonly moved: (conversation: Conversation) => void;
  /** What is known of it is not enough: the list has to be read. */
  readonly unknown: () => void;
  readonly watched: (conversation: Conversation, isWatched: boolean) => void;
}

function mentions(message: Message, userId: string | null): boolean {
  return message.mentions?.some((who) => who === userId || who === "@all") ?? false;
}

/** The fields that are there. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

const DEED_TIMEOUT_MS = 20_000;
const TYPING_EXPIRES_MS = 6_000;

/** A conversation with another user, with oneself, or in a group. */
export class Conversation {
  readonly target: Target;
  /** One text for each conversation, also before its `id` is known. */
  readonly key: string;
  /** Its messages. Subscribing opens it: the newest are read, and missing ones are filled in. */
  readonly messages: Timeline;
  readonly #needs: ConversationNeeds;
  readonly #view = new Derived<ConversationView>(() => this.#show());
  readonly #typingIn = new TypingIn();
  readonly #typingOut: TypingOut;
  #place: ListName | null = null;
  #order = { pos: 0, bump: 0 };
  #facts: Facts = {};
  /** The number up to which facts, unread messages and mentions are counted. */
  #asOf = -1;
  #unread = 0;
  #mentions = 0;
  #lastMessage: Message | null = null;
  readonly #marks = new Marks();
  readonly #pasts = new Set<PastTimeline>();
  readonly #lists: Lists;
  readonly #recipients: Recipients;
  #delivered = 0;

  /** @internal */
  constructor(target: Target, needs: ConversationNeeds) {
    this.target = target;
    this.key = keyOf(target);
    this.#needs = needs;
    this.#typingOut = new TypingOut(needs.connection, target);
    this.#lists = new Lists({
      target,
      reads: needs.reads,
      me: () => needs.connection.userId,
      id: () => this.id,
      head: () => this.#head,
      waiting: () => needs.outbox().waiting(this.key),
    });
    this.#recipients = new Recipients({
      reads: needs.reads,
      id: (signal) => this.#lists.id(signal),
      now: () => needs.clock.now(),
    });
    this.messages = new Timeline({
      reads: needs.reads,
      clock: needs.clock,
      me: () => needs.connection.userId,
      id: () => this.id,
      waiting: () => needs.outbox().waiting(this.key),
      news: (entries) => this.#news(entries),
      ended: () => this.#changed(),
      watched: (isWatched) => needs.watched(this, isWatched),
    });
  }

  /** Its id; `null` until the first connection says who the user is. */
  get id(): string | null {
    const me = this.#needs.connection.userId;
    return me === null ? null : conversationIdOf(this.target, me);
  }

  /** What is known of it. */
  get view(): Observable<ConversationView> {
    return this.#view;
  }

  /** The members of a group. Throws a `TypeError` where it is none. */
  get members(): Members {
    return this.#lists.members;
  }

  /** What a group is, and how it is run. Throws a `TypeError` where it is none. */
  get info(): Observable<GroupInfoView> {
    return this.#lists.info;
  }

  /** Its pinned messages. */
  get pins(): Observable<PinsView> {
    return this.#lists.pins;
  }

  /** The thread of a message: `send(content, { thread: messageId })` says something in it. */
  thread(messageId: string): Paged<Message, ThreadView> {
    return this.#lists.thread(messageId);
  }

  /** What the user has begun to write in it, here or on another device. Read while somebody is subscribed to it. */
  get draft(): Observable<DraftView> {
    return this.#needs.drafts().of(this.target);
  }

  /**
   * Keeps what the user has begun to write, `null` for nothing: call it at each key. It shows at once, is told to the
   * user's other devices about once a second, and survives reloads.
   */
  setDraft(content: Json): void {
    this.#needs.drafts().set(this.target, content);
  }

  /** Who types in it, the user aside. */
  get typing(): Observable<TypingView> {
    return this.#typingIn.view;
  }

  /**
   * Sends a message: it is shown at once, kept until the server has it, and sent once, behind all that was
   * sent here before, now or whenever there is a connection. What it is refused for is at the message in
   * `messages`, and rejects `sent`.
   *
   * Throws a `TypeError` if the content is no JSON.
   */
  send(content: Json, options: SendOptions = {}): Sending {
    this.#typingOut.sent();
    return this.#needs.outbox().add(this.target, content, options);
  }

  /** Sends a refused message again, behind all others. Resolves to `null` if there is no such. */
  retry(clientId: string): Promise<Sending | null> {
    return this.#needs.outbox().retry(clientId);
  }

  /** Drops a refused message. Resolves to `false` if there is no such. */
  discard(clientId: string): Promise<boolean> {
    return this.#needs.outbox().discard(clientId);
  }

  /** The user has read everything up to this number, or everything. Told to the server soon, and once. */
  markRead(seq = this.#head): void {
    const { id } = this;
    if (id === null || seq <= this.#readTo) return;
    this.#needs.receipts.read(id, seq);
    this.#ownRead(seq);
  }

  /** Call it at each key that the user presses: others are told now and then, and when it ends. */
  types(): void {
    this.#typingOut.types();
  }

  /** The user no longer types. */
  stopsTyping(): void {
    this.#typingOut.stops();
  }

  /** Reads older messages, as `messages.loadOlder` does. */
  loadOlder(): Promise<void> {
    return this.messages.loadOlder();
  }

  /**
   * Shows another place than the end: what is around a message, or what was said from some time on. Resolves
   * when that was read; rejects if the server refuses. Where there is nothing at that place or later, it is
   * the end. Close it when it is shown no more.
   */
  async openAt(place: Place): Promise<PastTimeline> {
    if ("messageId" in place && seqOf(place.messageId) === null) throw new TypeError("it is no message's id");
    const past = new PastTimeline(place, {
      reads: this.#needs.reads,
      clock: this.#needs.clock,
      me: () => this.#needs.connection.userId,
      id: () => this.id,
      closed: () => this.#pasts.delete(past),
    });
    this.#pasts.add(past);
    try {
      await past.open();
    } catch (error) {
      past.close();
      throw error;
    }
    return past;
  }

  /** Changes what one of the user's own messages says. Rejects if it is refused, or there is no connection. */
  async edit(messageId: string, content: Json): Promise<void> {
    const answer = await this.#needs.connection.request("edit", { messageId, content }, DEED_TIMEOUT_MS);
    this.#done(answer, { kind: "message_edited", messageId, content });
  }

  /** Deletes a message for everyone. */
  async delete(messageId: string): Promise<void> {
    const answer = await this.#needs.connection.request("delete", { messageId }, DEED_TIMEOUT_MS);
    this.#done(answer, { kind: "message_deleted", messageId });
  }

  /** Adds the user's reaction to a message. */
  async react(messageId: string, emoji: string): Promise<void> {
    const answer = await this.#needs.connection.request("react", { messageId, emoji }, DEED_TIMEOUT_MS);
    this.#done(answer, { kind: "reaction_added", messageId, emoji });
  }

  /** Takes the user's reaction back. */
  async unreact(messageId: string, emoji: string): Promise<void> {
    const answer = await this.#needs.connection.request("unreact", { messageId, emoji }, DEED_TIMEOUT_MS);
    this.#done(answer, { kind: "reaction_removed", messageId, emoji });
  }

  /** Pins a message. */
  async pin(messageId: string): Promise<void> {
    const answer = await this.#needs.connection.request("pin", { messageId }, DEED_TIMEOUT_MS);
    this.#done(answer, { kind: "message_pinned", messageId });
  }

  /** Takes the pin off a message. */
  async unpin(messageId: string): Promise<void> {
    const answer = await this.#needs.connection.request("unpin", { messageId }, DEED_TIMEOUT_MS);
    this.#done(answer, { kind: "message_unpinned", messageId });
  }

  /**
   * How far a message of the user's own got with everybody else: `read` once all have read it. Of larger
   * groups no marks are told, so there it stays `sent`; `receiptCountsOf` says how many have it. `view` tells when
   * either changes.
   */
  receiptOf(message: Pick<LoggedMessage, "seq">): ReceiptState {
    return this.#marks.of(message.seq, this.#needs.connection.userId);
  }

  /** How many members of a larger group have a message, and have read it; `null` where that is not told. */
  receiptCountsOf(message: Pick<LoggedMessage, "seq">): ReceiptCounts | null {
    return this.#recipients.countsOf(message.seq);
  }

  /** Who has a message, and who has read it. It is read while somebody is subscribed to it. */
  receiptsOf(message: Pick<LoggedMessage, "seq">): Paged<MemberReceipt, ReceiptsView> {
    return this.#recipients.of(message.seq);
  }

  /**
   * Changes how the user wants to see it, those settings that are given: shown at once, and taken back if it is
   * refused. 0 or `false` takes a setting back.
   */
  async configure(settings: ConversationSettings): Promise<void> {
    const { id } = this;
    if (id === null) throw new ParlorError("the conversation's id is known once the client was connected");
    const before = this.#facts.settings ?? {};
    this.configured(settings);
    try {
      await this.#needs.connection.request("conversation_set", { conversationId: id, ...settings }, DEED_TIMEOUT_MS);
    } catch (error) {
      const { mutedUntil = 0, archived = false, markedUnread = false, pinned = false } = before;
      const all = { mutedUntil, archived, markedUnread, pinned };
      this.configured(Object.fromEntries(Object.entries(all).filter(([name]) => name in settings)));
      throw error;
    }
  }

  /** The list that it is in. @internal */
  get place(): ListName | null {
    return this.#place;
  }

  /** @internal */
  placed(place: ListName | null): void {
    if (place === this.#place) return;
    this.#place = place;
    this.#changed();
  }

  /** A message that is at hand. @internal */
  find(messageId: string): Message | null {
    const timelines = [this.messages, ...this.#pasts];
    return timelines.map((timeline) => timeline.message(messageId)).find((message) => message !== null) ?? null;
  }

  /** What it is sorted by: later first. @internal */
  get order(): { readonly pos: number; readonly bump: number } {
    return this.#order;
  }

  /** @internal */
  described(summary: ConversationSummary, place: ListName): void {
    this.#place = place;
    const { name, members, role, timerSeconds, settings } = summary;
    this.#facts = given({ name, members, role, timerSeconds, settings });
    // What was heard since the list was read.
    for (const entry of this.messages.after(summary.head) ?? []) {
      if (!isMessage(entry)) this.#facts = factsAfter(this.#facts, entry, this.#needs.connection.userId);
    }
    this.#order = { pos: Math.max(summary.last.pos, this.#order.pos), bump: 0 };
    const message = summary.message ?? (isMessage(summary.last) ? summary.last : null);
    if (message !== null && message.seq >= (this.#lastMessage?.seq ?? 0)) this.#lastMessage = message;
    this.#counted(summary.head, summary.unread, summary.mentions ?? 0, summary.watermarks);
    this.messages.headIs(summary.head);
    this.#has(summary.head);
    this.#changed();
  }

  /** What is to be kept of it over reloads. @internal */
  kept(entriesMax: number, charsMax: number): ConversationPiece {
    const window = this.messages.kept(entriesMax, charsMax);
    return {
      target: this.target,
      facts: this.#facts,
      pos: this.#order.pos,
      asOf: this.#asOf,
      unread: this.#unread,
      mentions: this.#mentions,
      lastMessage: this.#newest(),
      marks: [...this.#marks.all.values()],
      window,
    };
  }

  /** Takes what was kept of it. @internal */
  restore(piece: ConversationPiece): void {
    this.#place = "conversations";
    this.#facts = piece.facts;
    this.#order = { pos: piece.pos, bump: 0 };
    this.#asOf = piece.asOf;
    this.#unread = piece.unread;
    this.#mentions = piece.mentions;
    this.#lastMessage = piece.lastMessage;
    this.#marks.take(piece.marks);
    if (piece.window !== null) this.messages.reset(piece.window);
    this.#changed();
  }

  /** It moved while the client was away. @internal */
  hasMoved(line: Moved): void {
    if (this.#place === null) this.#needs.unknown();
    this.#counted(line.head, line.unread, null, line.watermarks);
    this.#order = { pos: Math.max(line.pos, this.#order.pos), bump: this.#order.bump };
    this.messages.headIs(line.head);
    this.#changed();
  }

  /** @internal */
  receipt(kind: "delivered" | "read", userId: string, seq: number): void {
    if (kind === "read" && userId === this.#needs.connection.userId) this.#ownRead(seq);
    this.#marks.take([{ userId, delivered: seq, read: kind === "read" ? seq : 0 }]);
    this.#recipients.mark(kind, userId, seq);
    this.#changed();
  }

  /** @internal */
  receiptCounts(counts: readonly ReceiptCounts[]): void {
    this.#recipients.count(counts);
    this.#changed();
  }

  /** The client has caught up: marks may have moved meanwhile. @internal */
  live(): void {
    this.#recipients.again();
  }

  /** @internal */
  hearTyping(userId: string, isTyping: boolean): void {
    const expires = this.#needs.connection.ready?.limits.typingExpiresMs ?? TYPING_EXPIRES_MS;
    this.#typingIn.hear(userId, isTyping, expires);
  }

  /** @internal */
  hearTypists(userIds: string[], count: number): void {
    this.#typingIn.hearCrowd(userIds, count);
  }

  /** @internal */
  configured(settings: ConversationSettings): void {
    this.#facts = factsWith(this.#facts, settings);
    this.#changed();
  }

  /** The user did something here, which is the entry of this number. @internal */
  acted(seq: number): void {
    // What is missing is read where something is held of the log; else nothing will tell of the entry.
    if (this.messages.to === 0) this.#lists.missed(seq);
    this.messages.acted(seq);
  }

  /** What waits to be sent here is another. @internal */
  waitingChanged(): void {
    this.messages.waitingChanged();
    this.#lists.waitingChanged();
  }

  /** @internal */
  sent(item: OutboxItem, sent: Sent): void {
    this.#place = "conversations";
    this.messages.sent(item, sent);
  }

  /** The user does not want to see a message, or does again. Tells whether it is among its messages. @internal */
  hide(messageId: string, hidden: boolean): boolean {
    for (const timeline of [this.messages, ...this.#pasts]) timeline.hide(messageId, hidden);
    return this.messages.message(messageId) !== null;
  }

  /** What is known of the log is no good any more. @internal */
  reset(): void {
    for (const timeline of [this.messages, ...this.#pasts]) timeline.reset();
    this.#lists.reset();
    this.#recipients.reset();
    this.#place = null;
    this.#asOf = -1;
    this.#lastMessage = null;
    this.#marks.clear();
    this.#order = { pos: 0, bump: 0 };
    this.#delivered = 0;
    this.#typingIn.clear();
    this.#changed();
  }

  /** The connection is gone: who types is not known. @internal */
  lost(): void {
    this.#typingIn.clear();
    this.#typingOut.sent();
  }

  /** @internal */
  close(): void {
    this.lost();
    for (const timeline of [this.messages, ...this.#pasts]) timeline.close();
    this.#lists.close();
    this.#recipients.close();
  }

  get #head(): number {
    return Math.max(this.messages.head, this.#asOf, 0);
  }

  get #readTo(): number {
    return this.#marks.readBy(this.#needs.connection.userId);
  }

  /** So many were unread when the log went up to `head`, and the members were there. */
  #counted(head: number, unread: number, mentioned: number | null, marks: readonly Watermarks[]): void {
    const me = this.#needs.connection.userId;
    const before = this.#readTo;
    this.#marks.take(marks);
    const since = this.#others(head);
    if (since === null) this.#needs.unknown();
    this.#asOf = Math.max(this.#asOf, head);
    this.#unread = unread + (since?.length ?? 0);
    if (mentioned !== null)
      this.#mentions = mentioned + (since ?? []).filter((message) => mentions(message, me)).length;
    // The server may not know yet what was read here.
    const told = marks.find(({ userId }) => userId === me)?.read ?? 0;
    if (before > told) this.#recount();
  }

  /** What others have said behind this number; `null` if not all of that is known. */
  #others(seq: number): Message[] | null {
    const me = this.#needs.connection.userId;
    return this.messages.after(seq)?.filter((entry): entry is Message => isMessage(entry) && entry.from !== me) ?? null;
  }

  #recount(): void {
    const me = this.#needs.connection.userId;
    // What was counted and is not here cannot be told apart: the list will say.
    const isHere = this.messages.to >= this.#asOf;
    const unread = this.#readTo >= this.#head ? [] : isHere ? this.#others(this.#readTo) : null;
    if (unread === null) {
      this.#needs.unknown();
      return;
    }
    this.#unread = unread.length;
    this.#mentions = unread.filter((message) => !message.deleted && mentions(message, me)).length;
  }

  #ownRead(seq: number): void {
    const me = this.#needs.connection.userId;
    if (me === null || seq <= this.#readTo) return;
    this.#marks.take([{ userId: me, delivered: seq, read: seq }]);
    this.#recount();
    this.#changed();
  }

  /** This device has everything up to here. */
  #has(seq: number): void {
    const { id } = this;
    if (id === null || seq <= this.#delivered) return;
    this.#delivered = seq;
    this.#needs.receipts.delivered(id, seq);
  }

  /** Entries are seen for the first time. */
  #news(entries: AnyEntry[]): void {
    const me = this.#needs.connection.userId;
    for (const past of this.#pasts) past.hear(entries);
    this.#lists.hear(entries);
    this.#needs.seen(entries);
    for (const entry of entries) {
      const isNew = entry.seq > this.#asOf;
      // Between what was counted and this there are entries that nobody has counted.
      if (isNew && entry.seq > this.#asOf + 1) this.#needs.unknown();
      if (isMessage(entry)) this.#said(entry, me, isNew);
      else if (isNew) this.#happened(entry, me);
      if (isNew) {
        this.#asOf = entry.seq;
        this.#order = { pos: Math.max(entry.pos, this.#order.pos), bump: entry.pos === 0 ? this.#order.bump + 1 : 0 };
      }
    }
    if (this.#place === null) this.#needs.unknown();
    this.#place ??= "conversations";
    this.#changed();
  }

  #said(message: Message, me: string | null, isNew: boolean): void {
    if (message.seq >= (this.#lastMessage?.seq ?? 0)) this.#lastMessage = message;
    if (message.from === me) {
      const { clientId, id, conversationId, seq, ts } = message;
      if (clientId !== undefined) {
        this.#needs.outbox().isInLog(clientId, { status: "sent", id, conversationId, seq, ts });
      }
      return;
    }
    this.#typingIn.said(message.from);
    this.#needs.clock.wasAt(message.ts);
    this.#has(message.seq);
    if (!isNew || message.seq <= this.#readTo) return;
    this.#unread += 1;
    if (mentions(message, me)) this.#mentions += 1;
  }

  #happened(entry: Entry, me: string | null): void {
    this.#facts = factsAfter(this.#facts, entry, me);
    if (bringsIn(entry, me)) this.#needs.unknown();
    if (entry.kind !== "message_deleted") return;
    // What was deleted mentions nobody, though it stays unread.
    const message = this.messages.message(entry.messageId);
    const wasCounted = message !== null && message.from !== me && message.seq > this.#readTo;
    if (wasCounted && mentions(message, me)) this.#mentions = Math.max(0, this.#mentions - 1);
  }

  /** Takes what this client has done as the entry that others hear. */
  #done(
    answer: MessageChanged,
    deed: { kind: Entry["kind"]; messageId: string; content?: Json; emoji?: string },
  ): void {
    const { id, seq, ts, conversationId } = answer;
    const by = this.#needs.connection.userId;
    if (id === undefined || seq === undefined || ts === undefined || by === null) return;
    this.messages.take({ ...deed, id, seq, ts, conversationId, by, pos: 0 } as Entry);
    this.#changed();
  }

  /** The last message as it is now. */
  #newest(): Message | null {
    const last = this.#lastMessage;
    if (last === null) return null;
    const newest = this.messages.message(last.id) ?? last;
    const hasEnded = newest.expiresAt !== undefined && newest.expiresAt <= this.#needs.clock.now();
    return hasEnded && !newest.expired && !newest.deleted ? emptied(newest, "expired") : newest;
  }

  #show(): ConversationView {
    const { name, members, role, timerSeconds, settings } = this.#facts;
    const newest = this.#newest();
    return {
      conversation: this,
      id: this.id,
      target: this.target,
      name: name ?? ("groupId" in this.target ? this.target.groupId : this.target.toUserId),
      members: members ?? null,
      role: role ?? null,
      unread: this.#unread,
      mentions: this.#mentions,
      lastMessage: newest === null ? null : logged(newest),
      watermarks: this.#marks.all,
      timerSeconds: timerSeconds ?? null,
      settings: settings ?? {},
    };
  }

  #changed(): void {
    this.#view.changed();
    this.#needs.moved(this);
  }
}
