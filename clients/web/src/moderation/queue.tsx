// The reports: a list to go through, and the one that is looked at. Keys: J and K go on and back, T takes,
// D dismisses, W warns, S suspends, X removes the message.
import type { ReportLine } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { Flag } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { useErrorText } from "../app/errors.js";
import { useEvent, usePaged } from "../asking/asked.js";
import { distanceText } from "../asking/dates.js";
import { textOf } from "../conversation/content.js";
import { useLanguage, useMoreText } from "../i18n/text.js";
import { usePerson } from "../people/profiles.js";
import { Button } from "../ui/button.js";
import { Select } from "../ui/choice.js";
import { EmptyState } from "../ui/empty-state.js";
import { showToast } from "../ui/toast.js";
import { SkeletonRows } from "../ui/wait.js";
import { isWaiting } from "./deeds.js";
import css from "./queue.module.css";
import { ReportView } from "./report-view.js";

const PAGE = 50;
const STATES = ["waiting", "open", "taken", "resolved", "dismissed"] as const;
type State = (typeof STATES)[number];

/** Whether somebody writes there, or a dialog is open. */
function isBusyElsewhere(target: EventTarget | null): boolean {
  if (document.querySelector("dialog[open]") !== null) return true;
  return target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null;
}

export function Queue(): ReactNode {
  const parlor = useParlor();
  const { moderation: text, common } = useMoreText();
  const words = useErrorText();
  const [state, setState] = useState<State>("waiting");
  const [chosenId, choose] = useState<string | null>(null);
  const reports = usePaged<ReportLine>(state, async (cursor) => {
    const page = await parlor.command("reports", {
      limit: PAGE,
      ...(state === "waiting" ? {} : { state }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    return { items: page.reports, cursor: page.cursor };
  });
  const { items, hasMore, isLoading, error, loadMore, reload, change } = reports;
  useEvent("report", (report) => {
    showToast({ text: text.newReport });
    if (state !== "waiting" && state !== "open") return;
    change((before) => [...before.filter(({ reportId }) => reportId !== report.reportId), report]);
  });
  const at = items.findIndex(({ reportId }) => reportId === chosenId);
  const chosen = items[at] ?? null;

  useEffect(() => {
    const keyed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isBusyElsewhere(event.target)) return;
      const step = event.key === "j" ? 1 : event.key === "k" ? -1 : 0;
      const next = items[at === -1 ? 0 : at + step];
      if (step === 0 || next === undefined) return;
      event.preventDefault();
      choose(next.reportId);
    };
    addEventListener("keydown", keyed);
    return () => removeEventListener("keydown", keyed);
  }, [items, at]);

  // What was closed leaves the list of what waits, and the next one comes up.
  const changed = (report: ReportLine) => {
    const staysIn = state === report.state || (state === "waiting" && isWaiting(report));
    change((before) =>
      staysIn
        ? before.map((other) => (other.reportId === report.reportId ? report : other))
        : before.filter(({ reportId }) => reportId !== report.reportId),
    );
    if (!staysIn) choose(items[at + 1]?.reportId ?? items[at - 1]?.reportId ?? null);
  };

  return (
    <div className={css.queue} data-open={chosen !== null}>
      <div className={css.side}>
        <div className={css.filter}>
          <span aria-hidden="true">{text.show}</span>
          <Select
            label={text.show}
            value={state}
            choices={STATES.map((value) => ({ value, label: text.states[value] }))}
            onChange={(value) => {
              setState(value);
              choose(null);
            }}
          />
        </div>
        {items.length > 0 ? (
          <ul className={css.list} aria-label={text.reports}>
            {items.map((report) => (
              <ReportRow
                key={report.reportId}
                report={report}
                isChosen={report.reportId === chosenId}
                onChoose={() => choose(report.reportId)}
              />
            ))}
          </ul>
        ) : error !== null ? (
          <EmptyState title={words(error)} action={<Button onClick={reload}>{common.tryAgain}</Button>} />
        ) : isLoading ? (
          <SkeletonRows rows={4} />
        ) : (
          <EmptyState
            icon={<Flag />}
            title={state === "waiting" ? text.empty : text.emptyState}
            hint={state === "waiting" ? text.emptyHint : undefined}
          />
        )}
        {hasMore && (
          <Button kind="quiet" disabled={isLoading} onClick={loadMore}>
            {text.showMore}
          </Button>
        )}
      </div>
      <div className={css.main}>
        {chosen === null ? (
          items.length > 0 && <EmptyState icon={<Flag />} title={text.choose} hint={text.chooseHint} />
        ) : (
          <ReportView key={chosen.reportId} report={chosen} onChange={changed} onBack={() => choose(null)} />
        )}
      </div>
    </div>
  );
}

interface ReportRowProps {
  readonly report: ReportLine;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}

function ReportRow({ report, isChosen, onChoose }: ReportRowProps): ReactNode {
  const { moderation: text, people } = useMoreText();
  const language = useLanguage();
  const { name } = usePerson(report.accused);
  const reasons: Partial<Record<string, string>> = people.reasons;
  const { reason, rule, state, at, content } = report;
  const states: Partial<Record<string, string>> = text.states;
  return (
    <li>
      <button type="button" className={css.row} aria-current={isChosen} onClick={onChoose}>
        <span className={css.top}>
          <bdi className={css.name}>{name}</bdi>
          <time dateTime={new Date(at).toISOString()}>{distanceText(at, Date.now(), language)}</time>
        </span>
        <span className={css.said} dir="auto">
          {content === undefined ? text.noMessage : textOf(content)}
        </span>
        <span className={css.tags}>
          <span className={css.tag} data-state={state}>
            {states[state] ?? state}
          </span>
          <span className={css.tag}>{rule === undefined ? (reasons[reason ?? ""] ?? reason) : text.byRule(rule)}</span>
        </span>
      </button>
    </li>
  );
}
