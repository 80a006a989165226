// What is private to a user: on all devices, on one that was away, and over a restart.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Person } from "./person.mjs";
import { Server } from "./server.mjs";

const on = (deviceId, more = {}) => ({ auth: { deviceId, ...more }, confirm: false });
const bobs = "dm:alice:bob";

async function ok(person, event, body) {
  const answer = await person.ask(event, body);
  assert.equal(answer.status, "ok", `${event}: ${JSON.stringify(answer)}`);
  return answer;
}

async function hears(person, event, count = 1) {
  await person.until(() => person.heard(event).length >= count, event);
  return person.heard(event)[count - 1];
}

test("a draft, a star and a setting made on one device are on the other", async (t) => {
  const server = await Server.start(t);
  const phone = await Person.connect(t, server, "alice", on("phone"));
  const laptop = await Person.connect(t, server, "alice", on("laptop"));
  // What was set before is read, not heard.
  await laptop.caughtUp();
  const bob = await Person.connect(t, server, "bob", on("phone"));
  const { id } = await bob.send("alice", "Hello!");

  await ok(phone, "draft_set", { conversationId: bobs, content: { text: "Hi b" } });
  assert.deepEqual((await hears(laptop, "draft")).content, { text: "Hi b" });
  await ok(phone, "star", { messageId: id });
  assert.equal((await hears(laptop, "starred")).messageId, id);
  await ok(phone, "conversation_set", { conversationId: bobs, pinned: true, markedUnread: true });
  assert.equal((await hears(laptop, "conversation_settings")).pinned, true);

  const { drafts } = await ok(laptop, "drafts", {});
  assert.deepEqual(drafts.map((draft) => draft.content), [{ text: "Hi b" }]);
  const { starred } = await ok(laptop, "starred", {});
  assert.equal(starred[0].message.content, "Hello!");
  await ok(laptop, "read", { messageId: id });
  const { conversations } = await ok(laptop, "conversations", {});
  assert.deepEqual(conversations[0].settings, { pinned: true });
  assert.equal((await hears(phone, "conversation_settings")).markedUnread, false);
  await ok(laptop, "hide", { messageId: id });
  assert.deepEqual((await ok(phone, "history", { conversationId: bobs })).messages, []);
  assert.equal((await ok(bob, "history", { conversationId: bobs })).messages.length, 1);
});

test("a device that was away is told the events that it missed, also over a restart", async (t) => {
  const server = await Server.start(t);
  const phone = await Person.connect(t, server, "alice", on("phone"));
  await phone.send("bob", "first");
  await ok(phone, "draft_set", { conversationId: bobs, content: "to go" });
  const laptop = await Person.connect(t, server, "alice", on("laptop"));
  const { epoch, pos } = await hears(laptop, "caught_up");
  laptop.close();
  await ok(phone, "draft_set", { conversationId: bobs, content: null });
  await ok(phone, "contact_add", { userId: "bob", name: "Bobby" });
  await server.restart();
  const back = await Person.connect(t, server, "alice", on("laptop", { resume: { epoch, pos } }));
  const { own } = await hears(back, "moved");
  const events = own.map(({ event, data }) => [event, data.content ?? data.name]);
  assert.deepEqual(events, [["draft", undefined], ["contact", "Bobby"]]);
});

test("who may write, and what others learn of what was read, is up to the user", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice", on("phone"));
  const bob = await Person.connect(t, server, "bob", on("phone"));
  await bob.caughtUp();
  await ok(alice, "privacy_set", { messages: "contacts", readReceipts: false });
  assert.equal((await bob.send("alice", "spam")).code, "not_accepted");
  await ok(alice, "contact_add", { userId: "bob" });
  const sent = await bob.send("alice", "Hello!");
  assert.equal(sent.status, "sent");
  await ok(alice, "read", { messageId: sent.id });
  await bob.until(() => bob.heard("delivered").length > 0, "delivered");
  assert.deepEqual(bob.heard("read"), []);
  const { conversations } = await ok(bob, "conversations", {});
  const alices = conversations[0].watermarks.find((mark) => mark.userId === "alice");
  assert.deepEqual([alices.delivered, alices.read], [1, 0]);
});

test("people are found by the names that they give", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice", on("phone"));
  const bob = await Person.connect(t, server, "bob", on("phone"));
  await ok(alice, "profile_set", { name: "Alice Liddell", avatarUrl: "https://x.example/a.png" });
  const { users } = await ok(bob, "users", { query: "lidd" });
  const profile = { userId: "alice", name: "Alice Liddell", avatarUrl: "https://x.example/a.png", about: null };
  assert.deepEqual(users, [profile]);
  assert.deepEqual(await bob.ask("profile_get", { userId: "alice" }), { status: "ok", ...profile });
  const refused = await alice.ask("profile_set", { avatarUrl: "javascript:alert(1)" });
  assert.equal(refused.code, "invalid_argument");
  assert.match(refused.error, /avatarUrl/);
});
