// Brings a message before the moderators: why, and what else there is to say.
import type { LoggedMessage } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { type ReactNode, useState } from "react";
import { useAttempt } from "../../app/errors.js";
import { useText } from "../../i18n/text.js";
import { Button } from "../../ui/button.js";
import { RadioGroup } from "../../ui/choice.js";
import { Dialog } from "../../ui/dialog.js";
import { TextArea } from "../../ui/field.js";
import { showToast } from "../../ui/toast.js";
import css from "./dialogs.module.css";

const REASONS = ["spam", "abuse", "violence", "illegal", "other"] as const;
type Reason = (typeof REASONS)[number];
const COMMENT_BYTES_MAX = 1_000;

export interface ReportDialogProps {
  readonly message: LoggedMessage;
  readonly onClose: () => void;
}

export function ReportDialog({ message, onClose }: ReportDialogProps): ReactNode {
  const parlor = useParlor();
  const text = useText();
  const attempt = useAttempt();
  const [reason, setReason] = useState<Reason>("spam");
  const [comment, setComment] = useState("");
  const [isBusy, setBusy] = useState(false);
  const isLong = new TextEncoder().encode(comment).length > COMMENT_BYTES_MAX;
  const submit = async () => {
    setBusy(true);
    const said = comment.trim();
    const payload = { messageId: message.id, reason, ...(said === "" ? {} : { comment: said }) };
    const isDone = await attempt(() => parlor.command("report", payload));
    setBusy(false);
    if (!isDone) return;
    showToast({ text: text.conversation.reported });
    onClose();
  };
  return (
    <Dialog
      title={text.conversation.reportTitle}
      onClose={onClose}
      actions={
        <>
          <Button kind="quiet" onClick={onClose}>
            {text.common.cancel}
          </Button>
          <Button kind="danger" disabled={isBusy || isLong} onClick={() => void submit()}>
            {text.conversation.report}
          </Button>
        </>
      }
    >
      <div className={css.form}>
        <RadioGroup
          label={text.conversation.reportReason}
          value={reason}
          choices={REASONS.map((value) => ({ value, label: text.conversation.reasons[value] }))}
          onChange={setReason}
        />
        <TextArea
          label={text.conversation.reportComment}
          value={comment}
          error={isLong ? text.errors.codes.too_large : null}
          onChange={setComment}
        />
      </div>
    </Dialog>
  );
}
