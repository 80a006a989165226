// A list that is read page by page once somebody looks, and kept as it is now by what is heard of it.
import { type ParlorError, RefusedError } from "./errors.js";
import { Derived, type Observable, reportError } from "./observable.js";

/** How often a page is read that changes while it is read. */
const TRIES_MAX = 3;

/** How far a list is read. */
export interface PageState {
  /** Whether `loadMore` will find more. */
  readonly hasMore: boolean;
  /** Whether it is being read, or was not yet. */
  readonly isLoading: boolean;
  /** Why the last reading failed. */
  readonly error: ParlorError | null;
}

/** A page, and where the next one begins. @internal */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly cursor: string | null;
}

/** A list that is read in pages. */
export class Paged<Item, View> implements Observable<View> {
  #ask: (cursor: string | null, signal: AbortSignal) => Promise<Page<Item>>;
  #idOf: (item: Item) => string;
  #view: Derived<View>;
  #items: readonly Item[] = [];
  #cursor: string | null = null;
  #wasRead = false;
  /** Whether something was heard that the page under way may not have. */
  #isTouched = false;
  #reading: Promise<void> | null = null;
  #error: ParlorError | null = null;
  #life = new AbortController();
  #isClosed = false;
  #readAt = 0;

  /** @internal */
  constructor(
    ask: (cursor: string | null, signal: AbortSignal) => Promise<Page<Item>>,
    idOf: (item: Item) => string,
    show: (items: readonly Item[], state: PageState) => View,
    /** Who begins to look later than this after it was read has it read again. */
    freshMs = Number.POSITIVE_INFINITY,
  ) {
    this.#ask = ask;
    this.#idOf = idOf;
    this.#view = new Derived(
      () =>
        show(this.#items, {
          hasMore: this.#cursor !== null || !this.#wasRead,
          isLoading: this.#reading !== null || !(this.#wasRead || this.#error),
          error: this.#error,
        }),
      (isWatched) => {
        if (isWatched && this.#wasRead && performance.now() - this.#readAt > freshMs) void this.reload();
        else if (!this.#wasRead && isWatched) void this.loadMore();
        else if (!this.#wasRead) this.#stop();
      },
    );
  }

  /** Whether somebody looks. @internal */
  get isWatched(): boolean {
    return this.#view.isWatched;
  }

  readonly get = (): View => this.#view.get();

  /** Reads the first page as well, if none was read yet. */
  readonly subscribe = (listener: () => void): (() => void) => this.#view.subscribe(listener);

  /** Reads the next page. Resolves when it is there, or there is none. */
  readonly loadMore = (): Promise<void> => {
    if (this.#reading !== null) return this.#reading;
    const reading = this.#read(this.#life.signal).then(() => {
      // Another may have taken its place since.
      if (this.#reading === reading) this.#reading = null;
      this.#view.changed();
    });
    this.#reading = reading;
    this.#view.changed();
    return reading;
  };

  /** These are the items, all of them. @internal */
  know(items: readonly Item[]): void {
    this.#wasRead = true;
    this.#readAt = performance.now();
    this.#cursor = null;
    this.#items = items;
    this.#isTouched = true;
    this.#view.changed();
  }

  /** Does to the items what was heard of them. @internal */
  change(act: (items: readonly Item[]) => readonly Item[]): void {
    if (!this.#wasRead && this.#reading === null) return;
    this.#isTouched = true;
    this.#items = act(this.#items);
    this.#view.changed();
  }

  /** What it holds may be wrong: it is read from the beginning, now or when somebody looks. @internal */
  async reload(): Promise<void> {
    this.#isTouched = true;
    await this.#reading;
    this.#wasRead = false;
    if (this.#view.isWatched) await this.loadMore();
  }

  /** @internal */
  close(): void {
    this.#isClosed = true;
    this.#life.abort(new Error("closed"));
  }

  /** Nobody looks any more at what is being read for the first time: it is not asked for, if it was not yet. */
  #stop(): void {
    if (this.#isClosed) return;
    this.#life.abort(new Error("nobody looks"));
    this.#life = new AbortController();
    this.#reading = null;
  }

  async #read(signal: AbortSignal): Promise<void> {
    if (this.#wasRead && this.#cursor === null) return;
    try {
      let page: Page<Item>;
      let tries = 0;
      do {
        this.#isTouched = false;
        page = await this.#ask(this.#wasRead ? this.#cursor : null, signal);
        tries += 1;
        if (signal.aborted) return;
      } while (this.#isTouched && tries < TRIES_MAX);
      const known = new Map((this.#wasRead ? this.#items : []).map((item) => [this.#idOf(item), item]));
      for (const item of page.items) known.set(this.#idOf(item), item);
      this.#items = [...known.values()];
      this.#cursor = page.cursor;
      this.#wasRead = true;
      this.#readAt = performance.now();
      this.#error = null;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof RefusedError) this.#error = error;
      else reportError(error);
    }
  }
}
