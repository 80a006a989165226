// What was begun and not sent, as text.
import type { Conversation } from "@parlor/client";
import { useObservable } from "@parlor/react";
import { ownTextOf } from "./content.js";

/** What is begun in a conversation, here or on another device; empty where nothing is. */
export function useDraftText({ draft }: Conversation): string {
  return ownTextOf(useObservable(draft).content) ?? "";
}
