// A message in a panel: who said it, when, and how it goes. Leads to its place in the conversation.
import type { Message } from "@parlor/client";
import type { ReactNode } from "react";
import { hrefOf } from "../../app/route.js";
import { useLanguage, useText } from "../../i18n/text.js";
import { PersonAvatar, PersonName } from "../../people/person.js";
import { ownTextOf, textOf } from "../content.js";
import { PlainText } from "../format/plain-text.js";
import { briefTimeOf } from "../times.js";
import css from "./panels.module.css";

const SHOWN_CHARACTERS = 400;

export interface PanelMessageProps {
  readonly message: Message;
  /** The key of its conversation. */
  readonly conversationKey: string;
}

export function PanelMessage({ message, conversationKey }: PanelMessageProps): ReactNode {
  const language = useLanguage();
  return (
    <a className={css.message} href={hrefOf({ name: "conversation", key: conversationKey, seq: message.seq })}>
      <PersonAvatar userId={message.from} size="sm" />
      <span className={css.body}>
        <span className={css.line}>
          <b>
            <PersonName userId={message.from} />
          </b>
          <time dateTime={new Date(message.ts).toISOString()}>{briefTimeOf(language, message.ts)}</time>
        </span>
        <Highlighted message={message} />
      </span>
    </a>
  );
}

/** The text, with what was searched for marked. */
function Highlighted({ message }: { message: Message }): ReactNode {
  const text = useText();
  if (message.deleted || message.expired) {
    return <span className={css.text}>{message.deleted ? text.conversation.deleted : text.conversation.expired}</span>;
  }
  if (message.highlights === undefined) {
    return (
      <span className={css.text} dir="auto">
        <PlainText message={message} charactersMax={SHOWN_CHARACTERS} />
      </span>
    );
  }
  const said = ownTextOf(message.content) ?? textOf(message.content);
  return (
    <span className={css.text} dir="auto">
      {piecesOf(said, message.highlights).map(({ from, piece, isMarked }) =>
        isMarked ? <mark key={from}>{piece}</mark> : piece,
      )}
    </span>
  );
}

interface Piece {
  readonly from: number;
  readonly piece: string;
  readonly isMarked: boolean;
}

/** A text in pieces by its highlights, beginning near the first of them. */
export function piecesOf(text: string, highlights: readonly (readonly [number, number])[]): Piece[] {
  const first = highlights[0]?.[0] ?? 0;
  const start = first > SHOWN_CHARACTERS / 2 ? first - SHOWN_CHARACTERS / 4 : 0;
  const end = Math.min(text.length, start + SHOWN_CHARACTERS);
  const pieces: Piece[] = [];
  let at = start;
  for (const [offset, length] of highlights) {
    if (offset < at || offset + length > end) continue;
    if (offset > at) pieces.push({ from: at, piece: text.slice(at, offset), isMarked: false });
    pieces.push({ from: offset, piece: text.slice(offset, offset + length), isMarked: true });
    at = offset + length;
  }
  if (at < end) pieces.push({ from: at, piece: text.slice(at, end), isMarked: false });
  return pieces;
}
