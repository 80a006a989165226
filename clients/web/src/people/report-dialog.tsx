// Reports a message or a person to the moderators.
import { useParlor } from "@parlor/react";
import { type ReactNode, useState } from "react";
import { useAttempt } from "../app/errors.js";
import { useMoreText } from "../i18n/text.js";
import { Button } from "../ui/button.js";
import { RadioGroup } from "../ui/choice.js";
import { Dialog } from "../ui/dialog.js";
import { TextArea } from "../ui/field.js";
import { List, SwitchRow } from "../ui/list-row.js";
import { showToast } from "../ui/toast.js";
import { useRelation } from "./contacts.js";
import css from "./panel.module.css";
import { usePerson } from "./profiles.js";

const REASONS = ["spam", "abuse", "violence", "sexual", "other"] as const;
const COMMENT_BYTES_MAX = 1_000;

export interface ReportDialogProps {
  /** Whom it is about. */
  readonly userId: string;
  /** What they said, if it is about that. */
  readonly messageId?: string;
  readonly onClose: () => void;
}

export function ReportDialog({ userId, messageId, onClose }: ReportDialogProps): ReactNode {
  const parlor = useParlor();
  const text = useMoreText();
  const attempt = useAttempt();
  const { name } = usePerson(userId);
  const { isBlocked } = useRelation(userId);
  const [reason, setReason] = useState<(typeof REASONS)[number]>("spam");
  const [comment, setComment] = useState("");
  const [blocksToo, setBlocksToo] = useState(false);
  const [isBusy, setBusy] = useState(false);
  // The same for each try, so that it is filed once.
  const [clientId] = useState(() => crypto.randomUUID());
  const isTooLong = new TextEncoder().encode(comment).length > COMMENT_BYTES_MAX;
  const send = async () => {
    setBusy(true);
    const about = messageId === undefined ? { userId } : { messageId };
    const said = comment.trim();
    const isDone = await attempt(async () => {
      await parlor.command("report", { ...about, reason, clientId, ...(said === "" ? {} : { comment: said }) });
      if (blocksToo) await parlor.blocked.block(userId);
    });
    setBusy(false);
    if (!isDone) return;
    showToast({ text: text.people.reported });
    onClose();
  };
  return (
    <Dialog
      title={messageId === undefined ? text.people.reportTitle(name) : text.people.reportMessageTitle}
      onClose={onClose}
      actions={
        <>
          <Button kind="quiet" onClick={onClose}>
            {text.common.cancel}
          </Button>
          <Button kind="primary" disabled={isBusy || isTooLong} onClick={() => void send()}>
            {text.people.reportSend}
          </Button>
        </>
      }
    >
      <div className={css.form}>
        <p>{text.people.reportHint}</p>
        <RadioGroup
          label={text.people.reportReason}
          value={reason}
          choices={REASONS.map((value) => ({ value, label: text.people.reasons[value] }))}
          onChange={setReason}
        />
        <TextArea
          label={text.people.reportComment}
          value={comment}
          error={isTooLong ? text.settings.tooLong(String(COMMENT_BYTES_MAX)) : null}
          onChange={setComment}
        />
        {isBlocked === false && (
          <List>
            <SwitchRow title={text.people.alsoBlock} checked={blocksToo} onChange={setBlocksToo} />
          </List>
        )}
      </div>
    </Dialog>
  );
}
