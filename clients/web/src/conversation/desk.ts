// What the user is about to do in an open conversation: answer, edit, select, or decide on a question.
import type { ChatMessage, LoggedMessage } from "@parlor/client";
import { useReducer } from "react";
import type { Box } from "../ui/place.js";

/** What is written belongs to a message. */
export type Writing =
  | { readonly kind: "reply"; readonly message: LoggedMessage }
  | { readonly kind: "edit"; readonly message: LoggedMessage };

/** What is asked of the user, one thing at a time. */
export type Asking =
  | { readonly kind: "menu"; readonly message: ChatMessage; readonly at: Box }
  | { readonly kind: "picker"; readonly message: LoggedMessage; readonly at: Box }
  | { readonly kind: "remove"; readonly messages: readonly LoggedMessage[] }
  | { readonly kind: "forward"; readonly messages: readonly LoggedMessage[] }
  | { readonly kind: "report"; readonly message: LoggedMessage }
  | { readonly kind: "date" }
  | { readonly kind: "later"; readonly content: string | null };

export interface Desk {
  readonly writing: Writing | null;
  readonly asking: Asking | null;
  /** Keys of what is selected; `null` while nothing is being selected. */
  readonly selection: ReadonlySet<string> | null;
}

export type DeskAction =
  | { readonly type: "write"; readonly writing: Writing | null }
  | { readonly type: "ask"; readonly asking: Asking | null }
  | { readonly type: "select"; readonly key: string }
  | { readonly type: "selectNothing" };

const EMPTY: Desk = { writing: null, asking: null, selection: null };

export function deskAfter(desk: Desk, action: DeskAction): Desk {
  switch (action.type) {
    case "write":
      return { ...desk, writing: action.writing };
    case "ask":
      return { ...desk, asking: action.asking };
    case "select": {
      const selection = new Set(desk.selection);
      if (!selection.delete(action.key)) selection.add(action.key);
      return { ...desk, selection: selection.size === 0 ? null : selection };
    }
    default:
      return { ...desk, selection: null };
  }
}

export function useDesk(): [Desk, (action: DeskAction) => void] {
  return useReducer(deskAfter, EMPTY);
}
