// A message in its bubble: what it answers, what it says, when it was said and how far it got.
import type { ChatMessage } from "@parlor/client";
import { Forward, Pin, Timer } from "lucide-react";
import type { ReactNode } from "react";
import { useLanguage, useText } from "../../i18n/text.js";
import { PersonName } from "../../people/person.js";
import { useChat } from "../chat.js";
import { isFewEmoji, ownTextOf } from "../content.js";
import { hueStyle } from "../hue.js";
import { agoOf, fullTimeOf, timeOf } from "../times.js";
import css from "./bubble.module.css";
import { emptiness, MessageContent } from "./message-content.js";
import { Quote } from "./quote.js";
import { Ticks } from "./ticks.js";

export interface BubbleProps {
  readonly message: ChatMessage;
  /** Whether its author's name is written in it. */
  readonly isNamed: boolean;
  /** Whether it begins or ends what its author said in one go. */
  readonly begins: boolean;
  readonly ends: boolean;
}

export function Bubble({ message, isNamed, begins, ends }: BubbleProps): ReactNode {
  const { me } = useChat();
  const isMine = message.from === me;
  const own = ownTextOf(message.content);
  const isLarge = own !== null && emptiness(message) === null && isFewEmoji(own);
  return (
    <div
      className={css.bubble}
      data-mine={isMine}
      data-begins={begins}
      data-ends={ends}
      data-large={isLarge}
      data-state={message.state}
    >
      {isNamed && (
        <div className={css.author} style={hueStyle(message.from)}>
          <PersonName userId={message.from} />
        </div>
      )}
      <Heading message={message} />
      <div className={css.content}>
        <MessageContent message={message} me={me} />
        <Meta message={message} isMine={isMine} />
      </div>
    </div>
  );
}

function Heading({ message }: { message: ChatMessage }): ReactNode {
  const text = useText();
  const { conversation } = useChat();
  if (message.state !== "sent") {
    const { replyTo, forwardOf } = message.options;
    const original = conversation.messages
      .get()
      .messages.find((other) => other.state === "sent" && other.id === replyTo);
    return (
      <>
        {forwardOf !== undefined && <Forwarded label={text.conversation.forwarded} />}
        {original?.state === "sent" && (
          <Quote of={{ messageId: original.id, seq: original.seq, from: original.from }} />
        )}
      </>
    );
  }
  return (
    <>
      {message.forwarded && <Forwarded label={text.conversation.forwarded} />}
      {message.replyTo && <Quote of={message.replyTo} />}
    </>
  );
}

function Forwarded({ label }: { label: string }): ReactNode {
  return (
    <div className={css.forwarded}>
      <Forward aria-hidden="true" />
      {label}
    </div>
  );
}

function Meta({ message, isMine }: { message: ChatMessage; isMine: boolean }): ReactNode {
  const text = useText();
  const language = useLanguage();
  const sent = message.state === "sent" ? message : null;
  const ends = sent?.expiresAt !== undefined && !sent.expired && !sent.deleted ? sent.expiresAt : null;
  return (
    <span className={css.meta}>
      {sent?.pinned && <Pin className={css.sign} role="img" aria-label={text.conversation.pinned} />}
      {ends !== null && (
        <span
          role="img"
          aria-label={text.conversation.endsAt(fullTimeOf(language, ends))}
          title={fullTimeOf(language, ends)}
        >
          <Timer className={css.sign} />
        </span>
      )}
      {sent?.editedAt !== undefined && <span title={agoOf(language, sent.editedAt)}>{text.conversation.edited}</span>}
      <time dateTime={new Date(message.ts).toISOString()} title={fullTimeOf(language, message.ts)}>
        {timeOf(language, message.ts)}
      </time>
      {isMine && <Ticks message={message} />}
    </span>
  );
}
