// How many members of a larger group have a message: told of the newest ones, while the group is open.
import type { Conversation, ReceiptCounts } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { createContext, useContext, useEffect, useMemo, useSyncExternalStore } from "react";

/** So many messages' counts are kept. */
const COUNTS_MAX = 500;

/** The counts of one open conversation. */
export class Counts {
  #counts = new Map<number, ReceiptCounts>();
  #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  of(seq: number): ReceiptCounts | null {
    return this.#counts.get(seq) ?? null;
  }

  take(counts: readonly ReceiptCounts[]): void {
    for (const count of counts) this.#counts.set(count.seq, count);
    for (const seq of this.#counts.keys()) {
      if (this.#counts.size <= COUNTS_MAX) break;
      this.#counts.delete(seq);
    }
    for (const listener of [...this.#listeners]) listener();
  }
}

export const CountsContext = createContext<Counts | null>(null);

/** Hears the counts of a conversation for as long as it is shown. */
export function useHeardCounts(conversation: Conversation): Counts {
  const parlor = useParlor();
  const counts = useMemo(() => new Counts(), []);
  useEffect(
    () =>
      parlor.on("receipts", (event) => {
        if (event.conversationId === conversation.id) counts.take(event.counts);
      }),
    [parlor, conversation, counts],
  );
  return counts;
}

const nothing = () => () => {};

/** The counts of one message; `null` where none were told. */
export function useCounts(seq: number): ReceiptCounts | null {
  const counts = useContext(CountsContext);
  return useSyncExternalStore(counts?.subscribe ?? nothing, () => counts?.of(seq) ?? null);
}
