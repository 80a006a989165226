// Where one writes: what is said, in answer to what, and what can be completed while typing.
import type { GroupInfoView } from "@parlor/client";
import { useConversation, useParlor, useSend, useTyping } from "@parlor/react";
import { Clock3, SendHorizontal, Smile } from "lucide-react";
import {
  type KeyboardEvent,
  lazy,
  type ReactNode,
  Suspense,
  useCallback,
  useEffect,
  useId,
  useRef,
  useState,
} from "react";
import { useAttempt } from "../../app/errors.js";
import { usePreferences } from "../../app/preferences.js";
import { useLanguage, useText } from "../../i18n/text.js";
import { IconButton } from "../../ui/button.js";
import type { Box } from "../../ui/place.js";
import { Loading } from "../../ui/wait.js";
import { useChat } from "../chat.js";
import { textOf } from "../content.js";
import type { DeskAction, Writing } from "../desk.js";
import { Floating } from "../floating.js";
import css from "./composer.module.css";
import { useDraft } from "./draft.js";
import { HindranceBar } from "./hindrance-bar.js";
import { useMembers } from "./members.js";
import { type Suggestion, SuggestionList, useSuggestions } from "./suggestions.js";
import { type Completing, completingAt, contentOf, mentionsIn, roomLeft } from "./text.js";
import { useHindrance } from "./use-may-write.js";
import { WritingBar } from "./writing-bar.js";

const EmojiPicker = lazy(() => import("../message/emoji-picker.js"));

const CONTENT_BYTES_MAX = 65_536;

export interface ComposerProps {
  readonly writing: Writing | null;
  readonly info: GroupInfoView["info"];
  readonly dispatch: (action: DeskAction) => void;
}

export function Composer(props: ComposerProps): ReactNode {
  const { conversation } = useChat();
  const hindrance = useHindrance(conversation, props.info);
  return hindrance === null ? <Field {...props} /> : <HindranceBar hindrance={hindrance} />;
}

