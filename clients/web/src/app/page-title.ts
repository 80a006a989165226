// The tab's title and sign: where one is, and how much is unread.
import type { ConversationView } from "@parlor/client";
import { useObservable, useParlor } from "@parlor/react";
import { useEffect } from "react";
import { useLanguage, useText } from "../i18n/text.js";
import { isMuted } from "../list/arrange.js";
import { usePerson } from "../people/profiles.js";
import type { Route } from "./route.js";

/** Unread messages, as the user wants to be told of them: of what is muted, mentions alone. */
export function unreadOf(conversations: readonly ConversationView[], now: number): number {
  let unread = 0;
  for (const view of conversations) unread += isMuted(view, now) ? view.mentions : view.unread;
  return unread;
}

/** What the place is called; `null` where it has no name. */
function usePlaceName(route: Route): string | null {
  const parlor = useParlor();
  const { conversations } = useObservable(parlor.conversations);
  const { app, list } = useText();
  const key = route.name === "conversation" ? route.key : null;
  const other = key?.startsWith("user:") ? key.slice("user:".length) : null;
  const person = usePerson(other ?? parlor.userId ?? "").name;
  if (other !== null) return other === parlor.userId ? list.noteToSelf : person;
  if (key !== null) return conversations.find(({ conversation }) => conversation.key === key)?.name ?? null;
  if (route.name === "new" && route.kind === "group") return list.newGroup;
  return route.name in app.places ? app.places[route.name as keyof typeof app.places] : null;
}

/** Keeps the title and the sign as they should be. */
export function usePageTitle(route: Route): void {
  const parlor = useParlor();
  const { conversations } = useObservable(parlor.conversations);
  const language = useLanguage();
  const unread = unreadOf(conversations, Date.now());
  const place = usePlaceName(route);
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
