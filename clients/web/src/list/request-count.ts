// How many people want to write to the user for the first time, and wait for an answer.
import { useParlor, useStatus } from "@parlor/react";
import { useEffect, useState } from "react";

/** More than that is not counted. */
const COUNTED_MAX = 100;

/** Asked at each connection, and when one comes or is decided. */
export function useRequestCount(): number {
  const parlor = useParlor();
  const isLive = useStatus().state === "live";
  const [count, setCount] = useState(0);
  useEffect(() => {
    if (!isLive) return;
    let isGone = false;
    const ask = async () => {
      try {
        const { conversations } = await parlor.command("requests", { limit: COUNTED_MAX });
        if (!isGone) setCount(conversations.length);
      } catch {
        // What was known stands until the next connection.
      }
    };
    void ask();
    const stop = parlor.on("request", () => void ask());
    return () => {
      isGone = true;
      stop();
    };
  }, [parlor, isLive]);
  return count;
}
