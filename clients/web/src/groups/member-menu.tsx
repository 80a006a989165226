// What one may do about a member: by one's role and theirs.
import type { GroupMember, Role } from "@parlor/client";
import { useParlor } from "@parlor/react";
import {
  Ban,
  Crown,
  EllipsisVertical,
  MessageCircle,
  Mic,
  MicOff,
  Shield,
  ShieldCheck,
  UserRound,
  UserRoundMinus,
} from "lucide-react";
import { Fragment, type ReactNode, useState } from "react";
import { useAttempt } from "../app/errors.js";
import { go } from "../app/route.js";
import { useMoreText } from "../i18n/text.js";
import { ConfirmDialog } from "../ui/confirm-dialog.js";
import { MenuItem, MenuSeparator } from "../ui/menu.js";
import { MenuButton } from "../ui/menu-button.js";
import { DurationDialog } from "./duration-dialog.js";
import type { Group } from "./group.js";
import type { MemberChange } from "./members.js";
import { deedsOn, type MemberDeed } from "./rights.js";

export interface MemberMenuProps {
  readonly member: GroupMember;
  readonly name: string;
  readonly group: Group;
  readonly apply: (change: MemberChange) => void;
}

const ROLE_ICONS: Record<Role, ReactNode> = {
  owner: <Crown />,
  admin: <ShieldCheck />,
  moderator: <Shield />,
  member: <UserRound />,
};

/** What has to be asked before. */
type Asking = "mute" | "kick" | "ban" | "give" | null;

export function MemberMenu({ member, name, group, apply }: MemberMenuProps): ReactNode {
  const parlor = useParlor();
  const text = useMoreText();
  const attempt = useAttempt();
  const [asking, ask] = useState<Asking>(null);
  const { groupId, role } = group;
  const { userId } = member;
  const by = parlor.userId ?? "";
  const close = () => ask(null);
  const aim = { groupId, userId };

  // Done first, shown then: these are not to be taken back in silence.
  const act = async (command: () => Promise<unknown>, change: MemberChange) => {
    if (await attempt(command)) apply(change);
  };
  const setRole = (to: Role) =>
    act(() => parlor.command("group_role", { ...aim, role: to }), { kind: "role_changed", by, userId, role: to });
  const kick = () => act(() => parlor.command("group_kick", aim), { kind: "member_kicked", userId });
  const unmute = () => act(() => parlor.command("group_unmute", aim), { kind: "member_unmuted", userId });
  const limited = (kind: "mute" | "ban", seconds: number | null) =>
    act(() => parlor.command(`group_${kind}`, { ...aim, ...(seconds === null ? {} : { forSeconds: seconds }) }), {
      kind: kind === "mute" ? "member_muted" : "member_banned",
      userId,
      ...(seconds === null ? {} : { until: Date.now() + seconds * 1_000 }),
    });

  const itemOf = (deed: MemberDeed): ReactNode => {
    switch (deed.kind) {
      case "role":
        return (
          <MenuItem
            icon={ROLE_ICONS[deed.role]}
            onSelect={() => (deed.role === "owner" ? ask("give") : void setRole(deed.role))}
          >
            {text.groups.make[deed.role]}
          </MenuItem>
        );
      case "mute":
        return (
          <MenuItem icon={<MicOff />} onSelect={() => ask("mute")}>
            {text.groups.mute}
          </MenuItem>
        );
      case "unmute":
        return (
          <MenuItem icon={<Mic />} onSelect={() => void unmute()}>
            {text.groups.unmute}
          </MenuItem>
        );
      case "kick":
        return (
          <MenuItem icon={<UserRoundMinus />} isDanger onSelect={() => ask("kick")}>
            {text.groups.kick}
          </MenuItem>
        );
      case "ban":
        return (
          <MenuItem icon={<Ban />} isDanger onSelect={() => ask("ban")}>
            {text.groups.ban}
          </MenuItem>
        );
    }
  };
  const deeds = deedsOn(role, member, Date.now());
  return (
    <>
      <MenuButton label={text.groups.menuFor(name)} icon={<EllipsisVertical />}>
        <MenuItem icon={<MessageCircle />} onSelect={() => go({ name: "conversation", key: `user:${userId}` })}>
          {text.groups.message}
        </MenuItem>
        <MenuItem
          icon={<UserRound />}
          onSelect={() => go({ name: "conversation", key: `user:${userId}`, panel: { name: "info" } })}
        >
          {text.groups.profile}
        </MenuItem>
        {deeds.length > 0 && <MenuSeparator />}
        {deeds.map((deed) => (
          <Fragment key={deed.kind === "role" ? deed.role : deed.kind}>{itemOf(deed)}</Fragment>
        ))}
      </MenuButton>
      {asking === "mute" && (
        <DurationDialog
          title={text.groups.muteTitle(name)}
          hint={text.groups.muteHint}
          action={text.groups.muteNow}
          onChoose={(seconds) => void limited("mute", seconds)}
          onClose={close}
        />
      )}
      {asking === "ban" && (
        <DurationDialog
          title={text.groups.banTitle(name)}
          hint={text.groups.banHint}
          action={text.groups.banNow}
          isDanger
          onChoose={(seconds) => void limited("ban", seconds)}
          onClose={close}
        />
      )}
      {asking === "kick" && (
        <ConfirmDialog
          title={text.groups.kickTitle(name)}
          action={text.groups.kick}
          isDanger
          onConfirm={kick}
          onClose={close}
        >
          {text.groups.kickHint}
        </ConfirmDialog>
      )}
      {asking === "give" && (
        <ConfirmDialog
          title={text.groups.giveTitle(name)}
          action={text.groups.give}
          onConfirm={() => setRole("owner")}
          onClose={close}
        >
          {text.groups.giveHint}
        </ConfirmDialog>
      )}
    </>
  );
}
