// In place of the text field: why one may not write here, and what can be done about it.
import { useParlor } from "@parlor/react";
import type { ReactNode } from "react";
import { useAttempt } from "../../app/errors.js";
import { useLanguage, useText } from "../../i18n/text.js";
import { Button } from "../../ui/button.js";
import { useChat } from "../chat.js";
import { shortTimeOf } from "../times.js";
import css from "./hindrance-bar.module.css";
import type { Hindrance } from "./use-may-write.js";

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
      return <Request />;
  }
}

function Blocking({ userId }: { userId: string }): ReactNode {
  const parlor = useParlor();
  const text = useText();
  const attempt = useAttempt();
  return (
    <div className={css.bar}>
      <p>{text.conversation.youBlock}</p>
      <Button onClick={() => void attempt(() => parlor.blocked.unblock(userId))}>{text.conversation.unblock}</Button>
    </div>
  );
}

function Request(): ReactNode {
  const parlor = useParlor();
  const { conversation } = useChat();
  const text = useText();
  const attempt = useAttempt();
  const { target } = conversation;
  return (
    <div className={css.bar}>
      <p>{text.conversation.requestExplained}</p>
      {"toUserId" in target && (
        <Button kind="danger" onClick={() => void attempt(() => parlor.blocked.block(target.toUserId))}>
          {text.conversation.block}
        </Button>
      )}
      <Button onClick={() => void attempt(() => parlor.requests.decline(conversation))}>
        {text.conversation.decline}
      </Button>
      <Button kind="primary" onClick={() => void attempt(() => parlor.requests.accept(conversation))}>
        {text.conversation.accept}
      </Button>
    </div>
  );
}
