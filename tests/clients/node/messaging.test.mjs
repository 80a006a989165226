// Two users exchange messages: every client version, over every transport.
import assert from "node:assert/strict";
import { test } from "node:test";
import { io as current } from "socket.io-client";
import { io as v4_0 } from "socket.io-client-4-0";
import { io as v3 } from "socket.io-client-3";
import msgpack from "socket.io-msgpack-parser";

import { Person, dm, numbers } from "./person.mjs";
import { Server } from "./server.mjs";

const CLIENTS = { "4.8": current, "4.0": v4_0, "3.1": v3 };
const TRANSPORTS = {
  polling: { transports: ["polling"] },
  websocket: { transports: ["websocket"] },
  "polling, then the upgrade": { transports: ["polling", "websocket"] },
};
const TEXTS = ["Hello!", "héllo wörld", "👋🏽 👩‍👩‍👧‍👦 שלום مرحبا 你好", "line\nline\ttab", " ", '"\\/<b>', "x".repeat(10_000)];

for (const [version, client] of Object.entries(CLIENTS)) {
  for (const [name, options] of Object.entries(TRANSPORTS)) {
    test(`client ${version} chats over ${name}`, async (t) => {
      await chats(t, { client, ...options });
    });
  }
}

test("the msgpack parser chats over websocket", async (t) => {
  await chats(t, { parser: msgpack, transports: ["websocket"] });
});

test("the msgpack parser chats over polling", async (t) => {
  await chats(t, { parser: msgpack, transports: ["polling"] });
});

async function chats(t, options) {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice", options);
  const bob = await Person.connect(t, server, "bob", options);
  if (options.transports.length > 1) {
    await Promise.all([alice, bob].map(upgraded));
  }
  for (const [index, content] of TEXTS.entries()) {
    const before = Date.now();
    const ack = await alice.send("bob", content);
    assert.deepEqual(ack, {
      status: "sent",
      id: ack.id,
      conversationId: "dm:alice:bob",
      seq: index + 1,
      ts: ack.ts,
    });
    assert.equal(typeof ack.id, "string");
    assert.ok(ack.ts >= before - 1000 && ack.ts <= Date.now() + 1000, `ts ${ack.ts}`);
    const message = (await bob.has(index + 1))[index];
    const { id, conversationId, seq, ts } = ack;
    // The only conversation of a new server: its numbers are those of the whole log.
    assert.deepEqual(message, { id, conversationId, seq, from: "alice", to: "bob", content, ts, pos: seq });
  }
  const answer = await bob.send("alice", "and back");
  assert.equal(answer.seq, TEXTS.length + 1);
  assert.deepEqual((await alice.has(1)).map((message) => message.content), ["and back"]);
}

async function upgraded(person) {
  const { engine } = person.socket.io;
  if (engine.transport.name === "websocket") return;
  await new Promise((resolve) => engine.once("upgrade", resolve));
}

test("messages sent while the transport upgrades keep their order", async (t) => {
  const server = await Server.start(t);
  const options = { transports: ["polling", "websocket"] };
  const bob = new Person(t, server, "bob", options);
  const alice = new Person(t, server, "alice", options);
  await bob.until(() => bob.heard("ready").length > 0, "ready");
  const acks = await Promise.all(numbers(1, 200).map((n) => alice.send("bob", n)));
  assert.deepEqual(acks.map((ack) => ack.seq), numbers(1, 200));
  const messages = await bob.has(200);
  assert.deepEqual(messages.map((message) => message.content), numbers(1, 200));
  assert.deepEqual(messages.map((message) => message.seq), numbers(1, 200));
});

test("content may be any JSON, and comes as it was sent", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  const bob = await Person.connect(t, server, "bob");
  const contents = [0, -1.5, 2 ** 53 - 1, true, null, [], {}, "", [1, [2, { "3": "👋" }]], { type: "card", b: "\u200d\u200f" }];
  for (const content of contents) {
    assert.equal((await alice.send("bob", content)).status, "sent", JSON.stringify(content));
  }
  const messages = await bob.has(contents.length);
  assert.deepEqual(messages.map((message) => message.content), contents);
});

test("users with any name have one conversation, named in the order of bytes", async (t) => {
  const server = await Server.start(t);
  for (const [one, other] of [["b", "a"], ["Zoë:1", "a%b"], ["用户", "é"], ["🦀", "\uffee"]]) {
    const left = await Person.connect(t, server, one);
    const right = await Person.connect(t, server, other);
    const ack = await left.send(other, "to");
    assert.equal(ack.conversationId, dm(one, other));
    assert.equal((await right.send(one, "fro")).conversationId, ack.conversationId);
    assert.equal((await left.has(1))[0].conversationId, ack.conversationId);
  }
});

test("a message to oneself is kept, and the sending socket does not hear it", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  const ack = await alice.send("alice", "note");
  assert.equal(ack.conversationId, "dm:alice:alice");
  const bob = await Person.connect(t, server, "bob");
  const marker = await bob.send("alice", "marker");
  assert.deepEqual((await alice.has(1)).map((message) => message.id), [marker.id]);
  const { messages } = await alice.ask("history", { conversationId: "dm:alice:alice" });
  assert.deepEqual(messages.map((message) => message.content), ["note"]);
});

test("ready tells who one is and what holds", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice", { auth: { deviceId: "phone" } });
  const [ready] = alice.heard("ready");
  assert.equal(ready.userId, "alice");
  assert.equal(ready.deviceId, "phone");
  assert.equal(typeof ready.version, "string");
  assert.ok(ready.epoch);
  assert.ok(ready.limits.contentBytes > 0);
});
