// What a moderator does about a report or a user, and what has to be filled in for it.
import type { Parlor, ReportLine } from "@parlor/client";

export type Deed = "dismiss" | "resolve" | "warn" | "suspend" | "unsuspend" | "remove";

/** What is typed for a deed. */
export interface DeedFields {
  /** What a user is told, or why they are suspended. */
  readonly text: string;
  readonly note: string;
  /** `null` for good. */
  readonly until: number | null;
}

export const NO_FIELDS: DeedFields = { text: "", note: "", until: null };

/** Whether a deed says something that has to be there. */
export function needsText(deed: Deed): boolean {
  return deed === "warn" || deed === "suspend";
}

export type DeedFault = "text" | "until";

/** What is missing, or makes no sense. */
export function deedFaults(deed: Deed, { text, until }: DeedFields, now: number): DeedFault[] {
  const faults: DeedFault[] = [];
  if (needsText(deed) && text.trim() === "") faults.push("text");
  if (deed === "suspend" && until !== null && until <= now) faults.push("until");
  return faults;
}

/** Whether a report still waits for somebody. */
export function isWaiting({ state }: Pick<ReportLine, "state">): boolean {
  return state === "open" || state === "taken";
}

/** What can be done about a report, in the order of its buttons. */
export function deedsFor(report: ReportLine): Deed[] {
  const remove: Deed[] = report.messageId === undefined ? [] : ["remove"];
  return isWaiting(report) ? [...remove, "warn", "suspend", "resolve", "dismiss"] : remove;
}

function noted(note: string): { note?: string } {
  return note.trim() === "" ? {} : { note: note.trim() };
}

/** Does something about a report. A message is removed beside it: that closes nothing. */
export function doAboutReport(parlor: Parlor, report: ReportLine, deed: Deed, fields: DeedFields): Promise<unknown> {
  const { reportId, messageId } = report;
  const note = noted(fields.note);
  const text = fields.text.trim();
  switch (deed) {
    case "dismiss":
    case "resolve":
      return parlor.command("report_resolve", { reportId, action: deed, ...note });
    case "warn":
      return parlor.command("report_resolve", { reportId, action: deed, text, ...note });
    case "suspend": {
      const until = fields.until === null ? {} : { until: fields.until };
      return parlor.command("report_resolve", { reportId, action: deed, reason: text, ...until, ...note });
    }
    case "remove":
      return parlor.command("message_remove", { messageId: messageId ?? "", ...note });
    case "unsuspend":
      return parlor.command("unsuspend", { userId: report.accused, ...note });
  }
}

/** Does something about a user without a report. `clientId` is the same for each try. */
export function doAboutUser(
  parlor: Parlor,
  userId: string,
  deed: "warn" | "suspend" | "unsuspend",
  fields: DeedFields,
  clientId: string,
): Promise<unknown> {
  const note = noted(fields.note);
  const text = fields.text.trim();
  switch (deed) {
    case "warn":
      return parlor.command("warn", { userId, text, clientId, ...note });
    case "suspend":
      return parlor.command("suspend", {
        userId,
        reason: text,
        ...(fields.until === null ? {} : { until: fields.until }),
        ...note,
      });
    case "unsuspend":
      return parlor.command("unsuspend", { userId, ...note });
  }
}
