// The messages that are said later: when, and what became of those that could not be.
import type { Schedule } from "@parlor/client";
import { useConversation, useObservable, useParlor } from "@parlor/react";
import { CalendarClock, Pencil, Trash2 } from "lucide-react";
import { type FormEvent, type ReactNode, useId, useState } from "react";
import { useAttempt } from "../app/errors.js";
import { momentOf, momentText, momentValue } from "../asking/dates.js";
import { textOf } from "../conversation/content.js";
import { useLanguage, useMoreText } from "../i18n/text.js";
import panel from "../people/panel.module.css";
import { usePerson } from "../people/profiles.js";
import { Button, IconButton } from "../ui/button.js";
import { ConfirmDialog } from "../ui/confirm-dialog.js";
import { Dialog } from "../ui/dialog.js";
import { EmptyState } from "../ui/empty-state.js";
import { TextArea, TextField } from "../ui/field.js";
import { List } from "../ui/list-row.js";
import { showToast } from "../ui/toast.js";
import { Loading } from "../ui/wait.js";
import { Frame } from "./page-frame.js";
import { cancelSchedule, changeSchedule, momentFault, schedulesOf, sent } from "./scheduled.js";
import css from "./scheduled-page.module.css";

export function ScheduledPage(): ReactNode {
  const { settings: text } = useMoreText();
  const { value } = useObservable(schedulesOf(useParlor()));
  const all = [...(value?.values() ?? [])].sort((a, b) => (a.sendAt ?? 0) - (b.sendAt ?? 0));
  return (
    <Frame title={text.pages.scheduled}>
      {value === null && <Loading />}
      {value?.size === 0 && (
        <EmptyState icon={<CalendarClock />} title={text.scheduledEmpty} hint={text.scheduledEmptyHint} />
      )}
      {all.length > 0 && (
        <List>
          {all.map((schedule) => (
            <ScheduleRow key={schedule.scheduleId} schedule={schedule} />
          ))}
        </List>
      )}
    </Frame>
  );
}

function ScheduleRow({ schedule }: { schedule: Schedule }): ReactNode {
  const parlor = useParlor();
  const { settings: text, errors } = useMoreText();
  const language = useLanguage();
  const attempt = useAttempt();
  const [asking, ask] = useState<"edit" | "cancel" | null>(null);
  const { state, code, sendAt = 0 } = schedule;
  const known: Partial<Record<string, string>> = errors.codes;
  const cancel = () =>
    attempt(async () => {
      await cancelSchedule(parlor, schedule);
      showToast({ text: text.cancelled });
    });
  return (
    <li className={css.row}>
      <span className={css.text}>
        <span className={css.to}>
          <Recipient schedule={schedule} />
        </span>
        <span className={css.body} dir="auto">
          {textOf(sent(schedule).content)}
        </span>
        {state === "failed" ? (
          <span className={css.failed}>
            {text.scheduledFailed}. {known[code ?? ""] ?? errors.other}
          </span>
        ) : (
          <span className={css.when}>{text.scheduledFor(momentText(sendAt, language))}</span>
        )}
      </span>
      <IconButton label={text.edit} icon={<Pencil />} onClick={() => ask("edit")} />
      <IconButton label={text.cancelMessage} icon={<Trash2 />} onClick={() => ask("cancel")} />
      {asking === "edit" && <EditDialog schedule={schedule} onClose={() => ask(null)} />}
      {asking === "cancel" && (
        <ConfirmDialog
          title={text.cancelTitle}
          action={text.cancelMessage}
          isDanger
          onConfirm={() => void cancel()}
          onClose={() => ask(null)}
        >
          {text.cancelHint}
        </ConfirmDialog>
      )}
    </li>
  );
}

function Recipient({ schedule }: { schedule: Schedule }): ReactNode {
  const { toUserId, groupId } = sent(schedule);
  return groupId === undefined ? <ToPerson userId={toUserId ?? ""} /> : <ToGroup groupId={groupId} />;
}

function ToPerson({ userId }: { userId: string }): ReactNode {
  const { settings: text } = useMoreText();
  return text.scheduledTo(usePerson(userId).name);
}

function ToGroup({ groupId }: { groupId: string }): ReactNode {
  const { settings: text } = useMoreText();
  return text.scheduledTo(useConversation(useParlor().group(groupId)).name);
}

function EditDialog({ schedule, onClose }: { schedule: Schedule; onClose: () => void }): ReactNode {
  const parlor = useParlor();
  const { settings: text, common } = useMoreText();
  const attempt = useAttempt();
  const form = useId();
  const { content } = sent(schedule);
  const [said, setSaid] = useState(() => textOf(content));
  const [when, setWhen] = useState(() => momentValue(schedule.sendAt ?? Date.now()));
  const [isTried, setTried] = useState(false);
  const sendAt = momentOf(when);
  const fault = momentFault(sendAt, Date.now());
  // What is no plain text is not rewritten here.
  const isText = typeof content === "string";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    const isEmpty = isText && said.trim() === "";
    if (fault !== null || sendAt === null || isEmpty) return;
    onClose();
    const isChanged = isText && said !== content;
    void attempt(() => changeSchedule(parlor, schedule, { sendAt, ...(isChanged ? { content: said } : {}) }));
  };
  return (
    <Dialog
      title={text.edit}
      onClose={onClose}
      actions={
        <>
          <Button kind="quiet" onClick={onClose}>
            {common.cancel}
          </Button>
          <Button kind="primary" type="submit" form={form}>
            {common.save}
          </Button>
        </>
      }
    >
      <form id={form} className={panel.form} onSubmit={submit}>
        {isText && <TextArea label={text.text} value={said} onChange={setSaid} />}
        <TextField
          label={text.sendAt}
          type="datetime-local"
          value={when}
          error={isTried && fault !== null ? (fault === "past" ? text.momentPast : text.momentFar) : null}
          onChange={setWhen}
        />
      </form>
    </Dialog>
  );
}
