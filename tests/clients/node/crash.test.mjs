// kill -9 in the middle: what was acked is in the log once, and what is tried again has one effect.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { Person, numbers } from "./person.mjs";
import { Server } from "./server.mjs";

const phone = { auth: { deviceId: "phone" } };

// The whole history of a conversation, oldest first.
async function log(person, conversationId) {
  const all = [];
  for (let more = true; more; ) {
    const page = await person.ask("history", { conversationId, after: all.at(-1)?.seq ?? 0, limit: 100 });
    assert.equal(page.status, "ok", JSON.stringify(page));
    all.push(...page.messages);
    more = page.more;
  }
  return all;
}

// First sightings, in the order they were made.
function firsts(messages) {
  const ids = new Set();
  return messages.filter(({ id }) => !ids.has(id) && ids.add(id));
}

// In the middle of 1,000 sends, as soon as this many are acked.
for (const enough of [1, 150, 600]) {
  test(`every message acked before kill -9 at ${enough} is there once, and the recipient sees dense numbers`, async (t) => {
    const server = await Server.start(t);
    const bob = await Person.connect(t, server, "bob", phone);
    const alice = await Person.connect(t, server, "alice", { auth: { deviceId: "laptop" }, reconnection: false });
    const acked = [];
    await new Promise((resolve) => {
      for (const n of numbers(1, 1000)) {
        const body = { toUserId: "bob", content: n, clientId: `n-${n}` };
        alice.socket.emit("private_message", body, (ack) => {
          acked.push({ n, ...ack });
          if (acked.length === enough) resolve();
        });
      }
    });
    await server.restart();

    const reader = await Person.connect(t, server, "alice");
    const stored = await log(reader, "dm:alice:bob");
    assert.deepEqual(stored.map((message) => message.seq), numbers(1, stored.length));
    assert.deepEqual(stored.map((message) => message.content), numbers(1, stored.length));
    assert.ok(stored.length >= acked.length);
    for (const { n, status, id, seq, ts } of acked) {
      const message = stored[seq - 1];
      assert.deepEqual([status, message.content, message.id, message.ts], ["sent", n, id, ts]);
    }
    const last = await reader.send("bob", "last");
    assert.equal(last.seq, stored.length + 1);
    await bob.until(() => bob.messages.at(-1)?.id === last.id, "all that is stored");
    assert.deepEqual(firsts(bob.messages).map((message) => message.seq), numbers(1, last.seq));
  });
}

test("a send tried again after kill -9 has the first effect", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  const sends = numbers(1, 50).map((n) => ["bob", n, { clientId: `n-${n}` }]);
  const before = [];
  for (const send of sends) before.push(await alice.send(...send));
  await server.restart();
  await alice.until(() => alice.heard("ready").length > 1, "ready again");
  const after = await Promise.all(sends.map((send) => alice.send(...send)));
  assert.deepEqual(after, before);
  assert.equal((await log(alice, "dm:alice:bob")).length, 50);
});

test("a stock client's retries have exactly one effect through kills", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice", { retries: 100, ackTimeout: 2_000 });
  const bob = await Person.connect(t, server, "bob", { ...phone, retries: 100, ackTimeout: 2_000 });
  const answers = numbers(1, 120).map(
    (n) =>
      new Promise((resolve, reject) => {
        const body = { toUserId: "bob", content: n, clientId: randomUUID() };
        alice.socket.emit("private_message", body, (error, ack) => (error ? reject(error) : resolve(ack)));
      }),
  );
  for (const seen of [30, 70, 100]) {
    await bob.has(seen);
    await server.restart();
  }
  const acks = await Promise.all(answers);
  assert.deepEqual(acks.map((ack) => ack.seq), numbers(1, 120));
  await bob.until(() => firsts(bob.messages).length >= 120, "every message");
  assert.deepEqual(firsts(bob.messages).map((message) => message.content), numbers(1, 120));
  const reader = await Person.connect(t, server, "alice");
  assert.deepEqual((await log(reader, "dm:alice:bob")).map((message) => message.content), numbers(1, 120));
});
