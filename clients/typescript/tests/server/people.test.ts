// Receipts, typing and presence: told seldom, and right.
import { expect, test } from "vitest";

import { eventually, live, numbers, until } from "../support/client.js";
import { FaultyProxy } from "../support/proxy.js";
import { Server } from "../support/server.js";

const WS = { transports: ["websocket"] } as const;

async function counted() {
  const server = await Server.start();
  const proxy = await FaultyProxy.before(server.url);
  const said: string[] = [];
  proxy.meddle = ({ way, event, text }) => {
    if (way === "up" && event !== null) said.push(event);
    return [text];
  };
  const [alice, bob] = [await live(server.url, "alice"), await live(proxy.url, "bob", WS)];
  return { server, proxy, said, alice, bob, times: (event: string) => said.filter((name) => name === event).length };
}

test("marks_are_told_together_and_again_after_a_cut", async () => {
  const { proxy, alice, bob, times } = await counted();
  const { messages } = bob.direct("alice");
  const acks = await Promise.all(numbers(1, 50).map((n) => alice.direct("bob").send(n).sent));
  await until(messages, (view) => view.messages.length === 50, "all of them");
  for (const { seq } of acks) bob.direct("alice").markRead(seq);
  const last = acks.at(-1) ?? { seq: 0 };
  await until(alice.direct("bob").view, () => alice.direct("bob").receiptOf(last) === "read", "the mark");
  expect(times("read")).toBe(1);
  expect(times("delivered")).toBeLessThanOrEqual(3);
  const next = await alice.direct("bob").send("next").sent;
  await until(messages, (view) => view.messages.length === 51, "the next one");
  proxy.refuse(true);
  bob.direct("alice").markRead();
  proxy.refuse(false);
  await until(alice.direct("bob").view, () => alice.direct("bob").receiptOf(next) === "read", "the next mark");
  expect(bob.direct("alice").view.get().unread).toBe(0);
});

test("typing_is_said_now_and_then_and_ends", async () => {
  const { alice, bob, times } = await counted();
  const seen = alice.direct("bob").typing;
  for (const _ of numbers(1, 30)) bob.direct("alice").types();
  await until(seen, ({ userIds }) => userIds.includes("bob"), "bob typing");
  expect(times("typing")).toBe(1);
  bob.direct("alice").stopsTyping();
  await until(seen, ({ count }) => count === 0, "the end");
  bob.direct("alice").types();
  await until(seen, ({ count }) => count === 1, "bob typing again");
  await bob.direct("alice").send("done").sent;
  await until(seen, ({ count }) => count === 0, "the end by the message");
  expect(times("typing")).toBe(3);
});

test("presence_is_asked_for_once_however_many_look_and_again_on_each_connection", async () => {
  const { server, proxy, bob, times } = await counted();
  const presence = bob.presence("alice");
  expect(presence.get()).toEqual({ online: null, lastSeen: null });
  const ends = numbers(1, 5).map(() => bob.presence("alice").subscribe(() => {}));
  await until(presence, ({ online }) => online === true, "alice online");
  expect(times("presence_subscribe")).toBe(1);
  proxy.cut();
  await until(presence, ({ online }) => online === null, "nothing known");
  await until(presence, ({ online }) => online === true, "alice online again");
  expect(times("presence_subscribe")).toBe(2);
  for (const end of ends) end();
  await eventually(() => times("presence_unsubscribe") === 1, "the end of the subscription");
  await bob.command("presence_subscribe", { userIds: numbers(1, 100).map((n) => `u${n}`) });
  expect(server.url).toBeTruthy();
});
