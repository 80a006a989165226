// What went wrong, in words for people, and commands that say so by themselves when they fail.
import { DisconnectedError, RefusedError, TimeoutError } from "@parlor/client";
import { useCallback } from "react";
import { type Catalogue, useText } from "../i18n/text.js";
import { showToast } from "../ui/toast.js";

/** From how long on it is worth saying when to try again. */
const WORTH_TELLING_MS = 3_000;

/** What to say of an error. */
export function wordsFor(error: unknown, { errors }: Pick<Catalogue, "errors">): string {
  if (error instanceof RefusedError) {
    // A server that is newer than this client may have codes that it does not know.
    const known: Partial<Record<string, string>> = errors.codes;
    const text = known[error.code] ?? errors.other;
    const wait = error.retryAfterMs;
    return wait !== null && wait >= WORTH_TELLING_MS ? errors.retryIn(text, Math.ceil(wait / 1_000)) : text;
  }
  if (error instanceof DisconnectedError) return errors.disconnected;
  if (error instanceof TimeoutError) return errors.timeout;
  return errors.other;
}

/** Gives `(error) => text`. */
export function useErrorText(): (error: unknown) => string {
  const text = useText();
  return useCallback((error) => wordsFor(error, text), [text]);
}

/**
 * Gives a function that does something, and shows a toast if that fails. It resolves to whether it was done:
 *
 *     const attempt = useAttempt();
 *     if (await attempt(() => parlor.command("block", { userId }))) …
 */
export function useAttempt(): (act: () => Promise<unknown>) => Promise<boolean> {
  const words = useErrorText();
  return useCallback(
    async (act) => {
      try {
        await act();
        return true;
      } catch (error) {
        showToast({ text: words(error), kind: "error" });
        return false;
      }
    },
    [words],
  );
}
