// Above an open conversation: whom with, whether they are there or type, and what can be done with it as a whole.
import { useConversation, useParlor } from "@parlor/react";
import {
  ArrowLeft,
  Ban,
  BellOff,
  BellRing,
  Bookmark,
  CalendarClock,
  CalendarDays,
  EllipsisVertical,
  Info,
  LogOut,
  Pin,
  Search,
  Timer,
} from "lucide-react";
import { type ReactNode, useState } from "react";
import { useAttempt } from "../../app/errors.js";
import { go } from "../../app/route.js";
import { useLanguage, useText } from "../../i18n/text.js";
import { usePerson } from "../../people/profiles.js";
import { Avatar } from "../../ui/avatar.js";
import { IconButton } from "../../ui/button.js";
import { ConfirmDialog } from "../../ui/confirm-dialog.js";
import { MenuItem, MenuSeparator, SubMenu } from "../../ui/menu.js";
import { MenuButton } from "../../ui/menu-button.js";
import { useChat } from "../chat.js";
import type { Asking } from "../desk.js";
import { durationOf } from "../times.js";
import css from "./header.module.css";
import { Presence } from "./presence.js";

const HOUR_MS = 3_600_000;
const MUTES_HOURS = [1, 8, 7 * 24] as const;
/** So far ahead is for good. */
const FOR_GOOD_HOURS = 100 * 365 * 24;
const TIMERS_SECONDS = [3_600, 86_400, 7 * 86_400, 30 * 86_400] as const;

export interface HeaderProps {
  readonly onAsk: (asking: Asking) => void;
}

export function Header({ onAsk }: HeaderProps): ReactNode {
  const { conversation } = useChat();
  const text = useText();
  const { key, target } = conversation;
  const open = (panel: "info" | "search") => go({ name: "conversation", key, panel: { name: panel } });
  return (
    <header className={css.header}>
      <IconButton
        className={css.back}
        label={text.common.back}
        icon={<ArrowLeft />}
        onClick={() => go({ name: "home" })}
      />
      <button type="button" className={css.who} onClick={() => open("info")}>
        {"toUserId" in target ? <Person userId={target.toUserId} /> : <Group />}
      </button>
      <IconButton label={text.conversation.search} icon={<Search />} onClick={() => open("search")} />
      <IconButton className={css.info} label={text.conversation.info} icon={<Info />} onClick={() => open("info")} />
      <More onAsk={onAsk} />
    </header>
  );
}

function Person({ userId }: { userId: string }): ReactNode {
  const { me } = useChat();
  const text = useText();
  const { name, avatarUrl } = usePerson(userId);
  const isSelf = userId === me;
  return (
    <>
      {isSelf ? (
        <Avatar id={`user:${userId}`} name={name} icon={<Bookmark />} />
      ) : (
        <Avatar id={`user:${userId}`} name={name} url={avatarUrl} />
      )}
      <span className={css.names}>
        <h2>
          <bdi>{isSelf ? text.conversation.notesToSelf : name}</bdi>
        </h2>
        <Presence />
      </span>
    </>
  );
}

function Group(): ReactNode {
  const { conversation } = useChat();
  const { name } = useConversation(conversation);
  return (
    <>
      <Avatar id={conversation.key} name={name} />
      <span className={css.names}>
        <h2>
          <bdi>{name}</bdi>
        </h2>
        <Presence />
      </span>
    </>
  );
}

function More({ onAsk }: HeaderProps): ReactNode {
  const { conversation, me } = useChat();
  const { settings, timerSeconds, role, lastMessage } = useConversation(conversation);
  const text = useText();
  const language = useLanguage();
  const parlor = useParlor();
  const attempt = useAttempt();
  const [confirming, setConfirming] = useState<"leave" | "block" | null>(null);
  const { key, target, id } = conversation;
  const isMuted = (settings.mutedUntil ?? 0) > Date.now();
  const mute = (hours: number) =>
    void attempt(() => conversation.configure({ mutedUntil: hours === 0 ? 0 : Date.now() + hours * HOUR_MS }));
  const stays = (seconds: number | null) =>
    void attempt(async () => {
      if (id !== null) await parlor.command("conversation_timer", { conversationId: id, seconds });
    });
  const isAdmin = role === "admin" || role === "owner";
  const canTime = "groupId" in target ? isAdmin : lastMessage !== null;
  const canBlock = "toUserId" in target && target.toUserId !== me;
  const canLeave = "groupId" in target && role !== null && role !== "owner";
  return (
    <>
      <MenuButton label={text.common.more} icon={<EllipsisVertical />}>
        {isMuted ? (
          <MenuItem icon={<BellRing />} onSelect={() => mute(0)}>
            {text.conversation.unmute}
          </MenuItem>
        ) : (
          <SubMenu icon={<BellOff />} label={text.conversation.mute}>
            {MUTES_HOURS.map((hours) => (
              <MenuItem key={hours} onSelect={() => mute(hours)}>
                {durationOf(language, hours * 3_600)}
              </MenuItem>
            ))}
            <MenuItem onSelect={() => mute(FOR_GOOD_HOURS)}>{text.conversation.always}</MenuItem>
          </SubMenu>
        )}
        {canTime && (
          <SubMenu icon={<Timer />} label={text.conversation.timer}>
            <MenuItem isChecked={timerSeconds === null} onSelect={() => stays(null)}>
              {text.conversation.timerOff}
            </MenuItem>
            {TIMERS_SECONDS.map((seconds) => (
              <MenuItem key={seconds} isChecked={timerSeconds === seconds} onSelect={() => stays(seconds)}>
                {durationOf(language, seconds)}
              </MenuItem>
            ))}
          </SubMenu>
        )}
        <MenuSeparator />
        <MenuItem icon={<Pin />} onSelect={() => go({ name: "conversation", key, panel: { name: "pins" } })}>
          {text.conversation.pins}
        </MenuItem>
        <MenuItem icon={<CalendarDays />} onSelect={() => onAsk({ kind: "date" })}>
          {text.conversation.jumpToDate}
        </MenuItem>
        <MenuItem icon={<CalendarClock />} onSelect={() => onAsk({ kind: "later", content: null })}>
          {text.conversation.scheduled}
        </MenuItem>
        {(canBlock || canLeave) && <MenuSeparator />}
        {canBlock && (
          <MenuItem icon={<Ban />} isDanger onSelect={() => setConfirming("block")}>
            {text.conversation.block}
          </MenuItem>
        )}
        {canLeave && (
          <MenuItem icon={<LogOut />} isDanger onSelect={() => setConfirming("leave")}>
            {text.conversation.leave}
          </MenuItem>
        )}
      </MenuButton>
      {confirming === "block" && "toUserId" in target && (
        <ConfirmDialog
          title={text.conversation.blockTitle}
          action={text.conversation.block}
          isDanger
          onClose={() => setConfirming(null)}
          onConfirm={async () => {
            await attempt(() => parlor.blocked.block(target.toUserId));
          }}
        >
          {text.conversation.blockExplained}
        </ConfirmDialog>
      )}
      {confirming === "leave" && "groupId" in target && (
        <ConfirmDialog
          title={text.conversation.leaveTitle}
          action={text.conversation.leave}
          isDanger
          onClose={() => setConfirming(null)}
          onConfirm={async () => {
            await attempt(() => parlor.command("group_leave", { groupId: target.groupId }));
          }}
        >
          {text.conversation.leaveExplained}
        </ConfirmDialog>
      )}
    </>
  );
}
