// Lets in who may be here. To others it shows why they may not, and nothing of what is within.
import type { Status, StatusReason } from "@parlor/client";
import { useStatus } from "@parlor/react";
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { SignedOutError } from "./tokens.js";

const Ended = lazy(async () => ({ default: (await import("./ended.js")).Ended }));

/** Why a session is over: the user, or this browser, is no longer let in. */
export type End = "suspended" | "device_revoked" | "unauthorized" | "token_expired" | "another_user" | "signed_out";

const REASONS: readonly (StatusReason | null)[] = [
  "suspended",
  "device_revoked",
  "unauthorized",
  "token_expired",
  "another_user",
] satisfies End[];

/** Why the session is over; `null` if it is not. */
function endOf({ state, reason, error }: Status): End | null {
  if (state === "closed" && REASONS.includes(reason)) return reason as End;
  return reason === "no_token" && error?.cause instanceof SignedOutError ? "signed_out" : null;
}

export function Gate({ children }: { children: ReactNode }): ReactNode {
  const status = useStatus();
  const [last, setLast] = useState<Status | null>(null);
  const isEnded = endOf(status) !== null;
  const isIn = status.state === "live" || status.state === "catching_up";
  // It holds while it is tried again.
  useEffect(() => {
    if (isEnded) setLast(status);
    else if (isIn) setLast(null);
  }, [isEnded, isIn, status]);
  const ended = isEnded ? status : isIn ? null : last;
  const end = ended === null ? null : endOf(ended);
  if (ended === null || end === null) return children;
  return (
    <Suspense>
      <Ended end={end} error={ended.error} isTrying={status.state === "connecting"} />
    </Suspense>
  );
}
