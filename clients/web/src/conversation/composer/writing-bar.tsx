// Above the text field: what is answered or edited, and the way out of that.
import { Pencil, Reply, X } from "lucide-react";
import type { ReactNode } from "react";
import { useText } from "../../i18n/text.js";
import { PersonName } from "../../people/person.js";
import { IconButton } from "../../ui/button.js";
import { useChat } from "../chat.js";
import type { Writing } from "../desk.js";
import { QuotedText } from "../message/quote.js";
import css from "./writing-bar.module.css";

export interface WritingBarProps {
  readonly writing: Writing;
  readonly onClose: () => void;
}

export function WritingBar({ writing, onClose }: WritingBarProps): ReactNode {
  const { me, acts } = useChat();
  const text = useText();
  const { kind, message } = writing;
  return (
    <div className={css.bar}>
      <span className={css.icon} aria-hidden="true">
        {kind === "reply" ? <Reply /> : <Pencil />}
      </span>
      <button type="button" className={css.about} onClick={() => acts.jumpTo(message.seq)}>
        <span className={css.title}>
          {kind === "edit" ? (
            text.conversation.editing
          ) : message.from === me ? (
            text.conversation.replyingToYou
          ) : (
            <PersonName userId={message.from} />
          )}
        </span>
        <QuotedText message={message} />
      </button>
      <IconButton label={text.common.cancel} icon={<X />} onClick={onClose} />
    </div>
  );
}
