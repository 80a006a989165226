// An observable that is looked at now and then, so that what comes in a flood leaves time for typing.
import type { Observable } from "@parlor/client";

/** Least time between two tellings. What comes after a while of rest is told at once. */
const PAUSE_MS = 80;

/** The same value, told at most every so often, and always told in the end. */
export function calm<T>({ get, subscribe }: Observable<T>): Observable<T> {
  return {
    get,
    subscribe: (listener) => {
      let timer: ReturnType<typeof setTimeout> | null = null;
      let toldAt = Number.NEGATIVE_INFINITY;
      const tell = () => {
        timer = null;
        toldAt = performance.now();
        listener();
      };
      const unsubscribe = subscribe(() => {
        if (timer !== null) return;
        const wait = toldAt + PAUSE_MS - performance.now();
        if (wait > 0) timer = setTimeout(tell, wait);
        else tell();
      });
      return () => {
        if (timer !== null) clearTimeout(timer);
        unsubscribe();
      };
    },
  };
}