function Field({ writing, dispatch }: ComposerProps): ReactNode {
  const { conversation, me, isGroup, acts } = useChat();
  const { role } = useConversation(conversation);
  const parlor = useParlor();
  const { send } = useSend(conversation);
  const { types, stopsTyping } = useTyping(conversation);
  const { enterSends } = usePreferences();
  const attempt = useAttempt();
  const text = useText();
  const numbers = new Intl.NumberFormat(useLanguage());
  const field = useRef<HTMLTextAreaElement>(null);
  const listId = useId();
  const [value, setValue] = useState("");
  const [completing, setCompleting] = useState<Completing | null>(null);
  const [at, setAt] = useState(0);
  const [picking, setPicking] = useState<Box | null>(null);
  const members = useMembers();
  const isModerator = role !== null && role !== "member";
  const suggestions = useSuggestions(completing, members.ids, isGroup && isModerator);
  const isEditing = writing?.kind === "edit";
  const keep = useDraft(conversation, (filled) => {
    if (!isEditing) setValue(filled);
  });
  const room = roomLeft(value, parlor.ready?.limits.contentBytes ?? CONTENT_BYTES_MAX);
  const canSend = contentOf(value) !== "" && (room === null || room >= 0);

  // What is edited takes the place of what was begun, and gives it back.
  const begun = useRef("");
  const current = useRef(value);
  current.current = value;
  useEffect(() => {
    field.current?.focus();
    if (writing?.kind !== "edit") return;
    begun.current = current.current;
    setValue(textOf(writing.message.content));
    return () => setValue(begun.current);
  }, [writing]);

  useGrowing(field, value);

  const change = (next: string, caret: number) => {
    setValue(next);
    const wanted = completingAt(next, caret, isGroup);
    if (wanted?.kind === "mention") members.load();
    setCompleting(wanted);
    setAt(0);
    if (isEditing) return;
    keep(next);
    if (next.trim() === "") stopsTyping();
    else types();
  };

  const put = useCallback((inserted: string, from: number, to: number) => {
    const { current: element } = field;
    if (element === null) return;
    element.focus();
    element.setSelectionRange(from, to);
    // The browser's own insertion can be undone by its keys.
    if (!document.execCommand("insertText", false, inserted)) element.setRangeText(inserted, from, to, "end");
    setValue(element.value);
  }, []);
  const take = ({ text: inserted }: Suggestion) => {
    if (completing === null) return;
    put(inserted, completing.from, completing.from + completing.query.length + 1);
    setCompleting(null);
  };

  const submit = () => {
    const content = contentOf(value);
    if (!canSend) return;
    setCompleting(null);
    if (writing?.kind === "edit") {
      const { id } = writing.message;
      if (content !== textOf(writing.message.content)) void attempt(() => conversation.edit(id, content));
    } else {
      const mentions = isGroup ? mentionsIn(content, isModerator ? [...members.ids, "@all"] : members.ids) : [];
      send(content, {
        ...(writing === null ? {} : { replyTo: writing.message.id }),
        ...(mentions.length === 0 ? {} : { mentions }),
      });
      setValue("");
      keep("");
    }
    dispatch({ type: "write", writing: null });
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    // Keys that choose among the suggestions of an input method are its own.
    if (event.nativeEvent.isComposing) return;
    if (suggestions.length > 0 && completing !== null && chose(event)) return;
    const isSending = event.key === "Enter" && (enterSends ? !event.shiftKey : event.ctrlKey || event.metaKey);
    if (isSending) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape" && writing !== null) {
      event.preventDefault();
      event.stopPropagation();
      dispatch({ type: "write", writing: null });
    } else if (event.key === "ArrowUp" && value === "" && writing === null) {
      const own = conversation.messages
        .get()
        .messages.findLast(
          (message) => message.state === "sent" && message.from === me && message.content !== undefined,
        );
      if (own?.state !== "sent") return;
      event.preventDefault();
      acts.edit(own);
    }
  };

  const chose = (event: KeyboardEvent): boolean => {
    const count = suggestions.length;
    const chosen = suggestions[at];
    if (event.key === "ArrowDown") setAt((at + 1) % count);
    else if (event.key === "ArrowUp") setAt((at - 1 + count) % count);
    else if (event.key === "Escape") setCompleting(null);
    else if ((event.key === "Enter" || event.key === "Tab") && chosen !== undefined) take(chosen);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };

  const isOpen = completing !== null && suggestions.length > 0;
  return (
    <div className={css.composer}>
      {isOpen && <SuggestionList id={listId} suggestions={suggestions} at={at} onTake={take} />}
      {writing !== null && <WritingBar writing={writing} onClose={() => dispatch({ type: "write", writing: null })} />}
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <div className={css.field}>
          <IconButton
            label={text.conversation.emoji}
            icon={<Smile />}
            aria-expanded={picking !== null}
            onClick={(event) => setPicking(event.currentTarget.getBoundingClientRect())}
          />
          <textarea
            ref={field}
            value={value}
            rows={1}
            data-composer=""
            dir={value === "" ? undefined : "auto"}
            aria-label={text.conversation.write}
            aria-controls={isOpen ? listId : undefined}
            aria-activedescendant={isOpen ? `${listId}-${at}` : undefined}
            aria-autocomplete="list"
            placeholder={text.conversation.write}
            enterKeyHint={enterSends ? "send" : "enter"}
            onChange={(event) => change(event.target.value, event.target.selectionStart)}
            onKeyDown={onKeyDown}
            onBlur={() => setCompleting(null)}
          />
          {room !== null && (
            <span className={css.room} data-over={room < 0} role="status">
              {numbers.format(room)}
            </span>
          )}
          {!isEditing && canSend && (
            <IconButton
              label={text.conversation.sendLater}
              icon={<Clock3 />}
              onClick={() => dispatch({ type: "ask", asking: { kind: "later", content: contentOf(value) } })}
            />
          )}
        </div>
        <IconButton
          type="submit"
          className={css.send}
          label={isEditing ? text.common.save : text.conversation.send}
          icon={<SendHorizontal />}
          disabled={!canSend}
        />
      </form>
      {picking !== null && (
        <Floating anchor={picking} onClose={() => setPicking(null)}>
          <Suspense fallback={<Loading />}>
            <EmojiPicker
              onChoose={(emoji) => {
                setPicking(null);
                const end = field.current?.selectionEnd ?? value.length;
                put(emoji, field.current?.selectionStart ?? end, end);
              }}
            />
          </Suspense>
        </Floating>
      )}
    </div>
  );
}

const CSS_GROWS = typeof CSS !== "undefined" && CSS.supports("field-sizing", "content");

/** Lets a text field grow with its text, where the browser does not by itself. */
function useGrowing(field: { readonly current: HTMLTextAreaElement | null }, value: string): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: another text may be of another height
  useEffect(() => {
    const { current } = field;
    if (CSS_GROWS || current === null) return;
    current.style.blockSize = "auto";
    current.style.blockSize = `${current.scrollHeight}px`;
  }, [field, value]);
}
