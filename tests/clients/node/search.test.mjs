// Messages found by their words, with stock clients, also across a kill.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Person } from "./person.mjs";
import { Server } from "./server.mjs";

const ids = ({ status, messages }) => {
  assert.equal(status, "ok");
  return messages.map(({ id }) => id);
};

test("words are found at once, after an edit and after a kill, and highlighted in what is shown", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  const bob = await Person.connect(t, server, "bob");
  const { id: first } = await alice.send("bob", "😀 Élan vital, an owl");
  const { id: second } = await bob.send("alice", { text: "owls of elan", mood: "good" });
  assert.deepEqual(ids(await bob.ask("search", { text: "elan owl" })), [second, first]);
  const { messages } = await alice.ask("search", { text: "\"élan vital\"" });
  const { content, highlights } = messages[0];
  assert.deepEqual(highlights.map(([offset, length]) => content.slice(offset, offset + length)), ["Élan vital"]);
  await alice.ask("edit", { messageId: first, content: "a badger" });
  assert.deepEqual(ids(await bob.ask("search", { text: "vital" })), []);
  await server.restart();
  const carol = await Person.connect(t, server, "carol");
  const again = await Person.connect(t, server, "bob");
  assert.deepEqual(ids(await again.ask("search", { text: "badg", from: "alice" })), [first]);
  assert.deepEqual(ids(await again.ask("search", { text: "owls", conversationId: "dm:alice:bob" })), [second]);
  assert.deepEqual(ids(await carol.ask("search", { text: "owls" })), []);
  assert.equal((await carol.ask("search", { text: "owls", conversationId: "dm:alice:bob" })).code, "not_a_member");
});
