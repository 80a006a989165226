// Finds messages among many that are loaded, by what the log numbers them with.
import type { ChatMessage, LoggedMessage } from "@parlor/client";

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

/** How much there is left of what was loaded around a message once other messages are: all, also the message, or nothing. */
export function remains(
  before: readonly ChatMessage[],
  now: readonly ChatMessage[],
  seq: number,
): "all" | "some" | "none" {
  const [was, first, last] = [before.find(isSent), now.find(isSent), now.findLast(isSent)];
  if (was === undefined) return "all";
  if (first === undefined || last === undefined || first.seq > seq || last.seq < seq) return "none";
  return first.seq > was.seq ? "some" : "all";
}

function isSent(message: ChatMessage): message is LoggedMessage {
  return message.state === "sent";
}
