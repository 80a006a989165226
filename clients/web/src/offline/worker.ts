// Has the service worker keep the client, and tells when there is a new version. Versions are never mixed: a new
// one waits until the user asks for it, and then every page is loaded anew.

/** How often a page that stays open asks for a new version. */
const LOOK_EVERY_MS = 60 * 60 * 1_000;
/** A page that was loaded anew so short ago is not loaded anew for a missing file again. */
const RELOAD_PAUSE_MS = 10_000;
const RELOADED = "parlor.reloaded";
const URL = "/sw.js";

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): string };
}

/** The worker's address, as pages with Trusted Types want it. */
function trusted(): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  const rules = {
    createScriptURL: (url: string) => {
      if (url !== URL) throw new TypeError("no script but the worker");
      return url;
    },
  };
  return trustedTypes?.createPolicy("parlor", rules).createScriptURL(URL) ?? URL;
}

let waiting: ServiceWorker | null = null;
const listeners = new Set<() => void>();

function waits(worker: ServiceWorker | null): void {
  // The first one has nobody to wait for.
  if (worker === null || navigator.serviceWorker.controller === null) return;
  waiting = worker;
  for (const listener of [...listeners]) listener();
}

/** Calls `listener` once a new version waits. */
export function onNewVersion(listener: () => void): () => void {
  listeners.add(listener);
  if (waiting !== null) listener();
  return () => listeners.delete(listener);
}

/** Goes over to the new version: the page is loaded anew, others of this browser as well. */
export function takeNewVersion(): void {
  waiting?.postMessage({ type: "take over" });
}

function reloadOnce(): void {
  const last = Number(sessionStorage.getItem(RELOADED) ?? 0);
  if (Date.now() - last < RELOAD_PAUSE_MS) return;
  sessionStorage.setItem(RELOADED, String(Date.now()));
  location.reload();
}

/** Starts it. To be called once. */
export function keepClient(): void {
  // A file of this version that is not there any more: the server has been updated.
  addEventListener("vite:preloadError", reloadOnce);
  const { serviceWorker } = navigator;
  // Plain http beyond this machine has none.
  if (serviceWorker === undefined) return;
  let wasControlled = serviceWorker.controller !== null;
  serviceWorker.addEventListener("controllerchange", () => {
    if (wasControlled) location.reload();
    wasControlled = true;
  });
  serviceWorker.addEventListener("message", ({ data }) => {
    if (data?.type === "open" && typeof data.hash === "string") location.hash = data.hash;
  });
  serviceWorker
    .register(trusted(), { scope: "/", updateViaCache: "none" })
    .then((registration) => {
      waits(registration.waiting);
      registration.addEventListener("updatefound", () => {
        const { installing } = registration;
        installing?.addEventListener("statechange", () => {
          if (installing.state === "installed") waits(installing);
        });
      });
      setInterval(() => registration.update().catch(() => {}), LOOK_EVERY_MS);
    })
    // Without it the client works as long as there is a connection.
    .catch(() => {});
}
