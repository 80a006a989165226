// The tab's title and sign: where one is, and how much is unread.
import type { ConversationView } from "@parlor/client";
import { useObservable, useParlor } from "@parlor/react";
import { useEffect } from "react";
import { useLanguage, useText } from "../i18n/text.js";
import { isMuted } from "../list/arrange.js";
import { nameOf } from "../list/names.js";
import type { Route } from "./route.js";

/** Unread messages, as the user wants to be told of them: of what is muted, mentions alone. */
export function unreadOf(conversations: readonly ConversationView[], now: number): number {
  let unread = 0;
  for (const view of conversations) unread += isMuted(view, now) ? view.mentions : view.unread;
  return unread;
}

/** Keeps the title and the sign as they should be. */
export function usePageTitle(route: Route): void {
  const parlor = useParlor();
  const { conversations } = useObservable(parlor.conversations);
  const text = useText();
  const language = useLanguage();
  const unread = unreadOf(conversations, Date.now());
  const open =
    route.name === "conversation"
      ? conversations.find(({ conversation }) => conversation.key === route.key)
      : undefined;
  const place =
    (open && nameOf(parlor, open)) ??
    (route.name in text.app.places ? text.app.places[route.name as "settings"] : null);
  const name = place === null ? "Parlor" : `${place} · Parlor`;
  const title = unread > 0 ? `(${new Intl.NumberFormat(language).format(unread)}) ${name}` : name;
  useEffect(() => {
    document.title = title;
  }, [title]);
  const isUnread = unread > 0;
  useEffect(() => {
    const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (icon !== null) icon.href = isUnread ? "/icon-unread.svg" : "/icon.svg";
  }, [isUnread]);
}
