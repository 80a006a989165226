// An outbox in IndexedDB, which survives reloads and restarts, and is shared by all tabs of a site.
//
// Who empties it holds a Web Lock, which the browser takes from a tab that is closed; tabs tell each other
// by a BroadcastChannel. Where one of the two is missing (a page without https), each tab does for itself:
// messages are then still sent once, by their keys, but tabs may overtake each other.
import { indexedDbCache } from "./indexeddb-cache.js";
import type { OutboxItem, OutboxNews, Store } from "./store.js";
import { Turns } from "./turns.js";

const OUTBOX = "outbox";
const VERSION = 1;

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    transaction.onerror = () => reject(transaction.error);
  });
}

/**
 * Keeps outboxes, and what clients remember over reloads, in the IndexedDB database of this name. A page that is closed before `saved` of a message
 * has resolved may lose it.
 */
export function indexedDbStore(name = "parlor"): Store {
  let opened: Promise<IDBDatabase> | null = null;
  const own = new Turns();
  const { close: closeCache, ...cache } = indexedDbCache(`${name}:cache`);
  const listeners = new Set<(news: OutboxNews) => void>();
  const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(`${name}:${OUTBOX}`);
  if (channel !== null) {
    channel.onmessage = ({ data }: MessageEvent<OutboxNews>) => {
      for (const listener of listeners) listener(data);
    };
  }

  function database(): Promise<IDBDatabase> {
    opened ??= open().catch((error: unknown) => {
      opened = null;
      throw error;
    });
    return opened;
  }

  async function open(): Promise<IDBDatabase> {
    const request = indexedDB.open(name, VERSION);
    request.onupgradeneeded = () => {
      const store = request.result.createObjectStore(OUTBOX, { keyPath: "order", autoIncrement: true });
      store.createIndex("owner", "owner");
    };
    const found = await done(request);
    // Another tab may want to bring it to a later version, and a browser may end it.
    found.onversionchange = () => {
      found.close();
      opened = null;
    };
    found.onclose = () => {
      opened = null;
    };
    return found;
  }

  async function write<T>(act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const transaction = (await database()).transaction(OUTBOX, "readwrite", { durability: "strict" });
    const ended = committed(transaction);
    const request = act(transaction.objectStore(OUTBOX));
    await ended;
    return request.result;
  }

  return {
    ...cache,
    async items(owner) {
      const transaction = (await database()).transaction(OUTBOX, "readonly");
      const found: OutboxItem[] = await done(transaction.objectStore(OUTBOX).index("owner").getAll(owner));
      return found.sort((a, b) => a.order - b.order);
    },
    async add(item) {
      return (await write((store) => store.add(item))) as number;
    },
    async put(item) {
      const transaction = (await database()).transaction(OUTBOX, "readwrite", { durability: "strict" });
      const ended = committed(transaction);
      const store = transaction.objectStore(OUTBOX);
      const key = store.getKey(item.order);
      key.onsuccess = () => {
        if (key.result !== undefined) store.put(item);
      };
      await ended;
    },
    async remove({ order }) {
      await write((store) => store.delete(order));
    },
    exclusive(owner, signal, work) {
      const locks = globalThis.navigator?.locks;
      if (locks === undefined) return own.take(signal, work);
      return locks.request(`${name}:${OUTBOX}:${owner}`, { signal }, work) as ReturnType<typeof work>;
    },
    announce(news) {
      channel?.postMessage(news);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    close() {
      closeCache();
      channel?.close();
      listeners.clear();
      void opened?.then(
        (found) => found.close(),
        () => {},
      );
      opened = null;
    },
  };
}
