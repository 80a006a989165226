// Says aloud what others say while the conversation is open. What comes quickly is said as its last, and how many.
import type { ChatMessage } from "@parlor/client";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useText } from "../../i18n/text.js";
import { usePerson } from "../../people/profiles.js";
import { textOf } from "../content.js";

const PAUSE_MS = 1_000;
const CHARACTERS_MAX = 200;

export interface AnnouncerProps {
  /** The newest message; `null` while something else is shown. */
  readonly newest: ChatMessage | null;
  readonly me: string | null;
}

export function Announcer({ newest, me }: AnnouncerProps): ReactNode {
  const [said, setSaid] = useState<ChatMessage | null>(null);
  const last = useRef<string | null | undefined>(undefined);
  const text = useText();
  const { name } = usePerson(said?.from ?? me ?? "");
  useEffect(() => {
    const key = newest?.key ?? null;
    const isFirst = last.current === undefined || last.current === null;
    const isNew = key !== last.current;
    last.current = key;
    if (newest === null || isFirst || !isNew || newest.from === me || newest.state !== "sent") return;
    const timer = setTimeout(() => setSaid(newest), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [newest, me]);
  return (
    <div
      role="log"
      aria-live="polite"
      aria-relevant="additions"
      aria-label={text.conversation.news}
      className="visually-hidden"
    >
      {said !== null && (
        <p key={said.key}>{text.conversation.messageOf(name, textOf(said.content).slice(0, CHARACTERS_MAX))}</p>
      )}
    </div>
  );
}
