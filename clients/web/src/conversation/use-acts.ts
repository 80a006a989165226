// What can be done about messages, each with what has to be said when it does not succeed.
import type { ChatMessage, Conversation, LoggedMessage } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { useMemo, useRef } from "react";
import { useAttempt } from "../app/errors.js";
import { go, type Panel } from "../app/route.js";
import { useText } from "../i18n/text.js";
import { showToast } from "../ui/toast.js";
import type { Acts } from "./chat.js";
import { textOf } from "./content.js";
import type { DeskAction } from "./desk.js";

/** What a message is copied as: its text; with others, who said it before each. */
export function copyOf(messages: readonly ChatMessage[]): string {
  const only = messages.length === 1 ? messages[0] : undefined;
  if (only !== undefined) return textOf(only.content);
  return messages.map((message) => `${message.from}: ${textOf(message.content)}`).join("\n");
}

export interface ActsNeeds {
  readonly conversation: Conversation;
  readonly dispatch: (action: DeskAction) => void;
  readonly jumpTo: (seq: number) => void;
}

/** The same functions for as long as the conversation is open. */
export function useActs({ conversation, dispatch, jumpTo }: ActsNeeds): Acts {
  const parlor = useParlor();
  const attempt = useAttempt();
  const text = useText();
  const now = useRef({ attempt, text, jumpTo });
  now.current = { attempt, text, jumpTo };
  return useMemo(() => {
    const show = (panel: Panel) => go({ name: "conversation", key: conversation.key, panel });
    const done = (said: string) => showToast({ text: said });
    const react = (message: LoggedMessage, emoji: string) => {
      const isMine = message.reactions?.some((reaction) => reaction.emoji === emoji && reaction.mine) ?? false;
      void now.current.attempt(() =>
        isMine ? conversation.unreact(message.id, emoji) : conversation.react(message.id, emoji),
      );
    };
    const copy = async (messages: readonly ChatMessage[]) => {
      const isDone = await now.current.attempt(() => navigator.clipboard.writeText(copyOf(messages)));
      if (isDone) done(now.current.text.conversation.copied);
    };
    const star = async ({ id: messageId }: LoggedMessage) => {
      if (await now.current.attempt(() => parlor.starred.star(messageId))) done(now.current.text.conversation.starred);
    };
    return {
      reply: (message) => dispatch({ type: "write", writing: { kind: "reply", message } }),
      edit: (message) => dispatch({ type: "write", writing: { kind: "edit", message } }),
      react,
      openMenu: (message, at) => dispatch({ type: "ask", asking: { kind: "menu", message, at } }),
      openPicker: (message, at) => dispatch({ type: "ask", asking: { kind: "picker", message, at } }),
      copy: (messages) => void copy(messages),
      forward: (messages) => dispatch({ type: "ask", asking: { kind: "forward", messages } }),
      star: (message) => void star(message),
      pin: ({ id, pinned }) => void now.current.attempt(() => (pinned ? conversation.unpin(id) : conversation.pin(id))),
      openThread: (messageId) => show({ name: "thread", messageId }),
      openReceipts: ({ id: messageId }) => show({ name: "receipts", messageId }),
      select: ({ key }) => dispatch({ type: "select", key }),
      report: (message) => dispatch({ type: "ask", asking: { kind: "report", message } }),
      remove: (messages) => dispatch({ type: "ask", asking: { kind: "remove", messages } }),
      jumpTo: (seq) => now.current.jumpTo(seq),
      retry: (clientId) => void now.current.attempt(() => conversation.retry(clientId)),
      discard: (clientId) => void now.current.attempt(() => conversation.discard(clientId)),
    };
  }, [conversation, dispatch, parlor]);
}
