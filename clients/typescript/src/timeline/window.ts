// The piece of a conversation's log that a client holds: without a hole from its first number to its last.
//
// What arrives ahead of a hole waits beside it until the hole is filled, so what is in the window only ever
// grows at its ends, and is first seen in the order of the log. What comes twice changes nothing.
import type { AnyEntry, HistoryPage, Message } from "../protocol/types.js";
import { aboutOf, after, emptied, isMessage, isShown } from "./effects.js";

interface Item {
  entry: AnyEntry;
  /** Up to which number all that was done to the message is in it. */
  asOf: number;
}

/** What is kept of a window. */
export interface WindowPiece {
  readonly from: number;
  readonly to: number;
  readonly head: number;
  readonly isAtStart: boolean;
  readonly items: readonly { readonly entry: AnyEntry; readonly asOf: number }[];
}

/** The window. Knows no connection, no clock and no view. */
export class Window {
  /** The first number it speaks for; one more than `to` while it is empty. */
  #from: number | null = null;
  #to = 0;
  #head = 0;
  #isAtStart = false;
  #items = new Map<number, Item>();
  #ahead = new Map<number, Item>();
  #places = new Map<string, number>();
  #order: number[] = [];
  /** Messages that end. */
  #ending = new Set<number>();
  #hidden = new Set<string>();
  #me: () => string | null;

  /** `me` tells who looks at it. */
  constructor(me: () => string | null) {
    this.#me = me;
  }

