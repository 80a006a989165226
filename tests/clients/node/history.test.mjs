// What is in the log: history and the list of conversations, page by page.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Person, numbers } from "./person.mjs";
import { Server } from "./server.mjs";

async function filled(t, count) {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  await Promise.all(numbers(1, count).map((n) => alice.send("bob", n)));
  return { server, alice };
}

const conversationId = "dm:alice:bob";
const seqs = (page) => page.messages.map((message) => message.seq);

test("history pages back from the newest to the first", async (t) => {
  const { alice } = await filled(t, 25);
  const seen = [];
  let before;
  for (;;) {
    const page = await alice.ask("history", { conversationId, before, limit: 10 });
    assert.equal(page.status, "ok");
    seen.push(...seqs(page));
    if (!page.more) break;
    before = seen.at(-1);
  }
  assert.deepEqual(seen, numbers(1, 25).reverse());
});

test("history pages on from a seq to the newest", async (t) => {
  const { alice } = await filled(t, 25);
  const seen = [];
  for (let more = true, after = 0; more; after = seen.at(-1)) {
    const page = await alice.ask("history", { conversationId, after, limit: 10 });
    seen.push(...seqs(page));
    more = page.more;
  }
  assert.deepEqual(seen, numbers(1, 25));
});

test("history shows each message as it was sent, the clientId to its sender alone", async (t) => {
  const { server, alice } = await filled(t, 1);
  const ack = await alice.send("bob", "with a key", { clientId: "k" });
  const message = { id: ack.id, conversationId, seq: 2, from: "alice", to: "bob", content: "with a key", ts: ack.ts, pos: 2 };
  const page = await alice.ask("history", { conversationId, limit: 1 });
  assert.deepEqual(page.messages, [{ ...message, clientId: "k" }]);
  assert.equal(page.more, true);
  const bob = await Person.connect(t, server, "bob");
  assert.deepEqual((await bob.ask("history", { conversationId, limit: 1 })).messages, [message]);
});

test("nobody reads the history of others", async (t) => {
  const { server } = await filled(t, 3);
  const eve = await Person.connect(t, server, "eve");
  const answer = await eve.ask("history", { conversationId });
  assert.equal(answer.status, "error");
  assert.match(answer.code, /^(not_a_member|not_found)$/);
  assert.deepEqual((await eve.ask("conversations", {})).conversations, []);
});

test("conversations come page by page, each once", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  const others = numbers(1, 25).map((n) => `user${n}`);
  for (const other of others) await alice.send(other, `to ${other}`);
  const seen = [];
  let cursor;
  do {
    const page = await alice.ask("conversations", { cursor, limit: 10 });
    assert.equal(page.status, "ok");
    assert.ok(page.conversations.length <= 10);
    seen.push(...page.conversations);
    cursor = page.cursor;
  } while (cursor);
  assert.equal(seen.length, 25);
  assert.deepEqual(new Set(seen.map((line) => line.with)), new Set(others));
  for (const line of seen) {
    assert.equal(line.head, 1);
    assert.equal(line.unread, 0);
    assert.equal(line.last.content, `to ${line.with}`);
  }
});
