// What the server finds for a text: page by page, the newest question alone, and again when it was too busy.
import { BusyError } from "@parlor/client";
import { useStatus } from "@parlor/react";
import { useCallback, useEffect, useRef, useState } from "react";

/** A page, and where the next one begins. */
export interface FoundPage<T> {
  readonly items: readonly T[];
  readonly cursor: string | null;
}

export interface Found<T> {
  /** What was found; of the question before while the next is being asked, so that nothing flickers. */
  readonly items: readonly T[];
  readonly isLoading: boolean;
  readonly error: unknown;
  readonly hasMore: boolean;
  readonly loadMore: () => void;
}

/** Who types is not done yet. */
const PAUSE_MS = 180;

interface Answer<T> extends FoundPage<T> {
  readonly query: string;
  readonly error: unknown;
}

/** Asks `ask` for `query`, unless that is empty. */
export function useFound<T>(query: string, ask: (query: string, cursor?: string) => Promise<FoundPage<T>>): Found<T> {
  const isLive = useStatus().state === "live";
  const [answer, setAnswer] = useState<Answer<T>>({ query: "", items: [], cursor: null, error: null });
  const [isReadingMore, setReadingMore] = useState(false);
  const latest = useRef(ask);
  latest.current = ask;

  useEffect(() => {
    if (query === "") {
      setAnswer({ query, items: [], cursor: null, error: null });
      return;
    }
    if (!isLive) return;
    let timer: ReturnType<typeof setTimeout>;
    let isOld = false;
    const go = async () => {
      try {
        const page = await latest.current(query);
        if (!isOld) setAnswer({ query, ...page, error: null });
      } catch (error) {
        if (isOld) return;
        if (error instanceof BusyError) timer = setTimeout(() => void go(), error.retryAfterMs);
        else setAnswer({ query, items: [], cursor: null, error });
      }
    };
    timer = setTimeout(() => void go(), PAUSE_MS);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [query, isLive]);

  const { cursor } = answer;
  const loadMore = useCallback(() => {
    if (cursor === null || isReadingMore) return;
    setReadingMore(true);
    latest
      .current(query, cursor)
      .then(
        (page) =>
          setAnswer((before) =>
            before.query === query && before.cursor === cursor
              ? { ...before, items: [...before.items, ...page.items], cursor: page.cursor }
              : before,
          ),
        () => {
          // The way to ask again is still there.
        },
      )
      .finally(() => setReadingMore(false));
  }, [query, cursor, isReadingMore]);

  const isCurrent = answer.query === query;
  return {
    items: answer.items,
    isLoading: !isCurrent || isReadingMore,
    error: isCurrent ? answer.error : null,
    hasMore: isCurrent && cursor !== null,
    loadMore,
  };
}
