// Says aloud what others say and do while the conversation is open. What comes quickly is said as its last, and how many.
import type { ChatMessage } from "@parlor/client";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useText } from "../../i18n/text.js";
import { usePerson } from "../../people/profiles.js";
import { textOf } from "../content.js";
import { LineWords } from "../happened/line.js";
import type { Row } from "./rows.js";

const PAUSE_MS = 1_000;
const CHARACTERS_MAX = 200;

export interface AnnouncerProps {
  /** The newest message or line; `null` while something else is shown. */
  readonly newest: Row | null;
  readonly me: string | null;
}

export function Announcer({ newest, me }: AnnouncerProps): ReactNode {
  const [said, setSaid] = useState<Row | null>(null);
  const last = useRef<string | null | undefined>(undefined);
  const text = useText();
  useEffect(() => {
    const key = newest?.key ?? null;
    const isFirst = last.current === undefined || last.current === null;
    const isNew = key !== last.current;
    last.current = key;
    if (newest === null || isFirst || !isNew || newest.seq === null || authorOf(newest) === me) return;
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
      {said?.kind === "said" && <Spoken key={said.key} message={said.message} />}
      {said?.kind === "happened" && <LineWords key={said.key} row={said} />}
    </div>
  );
}

function authorOf(row: Row): string | undefined {
  return row.kind === "said" ? row.message.from : row.happenings.at(-1)?.by;
}

function Spoken({ message: { from, content } }: { message: ChatMessage }): ReactNode {
  const text = useText();
  const { name } = usePerson(from);
  return <p>{text.conversation.messageOf(name, textOf(content).slice(0, CHARACTERS_MAX))}</p>;
}
