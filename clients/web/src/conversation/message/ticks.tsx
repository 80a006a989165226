// How far one of the user's own messages got, as ticks that have names.
import type { ChatMessage, Conversation, ReceiptCounts, ReceiptState } from "@parlor/client";
import { Check, CheckCheck, CircleAlert, Clock3 } from "lucide-react";
import { type ReactNode, useCallback, useSyncExternalStore } from "react";
import { useText } from "../../i18n/text.js";
import { useChat } from "../chat.js";
import css from "./ticks.module.css";

/** Renders again only when it is another state, however often marks move. */
function useReceipt(conversation: Conversation, seq: number): ReceiptState {
  const get = useCallback(() => conversation.receiptOf({ seq }), [conversation, seq]);
  return useSyncExternalStore(conversation.view.subscribe, get);
}

/** How many members of a larger group have it; `null` where that is not told. */
function useCounts(conversation: Conversation, seq: number): ReceiptCounts | null {
  const get = useCallback(() => conversation.receiptCountsOf({ seq }), [conversation, seq]);
  return useSyncExternalStore(conversation.view.subscribe, get);
}

export function Ticks({ message }: { message: ChatMessage }): ReactNode {
  const text = useText();
  if (message.state === "sending") return <Tick name={text.conversation.sending} icon={<Clock3 />} />;
  if (message.state !== "sent") {
    return <Tick name={text.conversation.failed} icon={<CircleAlert />} className={css.failed} />;
  }
  return <SentTicks seq={message.seq} />;
}

function SentTicks({ seq }: { seq: number }): ReactNode {
  const { conversation } = useChat();
  const state = useReceipt(conversation, seq);
  const counts = useCounts(conversation, seq);
  const text = useText();
  if (counts !== null && counts.delivered > 0) {
    const isRead = counts.read > 0;
    return (
      <Tick
        name={isRead ? text.conversation.readBy(counts.read) : text.conversation.deliveredTo(counts.delivered)}
        icon={<CheckCheck />}
        className={isRead ? css.read : undefined}
        count={isRead ? counts.read : counts.delivered}
      />
    );
  }
  if (state === "sent") return <Tick name={text.conversation.sent} icon={<Check />} />;
  return (
    <Tick
      name={state === "read" ? text.conversation.read : text.conversation.delivered}
      icon={<CheckCheck />}
      className={state === "read" ? css.read : undefined}
    />
  );
}

interface TickProps {
  readonly name: string;
  readonly icon: ReactNode;
  readonly className?: string | undefined;
  readonly count?: number;
}

function Tick({ name, icon, className = "", count }: TickProps): ReactNode {
  return (
    <span className={`${css.tick} ${className}`} role="img" aria-label={name} title={name}>
      {icon}
      {count !== undefined && <span>{count}</span>}
    </span>
  );
}
