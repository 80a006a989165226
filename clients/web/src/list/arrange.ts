// Which conversations the list shows, and in which order: those that are pinned first, then as they moved.
import type { ConversationView } from "@parlor/client";

export const FILTERS = ["all", "unread", "groups"] as const;
export type Filter = (typeof FILTERS)[number];

export interface Arrangement {
  readonly filter: Filter;
  /** Whether what is archived is shown, alone. */
  readonly isArchiveOpen: boolean;
  readonly now: number;
}

export interface Arranged {
  readonly shown: readonly ConversationView[];
  /** Of those that are archived: how many there are, and how many of them have something unread. */
  readonly archived: number;
  readonly archivedUnread: number;
}

type Settled = Pick<ConversationView, "settings">;

export function isMuted({ settings }: Settled, now: number): boolean {
  return (settings.mutedUntil ?? 0) > now;
}

export function isPinned({ settings }: Settled): boolean {
  return settings.pinned ?? false;
}

export function isArchived({ settings }: Settled): boolean {
  return settings.archived ?? false;
}

export function hasUnread({ unread, settings }: Pick<ConversationView, "unread" | "settings">): boolean {
  return unread > 0 || (settings.markedUnread ?? false);
}

function passes(view: ConversationView, filter: Filter): boolean {
  if (filter === "unread") return hasUnread(view);
  return filter === "all" || "groupId" in view.target;
}

/** `conversations` are in the order in which they moved. */
export function arrange(conversations: readonly ConversationView[], { filter, isArchiveOpen }: Arrangement): Arranged {
  const archived = conversations.filter(isArchived);
  const inView = isArchiveOpen ? archived : conversations.filter((view) => !isArchived(view));
  const passing = filter === "all" ? inView : inView.filter((view) => passes(view, filter));
  const pinned = passing.filter(isPinned);
  return {
    shown: pinned.length === 0 ? passing : [...pinned, ...passing.filter((view) => !isPinned(view))],
    archived: archived.length,
    archivedUnread: archived.filter(hasUnread).length,
  };
}

/** Keeps the one that is open in its place among the unread ones after it was read, until another is chosen. */
export function withOpen(
  shown: readonly ConversationView[],
  all: readonly ConversationView[],
  key: string | null,
): readonly ConversationView[] {
  if (key === null || shown.some(({ conversation }) => conversation.key === key)) return shown;
  const open = all.find(({ conversation }) => conversation.key === key);
  if (open === undefined || isArchived(open)) return shown;
  const behind = new Set(all.slice(all.indexOf(open) + 1));
  const at = shown.findIndex((view) => !isPinned(view) && behind.has(view));
  return at < 0 ? [...shown, open] : [...shown.slice(0, at), open, ...shown.slice(at)];
}
