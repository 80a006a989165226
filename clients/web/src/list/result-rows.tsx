// What results look like: a person, a group, a message with the words that were found.
import type { Message, Profile } from "@parlor/client";
import { useParlor, usePresence } from "@parlor/react";
import { Bookmark } from "lucide-react";
import type { ReactNode } from "react";
import { textOf } from "../conversation/content.js";
import { useLanguage, useText } from "../i18n/text.js";
import { usePerson } from "../people/profiles.js";
import { Avatar } from "../ui/avatar.js";
import { piecesOf } from "./match.js";
import css from "./result-rows.module.css";
import { shortWhen, useNow } from "./when.js";

interface LineProps {
  readonly avatar: ReactNode;
  readonly name: ReactNode;
  readonly end?: ReactNode;
  readonly detail?: ReactNode;
}

function Line({ avatar, name, end, detail }: LineProps): ReactNode {
  return (
    <span className={css.line}>
      {avatar}
      <span className={css.texts}>
        <span className={css.first}>
          <bdi className={css.name}>{name}</bdi>
          {end}
        </span>
        {detail !== undefined && <span className={css.detail}>{detail}</span>}
      </span>
    </span>
  );
}

/** A user. `found` is what a search told of them. */
export function PersonResult({ userId, found }: { userId: string; found?: Profile }): ReactNode {
  const person = usePerson(userId);
  const { online } = usePresence(userId);
  const name = person.name === userId ? (found?.name ?? userId) : person.name;
  const about = person.profile?.about ?? found?.about ?? null;
  const detail = name !== userId ? (about ?? `@${userId}`) : about;
  return (
    <Line
      avatar={
        <Avatar
          id={`user:${userId}`}
          name={name}
          url={person.avatarUrl ?? found?.avatarUrl ?? null}
          isOnline={online === true}
        />
      }
      name={name}
      {...(detail === null ? {} : { detail: <bdi>{detail}</bdi> })}
    />
  );
}

export function GroupResult({
  groupKey,
  name,
  members,
}: {
  groupKey: string;
  name: string;
  members: number | null;
}): ReactNode {
  const { list } = useText();
  return (
    <Line
      avatar={<Avatar id={groupKey} name={name} />}
      name={name}
      {...(members === null ? {} : { detail: list.members(members) })}
    />
  );
}

export function SelfResult({ userId }: { userId: string }): ReactNode {
  const { list } = useText();
  return (
    <Line
      avatar={<Avatar id={`user:${userId}`} name={list.noteToSelf} icon={<Bookmark />} />}
      name={list.noteToSelf}
      detail={list.noteToSelfHint}
    />
  );
}

/** Something to do, with an icon. */
export function ActionResult({
  icon,
  title,
  detail,
}: {
  icon: ReactNode;
  title: ReactNode;
  detail?: string;
}): ReactNode {
  return (
    <Line
      avatar={
        <span className={css.icon} aria-hidden="true">
          {icon}
        </span>
      }
      name={title}
      {...(detail === undefined ? {} : { detail })}
    />
  );
}

/** A message that was found. `place` is what its conversation is called, where that is no person. */
export function MessageResult({ message, place }: { message: Message; place: string | null }): ReactNode {
  const { list } = useText();
  const parlor = useParlor();
  const language = useLanguage();
  const now = useNow();
  const other = message.from === parlor.userId ? (message.to ?? message.from) : message.from;
  const person = usePerson(other);
  const sender = usePerson(message.from);
  const isMine = message.from === parlor.userId;
  const said = place === null ? (isMine ? list.you : null) : isMine ? list.you : sender.name;
  return (
    <Line
      avatar={
        place === null ? (
          <Avatar id={`user:${other}`} name={person.name} url={person.avatarUrl} />
        ) : (
          <Avatar id={`group:${message.groupId}`} name={place} />
        )
      }
      name={place ?? person.name}
      end={<time dateTime={new Date(message.ts).toISOString()}>{shortWhen(message.ts, now, language)}</time>}
      detail={
        <>
          {said !== null && (
            <>
              <bdi className={css.sender}>{said}</bdi>
              {": "}
            </>
          )}
          <bdi>
            {piecesOf(textOf(message.content), message.highlights ?? []).map(({ text, isFound }, index) =>
              // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text have no other names
              isFound ? <mark key={index}>{text}</mark> : <span key={index}>{text}</span>,
            )}
          </bdi>
        </>
      }
    />
  );
}
