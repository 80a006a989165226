// Who is in a group: roles, presence, and what one may do to each.
import type { GroupMember } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { type ReactNode, useMemo, useState } from "react";
import { isForGood, momentText } from "../asking/dates.js";
import { useLanguage, useMoreText } from "../i18n/text.js";
import { PersonAvatar, PresenceText } from "../people/person.js";
import { personName, usePerson } from "../people/profiles.js";
import { isMeant } from "../people/search.js";
import { Button } from "../ui/button.js";
import { SearchField } from "../ui/field.js";
import { List } from "../ui/list-row.js";
import { SkeletonRows } from "../ui/wait.js";
import type { Group } from "./group.js";
import css from "./member-list.module.css";
import { MemberMenu } from "./member-menu.js";
import type { useMembers } from "./members.js";
import { byRank } from "./rights.js";

/** From so many on there is a search. */
const SEARCH_FROM = 8;

export interface MemberListProps {
  readonly group: Group;
  readonly members: ReturnType<typeof useMembers>;
}

export function MemberList({ group, members }: MemberListProps): ReactNode {
  const parlor = useParlor();
  const text = useMoreText();
  const [query, setQuery] = useState("");
  const { items, hasMore, isLoading, loadMore } = members;
  const shown = useMemo(() => {
    const named = items.map((member) => {
      return { member, name: personName(parlor, member.userId), role: member.role };
    });
    const found = named.filter(({ member, name }) => isMeant(query, member.userId, name));
    return found.sort(byRank).map(({ member }) => member);
  }, [items, query, parlor]);
  return (
    <List title={text.groups.members} hint={query !== "" && hasMore ? text.groups.loadedOnly : undefined}>
      {(hasMore || items.length >= SEARCH_FROM) && (
        <li className={css.head}>
          <SearchField label={text.groups.searchMembers} value={query} onChange={setQuery} />
        </li>
      )}
      {shown.map((member) => (
        <MemberRow key={member.userId} member={member} group={group} apply={members.apply} />
      ))}
      {items.length === 0 && isLoading && (
        <li>
          <SkeletonRows rows={3} />
        </li>
      )}
      {items.length > 0 && shown.length === 0 && <li className={css.none}>{text.groups.noMembersFound}</li>}
      {hasMore && (
        <li className={css.more}>
          <Button kind="quiet" disabled={isLoading} onClick={loadMore}>
            {text.groups.showMore}
          </Button>
        </li>
      )}
    </List>
  );
}

interface MemberRowProps {
  readonly member: GroupMember;
  readonly group: Group;
  readonly apply: ReturnType<typeof useMembers>["apply"];
}

function MemberRow({ member, group, apply }: MemberRowProps): ReactNode {
  const parlor = useParlor();
  const text = useMoreText();
  const { userId, role } = member;
  const { name } = usePerson(userId);
  const isMe = userId === parlor.userId;
  return (
    <li className={css.row}>
      <PersonAvatar userId={userId} size="sm" showsPresence={!isMe} />
      <span className={css.names}>
        <bdi>{isMe ? text.common.you : name}</bdi>
        <small>
          <MemberState member={member} isMe={isMe} />
        </small>
      </span>
      {role !== "member" && <span className={css.role}>{text.groups.roles[role]}</span>}
      {!isMe && <MemberMenu member={member} name={name} group={group} apply={apply} />}
    </li>
  );
}

/** Muted, or whether they are here. */
function MemberState({ member, isMe }: { member: GroupMember; isMe: boolean }): ReactNode {
  const text = useMoreText();
  const language = useLanguage();
  const { mutedUntil } = member;
  if (mutedUntil !== undefined && mutedUntil > Date.now()) {
    return isForGood(mutedUntil) ? text.groups.muted : text.groups.mutedUntil(momentText(mutedUntil, language));
  }
  return isMe ? null : <PresenceText userId={member.userId} />;
}
