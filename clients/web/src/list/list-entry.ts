// A line of the list: a conversation, or a folder of them.
import type { ConversationView } from "@parlor/client";

export type ListEntry =
  | { readonly kind: "conversation"; readonly view: ConversationView }
  | { readonly kind: "requests"; readonly count: number }
  | { readonly kind: "archive"; readonly count: number; readonly unread: number };

/** One text for each line; a conversation's is its own key. */
export function keyOf(entry: ListEntry): string {
  return entry.kind === "conversation" ? entry.view.conversation.key : entry.kind;
}

/** How a line takes part in moving with keys. */
export interface RowPlace {
  readonly "data-index": number;
  readonly tabIndex: number;
  readonly onFocus: () => void;
}
