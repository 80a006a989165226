// The messages that are said later: kept by the server, the same on all devices.
import type { Json, Parlor, Schedule } from "@parlor/client";
import { allPages, Kept, perClient } from "../asking/kept.js";

const PAGE = 100;
export const AHEAD_MAX_MS = 365 * 86_400_000;

type Schedules = ReadonlyMap<string, Schedule>;

function taken(all: Schedules, schedule: Schedule): Schedules {
  const rest = new Map(all);
  if (schedule.scheduled) rest.set(schedule.scheduleId, schedule);
  else rest.delete(schedule.scheduleId);
  return rest;
}

export const schedulesOf = perClient(
  (parlor) =>
    new Kept<Schedules>(parlor, {
      read: async () => {
        const all = await allPages(async (cursor) => {
          const page = await parlor.command("schedules", { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
          return { items: page.schedules, cursor: page.cursor };
        });
        return new Map(all.map((schedule) => [schedule.scheduleId, schedule]));
      },
      listen: (hear) => parlor.on("schedule", (schedule) => hear((all) => taken(all, schedule))),
    }),
);

/** Takes one back. */
export function cancelSchedule(parlor: Parlor, { scheduleId, at }: Schedule): Promise<unknown> {
  return schedulesOf(parlor).change(
    (all) => taken(all, { scheduleId, scheduled: false, at }),
    () => parlor.command("schedule_cancel", { scheduleId }),
  );
}

/** Changes when it is said, and what. */
export function changeSchedule(
  parlor: Parlor,
  schedule: Schedule,
  change: { readonly sendAt?: number; readonly content?: Json },
): Promise<unknown> {
  const { scheduleId } = schedule;
  const { code: _, ...rest } = schedule;
  const message = change.content === undefined ? schedule.message : { ...sent(schedule), content: change.content };
  const changed: Schedule = {
    ...rest,
    state: "waiting",
    ...(message === undefined ? {} : { message }),
    ...(change.sendAt === undefined ? {} : { sendAt: change.sendAt }),
  };
  return schedulesOf(parlor).change(
    (all) => taken(all, changed),
    () => parlor.command("schedule_set", { scheduleId, ...change }),
  );
}

/** What was sent: whom to, and what. */
export interface ScheduledMessage {
  readonly toUserId?: string;
  readonly groupId?: string;
  readonly content?: Json;
}

export function sent({ message }: Schedule): ScheduledMessage {
  return typeof message === "object" && message !== null && !Array.isArray(message)
    ? (message as ScheduledMessage)
    : {};
}

/** Why a moment is no good for a message to be said at. */
export function momentFault(sendAt: number | null, now: number): "past" | "far" | null {
  if (sendAt === null || sendAt <= now) return "past";
  return sendAt > now + AHEAD_MAX_MS ? "far" : null;
}
