// What a message answers, above its text: who said it and how it began. Leads to it.
import type { LoggedMessage } from "@parlor/client";
import { type ReactNode, useCallback, useSyncExternalStore } from "react";
import { useText } from "../../i18n/text.js";
import { PersonName } from "../../people/person.js";
import { useChat } from "../chat.js";
import { PlainText } from "../format/plain-text.js";
import { hueStyle } from "../hue.js";
import { messageOf } from "../timeline/loaded.js";
import css from "./quote.module.css";

const SHOWN_CHARACTERS = 200;

export interface Quoted {
  readonly messageId: string;
  readonly seq: number;
  readonly from: string;
}

export function Quote({ of }: { of: Quoted }): ReactNode {
  const { acts, me } = useChat();
  const text = useText();
  const original = useLoaded(of.messageId);
  return (
    <button
      type="button"
      className={css.quote}
      style={hueStyle(of.from)}
      tabIndex={-1}
      onClick={() => acts.jumpTo(of.seq)}
    >
      <span className={css.from}>{of.from === me ? text.common.you : <PersonName userId={of.from} />}</span>
      <QuotedText message={original} />
    </button>
  );
}

/** How a message begins, on one line. */
export function QuotedText({ message }: { message: LoggedMessage | null }): ReactNode {
  const text = useText();
  if (message === null) return <span className={css.text}>{text.conversation.showOriginal}</span>;
  if (message.deleted) return <span className={css.text}>{text.conversation.deleted}</span>;
  if (message.expired) return <span className={css.text}>{text.conversation.expired}</span>;
  return (
    <span className={css.line}>
      <bdi className={css.text}>
        <PlainText message={message} charactersMax={SHOWN_CHARACTERS} />
      </bdi>
    </span>
  );
}

/** A message if it is among those that are loaded. */
function useLoaded(messageId: string): LoggedMessage | null {
  const { messages } = useChat().conversation;
  const get = useCallback(() => messageOf(messages.get().messages, messageId), [messages, messageId]);
  return useSyncExternalStore(messages.subscribe, get);
}
