// The bar above the list: oneself, with all that is about oneself behind it, and the way to a new conversation.
import { useParlor } from "@parlor/react";
import {
  Archive,
  Keyboard,
  LogOut,
  Menu as MenuIcon,
  Settings,
  ShieldCheck,
  SquarePen,
  Star,
  Users,
} from "lucide-react";
import type { ReactNode } from "react";
import { useIsModerator } from "../app/moderator.js";
import { go } from "../app/route.js";
import { keysOf } from "../app/shortcuts.js";
import { useText } from "../i18n/text.js";
import { useSession } from "../session/session.js";
import { IconButton } from "../ui/button.js";
import { MenuItem, MenuSeparator } from "../ui/menu.js";
import { MenuButton } from "../ui/menu-button.js";
import css from "./list-header.module.css";
import { listState } from "./list-state.js";

export function ListHeader({ onHelp }: { onHelp: () => void }): ReactNode {
  const { list, app, session: words } = useText();
  const session = useSession();
  const isModerator = useIsModerator();
  const me = useParlor().userId;
  return (
    <header className={css.header}>
      <MenuButton label={app.menu} icon={<MenuIcon />}>
        <MenuItem icon={<Users />} onSelect={() => go({ name: "new", kind: "group" })}>
          {list.newGroup}
        </MenuItem>
        <MenuItem icon={<Star />} onSelect={() => go({ name: "starred" })}>
          {app.places.starred}
        </MenuItem>
        <MenuItem icon={<Archive />} onSelect={() => listState.set({ isArchiveOpen: true, query: "" })}>
          {list.archive}
        </MenuItem>
        <MenuSeparator />
        <MenuItem icon={<Settings />} onSelect={() => go({ name: "settings", page: null })}>
          {app.places.settings}
        </MenuItem>
        {isModerator && (
          <MenuItem icon={<ShieldCheck />} onSelect={() => go({ name: "moderation", page: null })}>
            {app.places.moderation}
          </MenuItem>
        )}
        <MenuItem icon={<Keyboard />} end={keysOf("shortcuts").join("")} onSelect={onHelp}>
          {app.shortcuts.title}
        </MenuItem>
        <MenuSeparator />
        <MenuItem icon={<LogOut />} onSelect={session.askToSignOut}>
          {me === null ? words.signOut : words.signOutOf(me)}
        </MenuItem>
      </MenuButton>
      <h1>{list.title}</h1>
      <IconButton
        label={list.newConversation}
        icon={<SquarePen />}
        onClick={() => go({ name: "new", kind: "direct" })}
      />
    </header>
  );
}
