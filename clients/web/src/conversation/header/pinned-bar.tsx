// Below the header: the message that was pinned last. Pressing it leads there, and then to the one before.
import { usePins } from "@parlor/react";
import { Pin } from "lucide-react";
import { type ReactNode, useState } from "react";
import { go } from "../../app/route.js";
import { useText } from "../../i18n/text.js";
import { IconButton } from "../../ui/button.js";
import { useChat } from "../chat.js";
import { QuotedText } from "../message/quote.js";
import css from "./pinned-bar.module.css";

export function PinnedBar(): ReactNode {
  const { conversation, acts } = useChat();
  const { pins } = usePins(conversation);
  const text = useText();
  const [at, setAt] = useState(0);
  const index = pins.length === 0 ? 0 : at % pins.length;
  const pin = pins[index];
  if (pin === undefined) return null;
  return (
    <div className={css.bar}>
      <button
        type="button"
        className={css.pin}
        onClick={() => {
          acts.jumpTo(pin.message.seq);
          setAt(index + 1);
        }}
      >
        <span className={css.title}>{text.conversation.pinnedMessage(index + 1, pins.length)}</span>
        <QuotedText message={{ ...pin.message, state: "sent", key: pin.message.id }} />
      </button>
      <IconButton
        label={text.conversation.pins}
        icon={<Pin />}
        onClick={() => go({ name: "conversation", key: conversation.key, panel: { name: "pins" } })}
      />
    </div>
  );
}
