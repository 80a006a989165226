// What the parts of an open conversation share: which it is, who looks at it, and what can be done about its messages.
import type { ChatMessage, Conversation, LoggedMessage } from "@parlor/client";
import { createContext, useContext } from "react";
import type { Box } from "../ui/place.js";

/** What can be done about a message. Each is the same function for as long as the conversation is open. */
export interface Acts {
  readonly reply: (message: LoggedMessage) => void;
  readonly edit: (message: LoggedMessage) => void;
  /** Adds the user's reaction, or takes it back. */
  readonly react: (message: LoggedMessage, emoji: string) => void;
  readonly openMenu: (message: ChatMessage, at: Box) => void;
  readonly openPicker: (message: LoggedMessage, at: Box) => void;
  readonly copy: (messages: readonly ChatMessage[]) => void;
  readonly forward: (messages: readonly LoggedMessage[]) => void;
  readonly star: (message: LoggedMessage) => void;
  readonly pin: (message: LoggedMessage) => void;
  readonly openThread: (messageId: string) => void;
  readonly openReceipts: (message: LoggedMessage) => void;
  /** Begins to select, or selects one more, or one less. */
  readonly select: (message: ChatMessage) => void;
  readonly report: (message: LoggedMessage) => void;
  readonly remove: (messages: readonly LoggedMessage[]) => void;
  /** Shows a message, wherever in the log it is. */
  readonly jumpTo: (seq: number) => void;
  readonly retry: (clientId: string) => void;
  readonly discard: (clientId: string) => void;
}

/** What the parts share. */
export interface Chat {
  readonly conversation: Conversation;
  readonly me: string | null;
  readonly isGroup: boolean;
  readonly acts: Acts;
}

export const ChatContext = createContext<Chat | null>(null);

/** The conversation that is open. */
export function useChat(): Chat {
  const chat = useContext(ChatContext);
  if (chat === null) throw new Error("no conversation is open here");
  return chat;
}
