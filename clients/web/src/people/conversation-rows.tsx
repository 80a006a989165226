// How the user wants to see a conversation, and how long its messages stay: rows that are the same for people and groups.
import type { Conversation } from "@parlor/client";
import { useConversation, useParlor } from "@parlor/react";
import { Archive, BellOff, Pin, Timer } from "lucide-react";
import type { ReactNode } from "react";
import { useAttempt } from "../app/errors.js";
import { FOR_GOOD, isForGood, momentText } from "../asking/dates.js";
import { durationText, MUTE_SECONDS, TIMER_SECONDS, withChoice } from "../asking/durations.js";
import { useLanguage, useMoreText } from "../i18n/text.js";
import { Select } from "../ui/choice.js";
import { List, ListRow, SwitchRow } from "../ui/list-row.js";

/** Muted, pinned, archived. */
export function ConversationRows({ conversation }: { conversation: Conversation }): ReactNode {
  const { settings } = useConversation(conversation);
  const text = useMoreText();
  const attempt = useAttempt();
  const set = (changed: typeof settings) => void attempt(() => conversation.configure(changed));
  return (
    <List title={text.people.conversation}>
      <MuteRow mutedUntil={settings.mutedUntil ?? 0} onChange={(mutedUntil) => set({ mutedUntil })} />
      <SwitchRow
        start={<Pin aria-hidden="true" />}
        title={text.people.pin}
        checked={settings.pinned === true}
        onChange={(pinned) => set({ pinned })}
      />
      <SwitchRow
        start={<Archive aria-hidden="true" />}
        title={text.people.archive}
        checked={settings.archived === true}
        onChange={(archived) => set({ archived })}
      />
    </List>
  );
}

function MuteRow({ mutedUntil, onChange }: { mutedUntil: number; onChange: (mutedUntil: number) => void }): ReactNode {
  const text = useMoreText();
  const language = useLanguage();
  const isMuted = mutedUntil > Date.now();
  const state = !isMuted
    ? text.people.notificationsOn
    : isForGood(mutedUntil)
      ? text.people.muted
      : text.people.mutedUntil(momentText(mutedUntil, language));
  const choices = [
    { value: "now", label: state },
    ...(isMuted ? [{ value: "on", label: text.people.unmute }] : []),
    ...MUTE_SECONDS.map((seconds) => ({
      value: String(seconds),
      label: `${text.people.muteFor}: ${seconds === null ? text.people.always : durationText(seconds, language)}`,
    })),
  ];
  return (
    <ListRow
      start={<BellOff aria-hidden="true" />}
      title={text.people.notifications}
      end={
        <Select
          label={text.people.notifications}
          value="now"
          choices={choices}
          onChange={(chosen) => {
            if (chosen === "on") onChange(0);
            else if (chosen === "null") onChange(FOR_GOOD);
            else if (chosen !== "now") onChange(Date.now() + Number(chosen) * 1_000);
          }}
        />
      }
    />
  );
}

/** How long new messages stay. Shown as a fact to who may not change it. */
export function TimerRow({
  conversation,
  mayChange,
  hint,
}: {
  conversation: Conversation;
  mayChange: boolean;
  hint: string;
}): ReactNode {
  const parlor = useParlor();
  const { id, timerSeconds } = useConversation(conversation);
  const text = useMoreText();
  const language = useLanguage();
  const attempt = useAttempt();
  const say = (seconds: number | null) => (seconds === null ? text.people.never : durationText(seconds, language));
  const choices = withChoice(TIMER_SECONDS, timerSeconds).map((seconds) => ({
    value: String(seconds),
    label: say(seconds),
  }));
  const set = (chosen: string) => {
    if (id === null) return;
    const seconds = chosen === "null" ? null : Number(chosen);
    void attempt(() => parlor.command("conversation_timer", { conversationId: id, seconds }));
  };
  return (
    <ListRow
      start={<Timer aria-hidden="true" />}
      title={text.people.timer}
      detail={hint}
      end={
        mayChange ? (
          <Select label={text.people.timer} value={String(timerSeconds)} choices={choices} onChange={set} />
        ) : (
          say(timerSeconds)
        )
      }
    />
  );
}
