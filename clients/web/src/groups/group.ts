// What a member knows of a group, kept right by its log, and changed at once where the user changes it.
import type { Conversation, GroupInfo, GroupSettings, GroupSettingsChange, Role } from "@parlor/client";
import { useConversation, useParlor } from "@parlor/react";
import { useAttempt } from "../app/errors.js";
import { type Asked, useAsked, useEvent } from "../asking/asked.js";

/** A group's settings where they are not known yet: as strict as can be. */
export const UNKNOWN_SETTINGS: GroupSettings = {
  post: "admins",
  add: "admins",
  join: "invite",
  slowModeSeconds: 0,
  membersMax: 0,
  history: "join",
};

export interface Group {
  readonly groupId: string;
  readonly name: string;
  /** The user's role; `null` for who is out. */
  readonly role: Role | null;
  readonly members: number | null;
  readonly settings: GroupSettings;
  readonly info: Asked<GroupInfo>;
  /** Changes name or settings. Resolves to whether it was done; until then it is shown as if. */
  readonly update: (change: { name?: string; settings?: GroupSettingsChange }) => Promise<boolean>;
}

const CHANGES: readonly string[] = ["group_updated", "role_changed", "member_muted", "member_unmuted"];

/** A group as it is now. */
export function useGroup(conversation: Conversation): Group {
  const parlor = useParlor();
  const view = useConversation(conversation);
  const attempt = useAttempt();
  const groupId = "groupId" in conversation.target ? conversation.target.groupId : "";
  const isIn = view.role !== null;
  const info = useAsked<GroupInfo>(`${groupId} ${isIn}`, () => parlor.command("group_info", { groupId }));
  useEvent("entry", (entry) => {
    if (entry.groupId === groupId && CHANGES.includes(entry.kind)) info.reload();
  });
  const { value } = info;
  const update: Group["update"] = async (changed) => {
    info.change((before) => ({
      ...before,
      name: changed.name ?? before.name,
      ...(before.settings ? { settings: { ...before.settings, ...changed.settings } } : {}),
    }));
    const isDone = await attempt(() => parlor.command("group_update", { groupId, ...changed }));
    if (!isDone) info.reload();
    return isDone;
  };
  return {
    groupId,
    name: value?.name ?? view.name,
    role: view.role ?? value?.role ?? null,
    members: view.members ?? value?.members ?? null,
    settings: value?.settings ?? UNKNOWN_SETTINGS,
    info,
    update,
  };
}
