// Groups with stock clients: as the guides write it, over every transport, across a restart.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Person, numbers } from "./person.mjs";
import { Server } from "./server.mjs";

const TRANSPORTS = [["polling", "websocket"], ["websocket"], ["polling"]];

async function people(t, server, names) {
  return Promise.all(
    names.map((name, n) =>
      Person.connect(t, server, name, { auth: { deviceId: "phone" }, transports: TRANSPORTS[n % TRANSPORTS.length] }),
    ),
  );
}

const texts = (person) => person.heard("group_message").map(({ content }) => content);

test("a group talks over every transport, and who is kicked hears no more", async (t) => {
  const server = await Server.start(t);
  const [alice, bob, carol] = await people(t, server, ["alice", "bob", "carol"]);
  const made = await alice.ask("group_create", { name: "Owls", members: ["bob", "carol"] });
  assert.equal(made.status, "ok");
  const { groupId } = made;
  const sent = await alice.ask("group_message", { groupId, content: "Hello!" });
  assert.deepEqual(
    { ...sent, ts: 0 },
    { status: "sent", id: `group:${groupId}:2`, conversationId: `group:${groupId}`, seq: 2, ts: 0 },
  );
  for (const person of [bob, carol]) {
    await person.until(() => texts(person).length === 1, "the message");
    assert.equal(person.heard("group_message")[0].from, "alice");
    assert.equal(person.heard("entry")[0].kind, "group_created");
  }
  assert.equal((await alice.ask("group_kick", { groupId, userId: "carol" })).status, "ok");
  await alice.ask("group_message", { groupId, content: "She is gone" });
  await bob.until(() => texts(bob).length === 2, "the second message");
  await alice.send("carol", "a direct one");
  await carol.until(() => carol.messages.length === 1, "the direct one");
  assert.deepEqual(texts(carol), ["Hello!"]);
  assert.equal(carol.heard("entry").at(-1).kind, "member_kicked");
  assert.equal((await carol.ask("group_message", { groupId, content: "?" })).code, "not_a_member");
  assert.equal((await bob.ask("group_kick", { groupId, userId: "alice" })).code, "not_allowed");
  assert.deepEqual(texts(alice), []);
});

test("a stock client with retries sends each group message once across restarts", async (t) => {
  const server = await Server.start(t, { env: { PARLOR_SERVER__DRAIN_MS: "500" } });
  const alice = await Person.connect(t, server, "alice", {
    auth: { deviceId: "phone" },
    retries: 1_000,
    ackTimeout: 2_000,
  });
  // A kill in the middle of an upgrade leaves the stock client without a transport until its ping times out.
  const bob = await Person.connect(t, server, "bob", { auth: { deviceId: "phone" }, transports: ["websocket"] });
  const call = (name, payload) =>
    new Promise((resolve, reject) =>
      alice.socket.emit(name, payload, (error, answer) => (error ? reject(error) : resolve(answer))),
    );
  const { groupId } = await call("group_create", { name: "Owls", members: ["bob"], clientId: "the group" });
  const sends = numbers(1, 60).map(async (n) => {
    for (;;) {
      const body = { groupId, content: n, clientId: `m${n}` };
      const answer = await call("group_message", body);
      if (answer.status === "sent") return answer.seq;
      await new Promise((resolve) => setTimeout(resolve, answer.retryAfterMs ?? 50));
    }
  });
  await server.terminate();
  await server.run();
  await server.kill();
  await server.run();
  const seqs = await Promise.all(sends);
  assert.deepEqual(seqs.toSorted((a, b) => a - b), numbers(2, 61));
  await bob.until(() => new Set(texts(bob)).size === 60, "all messages");
  const history = await bob.ask("history", { conversationId: `group:${groupId}`, after: 0, limit: 200 });
  assert.deepEqual(history.messages.map(({ content }) => content).toSorted((a, b) => a - b), numbers(1, 60));
});

test("who was away gets what the group said meanwhile, and may read the rest", async (t) => {
  const server = await Server.start(t);
  const [alice, bob] = await people(t, server, ["alice", "bob"]);
  const { groupId } = await alice.ask("group_create", { name: "Owls", members: ["bob"] });
  await bob.until(() => bob.heard("entry").length === 1, "the group");
  bob.socket.disconnect();
  for (const n of numbers(1, 30)) await alice.ask("group_message", { groupId, content: n });
  await alice.ask("group_add", { groupId, userIds: ["dave"] });
  bob.socket.connect();
  await bob.until(() => bob.heard("entry").length === 2, "what came since");
  assert.deepEqual(texts(bob), numbers(1, 30));
  const [dave] = await people(t, server, ["dave"]);
  const page = await dave.ask("history", { conversationId: `group:${groupId}` });
  assert.deepEqual([page.messages, page.entries.map(({ kind }) => kind), page.covers], [[], ["member_added"], [1, 32]]);
  const groups = await dave.ask("groups", {});
  assert.deepEqual(groups.groups.map(({ name, members, role }) => [name, members, role]), [["Owls", 3, "member"]]);
});
