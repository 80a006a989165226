// Asks for how long something shall hold.
import { type ReactNode, useState } from "react";
import { durationText, MUTE_SECONDS } from "../asking/durations.js";
import { useLanguage, useMoreText } from "../i18n/text.js";
import css from "../people/panel.module.css";
import { Button } from "../ui/button.js";
import { RadioGroup } from "../ui/choice.js";
import { Dialog } from "../ui/dialog.js";

export interface DurationDialogProps {
  readonly title: string;
  readonly hint: string;
  /** What is done, as the button says it. */
  readonly action: string;
  readonly isDanger?: boolean;
  /** `null` for good. */
  readonly onChoose: (seconds: number | null) => void;
  readonly onClose: () => void;
}

export function DurationDialog(props: DurationDialogProps): ReactNode {
  const { title, hint, action, isDanger = false, onChoose, onClose } = props;
  const text = useMoreText();
  const language = useLanguage();
  const [chosen, setChosen] = useState(String(MUTE_SECONDS[0]));
  const choices = MUTE_SECONDS.map((seconds) => ({
    value: String(seconds),
    label: seconds === null ? text.groups.forGood : durationText(seconds, language),
  }));
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button kind="quiet" onClick={onClose}>
            {text.common.cancel}
          </Button>
          <Button
            kind={isDanger ? "danger" : "primary"}
            onClick={() => {
              onClose();
              onChoose(chosen === "null" ? null : Number(chosen));
            }}
          >
            {action}
          </Button>
        </>
      }
    >
      <div className={css.form}>
        <p>{hint}</p>
        <RadioGroup label={text.groups.howLong} value={chosen} choices={choices} onChange={setChosen} />
      </div>
    </Dialog>
  );
}
