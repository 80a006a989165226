// A message as an app shows it: in the log, or on its way there.
import { type RefusedError, refusal } from "../errors.js";
import type { Json, Message } from "../protocol/types.js";
import type { OutboxItem, SendOptions } from "../store/store.js";

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
