// One conversation: whom with, what was said, and where one writes.
import type { ChatMessage, Conversation } from "@parlor/client";
import { useConversation, useObservable, useParlor } from "@parlor/react";
import { lazy, type ReactNode, Suspense, useEffect, useMemo } from "react";
import { useAttempt } from "../app/errors.js";
import { go, useRoute } from "../app/route.js";
import { Loading } from "../ui/wait.js";
import { ChatContext, useChat } from "./chat.js";
import { Composer } from "./composer/composer.js";
import { useGroupInfo } from "./composer/use-may-write.js";
import css from "./conversation-view.module.css";
import { type Asking, useDesk } from "./desk.js";
import { Floating } from "./floating.js";
import { Header } from "./header/header.js";
import { PinnedBar } from "./header/pinned-bar.js";
import { SelectionBar } from "./selection-bar.js";
import { Timeline } from "./timeline/timeline.js";
import { usePlace } from "./timeline/use-place.js";
import { useActs } from "./use-acts.js";

const EmojiPicker = lazy(() => import("./message/emoji-picker.js"));
const MessageMenu = lazy(() => import("./message/message-menu.js"));
const Dialogs = lazy(() => import("./dialogs/dialogs.js"));

export function ConversationView({ conversation }: { conversation: Conversation }): ReactNode {
  const parlor = useParlor();
  // Who the user is, is known from the first connection on.
  useObservable(parlor.status);
  const me = parlor.userId;
  const { name, settings } = useConversation(conversation);
  const place = usePlace(conversation);
  const [desk, dispatch] = useDesk();
  const { jumpTo } = place;
  const acts = useActs({ conversation, dispatch, jumpTo: (seq) => jumpTo({ seq }) });
  const isGroup = "groupId" in conversation.target;
  const chat = useMemo(() => ({ conversation, me, isGroup, acts }), [conversation, me, isGroup, acts]);
  const info = useGroupInfo(conversation);
  const attempt = useAttempt();
  useRouteJump(conversation, (seq) => jumpTo({ seq }));

  // To open it is to have seen it.
  const isMarked = settings.markedUnread === true;
  useEffect(() => {
    if (isMarked) void attempt(() => conversation.configure({ markedUnread: false }));
  }, [isMarked, conversation, attempt]);

  const selected = useMemo(
    () => (desk.selection === null ? null : selectedOf(place.view.messages, desk.selection)),
    [place.view.messages, desk.selection],
  );
  const ask = (asking: Asking | null) => dispatch({ type: "ask", asking });
  return (
    <ChatContext value={chat}>
      <section className={css.pane} aria-label={name}>
        <Header onAsk={ask} />
        <PinnedBar />
        <Timeline place={place} selection={desk.selection} />
        {selected !== null ? (
          <SelectionBar selected={selected} onEnd={() => dispatch({ type: "selectNothing" })} />
        ) : (
          <Composer writing={desk.writing} info={info} dispatch={dispatch} />
        )}
        {desk.asking !== null && (
          <Asked asking={desk.asking} onJump={(ts) => jumpTo({ ts })} onClose={() => ask(null)} />
        )}
      </section>
    </ChatContext>
  );
}

function selectedOf(messages: readonly ChatMessage[], keys: ReadonlySet<string>): ChatMessage[] {
  return messages.filter(({ key }) => keys.has(key));
}

/** Follows an address that names a message, and takes the number out of it, so that it can be followed again. */
function useRouteJump(conversation: Conversation, jumpTo: (seq: number) => void): void {
  const route = useRoute();
  const seq = route.name === "conversation" && route.key === conversation.key ? route.seq : undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each number is followed once
  useEffect(() => {
    if (seq === undefined || route.name !== "conversation") return;
    const { seq: _, ...rest } = route;
    go(rest, "replace");
    jumpTo(seq);
  }, [seq]);
}

interface AskedProps {
  readonly asking: Asking;
  readonly onJump: (ts: number) => void;
  readonly onClose: () => void;
}

function Asked({ asking, onJump, onClose }: AskedProps): ReactNode {
  switch (asking.kind) {
    case "menu":
      return (
        <Suspense>
          <MessageMenu message={asking.message} anchor={asking.at} onClose={onClose} />
        </Suspense>
      );
    case "picker":
      return <Picker asking={asking} onClose={onClose} />;
    default:
      return (
        <Suspense>
          <Dialogs asking={asking} onJump={onJump} onClose={onClose} />
        </Suspense>
      );
  }
}

function Picker({ asking, onClose }: { asking: Extract<Asking, { kind: "picker" }>; onClose: () => void }): ReactNode {
  const { acts } = useChat();
  return (
    <Floating anchor={asking.at} onClose={onClose}>
      <Suspense fallback={<Loading />}>
        <EmojiPicker
          onChoose={(emoji) => {
            onClose();
            acts.react(asking.message, emoji);
          }}
        />
      </Suspense>
    </Floating>
  );
}
