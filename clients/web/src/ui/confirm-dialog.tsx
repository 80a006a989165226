// Asks before something that cannot be taken back.
import { type ReactNode, useState } from "react";
import { useText } from "../i18n/text.js";
import { Button } from "./button.js";
import css from "./confirm-dialog.module.css";
import { Dialog } from "./dialog.js";

export interface ConfirmDialogProps {
  /** The question. */
  readonly title: string;
  /** What will come of it. */
  readonly children?: ReactNode;
  /** What is done, as the button says it: "Delete". */
  readonly action: string;
  readonly isDanger?: boolean;
  /** While its promise is pending the buttons wait; then the dialog is closed. Errors are its own business. */
  readonly onConfirm: () => void | Promise<void>;
  readonly onClose: () => void;
}

/** Open for as long as it is rendered. */
export function ConfirmDialog(props: ConfirmDialogProps): ReactNode {
  const { title, children, action, isDanger = false, onConfirm, onClose } = props;
  const [isBusy, setBusy] = useState(false);
  const text = useText();
  const confirm = async () => {
    setBusy(true);
    try {
      await onConfirm();
    } finally {
      onClose();
    }
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button kind="quiet" disabled={isBusy} onClick={onClose}>
            {text.common.cancel}
          </Button>
          <Button kind={isDanger ? "danger" : "primary"} disabled={isBusy} onClick={() => void confirm()}>
            {action}
          </Button>
        </>
      }
    >
      <div className={css.text}>{children}</div>
    </Dialog>
  );
}
