// Forwards messages: to which conversations.
import type { ConversationView, LoggedMessage } from "@parlor/client";
import { useConversations } from "@parlor/react";
import { type ReactNode, useState } from "react";
import { useText } from "../../i18n/text.js";
import { usePerson } from "../../people/profiles.js";
import { Avatar } from "../../ui/avatar.js";
import { Button } from "../../ui/button.js";
import { Dialog } from "../../ui/dialog.js";
import { SearchField } from "../../ui/field.js";
import { showToast } from "../../ui/toast.js";
import css from "./dialogs.module.css";

const TARGETS_MAX = 20;

export interface ForwardDialogProps {
  readonly messages: readonly LoggedMessage[];
  readonly onClose: () => void;
}

export function ForwardDialog({ messages, onClose }: ForwardDialogProps): ReactNode {
  const { conversations, hasMore, loadMore } = useConversations();
  const text = useText();
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const wanted = query.trim().toLocaleLowerCase();
  const shown = conversations.filter(({ name }) => name.toLocaleLowerCase().includes(wanted));
  const toggle = (key: string) => {
    const next = new Set(chosen);
    if (!next.delete(key) && next.size < TARGETS_MAX) next.add(key);
    setChosen(next);
  };
  const send = () => {
    const targets = conversations.filter(({ conversation }) => chosen.has(conversation.key));
    for (const { conversation } of targets) {
      // What is refused is told at the message, where it was sent to.
      for (const { content, id } of messages) {
        if (content !== undefined) conversation.send(content, { forwardOf: id }).sent.catch(() => {});
      }
    }
    showToast({ text: text.conversation.forwardedTo(targets.length) });
    onClose();
  };
  return (
    <Dialog
      title={text.conversation.forwardTo}
      onClose={onClose}
      actions={
        <>
          <Button kind="quiet" onClick={onClose}>
            {text.common.cancel}
          </Button>
          <Button kind="primary" disabled={chosen.size === 0} onClick={send}>
            {text.conversation.forward}
          </Button>
        </>
      }
    >
      <SearchField label={text.conversation.searchConversations} value={query} onChange={setQuery} />
      <ul className={css.choices}>
        {shown.map((view) => (
          <Choice
            key={view.conversation.key}
            view={view}
            isChosen={chosen.has(view.conversation.key)}
            onToggle={() => toggle(view.conversation.key)}
          />
        ))}
      </ul>
      {hasMore && (
        <Button kind="quiet" onClick={() => void loadMore()}>
          {text.common.more}
        </Button>
      )}
    </Dialog>
  );
}

interface ChoiceProps {
  readonly view: ConversationView;
  readonly isChosen: boolean;
  readonly onToggle: () => void;
}

function Choice({ view, isChosen, onToggle }: ChoiceProps): ReactNode {
  const { conversation, target, name } = view;
  return (
    <li>
      <label className={css.choice}>
        <input type="checkbox" checked={isChosen} onChange={onToggle} />
        {"toUserId" in target ? (
          <Somebody id={target.toUserId} conversationKey={conversation.key} />
        ) : (
          <>
            <Avatar id={conversation.key} name={name} size="sm" />
            <bdi>{name}</bdi>
          </>
        )}
      </label>
    </li>
  );
}

function Somebody({ id, conversationKey }: { id: string; conversationKey: string }): ReactNode {
  const { name, avatarUrl } = usePerson(id);
  return (
    <>
      <Avatar id={conversationKey} name={name} url={avatarUrl} size="sm" />
      <bdi>{name}</bdi>
    </>
  );
}
