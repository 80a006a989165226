// The user's own records: what the server keeps for one user alone, the same on all devices.
import type { Connection } from "../connection.js";
import { Emitter } from "../emitter.js";
import type { Commands, Message } from "../protocol/types.js";
import type { Reads } from "../reads.js";
import { BlockedRecords, ContactRecords } from "./contacts.js";
import { Drafts } from "./drafts.js";
import { echoOf, OWN_EVENTS, type OwnEvents } from "./news.js";
import { PrivacyRecords } from "./privacy.js";
import { StarredRecords } from "./starred.js";

/** What records ask of the rest. */
export interface OwnNeeds {
  readonly reads: Reads;
  readonly news: Emitter<OwnEvents>;
  readonly me: () => string | null;
  /** What time it is at the server. */
  readonly now: () => number;
  readonly isLive: () => boolean;
  /** Calls `listener` whenever the client has caught up. */
  readonly live: (listener: () => void) => void;
  readonly command: <C extends keyof Commands>(
    command: C,
    payload: Commands[C]["payload"],
  ) => Promise<Commands[C]["answer"]>;
  /** A message that is at hand, by its id. */
  readonly find: (messageId: string) => Message | null;
  /** There is something to keep over reloads. */
  readonly changed: (records: OwnRecords) => void;
}

/** What all of them have in common. */
export interface OwnRecords {
  readonly key: string;
  kept(entriesMax: number, charsMax: number): object | null;
  restore(piece: object): void;
}

/** All of them. */
export class Own {
  /** What is heard of them, and what this client has done to them. */
  readonly news = new Emitter<OwnEvents>();
  readonly contacts: ContactRecords;
  readonly blocked: BlockedRecords;
  readonly privacy: PrivacyRecords;
  readonly starred: StarredRecords;
  readonly drafts: Drafts;

  constructor(connection: Connection, given: Pick<OwnNeeds, "reads" | "now" | "command" | "find" | "changed">) {
    const needs: OwnNeeds = {
      ...given,
      news: this.news,
      me: () => connection.userId,
      isLive: () => connection.isLive,
      live: (listener) => connection.events.on("live", listener),
    };
    this.contacts = new ContactRecords(needs);
    this.blocked = new BlockedRecords(needs);
    this.privacy = new PrivacyRecords(needs);
    this.starred = new StarredRecords(needs);
    this.drafts = new Drafts(needs);
    needs.live(() => {
      for (const records of this.#all) records.wake();
    });
    for (const name of OWN_EVENTS) connection.events.on(name, (event) => this.news.emit(name, event as never));
  }

  /** Those of which something is kept over reloads. */
  get kept(): readonly OwnRecords[] {
    return [this.contacts, this.blocked, this.privacy, this.drafts];
  }

  /** Takes what was kept under a key; `false` if it is none of theirs. */
  restore(key: string, piece: object): boolean {
    const found = this.kept.find((records) => records.key === key);
    found?.restore(piece);
    return found !== undefined;
  }

  /** A command was answered. */
  answered<C extends keyof Commands>(command: C, payload: Commands[C]["payload"], answer: Commands[C]["answer"]): void {
    const echo = echoOf(command, payload, answer);
    if (echo !== null) this.news.emit(echo[0], echo[1] as never);
  }

  /** What these commands read, or all, may not be true any more. */
  stale(questions: readonly string[] | null): void {
    for (const records of this.#all) if (questions?.includes(records.question) ?? true) records.stale();
  }

  /** Whom the user blocks, all of them. */
  blocks(userIds: readonly string[]): void {
    const before = [...this.blocked.get().userIds].map((userId) => [userId, false] as const);
    const now = userIds.map((userId) => [userId, true] as const);
    for (const [userId, blocked] of new Map([...before, ...now])) this.news.emit("blocked", { userId, blocked });
  }

  close(): void {
    for (const records of this.#all) records.close();
  }

  get #all() {
    return [this.contacts, this.blocked, this.privacy, this.drafts, this.starred];
  }
}
