// Programs of the app that emit to Parlor's users as to rooms of a Socket.IO server: the stock emitter, and a stock
// server with the classic Redis adapter.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { createAdapter } from "@socket.io/redis-adapter";
import { Emitter } from "@socket.io/redis-emitter";
import { createClient } from "redis";
import { Server as SocketIo } from "socket.io";

import { Redis } from "./engines.mjs";
import { Person } from "./person.mjs";
import { Server } from "./server.mjs";

async function client(t, redis) {
  const made = createClient({ url: redis.url });
  made.on("error", () => {});
  await made.connect();
  t.after(() => made.isOpen && made.destroy());
  return made;
}

// Three users, alice and bob in a group, and a Redis that the server hears emitters on.
async function house(t) {
  const redis = await Redis.start();
  t.after(() => redis.stop());
  const server = await Server.start(t, { env: { PARLOR_EMITTERS__URL: redis.url } });
  const at = (n) => server.nodes?.[n % 3] ?? server;
  const people = await Promise.all(
    [["websocket"], ["polling"], ["websocket"]].map((transports, n) =>
      Person.connect(t, at(n), ["alice", "bob", "carol"][n], { transports }),
    ),
  );
  await Promise.all(people.map((person) => person.caughtUp()));
  const { groupId } = await people[0].ask("group_create", { name: "Two", members: ["bob"] });
  await people[1].until(() => people[1].heard("entry").length > 0, "the group");
  return { redis, server, people, groupId };
}

const args = (person, name) => person.events.filter(([heard]) => heard === name).map(([, ...rest]) => rest);

// What is emitted before every node has its connection is heard by nobody: emits until all have heard it.
async function reached(emit, people) {
  for (let tries = 0; people.some((person) => args(person, "hello").length === 0); tries++) {
    assert.ok(tries < 200, "emitters are not heard");
    emit("hello");
    await delay(100);
  }
}

test("the stock emitter reaches users and groups, and nobody else", async (t) => {
  const { redis, people, groupId } = await house(t);
  const [alice, bob, carol] = people;
  const emitter = new Emitter(await client(t, redis));
  await reached((event) => emitter.emit(event), people);

  emitter.to("alice").emit("invoice", { id: 7, paid: true }, ["two", null]);
  emitter.to(`group:${groupId}`).emit("build", "green");
  emitter.to(["alice", "carol"]).except("carol").emit("except");
  emitter.to("bob").emit("bytes", Buffer.from([1, 2, 255]), { inside: Buffer.from("x") });
  emitter.volatile.to("carol").emit("soon", 1.5);
  // Two rooms, one socket: once.
  emitter.to("alice").to(`group:${groupId}`).emit("once");
  // None of these is told: chat's own events, rooms that are none, another namespace.
  emitter.to("alice").emit("private_message", { from: "bob", content: "not from bob" });
  emitter.to("group:").emit("nowhere");
  emitter.of("/admin").to("alice").emit("nowhere");
  emitter.emit("last");
  for (const person of people) await person.until(() => args(person, "last").length === 1, "the last event");

  assert.deepEqual(args(alice, "invoice"), [[{ id: 7, paid: true }, ["two", null]]]);
  assert.deepEqual([alice, bob].map((person) => args(person, "build")), [[["green"]], [["green"]]]);
  assert.deepEqual(args(alice, "except"), [[]]);
  const [[bytes, { inside }]] = args(bob, "bytes");
  assert.deepEqual([Buffer.from(bytes), Buffer.from(inside)], [Buffer.from([1, 2, 255]), Buffer.from("x")]);
  assert.deepEqual(args(carol, "soon"), [[1.5]]);
  assert.deepEqual([alice, bob].map((person) => args(person, "once").length), [1, 1]);
  const heardOf = (person) => new Set(person.events.map(([name]) => name));
  for (const name of ["invoice", "build", "except", "bytes", "once"]) assert.ok(!heardOf(carol).has(name), name);
  for (const person of people) {
    assert.ok(!heardOf(person).has("nowhere"));
    assert.deepEqual(person.messages, []);
  }
});

test("a stock server with the Redis adapter reaches them too, also after Redis was gone", async (t) => {
  const { redis, people } = await house(t);
  const pub = await client(t, redis);
  const io = new SocketIo(createServer(), { adapter: createAdapter(pub, await client(t, redis)) });
  t.after(() => io.close());
  await reached((event) => io.emit(event), people);
  io.to("bob").emit("from", "node");
  await people[1].until(() => args(people[1], "from").length === 1, "an event of the server's");
  assert.deepEqual(args(people[1], "from"), [["node"]]);

  await redis.stop();
  // Chat needs none of it.
  assert.equal((await people[0].send("bob", "still here")).status, "sent");
  await redis.run();
  people.forEach((person) => (person.events = person.events.filter(([name]) => name !== "hello")));
  await reached((event) => io.emit(event), people);
});
