// A conversation's messages: what scrolls, the way to the end, and who hears of new ones without seeing them.
import type { ChatMessage } from "@parlor/client";
import { useConversation } from "@parlor/react";
import { ArrowDown, Bookmark, Hand } from "lucide-react";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useText } from "../../i18n/text.js";
import { Badge } from "../../ui/badge.js";
import { IconButton } from "../../ui/button.js";
import { EmptyState } from "../../ui/empty-state.js";
import { Loading } from "../../ui/wait.js";
import { useChat } from "../chat.js";
import { Announcer } from "./announcer.js";
import { useReading } from "./reading.js";
import { type Row, Rows } from "./rows.js";
import { Scroller, type ScrollerHandle } from "./scroller.js";
import css from "./timeline.module.css";
import type { PlaceView, Seen } from "./use-place.js";
import { useUnread } from "./use-unread.js";

export interface TimelineProps {
  readonly place: PlaceView;
  readonly selection: ReadonlySet<string> | null;
}

export function Timeline({ place, selection }: TimelineProps): ReactNode {
  const { conversation, me } = useChat();
  const { key, view, hasNewer, isPast, loadOlder, loadNewer, jump, isJumping, toEnd, keep } = place;
  const { messages, items, hasOlder, isLoading, error } = view;
  const text = useText();
  const unread = useUnread(conversation, view);
  const maker = useMemo(() => new Rows(), []);
  const rows = useMemo(() => maker.of(items, unread.first), [maker, items, unread.first]);
  // What was read may have nothing to show.
  const isBlank = rows.length === 0 && hasOlder && !isLoading && error === null;
  useEffect(() => {
    if (isBlank) void loadOlder();
  }, [isBlank, loadOlder]);
  const scroller = useRef<ScrollerHandle>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const read = useReading(conversation);
  const onSeen = useCallback(
    (row: Row, isEnd: boolean, first: Seen | null) => {
      setAtEnd(isEnd);
      read(row);
      keep(first);
    },
    [read, keep],
  );
  const goToEnd = useCallback(() => {
    toEnd();
    scroller.current?.toEnd("smooth");
  }, [toEnd]);
  // Who says something wants to see it.
  const newest = messages.at(-1);
  const said = useRef<ChatMessage | null>(newest ?? null);
  const { clear } = unread;
  useEffect(() => {
    const before = said.current;
    said.current = newest ?? null;
    if (newest === undefined || before === null || newest.key === before.key || newest.from !== me) return;
    clear();
    scroller.current?.toEnd();
  }, [newest, clear, me]);

  const isReady = isPast || unread.isKnown || error !== null;
  return (
    <div className={css.timeline} data-busy={isJumping}>
      {rows.length === 0 && !hasOlder && !isLoading ? (
        <Nothing />
      ) : rows.length === 0 && error === null ? (
        <Loading />
      ) : isReady ? (
        <Scroller
          key={key}
          ref={scroller}
          label={text.conversation.messages}
          rows={rows}
          hasOlder={hasOlder}
          hasNewer={hasNewer}
          isLoading={isLoading || isJumping}
          error={error}
          loadOlder={loadOlder}
          loadNewer={loadNewer}
          jump={jump}
          selection={selection}
          onSeen={onSeen}
        />
      ) : (
        <Loading />
      )}
      {(!isAtEnd || isPast) && rows.length > 0 && <ToEnd onGo={goToEnd} />}
      <Announcer newest={isPast ? null : (rows.at(-1) ?? null)} me={me} />
    </div>
  );
}

function ToEnd({ onGo }: { onGo: () => void }): ReactNode {
  const { conversation } = useChat();
  const { unread } = useConversation(conversation);
  const text = useText();
  return (
    <div className={css.toEnd}>
      <IconButton label={text.conversation.toEnd} icon={<ArrowDown />} onClick={onGo} />
      {unread > 0 && (
        <span className={css.count}>
          <Badge count={unread} label={text.list.unread(unread)} />
        </span>
      )}
    </div>
  );
}

function Nothing(): ReactNode {
  const { conversation, me } = useChat();
  const { target } = conversation;
  const isWithSelf = "toUserId" in target && target.toUserId === me;
  const text = useText();
  return (
    <div className={css.nothing}>
      <EmptyState
        icon={isWithSelf ? <Bookmark /> : <Hand />}
        title={isWithSelf ? text.conversation.notesToSelf : text.conversation.noMessages}
        hint={isWithSelf ? text.conversation.noNotesHint : text.conversation.noMessagesHint}
      />
    </div>
  );
}
