// What the timeline shows of each message beside itself: whether a day begins with it, whether it begins or
// ends what its author said in one go, and whether the unread ones begin with it.
//
// One pass over the messages, cheap enough for each change of very many: a row that says the same of the
// same message stays the same object, so that only what changed is drawn again.
import type { ChatMessage } from "@parlor/client";

/** A message and how it stands among others. */
export interface Row {
  readonly message: ChatMessage;
  readonly beginsDay: boolean;
  readonly beginsGroup: boolean;
  readonly endsGroup: boolean;
  readonly beginsUnread: boolean;
}

/** What one says within this time stands together. */
const GROUP_GAP_MS = 5 * 60_000;

/** When the local day of a time begins and ends. */
export function dayOf(ts: number): { readonly from: number; readonly to: number } {
  const date = new Date(ts);
  const from = new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  const to = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1).getTime();
  return { from, to };
}

/** The number of the first unread message of somebody else; `null` for none. */
export function firstUnread(messages: readonly ChatMessage[], me: string | null, readTo: number | null): string | null {
  if (readTo === null) return null;
  // From the end, since what is unread is there.
  let found: string | null = null;
  for (let at = messages.length - 1; at >= 0; at -= 1) {
    const message = messages[at];
    if (message === undefined || message.state !== "sent") continue;
    if (message.seq <= readTo) break;
    if (message.from !== me) found = message.key;
  }
  return found;
}

/** Makes the rows of one timeline, and reuses them. */
export class Rows {
  #rows = new WeakMap<ChatMessage, Row>();

  /** `unread` is the key of the message with which the unread ones begin. */
  of(messages: readonly ChatMessage[], unread: string | null): Row[] {
    const rows: Row[] = new Array(messages.length);
    let day = { from: 0, to: Number.NEGATIVE_INFINITY };
    let endsGroup = true;
    // Backwards: whether a message ends a group is known by the one behind it.
    for (let at = messages.length - 1; at >= 0; at -= 1) {
      const message = messages[at];
      if (message === undefined) continue;
      const before = messages[at - 1];
      if (message.ts < day.from || message.ts >= day.to) day = dayOf(message.ts);
      const beginsDay = before === undefined || before.ts < day.from || before.ts >= day.to;
      const beginsUnread = message.key === unread;
      const beginsGroup =
        beginsDay ||
        beginsUnread ||
        before === undefined ||
        before.from !== message.from ||
        message.ts - before.ts > GROUP_GAP_MS;
      rows[at] = this.#row(message, beginsDay, beginsGroup, endsGroup, beginsUnread);
      endsGroup = beginsGroup;
    }
    return rows;
  }

  #row(message: ChatMessage, beginsDay: boolean, beginsGroup: boolean, endsGroup: boolean, beginsUnread: boolean): Row {
    const known = this.#rows.get(message);
    if (
      known !== undefined &&
      known.beginsDay === beginsDay &&
      known.beginsGroup === beginsGroup &&
      known.endsGroup === endsGroup &&
      known.beginsUnread === beginsUnread
    ) {
      return known;
    }
    const row = { message, beginsDay, beginsGroup, endsGroup, beginsUnread };
    this.#rows.set(message, row);
    return row;
  }
}