  /** Its newest entries, to be kept: as many as fit, without what its user does not want to see. `null` if it has none. */
  kept(entriesMax: number, charsMax: number): WindowPiece | null {
    if (this.#from === null) return null;
    const items: Item[] = [];
    let [room, from] = [charsMax, this.#from];
    for (const item of [...this.#items.values()].sort((a, b) => b.entry.seq - a.entry.seq)) {
      room -= JSON.stringify(item.entry).length;
      if (items.length >= entriesMax || room < 0) {
        from = item.entry.seq + 1;
        break;
      }
      if (!this.#hidden.has(item.entry.id)) items.push(item);
    }
    return { from, to: this.#to, head: this.#head, isAtStart: from === this.#from && this.#isAtStart, items };
  }

  /** Takes what was kept of a window, while it is empty. */
  restore({ from, to, head, isAtStart, items }: WindowPiece): void {
    this.#from = from;
    this.#to = to;
    this.#head = Math.max(head, to);
    this.#isAtStart = isAtStart;
    for (const { entry, asOf } of items) this.#put(entry, asOf);
  }

  /** Whether it speaks for anything yet. */
  get isPlaced(): boolean {
    return this.#from !== null;
  }

  get from(): number {
    return this.#from ?? 0;
  }

  /** The last number that it speaks for. */
  get to(): number {
    return this.#to;
  }

  /** The newest number of the log that was heard of. */
  get head(): number {
    return this.#head;
  }

  /** Whether there is nothing before it. */
  get isAtStart(): boolean {
    return this.#isAtStart || this.#from === 1;
  }

  /** How many numbers are missing between its end and the newest that was heard of. */
  get missing(): number {
    return this.isPlaced ? this.#head - this.#to : 0;
  }

  get size(): number {
    return this.#items.size;
  }

  /** What it has to show, oldest first: its messages, and what is about none. */
  shown(): AnyEntry[] {
    const found: AnyEntry[] = [];
    for (const seq of this.#order) {
      const entry = this.#items.get(seq)?.entry;
      if (entry !== undefined && !this.#hidden.has(entry.id)) found.push(entry);
    }
    return found;
  }

  /** What it has behind this number, in order; `null` if it does not speak for all of that. */
  after(seq: number): AnyEntry[] | null {
    if (seq >= this.#to) return [];
    if (!this.covers(seq + 1)) return null;
    const behind = [...this.#items.values()].filter(({ entry }) => entry.seq > seq);
    return behind.map(({ entry }) => entry).sort((a, b) => a.seq - b.seq);
  }

  message(id: string): Message | null {
    const entry = this.#items.get(this.#places.get(id) ?? 0)?.entry;
    return entry !== undefined && isMessage(entry) ? entry : null;
  }

  /** Whether it has, or knows that there is not, an entry of that number. */
  covers(seq: number): boolean {
    return this.#from !== null && seq >= this.#from && seq <= this.#to;
  }

  /** There is something up to this number. */
  headIs(seq: number): void {
    this.#head = Math.max(this.#head, seq);
  }

  /** Takes an entry that was pushed. Gives those that are seen by that for the first time, in order. */
  push(entry: AnyEntry): AnyEntry[] {
    const { seq } = entry;
    this.headIs(seq);
    if (this.#from === null) {
      this.#from = seq;
      this.#to = seq - 1;
    }
    if (seq < this.#from - 1 || this.#items.has(seq)) return [];
    if (seq <= this.#to) {
      this.#from = Math.min(this.#from, seq);
      this.#put(entry, seq);
      this.#affectSince(seq);
      return [entry];
    }
    this.#ahead.set(seq, { entry, asOf: seq });
    return this.#absorb();
  }

  /** Keeps an entry that was pushed beside an empty window, until that is placed. */
  hold(entry: AnyEntry): void {
    this.headIs(entry.seq);
    this.#ahead.set(entry.seq, { entry, asOf: entry.seq });
  }

  /** Places an empty window at what was kept beside it. Gives those that are seen by that for the first time. */
  placeAtHeld(): AnyEntry[] {
    if (this.#from !== null || this.#ahead.size === 0) return [];
    const first = [...this.#ahead.keys()].reduce((least, seq) => Math.min(least, seq));
    this.#from = first;
    this.#to = first - 1;
    return this.#absorb();
  }

  /**
   * Takes a page of history that begins where the window ends, or ends where it begins, or speaks for the
   * newest there is. Gives what is seen for the first time, in order.
   */
  page(page: HistoryPage): AnyEntry[] {
    // Servers from before `head` was told may count later deeds in; there is no telling.
    const head = (page.head as number | undefined) ?? Math.max(this.#head, page.covers?.[1] ?? 0);
    this.headIs(head);
    if (page.covers === null) {
      if (this.#from === null) {
        this.#from = this.#head + 1;
        this.#to = this.#head;
        this.#isAtStart = true;
      }
      return [];
    }
    const [first, last] = page.covers;
    const entries: AnyEntry[] = [...page.messages, ...(page.entries ?? [])];
    entries.sort((a, b) => a.seq - b.seq);
    if (this.#from !== null && last < this.#from - 1) this.#setAside();
    else if (this.#from !== null && first > this.#to + 1) this.#clear();
    const end = this.#from === null ? first - 1 : this.#to;
    this.#from = Math.min(this.#from ?? first, first);
    this.#to = Math.max(end, last);
    const news: AnyEntry[] = [];
    for (const entry of entries) {
      const known = this.#items.get(entry.seq);
      if (known === undefined) news.push(entry);
      if (known === undefined || known.asOf <= head) this.#put(entry, head);
      if (entry.seq > end) this.affect(entry);
    }
    this.#affectSince(head);
    return [...news, ...this.#absorb()];
  }

  /** Does to the message that an entry is about what it says, unless the message is of later. */
  affect(entry: AnyEntry): void {
    const item = this.#items.get(this.#places.get(aboutOf(entry) ?? "") ?? 0);
    if (item === undefined || !isMessage(item.entry) || item.asOf >= entry.seq) return;
    item.entry = after(item.entry, entry, this.#me());
    item.asOf = entry.seq;
  }

  /** There is nothing before it. */
  startReached(): void {
    this.#isAtStart = true;
  }

  /** What is missing up to this number is not there to be had. */
  skipTo(seq: number): AnyEntry[] {
    if (this.#from === null) return [];
    const aside = [...this.#ahead.values()].filter(({ entry }) => entry.seq <= seq);
    aside.sort((a, b) => a.entry.seq - b.entry.seq);
    for (const item of aside) this.#accept(item);
    this.#to = Math.max(this.#to, seq);
    return [...aside.map(({ entry }) => entry), ...this.#absorb()];
  }

  /** Its user does not want to see a message, or does again. */
  hide(messageId: string, hidden: boolean): void {
    if (hidden) this.#hidden.add(messageId);
    else this.#hidden.delete(messageId);
  }

  /** Takes the content of what has ended by now. Gives when the next one ends, or `null`. */
  expire(now: number): number | null {
    let next: number | null = null;
    for (const seq of this.#ending) {
      const item = this.#items.get(seq);
      const entry = item?.entry;
      const isOver = entry === undefined || !isMessage(entry) || entry.expired || entry.deleted;
      if (item === undefined || isOver || entry.expiresAt === undefined) this.#ending.delete(seq);
      else if (entry.expiresAt > now) next = Math.min(next ?? entry.expiresAt, entry.expiresAt);
      else item.entry = emptied(entry, "expired");
    }
    return next;
  }

  /** Forgets the oldest until so many entries are left. */
  trim(keep: number): void {
    if (this.#items.size <= keep) return;
    const seqs = [...this.#items.keys()].sort((a, b) => a - b);
    const from = seqs[seqs.length - keep];
    if (from === undefined) return;
    for (const seq of seqs.slice(0, -keep)) this.#drop(seq);
    this.#order = this.#order.filter((seq) => seq >= from);
    this.#from = from;
    this.#isAtStart = false;
  }

  /** Does what entries behind this number say, which are here already, to what has come after them. */
  #affectSince(seq: number): void {
    for (let later = seq + 1; later <= this.#to; later++) {
      const item = this.#items.get(later);
      if (item !== undefined) this.affect(item.entry);
    }
  }

  #absorb(): AnyEntry[] {
    const news: AnyEntry[] = [];
    for (const seq of this.#ahead.keys()) if (seq <= this.#to) this.#ahead.delete(seq);
    for (;;) {
      const item = this.#ahead.get(this.#to + 1);
      if (item === undefined) return news;
      this.#accept(item);
      news.push(item.entry);
    }
  }

  #accept({ entry, asOf }: Item): void {
    this.#ahead.delete(entry.seq);
    this.#to = Math.max(this.#to, entry.seq);
    this.#put(entry, asOf);
    this.affect(entry);
  }

  /** Keeps all that it has for later, and is empty. */
  #setAside(): void {
    for (const [seq, item] of this.#items) this.#ahead.set(seq, item);
    this.#clear();
  }

  #clear(): void {
    this.#items.clear();
    this.#ending.clear();
    this.#places.clear();
    this.#order = [];
    this.#from = null;
    this.#to = 0;
    this.#isAtStart = false;
  }

  #put(entry: AnyEntry, asOf: number): void {
    const isNew = !this.#items.has(entry.seq);
    this.#items.set(entry.seq, { entry, asOf });
    if (isMessage(entry)) {
      this.#places.set(entry.id, entry.seq);
      if (entry.expiresAt !== undefined) this.#ending.add(entry.seq);
    }
    if (!isNew || !isShown(entry)) return;
    const at = this.#order.findLastIndex((seq) => seq < entry.seq);
    this.#order.splice(at + 1, 0, entry.seq);
  }

  #drop(seq: number): void {
    const entry = this.#items.get(seq)?.entry;
    if (entry !== undefined) this.#places.delete(entry.id);
    this.#items.delete(seq);
  }
}
