// One report: whom it is about, what they said, and what can be done.
import type { ReportLine } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { type ReactNode, useEffect, useState } from "react";
import { useAttempt } from "../app/errors.js";
import { momentText } from "../asking/dates.js";
import { textOf } from "../conversation/content.js";
import { useLanguage, useMoreText } from "../i18n/text.js";
import { PersonAvatar } from "../people/person.js";
import { usePerson } from "../people/profiles.js";
import { Button } from "../ui/button.js";
import { showToast } from "../ui/toast.js";
import { DeedDialog } from "./deed-dialog.js";
import { type Deed, type DeedFields, deedsFor, doAboutReport, isWaiting } from "./deeds.js";
import css from "./report-view.module.css";

const KEYS: Readonly<Record<string, Deed>> = { d: "dismiss", w: "warn", s: "suspend", x: "remove" };

export interface ReportViewProps {
  readonly report: ReportLine;
  /** It is in another state now. */
  readonly onChange: (report: ReportLine) => void;
  readonly onBack: () => void;
}

export function ReportView({ report, onChange, onBack }: ReportViewProps): ReactNode {
  const parlor = useParlor();
  const { moderation: text, common } = useMoreText();
  const attempt = useAttempt();
  const [asking, ask] = useState<Deed | null>(null);
  const { name } = usePerson(report.accused);
  const deeds = deedsFor(report);
  const mayTake = report.state === "open";

  const take = async () => {
    const isDone = await attempt(async () => {
      const { report: taken } = await parlor.command("report_take", { reportId: report.reportId });
      onChange(taken);
    });
    if (isDone) showToast({ text: text.taken });
  };
  const act = async (deed: Deed, fields: DeedFields) => {
    const isDone = await attempt(() => doAboutReport(parlor, report, deed, fields));
    if (!isDone) return false;
    showToast({ text: text.done[deed] });
    if (deed !== "remove") {
      const state = deed === "dismiss" ? "dismissed" : "resolved";
      onChange({ ...report, state, outcome: deed, moderator: parlor.userId ?? "", movedAt: Date.now() });
    }
    return true;
  };

  useEffect(() => {
    const keyed = (event: KeyboardEvent) => {
      const { key, target } = event;
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      if (target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]")) return;
      const deed = KEYS[key];
      const isOffered = key === "t" ? mayTake : deed !== undefined && deeds.includes(deed);
      if (!isOffered) return;
      event.preventDefault();
      if (key === "t") void take();
      else if (deed !== undefined) ask(deed);
    };
    addEventListener("keydown", keyed);
    return () => removeEventListener("keydown", keyed);
  });

  return (
    <article className={css.report} aria-label={text.about(name)}>
      <Button kind="quiet" className={css.back} onClick={onBack}>
        {common.back}
      </Button>
      <header className={css.head}>
        <PersonAvatar userId={report.accused} />
        <div>
          <h3 dir="auto">{name}</h3>
          <p>
            <bdi>{report.accused}</bdi>
          </p>
        </div>
      </header>
      {report.messageId === undefined ? (
        <p className={css.none}>{text.noMessage}</p>
      ) : (
        <blockquote className={css.message} dir="auto">
          {textOf(report.content)}
        </blockquote>
      )}
      <ReportFacts report={report} />
      {(mayTake || deeds.length > 0) && (
        <div className={css.deeds}>
          {mayTake && (
            <Button kind="primary" aria-keyshortcuts="t" onClick={() => void take()}>
              {text.take}
              <Key>T</Key>
            </Button>
          )}
          {deeds.map((deed) => (
            <DeedButton key={deed} deed={deed} onSelect={() => ask(deed)} />
          ))}
        </div>
      )}
      {asking !== null && (
        <DeedDialog deed={asking} name={name} onDo={(fields) => act(asking, fields)} onClose={() => ask(null)} />
      )}
    </article>
  );
}

function Key({ children }: { children: string }): ReactNode {
  return (
    <span className={css.key} aria-hidden="true">
      {children}
    </span>
  );
}

function DeedButton({ deed, onSelect }: { deed: Deed; onSelect: () => void }): ReactNode {
  const { moderation: text } = useMoreText();
  const key = Object.keys(KEYS).find((each) => KEYS[each] === deed);
  const isDanger = deed === "suspend" || deed === "remove";
  return (
    <Button kind={isDanger ? "danger" : "plain"} aria-keyshortcuts={key} onClick={onSelect}>
      {deed === "remove" ? text.removeMessage : text[deed]}
      {key !== undefined && <Key>{key.toUpperCase()}</Key>}
    </Button>
  );
}

/** Who reported it and why, and what has become of it. */
function ReportFacts({ report }: { report: ReportLine }): ReactNode {
  const { moderation: text, people } = useMoreText();
  const language = useLanguage();
  const { by, reason, rule, comment, at, conversationId, moderator, movedAt, outcome, note } = report;
  const reporter = usePerson(by ?? "").name;
  const mover = usePerson(moderator ?? "").name;
  const reasons: Partial<Record<string, string>> = people.reasons;
  const done: Partial<Record<string, string>> = text.done;
  const isGroup = conversationId?.startsWith("group:") === true;
  return (
    <dl className={css.facts}>
      <Fact name={text.reported}>
        {by === null ? text.byRule(rule ?? "") : text.by(reporter)}, {momentText(at, language)}
      </Fact>
      {reason !== undefined && <Fact name={text.reason}>{reasons[reason] ?? reason}</Fact>}
      {comment !== undefined && <Fact name={text.comment}>{comment}</Fact>}
      {conversationId !== undefined && (
        <Fact name={text.conversation}>
          {isGroup ? text.group : text.direct} · <bdi>{conversationId}</bdi>
        </Fact>
      )}
      {moderator !== undefined && movedAt !== undefined && (
        <Fact name={text.status}>
          {isWaiting(report)
            ? text.takenBy(mover, momentText(movedAt, language))
            : text.closedBy(mover, momentText(movedAt, language))}
        </Fact>
      )}
      {outcome !== undefined && <Fact name={text.outcome}>{done[outcome] ?? outcome}</Fact>}
      {note !== undefined && <Fact name={text.note}>{note}</Fact>}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }): ReactNode {
  return (
    <div className={css.fact}>
      <dt>{name}</dt>
      <dd dir="auto">{children}</dd>
    </div>
  );
}
