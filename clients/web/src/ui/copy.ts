// Copies text to the clipboard, and says whether it worked.
import { useCallback } from "react";
import { useText } from "../i18n/text.js";
import { showToast } from "./toast.js";

/** Gives a function that copies a text and shows a toast. */
export function useCopy(): (value: string) => Promise<void> {
  const text = useText();
  return useCallback(
    async (value) => {
      try {
        await navigator.clipboard.writeText(value);
        showToast({ text: text.common.copied });
      } catch {
        // Browsers refuse it without a hand's press, or over plain http: then it can be copied by hand.
        showToast({ text: value });
      }
    },
    [text],
  );
}
