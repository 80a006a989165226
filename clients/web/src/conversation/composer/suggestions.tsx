// What can be completed at the caret: members after `@`, emoji after `:`. The text field keeps the focus; arrows
// choose here, Enter and Tab take.
import { type ReactNode, useDeferredValue, useEffect, useMemo, useState } from "react";
import { useLanguage, useText } from "../../i18n/text.js";
import { usePerson } from "../../people/profiles.js";
import { Avatar } from "../../ui/avatar.js";
import { allEmoji, type Emoji, findEmoji } from "../message/emoji.js";
import css from "./suggestions.module.css";
import type { Completing } from "./text.js";

const SHOWN_MAX = 8;

export interface Suggestion {
  readonly id: string;
  /** What is put in place of what was begun. */
  readonly text: string;
  readonly emoji?: Emoji;
  readonly userId?: string;
}

/** What there is to choose from. */
export function useSuggestions(
  completing: Completing | null,
  members: readonly string[],
  isModerator: boolean,
): Suggestion[] {
  const language = useLanguage();
  const [all, setAll] = useState<readonly Emoji[]>([]);
  const wanted = useDeferredValue(completing);
  const isEmoji = wanted?.kind === "emoji";
  useEffect(() => {
    if (isEmoji) allEmoji(language).then(setAll, () => {});
  }, [isEmoji, language]);
  return useMemo(() => {
    if (wanted === null) return [];
    if (wanted.kind === "emoji") {
      return findEmoji(all, wanted.query, SHOWN_MAX).map((emoji) => ({
        id: emoji.emoji,
        text: `${emoji.emoji} `,
        emoji,
      }));
    }
    const query = wanted.query.toLocaleLowerCase();
    const everybody = isModerator && "all".startsWith(query) ? [{ id: "@all", text: "@all " }] : [];
    const found = members.filter((id) => id.toLocaleLowerCase().includes(query));
    found.sort(
      (a, b) => Number(b.toLocaleLowerCase().startsWith(query)) - Number(a.toLocaleLowerCase().startsWith(query)),
    );
    return [...found.slice(0, SHOWN_MAX).map((userId) => ({ id: userId, text: `@${userId} `, userId })), ...everybody];
  }, [wanted, all, members, isModerator]);
}

export interface SuggestionListProps {
  readonly id: string;
  readonly suggestions: readonly Suggestion[];
  readonly at: number;
  readonly onTake: (suggestion: Suggestion) => void;
}

export function SuggestionList({ id, suggestions, at, onTake }: SuggestionListProps): ReactNode {
  const text = useText();
  return (
    <div id={id} role="listbox" tabIndex={-1} aria-label={text.conversation.suggestions} className={css.list}>
      {suggestions.map((suggestion, index) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the text field has the keys
        <div
          key={suggestion.id}
          id={`${id}-${index}`}
          role="option"
          tabIndex={-1}
          aria-selected={index === at}
          className={css.option}
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => onTake(suggestion)}
        >
          {suggestion.emoji !== undefined ? (
            <>
              <span className={css.emoji}>{suggestion.emoji.emoji}</span>
              {suggestion.emoji.name}
            </>
          ) : suggestion.userId !== undefined ? (
            <Member id={suggestion.userId} />
          ) : (
            <b>@{text.conversation.everybody}</b>
          )}
        </div>
      ))}
    </div>
  );
}

function Member({ id }: { id: string }): ReactNode {
  const { name, avatarUrl } = usePerson(id);
  return (
    <>
      <Avatar id={`user:${id}`} name={name} url={avatarUrl} size="sm" />
      <bdi>{name}</bdi>
      {name !== id && <bdi className={css.id}>@{id}</bdi>}
    </>
  );
}
