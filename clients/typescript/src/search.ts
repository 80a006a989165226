// Messages by their words.
import type { Observable } from "./observable.js";
import { Paged, type PageState } from "./paged.js";
import type { Message } from "./protocol/types.js";
import type { Reads } from "./reads.js";
import { type LoggedMessage, logged } from "./timeline/message.js";

/** So many pages that hold nothing are passed over at a time. */
const EMPTY_PAGES_MAX = 5;

/** What to look for. */
export interface SearchQuery {
  readonly text: string;
  /** In this conversation alone. */
  readonly conversation?: { readonly id: string | null };
  /** Only what this user said. */
  readonly from?: string;
  /** Only what was said before this time. */
  readonly before?: number;
}

/** What was found, newest first. */
export interface SearchView extends PageState {
  /** They are as they were when they were read, with `highlights`. */
  readonly messages: readonly LoggedMessage[];
}

/** A search. */
export interface SearchResults {
  /** Subscribing reads the first page. */
  readonly results: Observable<SearchView>;
  readonly loadMore: () => Promise<void>;
  readonly close: () => void;
}

export function search(reads: Reads, { text, conversation, from, before }: SearchQuery): SearchResults {
  const results = new Paged<Message, SearchView>(
    async (cursor, signal) => {
      if (conversation?.id === null) await reads.connected(signal);
      const query = {
        text,
        ...(conversation?.id ? { conversationId: conversation.id } : {}),
        ...(from === undefined ? {} : { from }),
        ...(before === undefined ? {} : { before }),
        ...(cursor === null ? {} : { cursor }),
      };
      let page = await reads.ask("search", query, signal);
      // Pages may hold nothing, since each search is bounded work.
      for (let empty = 1; empty < EMPTY_PAGES_MAX && page.messages.length === 0 && page.cursor !== null; empty++) {
        page = await reads.ask("search", { ...query, cursor: page.cursor }, signal);
      }
      return { items: page.messages, cursor: page.cursor };
    },
    ({ id }) => id,
    (messages, state) => ({ messages: messages.map(logged), ...state }),
  );
  return { results, loadMore: results.loadMore, close: () => results.close() };
}
