// Cuts in every phase, kills, repeats, losses and disorder on the way: nothing acked is lost, doubled or out
// of order, in the log and in what clients show.
import { expect, test } from "vitest";

import { isRefused } from "../../src/index.js";
import { client, contents, eventually, live, numbers, until } from "../support/client.js";
import { judge, log } from "../support/judge.js";
import { FaultyProxy, honest, type Meddle, type Passing } from "../support/proxy.js";
import { Server } from "../support/server.js";
import { Witness } from "../support/witness.js";

const WS = { transports: ["websocket"] } as const;

/** Cuts the first so many times that a packet fits. */
function cuts(
  times: number,
  fits: (passing: Passing) => boolean,
  how: "cut" | "cut_after",
): Meddle & { left: () => number } {
  let left = times;
  const meddle = (passing: Passing) => {
    if (left === 0 || !fits(passing)) return [passing.text];
    left -= 1;
    return how;
  };
  return Object.assign(meddle, { left: () => left });
}

const heard = (event: string) => (passing: Passing) => passing.way === "down" && passing.event === event;
const said = (event: string) => (passing: Passing) => passing.way === "up" && passing.event === event;
const isConnect = ({ way, text }: Passing) => way === "up" && text.startsWith("40");
/** On connections after the first one. */
const again = (fits: (passing: Passing) => boolean) => (passing: Passing) => passing.connection > 2 && fits(passing);

const PHASES: [string, (passing: Passing) => boolean, "cut" | "cut_after"][] = [
  ["before_the_connect_arrives", isConnect, "cut"],
  ["after_the_connect_arrived", isConnect, "cut_after"],
  ["before_ready", heard("ready"), "cut"],
  ["after_ready", heard("ready"), "cut_after"],
  ["before_caught_up", heard("caught_up"), "cut"],
  ["after_caught_up", heard("caught_up"), "cut_after"],
  ["before_what_moved", heard("moved"), "cut"],
  ["after_what_moved", heard("moved"), "cut_after"],
  ["before_a_message_arrives", said("private_message"), "cut"],
  ["after_a_message_arrived", said("private_message"), "cut_after"],
  ["before_an_answer", ({ way, isAck }) => way === "down" && isAck, "cut"],
  ["before_a_push", heard("private_message"), "cut"],
  ["after_a_push", heard("private_message"), "cut_after"],
  ["before_a_question", said("history"), "cut"],
  ["before_a_push_while_coming_back", again(heard("private_message")), "cut"],
  ["before_the_list_is_asked_for", said("conversations"), "cut"],
];

