// Older messages are read back while the link is cut, in each phase of that: the reading ends, nothing is missing or
// doubled, and what follows goes on as ever.
import { expect, test } from "vitest";

import type { Parlor, TimelineView } from "../../src/index.js";
import { client, contents, eventually, live, numbers, until } from "../support/client.js";
import { FaultyProxy, honest, type Meddle, type Passing } from "../support/proxy.js";
import { Server } from "../support/server.js";

const MESSAGES = 230;
const PAGE = 50;
const WS = { transports: ["websocket"] } as const;

const isQuestion = ({ way, event }: Passing) => way === "up" && event === "history";
const isAnswer = ({ way, isAck, text }: Passing) => way === "down" && isAck && text.includes('"covers"');
const isConnect = ({ way, text }: Passing) => way === "up" && text.startsWith("40");

/** Says of a packet what becomes of it, once. */
function once(fits: (passing: Passing) => boolean, how: "cut" | "cut_after"): Meddle {
  let isLeft = true;
  return (passing) => {
    if (!isLeft || !fits(passing)) return [passing.text];
    isLeft = false;
    return how;
  };
}

/** The next connections claim to be further than the log, so the server tells them to begin anew. */
function forgetful(meddle: Meddle): Meddle {
  return (passing) => {
    if (!isConnect(passing)) return meddle(passing);
    return [passing.text.replace(/"pos":\d+/, '"pos":4000000000')];
  };
}

/** What happens on the way while older messages are read; `null` if the link is down when they are asked for. */
const PHASES: [string, (() => Meddle) | null][] = [
  ["while_there_is_no_connection", null],
  ["before_the_question_arrives", () => once(isQuestion, "cut")],
  ["after_the_question_arrived", () => once(isQuestion, "cut_after")],
  ["before_the_answer_arrives", () => once(isAnswer, "cut")],
  ["after_the_answer_arrived", () => once(isAnswer, "cut_after")],
];

/** Does something while the link is cut as a phase says. */
async function during(
  { proxy, bob }: { proxy: FaultyProxy; bob: Parlor },
  phase: (() => Meddle) | null,
  act: () => Promise<void>,
  also: (meddle: Meddle) => Meddle = (meddle) => meddle,
): Promise<void> {
  const before = proxy.connections;
  if (phase === null) {
    proxy.refuse(true);
    await until(bob.status, ({ state }) => state === "offline", "the cut");
  }
  proxy.meddle = also(phase?.() ?? honest);
  const acting = act();
  if (phase === null) proxy.refuse(false);
  await acting;
  await eventually(() => proxy.connections > before && bob.status.get().state === "live", "a return");
  proxy.meddle = honest;
}

/** Bob's client behind a proxy, who was told a lot by Alice before, and has the newest page open. */
async function opened(): Promise<{ proxy: FaultyProxy; alice: Parlor; bob: Parlor }> {
  const server = await Server.start();
  const proxy = await FaultyProxy.before(server.url);
  const alice = await live(server.url, "alice");
  await Promise.all(numbers(1, MESSAGES).map((n) => alice.direct("bob").send(n).sent));
  const bob = client({ url: proxy.url, token: "bob", deviceId: "one", ...WS });
  bob.direct("alice").messages.subscribe(() => {});
  bob.connect();
  await bob.live();
  await until(bob.direct("alice").messages, (view) => view.messages.length >= PAGE && !view.isLoading, "a page");
  return { proxy, alice, bob };
}

/** Whether there is no hole in what is shown, and nothing twice. */
function isWhole({ messages }: TimelineView): boolean {
  const said = contents(messages) as number[];
  return said.every((n, index) => index === 0 || n === (said[index - 1] ?? 0) + 1);
}

async function toTheBeginning(timeline: { loadOlder: () => Promise<void>; get: () => TimelineView }): Promise<void> {
  for (let page = 0; timeline.get().hasOlder; page++) {
    expect(page, "so many pages").toBeLessThan(MESSAGES / PAGE + 2);
    await timeline.loadOlder();
    expect(timeline.get()).toSatisfy(isWhole);
  }
}

