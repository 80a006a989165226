// The name under which the user knows somebody.
import { useParlor } from "@parlor/react";
import { type FormEvent, type ReactNode, useId, useState } from "react";
import { useAttempt } from "../app/errors.js";
import { useMoreText } from "../i18n/text.js";
import { Button } from "../ui/button.js";
import { Dialog } from "../ui/dialog.js";
import { TextField } from "../ui/field.js";
import { showToast } from "../ui/toast.js";
import { useRelation } from "./contacts.js";
import { usePerson } from "./profiles.js";

export const NAME_BYTES_MAX = 256;

/** Adds somebody to the contacts, or changes their name there. */
export function ContactDialog({ userId, onClose }: { userId: string; onClose: () => void }): ReactNode {
  const parlor = useParlor();
  const { contact } = useRelation(userId);
  const { profile } = usePerson(userId);
  const text = useMoreText();
  const attempt = useAttempt();
  const form = useId();
  const [name, setName] = useState(contact?.name ?? "");
  const isTooLong = new TextEncoder().encode(name.trim()).length > NAME_BYTES_MAX;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isTooLong) return;
    onClose();
    void attempt(async () => {
      await parlor.contacts.add(userId, name.trim() || null);
      showToast({ text: contact === null ? text.people.contactAdded : text.settings.saved });
    });
  };
  return (
    <Dialog
      title={contact === null ? text.people.addContact : text.people.editContact}
      onClose={onClose}
      actions={
        <>
          <Button kind="quiet" onClick={onClose}>
            {text.common.cancel}
          </Button>
          <Button kind="primary" type="submit" form={form} disabled={isTooLong}>
            {text.common.save}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit}>
        <TextField
          label={text.people.contactName}
          hint={text.people.contactNameHint}
          error={isTooLong ? text.settings.tooLong(String(NAME_BYTES_MAX)) : null}
          value={name}
          placeholder={profile?.name ?? userId}
          autoFocus
          onChange={setName}
        />
      </form>
    </Dialog>
  );
}
