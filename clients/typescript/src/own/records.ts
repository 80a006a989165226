// Records of the user's own that the server keeps, such as contacts: read once somebody looks, kept true by the
// news of them, and changed at once by the user.
//
// Each record has a time, and of two news of one the later holds, in whatever order they come: so news and pages
// that cross each other need no second reading. What the user wishes is laid over it until the server has answered.
import { RefusedError } from "../errors.js";
import { Derived, type Observable, reportError } from "../observable.js";
import type { PageState } from "../paged.js";
import type { Question } from "../reads.js";

/** A record as it was at a time; `null` once there is none. @internal */
export interface Line<T> {
  readonly at: number;
  readonly value: T | null;
}

/** A page of records, and where the next one begins. @internal */
export interface RecordsPage<T> {
  readonly lines: readonly (readonly [string, Line<T>])[];
  readonly cursor: string | null;
}

/** Where records come from, and how they are shown. @internal */
export interface RecordsSource<T, View> {
  /** The command that reads them. */
  readonly question: Question;
  readonly page: (cursor: string | null, signal: AbortSignal) => Promise<RecordsPage<T>>;
  /** Whether all pages are read at once. */
  readonly isWhole: boolean;
  /** Those that changed last come first. */
  readonly show: (values: T[], state: PageState) => View;
  /** There is something to keep over reloads, or what is kept is not true any more. */
  readonly changed: (records: Records<T, View>) => void;
  /** Whether the client has caught up: before, not all news are told. */
  readonly isLive: () => boolean;
}

/** A change that the user wishes. @internal */
export type Wish<T> = readonly [id: string, value: T | null];

/** A list of the user's own records, the same on all devices. */
export class Records<T, View> implements Observable<View> {
  readonly #source: RecordsSource<T, View>;
  readonly #view: Derived<View>;
  /** As the server has them, those that are gone included. */
  #lines = new Map<string, Line<T>>();
  /** What was heard since the first page is being read. */
  #meanwhile: Map<string, Line<T>> | null = null;
  #wishes: Wish<T>[] = [];
  #cursor: string | null = null;
  #wasRead = false;
  /** How often it has become clear that what was read is not true. */
  #turn = 0;
  #reading: Promise<void> | null = null;
  #error: PageState["error"] = null;
  #life = new AbortController();

  /** @internal */
  constructor(source: RecordsSource<T, View>) {
    this.#source = source;
    this.#view = new Derived(
      () => this.#show(),
      (isWatched) => {
        if (isWatched) this.wake();
      },
    );
  }

  readonly get = (): View => this.#view.get();

  /** Reads it as well, if that was not done yet. */
  readonly subscribe = (listener: () => void): (() => void) => this.#view.subscribe(listener);

  /** Reads the next page, or tries again what failed. Resolves when that is there, or there is none. */
  readonly loadMore = (): Promise<void> => {
    this.#reading ??= this.#read().then(() => {
      this.#reading = null;
      this.changed();
    });
    this.#view.changed();
    return this.#reading;
  };

  /** The command that reads it. @internal */
  get question(): Question {
    return this.#source.question;
  }

  /** Whether it was read, as far as it goes. @internal */
  protected get wasRead(): boolean {
    return this.#wasRead;
  }

  /** What is kept of it over reloads goes by this name. @internal */
  get key(): string {
    return `own:${this.question}`;
  }

  /** What is to be kept of it over reloads. @internal */
  kept(): object | null {
    return this.#wasRead && this.#cursor === null ? { lines: [...this.#lines].filter(([, { value }]) => value) } : null;
  }

  /** Takes what was kept of it. @internal */
  restore(piece: object): void {
    this.#lines = new Map((piece as { lines: [string, Line<T>][] }).lines);
    this.#wasRead = true;
    this.#view.changed();
  }

  /** A record is this since then. @internal */
  hear(id: string, at: number, value: T | null): void {
    this.#put(id, { at, value });
    this.changed();
  }

  /** Does to a record that is there what happened to it. @internal */
  alter(id: string, act: (value: T) => T): void {
    const line = this.#lines.get(id);
    if (line?.value) this.hear(id, line.at, act(line.value));
  }

  /** What was read may not be true any more: it is read anew, now or when somebody looks. @internal */
  stale(): void {
    this.#turn += 1;
    this.#wasRead = false;
    this.wake();
  }

  /** Reads it if somebody looks, and the client has caught up. @internal */
  wake(): void {
    if (this.#view.isWatched && !this.#wasRead && this.#source.isLive()) void this.loadMore();
  }

  /** Takes the newest page once more, for records of which not all was told. @internal */
  async renew(): Promise<void> {
    await this.#reading;
    if (!this.#wasRead) return;
    await this.#guarded(async () => {
      const page = await this.#source.page(null, this.#life.signal);
      for (const [id, line] of page.lines) this.#put(id, line);
    });
    this.changed();
  }

  /** @internal */
  close(): void {
    this.#life.abort(new Error("closed"));
  }

  /** It shows something else. @internal */
  protected changed(): void {
    this.#view.changed();
    this.#source.changed(this);
  }

  /** Shows changes at once, and takes them back if `ask` rejects, whose error it then rejects with. @internal */
  protected async wish(wishes: Wish<T>[], ask: () => Promise<unknown>): Promise<void> {
    this.#wishes.push(...wishes);
    this.#view.changed();
    try {
      await ask();
    } finally {
      this.#wishes = this.#wishes.filter((wish) => !wishes.includes(wish));
      this.#view.changed();
    }
  }

  #put(id: string, line: Line<T>): void {
    for (const lines of [this.#lines, this.#meanwhile]) {
      if (lines !== null && (lines.get(id)?.at ?? 0) <= line.at) lines.set(id, line);
    }
  }

  async #read(): Promise<void> {
    const { page, isWhole } = this.#source;
    if (this.#wasRead && this.#cursor === null) return;
    await this.#guarded(async () => {
      for (;;) {
        const turn = this.#turn;
        const isFirst = !this.#wasRead;
        if (isFirst) this.#meanwhile = new Map();
        let cursor = isFirst ? null : this.#cursor;
        const read: RecordsPage<T>["lines"][number][] = [];
        do {
          const next = await page(cursor, this.#life.signal);
          read.push(...next.lines);
          cursor = next.cursor;
        } while (isWhole && cursor !== null);
        if (turn !== this.#turn) continue;
        if (this.#meanwhile !== null) this.#lines = this.#meanwhile;
        this.#meanwhile = null;
        for (const [id, line] of read) this.#put(id, line);
        this.#cursor = cursor;
        this.#wasRead = true;
        return;
      }
    });
  }

  async #guarded(act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.#error = null;
    } catch (error) {
      if (error instanceof RefusedError) this.#error = error;
      else if (!this.#life.signal.aborted) reportError(error);
    }
  }

  #show(): View {
    const lines = new Map(this.#lines);
    for (const [id, value] of this.#wishes) lines.set(id, { at: Number.POSITIVE_INFINITY, value });
    const found = [...lines.values()].sort((a, b) => (a.at === b.at ? 0 : b.at - a.at));
    return this.#source.show(
      found.map(({ value }) => value).filter((value) => value !== null),
      {
        hasMore: this.#cursor !== null || !this.#wasRead,
        isLoading: this.#reading !== null || !(this.#wasRead || this.#error),
        error: this.#error,
      },
    );
  }
}
