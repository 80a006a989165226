// The page for who is no longer let in: why, and what there is to do about it.
import { type ParlorError, RefusedError } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { Ban, KeyRound, LogOut, MonitorX } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { momentText } from "../asking/dates.js";
import { useLanguage, useText } from "../i18n/text.js";
import { Button } from "../ui/button.js";
import css from "./ended.module.css";
import type { End } from "./gate.js";
import { useSession } from "./session.js";
import card from "./sign-in.module.css";

export interface EndedProps {
  readonly end: End;
  readonly error: ParlorError | null;
  readonly isTrying: boolean;
}

export function Ended({ end, error, isTrying }: EndedProps): ReactNode {
  const text = useText();
  const language = useLanguage();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const until = error instanceof RefusedError ? error.until : null;
  const words = text.session.ended[end];
  const isSuspended = end === "suspended";
  const hint = isSuspended && until !== null ? text.session.suspendedUntil(momentText(until, language)) : words.hint;
  return (
    <main className={card.page} id="main">
      <div className={card.card}>
        <span className={`${css.icon} ${isSuspended ? css.danger : ""}`} aria-hidden="true">
          {isSuspended ? (
            <Ban />
          ) : end === "device_revoked" ? (
            <MonitorX />
          ) : end === "signed_out" ? (
            <LogOut />
          ) : (
            <KeyRound />
          )}
        </span>
        <div className={card.head}>
          <h1 ref={heading} tabIndex={-1} className={css.title}>
            {words.title}
          </h1>
          <p className={card.hint} role="status">
            {hint}
          </p>
        </div>
        <div className={card.form}>
          <Actions end={end} isTrying={isTrying} />
        </div>
      </div>
    </main>
  );
}

function Actions({ end, isTrying }: Pick<EndedProps, "end" | "isTrying">): ReactNode {
  const parlor = useParlor();
  const text = useText();
  const { config, signInAgain, askToSignOut } = useSession();
  const signInUrl = config?.signInUrl ?? null;
  if (end !== "suspended" && end !== "signed_out") {
    return (
      <Button kind="primary" onClick={signInAgain}>
        {text.session.signInAgain}
      </Button>
    );
  }
  const again = end === "suspended" ? () => parlor.connect() : () => parlor.retryNow();
  return (
    <>
      {end === "signed_out" && signInUrl !== null ? (
        <Button kind="primary" onClick={() => location.assign(signInUrl)}>
          {text.session.signInAgain}
        </Button>
      ) : (
        <Button kind="primary" disabled={isTrying} onClick={again}>
          {text.common.tryAgain}
        </Button>
      )}
      <Button kind="quiet" onClick={askToSignOut}>
        {text.session.signOut}
      </Button>
    </>
  );
}
