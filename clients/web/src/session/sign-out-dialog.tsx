// Asks before the user signs out, and says what would be lost.
import type { OutboxItem } from "@parlor/client";
import { type ReactNode, useEffect, useState } from "react";
import { useText } from "../i18n/text.js";
import { ConfirmDialog } from "../ui/confirm-dialog.js";

export interface SignOutDialogProps {
  readonly waiting: () => Promise<readonly OutboxItem[]>;
  readonly onSignOut: () => Promise<void>;
  readonly onClose: () => void;
}

export function SignOutDialog({ waiting, onSignOut, onClose }: SignOutDialogProps): ReactNode {
  const { session } = useText();
  const [count, setCount] = useState<number | null>(null);
  useEffect(() => {
    let isGone = false;
    waiting().then(
      (items) => {
        if (!isGone) setCount(items.length);
      },
      () => {
        // What cannot be read cannot be lost either.
        if (!isGone) setCount(0);
      },
    );
    return () => {
      isGone = true;
    };
  }, [waiting]);
  if (count === null) return null;
  return (
    <ConfirmDialog
      title={session.signOutTitle}
      action={count > 0 ? session.signOutAnyway : session.signOut}
      isDanger={count > 0}
      onConfirm={onSignOut}
      onClose={onClose}
    >
      {count > 0 && <strong>{session.unsent(count)} </strong>}
      {session.signOutHint}
    </ConfirmDialog>
  );
}
