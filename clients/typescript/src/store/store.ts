// Where an outbox is kept, who may empty it, and how those who share it hear of each other.
import type { Json, Position, Sent } from "../protocol/types.js";
import type { Target } from "../target.js";

/** What goes with a message. */
export interface SendOptions {
  /** The `id` of a message of the same conversation that this one answers. */
  readonly replyTo?: string;
  /** The `id` of the message in whose thread this one is. */
  readonly thread?: string;
  /** The `id` of the message of which this is a copy. */
  readonly forwardOf?: string;
  /** User ids, members of the group, and `"@all"`. In groups only. */
  readonly mentions?: readonly string[];
}

/** A message that waits to be sent. */
export interface OutboxItem {
  /** The idempotency key, and what identifies the item. */
  readonly clientId: string;
  /** Whose outbox it is in: the server and the user. */
  readonly owner: string;
  /** Items of one owner are sent in this order; the store gives it. */
  readonly order: number;
  readonly target: Target;
  readonly content: Json;
  readonly options: SendOptions;
  /** When it was written, in milliseconds since 1970. */
  readonly createdAt: number;
  /** Why it was refused for good, if it was: it then waits for `retry` or `discard`. */
  readonly failure: { readonly code: string; readonly error: string } | null;
}

/** What those who share an outbox tell each other. */
export type OutboxNews =
  | { readonly kind: "changed"; readonly owner: string }
  | {
      readonly kind: "sent";
      readonly owner: string;
      readonly clientId: string;
      readonly target: Target;
      readonly sent: Sent;
    }
  | { readonly kind: "discarded"; readonly owner: string; readonly clientId: string };

/** How far the log is that a cache shows. */
export interface CachedPosition extends Position {
  /** The form of the pieces. */
  readonly form: number;
}

/** What is to be kept in a cache, in one step. */
export interface CacheChanges {
  readonly position: CachedPosition;
  /** By key; `null` takes a piece away. */
  readonly pieces: ReadonlyMap<string, object | null>;
  /** Whether these are all pieces, and others that were kept go. */
  readonly isAll: boolean;
}

/**
 * Keeps outboxes. Give your own where there is no IndexedDB: what `add` and `put` have resolved must be there
 * after a restart, in the order of `add`.
 */
export interface Store {
  /** Items of this owner, by `order`. */
  items(owner: string): Promise<OutboxItem[]>;
  /** Keeps a new item behind all others, and resolves to its `order`. */
  add(item: Omit<OutboxItem, "order">): Promise<number>;
  /** Replaces the item with this `order`; keeps nothing if it is gone. */
  put(item: OutboxItem): Promise<void>;
  /** Forgets the item with this `order`. */
  remove(item: OutboxItem): Promise<void>;
  /**
   * Does `work` while nobody else who shares the outbox does theirs. Waits until then, or rejects with the
   * signal's reason.
   */
  exclusive<T>(owner: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  /** Tells the others who share the outbox; it may come back to this one, and it may get lost. */
  announce(news: OutboxNews): void;
  /** Calls `listener` with what others announce, until the returned function is called. */
  subscribe(listener: (news: OutboxNews) => void): () => void;
  /**
   * The cache of this owner, which tabs share. What is kept for others is dropped. A store without the
   * three functions of the cache keeps none.
   */
  loadCache?(owner: string): Promise<{ position: CachedPosition | null; pieces: ReadonlyMap<string, unknown> }>;
  /**
   * Keeps what `decide` makes of the position that is kept, all or nothing, while nobody else who shares the
   * cache changes it. `decide` answers at once, `null` for nothing. Resolves to whether something was kept.
   */
  saveCache?(owner: string, decide: (position: CachedPosition | null) => CacheChanges | null): Promise<boolean>;
  /** Forgets all caches. */
  dropCache?(): Promise<void>;
  /** Gives up what it holds. */
  close(): void;
}