test("a_device_that_is_told_everything_shows_the_newest_page_first", async () => {
  const server = await Server.start();
  const alice = await live(server.url, "alice");
  await Promise.all(numbers(1, MESSAGES).map((n) => alice.direct("bob").send(n).sent));
  const proxy = await FaultyProxy.before(server.url);
  // The answer comes behind everything that a new device is told, as where the page is busy.
  const held: string[] = [];
  let isOver = false;
  proxy.meddle = (passing) => {
    if (passing.event === "caught_up") isOver = true;
    if (isAnswer(passing) && !isOver) {
      held.push(passing.text);
      return [];
    }
    return passing.event === "caught_up" ? [passing.text, ...held.splice(0)] : [passing.text];
  };
  const bob = client({ url: proxy.url, token: "bob", deviceId: "one", ...WS });
  const { messages } = bob.direct("alice");
  const firsts: unknown[] = [];
  messages.subscribe(() => firsts.push(messages.get().messages[0]?.content ?? null));
  bob.connect();
  await until(messages, (view) => view.messages.length > 0 && !view.isLoading, "the newest page");
  expect(firsts.filter((first) => first !== null && Number(first) < MESSAGES - PAGE)).toEqual([]);
  expect(contents(messages.get().messages)).toEqual(numbers(MESSAGES - PAGE + 1, MESSAGES));
  await eventually(() => bob.direct("alice").view.get().unread === MESSAGES, "the count");
  await toTheBeginning(messages);
  expect(contents(messages.get().messages)).toEqual(numbers(1, MESSAGES));
});

test.each(PHASES)("a_cut_%s_stalls_nothing", async (_, phase) => {
  const scene = await opened();
  const { messages } = scene.bob.direct("alice");
  const before = messages.get().messages.length;
  await during(scene, phase, async () => {
    const reading = messages.loadOlder();
    // Said while the client may be away, it is pushed on its return.
    await scene.alice.direct("bob").send(MESSAGES + 1).sent;
    await reading;
  });
  const isRead = (view: TimelineView) => view.messages.length === before + PAGE + 1 && !view.isLoading;
  const view = await until(messages, isRead, "an older page");
  expect(view.error).toBeNull();
  expect(view).toSatisfy(isWhole);
  await toTheBeginning(messages);
  expect(contents(messages.get().messages)).toEqual(numbers(1, MESSAGES + 1));
});

test.each(PHASES)("a_cut_%s_and_a_snapshot_stall_nothing", async (_, phase) => {
  const scene = await opened();
  const { bob } = scene;
  const { messages } = bob.direct("alice");
  await messages.loadOlder();
  let snapshots = 0;
  bob.on("snapshot", () => {
    snapshots += 1;
  });
  const holes: unknown[] = [];
  messages.subscribe(() => {
    const view = messages.get();
    if (view.messages.length === 0 || !isWhole(view)) holes.push(contents(view.messages));
  });
  await during(scene, phase, messages.loadOlder, forgetful);
  expect(snapshots).toBeGreaterThan(0);
  await until(messages, ({ isLoading }) => !isLoading, "rest");
  await toTheBeginning(messages);
  expect(contents(messages.get().messages)).toEqual(numbers(1, MESSAGES));
  await eventually(() => bob.direct("alice").view.get().unread === MESSAGES, "the count");
  expect(holes, "what was shown with a hole").toEqual([]);
});

test.each(PHASES)("a_cut_%s_stalls_nothing_far_back", async (_, phase) => {
  for (const way of ["loadOlder", "loadNewer"] as const) {
    const scene = await opened();
    const past = await scene.bob.direct("alice").openAt({ seq: 115 });
    const before = past.get().messages.length;
    await during(scene, phase, past[way]);
    const view = await until(past, ({ messages }) => messages.length === before + PAGE, "another page");
    expect(view).toMatchObject({ isLoading: false, error: null });
    expect(view).toSatisfy(isWhole);
    await toTheBeginning(past);
  }
});

test.each(PHASES)("a_cut_%s_and_a_snapshot_stall_nothing_far_back", async (_, phase) => {
  const scene = await opened();
  const past = await scene.bob.direct("alice").openAt({ seq: 115 });
  const holes: unknown[] = [];
  past.subscribe(() => {
    const view = past.get();
    if (view.messages.length === 0 || !isWhole(view)) holes.push(contents(view.messages));
  });
  await during(scene, phase, past.loadOlder, forgetful);
  await until(past, ({ isLoading }) => !isLoading, "rest");
  await toTheBeginning(past);
  while (past.get().hasNewer) await past.loadNewer();
  expect(contents(past.get().messages)).toEqual(numbers(1, MESSAGES));
  expect(holes, "what was shown with a hole").toEqual([]);
});
