// What a message says: its text with formatting, folded if it is long; large emoji; or what this client does not know.
import type { ChatMessage } from "@parlor/client";
import { Ban, Braces, TimerOff } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useText } from "../../i18n/text.js";
import { foldOf, ownTextOf } from "../content.js";
import { FormattedText } from "../format/formatted-text.js";
import css from "./message-content.module.css";

const UNKNOWN_CHARACTERS_MAX = 2_000;

/** Why there is nothing to read in it; `null` if there is. */
export function emptiness(message: ChatMessage): "deleted" | "expired" | null {
  if (message.state !== "sent") return null;
  return message.deleted ? "deleted" : message.expired ? "expired" : null;
}

export function MessageContent({ message, me }: { message: ChatMessage; me: string | null }): ReactNode {
  const text = useText();
  const nothing = emptiness(message);
  if (nothing !== null) {
    const isModerated = message.state === "sent" && message.moderated;
    return (
      <span className={css.gone}>
        {nothing === "deleted" ? <Ban aria-hidden="true" /> : <TimerOff aria-hidden="true" />}
        {isModerated ? text.conversation.moderated : text.conversation[nothing]}
      </span>
    );
  }
  const own = ownTextOf(message.content);
  if (own === null) return <Unknown content={message.content} />;
  const mentions = message.state === "sent" ? message.mentions : message.options.mentions;
  return <Folding text={own} mentions={mentions} me={me} />;
}

function Folding({
  text,
  mentions,
  me,
}: {
  text: string;
  mentions?: readonly string[] | undefined;
  me: string | null;
}): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const words = useText();
  const folded = isOpen ? null : foldOf(text);
  return (
    <>
      <FormattedText text={folded === null ? text : `${folded}…`} mentions={mentions} me={me} />
      {folded !== null && (
        <button type="button" className={css.more} tabIndex={-1} onClick={() => setOpen(true)}>
          {words.conversation.readMore}
        </button>
      )}
    </>
  );
}

function Unknown({ content }: { content: unknown }): ReactNode {
  const text = useText();
  return (
    <details className={css.unknown}>
      <summary>
        <Braces aria-hidden="true" />
        {text.conversation.unknownContent}
      </summary>
      <pre dir="ltr">{JSON.stringify(content, null, 2).slice(0, UNKNOWN_CHARACTERS_MAX)}</pre>
    </details>
  );
}
