// Watermarks: how far the other side has what was sent, and has read it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Person } from "./person.mjs";
import { Server } from "./server.mjs";

const on = (deviceId) => ({ auth: { deviceId }, confirm: false });

async function two(t) {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice", on("phone"));
  const laptop = await Person.connect(t, server, "alice", on("laptop"));
  const bob = await Person.connect(t, server, "bob", on("phone"));
  // What is told in passing is heard by who is live.
  for (const device of [alice, laptop, bob]) await device.caughtUp();
  const acks = [];
  for (const n of [1, 2, 3]) acks.push(await alice.send("bob", n));
  await bob.has(3);
  return { alice, laptop, bob, acks };
}

for (const event of ["delivered", "read"]) {
  test(`${event} by messageId is told to the sender, on all devices`, async (t) => {
    const { alice, laptop, bob, acks } = await two(t);
    const { id, conversationId, seq } = acks[1];
    assert.deepEqual(await bob.ask(event, { messageId: id }), { status: "ok" });
    for (const device of [alice, laptop]) {
      await device.until(() => device.heard(event).length > 0, event);
      assert.deepEqual(device.heard(event)[0], { conversationId, userId: "bob", seq, messageId: id });
    }
  });

  test(`${event} by conversation and seq only grows`, async (t) => {
    const { alice, bob, acks } = await two(t);
    const { conversationId } = acks[2];
    assert.equal((await bob.ask(event, { conversationId, seq: 3 })).status, "ok");
    assert.equal((await bob.ask(event, { conversationId, seq: 1 })).status, "ok");
    await alice.until(() => alice.heard(event).length > 0, event);
    await alice.settled();
    assert.equal(alice.heard(event).at(-1).seq, 3);
    const { conversations } = await alice.ask("conversations", {});
    const marks = conversations[0].watermarks.find((mark) => mark.userId === "bob");
    assert.equal(marks[event], 3);
  });

  test(`${event} of what does not exist is refused`, async (t) => {
    const { bob, acks } = await two(t);
    const { conversationId } = acks[0];
    for (const body of [{ messageId: "no such" }, { conversationId: "dm:x:y", seq: 1 }, {}, { conversationId }]) {
      const answer = await bob.ask(event, body);
      assert.equal(answer.status, "error", JSON.stringify([body, answer]));
      assert.match(answer.code, /^(invalid_argument|not_found|not_a_member)$/);
    }
  });
}

test("unread counts what others sent and is zero after read", async (t) => {
  const { alice, bob, acks } = await two(t);
  await bob.send("alice", "mine");
  const unread = async (person) => (await person.ask("conversations", {})).conversations[0].unread;
  assert.equal(await unread(bob), 3);
  assert.equal(await unread(alice), 1);
  await bob.ask("read", { messageId: acks[2].id });
  assert.equal(await unread(bob), 0);
});
