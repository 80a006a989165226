// Where one writes.
import type { Conversation } from "@parlor/client";
import { useSend, useTyping } from "@parlor/react";
import { SendHorizontal } from "lucide-react";
import { type FormEvent, type ReactNode, useState } from "react";
import { useText } from "../i18n/text.js";
import { IconButton } from "../ui/button.js";
import css from "./composer.module.css";

export function Composer({ conversation }: { conversation: Conversation }): ReactNode {
  const { send } = useSend(conversation);
  const { types } = useTyping(conversation);
  const [draft, setDraft] = useState("");
  const text = useText();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const content = draft.trim();
    if (content === "") return;
    send(content);
    setDraft("");
  };
  return (
    <form className={css.composer} onSubmit={submit}>
      <input
        value={draft}
        data-composer=""
        aria-label={text.conversation.write}
        placeholder={text.conversation.write}
        onChange={(event) => {
          setDraft(event.target.value);
          types();
        }}
      />
      <IconButton type="submit" label={text.conversation.send} icon={<SendHorizontal />} />
    </form>
  );
}
