// The page behind a link into a group: what the group is, and the way in.
import { isRefused, RefusedError } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { type ReactNode, useState } from "react";
import { useErrorText } from "../app/errors.js";
import { go } from "../app/route.js";
import { useAsked, useEvent } from "../asking/asked.js";
import { momentText } from "../asking/dates.js";
import { useLanguage, useMoreText } from "../i18n/text.js";
import { Avatar } from "../ui/avatar.js";
import { Button } from "../ui/button.js";
import { Page } from "../ui/page.js";
import { Loading } from "../ui/wait.js";
import css from "./join.module.css";

export interface JoinGroupProps {
  readonly groupId: string;
  readonly invite: string | null;
}

type Outcome = { readonly kind: "asked" } | { readonly kind: "refused"; readonly error: unknown };

export function JoinGroup({ groupId, invite }: JoinGroupProps): ReactNode {
  const parlor = useParlor();
  const { groups: text } = useMoreText();
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [isBusy, setBusy] = useState(false);
  // What a group is, is told only to who could come in without an invite.
  const group = useAsked(groupId, async () => {
    try {
      return await parlor.command("group_info", { groupId });
    } catch (error) {
      if (isRefused(error, "not_found", "not_a_member", "banned")) return "untold" as const;
      throw error;
    }
  });
  // Who asked may be let in while this page is open.
  useEvent("entry", (entry) => {
    if (entry.groupId !== groupId || entry.kind !== "member_added") return;
    setOutcome(null);
    group.reload();
  });
  const open = () => go({ name: "conversation", key: `group:${groupId}` }, "replace");
  const join = async () => {
    setBusy(true);
    try {
      const { requested } = await parlor.command("group_join", { groupId, ...(invite === null ? {} : { invite }) });
      if (requested) setOutcome({ kind: "asked" });
      else open();
    } catch (error) {
      setOutcome({ kind: "refused", error });
    }
    setBusy(false);
  };
  const { value } = group;
  const known = value === null || value === "untold" ? null : value;
  const name = known?.name ?? text.invited;
  const body = () => {
    if (outcome?.kind === "asked") return <Said title={text.asked} hint={text.askedHint} />;
    if (outcome?.kind === "refused") return <Refused error={outcome.error} onRetry={join} />;
    if (group.error !== null) return <Refused error={group.error} onRetry={group.reload} />;
    if (value === null) return <Loading />;
    if (known?.role) return <Said title={known.name} hint={text.alreadyIn} action={text.open} onAct={open} />;
    if (known === null && invite === null) return <Said title={text.joinNotFound} hint={text.joinNotFoundHint} />;
    const isOpen = invite !== null || known?.settings?.join === "open";
    return (
      <Said
        title={name}
        hint={known === null ? text.invitedHint : text.memberCount(known.members)}
        action={isOpen ? text.joinNow : text.ask}
        isBusy={isBusy}
        onAct={() => void join()}
      />
    );
  };
  return (
    <Page title={text.joinTitle} onBack={() => go({ name: "home" })} isBackNarrow>
      <div className={css.page}>
        <div className={css.card} aria-live="polite">
          <Avatar id={`group:${groupId}`} name={known?.name ?? "#"} size="lg" />
          {body()}
        </div>
      </div>
    </Page>
  );
}

interface SaidProps {
  readonly title: string;
  readonly hint: string;
  readonly action?: string;
  readonly isBusy?: boolean;
  readonly onAct?: () => void;
}

function Said({ title, hint, action, isBusy = false, onAct }: SaidProps): ReactNode {
  return (
    <>
      <h3 dir="auto">{title}</h3>
      <p>{hint}</p>
      {action !== undefined && (
        <Button kind="primary" disabled={isBusy} onClick={onAct}>
          {action}
        </Button>
      )}
    </>
  );
}

/** Why one does not come in, and what there is to do about it. */
function Refused({ error, onRetry }: { error: unknown; onRetry: () => void }): ReactNode {
  const { groups: text, common } = useMoreText();
  const language = useLanguage();
  const words = useErrorText();
  if (error instanceof RefusedError) {
    switch (error.code) {
      case "not_found":
        return <Said title={text.joinNotFound} hint={text.joinNotFoundHint} />;
      case "banned": {
        const until = error.until === null ? text.forGood : text.joinBannedUntil(momentText(error.until, language));
        return <Said title={text.joinBanned} hint={until} />;
      }
      case "group_full":
        return <Said title={text.joinFull} hint={text.joinFullHint} action={common.tryAgain} onAct={onRetry} />;
      case "too_many_groups":
        return <Said title={text.joinTooMany} hint={text.joinTooManyHint} action={common.tryAgain} onAct={onRetry} />;
    }
  }
  return <Said title={words(error)} hint="" action={common.tryAgain} onAct={onRetry} />;
}
