// What is done to messages, with stock clients: heard live, read back, and caught up after an absence.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Person } from "./person.mjs";
import { Server } from "./server.mjs";

const TRANSPORTS = [["polling", "websocket"], ["websocket"], ["polling"]];
const kinds = (person) => person.heard("entry").map(({ kind }) => kind);

for (const transports of TRANSPORTS) {
  test(`a message is edited, reacted to and deleted over ${transports}`, async (t) => {
    const server = await Server.start(t);
    const alice = await Person.connect(t, server, "alice", { transports });
    const bob = await Person.connect(t, server, "bob", { transports });
    const { id } = await alice.send("bob", "helo");
    assert.equal((await alice.ask("edit", { messageId: id, content: "hello" })).status, "ok");
    assert.equal((await bob.ask("react", { messageId: id, emoji: "👋" })).status, "ok");
    assert.equal((await bob.ask("react", { messageId: id, emoji: "👋" })).unchanged, true);
    await bob.until(() => kinds(bob).length === 1, "the edit");
    await alice.until(() => kinds(alice).length === 1, "the reaction");
    assert.deepEqual([bob.heard("entry")[0].content, alice.heard("entry")[0].emoji], ["hello", "👋"]);
    const conversationId = "dm:alice:bob";
    const [message] = (await bob.ask("history", { conversationId })).messages;
    assert.equal(message.content, "hello");
    assert.ok(message.editedAt >= message.ts);
    assert.deepEqual(message.reactions, [{ emoji: "👋", count: 1, mine: true }]);
    assert.equal((await bob.ask("delete", { messageId: id })).code, "not_allowed");
    assert.equal((await alice.ask("delete", { messageId: id })).status, "ok");
    await bob.until(() => kinds(bob).includes("message_deleted"), "the deletion");
    const page = await bob.ask("history", { conversationId });
    const { deleted, content, reactions } = page.messages[0];
    assert.deepEqual({ deleted, content, reactions }, { deleted: true, content: undefined, reactions: undefined });
    assert.equal((await bob.ask("react", { messageId: id, emoji: "👋" })).code, "message_deleted");
  });
}

test("who was away across a kill hears what was done, and nothing that is gone", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice", { auth: { deviceId: "phone" } });
  const { groupId } = await alice.ask("group_create", { name: "Owls", members: ["bob"] });
  const { id } = await alice.ask("group_message", { groupId, content: "a secret" });
  const reply = { groupId, content: "an answer", replyTo: id, mentions: ["bob"] };
  const { id: answer } = await alice.ask("group_message", reply);
  for (const content of ["more secret", "most secret"]) await alice.ask("edit", { messageId: id, content });
  await alice.ask("pin", { messageId: answer });
  await alice.ask("delete", { messageId: id });
  await server.restart();
  const bob = await Person.connect(t, server, "bob", { auth: { deviceId: "phone" } });
  await bob.until(() => bob.heard("caught_up").length === 1, "all of it");
  const [first, second] = bob.heard("group_message");
  assert.deepEqual([first.deleted, first.content], [true, undefined]);
  assert.deepEqual(second.replyTo, { messageId: id, seq: 2, from: "alice" });
  assert.deepEqual(second.mentions, ["bob"]);
  assert.deepEqual(kinds(bob).slice(1), ["message_edited", "message_edited", "message_pinned", "message_deleted"]);
  assert.ok(!JSON.stringify(bob.events).includes("secret"));
  const [line] = (await bob.ask("conversations", {})).conversations;
  assert.deepEqual([line.unread, line.mentions, line.message.content], [2, 1, "an answer"]);
  const { pins } = await bob.ask("pins", { conversationId: `group:${groupId}` });
  assert.deepEqual(pins.map(({ message, by }) => [message.id, by]), [[answer, "alice"]]);
});
