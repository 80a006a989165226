// What a client remembers over reloads: the newest conversations, the end of each one's log, and the
// position from which the next connection resumes.
//
// What is kept is always what was there at its position, or later: all that came up to a position is kept
// in one step with it. So whoever resumes from it misses nothing, and deletions that were made meanwhile
// come with the rest. Tabs share one cache: who is not as far as it writes nothing, and who cannot say that
// all that changed since what is kept is among its changes writes everything.
import { sleep } from "./backoff.js";
import type { Conversation } from "./conversation.js";
import { leaving } from "./leaving.js";
import { reportError } from "./observable.js";
import type { OwnRecords } from "./own/own.js";
import type { Position } from "./protocol/types.js";
import type { CacheChanges, CachedPosition, Store } from "./store/store.js";

/** The form of what is kept. Another form is not read. */
const FORM = 2;
const CONVERSATIONS_MAX = 50;
const ENTRIES_MAX = 100;
/** Characters of the entries of one conversation, about. */
const CHARS_MAX = 200_000;
/** At most so much of the time is spent on keeping: the first change is kept at once, those that follow together. */
const SHARE = 1 / 10;
const PAUSE_MIN_MS = 50;
const PAUSE_MAX_MS = 1_000;
/** A store that does not answer holds up a connection for so long. */
const PATIENCE_MS = 3_000;

/** What the cache asks of the rest. */
export interface CacheNeeds {
  /** Whether the server has said anything yet: then what is kept is out of date. */
  readonly hasHeard: () => boolean;
  readonly position: () => Position | null;
  /** Those that are listed, the last that moved first. */
  readonly listed: () => Conversation[];
  /** What else is kept. */
  readonly own: () => readonly OwnRecords[];
  readonly restore: (pieces: ReadonlyMap<string, object>, position: Position) => void;
}

/** A store that keeps caches. */
export type CacheStore = Required<Pick<Store, "loadCache" | "saveCache" | "dropCache">>;

type Kept = Awaited<ReturnType<CacheStore["loadCache"]>>;

/** One user's cache on one device. */
export class Cache {
  #store: CacheStore;
  #owner: string;
  #needs: CacheNeeds;
  #changed = new Set<Conversation | OwnRecords>();
  /** What changed since here is among the changes; `null` when only everything will do. */
  #since: Position | null = null;
  #keys = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** When it may be kept again. */
  #nextAt = 0;
  #isOver = false;
  #reading: Promise<Kept | null> | null = null;
  readonly #stopListening: () => void;

  constructor(store: CacheStore, owner: string, needs: CacheNeeds) {
    this.#store = store;
    this.#owner = owner;
    this.#needs = needs;
    this.#stopListening = leaving(() => this.#save());
  }

  /**
   * Reads what was kept, before a connection that is to go on from there. Resolves also if there is nothing, the
   * store fails, or takes too long: what it has is taken before the next connection then, unless there was one.
   */
  async load(): Promise<void> {
    if (!this.#mayTake()) {
      this.#reading = null;
      return;
    }
    this.#reading ??= this.#store.loadCache(this.#owner).catch((error: unknown) => {
      reportError(error);
      return null;
    });
    const patience = new AbortController();
    const late = sleep(PATIENCE_MS, patience.signal).catch(() => {});
    const kept = await Promise.race([this.#reading, late]);
    patience.abort();
    if (!kept) return;
    // Not held on to.
    this.#reading = null;
    this.#take(kept);
  }

  #mayTake(): boolean {
    return !this.#isOver && !this.#needs.hasHeard() && this.#needs.position() === null;
  }

  #take({ position, pieces }: Kept): void {
    if (!this.#mayTake() || position?.form !== FORM) return;
    this.#keys = new Set(pieces.keys());
    const { epoch, pos } = position;
    this.#since = { epoch, pos };
    this.#needs.restore(pieces as ReadonlyMap<string, object>, { epoch, pos });
  }

  /** There is something new of what is kept. */
  changed(thing: Conversation | OwnRecords): void {
    this.#changed.add(thing);
    this.#soon();
  }

  /** What is kept is no good any more. */
  reset(): void {
    this.#since = null;
    this.#soon();
  }

  /** Keeps what is there, and ends. */
  close(): void {
    this.#save();
    this.#end();
  }

  /** Forgets everything, and ends. */
  async drop(): Promise<void> {
    this.#end();
    await this.#store.dropCache();
  }

  #end(): void {
    this.#isOver = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#stopListening();
  }

  #soon(): void {
    if (this.#isOver) return;
    this.#timer ??= setTimeout(() => this.#save(), Math.max(0, this.#nextAt - performance.now()));
  }

  #save(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#isOver || this.#needs.position() === null) return;
    const begun = performance.now();
    // Until it is known how long it takes.
    this.#nextAt = begun + PAUSE_MAX_MS;
    this.#store
      .saveCache(this.#owner, (stored) => this.#changes(stored))
      .then((isSaved) => {
        const now = performance.now();
        const pause = Math.min(Math.max((now - begun) / SHARE, PAUSE_MIN_MS), PAUSE_MAX_MS);
        this.#nextAt = now + (isSaved ? pause : PAUSE_MAX_MS);
        if (this.#timer === null) return;
        clearTimeout(this.#timer);
        this.#timer = null;
        this.#soon();
      })
      .catch((error: unknown) => {
        // It may be full, or gone. What was kept before stays good.
        this.#end();
        reportError(error);
      });
  }

  #changes(stored: CachedPosition | null): CacheChanges | null {
    const position = this.#needs.position();
    if (position === null) return null;
    const isOfThisLife = stored?.form === FORM && stored.epoch === position.epoch;
    if (isOfThisLife && stored.pos > position.pos) {
      // Another tab is further. What changed here is written once this one is as far.
      this.#soon();
      return null;
    }
    const since = this.#since?.epoch === position.epoch ? this.#since.pos : Number.POSITIVE_INFINITY;
    const isAll = !isOfThisLife || stored.pos < since;
    const listed = this.#needs.listed().slice(0, CONVERSATIONS_MAX);
    const pieces = new Map<string, object | null>();
    const things = [...listed, ...this.#needs.own()];
    const keys = new Set(things.map(({ key }) => key));
    for (const key of isAll ? [] : this.#keys) if (!keys.has(key)) pieces.set(key, null);
    for (const thing of things) {
      if (isAll || this.#changed.has(thing)) pieces.set(thing.key, thing.kept(ENTRIES_MAX, CHARS_MAX));
    }
    this.#changed.clear();
    this.#keys = keys;
    this.#since = position;
    return { position: { ...position, form: FORM }, pieces, isAll };
  }
}
