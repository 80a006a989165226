// Asks how messages are deleted: for everyone, where the user may, or for the user alone.
import type { LoggedMessage } from "@parlor/client";
import { useConversation, useParlor } from "@parlor/react";
import { type ReactNode, useState } from "react";
import { useAttempt } from "../../app/errors.js";
import { useText } from "../../i18n/text.js";
import { Button } from "../../ui/button.js";
import { Dialog } from "../../ui/dialog.js";
import { useChat } from "../chat.js";
import css from "./dialogs.module.css";

/** How long an author may delete a message. The server has the last word. */
const OWN_MS = 48 * 3_600_000;

export interface RemoveDialogProps {
  readonly messages: readonly LoggedMessage[];
  readonly onClose: () => void;
}

export function RemoveDialog({ messages, onClose }: RemoveDialogProps): ReactNode {
  const parlor = useParlor();
  const { conversation, me } = useChat();
  const { role } = useConversation(conversation);
  const text = useText();
  const attempt = useAttempt();
  const [isBusy, setBusy] = useState(false);
  const isModerator = role !== null && role !== "member";
  const canForAll = messages.every(
    (message) =>
      !message.deleted &&
      !message.expired &&
      (isModerator || (message.from === me && Date.now() - message.ts < OWN_MS)),
  );
  const each = async (act: (messageId: string) => Promise<unknown>) => {
    setBusy(true);
    await attempt(async () => {
      for (const { id } of messages) await act(id);
    });
    onClose();
  };
  return (
    <Dialog
      title={text.conversation.deleteTitle(messages.length)}
      onClose={onClose}
      actions={
        <>
          <Button kind="quiet" onClick={onClose}>
            {text.common.cancel}
          </Button>
          <Button disabled={isBusy} onClick={() => void each((messageId) => parlor.command("hide", { messageId }))}>
            {text.conversation.deleteForMe}
          </Button>
          {canForAll && (
            <Button kind="danger" disabled={isBusy} onClick={() => void each((id) => conversation.delete(id))}>
              {text.conversation.deleteForAll}
            </Button>
          )}
        </>
      }
    >
      <p className={css.explanation}>
        {canForAll ? text.conversation.deleteExplained : text.conversation.deleteForMeExplained}
      </p>
    </Dialog>
  );
}
