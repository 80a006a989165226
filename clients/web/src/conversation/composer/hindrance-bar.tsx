// In place of the text field: why one may not write here, and what can be done about it.
import { useParlor } from "@parlor/react";
import type { ReactNode } from "react";
import { useAttempt } from "../../app/errors.js";
import { useLanguage, useText } from "../../i18n/text.js";
import { Button } from "../../ui/button.js";
import { useChat } from "../chat.js";
import { shortTimeOf } from "../times.js";
import css from "./hindrance-bar.module.css";
import { type Hindrance, STANDING_CHANGED } from "./use-may-write.js";

export function HindranceBar({ hindrance }: { hindrance: Hindrance }): ReactNode {
  const text = useText();
  const language = useLanguage();
  switch (hindrance.kind) {
    case "announcements":
      return <p className={css.bar}>{text.conversation.announcementsOnly}</p>;
    case "muted":
      return (
        <p className={css.bar}>
          {hindrance.until === null
            ? text.conversation.mutedForGood
            : text.conversation.mutedUntil(shortTimeOf(language, hindrance.until))}
        </p>
      );
    case "out":
      return <p className={css.bar}>{text.conversation.notAMember}</p>;
    case "blocking":
      return <Blocking userId={hindrance.userId} />;
    default:
      return <Request conversationId={hindrance.conversationId} />;
  }
}

function Blocking({ userId }: { userId: string }): ReactNode {
  const parlor = useParlor();
  const text = useText();
  const attempt = useAttempt();
  const unblock = async () => {
    if (await attempt(() => parlor.command("unblock", { userId }))) dispatchEvent(new Event(STANDING_CHANGED));
  };
  return (
    <div className={css.bar}>
      <p>{text.conversation.youBlock}</p>
      <Button onClick={() => void unblock()}>{text.conversation.unblock}</Button>
    </div>
  );
}

function Request({ conversationId }: { conversationId: string }): ReactNode {
  const parlor = useParlor();
  const { conversation } = useChat();
  const text = useText();
  const attempt = useAttempt();
  const decide = async (act: () => Promise<unknown>) => {
    if (await attempt(act)) dispatchEvent(new Event(STANDING_CHANGED));
  };
  const { target } = conversation;
  return (
    <div className={css.bar}>
      <p>{text.conversation.requestExplained}</p>
      {"toUserId" in target && (
        <Button kind="danger" onClick={() => void decide(() => parlor.command("block", { userId: target.toUserId }))}>
          {text.conversation.block}
        </Button>
      )}
      <Button onClick={() => void decide(() => parlor.command("request_decline", { conversationId }))}>
        {text.conversation.decline}
      </Button>
      <Button kind="primary" onClick={() => void decide(() => parlor.command("request_accept", { conversationId }))}>
        {text.conversation.accept}
      </Button>
    </div>
  );
}
