// What the client keeps of a user on this browser, as far as signing out is concerned: messages that wait to be sent.
import { indexedDbStore, type OutboxItem, type Store } from "@parlor/client";

/** A store that knows whose outbox it is asked for. */
export interface KeptStore extends Store {
  /** What waits to be sent. */
  readonly waiting: () => Promise<readonly OutboxItem[]>;
}

export function keptStore(): KeptStore {
  const store = indexedDbStore();
  const owners = new Set<string>();
  return {
    ...store,
    items: (owner) => {
      owners.add(owner);
      return store.items(owner);
    },
    waiting: async () => (await Promise.all([...owners].map((owner) => store.items(owner)))).flat(),
  };
}

/** Forgets messages that wait to be sent, when the client that would send them is closed. */
export async function dropWaiting(items: readonly OutboxItem[]): Promise<void> {
  const store = indexedDbStore();
  try {
    await Promise.all(items.map((item) => store.remove(item)));
  } finally {
    store.close();
  }
}
