// Gives a group another name.
import { type FormEvent, type ReactNode, useId, useState } from "react";
import { useMoreText } from "../i18n/text.js";
import { NAME_BYTES_MAX } from "../people/contact-dialog.js";
import { Button } from "../ui/button.js";
import { Dialog } from "../ui/dialog.js";
import { TextField } from "../ui/field.js";
import type { Group } from "./group.js";

export function NameDialog({ group, onClose }: { group: Group; onClose: () => void }): ReactNode {
  const text = useMoreText();
  const form = useId();
  const [name, setName] = useState(group.name);
  const called = name.trim();
  const isTooLong = new TextEncoder().encode(called).length > NAME_BYTES_MAX;
  const isGood = called !== "" && !isTooLong;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isGood) return;
    onClose();
    if (called !== group.name) void group.update({ name: called });
  };
  return (
    <Dialog
      title={text.groups.editName}
      onClose={onClose}
      actions={
        <>
          <Button kind="quiet" onClick={onClose}>
            {text.common.cancel}
          </Button>
          <Button kind="primary" type="submit" form={form} disabled={!isGood}>
            {text.common.save}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit}>
        <TextField
          label={text.groups.name}
          value={name}
          error={isTooLong ? text.settings.tooLong(String(NAME_BYTES_MAX)) : null}
          autoFocus
          onChange={setName}
        />
      </form>
    </Dialog>
  );
}
