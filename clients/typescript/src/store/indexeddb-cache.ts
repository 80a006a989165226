// What a client remembers over reloads, in an IndexedDB database of its own beside the outbox's.
import type { CacheChanges, CachedPosition } from "./store.js";

const PIECES = "pieces";
const POSITION = "";
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
  });
}

/** The functions of a store that keep a cache in the database of this name. */
export function indexedDbCache(name: string) {
  let opened: Promise<IDBDatabase> | null = null;

  function database(): Promise<IDBDatabase> {
    const request = () => {
      const asked = indexedDB.open(name, VERSION);
      asked.onupgradeneeded = () => asked.result.createObjectStore(PIECES);
      return done(asked);
    };
    opened ??= request().then(
      (found) => {
        found.onversionchange = close;
        found.onclose = () => {
          opened = null;
        };
        return found;
      },
      (error: unknown) => {
        opened = null;
        throw error;
      },
    );
    return opened;
  }

  function close(): void {
    void opened?.then(
      (found) => found.close(),
      () => {},
    );
    opened = null;
  }

  async function begin(): Promise<{ pieces: IDBObjectStore; ended: Promise<void> }> {
    const transaction = (await database()).transaction(PIECES, "readwrite");
    return { pieces: transaction.objectStore(PIECES), ended: committed(transaction) };
  }

  // Keys are the owner, a blank and the piece's key; "!" is what comes after the blank.
  const keyOf = (owner: string, key: string) => `${owner} ${key}`;
  const rangeOf = (owner: string) => IDBKeyRange.bound(`${owner} `, `${owner}!`, false, true);

  return {
    async loadCache(owner: string) {
      const { pieces, ended } = await begin();
      // A site has one user at a time.
      pieces.delete(IDBKeyRange.upperBound(`${owner} `, true));
      pieces.delete(IDBKeyRange.lowerBound(`${owner}!`));
      const [keys, values] = [pieces.getAllKeys(rangeOf(owner)), pieces.getAll(rangeOf(owner))];
      await ended;
      const found = new Map<string, unknown>();
      for (const [at, key] of keys.result.entries()) found.set(String(key).slice(owner.length + 1), values.result[at]);
      const position = (found.get(POSITION) ?? null) as CachedPosition | null;
      found.delete(POSITION);
      return { position, pieces: found };
    },
    async saveCache(owner: string, decide: (position: CachedPosition | null) => CacheChanges | null) {
      const { pieces, ended } = await begin();
      let isSaved = false;
      const stored = pieces.get(keyOf(owner, POSITION));
      stored.onsuccess = () => {
        const changes = decide((stored.result as CachedPosition | undefined) ?? null);
        if (changes === null) return;
        isSaved = true;
        if (changes.isAll) pieces.delete(rangeOf(owner));
        pieces.put(changes.position, keyOf(owner, POSITION));
        for (const [key, piece] of changes.pieces) {
          if (piece === null) pieces.delete(keyOf(owner, key));
          else pieces.put(piece, keyOf(owner, key));
        }
      };
      await ended;
      return isSaved;
    },
    async dropCache() {
      const { pieces, ended } = await begin();
      pieces.clear();
      await ended;
    },
    close,
  };
}
