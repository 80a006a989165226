// Finding people: among contacts and whom one writes with, and by the server's search.
import type { Profile } from "@parlor/client";
import { useConversations, useParlor, useStatus } from "@parlor/react";
import { useEffect, useMemo, useState } from "react";
import { useContacts } from "./contacts.js";
import { profilesOf } from "./profiles.js";

const WAIT_MS = 200;
const LIMIT = 20;
const USER_ID_BYTES_MAX = 128;

/** Whether a text can be a user's id. */
export function isUserId(text: string): boolean {
  const { length } = new TextEncoder().encode(text);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the server refuses them
  return length > 0 && length <= USER_ID_BYTES_MAX && !/[\u0000-\u001f\u007f-\u009f]/u.test(text);
}

/** Whether each word of the query begins the id or a word of the name. */
export function matches(query: string, userId: string, name: string | null): boolean {
  const words = `${name ?? ""} ${userId}`.toLocaleLowerCase().split(/[\s._-]+/u);
  return query
    .toLocaleLowerCase()
    .split(/\s+/u)
    .filter((word) => word !== "")
    .every((word) => userId.toLocaleLowerCase().startsWith(word) || words.some((known) => known.startsWith(word)));
}

/** Who was found. */
export interface Found {
  /** Ids, those whom one knows first. */
  readonly userIds: readonly string[];
  /** The query itself, where it may be the id of somebody who is not listed. */
  readonly asId: string | null;
  readonly isSearching: boolean;
}

/** Finds people by what is typed; nothing typed gives those whom one knows. */
export function usePeopleSearch(query: string, excluded: ReadonlySet<string>): Found {
  const parlor = useParlor();
  const isLive = useStatus().state === "live";
  const contacts = useContacts().value;
  const { conversations } = useConversations();
  const typed = query.trim();
  const [answer, setAnswer] = useState<{ query: string; users: readonly Profile[] }>({ query: "", users: [] });

  useEffect(() => {
    if (typed === "" || !isLive) return;
    let isOld = false;
    const timer = setTimeout(() => {
      parlor.command("users", { query: typed.slice(0, 200), limit: LIMIT }).then(
        ({ users }) => {
          if (isOld) return;
          for (const profile of users) profilesOf(parlor).know(profile);
          setAnswer({ query: typed, users });
        },
        () => {
          if (!isOld) setAnswer({ query: typed, users: [] });
        },
      );
    }, WAIT_MS);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [parlor, typed, isLive]);

  return useMemo(() => {
    const known = new Set<string>();
    for (const { userId, name } of contacts?.values() ?? []) if (matches(typed, userId, name)) known.add(userId);
    for (const { target } of conversations) {
      if (!("toUserId" in target)) continue;
      const { name } = profilesOf(parlor).of(target.toUserId).get() ?? { name: null };
      if (matches(typed, target.toUserId, name)) known.add(target.toUserId);
    }
    const isAnswered = answer.query === typed;
    const all = new Set([...known, ...(isAnswered && typed !== "" ? answer.users.map(({ userId }) => userId) : [])]);
    const userIds = [...all].filter((userId) => !excluded.has(userId));
    const isNew = typed !== "" && !all.has(typed) && !excluded.has(typed);
    return {
      userIds,
      asId: isNew && isUserId(typed) ? typed : null,
      isSearching: typed !== "" && !isAnswered && isLive,
    };
  }, [contacts, conversations, typed, answer, excluded, parlor, isLive]);
}
