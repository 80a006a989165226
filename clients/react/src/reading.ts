// Hooks for what is read on demand: what a search finds, a place in the past, who has a message.
import {
  type Conversation,
  type LoggedMessage,
  type Observable,
  ParlorError,
  type PastTimeline,
  type PastView,
  type Place,
  type ReceiptsView,
  type SearchQuery,
  type SearchView,
} from "@parlor/client";
import { useEffect, useMemo, useState } from "react";
import { useObservable, usePages, useParlor } from "./context.js";

/** Who has a message and who has read it, and how to read more of that. The server is asked while it is shown. */
export function useReceipts(
  conversation: Conversation,
  message: Pick<LoggedMessage, "seq">,
): ReceiptsView & { loadMore: () => Promise<void> } {
  return usePages(conversation.receiptsOf(message));
}

/** What a search found, and how to read more of it. */
export interface SearchFor extends SearchView {
  readonly loadMore: () => Promise<void>;
}

const done = () => Promise.resolve();
const NOTHING: SearchView = { messages: [], hasMore: false, isLoading: false, error: null };
const NO_RESULTS = { get: () => NOTHING, subscribe: () => () => {} };

/**
 * Messages by their words, newest first. Another question is asked at once, so let who types come to rest before
 * giving it. Without one it finds nothing.
 */
export function useSearch(query: SearchQuery | null): SearchFor {
  const parlor = useParlor();
  const { text = "", conversation, from, before } = query ?? {};
  const found = useMemo(() => {
    if (text === "") return null;
    return parlor.search({
      text,
      ...(conversation === undefined ? {} : { conversation }),
      ...(from === undefined ? {} : { from }),
      ...(before === undefined ? {} : { before }),
    });
  }, [parlor, text, conversation, from, before]);
  const view = useObservable<SearchView>(found?.results ?? NO_RESULTS);
  return useMemo(() => ({ ...view, loadMore: found?.loadMore ?? done }), [view, found]);
}

/** A place in the past, and how to read on from it both ways. */
export interface WindowOf extends PastView {
  readonly loadOlder: () => Promise<void>;
  readonly loadNewer: () => Promise<void>;
}

const OPENING: PastView = {
  messages: [],
  items: [],
  hasOlder: true,
  hasNewer: true,
  isLoading: true,
  error: null,
};
const NOT_YET: Observable<PastView> = { get: () => OPENING, subscribe: () => () => {} };

/** A conversation's messages around a place in the past: closed when it is another one, or shown no more. */
export function useWindow(conversation: Conversation, place: Place): WindowOf {
  const [kind, at] = Object.entries(place)[0] as [string, string | number];
  const [opened, setOpened] = useState<{ at: unknown; past: PastTimeline | null; error: ParlorError | null } | null>(
    null,
  );
  const asked = useMemo(() => ({ conversation, place: { [kind]: at } as unknown as Place }), [conversation, kind, at]);
  useEffect(() => {
    let past: PastTimeline | null = null;
    let isOver = false;
    asked.conversation.openAt(asked.place).then(
      (found) => {
        past = found;
        if (isOver) found.close();
        else setOpened({ at: asked, past, error: null });
      },
      (reason: unknown) => {
        const error = reason instanceof ParlorError ? reason : new ParlorError("it cannot be shown", { cause: reason });
        if (!isOver) setOpened({ at: asked, past, error });
      },
    );
    return () => {
      isOver = true;
      past?.close();
    };
  }, [asked]);
  const now = opened?.at === asked ? opened : null;
  const past = now?.past ?? null;
  const view = useObservable(past ?? NOT_YET);
  return useMemo(() => {
    const ways = { loadOlder: past?.loadOlder ?? done, loadNewer: past?.loadNewer ?? done };
    if (now?.error) return { ...view, ...ways, hasOlder: false, hasNewer: false, isLoading: false, error: now.error };
    return { ...view, ...ways };
  }, [view, past, now]);
}
