// Chooses any emoji: by group, or by a word in the user's language. Loaded when it is opened for the first time.
import { type KeyboardEvent, type ReactNode, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { useLanguage, useText } from "../../i18n/text.js";
import { SearchField } from "../../ui/field.js";
import { Loading } from "../../ui/wait.js";
import { allEmoji, type Emoji, findEmoji, groupsOf } from "./emoji.js";
import css from "./emoji-picker.module.css";

const FOUND_MAX = 120;

export interface EmojiPickerProps {
  readonly onChoose: (emoji: string) => void;
}

export default function EmojiPicker({ onChoose }: EmojiPickerProps): ReactNode {
  const language = useLanguage();
  const text = useText();
  const [all, setAll] = useState<readonly Emoji[] | null>(null);
  const [hasFailed, setFailed] = useState(false);
  const [query, setQuery] = useState("");
  const search = useRef<HTMLInputElement>(null);
  const grid = useRef<HTMLDivElement>(null);

  useEffect(() => {
    let isHere = true;
    allEmoji(language).then(
      (emoji) => isHere && setAll(emoji),
      () => isHere && setFailed(true),
    );
    return () => {
      isHere = false;
    };
  }, [language]);
  useEffect(() => search.current?.focus(), []);

  const onKeyDown = (event: KeyboardEvent) => {
    const buttons = [...(grid.current?.querySelectorAll<HTMLElement>("button") ?? [])];
    const at = buttons.indexOf(document.activeElement as HTMLElement);
    if (event.key === "Enter" && at === -1) {
      event.preventDefault();
      buttons[0]?.click();
      return;
    }
    const to = moved(event.key, buttons, at);
    if (to === null) return;
    event.preventDefault();
    if (to < 0) search.current?.focus();
    else buttons[to]?.focus();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: arrows lead from the search into the emoji
    <div className={css.picker} onKeyDown={onKeyDown}>
      <SearchField ref={search} label={text.conversation.searchEmoji} value={query} onChange={setQuery} />
      <div ref={grid} className={css.scroll}>
        {hasFailed && <p className={css.note}>{text.errors.other}</p>}
        {all === null ? !hasFailed && <Loading /> : <Groups all={all} query={query} onChoose={onChoose} />}
      </div>
    </div>
  );
}

function Groups({ all, query, onChoose }: { all: readonly Emoji[]; query: string } & EmojiPickerProps): ReactNode {
  const text = useText();
  const wanted = useDeferredValue(query.trim());
  const groups = useMemo(() => groupsOf(all), [all]);
  const found = useMemo(() => (wanted === "" ? null : findEmoji(all, wanted, FOUND_MAX)), [all, wanted]);
  if (found !== null) {
    return found.length === 0 ? (
      <p className={css.note}>{text.conversation.noEmoji}</p>
    ) : (
      <EmojiGrid emoji={found} onChoose={onChoose} />
    );
  }
  return groups.map(({ group, emoji }) => (
    <section key={group} className={css.group} aria-label={text.conversation.emojiGroups[group] ?? ""}>
      <h3>{text.conversation.emojiGroups[group]}</h3>
      <EmojiGrid emoji={emoji} onChoose={onChoose} />
    </section>
  ));
}

function EmojiGrid({ emoji, onChoose }: { emoji: readonly Emoji[] } & EmojiPickerProps): ReactNode {
  return (
    <div className={css.grid}>
      {emoji.map(({ emoji: shown, name }) => (
        <button key={shown} type="button" tabIndex={-1} title={name} aria-label={name} onClick={() => onChoose(shown)}>
          {shown}
        </button>
      ))}
    </div>
  );
}

/** The button to which an arrow leads; -1 for the search above, `null` if the key leads nowhere. */
function moved(key: string, buttons: readonly HTMLElement[], at: number): number | null {
  const isRtl = document.documentElement.dir === "rtl";
  const forward = isRtl ? "ArrowLeft" : "ArrowRight";
  const backward = isRtl ? "ArrowRight" : "ArrowLeft";
  if (at === -1) return key === "ArrowDown" && buttons.length > 0 ? 0 : null;
  if (key === forward) return Math.min(at + 1, buttons.length - 1);
  if (key === backward) return Math.max(at - 1, 0);
  if (key !== "ArrowDown" && key !== "ArrowUp") return null;
  return vertical(buttons, at, key === "ArrowDown" ? 1 : -1);
}

/** The nearest button of the next line in that direction. */
function vertical(buttons: readonly HTMLElement[], at: number, step: 1 | -1): number {
  const from = buttons[at]?.getBoundingClientRect();
  if (from === undefined) return at;
  for (let to = at + step; to >= 0 && to < buttons.length; to += step) {
    const box = buttons[to]?.getBoundingClientRect();
    if (box !== undefined && Math.abs(box.top - from.top) > 1 && Math.abs(box.left - from.left) < 2) return to;
  }
  return step === 1 ? at : -1;
}
