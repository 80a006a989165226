// What this browser keeps of the client.

/** How many bytes the page's storage takes; `null` where browsers do not say. */
export async function storageUsed(): Promise<number | null> {
  try {
    const { usage } = await navigator.storage.estimate();
    return usage ?? null;
  } catch {
    return null;
  }
}

function deleted(name: string): Promise<void> {
  return new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(name);
    // Another tab may still have it open: then it goes when that is closed.
    for (const event of ["success", "error", "blocked"]) request.addEventListener(event, () => resolve());
  });
}

/** Removes all of it: databases, caches, and what is remembered by name. */
export async function clearStorage(): Promise<void> {
  const databases = await indexedDB.databases();
  const caches = "caches" in globalThis ? await globalThis.caches.keys() : [];
  await Promise.all([
    ...databases.flatMap(({ name }) => (name === undefined ? [] : [deleted(name)])),
    ...caches.map((name) => globalThis.caches.delete(name)),
  ]);
  for (const key of Object.keys(localStorage)) if (key.startsWith("parlor.")) localStorage.removeItem(key);
}

/** A size in words: "2.4 MB". */
export function bytesText(bytes: number, language: string): string {
  const [unit, size] = bytes < 1e6 ? (["kilobyte", 1e3] as const) : (["megabyte", 1e6] as const);
  const digits = { style: "unit", unit, maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(language, digits).format(bytes / size);
}
