// In place of the text field while messages are selected: how many, and what can be done with all of them.
import type { ChatMessage, LoggedMessage } from "@parlor/client";
import { Copy, Forward, Trash2, X } from "lucide-react";
import type { ReactNode } from "react";
import { useText } from "../i18n/text.js";
import { IconButton } from "../ui/button.js";
import { useChat } from "./chat.js";
import css from "./selection-bar.module.css";

export interface SelectionBarProps {
  readonly selected: readonly ChatMessage[];
  readonly onEnd: () => void;
}

export function SelectionBar({ selected, onEnd }: SelectionBarProps): ReactNode {
  const { acts } = useChat();
  const text = useText();
  const sent = selected.filter((message): message is LoggedMessage => message.state === "sent");
  const readable = sent.filter(({ content }) => content !== undefined);
  const after = (act: () => void) => () => {
    act();
    onEnd();
  };
  return (
    <div className={css.bar} role="toolbar" aria-label={text.conversation.selected(selected.length)}>
      <IconButton label={text.common.cancel} icon={<X />} onClick={onEnd} />
      <span role="status">{text.conversation.selected(selected.length)}</span>
      <IconButton
        label={text.conversation.copy}
        icon={<Copy />}
        disabled={readable.length === 0}
        onClick={after(() => acts.copy(readable))}
      />
      <IconButton
        label={text.conversation.forward}
        icon={<Forward />}
        disabled={readable.length === 0}
        onClick={after(() => acts.forward(readable))}
      />
      <IconButton
        label={text.conversation.delete}
        icon={<Trash2 />}
        disabled={sent.length === 0}
        onClick={after(() => acts.remove(sent))}
      />
    </div>
  );
}
