// The reactions to a message, below its bubble: pressing one adds the user's own, or takes it back.
import type { LoggedMessage } from "@parlor/client";
import type { ReactNode } from "react";
import { useLanguage, useText } from "../../i18n/text.js";
import { useChat } from "../chat.js";
import css from "./reactions.module.css";

export function Reactions({ message }: { message: LoggedMessage }): ReactNode {
  const { acts } = useChat();
  const text = useText();
  const numbers = new Intl.NumberFormat(useLanguage());
  return (
    <div className={css.reactions}>
      {message.reactions?.map(({ emoji, count, mine }) => (
        <button
          key={emoji}
          type="button"
          className={css.reaction}
          tabIndex={-1}
          aria-pressed={mine}
          aria-label={text.conversation.reactions(emoji, count)}
          onClick={() => acts.react(message, emoji)}
        >
          <bdi className={css.emoji}>{emoji}</bdi>
          {count > 1 && <span>{numbers.format(count)}</span>}
        </button>
      ))}
    </div>
  );
}
