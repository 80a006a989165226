// A message as an app shows it: in the log, or on its way there.
import { type RefusedError, refusal } from "../errors.js";
import type { AnyEntry, Entry, Json, Message } from "../protocol/types.js";
import type { OutboxItem, SendOptions } from "../store/store.js";
import { isMessage } from "./effects.js";

/** A message of the log, as it is now. */
export interface LoggedMessage extends Omit<Message, "pos"> {
  readonly state: "sent";
  /** The same from when it was written until it is in the log, and different for each message. */
  readonly key: string;
}

/** A message of one's own that is not known to be in the log yet. */
export interface WaitingMessage {
  /** `failed` when it was refused for good. */
  readonly state: "sending" | "failed";
  readonly key: string;
  readonly clientId: string;
  readonly from: string;
  readonly content: Json;
  /** When it was written, by the server's clock as far as that is known. */
  readonly ts: number;
  readonly options: SendOptions;
  /** Why it failed. */
  readonly error: RefusedError | null;
}

/** A message. Compare `state` to tell them apart. */
export type ChatMessage = LoggedMessage | WaitingMessage;

/** An entry of the log that is no message and is about none: who came or went, what a group is called now… */
export type Happening = Exclude<Entry, { readonly messageId: string }> & {
  readonly state: "happened";
  readonly key: string;
};

/** What a timeline shows one of. Compare `state`, and then `kind`. */
export type TimelineItem = ChatMessage | Happening;

const shown = new WeakMap<Message, LoggedMessage>();

/** The same object for the same message. */
export function logged(message: Message): LoggedMessage {
  let found = shown.get(message);
  if (found === undefined) {
    const { pos: _, ...rest } = message;
    found = { ...rest, state: "sent", key: message.clientId ?? message.id };
    shown.set(message, found);
  }
  return found;
}

const happened = new WeakMap<Entry, Happening>();

/** What there is to show of entries: each the same object for the same entry. */
export function shownOf(entries: readonly AnyEntry[]): { messages: LoggedMessage[]; items: TimelineItem[] } {
  const messages: LoggedMessage[] = [];
  const items: TimelineItem[] = [];
  for (const entry of entries) {
    if (isMessage(entry)) {
      const message = logged(entry);
      messages.push(message);
      items.push(message);
    } else {
      let found = happened.get(entry);
      if (found === undefined) {
        found = { ...entry, state: "happened", key: entry.id } as Happening;
        happened.set(entry, found);
      }
      items.push(found);
    }
  }
  return { messages, items };
}

const waited = new WeakMap<OutboxItem, WaitingMessage>();

/** The same object for the same item. */
export function waiting(item: OutboxItem, me: string): WaitingMessage {
  let found = waited.get(item);
  if (found === undefined) {
    const { clientId, content, createdAt: ts, options, failure } = item;
    const state = failure === null ? "sending" : "failed";
    found = { state, key: clientId, clientId, from: me, content, ts, options, error: failure && refusal(failure) };
    waited.set(item, found);
  }
  return found;
}
