// What all hooks are made of: the client, and what an observable of it holds.
import type { Observable, Parlor } from "@parlor/client";
import { createContext, type ReactNode, useContext, useMemo, useSyncExternalStore } from "react";

const ParlorContext = createContext<Parlor | null>(null);

/** Gives the client to the hooks of everything within. Connecting and closing it is up to who made it. */
export function ParlorProvider({ parlor, children }: { parlor: Parlor; children?: ReactNode }): ReactNode {
  return <ParlorContext.Provider value={parlor}>{children}</ParlorContext.Provider>;
}

/** The client. Throws outside of a {@link ParlorProvider}. */
export function useParlor(): Parlor {
  const parlor = useContext(ParlorContext);
  if (parlor === null) throw new Error("put a ParlorProvider around what uses Parlor's hooks");
  return parlor;
}

/** What an observable holds. */
export function useObservable<T>(observable: Observable<T>): T {
  return useSyncExternalStore(observable.subscribe, observable.get, observable.get);
}

/** What a list of pages holds, and how to read more of it. */
export function usePages<View>(
  pages: Observable<View> & { loadMore: () => Promise<void> },
): View & { loadMore: () => Promise<void> } {
  const view = useObservable(pages);
  return useMemo(() => ({ ...view, loadMore: pages.loadMore }), [view, pages]);
}