test.each(PHASES)("a_cut_%s_loses_and_doubles_nothing", async (_, fits, how) => {
  const server = await Server.start();
  const proxy = await FaultyProxy.before(server.url);
  const meddle = cuts(3, fits, how);
  proxy.meddle = meddle;
  const [alice, bob] = ["alice", "bob"].map((token) => client({ url: proxy.url, token, deviceId: "one", ...WS }));
  if (!alice || !bob) throw new Error("two clients");
  const witnesses = [new Witness(alice.direct("bob"), "alice"), new Witness(bob.direct("alice"), "bob")];
  alice.connect();
  bob.connect();
  const sends: { content: string; sent: Promise<unknown> }[] = [];
  for (const n of numbers(1, 12)) {
    for (const [who, other] of [
      [alice, "bob"],
      [bob, "alice"],
    ] as const) {
      const content = `${n} to ${other}`;
      sends.push({ content, sent: who.direct(other).send(content).sent });
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
    // So that everything that happens at a return happens.
    if (n % 4 === 0) proxy.cut();
  }
  const acks = await Promise.all(sends.map(async ({ content, sent }) => ({ content, sent: (await sent) as never })));
  for (const who of [alice, bob]) {
    const { messages } = who === alice ? alice.direct("bob") : bob.direct("alice");
    await until(messages, ({ messages, isLoading }) => messages.length === 24 && !isLoading, "all messages");
  }
  if (fits !== said("history")) proxy.meddle = honest;
  const reader = await live(server.url, "alice", { deviceId: "reader" });
  judge(await log(reader, "dm:alice:bob"), acks, witnesses);
});

test("each_phase_is_really_cut", async () => {
  const server = await Server.start();
  for (const [name, fits, how] of PHASES) {
    const proxy = await FaultyProxy.before(server.url);
    const meddle = cuts(1, fits, how);
    proxy.meddle = meddle;
    const user = `u-${name}`.slice(0, 60);
    const alice = client({ url: proxy.url, token: user, deviceId: "one", ...WS });
    const bob = client({ url: server.url, token: `${user}-b`, deviceId: "one", ...WS });
    alice.connect();
    bob.connect();
    alice.direct(`${user}-b`).messages.subscribe(() => {});
    await alice.direct(`${user}-b`).send("one").sent;
    await bob.direct(user).send("two").sent;
    await until(alice.direct(`${user}-b`).messages, ({ messages }) => messages.length === 2, "both");
    // Each message is missed, and heard of on a return.
    for (const n of numbers(3, 5)) {
      const before = proxy.connections;
      proxy.cut();
      await bob.direct(user).send(`number ${n}`).sent;
      await eventually(() => proxy.connections > before && alice.status.get().state === "live", "a return");
    }
    await until(alice.direct(`${user}-b`).messages, ({ messages }) => messages.length === 5, "all");
    await eventually(() => meddle.left() === 0, `a cut ${name}`);
    alice.close();
    bob.close();
  }
});

test.each([["websocket"], ["polling"]] as const)(
  "kills_of_the_server_lose_and_double_nothing_over_%s",
  async (transport) => {
    const server = await Server.start();
    const names = ["alice", "bob"] as const;
    const [alice, bob] = names.map((token) =>
      client({ url: server.url, token, deviceId: "one", transports: [transport] }),
    );
    if (!alice || !bob) throw new Error("two clients");
    const witnesses = [new Witness(alice.direct("bob"), "alice"), new Witness(bob.direct("alice"), "bob")];
    alice.connect();
    bob.connect();
    const acks: Promise<{ content: unknown; sent: never }>[] = [];
    let isOver = false;
    const talking = (async () => {
      for (let n = 1; !isOver; n++) {
        for (const [who, other] of [
          [alice, "bob"],
          [bob, "alice"],
        ] as const) {
          const content = `${n} to ${other}`;
          acks.push(
            who
              .direct(other)
              .send(content)
              .sent.then((sent) => ({ content, sent: sent as never })),
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
    })();
    for (let kills = 0; kills < 3; kills++) {
      const before = witnesses[1]?.firsts.length ?? 0;
      await eventually(() => (witnesses[1]?.firsts.length ?? 0) >= before + 15, "some messages");
      await server.restart();
    }
    isOver = true;
    await talking;
    const settled = await Promise.all(acks);
    for (const who of [alice.direct("bob"), bob.direct("alice")]) {
      await until(who.messages, (view) => view.messages.length === settled.length && !view.isLoading, "all messages");
    }
    const reader = await live(server.url, "alice", { deviceId: "reader" });
    judge(await log(reader, "dm:alice:bob"), settled, witnesses);
  },
);

test.each(["direct", "group"] as const)(
  "repeats_losses_and_disorder_on_the_way_are_mended_in_a_%s_conversation",
  async (kind) => {
    const server = await Server.start();
    const proxy = await FaultyProxy.before(server.url);
    const seed = Math.floor(Math.random() * 2 ** 31);
    let state = seed;
    const chance = () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return state / 0x7fffffff;
    };
    const alice = await live(server.url, "alice");
    const bob = await live(proxy.url, "bob", WS);
    const { groupId } = await alice.command("group_create", { name: "Owls", members: ["bob"] });
    const [mine, theirs] =
      kind === "group" ? [alice.group(groupId), bob.group(groupId)] : [alice.direct("bob"), bob.direct("alice")];
    await mine.send("first").sent;
    await until(theirs.messages, ({ messages }) => messages.length === 1, "the first");
    let held: string[] = [];
    const count = { repeated: 0, swapped: 0, lost: 0 };
    proxy.meddle = ({ way, event, text }) => {
      if (way !== "down" || !["private_message", "group_message", "entry"].includes(event ?? "")) return [text];
      const dice = chance();
      if (dice < 0.15) {
        count.repeated += 1;
        return [text, text];
      }
      if (dice < 0.3) {
        count.swapped += 1;
        held.push(text);
        return [];
      }
      if (dice < 0.4) {
        count.lost += 1;
        return [];
      }
      const all = [text, ...held.reverse()];
      held = [];
      return all;
    };
    const seen = new Set<number>();
    const disorder: string[] = [];
    let last = 0;
    theirs.messages.subscribe(() => {
      for (const message of theirs.messages.get().messages) {
        if (message.state !== "sent" || seen.has(message.seq)) continue;
        if (message.seq < last) disorder.push(`${message.seq} behind ${last}`);
        last = message.seq;
        seen.add(message.seq);
      }
    });
    const ids: string[] = [];
    for (const n of numbers(1, 120)) {
      const dice = chance();
      const id = ids[Math.floor(chance() * ids.length)];
      if (id === undefined || dice < 0.4) ids.push((await mine.send(n).sent).id);
      else if (dice < 0.5) await mine.edit(id, `edit ${n}`).catch(deletedAlready);
      else if (dice < 0.55) await mine.delete(id).catch(deletedAlready);
      else if (dice < 0.8) await mine.react(id, dice < 0.65 ? "👍" : "🎉").catch(deletedAlready);
      else if (dice < 0.9) await mine.unreact(id, "👍").catch(deletedAlready);
      else await theirs.react(id, "👍").catch(deletedAlready);
    }
    proxy.meddle = honest;
    await mine.send("last").sent;
    await until(
      theirs.messages,
      (view) => view.messages.at(-1)?.content === "last" && !view.isLoading,
      `all (seed ${seed})`,
    );
    const reader = await live(server.url, "bob", { deviceId: "reader" });
    const stored = await log(reader, mine.id ?? "");
    const plain = (messages: readonly object[]) => messages.map((message) => ({ ...message, ...NOT_COMPARED }));
    expect(plain(theirs.messages.get().messages), `seed ${seed}`).toEqual(plain(stored));
    expect([disorder, new Set(stored.map(({ id }) => id)).size], `seed ${seed}`).toEqual([[], ids.length + 2]);
    expect(Math.min(count.repeated, count.swapped, count.lost), `seed ${seed}`).toBeGreaterThan(0);
    expect(theirs.view.get().unread).toBe(stored.length);
  },
);

/** What only one of the two has. */
const NOT_COMPARED = { pos: null, state: null, key: null };

function deletedAlready(error: unknown): void {
  if (!isRefused(error, "message_deleted")) throw error;
}

test("a_lost_end_is_noticed_when_nothing_more_is_said", async () => {
  const server = await Server.start();
  const proxy = await FaultyProxy.before(server.url);
  const alice = await live(server.url, "alice");
  const bob = await live(proxy.url, "bob", WS);
  const { messages } = bob.direct("alice");
  messages.subscribe(() => {});
  await alice.direct("bob").send("one").sent;
  await until(messages, (view) => view.messages.length === 1, "the first");
  let lost = 0;
  proxy.meddle = ({ way, event, text }) => {
    if (way === "down" && event === "private_message") {
      lost += 1;
      return [];
    }
    return [text];
  };
  await alice.direct("bob").send("two").sent;
  await eventually(() => lost === 1, "the loss");
  const view = await until(messages, ({ messages }) => messages.length === 2, "the lost one");
  expect(contents(view.messages)).toEqual(["one", "two"]);
});

test("a_server_that_is_stopped_in_peace_is_come_back_to_when_it_says", async () => {
  const server = await Server.start();
  const alice = await live(server.url, "alice");
  const states: string[] = [];
  alice.status.subscribe(() => {
    const { state, reason } = alice.status.get();
    states.push(`${state} ${reason}`);
  });
  const closing: number[] = [];
  alice.on("closing", ({ code, retryAfterMs }) => {
    expect(code).toBe("shutting_down");
    closing.push(retryAfterMs ?? 0);
  });
  await server.terminate();
  const offline = await until(alice.status, ({ state }) => state === "offline", "the end");
  expect(offline).toMatchObject({ reason: "shutting_down", error: { code: "shutting_down" } });
  expect(offline.retryInMs).toBeGreaterThanOrEqual(closing[0] ?? Number.POSITIVE_INFINITY);
  const waiting = alice.direct("bob").send("while away");
  await server.run();
  await waiting.sent;
  await eventually(() => states.at(-1) === "live null", "the return to be told");
});
