// What the second line of a conversation says: who types, what the user has begun to write, or what was said last.
import type { ConversationView, LoggedMessage, TypingView } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { Ban, Check, CheckCheck } from "lucide-react";
import type { ReactNode } from "react";
import { useDraftText } from "../conversation/drafts.js";
import { PlainText } from "../conversation/format/plain-text.js";
import { useLanguage, useText } from "../i18n/text.js";
import { personName, usePerson } from "../people/profiles.js";
import css from "./last-line.module.css";

/** More of a message is not seen in a line. */
const SHOWN_CHARS = 160;

export interface LastLineProps {
  readonly view: ConversationView;
  readonly typing: TypingView;
  /** Whether it is what the user looks at, where the draft is seen. */
  readonly isOpen: boolean;
}

export function LastLine({ view, typing, isOpen }: LastLineProps): ReactNode {
  const { list } = useText();
  const draft = useDraftText(view.conversation);
  if (typing.count > 0) return <Typing typing={typing} isGroup={"groupId" in view.target} />;
  if (draft !== "" && !isOpen) return <Draft text={draft} />;
  if (view.lastMessage !== null) return <Said view={view} message={view.lastMessage} />;
  return <span className={css.quiet}>{list.nothingSaid}</span>;
}

function Draft({ text }: { text: string }): ReactNode {
  const { list } = useText();
  return (
    <>
      <span className={css.draft}>{list.draft}</span>
      <span className={css.colon}>{":"}</span>
      <bdi className={css.text}>{text.slice(0, SHOWN_CHARS)}</bdi>
    </>
  );
}

function Typing({ typing, isGroup }: { typing: TypingView; isGroup: boolean }): ReactNode {
  const parlor = useParlor();
  const { list } = useText();
  const language = useLanguage();
  const names = typing.userIds.map((userId) => personName(parlor, userId));
  const isTold = isGroup && names.length > 0 && names.length === typing.count && names.length <= 2;
  const said = !isGroup
    ? list.typing
    : isTold
      ? list.typingBy(new Intl.ListFormat(language).format(names), names.length)
      : list.typingMany(typing.count);
  return <span className={css.typing}>{said}</span>;
}

function Said({ view, message }: { view: ConversationView; message: LoggedMessage }): ReactNode {
  const parlor = useParlor();
  const { list } = useText();
  const isMine = message.from === parlor.userId;
  const isToSelf = "toUserId" in view.target && view.target.toUserId === parlor.userId;
  const isGone = message.deleted || message.expired;
  return (
    <>
      {isMine && !isToSelf && !isGone && <Ticks view={view} message={message} />}
      {"groupId" in view.target && !isMine && (
        <>
          <Sender userId={message.from} />
          <span className={css.colon}>{":"}</span>
        </>
      )}
      {isGone ? (
        <span className={css.gone}>
          <Ban aria-hidden="true" /> {message.expired ? list.expired : list.deleted}
        </span>
      ) : (
        <bdi className={css.text}>
          <PlainText message={message} charactersMax={SHOWN_CHARS} />
        </bdi>
      )}
    </>
  );
}

function Sender({ userId }: { userId: string }): ReactNode {
  return <bdi className={css.sender}>{usePerson(userId).name}</bdi>;
}

function Ticks({ view, message }: { view: ConversationView; message: LoggedMessage }): ReactNode {
  const text = useText();
  const state = view.conversation.receiptOf(message);
  return (
    <span className={`${css.ticks} ${state === "read" ? css.read : ""}`}>
      {state === "sent" ? <Check aria-hidden="true" /> : <CheckCheck aria-hidden="true" />}
      <span className="visually-hidden">{text.conversation[state]}</span>
    </span>
  );
}
