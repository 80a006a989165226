// The list of conversations. Only rows that are seen are in the page; it is one stop of the Tab key, and arrow keys,
// Home, End and the first letters of a name move in it.
import { useConversations, useParlor } from "@parlor/react";
import { Archive, ArrowLeft, CheckCheck, MessageCirclePlus, Users } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { useErrorText } from "../app/errors.js";
import { go } from "../app/route.js";
import { useText } from "../i18n/text.js";
import { Button, IconButton } from "../ui/button.js";
import { EmptyState } from "../ui/empty-state.js";
import { rovingIndex, TypeAhead } from "../ui/roving.js";
import { SkeletonRows } from "../ui/wait.js";
import { arrange, type Filter, withOpen } from "./arrange.js";
import css from "./conversation-list.module.css";
import { ConversationRow } from "./conversation-row.js";
import { Filters } from "./filters.js";
import { ArchiveRow, RequestsRow } from "./folder-rows.js";
import { keyOf, type ListEntry } from "./list-entry.js";
import { listState, useListState } from "./list-state.js";
import { nameOf } from "./names.js";
import { useRequestCount } from "./request-count.js";
import { useNow } from "./when.js";

/** How close to the end more is read. */
const AHEAD_ROWS = 12;
/** So many are wanted whatever the filter leaves. */
const ROWS_MIN = 30;
const BUFFER_PX = 400;
const FOCUS_TRIES_MAX = 30;

/** `selected` is the key of the one that is open. */
export function ConversationList({ selected }: { selected: string | null }): ReactNode {
  const { conversations, hasMore, isLoading, error, loadMore } = useConversations();
  const { filter, isArchiveOpen } = useListState();
  const requests = useRequestCount();
  const now = useNow();
  const words = useErrorText();
  const { archived, archivedUnread, shown } = useMemo(
    () => arrange(conversations, { filter, isArchiveOpen, now }),
    [conversations, filter, isArchiveOpen, now],
  );
  const entries = useMemo((): ListEntry[] => {
    const isWhole = filter === "all" && !isArchiveOpen;
    const views = filter === "unread" && !isArchiveOpen ? withOpen(shown, conversations, selected) : shown;
    return [
      ...(isWhole && requests > 0 ? [{ kind: "requests", count: requests } as const] : []),
      ...(isWhole && archived > 0 ? [{ kind: "archive", count: archived, unread: archivedUnread } as const] : []),
      ...views.map((view) => ({ kind: "conversation", view }) as const),
    ];
  }, [shown, conversations, selected, filter, isArchiveOpen, requests, archived, archivedUnread]);

  // What the filter leaves may be little of what was read.
  const isShort = hasMore && !isLoading && error === null && entries.length < ROWS_MIN;
  useEffect(() => {
    if (isShort) void loadMore();
  }, [isShort, loadMore]);

  const isEmpty = entries.length === 0;
  return (
    <>
      {isArchiveOpen ? <ArchiveHeader /> : <Filters value={filter} onChange={(filter) => listState.set({ filter })} />}
      {isEmpty && error !== null ? (
        <EmptyState title={words(error)} />
      ) : isEmpty && (isLoading || hasMore) ? (
        <SkeletonRows />
      ) : isEmpty ? (
        <Nothing filter={filter} isArchiveOpen={isArchiveOpen} />
      ) : (
        <Rows
          entries={entries}
          selected={selected}
          now={now}
          onNearEnd={() => {
            if (hasMore && !isLoading) void loadMore();
          }}
        />
      )}
    </>
  );
}

interface RowsProps {
  readonly entries: readonly ListEntry[];
  readonly selected: string | null;
  readonly now: number;
  readonly onNearEnd: () => void;
}

