// Messages that are said later and messages that end, with stock clients, through kill -9.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { Person, numbers } from "./person.mjs";
import { Server } from "./server.mjs";

const env = { PARLOR_LIMITS__TIMER_SECONDS_MIN: "1", PARLOR_LIMITS__USER_RATE_BURST: "1000",
  PARLOR_LIMITS__CONNECTION_RATE_BURST: "1000" };
const until = (time) => delay(Math.max(0, time + 20 - Date.now()));
const contents = (messages) => messages.map((message) => message.content);

async function log(person, conversationId) {
  const page = await person.ask("history", { conversationId, after: 0, limit: 200 });
  return page.status === "ok" ? page.messages : [];
}

for (const transports of [["polling", "websocket"], ["websocket"], ["polling"]]) {
  test(`a message is said at its time and ends at its time over ${transports}`, async (t) => {
    const server = await Server.start(t, { env });
    const alice = await Person.connect(t, server, "alice", { transports });
    const bob = await Person.connect(t, server, "bob", { transports });
    const sendAt = Date.now() + 500;
    const ack = await alice.send("bob", { text: "later" }, { sendAt });
    assert.deepEqual([ack.status, ack.sendAt], ["ok", sendAt]);
    const { schedules } = await alice.ask("schedules", {});
    assert.deepEqual(schedules.map(({ scheduleId, state }) => [scheduleId, state]), [[ack.scheduleId, "pending"]]);
    const [said] = await bob.has(1);
    assert.deepEqual([said.content, said.seq], [{ text: "later" }, 1]);
    assert.ok(said.ts >= sendAt);
    const [own] = await alice.has(1);
    assert.equal(own.clientId, `later-${ack.scheduleId}`);
    const conversationId = "dm:alice:bob";
    assert.equal((await bob.ask("conversation_timer", { conversationId, seconds: 1 })).status, "ok");
    const { id, expiresAt } = await alice.send("bob", "a secret");
    await bob.until(() => bob.messages.at(-1).id === id, "the secret");
    assert.equal(bob.messages.at(-1).expiresAt, expiresAt);
    await until(expiresAt);
    const gone = (await log(bob, conversationId)).at(-1);
    assert.deepEqual([gone.id, gone.expired, gone.content], [id, true, undefined]);
  });
}

test("messages that come due around kill -9 are each said once, in their order", async (t) => {
  const server = await Server.start(t, { env });
  const bob = await Person.connect(t, server, "bob", { auth: { deviceId: "phone" } });
  const alice = await Person.connect(t, server, "alice", { retries: 100, ackTimeout: 2_000 });
  const start = Date.now() + 1_500;
  const acks = await Promise.all(
    numbers(1, 60).map(
      (n) =>
        new Promise((resolve, reject) => {
          const body = { toUserId: "bob", content: n, clientId: `n-${n}`, sendAt: start + 40 * n };
          alice.socket.emit("private_message", body, (error, ack) => (error ? reject(error) : resolve(ack)));
        }),
    ),
  );
  assert.ok(acks.every(({ status }) => status === "ok"), JSON.stringify(acks));
  for (const seen of [5, 20, 40]) {
    await bob.has(seen);
    await server.restart();
  }
  const ids = new Set();
  const firsts = () => bob.messages.filter(({ id }) => !ids.has(id) && ids.add(id));
  await bob.until(() => new Set(contents(bob.messages)).size === 60, "all of them");
  assert.deepEqual(contents(firsts()), numbers(1, 60));
  const reader = await Person.connect(t, server, "alice");
  assert.deepEqual(contents(await log(reader, "dm:alice:bob")), numbers(1, 60));
  assert.deepEqual((await reader.ask("schedules", {})).schedules, []);
  const again = await reader.send("bob", 7, { clientId: "n-7", sendAt: start + 280 });
  assert.equal(again.scheduleId, acks[6].scheduleId, "a retry after all of that");
  await reader.settled();
  assert.equal((await log(reader, "dm:alice:bob")).length, 60);
});

test("what was due, and what ended, while the server was dead is said and gone when it is back", async (t) => {
  const server = await Server.start(t, { env });
  const alice = await Person.connect(t, server, "alice");
  await alice.send("bob", "first");
  await alice.ask("conversation_timer", { conversationId: "dm:alice:bob", seconds: 1 });
  const { expiresAt } = await alice.send("bob", "a secret");
  const sendAt = Date.now() + 300;
  await alice.send("bob", "missed", { sendAt });
  await server.kill();
  await until(Math.max(expiresAt, sendAt));
  await server.run();
  const bob = await Person.connect(t, server, "bob", { auth: { deviceId: "phone" } });
  const messages = await bob.has(3);
  assert.deepEqual(contents(messages), ["first", undefined, "missed"]);
  assert.deepEqual([messages[1].expired, messages[2].expiresAt - messages[2].ts], [true, 1_000]);
  assert.ok(!JSON.stringify(bob.events).includes("secret"));
});
