// Finds messages among many that are loaded, by what the log numbers them with.
import type { ChatMessage, Happening, LoggedMessage, TimelineItem } from "@parlor/client";

/** Where the first message with this number or a later one is; the count of messages if there is none. */
export function indexFrom(messages: readonly ChatMessage[], seq: number): number {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const message = messages[middle];
    // What waits has no number, and stands behind all that has.
    if (message?.state === "sent" && message.seq < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The message with this number; `null` if it is not among them. */
export function messageAt(messages: readonly ChatMessage[], seq: number): LoggedMessage | null {
  const message = messages[indexFrom(messages, seq)];
  return message?.state === "sent" && message.seq === seq ? message : null;
}

/** The message with this id. Ids end with the number. */
export function messageOf(messages: readonly ChatMessage[], id: string): LoggedMessage | null {
  const seq = Number(id.slice(id.lastIndexOf(":") + 1));
  const message = Number.isSafeInteger(seq) ? messageAt(messages, seq) : null;
  return message?.id === id ? message : null;
}

/** How much there is left of what was loaded around a number once something else is: all, also what has it, or nothing. */
export function remains(
  before: readonly TimelineItem[],
  now: readonly TimelineItem[],
  seq: number,
): "all" | "some" | "none" {
  const [was, first, last] = [before.find(isLogged), now.find(isLogged), now.findLast(isLogged)];
  if (was === undefined) return "all";
  if (first === undefined || last === undefined || first.seq > seq || last.seq < seq) return "none";
  return first.seq > was.seq ? "some" : "all";
}

/** Whether the log has it, and so numbers it. */
export function isLogged(item: TimelineItem): item is LoggedMessage | Happening {
  return item.state === "sent" || item.state === "happened";
}
