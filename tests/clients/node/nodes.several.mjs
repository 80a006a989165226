// What only several nodes of one log have to get right, as stock clients see it. Run by `several.mjs`.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { Balancer } from "./balancer.mjs";
import { Redis } from "./engines.mjs";
import { Person, numbers } from "./person.mjs";
import { Server } from "./server.mjs";

const LEASE_MS = 3_000;
const env = {
  PARLOR_LIMITS__PRESENCE_GRACE_MS: "200",
  PARLOR_BUS__LEASE_MS: `${LEASE_MS}`,
  PARLOR_MODERATION__DEV_MODERATORS: "mo",
};
const websocket = { transports: ["websocket"] };
const onPhone = { ...websocket, auth: { deviceId: "phone" } };
const onLaptop = { ...websocket, auth: { deviceId: "laptop" } };

const contents = (messages) => messages.map((message) => message.content);
const online = (person, userId) =>
  person.heard("presence").filter((said) => said.userId === userId).map((said) => said.online);

// First sightings, in the order they were made.
function firsts(messages) {
  const ids = new Set();
  return messages.filter(({ id }) => !ids.has(id) && ids.add(id));
}

test("a message reaches every device on every node once, and not the connection that sent it", async (t) => {
  const { nodes } = await Server.start(t, { env });
  const laptop = await Person.connect(t, nodes[0], "alice", onLaptop);
  const phone = await Person.connect(t, nodes[1], "alice", onPhone);
  const bobs = await Promise.all(nodes.map((node, n) => Person.connect(t, node, "bob", { auth: { deviceId: `d${n}` } })));
  await Promise.all([laptop, phone, ...bobs].map((person) => person.caughtUp()));
  await Promise.all(numbers(1, 50).map((n) => laptop.send("bob", n)));
  await Promise.all(numbers(51, 60).map((n) => phone.send("bob", n)));
  for (const bob of bobs) assert.deepEqual(contents(await bob.has(60)), numbers(1, 60));
  await phone.until(() => phone.messages.length >= 50, "copies on the phone");
  await laptop.until(() => laptop.messages.length >= 10, "copies on the laptop");
  await delay(200);
  assert.deepEqual(contents(phone.messages), numbers(1, 50));
  assert.deepEqual(contents(laptop.messages), numbers(51, 60));
  for (const bob of bobs) assert.equal(bob.messages.length, 60);
  // Receipts find the way back.
  await laptop.until(() => laptop.heard("delivered").some(({ seq }) => seq === 60), "a receipt");
});

test("nodes behind a pooler are as one, also after a kill -9", async (t) => {
  const { nodes } = await Server.start(t, { env: { ...env, PARLOR_STORE__POOLER: "true" } });
  const alice = await Person.connect(t, nodes[0], "alice", { ...websocket, retries: 1_000, ackTimeout: 2_000 });
  const bob = await Person.connect(t, nodes[1], "bob", websocket);
  await Promise.all([alice, bob].map((person) => person.caughtUp()));
  const send = (n) => alice.send("bob", n, { clientId: randomUUID() });
  await Promise.all(numbers(1, 30).map(send));
  await bob.has(30);
  const sent = numbers(31, 40).map(send);
  await nodes[0].kill();
  await nodes[0].run();
  await Promise.all(sent);
  const heard = firsts(await bob.has(40));
  assert.deepEqual(contents(heard), numbers(1, 40));
  assert.deepEqual(heard.map(({ seq }) => seq), heard.map((_, n) => n + 1));
});

test("who is put out of a group on one node hears nothing more of it on another", async (t) => {
  const { nodes } = await Server.start(t, { env });
  const [alice, bob, carol] = await Promise.all(
    ["alice", "bob", "carol"].map((user, n) => Person.connect(t, nodes[n], user, websocket)),
  );
  await Promise.all([alice, bob, carol].map((person) => person.caughtUp()));
  const { groupId } = await alice.ask("group_create", { name: "Three", members: ["bob", "carol"] });
  const heard = (person) => person.heard("group_message").map((message) => message.content);
  await carol.until(() => carol.heard("entry").length > 0, "the group");
  await bob.until(() => bob.heard("entry").length > 0, "the group");
  assert.equal((await carol.ask("typing", { groupId })).status, "ok");
  await alice.until(() => alice.heard("typing").length > 0, "typing");
  await bob.ask("group_message", { groupId, content: "before" });
  await carol.until(() => heard(carol).length === 1, "a message");
  assert.equal((await alice.ask("group_kick", { groupId, userId: "carol" })).status, "ok");
  await Promise.all(numbers(1, 20).map((n) => bob.ask("group_message", { groupId, content: n })));
  await bob.ask("typing", { groupId });
  await alice.until(() => heard(alice).length === 21, "all messages");
  await delay(300);
  assert.deepEqual(heard(carol), ["before"]);
  assert.equal(carol.heard("typing").filter(({ userId }) => userId === "bob").length, 0);
  assert.equal((await carol.ask("group_message", { groupId, content: "x" })).code, "not_a_member");
});

