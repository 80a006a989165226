// Jumps to the first message of a day.
import { type FormEvent, type ReactNode, useId, useState } from "react";
import { useText } from "../../i18n/text.js";
import { Button } from "../../ui/button.js";
import { Dialog } from "../../ui/dialog.js";
import css from "./dialogs.module.css";

/** A day as a date field writes it, by the user's clock. */
export function dayText(date: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** When that day begins; `null` if it is none. */
export function dayStart(day: string): number | null {
  const ts = new Date(`${day}T00:00:00`).getTime();
  return Number.isNaN(ts) ? null : ts;
}

export interface DateDialogProps {
  readonly onChoose: (ts: number) => void;
  readonly onClose: () => void;
}

export function DateDialog({ onChoose, onClose }: DateDialogProps): ReactNode {
  const text = useText();
  const form = useId();
  const today = dayText(new Date());
  const [day, setDay] = useState(today);
  const ts = dayStart(day);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ts === null) return;
    onClose();
    onChoose(ts);
  };
  return (
    <Dialog
      title={text.conversation.jumpToDate}
      onClose={onClose}
      actions={
        <>
          <Button kind="quiet" onClick={onClose}>
            {text.common.cancel}
          </Button>
          <Button kind="primary" type="submit" form={form} disabled={ts === null}>
            {text.conversation.jump}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit}>
        <input
          type="date"
          className={css.date}
          aria-label={text.conversation.jumpToDate}
          value={day}
          max={today}
          required
          onChange={(event) => setDay(event.target.value)}
        />
      </form>
    </Dialog>
  );
}
