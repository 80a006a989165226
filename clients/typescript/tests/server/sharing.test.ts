// Clients that share an outbox, as the tabs of a site do: each message is sent once and in order, whoever
// sends it, and all show the same.
import { expect, test } from "vitest";

import { memoryStore } from "../../src/index.js";
import { client, contents, eventually, live, numbers, until } from "../support/client.js";
import { judge, log } from "../support/judge.js";
import { FaultyProxy } from "../support/proxy.js";
import { Server } from "../support/server.js";
import { Witness } from "../support/witness.js";

const WS = { transports: ["websocket"] } as const;

async function sharing(kind: "direct" | "group") {
  const server = await Server.start();
  const proxy = await FaultyProxy.before(server.url);
  const store = memoryStore();
  const bob = await live(server.url, "bob");
  const options = { deviceId: "one", store, userId: "alice", ...WS };
  const tabs = await Promise.all(
    ["one", "two"].map((tab) => live(proxy.url, "alice", { path: `/${tab}/socket.io/`, ...options })),
  );
  const [one, two] = tabs;
  if (!one || !two) throw new Error("two tabs");
  let groupId = "";
  if (kind === "group") {
    groupId = (await one.command("group_create", { name: "Owls", members: ["bob"] })).groupId;
  }
  const open = (who: typeof one, other: string) => (kind === "group" ? who.group(groupId) : who.direct(other));
  return {
    server,
    proxy,
    one: open(one, "bob"),
    two: open(two, "bob"),
    bob: open(bob, "alice"),
    tabs: [one, two],
    reader: bob,
  };
}

test.each(["direct", "group"] as const)(
  "tabs_send_each_message_once_and_show_the_same_in_a_%s_conversation",
  async (kind) => {
    const { proxy, one, two, bob, reader } = await sharing(kind);
    const witnesses = [new Witness(one, "one"), new Witness(two, "two"), new Witness(bob, "bob")];
    // Groups push one's own messages without their keys: each text is to be there once all the same.
    const doubled: unknown[] = [];
    for (const { messages } of [one, two]) {
      messages.subscribe(() => {
        const texts = contents(messages.get().messages);
        doubled.push(...texts.filter((text, at) => texts.indexOf(text) !== at));
      });
    }
    const count = 40;
    const acks = numbers(1, count).map(async (n) => {
      const content = `message ${n}`;
      if (n % 10 === 0) proxy.cut(n % 20 === 0 ? "one" : "two");
      const sending = (n % 2 === 0 ? one : two).send(content);
      await sending.saved;
      return { content, sent: await sending.sent };
    });
    const settled = await Promise.all(acks);
    for (const { messages } of [one, two, bob]) {
      await until(messages, (view) => view.messages.filter(({ state }) => state === "sent").length === count, "all");
    }
    await eventually(() => [one, two].every(({ messages }) => messages.get().messages.length === count), "no more");
    judge(await log(reader, one.id ?? ""), settled, witnesses);
    expect(doubled).toEqual([]);
  },
);

test("what_one_tab_could_not_send_another_sends", async () => {
  const { proxy, one, two, tabs } = await sharing("direct");
  proxy.refuse(true, "one");
  await eventually(() => tabs[0]?.status.get().state === "offline", "the cut");
  const sendings = numbers(1, 5).map((n) => one.send(n));
  const acks = await Promise.all(sendings.map(({ sent }) => sent));
  expect(acks.map(({ seq }) => seq)).toEqual(numbers(1, 5));
  expect(contents(two.messages.get().messages)).toEqual(numbers(1, 5));
  expect(contents(one.messages.get().messages), "shown as sent, though this tab is offline").toEqual(numbers(1, 5));
  expect(one.messages.get().messages.map(({ state }) => state)).toEqual(Array(5).fill("sent"));
});

test("an_outbox_that_was_left_is_sent_by_the_next_client_with_the_same_keys", async () => {
  const server = await Server.start();
  const store = memoryStore();
  const proxy = await FaultyProxy.before(server.url);
  // The answers never arrive, so the first client never knows that its messages are kept.
  proxy.meddle = ({ way, isAck, text }) => (way === "down" && isAck ? [] : [text]);
  const options = { token: "alice", deviceId: "one", userId: "alice", store, ...WS };
  const before = client({ url: proxy.url, ...options });
  before.connect();
  const sendings = numbers(1, 3).map((n) => before.direct("bob").send(n));
  await Promise.all(sendings.map(({ saved }) => saved));
  const reader = await live(server.url, "alice", { deviceId: "reader" });
  await eventually(async () => {
    const page = await reader.command("conversations", {});
    return page.conversations.length === 1;
  }, "the first message in the log");
  before.close();
  proxy.meddle = ({ text }) => [text];
  const after = client({ url: proxy.url, ...options });
  await until(after.direct("bob").messages, ({ messages }) => messages.length === 3, "the outbox, before it connects");
  after.connect();
  const sent = ({ messages }: { messages: readonly { state: string }[] }) =>
    messages.length === 3 && messages.every(({ state }) => state === "sent");
  await until(after.direct("bob").messages, sent, "all sent");
  const stored = await log(reader, "dm:alice:bob");
  expect(stored.map(({ content, clientId }) => [content, clientId])).toEqual(
    sendings.map(({ clientId }, index) => [index + 1, clientId]),
  );
});

test("what_is_refused_waits_for_its_author_and_holds_up_nothing", async () => {
  const server = await Server.start();
  const [alice, bob] = [await live(server.url, "alice"), await live(server.url, "bob")];
  await bob.command("block", { userId: "alice" });
  const toBob = alice.direct("bob");
  const refused = toBob.send("to nobody");
  await expect(refused.sent).rejects.toMatchObject({ name: "PermissionError", code: "blocked" });
  expect(toBob.messages.get().messages).toMatchObject([{ state: "failed", error: { code: "blocked" } }]);
  await alice.direct("carol").send("to somebody").sent;
  expect(await toBob.discard("another")).toBe(false);
  await bob.command("unblock", { userId: "alice" });
  const again = await toBob.retry(refused.clientId);
  expect(await again?.sent).toMatchObject({ seq: 1 });
  await bob.command("block", { userId: "alice" });
  const dropped = toBob.send("never mind");
  await expect(dropped.sent).rejects.toThrow();
  expect(await toBob.discard(dropped.clientId)).toBe(true);
  expect(contents(toBob.messages.get().messages)).toEqual(["to nobody"]);
});
