// What one view asks the server for itself: a single answer, or a list that is read page by page.
import type { ServerEvents } from "@parlor/client";
import { useParlor, useStatus } from "@parlor/react";
import { useCallback, useEffect, useRef, useState } from "react";

/** Calls `listener` with each such event for as long as the component is there. */
export function useEvent<Name extends keyof ServerEvents>(
  name: Name,
  listener: (event: ServerEvents[Name]) => void,
): void {
  const parlor = useParlor();
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => parlor.on(name, (event) => latest.current(event)), [parlor, name]);
}

/** An answer. `value` is `null` until there is one. */
export interface Asked<T> {
  readonly value: T | null;
  readonly error: unknown;
  readonly isAsking: boolean;
  readonly reload: () => void;
  readonly change: (change: (value: T) => T) => void;
}

/** Asks when it is first shown, when `key` changes, after each reconnect, and on `reload`. */
export function useAsked<T>(key: string, ask: () => Promise<T>): Asked<T> {
  const isLive = useStatus().state === "live";
  const [answer, setAnswer] = useState<{ key: string; value: T | null; error: unknown }>({
    key,
    value: null,
    error: null,
  });
  const [count, setCount] = useState(0);
  const [isAsking, setAsking] = useState(true);
  const latest = useRef(ask);
  useEffect(() => {
    latest.current = ask;
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: `count` grows when it is to be asked again
  useEffect(() => {
    if (!isLive) return;
    let isOld = false;
    setAsking(true);
    latest.current().then(
      (value) => {
        if (isOld) return;
        setAnswer({ key, value, error: null });
        setAsking(false);
      },
      (error: unknown) => {
        if (isOld) return;
        setAnswer((before) => ({ key, value: before.key === key ? before.value : null, error }));
        setAsking(false);
      },
    );
    return () => {
      isOld = true;
    };
  }, [key, isLive, count]);
  const reload = useCallback(() => setCount((before) => before + 1), []);
  const change = useCallback((change: (value: T) => T) => {
    setAnswer((before) => (before.value === null ? before : { ...before, value: change(before.value) }));
  }, []);
  const isCurrent = answer.key === key;
  return {
    value: isCurrent ? answer.value : null,
    error: isCurrent ? answer.error : null,
    isAsking: isAsking || !isCurrent,
    reload,
    change,
  };
}

/** A page of a list, and where the next one begins. */
export interface PageOf<T> {
  readonly items: readonly T[];
  readonly cursor: string | null;
}

/** A list as far as it was read. */
export interface Paged<T> {
  readonly items: readonly T[];
  readonly hasMore: boolean;
  readonly isLoading: boolean;
  readonly error: unknown;
  readonly loadMore: () => void;
  readonly reload: () => void;
  readonly change: (change: (items: readonly T[]) => readonly T[]) => void;
}

/** Reads the first page like {@link useAsked}, and further ones on `loadMore`. */
export function usePaged<T>(key: string, page: (cursor: string | undefined) => Promise<PageOf<T>>): Paged<T> {
  const { value, error, isAsking, reload, change } = useAsked(key, () => page(undefined));
  const [more, setMore] = useState<{ isLoading: boolean; error: unknown }>({ isLoading: false, error: null });
  const cursor = value?.cursor ?? null;
  const latest = useRef(page);
  useEffect(() => {
    latest.current = page;
  });
  const loadMore = useCallback(() => {
    if (cursor === null || more.isLoading) return;
    setMore({ isLoading: true, error: null });
    latest.current(cursor).then(
      (next) => {
        // Only behind the page that it follows: the list may have been read anew meanwhile.
        change((read) =>
          read.cursor === cursor ? { items: [...read.items, ...next.items], cursor: next.cursor } : read,
        );
        setMore({ isLoading: false, error: null });
      },
      (reason: unknown) => setMore({ isLoading: false, error: reason }),
    );
  }, [cursor, more.isLoading, change]);
  const changeItems = useCallback(
    (to: (items: readonly T[]) => readonly T[]) => change((read) => ({ ...read, items: to(read.items) })),
    [change],
  );
  return {
    items: value?.items ?? [],
    hasMore: cursor !== null,
    isLoading: isAsking || more.isLoading,
    error: error ?? more.error,
    loadMore,
    reload,
    change: changeItems,
  };
}
