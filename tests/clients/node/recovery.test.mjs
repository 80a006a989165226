// Connection state recovery by the stock client: the same socket again, after a cut and after kill -9.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Person, numbers } from "./person.mjs";
import { Server } from "./server.mjs";

const asking = { auth: { deviceId: "phone", recovery: true }, reconnection: false };

function contents(person) {
  return person.messages.map((message) => message.content);
}

// Cuts the transport as a network would: the client keeps its session.
async function cut(person) {
  const gone = person.disconnects.length;
  person.socket.io.engine.close();
  await person.until(() => person.disconnects.length > gone, "the cut");
}

async function comeBack(person) {
  const connects = person.connects;
  person.socket.connect();
  await person.until(() => person.connects > connects, "the way back");
  await person.until(() => person.heard("caught_up").length > connects, "caught_up");
}

for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
  test(`over ${transports} a socket is recovered again and again`, async (t) => {
    const server = await Server.start(t);
    const alice = await Person.connect(t, server, "alice");
    const bob = await Person.connect(t, server, "bob", { ...asking, transports });
    await bob.caughtUp();
    assert.equal(bob.socket.recovered, false);
    const { id } = bob.socket;
    for (const round of numbers(1, 3)) {
      await cut(bob);
      await alice.send("bob", 2 * round - 1);
      await alice.send("bob", 2 * round);
      await comeBack(bob);
      assert.equal(bob.socket.recovered, true);
      assert.equal(bob.socket.id, id);
      assert.deepEqual(contents(bob), numbers(1, 2 * round));
    }
    const readies = bob.heard("ready");
    assert.deepEqual(readies.map((ready) => ready.recovered), [false, true, true, true]);
    await alice.send("bob", "live");
    await bob.has(7);
  });
}

test("a socket is recovered after kill -9, which no memory of the server outlives", async (t) => {
  const server = await Server.start(t);
  const bob = await Person.connect(t, server, "bob", { ...asking, confirm: false });
  await bob.caughtUp();
  const { id } = bob.socket;
  const alice = await Person.connect(t, server, "alice");
  await alice.send("bob", 1);
  await bob.has(1);
  await server.kill();
  await bob.until(() => bob.disconnects.length > 0, "the kill");
  await server.run();
  // Before the server is open it sends her away again.
  await alice.until(() => alice.heard("ready").length > 1, "alice is back");
  await alice.send("bob", 2);
  await comeBack(bob);
  assert.equal(bob.socket.recovered, true);
  assert.equal(bob.socket.id, id);
  assert.deepEqual(contents(bob), [1, 2]);
});

test("missed messages come before the client is connected again", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  const bob = await Person.connect(t, server, "bob", asking);
  await bob.caughtUp();
  await cut(bob);
  await alice.send("bob", 1);
  const order = [];
  bob.socket.on("connect", () => order.push("connect"));
  bob.socket.on("private_message", () => order.push("message"));
  await comeBack(bob);
  assert.deepEqual(order, ["message", "connect"]);
});

test("beyond the bound it is another socket that resumes, and the client can tell", async (t) => {
  const server = await Server.start(t, { env: { PARLOR_LIMITS__RECOVERY_ENTRIES_MAX: "1" } });
  const alice = await Person.connect(t, server, "alice");
  const bob = await Person.connect(t, server, "bob", asking);
  await bob.caughtUp();
  const { id } = bob.socket;
  await cut(bob);
  await alice.send("bob", 1);
  await alice.send("bob", 2);
  await comeBack(bob);
  assert.equal(bob.socket.recovered, false);
  assert.notEqual(bob.socket.id, id);
  assert.equal(bob.heard("ready").at(-1).recovered, false);
  assert.deepEqual(contents(bob), [1, 2]);
});

test("cuts in the middle of a recovery leave no hole, and only repeats", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  const bob = await Person.connect(t, server, "bob", { ...asking, transports: ["websocket"] });
  await bob.caughtUp();
  const { id } = bob.socket;
  await cut(bob);
  const large = "x".repeat(60_000);
  for (const n of numbers(1, 60)) await alice.send("bob", `${n} ${large}`);
  for (const packets of [10, 30]) {
    let left = packets;
    const closed = new Promise((resolve) => bob.socket.io.once("close", resolve));
    bob.socket.io.once("open", () => {
      bob.socket.io.engine.on("data", () => --left || bob.socket.io.engine.close());
    });
    bob.socket.connect();
    await closed;
    assert.equal(bob.connects, 1, "it was cut before the answer");
  }
  bob.socket.connect();
  await bob.until(() => bob.connects > 1, "the way back");
  assert.equal(bob.socket.recovered, true);
  assert.equal(bob.socket.id, id);
  assert.ok(bob.messages.length > 60, "what was buffered before is repeated");
  const firsts = new Map(bob.messages.map((message) => [message.id, message]));
  assert.deepEqual([...firsts.values()].map((message) => message.seq), numbers(1, 60));
  assert.equal(bob.heard("closing").length, 0);
});

test("another user who signs in on the same socket gets all of theirs", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  const bob = await Person.connect(t, server, "bob", asking);
  await bob.caughtUp();
  await alice.send("carol", "for carol");
  await alice.send("bob", "for bob");
  await bob.has(1);
  bob.socket.disconnect();
  bob.socket.auth = { ...bob.socket.auth, token: "carol" };
  await comeBack(bob);
  assert.equal(bob.socket.recovered, false);
  assert.deepEqual(contents(bob), ["for bob", "for carol"]);
});

test("a client that does not ask gets events without an offset", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  const bob = await Person.connect(t, server, "bob");
  await alice.send("bob", 1);
  await bob.has(1);
  assert.ok(bob.events.every(([, ...args]) => args.length === 1), JSON.stringify(bob.events));
});

test("a client that keeps its position gets what came since, and what moved", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  let resume;
  const auth = (give) => give({ token: "bob", deviceId: "phone", resume });
  const bob = new Person(t, server, "bob", { auth, reconnection: false });
  // `auth` as a function replaces the object that the tests' user makes.
  bob.socket.auth = auth;
  await bob.until(() => bob.heard("caught_up").length > 0, "caught_up");
  const { epoch } = bob.heard("caught_up")[0];
  await alice.send("bob", 1);
  await bob.has(1);
  resume = { epoch, pos: bob.messages[0].pos };
  await cut(bob);
  await server.restart();
  await alice.until(() => alice.heard("ready").length > 1, "alice is back");
  await alice.send("bob", 2);
  await alice.ask("read", { conversationId: "dm:alice:bob", seq: 1 });
  await comeBack(bob);
  assert.deepEqual(contents(bob), [1, 2]);
  assert.equal(bob.heard("moved")[0].conversations[0].conversationId, "dm:alice:bob");
  assert.equal(bob.heard("snapshot").length, 0);
  const moved = await bob.ask("sync", resume);
  assert.deepEqual(moved.conversations.map((line) => line.head), [2]);
});
