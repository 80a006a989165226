// The menu of a message: six quick reactions, and everything that can be done about it. Loaded when it is opened.
import type { ChatMessage, LoggedMessage } from "@parlor/client";
import { useConversation } from "@parlor/react";
import {
  CheckCheck,
  Copy,
  Flag,
  Forward,
  MessagesSquare,
  Pencil,
  Pin,
  PinOff,
  Plus,
  Reply,
  RotateCcw,
  SquareCheck,
  Star,
  Trash2,
} from "lucide-react";
import type { ReactNode } from "react";
import { useText } from "../../i18n/text.js";
import { Menu, MenuItem, MenuSeparator } from "../../ui/menu.js";
import type { Box } from "../../ui/place.js";
import { useChat } from "../chat.js";
import { QUICK_REACTIONS } from "./emoji.js";
import { emptiness } from "./message-content.js";
import css from "./message-menu.module.css";

export interface MessageMenuProps {
  readonly message: ChatMessage;
  readonly anchor: Box;
  readonly onClose: () => void;
}

export default function MessageMenu({ message, anchor, onClose }: MessageMenuProps): ReactNode {
  const text = useText();
  return (
    <Menu label={text.conversation.actions} anchor={anchor} onClose={onClose}>
      {message.state === "sent" ? (
        <SentItems message={message} anchor={anchor} onClose={onClose} />
      ) : (
        <WaitingItems message={message} />
      )}
    </Menu>
  );
}

function WaitingItems({ message }: { message: Exclude<ChatMessage, LoggedMessage> }): ReactNode {
  const { acts } = useChat();
  const text = useText();
  return (
    <>
      <MenuItem icon={<Copy />} onSelect={() => acts.copy([message])}>
        {text.conversation.copy}
      </MenuItem>
      {message.state === "failed" && (
        <>
          <MenuItem icon={<RotateCcw />} onSelect={() => acts.retry(message.clientId)}>
            {text.common.tryAgain}
          </MenuItem>
          <MenuItem icon={<Trash2 />} isDanger onSelect={() => acts.discard(message.clientId)}>
            {text.conversation.discard}
          </MenuItem>
        </>
      )}
    </>
  );
}

function SentItems({ message, anchor, onClose }: MessageMenuProps & { message: LoggedMessage }): ReactNode {
  const { acts, me, isGroup, conversation } = useChat();
  const { role } = useConversation(conversation);
  const text = useText();
  const isMine = message.from === me;
  const isGone = emptiness(message) !== null;
  const canPin = !isGroup || (role !== null && role !== "member");
  const select = (
    <MenuItem icon={<SquareCheck />} onSelect={() => acts.select(message)}>
      {text.conversation.select}
    </MenuItem>
  );
  const remove = (
    <MenuItem icon={<Trash2 />} isDanger onSelect={() => acts.remove([message])}>
      {text.conversation.delete}
    </MenuItem>
  );
  if (isGone) {
    return (
      <>
        {select}
        {remove}
      </>
    );
  }
  return (
    <>
      <QuickReactions message={message} anchor={anchor} onClose={onClose} />
      <MenuItem icon={<Reply />} end="R" onSelect={() => acts.reply(message)}>
        {text.conversation.reply}
      </MenuItem>
      <MenuItem icon={<MessagesSquare />} onSelect={() => acts.openThread(message.thread ?? message.id)}>
        {text.conversation.openThread}
      </MenuItem>
      {isMine && (
        <MenuItem icon={<Pencil />} end="E" onSelect={() => acts.edit(message)}>
          {text.conversation.edit}
        </MenuItem>
      )}
      <MenuItem icon={<Copy />} onSelect={() => acts.copy([message])}>
        {text.conversation.copy}
      </MenuItem>
      <MenuItem icon={<Forward />} onSelect={() => acts.forward([message])}>
        {text.conversation.forward}
      </MenuItem>
      <MenuItem icon={<Star />} onSelect={() => acts.star(message)}>
        {text.conversation.star}
      </MenuItem>
      {canPin && (
        <MenuItem icon={message.pinned ? <PinOff /> : <Pin />} onSelect={() => acts.pin(message)}>
          {message.pinned ? text.conversation.unpin : text.conversation.pin}
        </MenuItem>
      )}
      {isMine && (
        <MenuItem icon={<CheckCheck />} onSelect={() => acts.openReceipts(message)}>
          {text.conversation.whoHasIt}
        </MenuItem>
      )}
      {select}
      <MenuSeparator />
      {!isMine && (
        <MenuItem icon={<Flag />} isDanger onSelect={() => acts.report(message)}>
          {text.conversation.report}
        </MenuItem>
      )}
      {remove}
    </>
  );
}

function QuickReactions({ message, anchor, onClose }: MessageMenuProps & { message: LoggedMessage }): ReactNode {
  const { acts } = useChat();
  const text = useText();
  const mine = new Set(message.reactions?.filter((reaction) => reaction.mine).map(({ emoji }) => emoji));
  return (
    <fieldset className={css.quick} aria-label={text.conversation.react}>
      {QUICK_REACTIONS.map((emoji) => (
        <button
          key={emoji}
          type="button"
          role="menuitemcheckbox"
          aria-checked={mine.has(emoji)}
          tabIndex={-1}
          onClick={() => {
            onClose();
            acts.react(message, emoji);
          }}
        >
          {emoji}
        </button>
      ))}
      <button
        type="button"
        role="menuitem"
        tabIndex={-1}
        aria-label={text.conversation.moreEmoji}
        title={text.conversation.moreEmoji}
        onClick={() => {
          onClose();
          acts.openPicker(message, anchor);
        }}
      >
        <Plus />
      </button>
    </fieldset>
  );
}
