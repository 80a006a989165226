// What the app's own server does over HTTP, as stock clients hear it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { test } from "node:test";

import { Person } from "./person.mjs";
import { Server } from "./server.mjs";

const SECRET = "0123456789abcdef0123456789abcdef";
const SCOPES = [
  "messages:write",
  "messages:read",
  "messages:delete",
  "groups:write",
  "groups:read",
  "users:read",
  "users:write",
  "tokens:revoke",
];

// A server that takes signed tokens, and a function that asks its API as the app's own server.
async function start(t) {
  const flags = SCOPES.flatMap((scope) => ["--scope", scope]);
  const made = execFileSync(process.env.SERVER_UNDER_TEST, ["api-key", "new", "--name", "shop", ...flags], {
    encoding: "utf8",
  });
  const [, key] = /: (prl_\S+)/.exec(made);
  const [, keys] = /PARLOR_API__KEYS=(\S+)/.exec(made);
  const env = { PARLOR_IDENTITY__HS256_SECRET: SECRET, PARLOR_API__KEYS: keys, PARLOR_API__SYSTEM_USER: "system" };
  const server = await Server.start(t, { dev: false, env });
  const ask = async (method, path, body, headers = {}) => {
    const answer = await fetch(`${server.url}/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
      body: body && JSON.stringify(body),
    });
    return { http: answer.status, ...(await answer.json()) };
  };
  return { server, ask };
}

function token(sub, iat = Math.floor(Date.now() / 1000)) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub, iat, exp: iat + 3600 })}`;
  return `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
}

test("what the app sends is heard by both sides, and once under its key", async (t) => {
  const { server, ask } = await start(t);
  const alice = await Person.connect(t, server, token("alice"));
  const bob = await Person.connect(t, server, token("bob"));
  const body = { from: "alice", to: "bob", content: { text: "shipped" } };
  const headers = { "idempotency-key": "order-1" };
  const { http, ...sent } = await ask("POST", "/messages", body, headers);
  assert.deepEqual([http, sent.status, sent.seq], [200, "sent", 1]);
  for (const person of [alice, bob]) {
    const [message] = await person.has(1);
    assert.deepEqual([message.id, message.from, message.content], [sent.id, "alice", { text: "shipped" }]);
  }
  await server.restart();
  assert.deepEqual(await ask("POST", "/messages", body, headers), { http, ...sent });
  assert.equal((await ask("POST", "/messages", { ...body, content: 2 }, headers)).code, "conflict");
});

test("a user whose tokens are revoked is out everywhere, until there is a new one", async (t) => {
  const { server, ask } = await start(t);
  const now = Math.floor(Date.now() / 1000);
  const old = token("bob", now - 60);
  const phone = await Person.connect(t, server, old, { auth: { deviceId: "phone" } });
  const tab = await Person.connect(t, server, old);
  const answer = await ask("POST", "/users/bob/revoke-tokens", { notBefore: now * 1000 });
  assert.deepEqual(answer, { http: 200, status: "ok", notBefore: now * 1000 });
  for (const person of [phone, tab]) {
    await person.until(() => person.disconnects.length > 0, "the end");
    assert.equal(person.heard("closing")[0].code, "device_revoked");
    assert.equal(person.disconnects[0], "io server disconnect");
  }
  assert.equal((await Person.refused(t, server, old)).message, "device_revoked");
  const back = await Person.connect(t, server, token("bob", now));
  assert.equal((await back.ask("renew", { token: old })).code, "device_revoked");
  assert.equal((await back.ask("renew", { token: token("bob", now) })).status, "ok");
});

test("a group that the app runs is entered and left at once, and its events are heard", async (t) => {
  const { server, ask } = await start(t);
  const [alice, bob] = await Promise.all(
    ["alice", "bob"].map((user) => Person.connect(t, server, token(user))),
  );
  const kinds = (person) => person.heard("entry").map((entry) => entry.kind);
  const made = await ask("POST", "/groups", { as: "alice", name: "Owls" }, { "idempotency-key": "team-1" });
  assert.deepEqual([made.http, made.seq], [200, 1]);
  const { groupId, conversationId } = made;
  await ask("POST", `/groups/${groupId}/members`, { userIds: ["bob"] });
  await bob.until(() => kinds(bob).includes("member_added"), "the group");
  await ask("POST", "/messages", { groupId, content: "welcome" });
  await bob.until(() => bob.heard("group_message").length > 0, "the welcome");
  assert.equal(bob.heard("group_message")[0].from, "system");

  // Events of the app's own, in passing and stored.
  const passing = { conversationId, name: "cursor", data: { x: 1 } };
  assert.equal((await alice.ask("app_event", passing)).status, "ok");
  await bob.until(() => bob.heard("app_event").length > 0, "the event");
  const { ts, ...heard } = bob.heard("app_event")[0];
  assert.deepEqual(heard, { ...passing, groupId, from: "alice" });
  const vote = { ...passing, name: "vote", store: true, clientId: "v1" };
  const sent = await alice.ask("app_event", vote);
  assert.equal(sent.status, "sent");
  assert.deepEqual(await alice.ask("app_event", vote), sent);
  await bob.until(() => kinds(bob).includes("app_event"), "the stored event");
  const { entries } = await bob.ask("history", { conversationId, limit: 1 });
  assert.deepEqual([entries[0].id, entries[0].name, entries[0].data], [sent.id, "vote", { x: 1 }]);

  const kick = await ask("DELETE", `/groups/${groupId}/members/bob`);
  await bob.until(() => kinds(bob).includes("member_kicked"), "the kick");
  assert.deepEqual([kick.http, bob.heard("entry").at(-1).by], [200, "system"]);
  assert.equal((await bob.ask("app_event", passing)).code, "not_a_member");
  assert.equal((await ask("DELETE", `/groups/${groupId}/members/alice`)).code, "owner_must_stay");
});

test("any message can be deleted by the app, and both sides see it", async (t) => {
  const { server, ask } = await start(t);
  const [alice, bob] = await Promise.all(
    ["alice", "bob"].map((user) => Person.connect(t, server, token(user))),
  );
  const { id } = await alice.send("bob", "secret");
  await bob.has(1);
  const path = `/conversations/dm:alice:bob/messages/${encodeURIComponent(id)}`;
  assert.equal((await ask("DELETE", `${path}?as=bob`)).code, "not_allowed");
  assert.equal((await ask("DELETE", path)).http, 200);
  for (const person of [alice, bob]) {
    await person.until(() => person.heard("entry").length > 0, "the deletion");
    const { kind, by, messageId } = person.heard("entry")[0];
    assert.deepEqual([kind, by, messageId], ["message_deleted", "system", id]);
    const { messages } = await person.ask("history", { conversationId: "dm:alice:bob" });
    assert.deepEqual([messages[0].deleted, messages[0].content], [true, undefined]);
  }
});
