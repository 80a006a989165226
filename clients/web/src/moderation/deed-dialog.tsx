// Asks for what a moderator's deed needs: words, an end, a note.
import { type FormEvent, type ReactNode, useId, useState } from "react";
import { momentOf } from "../asking/dates.js";
import { useMoreText } from "../i18n/text.js";
import panel from "../people/panel.module.css";
import { Button } from "../ui/button.js";
import { Dialog } from "../ui/dialog.js";
import { TextArea, TextField } from "../ui/field.js";
import { type Deed, type DeedFields, deedFaults, needsText } from "./deeds.js";

export interface DeedDialogProps {
  readonly deed: Deed;
  /** Whom it is done to. */
  readonly name: string;
  /** Resolves to whether it was done. */
  readonly onDo: (fields: DeedFields) => Promise<boolean>;
  readonly onClose: () => void;
}

export function DeedDialog({ deed, name, onDo, onClose }: DeedDialogProps): ReactNode {
  const { moderation: text, common } = useMoreText();
  const form = useId();
  const [said, setSaid] = useState("");
  const [until, setUntil] = useState("");
  const [note, setNote] = useState("");
  const [isTried, setTried] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const fields = { text: said, note, until: momentOf(until) };
  const faults = isTried ? deedFaults(deed, fields, Date.now()) : [];
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (deedFaults(deed, fields, Date.now()).length > 0) return;
    setBusy(true);
    if (await onDo(fields)) onClose();
    else setBusy(false);
  };
  const words = {
    dismiss: { title: text.dismissTitle, hint: text.dismissHint, action: text.dismiss },
    resolve: { title: text.resolveTitle, hint: text.resolveHint, action: text.resolve },
    warn: { title: text.warnTitle(name), hint: text.warnHint, action: text.warn },
    suspend: { title: text.suspendTitle(name), hint: text.suspendHint, action: text.suspend },
    unsuspend: { title: text.unsuspend, hint: text.unsuspendHint(name), action: text.unsuspend },
    remove: { title: text.removeTitle, hint: text.removeHint, action: text.removeMessage },
  }[deed];
  const isDanger = deed === "suspend" || deed === "remove";
  return (
    <Dialog
      title={words.title}
      onClose={onClose}
      actions={
        <>
          <Button kind="quiet" onClick={onClose}>
            {common.cancel}
          </Button>
          <Button kind={isDanger ? "danger" : "primary"} type="submit" form={form} disabled={isBusy}>
            {words.action}
          </Button>
        </>
      }
    >
      <form id={form} className={panel.form} onSubmit={(event) => void submit(event)}>
        <p>{words.hint}</p>
        {needsText(deed) && (
          <TextArea
            label={deed === "warn" ? text.warnText : text.suspendReason}
            error={faults.includes("text") ? text.needed : null}
            value={said}
            autoFocus
            onChange={setSaid}
          />
        )}
        {deed === "suspend" && (
          <TextField
            label={text.until}
            hint={text.untilHint}
            error={faults.includes("until") ? text.untilPast : null}
            type="datetime-local"
            value={until}
            onChange={setUntil}
          />
        )}
        <TextField
          label={text.note}
          hint={text.noteHint}
          value={note}
          autoFocus={!needsText(deed)}
          onChange={setNote}
        />
      </form>
    </Dialog>
  );
}
