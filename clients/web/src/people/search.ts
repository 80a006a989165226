// Finding people: among contacts and whom one writes with, and by the server's search.
import { useContacts, useConversations, useParlor } from "@parlor/react";
import { useCallback, useMemo } from "react";
import { useFound } from "../asking/found.js";
import { matches } from "../list/match.js";
import { personName } from "./profiles.js";

const LIMIT = 20;
const QUERY_CHARS_MAX = 200;
const USER_ID_BYTES_MAX = 128;

/** Whether somebody could be called this. */
export function isUserId(text: string): boolean {
  const bytes = new TextEncoder().encode(text).length;
  return bytes > 0 && bytes <= USER_ID_BYTES_MAX && !/\p{Control}/u.test(text);
}

/** Whether a person is meant by what is typed: by a name of theirs, or by their id. */
export function isMeant(query: string, userId: string, name: string): boolean {
  return matches(name, query) || matches(userId, query);
}

/** Gives what asks the server for people, as {@link useFound} wants it. */
export function useAskForPeople() {
  const parlor = useParlor();
  return useCallback(
    async (query: string) => {
      const { users } = await parlor.command("users", { query: query.slice(0, QUERY_CHARS_MAX), limit: LIMIT });
      return { items: users, cursor: null };
    },
    [parlor],
  );
}

/** Who was found. */
export interface PeopleFound {
  /** Ids, those whom one knows first. */
  readonly userIds: readonly string[];
  /** The query itself, where it may be the id of somebody who is not listed. */
  readonly asId: string | null;
  readonly isSearching: boolean;
}

/** Finds people by what is typed; nothing typed gives those whom one knows. */
export function usePeopleSearch(query: string, excluded: ReadonlySet<string>): PeopleFound {
  const parlor = useParlor();
  const contacts = useContacts().byUserId;
  const { conversations } = useConversations();
  const typed = query.trim();
  const { items, isLoading } = useFound(typed, useAskForPeople());

  return useMemo(() => {
    const known = [
      ...contacts.keys(),
      ...conversations.flatMap(({ target }) => ("toUserId" in target ? [target.toUserId] : [])),
    ].filter((userId) => isMeant(typed, userId, personName(parlor, userId)));
    const isAnswered = typed !== "" && !isLoading;
    const all = new Set([...known, ...(isAnswered ? items.map(({ userId }) => userId) : [])]);
    const isNew = typed !== "" && !all.has(typed) && !excluded.has(typed);
    return {
      userIds: [...all].filter((userId) => !excluded.has(userId)),
      asId: isNew && isUserId(typed) ? typed : null,
      isSearching: typed !== "" && isLoading,
    };
  }, [contacts, conversations, typed, items, isLoading, excluded, parlor]);
}
