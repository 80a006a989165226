// The moment in which a page is left, or put out of sight, after which it may never run again.

/** Calls `listener` in each such moment, until the returned function is called. Not everywhere are there such. */
export function leaving(listener: () => void): () => void {
  const { document } = globalThis;
  const hidden = () => {
    if (document.visibilityState === "hidden") listener();
  };
  globalThis.addEventListener?.("pagehide", listener);
  document?.addEventListener?.("visibilitychange", hidden);
  return () => {
    globalThis.removeEventListener?.("pagehide", listener);
    document?.removeEventListener?.("visibilitychange", hidden);
  };
}
