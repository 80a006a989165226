// How the connection is, while it is not as it should be: a strip above everything. What is over in a moment is not told.
import { type Status, TokenError } from "@parlor/client";
import { useParlor, useStatus } from "@parlor/react";
import { CloudOff, RefreshCw, ShieldAlert } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { useText } from "../i18n/text.js";
import { useSession } from "../session/session.js";
import css from "./connection-banner.module.css";
import { useErrorText } from "./errors.js";

/** Shorter absences are nobody's business. */
const GRACE_MS = 1_500;

/** Whether the connection has been away for a while. */
function useIsLate(status: Status): boolean {
  const [isLate, setLate] = useState(false);
  const isFine = status.state === "live";
  useEffect(() => {
    if (isFine) {
      setLate(false);
      return;
    }
    const timer = setTimeout(() => setLate(true), GRACE_MS);
    return () => clearTimeout(timer);
  }, [isFine]);
  return isLate;
}

/** Seconds until the next try. */
function useCountdown({ retryInMs }: Status): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    if (retryInMs === null) return;
    const end = performance.now() + retryInMs;
    const count = () => setLeft(Math.max(0, Math.ceil((end - performance.now()) / 1_000)));
    count();
    const timer = setInterval(count, 500);
    return () => clearInterval(timer);
  }, [retryInMs]);
  return left;
}

export function ConnectionBanner(): ReactNode {
  const status = useStatus();
  const isLate = useIsLate(status);
  const isClosed = status.state === "closed" && status.reason !== "not_started" && status.reason !== "closed_by_app";
  const isShown = isClosed || (isLate && status.state !== "live" && status.state !== "closed");
  return (
    <div role="status" className={css.place}>
      {isShown && (isClosed ? <Closed status={status} /> : <Away status={status} />)}
    </div>
  );
}

function Away({ status }: { status: Status }): ReactNode {
  const parlor = useParlor();
  const { session } = useText();
  const seconds = useCountdown(status);
  if (status.state !== "offline") {
    return (
      <div className={css.banner}>
        <RefreshCw className={css.turning} aria-hidden="true" />
        <p>{status.state === "catching_up" ? session.catchingUp : session.connecting}</p>
      </div>
    );
  }
  return (
    <div className={`${css.banner} ${css.away}`}>
      <CloudOff aria-hidden="true" />
      <p>
        <span className="visually-hidden">
          {status.error instanceof TokenError ? session.noToken : session.offline}
        </span>
        {/* Who hears the page is not told each second. */}
        <span aria-hidden="true">{seconds > 0 ? session.offlineRetry(seconds) : session.offline}</span>
      </p>
      <button type="button" onClick={() => parlor.retryNow()}>
        {session.tryNow}
      </button>
    </div>
  );
}

/** The connection is over, though the user may be here. */
function Closed({ status }: { status: Status }): ReactNode {
  const parlor = useParlor();
  const text = useText();
  const words = useErrorText();
  const { signInAgain } = useSession();
  const { reason, error } = status;
  const isOld = reason === "version";
  return (
    <div className={`${css.banner} ${css.closed}`}>
      <ShieldAlert aria-hidden="true" />
      <p>{isOld ? text.session.oldVersion : words(error)}</p>
      {isOld ? (
        <button type="button" onClick={() => location.reload()}>
          {text.errors.reload}
        </button>
      ) : reason === "too_many_devices" ? (
        <button type="button" onClick={() => parlor.connect()}>
          {text.common.tryAgain}
        </button>
      ) : (
        <button type="button" onClick={signInAgain}>
          {text.session.signInAgain}
        </button>
      )}
    </div>
  );
}
