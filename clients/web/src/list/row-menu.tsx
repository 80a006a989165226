// What can be done with a conversation in the list.
import type { ConversationView } from "@parlor/client";
import { Archive, ArchiveRestore, Ban, Bell, BellOff, ExternalLink, Mail, MailOpen, Pin, PinOff } from "lucide-react";
import type { ReactNode } from "react";
import { hrefOf } from "../app/route.js";
import { useText } from "../i18n/text.js";
import { MenuItem, MenuSeparator, SubMenu } from "../ui/menu.js";
import { hasUnread, isArchived, isMuted, isPinned } from "./arrange.js";
import { MUTE_HOURS, useSettings } from "./use-settings.js";

export interface RowMenuProps {
  readonly view: ConversationView;
  /** `null` where there is nobody to block. */
  readonly onBlock: (() => void) | null;
}

export function RowMenu({ view, onBlock }: RowMenuProps): ReactNode {
  const { list } = useText();
  const settings = useSettings();
  const isAway = isArchived(view);
  const open = () => window.open(hrefOf({ name: "conversation", key: view.conversation.key }), "_blank", "noopener");
  return (
    <>
      <MenuItem icon={hasUnread(view) ? <MailOpen /> : <Mail />} onSelect={() => settings.toggleUnread(view)}>
        {hasUnread(view) ? list.markRead : list.markUnread}
      </MenuItem>
      <MenuItem icon={isPinned(view) ? <PinOff /> : <Pin />} onSelect={() => settings.togglePinned(view)}>
        {isPinned(view) ? list.unpin : list.pin}
      </MenuItem>
      {isMuted(view, Date.now()) ? (
        <MenuItem icon={<Bell />} onSelect={() => settings.toggleMuted(view)}>
          {list.unmute}
        </MenuItem>
      ) : (
        <SubMenu icon={<BellOff />} label={list.mute}>
          {MUTE_HOURS.map((hours) => (
            <MenuItem key={hours} onSelect={() => settings.mute(view, hours)}>
              {list.muteFor(hours)}
            </MenuItem>
          ))}
        </SubMenu>
      )}
      <MenuItem icon={isAway ? <ArchiveRestore /> : <Archive />} onSelect={() => settings.toggleArchived(view)}>
        {isAway ? list.unarchive : list.toArchive}
      </MenuItem>
      <MenuSeparator />
      <MenuItem icon={<ExternalLink />} onSelect={open}>
        {list.openInTab}
      </MenuItem>
      {onBlock !== null && (
        <MenuItem icon={<Ban />} isDanger onSelect={onBlock}>
          {list.block}
        </MenuItem>
      )}
    </>
  );
}
