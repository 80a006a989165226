// What the search above the list finds: conversations by name, people, and messages by their words, in one list.
import { isRefused, type Message } from "@parlor/client";
import { useConversations, useParlor } from "@parlor/react";
import { memo, type ReactNode, useCallback, useLayoutEffect, useMemo } from "react";
import { useErrorText } from "../app/errors.js";
import { hrefOf } from "../app/route.js";
import { useFound } from "../asking/found.js";
import { useText } from "../i18n/text.js";
import { useAskForPeople } from "../people/search.js";
import { Button } from "../ui/button.js";
import { Spinner } from "../ui/wait.js";
import { matches } from "./match.js";
import { isWithSelf, nameOf } from "./names.js";
import { GroupResult, MessageResult, PersonResult, SelfResult } from "./result-rows.js";
import { type ComboboxProps, type Section, useResults } from "./results.js";
import css from "./search-all.module.css";

const CONVERSATIONS_MAX = 8;
const PEOPLE_MAX = 10;
const MESSAGES_PAGE = 20;
/** One letter says too little to look through all that was said. */
const MESSAGE_QUERY_MIN = 2;

export interface SearchResultsProps {
  /** What is looked for. */
  readonly query: string;
  /** Nothing is to be looked for any more. */
  readonly onLeave: () => void;
  /** What the field needs so that one chooses in it. */
  readonly onField: (field: ComboboxProps) => void;
}

/** Drawn again only for another question: it tells the field of itself each time. */
export const SearchResults = memo(function SearchResults({ query, onLeave, onField }: SearchResultsProps): ReactNode {
  const { field, list } = useResults(useSections(query), query, onLeave);
  useLayoutEffect(() => onField(field));
  return list;
});

/** Which conversation a message is in. */
function keyOfMessage(message: Message, me: string | null): string {
  if (message.groupId !== undefined) return `group:${message.groupId}`;
  return `user:${message.from === me ? (message.to ?? message.from) : message.from}`;
}

function useSections(query: string): Section[] {
  const parlor = useParlor();
  const text = useText();
  const words = useErrorText();
  const { conversations } = useConversations();

  const here = useMemo(() => {
    if (query === "") return [];
    const nameFor = (view: (typeof conversations)[number]) =>
      isWithSelf(parlor, view.target) ? text.list.noteToSelf : nameOf(parlor, view);
    return conversations
      .filter(
        (view) => matches(nameFor(view), query) || ("toUserId" in view.target && matches(view.target.toUserId, query)),
      )
      .slice(0, CONVERSATIONS_MAX);
  }, [parlor, conversations, query, text]);

  const people = useFound(query, useAskForPeople());
  const messages = useFound(
    [...query].length >= MESSAGE_QUERY_MIN ? query : "",
    useCallback(
      async (text: string, cursor?: string) => {
        const answer = await parlor.command("search", {
          text,
          limit: MESSAGES_PAGE,
          ...(cursor === undefined ? {} : { cursor }),
        });
        return { items: answer.messages, cursor: answer.cursor };
      },
      [parlor],
    ),
  );

  const shown = new Set(here.map(({ conversation }) => conversation.key));
  const others = people.items
    .filter(({ userId }) => !shown.has(`user:${userId}`) && userId !== parlor.userId)
    .slice(0, PEOPLE_MAX);
  const names = new Map(conversations.map((view) => [view.conversation.key, view.name]));
  const isSearchOff = isRefused(messages.error, "search_off");
  const isNothing =
    here.length + others.length + messages.items.length === 0 && !people.isLoading && !messages.isLoading;
  return [
    {
      key: "conversations",
      title: text.list.conversations,
      results: here.map(({ conversation, name, members, target }) => ({
        key: conversation.key,
        href: hrefOf({ name: "conversation", key: conversation.key }),
        content: isWithSelf(parlor, target) ? (
          <SelfResult userId={parlor.userId ?? ""} />
        ) : "toUserId" in target ? (
          <PersonResult userId={target.toUserId} />
        ) : (
          <GroupResult groupKey={conversation.key} name={name} members={members} />
        ),
      })),
    },
    {
      key: "people",
      title: text.list.people,
      results: others.map((profile) => ({
        key: `user:${profile.userId}`,
        href: hrefOf({ name: "conversation", key: `user:${profile.userId}` }),
        content: <PersonResult userId={profile.userId} found={profile} />,
      })),
      note: people.error !== null ? <p className={css.note}>{words(people.error)}</p> : null,
    },
    {
      key: "messages",
      title: text.list.messages,
      results: messages.items.map((message) => ({
        key: message.id,
        href: hrefOf({ name: "conversation", key: keyOfMessage(message, parlor.userId), seq: message.seq }),
        content: (
          <MessageResult
            message={message}
            place={message.groupId === undefined ? null : (names.get(`group:${message.groupId}`) ?? message.groupId)}
          />
        ),
      })),
      note:
        messages.error !== null && !isSearchOff ? (
          <p className={css.note}>{words(messages.error)}</p>
        ) : messages.isLoading ? (
          <p className={css.note}>
            <Spinner size="sm" />
          </p>
        ) : messages.hasMore ? (
          <Button kind="quiet" className={css.more} onClick={messages.loadMore}>
            {text.list.moreMessages}
          </Button>
        ) : null,
    },
    {
      key: "nothing",
      title: null,
      results: [],
      note: isNothing && messages.error === null ? <p className={css.note}>{text.list.nothingFound(query)}</p> : null,
    },
  ];
}
