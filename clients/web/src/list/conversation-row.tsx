// One line of the list: whom with, what was said last, what is unread, and how it is set.
import type { ConversationView, Target } from "@parlor/client";
import { useObservable, useParlor, usePresence } from "@parlor/react";
import { AtSign, BellOff, Bookmark, ChevronDown, Pin } from "lucide-react";
import { memo, type ReactNode, useRef, useState } from "react";
import { hrefOf } from "../app/route.js";
import { useLanguage, useText } from "../i18n/text.js";
import { usePerson } from "../people/profiles.js";
import { Avatar } from "../ui/avatar.js";
import { Badge } from "../ui/badge.js";
import { useContextMenu } from "../ui/context-menu.js";
import { isMuted, isPinned } from "./arrange.js";
import { BlockDialog } from "./block-dialog.js";
import css from "./conversation-row.module.css";
import { LastLine } from "./last-line.js";
import type { RowPlace } from "./list-entry.js";
import { isWithSelf } from "./names.js";
import { RowMenu } from "./row-menu.js";
import { longWhen, shortWhen } from "./when.js";

export interface ConversationRowProps {
  readonly view: ConversationView;
  readonly isSelected: boolean;
  /** The time by which it says "yesterday". */
  readonly now: number;
  readonly place: RowPlace;
}

export const ConversationRow = memo(
  function ConversationRow(props: ConversationRowProps): ReactNode {
    const { target } = props.view;
    const parlor = useParlor();
    if ("groupId" in target) return <Row {...props} name={props.view.name} />;
    if (isWithSelf(parlor, target)) return <OwnRow {...props} />;
    return <DirectRow {...props} userId={target.toUserId} />;
  },
  (before, after) =>
    before.view === after.view &&
    before.isSelected === after.isSelected &&
    before.now === after.now &&
    before.place.tabIndex === after.place.tabIndex &&
    before.place["data-index"] === after.place["data-index"],
);

function OwnRow(props: ConversationRowProps): ReactNode {
  const { list } = useText();
  return <Row {...props} name={list.noteToSelf} icon={<Bookmark />} />;
}

/** The server is asked whether they are there for as long as this line is in the page. */
function DirectRow({ userId, ...props }: ConversationRowProps & { userId: string }): ReactNode {
  const { name, avatarUrl } = usePerson(userId);
  const { online } = usePresence(userId);
  return <Row {...props} name={name} avatarUrl={avatarUrl} isOnline={online === true} />;
}

interface RowProps extends ConversationRowProps {
  readonly name: string;
  readonly avatarUrl?: string | null;
  readonly isOnline?: boolean;
  readonly icon?: ReactNode;
}

function Row({ view, isSelected, now, place, name, avatarUrl = null, isOnline = false, icon }: RowProps): ReactNode {
  const { conversation, lastMessage, target } = view;
  const text = useText();
  const row = useRef<HTMLAnchorElement>(null);
  const [isBlocking, setBlocking] = useState(false);
  const menu = useContextMenu(
    text.list.actionsOf(name),
    <RowMenu view={view} onBlock={blockable(target) ? () => setBlocking(true) : null} />,
  );
  const typing = useObservable(conversation.typing);
  return (
    <div
      className={css.line}
      data-open={menu.isOpen || undefined}
      data-unread={(view.unread > 0 && !isMuted(view, now)) || undefined}
    >
      <a
        ref={row}
        className={css.row}
        href={hrefOf({ name: "conversation", key: conversation.key })}
        aria-current={isSelected ? "page" : undefined}
        aria-haspopup="menu"
        data-conversation={conversation.key}
        draggable={false}
        onContextMenu={menu.open}
        {...place}
      >
        <Avatar id={conversation.key} name={name} url={avatarUrl} isOnline={isOnline} icon={icon} />
        <span className={css.name}>
          <bdi>{name}</bdi>
          {isOnline && <span className="visually-hidden">{text.list.online}</span>}
        </span>
        {lastMessage !== null && (
          <When ts={lastMessage.ts} now={now} isUnread={view.unread > 0 && !isMuted(view, now)} />
        )}
        <span className={css.last}>
          <LastLine view={view} typing={typing} isOpen={isSelected} />
        </span>
        <Signs view={view} now={now} />
      </a>
      <button
        type="button"
        tabIndex={-1}
        className={css.more}
        aria-label={text.list.actionsOf(name)}
        onClick={() => {
          if (row.current !== null) menu.openAt(row.current);
        }}
      >
        <ChevronDown aria-hidden="true" />
      </button>
      {menu.element}
      {isBlocking && "toUserId" in target && (
        <BlockDialog userId={target.toUserId} name={name} onClose={() => setBlocking(false)} />
      )}
    </div>
  );
}

function blockable(target: Target): boolean {
  return "toUserId" in target;
}

function When({ ts, now, isUnread }: { ts: number; now: number; isUnread: boolean }): ReactNode {
  const language = useLanguage();
  return (
    <time
      className={`${css.when} ${isUnread ? css.fresh : ""}`}
      dateTime={new Date(ts).toISOString()}
      title={longWhen(ts, language)}
    >
      {shortWhen(ts, now, language)}
    </time>
  );
}

/** Small signs at the end: mentions, what is unread, and how the conversation is set. */
function Signs({ view, now }: { view: ConversationView; now: number }): ReactNode {
  const { list } = useText();
  const { unread, mentions, settings } = view;
  const muted = isMuted(view, now);
  return (
    <span className={css.signs}>
      {muted && (
        <span className={css.sign}>
          <BellOff aria-hidden="true" />
          <span className="visually-hidden">{list.isMuted}</span>
        </span>
      )}
      {isPinned(view) && (
        <span className={css.sign}>
          <Pin aria-hidden="true" />
          <span className="visually-hidden">{list.isPinned}</span>
        </span>
      )}
      {mentions > 0 && (
        <span className={css.mention}>
          <AtSign aria-hidden="true" />
          <span className="visually-hidden">{list.mentions(mentions)}</span>
        </span>
      )}
      {unread > 0 ? (
        <Badge count={unread} label={list.unread(unread)} isQuiet={muted} />
      ) : (
        settings.markedUnread && <Badge count={null} label={list.isMarkedUnread} isQuiet={muted} />
      )}
    </span>
  );
}
