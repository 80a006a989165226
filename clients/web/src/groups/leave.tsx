// The ways out of a group: leave it, or, for its owner, end it.
import { useParlor } from "@parlor/react";
import { type ReactNode, useState } from "react";
import { useAttempt } from "../app/errors.js";
import { go } from "../app/route.js";
import { useMoreText } from "../i18n/text.js";
import { ConfirmDialog } from "../ui/confirm-dialog.js";
import { List, ListRow } from "../ui/list-row.js";
import { showToast } from "../ui/toast.js";
import type { Group } from "./group.js";
import { may } from "./rights.js";

export interface LeaveRowsProps {
  readonly group: Group;
  readonly leaveIcon: ReactNode;
  readonly deleteIcon: ReactNode;
}

export function LeaveRows({ group, leaveIcon, deleteIcon }: LeaveRowsProps): ReactNode {
  const parlor = useParlor();
  const { groups: text } = useMoreText();
  const attempt = useAttempt();
  const [asking, ask] = useState<"leave" | "delete" | null>(null);
  const { groupId, name, role, settings } = group;
  const end = async (command: "group_leave" | "group_delete", said: string) => {
    if (!(await attempt(() => parlor.command(command, { groupId })))) return;
    showToast({ text: said });
    go({ name: "home" });
  };
  return (
    <List hint={role === "owner" ? text.ownerStays : undefined}>
      {may(role, "leave", settings) && (
        <ListRow start={leaveIcon} title={text.leave} isDanger onSelect={() => ask("leave")} />
      )}
      {may(role, "delete", settings) && (
        <ListRow start={deleteIcon} title={text.delete} isDanger onSelect={() => ask("delete")} />
      )}
      {asking === "leave" && (
        <ConfirmDialog
          title={text.leaveTitle(name)}
          action={text.leave}
          isDanger
          onConfirm={() => end("group_leave", text.left)}
          onClose={() => ask(null)}
        >
          {text.leaveHint}
        </ConfirmDialog>
      )}
      {asking === "delete" && (
        <ConfirmDialog
          title={text.deleteTitle(name)}
          action={text.delete}
          isDanger
          onConfirm={() => end("group_delete", text.deleted)}
          onClose={() => ask(null)}
        >
          {text.deleteHint}
        </ConfirmDialog>
      )}
    </List>
  );
}
