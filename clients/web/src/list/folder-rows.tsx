// Lines of the list that lead to others: what is archived, and who wants to write for the first time.
import { Archive, ChevronRight, MessageSquareDot } from "lucide-react";
import type { ReactNode } from "react";
import { hrefOf } from "../app/route.js";
import { useText } from "../i18n/text.js";
import { Badge } from "../ui/badge.js";
import css from "./folder-rows.module.css";
import type { RowPlace } from "./list-entry.js";
import { listState } from "./list-state.js";

export function ArchiveRow({ count, unread, place }: { count: number; unread: number; place: RowPlace }): ReactNode {
  const { list } = useText();
  return (
    <button type="button" className={css.row} onClick={() => listState.set({ isArchiveOpen: true })} {...place}>
      <span className={css.icon}>
        <Archive aria-hidden="true" />
      </span>
      <span className={css.name}>{list.archive}</span>
      {unread > 0 ? (
        <Badge count={unread} label={list.unreadConversations(unread)} isQuiet />
      ) : (
        <span className={css.count}>{list.count(count)}</span>
      )}
      <ChevronRight className={css.chevron} aria-hidden="true" />
    </button>
  );
}

export function RequestsRow({ count, place }: { count: number; place: RowPlace }): ReactNode {
  const { list } = useText();
  return (
    <a className={css.row} href={hrefOf({ name: "requests" })} {...place}>
      <span className={css.icon}>
        <MessageSquareDot aria-hidden="true" />
      </span>
      <span className={css.name}>{list.requests}</span>
      <Badge count={count} label={list.requestCount(count)} />
      <ChevronRight className={css.chevron} aria-hidden="true" />
    </a>
  );
}
