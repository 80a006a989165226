// Whether the user is a moderator of the server. It is not told; who asks for reports and gets them is one.
import { isRefused, type Parlor } from "@parlor/client";
import { useParlor, useStatus } from "@parlor/react";
import { useEffect, useState } from "react";

const known = new WeakMap<Parlor, Promise<boolean>>();

/** Asks once for each client. Rejects where there was no answer. */
function isModerator(parlor: Parlor): Promise<boolean> {
  let asked = known.get(parlor);
  if (asked === undefined) {
    asked = parlor.command("reports", { limit: 1 }).then(
      () => true,
      (error: unknown) => {
        if (isRefused(error, "forbidden")) return false;
        known.delete(parlor);
        throw error;
      },
    );
    known.set(parlor, asked);
  }
  return asked;
}

/** `false` while it is not known. */
export function useIsModerator(): boolean {
  const parlor = useParlor();
  const isLive = useStatus().state === "live";
  const [is, setIs] = useState(false);
  useEffect(() => {
    if (!isLive) return;
    let isGone = false;
    isModerator(parlor).then(
      (answer) => {
        if (!isGone) setIs(answer);
      },
      () => {
        // It is asked again at the next connection.
      },
    );
    return () => {
      isGone = true;
    };
  }, [parlor, isLive]);
  return is;
}
