// The events of the simplest tutorial: `register`, then `private message`. Only with --dev.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Person } from "./person.mjs";
import { Server } from "./server.mjs";

async function registered(t, server, user) {
  const person = new Person(t, server, null);
  person.user = user;
  await person.until(() => person.connects > 0, "connect");
  const answer = await person.ask("register", user);
  assert.equal(answer.status, "ok", JSON.stringify(answer));
  return person;
}

test("two who registered hear each other's private messages", async (t) => {
  const server = await Server.start(t);
  const alice = await registered(t, server, "alice");
  const bob = await registered(t, server, "bob");
  alice.socket.emit("private message", { to: "bob", message: "Hi 👋" });
  await bob.until(() => bob.heard("private message").length > 0, "a private message");
  assert.deepEqual(bob.heard("private message"), [{ from: "alice", message: "Hi 👋" }]);
  const answer = await bob.ask("private message", { to: "alice", message: "Hello" });
  assert.equal(answer.status, "sent");
  await alice.until(() => alice.heard("private message").length > 0, "a private message");
  assert.deepEqual(alice.heard("private message"), [{ from: "bob", message: "Hello" }]);
});

test("a tutorial's message is heard by others as private_message, and stored", async (t) => {
  const server = await Server.start(t);
  const alice = await registered(t, server, "alice");
  const bob = await Person.connect(t, server, "bob");
  const answer = await alice.ask("private message", { to: "bob", message: "stored" });
  const [message] = await bob.has(1);
  assert.equal(message.id, answer.id);
  assert.equal(message.from, "alice");
  assert.equal(message.content, "stored");
  const { messages } = await bob.ask("history", { conversationId: "dm:alice:bob" });
  assert.equal(messages.length, 1);
});

test("a user id is registered once, and before anything else", async (t) => {
  const server = await Server.start(t);
  const nobody = new Person(t, server, null);
  await nobody.until(() => nobody.connects > 0, "connect");
  for (const [event, body] of [["private message", { to: "bob", message: "x" }], ["private_message", { toUserId: "bob", content: "x" }], ["history", { conversationId: "dm:a:b" }]]) {
    assert.equal((await nobody.ask(event, body)).code, "not_registered", event);
  }
  const alice = await registered(t, server, "alice");
  assert.equal((await alice.ask("register", "mallory")).code, "already_registered");
});

test("without --dev a connection without a token is refused", async (t) => {
  const env = { PARLOR_IDENTITY__HS256_SECRET: "a secret of at least thirty-two bytes for tests" };
  const server = await Server.start(t, { dev: false, env });
  const error = await Person.refused(t, server, null);
  assert.equal(error.message, "unauthorized");
});
