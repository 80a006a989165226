// What a message says on a line or two: its text without formatting, people in it under their names.
import type { Message } from "@parlor/client";
import type { ReactNode } from "react";
import { PersonName } from "../../people/person.js";
import { textOf } from "../content.js";
import { mentionPieces, unmarked } from "./plain.js";

export interface PlainTextProps {
  readonly message: Pick<Message, "content" | "mentions">;
  /** More is not seen where it is shown. */
  readonly charactersMax: number;
}

export function PlainText({ message, charactersMax }: PlainTextProps): ReactNode {
  const said = unmarked(textOf(message.content).slice(0, charactersMax));
  return mentionPieces(said, message.mentions).map((piece, index) =>
    typeof piece === "string" ? (
      piece
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text have no other names
      <bdi key={index}>
        @<PersonName userId={piece.userId} />
      </bdi>
    ),
  );
}
