// Below a message: how much its thread holds, or that it is in one. Opens the thread.
import type { LoggedMessage } from "@parlor/client";
import { MessagesSquare } from "lucide-react";
import { createContext, type ReactNode, useContext } from "react";
import { useText } from "../../i18n/text.js";
import { useChat } from "../chat.js";
import css from "./thread-link.module.css";

/** Whether messages stand in a thread's panel, where they need not say that they are in it. */
export const InThread = createContext(false);

export function ThreadLink({ message }: { message: LoggedMessage }): ReactNode {
  const { acts } = useChat();
  const text = useText();
  const isInside = useContext(InThread);
  const { threadCount = 0, thread, id } = message;
  if (isInside || (threadCount === 0 && thread === undefined)) return null;
  return (
    <button type="button" className={css.link} tabIndex={-1} onClick={() => acts.openThread(thread ?? id)}>
      <MessagesSquare aria-hidden="true" />
      {thread === undefined ? text.conversation.replies(threadCount) : text.conversation.inThread}
    </button>
  );
}
