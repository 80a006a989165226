// What a client that was away learns when it comes back, and what it forgets when the server says so.
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

import { contents, eventually, live, numbers, until } from "../support/client.js";
import { judge, log } from "../support/judge.js";
import { FaultyProxy, honest } from "../support/proxy.js";
import { Server } from "../support/server.js";
import { Witness } from "../support/witness.js";

const WS = { transports: ["websocket"] } as const;

test("what_was_missed_in_a_short_absence_is_pushed_behind_the_position", async () => {
  const server = await Server.start();
  const proxy = await FaultyProxy.before(server.url);
  const asked: string[] = [];
  proxy.meddle = ({ way, event, text }) => {
    if (way === "up" && text.startsWith("40")) asked.push(text);
    if (way === "up" && event !== null) asked.push(event);
    return [text];
  };
  const [alice, bob] = [await live(server.url, "alice"), await live(proxy.url, "bob", WS)];
  const [toBob, toAlice] = [alice.direct("bob"), bob.direct("alice")];
  const witness = new Witness(toAlice, "bob");
  const first = await toBob.send("first").sent;
  const mine = await toAlice.send("mine").sent;
  await until(toAlice.messages, ({ messages, isLoading }) => messages.length === 2 && !isLoading, "both");
  proxy.refuse(true);
  await until(bob.status, ({ state }) => state === "offline", "the cut");
  asked.length = 0;
  const more = await Promise.all(numbers(3, 40).map((n) => toBob.send(n).sent));
  await toBob.edit(first.id, "first, edited");
  await toBob.react(mine.id, "👍");
  await toBob.pin(mine.id);
  await toBob.delete(more[0]?.id ?? "");
  toBob.markRead();
  const elsewhere = await live(server.url, "bob", { deviceId: "bob-2" });
  await elsewhere.direct("alice").send("from elsewhere").sent;
  await until(toBob.messages, ({ messages }) => messages.length === 41, "that too");
  proxy.refuse(false);
  await bob.live();
  const view = await until(toAlice.messages, ({ messages, isLoading }) => messages.length === 41 && !isLoading, "all");
  expect(contents(view.messages)).toEqual(["first, edited", "mine", undefined, ...numbers(4, 40), "from elsewhere"]);
  expect(view.messages[1]).toMatchObject({ reactions: [{ emoji: "👍", count: 1, mine: false }], pinned: true });
  expect(view.messages[2]).toMatchObject({ deleted: true });
  await until(toAlice.view, () => toAlice.receiptOf(mine) === "read", "the mark");
  expect(toAlice.view.get()).toMatchObject({ unread: 39, lastMessage: { content: "from elsewhere" } });
  expect(asked[0]).toContain('"resume"');
  expect(
    asked.filter((event) => event === "history"),
    "nothing had to be read back",
  ).toEqual([]);
  expect(witness.seqs).toEqual([...witness.seqs].sort((a, b) => a - b));
});