test("what a moderator and an owner of devices decide holds on every node at once", async (t) => {
  const { nodes } = await Server.start(t, { env });
  const mo = await Person.connect(t, nodes[0], "mo", websocket);
  const alice = await Person.connect(t, nodes[1], "alice", websocket);
  const [laptop, phone] = [await Person.connect(t, nodes[0], "bob", onLaptop), await Person.connect(t, nodes[2], "bob", onPhone)];
  assert.equal((await laptop.ask("device_revoke", { deviceId: "phone" })).status, "ok");
  await phone.until(() => phone.disconnects.length > 0, "the end");
  assert.equal(phone.heard("closing")[0].code, "device_revoked");
  assert.equal((await mo.ask("suspend", { userId: "alice", reason: "spam" })).status, "ok");
  await alice.until(() => alice.disconnects.length > 0, "the end");
  assert.equal(alice.heard("closing")[0].code, "suspended");
});

test("presence goes over nodes, and a node that is killed takes its users with it", async (t) => {
  const { nodes } = await Server.start(t, { env });
  const alice = await Person.connect(t, nodes[0], "alice", websocket);
  const bob = await Person.connect(t, nodes[1], "bob", { ...onPhone, reconnection: false });
  const asked = await alice.ask("presence_subscribe", { userIds: ["bob", "carol"] });
  assert.deepEqual(asked.presence, [
    { userId: "bob", online: true, lastSeen: null, devices: 1 },
    { userId: "carol", online: false, lastSeen: null },
  ]);
  const carol = await Person.connect(t, nodes[2], "carol", websocket);
  await alice.until(() => online(alice, "carol").at(-1) === true, "carol");
  bob.close();
  await alice.until(() => online(alice, "bob").at(-1) === false, "bob gone");
  const began = Date.now();
  await nodes[2].kill();
  await alice.until(() => online(alice, "carol").at(-1) === false, "carol gone");
  assert.ok(Date.now() - began < LEASE_MS * 3, `${Date.now() - began} ms`);
  assert.equal(carol.user, "carol");
});

test("a socket is recovered on another node", async (t) => {
  const { nodes } = await Server.start(t, { env });
  const balancer = await Balancer.start(t, [nodes[0]]);
  const asking = { ...websocket, auth: { deviceId: "phone", recovery: true }, reconnection: false };
  const bob = await Person.connect(t, balancer, "bob", asking);
  await bob.caughtUp();
  const alice = await Person.connect(t, nodes[2], "alice", websocket);
  await alice.send("bob", 1);
  await bob.has(1);
  const { id } = bob.socket;
  bob.socket.io.engine.close();
  await bob.until(() => bob.disconnects.length > 0, "the cut");
  await alice.send("bob", 2);
  balancer.nodes = [nodes[1]];
  bob.socket.connect();
  await bob.until(() => bob.connects > 1, "the way back");
  await bob.has(2);
  await alice.send("bob", 3);
  assert.deepEqual([contents(await bob.has(3)), bob.socket.recovered, bob.socket.id], [[1, 2, 3], true, id]);
});

test("a bus that is down delays and loses nothing, and is taken up again", async (t) => {
  const redis = await Redis.start();
  t.after(() => redis.stop());
  const { nodes } = await Server.start(t, { env: { ...env, PARLOR_BUS__URL: redis.url } });
  const alice = await Person.connect(t, nodes[0], "alice", websocket);
  const bob = await Person.connect(t, nodes[1], "bob", onPhone);
  await bob.caughtUp();
  for (const [round, fault] of [
    ["wiped", async () => redis.ask("FLUSHALL")],
    ["killed", () => redis.stop()],
    ["still down, and a node starts without it", () => nodes[2].restart()],
    ["back and empty", () => redis.run()],
  ].entries()) {
    await fault[1]();
    const acks = await Promise.all(numbers(1, 30).map((n) => alice.send("bob", round * 30 + n)));
    assert.deepEqual(acks.map((ack) => ack.seq), numbers(round * 30 + 1, round * 30 + 30));
    assert.deepEqual(contents(await bob.has(round * 30 + 30)), numbers(1, round * 30 + 30), fault[0]);
  }
  // Who is there is known again, though the directory was emptied.
  const carol = await Person.connect(t, nodes[2], "carol", websocket);
  for (let known = false; !known; await delay(100)) {
    const { presence } = await carol.ask("presence", { userIds: ["alice", "bob"] });
    known = presence.every((user) => user.online);
  }
});

