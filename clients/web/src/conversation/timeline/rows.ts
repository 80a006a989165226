// The rows of the timeline: its messages, and lines of what happened between them, where things of one sort are one
// line. Each says how it stands among others: whether a day begins with it, whether it begins or ends what its author
// said in one go, and whether the unread ones begin with it.
//
// One pass over the items, cheap enough for each change of very many: a row that says the same of the same items stays
// the same object, so that only what changed is drawn again. A line has the key of the last thing that it says, so
// that it stays the same row when older things become part of it.
import type { ChatMessage, Happening, TimelineItem } from "@parlor/client";
import { isShown, sortOf } from "../happened/sorts.js";
import { isLogged } from "./loaded.js";

interface Placed {
  readonly key: string;
  /** Its number in the log, of a line that of the last thing; `null` for what waits to be sent. */
  readonly seq: number | null;
  readonly ts: number;
  readonly beginsDay: boolean;
  readonly beginsUnread: boolean;
}

/** A message. */
export interface SaidRow extends Placed {
  readonly kind: "said";
  readonly message: ChatMessage;
  readonly beginsGroup: boolean;
  readonly endsGroup: boolean;
}

/** A line: what happened, of one sort. */
export interface HappenedRow extends Placed {
  readonly kind: "happened";
  readonly happenings: readonly Happening[];
}

export type Row = SaidRow | HappenedRow;

/** What one says within this time stands together. */
const GROUP_GAP_MS = 5 * 60_000;

/** When the local day of a time begins and ends. */
export function dayOf(ts: number): { readonly from: number; readonly to: number } {
  const date = new Date(ts);
  const from = new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  const to = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1).getTime();
  return { from, to };
}

/** The key with which the unread messages of others begin, or the lines right before them; `null` for none. */
export function firstUnread(items: readonly TimelineItem[], me: string | null, readTo: number | null): string | null {
  if (readTo === null) return null;
  // From the end, since what is unread is there.
  let found: string | null = null;
  let isBefore = false;
  for (let at = items.length - 1; at >= 0; at -= 1) {
    const item = items[at];
    if (item === undefined || !isLogged(item)) continue;
    if (item.seq <= readTo) break;
    if (item.state === "sent") isBefore = item.from !== me;
    if (isBefore && isShown(item)) found = item.key;
  }
  return found;
}

/** Makes the rows of one timeline, and reuses them. */
export class Rows {
  #said = new WeakMap<ChatMessage, SaidRow>();
  #happened = new WeakMap<Happening, HappenedRow>();

  /** `unread` is the key of what the unread ones begin with. */
  of(items: readonly TimelineItem[], unread: string | null): Row[] {
    const shown = items.filter(isShown);
    const rows: Row[] = [];
    let day = { from: 0, to: Number.NEGATIVE_INFINITY };
    let endsGroup = true;
    let line: Happening[] = [];
    // Backwards: whether a message ends a group is known by the one behind it.
    for (let at = shown.length - 1; at >= 0; at -= 1) {
      const item = shown[at];
      if (item === undefined) continue;
      const before = shown[at - 1];
      if (item.ts < day.from || item.ts >= day.to) day = dayOf(item.ts);
      const beginsDay = before === undefined || before.ts < day.from || before.ts >= day.to;
      const beginsUnread = item.key === unread;
      const isFirst = beginsDay || beginsUnread || before === undefined;
      if (item.state === "happened") {
        line.push(item);
        endsGroup = true;
        if (!isFirst && before.state === "happened" && sortOf(before) === sortOf(item)) continue;
        rows.push(this.#line(line.reverse(), beginsDay, beginsUnread));
        line = [];
      } else {
        const beginsGroup =
          isFirst || before.state === "happened" || before.from !== item.from || item.ts - before.ts > GROUP_GAP_MS;
        rows.push(this.#message(item, beginsDay, beginsGroup, endsGroup, beginsUnread));
        endsGroup = beginsGroup;
      }
    }
    return rows.reverse();
  }

  #message(
    message: ChatMessage,
    beginsDay: boolean,
    beginsGroup: boolean,
    endsGroup: boolean,
    beginsUnread: boolean,
  ): SaidRow {
    const known = this.#said.get(message);
    if (
      known !== undefined &&
      known.beginsDay === beginsDay &&
      known.beginsGroup === beginsGroup &&
      known.endsGroup === endsGroup &&
      known.beginsUnread === beginsUnread
    ) {
      return known;
    }
    const { key, ts } = message;
    const seq = message.state === "sent" ? message.seq : null;
    const row: SaidRow = { kind: "said", key, seq, ts, message, beginsDay, beginsGroup, endsGroup, beginsUnread };
    this.#said.set(message, row);
    return row;
  }

  /** `happenings` are one at least. */
  #line(happenings: readonly Happening[], beginsDay: boolean, beginsUnread: boolean): HappenedRow {
    const last = happenings.at(-1);
    if (last === undefined) throw new Error("a line says something");
    const known = this.#happened.get(last);
    if (
      known !== undefined &&
      known.beginsDay === beginsDay &&
      known.beginsUnread === beginsUnread &&
      known.happenings.length === happenings.length &&
      known.happenings.every((happening, index) => happening === happenings[index])
    ) {
      return known;
    }
    const { key, seq, ts } = last;
    const row: HappenedRow = { kind: "happened", key, seq, ts, happenings, beginsDay, beginsUnread };
    this.#happened.set(last, row);
    return row;
  }
}
