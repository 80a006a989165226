// Who is there, and who types, as stock clients see it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Person } from "./person.mjs";
import { Server } from "./server.mjs";

const env = { PARLOR_LIMITS__PRESENCE_GRACE_MS: "2000", PARLOR_LIMITS__TYPING_EXPIRES_MS: "1000" };

const online = (person, userId) =>
  person.heard("presence").filter((said) => said.userId === userId).map((said) => said.online);

test("a reconnect says nothing, and leaving for good says offline with a time", async (t) => {
  const server = await Server.start(t, { env });
  const alice = await Person.connect(t, server, "alice", { auth: { deviceId: "phone" } });
  const asked = await alice.ask("presence_subscribe", { userIds: ["bob", "carol", "alice"] });
  assert.deepEqual(asked, {
    status: "ok",
    presence: [
      { userId: "bob", online: false, lastSeen: null },
      { userId: "carol", online: false, lastSeen: null },
      { userId: "alice", online: true, lastSeen: null, devices: 1, deviceIds: ["phone"] },
    ],
  });
  const bob = await Person.connect(t, server, "bob");
  await alice.until(() => online(alice, "bob").length === 1, "bob online");
  bob.socket.io.engine.close();
  await bob.until(() => bob.connects === 2, "bob again");
  const carol = await Person.connect(t, server, "carol");
  await alice.until(() => online(alice, "carol").length === 1, "carol online");
  assert.deepEqual(online(alice, "bob"), [true]);
  const before = Date.now();
  bob.socket.disconnect();
  await alice.until(() => online(alice, "bob").length === 2, "bob offline");
  assert.deepEqual(online(alice, "bob"), [true, false]);
  const { lastSeen } = alice.heard("presence").at(-1);
  assert.ok(Math.abs(lastSeen - before) < 1_500, `${lastSeen - before}`);
  const once = await carol.ask("presence", { userIds: ["bob", "alice"] });
  // Each node has it from its own clock, and a moment later than the one where he was.
  const bobs = once.presence[0].lastSeen;
  assert.ok(Math.abs(bobs - lastSeen) <= (process.env.NODES ? 1_500 : 0), `${bobs - lastSeen}`);
  assert.deepEqual(once.presence, [
    { userId: "bob", online: false, lastSeen: bobs },
    { userId: "alice", online: true, lastSeen: null, devices: 1 },
  ]);
  assert.deepEqual(carol.heard("presence"), []);
});

test("who comes back subscribes anew, on polling as on WebSocket", async (t) => {
  for (const transports of [["polling"], ["websocket"]]) {
    const server = await Server.start(t, { env });
    const alice = new Person(t, server, "alice", { transports });
    const answers = [];
    alice.socket.on("connect", () => answers.push(alice.ask("presence_subscribe", { userIds: ["bob"] })));
    await alice.until(() => alice.heard("caught_up").length === 1, "caught up");
    assert.equal((await answers[0]).presence[0].online, false);
    const bob = await Person.connect(t, server, "bob");
    await alice.until(() => online(alice, "bob").at(-1) === true, "bob online");
    alice.socket.io.engine.close();
    await alice.until(() => alice.heard("caught_up").length === 2, "caught up again");
    assert.equal(answers.length, 2);
    assert.equal((await answers[1]).presence[0].online, true);
    bob.socket.disconnect();
    await alice.until(() => online(alice, "bob").at(-1) === false, "bob offline");
    assert.deepEqual(online(alice, "bob"), [true, false]);
  }
});

test("typing ends by itself, and with the message", async (t) => {
  const server = await Server.start(t, { env });
  const alice = await Person.connect(t, server, "alice");
  const bob = await Person.connect(t, server, "bob");
  // Typing is heard from then on.
  await bob.until(() => bob.heard("caught_up").length === 1, "caught up");
  const typing = () => bob.heard("typing").map((said) => said.typing);
  assert.deepEqual(await alice.ask("typing", { toUserId: "bob" }), { status: "ok" });
  await bob.until(() => typing().length === 2, "its end");
  assert.deepEqual(typing(), [true, false]);
  await alice.ask("typing", { toUserId: "bob", typing: true });
  await alice.send("bob", "done");
  await bob.has(1);
  alice.socket.disconnect();
  const carol = await Person.connect(t, server, "carol");
  await carol.ask("typing", { toUserId: "bob", typing: true });
  await bob.until(() => typing().length === 4, "carol's typing");
  assert.deepEqual(bob.heard("typing").map((said) => said.userId), ["alice", "alice", "alice", "carol"]);
});

test("what is wrong with a list of users is named", async (t) => {
  const server = await Server.start(t, { env: { PARLOR_LIMITS__PRESENCE_SUBSCRIPTIONS_MAX: "100" } });
  const alice = await Person.connect(t, server, "alice");
  const users = (n) => Array.from({ length: n }, (_, at) => `user${at}`);
  for (const body of [{}, { userIds: [] }, { userIds: [7] }, { userIds: users(101) }]) {
    const answer = await alice.ask("presence_subscribe", body);
    assert.equal(answer.code, "invalid_argument", JSON.stringify([body, answer]));
    assert.match(answer.error, /userIds/);
  }
  assert.equal((await alice.ask("presence_subscribe", { userIds: users(100) })).status, "ok");
  const over = await alice.ask("presence_subscribe", { userIds: ["one more"] });
  assert.equal(over.code, "too_many_subscriptions");
});