function Rows({ entries, selected, now, onNearEnd }: RowsProps): ReactNode {
  const parlor = useParlor();
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useRef<VirtualizerHandle>(null);
  const typed = useMemo(() => new TypeAhead(), []);
  // Which row the Tab key comes to: the one that had the focus last, or the one that is open.
  const [last, setLast] = useState<string | null>(null);
  // Where the focus is to go: what was not in the page before takes it only once it was measured.
  const [wanted, setWanted] = useState<string | null>(null);
  const indexOf = (key: string | null) => entries.findIndex((entry) => keyOf(entry) === key);
  const known = indexOf(last);
  const current = known >= 0 ? known : Math.max(0, indexOf(selected));

  const target = indexOf(wanted);
  useEffect(() => {
    if (target < 0) return;
    let tries = 0;
    let frame = 0;
    const focus = () => {
      const row = scroller.current?.querySelector<HTMLElement>(`[data-index="${target}"]`);
      row?.focus({ preventScroll: true });
      tries += 1;
      if (document.activeElement !== row && tries < FOCUS_TRIES_MAX) frame = requestAnimationFrame(focus);
      else setWanted(null);
    };
    focus();
    return () => cancelAnimationFrame(frame);
  }, [target]);

  // What is opened from elsewhere is scrolled to.
  // biome-ignore lint/correctness/useExhaustiveDependencies: not when the list moves
  useEffect(() => {
    setLast(null);
    const at = indexOf(selected);
    if (at >= 0) virtual.current?.scrollToIndex(at, { align: "nearest" });
  }, [selected]);

  const keyed = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = target >= 0 ? target : current;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / 72) - 1);
    const paged = event.key === "PageDown" ? at + page : event.key === "PageUp" ? at - page : null;
    const next =
      paged !== null
        ? Math.min(entries.length - 1, Math.max(0, paged))
        : (rovingIndex(event.key, at, entries.length) ??
          typed.find(
            event.key,
            entries.map((entry) => (entry.kind === "conversation" ? nameOf(parlor, entry.view) : "")),
            at,
          ));
    const entry = next === null ? undefined : entries[next];
    if (next === null || entry === undefined) return;
    event.preventDefault();
    virtual.current?.scrollToIndex(next, { align: "nearest" });
    setWanted(keyOf(entry));
  };

  const scrolled = (offset: number) => {
    const { current: handle } = virtual;
    if (handle === null) return;
    if (handle.findItemIndex(offset + handle.viewportSize) >= entries.length - AHEAD_ROWS) onNearEnd();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys that its rows have not taken
    <div ref={scroller} className={css.scroller} onKeyDown={keyed}>
      <Virtualizer
        as="ul"
        ref={virtual}
        scrollRef={scroller}
        data={entries as ListEntry[]}
        bufferSize={BUFFER_PX}
        keepMounted={target >= 0 && target !== current ? [current, target] : [current]}
        onScroll={scrolled}
        item="li"
      >
        {(entry, index) => {
          const key = keyOf(entry);
          const place = {
            "data-index": index,
            tabIndex: index === current ? 0 : -1,
            onFocus: () => setLast(key),
          };
          if (entry.kind === "requests") return <RequestsRow key={key} count={entry.count} place={place} />;
          if (entry.kind === "archive") return <ArchiveRow key={key} {...entry} place={place} />;
          return <ConversationRow key={key} view={entry.view} isSelected={key === selected} now={now} place={place} />;
        }}
      </Virtualizer>
    </div>
  );
}

function ArchiveHeader(): ReactNode {
  const text = useText();
  const close = () => listState.set({ isArchiveOpen: false });
  return (
    <div className={css.archive}>
      <IconButton label={text.common.back} icon={<ArrowLeft className={css.mirrored} />} onClick={close} />
      <h2>{text.list.archive}</h2>
    </div>
  );
}

function Nothing({ filter, isArchiveOpen }: { filter: Filter; isArchiveOpen: boolean }): ReactNode {
  const { list } = useText();
  if (isArchiveOpen) return <EmptyState icon={<Archive />} title={list.archiveEmpty} hint={list.archiveEmptyHint} />;
  if (filter === "unread") return <EmptyState icon={<CheckCheck />} title={list.unreadEmpty} />;
  if (filter === "groups") {
    return (
      <EmptyState
        icon={<Users />}
        title={list.groupsEmpty}
        action={<Button onClick={() => go({ name: "new", kind: "group" })}>{list.newGroup}</Button>}
      />
    );
  }
  return (
    <EmptyState
      icon={<MessageCirclePlus />}
      title={list.empty}
      hint={list.emptyHint}
      action={
        <Button kind="primary" onClick={() => go({ name: "new", kind: "direct" })}>
          {list.newConversation}
        </Button>
      }
    />
  );
}
