// The words of a line, with people under the names that they have now. Loaded with the first line that there is.
import type { Happening } from "@parlor/client";
import type { ReactNode } from "react";
import { useLanguage, useMoreText } from "../../i18n/text.js";
import { PersonName } from "../../people/person.js";
import { useChat } from "../chat.js";
import { type Part, sentencesOf } from "./sentences.js";

export default function Words({ happenings }: { happenings: readonly Happening[] }): ReactNode {
  const { me } = useChat();
  const { happened: words } = useMoreText();
  const language = useLanguage();
  return sentencesOf(happenings, { me, words, language }).map((parts, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: sentences have no other order
    <p key={index}>
      {parts.map((part, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: nor have their pieces
        <Piece key={at} part={part} />
      ))}
    </p>
  ));
}

function Piece({ part }: { part: Part }): ReactNode {
  if ("userId" in part) {
    return (
      <b>
        <PersonName userId={part.userId} />
      </b>
    );
  }
  return "name" in part ? <bdi>{part.name}</bdi> : part.text;
}
