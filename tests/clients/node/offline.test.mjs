// What a device missed comes first, in order, when it is back.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Person, numbers } from "./person.mjs";
import { Server } from "./server.mjs";

const phone = { auth: { deviceId: "phone" } };
const contents = (person) => person.messages.map((message) => message.content);

async function sends(person, to, ns) {
  const acks = await Promise.all(ns.map((n) => person.send(to, n)));
  for (const ack of acks) assert.equal(ack.status, "sent", JSON.stringify(ack));
}

test("a user who was never there gets what was sent, in order", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  await sends(alice, "bob", numbers(1, 300));
  const bob = await Person.connect(t, server, "bob");
  await bob.caughtUp();
  assert.deepEqual(contents(bob), numbers(1, 300));
});

test("a device that comes back gets only what it missed, before anything live", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  const before = await Person.connect(t, server, "bob", phone);
  await sends(alice, "bob", numbers(1, 10));
  await before.until(() => before.confirmed === 10, "the answers to `delivered`");
  before.close();
  await sends(alice, "bob", numbers(11, 60));
  // These are on their way while the device comes back: some are missed, some live.
  const live = sends(alice, "bob", numbers(61, 160));
  const after = await Person.connect(t, server, "bob", phone);
  await live;
  const last = await alice.send("bob", "last");
  await after.until(() => after.messages.at(-1)?.id === last.id, "the last message");
  assert.deepEqual(contents(after), [...numbers(11, 160), "last"]);
  assert.deepEqual(after.messages.map((message) => message.seq), numbers(11, 161));
});

test("what was not confirmed comes again, with the same id and seq", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  const silent = await Person.connect(t, server, "bob", { ...phone, confirm: false });
  await sends(alice, "bob", numbers(1, 3));
  await silent.has(3);
  const [first] = silent.messages;
  assert.equal((await silent.ask("delivered", { messageId: first.id })).status, "ok");
  silent.close();
  const again = await Person.connect(t, server, "bob", phone);
  await again.caughtUp();
  assert.deepEqual(again.messages, silent.messages.slice(1));
});

test("messages of many conversations come each in their own order", async (t) => {
  const server = await Server.start(t);
  const senders = await Promise.all(numbers(1, 8).map((n) => Person.connect(t, server, `user${n}`)));
  await Promise.all(senders.map((sender) => sends(sender, "bob", numbers(1, 40))));
  const bob = await Person.connect(t, server, "bob");
  await bob.has(320);
  for (const sender of senders) {
    const theirs = bob.messages.filter((message) => message.from === sender.user);
    assert.deepEqual(theirs.map((message) => message.seq), numbers(1, 40));
    assert.deepEqual(theirs.map((message) => message.content), numbers(1, 40));
  }
});

test("own messages do not come back to the device that sent them", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice", phone);
  await sends(alice, "bob", numbers(1, 5));
  alice.close();
  const again = await Person.connect(t, server, "alice", phone);
  await again.caughtUp();
  assert.deepEqual(again.messages, []);
});

test("what was sent is there after the server was stopped in peace", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  await sends(alice, "bob", numbers(1, 5));
  assert.equal(await server.terminate(), 0);
  await server.run();
  const bob = await Person.connect(t, server, "bob");
  await bob.has(5);
  assert.deepEqual(contents(bob), numbers(1, 5));
});