test("what a user set and read while the bus was down is told on the other nodes", async (t) => {
  const redis = await Redis.start();
  t.after(() => redis.stop());
  const { nodes } = await Server.start(t, { env: { ...env, PARLOR_BUS__URL: redis.url } });
  const conversationId = "dm:alice:bob";
  const phone = await Person.connect(t, nodes[0], "alice", onPhone);
  const laptop = await Person.connect(t, nodes[1], "alice", onLaptop);
  const bob = await Person.connect(t, nodes[2], "bob", onPhone);
  await Promise.all([phone, laptop, bob].map((person) => person.caughtUp()));
  const { id } = await bob.send("alice", 1);
  await laptop.has(1);
  await redis.stop();
  const acks = [
    await phone.ask("draft_set", { conversationId, content: "to go" }),
    await phone.ask("conversation_set", { conversationId, pinned: true }),
    await phone.ask("read", { messageId: id }),
  ];
  assert.deepEqual(acks.map(({ status }) => status), ["ok", "ok", "ok"]);
  assert.deepEqual([laptop.heard("draft"), bob.heard("read")], [[], []]);
  await redis.run();
  const owns = () => laptop.heard("moved").flatMap(({ own }) => own ?? []);
  await laptop.until(() => owns().length >= 2, "what was set");
  const [draft, settings] = ["draft", "conversation_settings"].map((name) => owns().find(({ event }) => event === name));
  assert.deepEqual([draft.data.content, settings.data.pinned], ["to go", true]);
  const marks = () => bob.heard("moved").flatMap(({ conversations }) => conversations[0]?.watermarks ?? []);
  await bob.until(() => marks().some(({ userId, read }) => userId === "alice" && read === 1), "what was read");
});

test("who was put into a group on one node is a member on all of them, also before they are told", async (t) => {
  const redis = await Redis.start();
  t.after(() => redis.stop());
  const { nodes } = await Server.start(t, { env: { ...env, PARLOR_BUS__URL: redis.url } });
  const [alice, ...bobs] = await Promise.all(
    ["alice", "bob", "carol", "dave"].map((user, n) => Person.connect(t, nodes[n % 3], user, websocket)),
  );
  await Promise.all([alice, ...bobs].map((person) => person.caughtUp()));
  // No node tells another what it has committed; each looks by itself, some time later.
  await redis.stop();
  const asks = (groupId) => [
    ["conversation_open", { conversationId: `group:${groupId}` }],
    ["typing", { groupId }],
    ["presence", { groupId }],
    ["group_message", { groupId, content: "here already" }],
    ["read", { conversationId: `group:${groupId}`, seq: 1 }],
  ];
  for (const [name] of asks("")) {
    const members = ["bob", "carol", "dave"];
    const { groupId } = await alice.ask("group_create", { name: "Owls", members });
    const ask = asks(groupId).find(([asked]) => asked === name)[1];
    const answers = await Promise.all(bobs.map((person) => person.ask(name, ask)));
    assert.deepEqual(answers.map(({ code }) => code), [undefined, undefined, undefined], name);
  }
  const strangers = await alice.ask("group_create", { name: "Two", members: ["carol"] });
  for (const [name, ask] of asks(strangers.groupId)) {
    assert.equal((await bobs[0].ask(name, ask)).code, name === "read" ? "not_found" : "not_a_member", name);
  }
});

test("nodes are killed one after the other under load, and what was acked is there once and in order", async (t) => {
  const { nodes } = await Server.start(t, { env });
  const balancer = await Balancer.start(t, nodes);
  const options = { ...websocket, retries: 1_000, ackTimeout: 2_000 };
  const users = numbers(1, 6).map((n) => `u${n}`);
  const people = await Promise.all(users.map((user) => Person.connect(t, balancer, user, { ...options, auth: { deviceId: "d" } })));
  const peer = (at) => users[(at + 1) % users.length];
  const acks = people.map(() => []);
  let sending = true;
  const senders = people.map(async (person, at) => {
    for (let n = 1; sending; n += 1) {
      const body = { toUserId: peer(at), content: n, clientId: randomUUID() };
      const answer = await new Promise((resolve, reject) => {
        person.socket.emit("private_message", body, (error, ack) => (error ? reject(error) : resolve(ack)));
      });
      if (answer.status === "sent") acks[at].push({ n, seq: answer.seq });
      else await delay(answer.retryAfterMs ?? 50);
    }
  });
  for (const node of nodes) {
    await delay(500);
    await node.kill();
    await delay(500);
    await node.run();
  }
  await delay(500);
  sending = false;
  await Promise.all(senders);
  for (const [at, person] of people.entries()) {
    const mine = acks[at];
    const reader = people[(at + 1) % people.length];
    const all = () => firsts(reader.messages).filter(({ from }) => from === person.user);
    await reader.until(() => all().length >= mine.length, `${mine.length} messages of ${person.user}`);
    assert.ok(mine.length > 0);
    assert.deepEqual(all().map(({ seq, content }) => ({ n: content, seq })).slice(0, mine.length), mine);
  }
});
