// How many people want to write to the user for the first time, and wait for an answer.
import { useParlor } from "@parlor/react";
import { useSyncExternalStore } from "react";

/** As far as they were read. Renders again only when it is another number. */
export function useRequestCount(): number {
  const { requests } = useParlor();
  return useSyncExternalStore(requests.subscribe, () => requests.get().conversations.length);
}
