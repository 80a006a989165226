// Sends a message later: at what time, and what else waits to be said in this conversation.
import type { Conversation, Json, Parlor, Schedule } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { Trash2 } from "lucide-react";
import { type FormEvent, type ReactNode, useCallback, useEffect, useId, useState } from "react";
import { useAttempt } from "../../app/errors.js";
import { useLanguage, useText } from "../../i18n/text.js";
import { Button, IconButton } from "../../ui/button.js";
import { Dialog } from "../../ui/dialog.js";
import { showToast } from "../../ui/toast.js";
import { useChat } from "../chat.js";
import { textOf } from "../content.js";
import { shortTimeOf } from "../times.js";
import { dayText } from "./date-dialog.js";
import css from "./dialogs.module.css";

const HOUR_MS = 3_600_000;

/** A time as its field writes it, by the user's clock. */
function timeText(date: Date): string {
  return `${dayText(date)}T${String(date.getHours()).padStart(2, "0")}:${String(date.getMinutes()).padStart(2, "0")}`;
}

export interface LaterDialogProps {
  /** What is to be said; `null` to see what waits alone. */
  readonly content: string | null;
  readonly onClose: () => void;
}

export function LaterDialog({ content, onClose }: LaterDialogProps): ReactNode {
  const parlor = useParlor();
  const { conversation } = useChat();
  const text = useText();
  const attempt = useAttempt();
  const language = useLanguage();
  const form = useId();
  const [when, setWhen] = useState(() => timeText(new Date(Date.now() + HOUR_MS)));
  const sendAt = new Date(when).getTime();
  const isLater = sendAt > Date.now();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (content === null || !isLater) return;
    if (!(await attempt(() => schedule(parlor, conversation, content, sendAt)))) return;
    conversation.setDraft(null);
    showToast({ text: text.conversation.scheduledFor(shortTimeOf(language, sendAt)) });
    onClose();
  };
  return (
    <Dialog
      title={content === null ? text.conversation.scheduled : text.conversation.sendLater}
      onClose={onClose}
      actions={
        content !== null && (
          <>
            <Button kind="quiet" onClick={onClose}>
              {text.common.cancel}
            </Button>
            <Button kind="primary" type="submit" form={form} disabled={!isLater}>
              {text.conversation.schedule}
            </Button>
          </>
        )
      }
    >
      {content !== null && (
        <form id={form} onSubmit={(event) => void submit(event)}>
          <input
            type="datetime-local"
            className={css.date}
            aria-label={text.conversation.when}
            value={when}
            min={timeText(new Date())}
            required
            onChange={(event) => setWhen(event.target.value)}
          />
        </form>
      )}
      <Waiting isAlone={content === null} />
    </Dialog>
  );
}

function schedule(parlor: Parlor, { target }: Conversation, content: Json, sendAt: number): Promise<unknown> {
  const clientId = crypto.randomUUID();
  return "groupId" in target
    ? parlor.command("group_message", { groupId: target.groupId, content, clientId, sendAt })
    : parlor.command("private_message", { toUserId: target.toUserId, content, clientId, sendAt });
}

/** Whether what waits is for this conversation. */
function isFor({ target }: Conversation, message: Json | undefined): boolean {
  if (typeof message !== "object" || message === null) return false;
  if ("groupId" in target) return "groupId" in message && message.groupId === target.groupId;
  return "toUserId" in message && message.toUserId === target.toUserId;
}

function saidIn(message: Json | undefined): string {
  return typeof message === "object" && message !== null && "content" in message ? textOf(message.content) : "";
}

function Waiting({ isAlone }: { isAlone: boolean }): ReactNode {
  const parlor = useParlor();
  const { conversation } = useChat();
  const text = useText();
  const language = useLanguage();
  const attempt = useAttempt();
  const [waiting, setWaiting] = useState<readonly Schedule[] | null>(null);
  const read = useCallback(
    () =>
      parlor.command("schedules", { limit: 100 }).then(
        ({ schedules }) => setWaiting(schedules.filter(({ message }) => isFor(conversation, message))),
        () => {},
      ),
    [parlor, conversation],
  );
  useEffect(() => {
    void read();
    return parlor.on("schedule", () => void read());
  }, [parlor, read]);
  if (waiting === null || waiting.length === 0) {
    return isAlone && waiting !== null ? <p className={css.explanation}>{text.conversation.nothingScheduled}</p> : null;
  }
  const cancel = async (scheduleId: string) => {
    await attempt(() => parlor.command("schedule_cancel", { scheduleId }));
    await read();
  };
  return (
    <section className={css.scheduled}>
      <h3>{text.conversation.scheduled}</h3>
      <ul>
        {waiting.map(({ scheduleId, message, sendAt = 0, state }) => (
          <li key={scheduleId}>
            <div>
              <p dir="auto">{saidIn(message)}</p>
              <small className={state === "failed" ? css.failed : undefined}>
                {state === "failed" ? text.conversation.failed : shortTimeOf(language, sendAt)}
              </small>
            </div>
            <IconButton
              label={text.conversation.cancelScheduled}
              icon={<Trash2 />}
              onClick={() => void cancel(scheduleId)}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}
