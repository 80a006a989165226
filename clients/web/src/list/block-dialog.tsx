// Asks before somebody is blocked.
import { useParlor } from "@parlor/react";
import type { ReactNode } from "react";
import { useAttempt } from "../app/errors.js";
import { useText } from "../i18n/text.js";
import { ConfirmDialog } from "../ui/confirm-dialog.js";
import { showToast } from "../ui/toast.js";

export interface BlockDialogProps {
  readonly userId: string;
  readonly name: string;
  readonly onClose: () => void;
}

export function BlockDialog({ userId, name, onClose }: BlockDialogProps): ReactNode {
  const parlor = useParlor();
  const { list, common } = useText();
  const attempt = useAttempt();
  const block = async () => {
    if (!(await attempt(() => parlor.blocked.block(userId)))) return;
    const undo = () => void attempt(() => parlor.blocked.unblock(userId));
    showToast({ text: list.blocked(name), action: { label: common.undo, onSelect: undo } });
  };
  return (
    <ConfirmDialog title={list.blockTitle(name)} action={list.block} isDanger onConfirm={block} onClose={onClose}>
      {list.blockHint}
    </ConfirmDialog>
  );
}
