// Message requests, with stock clients: listed apart, decided, and known after a kill.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Person } from "./person.mjs";
import { Server } from "./server.mjs";

const ids = async (person, command) => (await person.ask(command, {})).conversations.map((line) => line.conversationId);

test("a stranger's first messages wait for the recipient across a kill", async (t) => {
  const server = await Server.start(t);
  const conversationId = "dm:alice:bob";
  let bob = await Person.connect(t, server, "bob");
  assert.equal((await bob.ask("privacy_set", { messageRequests: true })).status, "ok");
  let alice = await Person.connect(t, server, "alice");
  for (const content of ["hello", "are", "you"]) assert.equal((await alice.send("bob", content)).status, "sent");
  assert.equal((await alice.send("bob", "there?")).code, "request_pending");
  await bob.until(() => bob.heard("request").length === 1 && bob.messages.length === 3, "the request and its messages");
  assert.deepEqual(bob.messages.map(({ request }) => request), [true, true, true]);
  assert.deepEqual([await ids(bob, "requests"), await ids(bob, "conversations")], [[conversationId], []]);
  await server.restart();
  bob = await Person.connect(t, server, "bob");
  alice = await Person.connect(t, server, "alice");
  assert.equal((await alice.send("bob", "there?")).code, "request_pending");
  assert.equal((await bob.ask("request_accept", { conversationId })).status, "ok");
  assert.equal((await alice.send("bob", "there?")).status, "sent");
  assert.deepEqual([await ids(bob, "requests"), await ids(bob, "conversations")], [[], [conversationId]]);
});