test("after_too_long_an_absence_everything_is_read_anew", async () => {
  const server = await Server.start();
  const proxy = await FaultyProxy.before(server.url);
  const [alice, bob] = [await live(server.url, "alice"), await live(proxy.url, "bob", WS)];
  const { messages } = bob.direct("alice");
  messages.subscribe(() => {});
  await alice.direct("bob").send(0).sent;
  await until(messages, (view) => view.messages.length === 1, "the first");
  let snapshots = 0;
  bob.on("snapshot", ({ reason }) => {
    expect(reason).toBe("too_far");
    snapshots += 1;
  });
  proxy.refuse(true);
  const sends = numbers(1, 1_100).map((n) =>
    alice.command("private_message", { toUserId: "bob", content: n, clientId: `n-${n}` }),
  );
  await Promise.all(sends);
  const shownMeanwhile = messages.get().messages.length;
  // The first return ends before everything was read, so the next one has to begin anew.
  let caughtUps = 0;
  proxy.meddle = ({ way, event, text }) => {
    if (way === "up" && event === "conversations") return [];
    if (way === "down" && event === "caught_up") caughtUps += 1;
    return [text];
  };
  const states: string[] = [];
  const end = bob.status.subscribe(() => states.push(bob.status.get().state));
  proxy.refuse(false);
  await eventually(() => caughtUps === 1 && snapshots === 1, "the first return");
  const before = states.length;
  proxy.cut();
  await eventually(() => states.indexOf("offline", before) !== -1, "the cut");
  expect([snapshots, states.includes("live")]).toEqual([1, false]);
  proxy.meddle = honest;
  end();
  await until(bob.status, ({ state }) => state === "live", "the return");
  expect([snapshots, shownMeanwhile]).toEqual([2, 1]);
  const view = await until(messages, (now) => now.messages.at(-1)?.content === 1_100, "the newest page");
  expect(contents(view.messages)).toEqual(numbers(1_051, 1_100));
  expect(bob.conversations.get().conversations).toMatchObject([{ unread: 1_101, lastMessage: { content: 1_100 } }]);
  for (let more = true; more; more = messages.get().hasOlder) await messages.loadOlder();
  expect(contents(messages.get().messages)).toEqual(numbers(0, 1_100));
  await alice.direct("bob").send("on").sent;
  await until(messages, (now) => now.messages.at(-1)?.content === "on", "what is said next");
});

test("a_server_that_was_restored_is_read_anew_and_nothing_of_its_former_life_is_shown", async () => {
  const server = await Server.start();
  const [alice, bob] = [await live(server.url, "alice"), await live(server.url, "bob")];
  const [toBob, toAlice] = [alice.direct("bob"), bob.direct("alice")];
  for (const { messages } of [toBob, toAlice]) messages.subscribe(() => {});
  await Promise.all(["kept 1", "kept 2"].map((text) => toBob.send(text).sent));
  await mkdir(join(server.data, "copies"));
  await server.tool("backup", "--data", server.data, "--to", `${server.data}/copies`);
  const [copy] = await readdir(`${server.data}/copies`);
  await Promise.all(["gone 1", "gone 2", "gone 3"].map((text) => toBob.send(text).sent));
  await until(toAlice.messages, ({ messages }) => messages.length === 5, "all five");
  await server.kill();
  await server.tool("restore", "--from", join(server.data, "copies", copy ?? ""), "--data", server.data, "--replace");
  const waiting = toAlice.send("new life");
  await server.run();
  await Promise.all([alice.live(), bob.live()]);
  const sent = await waiting.sent;
  for (const { messages } of [toBob, toAlice]) {
    const view = await until(messages, (now) => now.messages.length === 3 && !now.isLoading, "the new life");
    expect(contents(view.messages)).toEqual(["kept 1", "kept 2", "new life"]);
  }
  judge(await log(alice, "dm:alice:bob"), [{ content: "new life", sent }], []);
});

test("clocks_that_jump_change_nothing", async () => {
  const server = await Server.start();
  const [alice, bob] = [await live(server.url, "alice"), await live(server.url, "bob")];
  const witness = new Witness(bob.direct("alice"), "bob");
  const real = Date.now;
  const acks = [];
  try {
    // Hours and years, back and forth; a key of 40 days ago would be refused as stale.
    for (const days of [0, -40, 40, -4_000, 0.1, 4_000, -0.1]) {
      Date.now = () => real() + days * 86_400_000;
      for (const n of numbers(1, 3)) {
        const content = `${n} at ${days}`;
        acks.push({ content, sent: await alice.direct("bob").send(content).sent });
      }
    }
    const late = await live(server.url, "carol");
    Date.now = () => real() - 400 * 86_400_000;
    expect(await late.direct("bob").send("from long ago").sent).toMatchObject({ seq: 1 });
    expect(await late.direct("bob").send("and again").sent).toMatchObject({ seq: 2 });
  } finally {
    Date.now = real;
  }
  await until(bob.direct("alice").messages, ({ messages }) => messages.length === 21, "all of them");
  judge(await log(alice, "dm:alice:bob"), acks, [witness]);
});
