// Who may write to the user and see what of them: kept by the server, the same on all devices.
import type { Privacy, PrivacySet } from "@parlor/client";
import { Kept, perClient } from "../asking/kept.js";

type Settings = Omit<Privacy, "status">;

function given(settings: PrivacySet): Partial<Settings> {
  return Object.fromEntries(
    Object.entries(settings).filter(([name, value]) => name !== "at" && value !== undefined),
  ) as Partial<Settings>;
}

export const privacyOf = perClient(
  (parlor) =>
    new Kept<Settings>(parlor, {
      read: async () => {
        const { messages, lastSeen, online, readReceipts, messageRequests } = await parlor.command("privacy_get", {});
        return { messages, lastSeen, online, readReceipts, messageRequests };
      },
      listen: (hear) => parlor.on("privacy", (changed) => hear((before) => ({ ...before, ...given(changed) }))),
    }),
);
