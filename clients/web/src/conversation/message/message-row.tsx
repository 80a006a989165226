// One message of the timeline, with the day or the unread line that begins with it. Drawn again only when its
// row is another object.
import type { ChatMessage } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { ChevronDown, SmilePlus } from "lucide-react";
import { type MouseEvent, memo, type ReactNode } from "react";
import { useLanguage, useText } from "../../i18n/text.js";
import { personName, usePerson } from "../../people/profiles.js";
import { Avatar } from "../../ui/avatar.js";
import { IconButton } from "../../ui/button.js";
import { useChat } from "../chat.js";
import { textOf } from "../content.js";
import { namedText } from "../format/plain.js";
import { Beginning } from "../timeline/beginning.js";
import type { SaidRow } from "../timeline/rows.js";
import { fullTimeOf } from "../times.js";
import { Bubble } from "./bubble.js";
import { Failure } from "./failure.js";
import { emptiness } from "./message-content.js";
import css from "./message-row.module.css";
import { Reactions } from "./reactions.js";
import { ThreadLink } from "./thread-link.js";

export interface MessageRowProps {
  readonly row: SaidRow;
  /** Whether the Tab key stops here. */
  readonly isStop: boolean;
  /** Whether it was jumped to just now. */
  readonly isMarked: boolean;
  /** Whether it is selected; `null` while nothing is. */
  readonly isSelected: boolean | null;
}

export const MessageRow = memo(function MessageRow({ row, isStop, isMarked, isSelected }: MessageRowProps): ReactNode {
  const { message, beginsGroup, endsGroup } = row;
  const { me, isGroup, acts } = useChat();
  const language = useLanguage();
  const text = useText();
  const isMine = message.from === me;
  const isFromOther = isGroup && !isMine;
  const openMenu = (event: MouseEvent) => {
    if (event.shiftKey) return;
    event.preventDefault();
    const isByKey = event.clientX === 0 && event.clientY === 0;
    const { clientX: x, clientY: y } = event;
    acts.openMenu(
      message,
      isByKey ? event.currentTarget.getBoundingClientRect() : { left: x, right: x, top: y, bottom: y },
    );
  };
  return (
    <>
      <Beginning row={row} />
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the list of messages has the keys */}
      <article
        className={css.row}
        data-key={message.key}
        data-mine={isMine}
        data-begins={beginsGroup}
        data-marked={isMarked}
        data-selected={isSelected ?? undefined}
        data-selecting={isSelected !== null}
        tabIndex={isStop ? 0 : -1}
        aria-label={useLabel(message, isMine)}
        onContextMenu={openMenu}
        onClick={isSelected === null ? undefined : () => acts.select(message)}
      >
        {isSelected !== null && (
          <input
            type="checkbox"
            className={css.check}
            checked={isSelected}
            tabIndex={-1}
            aria-label={text.conversation.select}
            onChange={() => acts.select(message)}
            onClick={(event) => event.stopPropagation()}
          />
        )}
        {isFromOther && <span className={css.gutter} />}
        <div className={css.column}>
          <div className={css.line}>
            <Bubble message={message} isNamed={isFromOther && beginsGroup} begins={beginsGroup} ends={endsGroup} />
            {isFromOther && endsGroup && (
              <span className={css.author}>
                <AuthorPicture id={message.from} />
              </span>
            )}
            {isSelected === null && <Toolbar message={message} />}
          </div>
          {message.state === "sent" && message.reactions !== undefined && <Reactions message={message} />}
          {message.state === "sent" && <ThreadLink message={message} />}
          {message.state === "failed" && <Failure message={message} />}
        </div>
        <span className="visually-hidden">{fullTimeOf(language, message.ts)}</span>
      </article>
    </>
  );
});

/** More is not said of a message at once. */
const LABEL_CHARS = 300;

/** What is said of it to who cannot see it. */
function useLabel(message: ChatMessage, isMine: boolean): string {
  const text = useText();
  const { name } = usePerson(message.from);
  const parlor = useParlor();
  const nothing = emptiness(message);
  const mentions = message.state === "sent" ? message.mentions : message.options.mentions;
  const said = textOf(message.content).slice(0, LABEL_CHARS);
  const content =
    nothing === null ? namedText(said, mentions, (id) => personName(parlor, id)) : text.conversation[nothing];
  return text.conversation.messageOf(isMine ? text.common.you : name, content);
}

function AuthorPicture({ id }: { id: string }): ReactNode {
  const { name, avatarUrl } = usePerson(id);
  return <Avatar id={`user:${id}`} name={name} url={avatarUrl} size="sm" />;
}

/** What is done most, under the pointer. By keys all of it is in the menu, so the Tab key passes over it. */
function Toolbar({ message }: { message: ChatMessage }): ReactNode {
  const { acts } = useChat();
  const text = useText();
  const canReact = message.state === "sent" && emptiness(message) === null;
  return (
    <div className={css.tools}>
      {canReact && (
        <IconButton
          tabIndex={-1}
          label={text.conversation.react}
          icon={<SmilePlus />}
          onClick={(event) => acts.openPicker(message, event.currentTarget.getBoundingClientRect())}
        />
      )}
      <IconButton
        tabIndex={-1}
        label={text.conversation.actions}
        icon={<ChevronDown />}
        aria-haspopup="menu"
        onClick={(event) => acts.openMenu(message, event.currentTarget.getBoundingClientRect())}
      />
    </div>
  );
}
