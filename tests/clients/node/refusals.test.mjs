// What bad input gets: an answer with a code, and a connection that goes on.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Person } from "./person.mjs";
import { Server } from "./server.mjs";
import { SECRET, inSeconds, jwt } from "./tokens.mjs";

const withSecret = { dev: false, env: { PARLOR_IDENTITY__HS256_SECRET: SECRET } };

test("a token that is signed and valid is let in", async (t) => {
  const server = await Server.start(t, withSecret);
  const token = jwt({ sub: "alice", exp: inSeconds(600) });
  const alice = await Person.connect(t, server, token);
  assert.equal(alice.heard("ready")[0].userId, "alice");
});

test("a bad token gets connect_error with a code and its reason", async (t) => {
  const server = await Server.start(t, withSecret);
  const bad = {
    "no token": [undefined, "unauthorized"],
    "a bare name": ["alice", "unauthorized"],
    "another secret": [jwt({ sub: "alice", exp: inSeconds(600) }, "x".repeat(40)), "unauthorized"],
    "an expired one": [jwt({ sub: "alice", exp: inSeconds(-600) }), "token_expired"],
    "one that is not valid yet": [jwt({ sub: "alice", exp: inSeconds(900), nbf: inSeconds(600) }), "unauthorized"],
    "no subject": [jwt({ exp: inSeconds(600) }), "unauthorized"],
    "a number": [5, "invalid_argument"],
  };
  for (const [what, [token, code]] of Object.entries(bad)) {
    const error = await Person.refused(t, server, null, { auth: { token } });
    assert.equal(error.message, code, what);
    assert.equal(error.data.code, code, what);
    assert.equal(typeof error.data.error, "string", what);
  }
});

test("a token that ends closes the socket, and one renewed in time does not", async (t) => {
  const env = { ...withSecret.env, PARLOR_IDENTITY__LEEWAY_MS: "0" };
  const server = await Server.start(t, { ...withSecret, env });
  const lets = await Person.connect(t, server, jwt({ sub: "alice", exp: inSeconds(3) }), { reconnection: false });
  const renews = await Person.connect(t, server, jwt({ sub: "bob", exp: inSeconds(3) }), { reconnection: false });
  const until = inSeconds(600);
  const answer = await renews.ask("renew", { token: jwt({ sub: "bob", exp: until }) });
  assert.deepEqual(answer, { status: "ok", expiresAt: until * 1000 });
  await lets.until(() => lets.disconnects.length > 0, "the end");
  assert.equal(lets.heard("closing")[0].code, "token_expired");
  assert.equal((await renews.ask("conversations", {})).status, "ok");
  assert.deepEqual(renews.disconnects, []);
});

test("an unknown event is acked with unknown_event", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  for (const args of [["no_such_event"], ["no_such_event", { a: 1 }], ["message", "x", 2]]) {
    const answer = await alice.ask(...args);
    assert.equal(answer.status, "error");
    assert.equal(answer.code, "unknown_event");
    assert.equal(typeof answer.error, "string");
  }
});

test("a bad field is refused by its name, and the next message goes through", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  const bad = [
    [{}, "toUserId"],
    [{ toUserId: "", content: "x" }, "toUserId"],
    [{ toUserId: 7, content: "x" }, "toUserId"],
    [{ toUserId: "x".repeat(129), content: "x" }, "toUserId"],
    [{ toUserId: "a\u0000b", content: "x" }, "toUserId"],
    [{ toUserId: "bob" }, "content"],
    [{ toUserId: "bob", content: "a\u0000b" }, "content"],
    [{ toUserId: "bob", content: "\u001b[31m" }, "content"],
    [{ toUserId: "bob", content: "\ud800" }, "content"],
    [{ toUserId: "bob", content: nested(33) }, "content"],
    [{ toUserId: "bob", content: "x", clientId: "" }, "clientId"],
    [{ toUserId: "bob", content: "x", clientId: "x".repeat(65) }, "clientId"],
    [{ toUserId: "bob", content: "x", clientId: "é" }, "clientId"],
  ];
  for (const [body, field] of bad) {
    const answer = await alice.ask("private_message", body);
    const shown = JSON.stringify([body, answer]);
    assert.equal(answer.status, "error", shown);
    assert.equal(answer.code, "invalid_argument", shown);
    assert.ok(answer.error.includes(field), shown);
  }
  for (const payload of [[], ["text"], [5], [[]], [null]]) {
    const answer = await alice.ask("private_message", ...payload);
    assert.equal(answer.code, "invalid_argument", JSON.stringify([payload, answer]));
  }
  assert.equal((await alice.send("bob", nested(32))).seq, 1);
});

function nested(depth) {
  return depth === 1 ? [] : [nested(depth - 1)];
}

test("binary in a chat event is refused", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  const answer = await alice.send("bob", Buffer.from("binary"));
  assert.equal(answer.code, "invalid_argument");
  assert.equal((await alice.send("bob", "text")).seq, 1);
});

test("content over the limit is refused with the limit named", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  const { contentBytes } = alice.heard("ready")[0].limits;
  const answer = await alice.send("bob", "x".repeat(contentBytes));
  assert.equal(answer.code, "too_large");
  assert.ok(answer.error.includes(String(contentBytes)), answer.error);
  assert.equal((await alice.send("bob", "x".repeat(contentBytes - 2))).status, "sent");
});

test("a clientId with another payload is a conflict, with the same the first answer", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  const bob = await Person.connect(t, server, "bob");
  const first = await alice.send("bob", "one", { clientId: "key" });
  assert.deepEqual(await alice.send("bob", "one", { clientId: "key" }), first);
  assert.equal((await alice.send("bob", "two", { clientId: "key" })).code, "conflict");
  const marker = await alice.send("bob", "marker");
  assert.deepEqual((await bob.has(2)).map((message) => message.id), [first.id, marker.id]);
});

test("every command is acked, known or not", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  const events = ["delivered", "read", "typing", "presence", "presence_subscribe", "presence_unsubscribe", "register", "private message", "history", "conversations", "devices", "device_revoke", "renew", "ready", ""];
  for (const event of events) {
    for (const payload of [[], [{}], ["x"], [null, 1]]) {
      const answer = await alice.ask(event, ...payload);
      assert.match(answer.status, /^(ok|error)$/, JSON.stringify([event, payload, answer]));
    }
  }
});
