// The service worker: keeps the client's files, so that it opens without a connection, and opens a conversation
// whose notification was clicked. What it keeps is one version, whole; the next one waits until no page needs
// this one any more, or until a page says that its user wants it. It touches nothing but the client's own files
// and `/web-config.json`: no sockets, no API, nothing from elsewhere.
//
// The build puts two constants in front: VERSION, and FILES with the hash of each (see build/service-worker.ts).

declare const VERSION: string;
/** Path, and its hash as for `integrity`. */
declare const FILES: readonly (readonly [path: string, integrity: string])[];

const scope = self as unknown as ServiceWorkerGlobalScope;
const PREFIX = "parlor-";
const CACHE = PREFIX + VERSION;
const CONFIG = "/web-config.json";
const kept = new Set(FILES.map(([path]) => path));

/** Fetches the whole version. One file of another version is enough to fail, and to be tried again later. */
async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  // Files with a hash in their name may come out of the browser's own cache; the page must not.
  await cache.addAll(
    FILES.map(([path, integrity]) => {
      return new Request(path, { integrity, cache: path.startsWith("/assets/") ? "default" : "reload" });
    }),
  );
  // Without it nobody knows how to sign in, but whoever is signed in needs it not.
  await cache.add(new Request(CONFIG, { cache: "reload" })).catch(() => {});
}

async function activate(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)),
  );
  await scope.clients.claim();
}

async function fromCache(path: string, request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  return (await cache.match(path)) ?? fetch(request);
}

/** The server's answer, or its last one. */
async function configuration(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(CONFIG, response.clone());
    return response;
  } catch (error) {
    const last = await cache.match(CONFIG);
    if (last === undefined) throw error;
    return last;
  }
}

/** Shows a conversation: in a page that is there, or a new one. */
async function show(hash: string): Promise<void> {
  const pages = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find(({ focused }) => focused) ?? pages[0];
  if (page === undefined) {
    await scope.clients.openWindow(`/${hash}`);
    return;
  }
  page.postMessage({ type: "open", hash });
  await page.focus();
}

scope.addEventListener("install", (event) => event.waitUntil(install()));
scope.addEventListener("activate", (event) => event.waitUntil(activate()));

scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== scope.location.origin) return;
  if (pathname === CONFIG) event.respondWith(configuration(request));
  else if (kept.has(pathname)) event.respondWith(fromCache(pathname, request));
});

scope.addEventListener("message", (event) => {
  if (event.data?.type === "take over") void scope.skipWaiting();
});

scope.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const hash: unknown = event.notification.data?.hash;
  if (typeof hash === "string" && hash.startsWith("#/")) event.waitUntil(show(hash));
});
