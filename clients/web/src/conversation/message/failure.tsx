// Below a message that was refused: why, and what can be done about it.
import type { WaitingMessage } from "@parlor/client";
import type { ReactNode } from "react";
import { useErrorText } from "../../app/errors.js";
import { useText } from "../../i18n/text.js";
import { useChat } from "../chat.js";
import css from "./failure.module.css";

export function Failure({ message }: { message: WaitingMessage }): ReactNode {
  const { acts } = useChat();
  const text = useText();
  const words = useErrorText();
  return (
    <div className={css.failure}>
      <span>{message.error === null ? text.conversation.failed : words(message.error)}</span>
      <button type="button" onClick={() => acts.retry(message.clientId)}>
        {text.common.tryAgain}
      </button>
      <button type="button" onClick={() => acts.discard(message.clientId)}>
        {text.conversation.discard}
      </button>
    </div>
  );
}
