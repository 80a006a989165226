// Socket.IO servers of the app's, with either Redis adapter, and programs that emit by the stock emitter, to which
// Parlor is one more server of their cluster.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { Emitter } from "@socket.io/redis-emitter";
import { createClient, createCluster } from "redis";
import { Server as SocketIo } from "socket.io";
import { io as connect } from "socket.io-client";

import { Redis } from "./engines.mjs";
import { Person } from "./person.mjs";
import { Server } from "./server.mjs";

async function client(redis) {
  const made = redis.isCluster ? createCluster({ rootNodes: [{ url: redis.url }] }) : createClient({ url: redis.url });
  made.on("error", () => {});
  await made.connect();
  return made;
}

// Three users, alice and bob in a group, and a Redis by which the server is a member of the app's cluster.
async function house(t, { kind = "classic", mode, start = () => Redis.start() } = {}) {
  const redis = await start();
  // In the reverse order of the beginnings: nobody speaks with a Redis that is gone.
  const ends = [() => redis.stop()];
  t.after(async () => {
    for (const end of ends.reverse()) await end();
  });
  const address = redis.isCluster ? "PARLOR_ADAPTER__URLS" : "PARLOR_ADAPTER__URL";
  const env = { [address]: redis.url, PARLOR_ADAPTER__KIND: kind };
  if (mode) env.PARLOR_ADAPTER__SUBSCRIPTION_MODE = mode;
  const server = await Server.start(t, { env });
  const at = (n) => server.nodes?.[n % 3] ?? server;
  const people = await Promise.all(
    [["websocket"], ["polling"], ["websocket"]].map((transports, n) =>
      Person.connect(t, at(n), ["alice", "bob", "carol"][n], { transports }),
    ),
  );
  await Promise.all(people.map((person) => person.caughtUp()));
  const { groupId } = await people[0].ask("group_create", { name: "Two", members: ["bob"] });
  await people[1].until(() => people[1].heard("entry").length > 0, "the group");
  return { redis, ends, server, people, groupId };
}

async function emitterOn({ redis, ends }) {
  const made = await client(redis);
  ends.push(() => made.close());
  return new Emitter(made);
}

// A stock server in the same cluster, and a client of its own in the room "news".
async function stock({ redis, ends }, { kind = "classic", mode } = {}) {
  const [pub, sub] = [await client(redis), await client(redis)];
  const adapter =
    kind === "sharded" ? createShardedAdapter(pub, sub, mode && { subscriptionMode: mode }) : createAdapter(pub, sub);
  const http = createServer();
  const io = new SocketIo(http, { adapter });
  io.on("connection", (socket) => socket.join("news"));
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  const dora = connect(`http://127.0.0.1:${http.address().port}`, { transports: ["websocket"], forceNew: true });
  await new Promise((resolve) => dora.on("connect", resolve));
  ends.push(async () => {
    dora.disconnect();
    // It would unsubscribe, and nobody could wait for that; its connections end with its clients.
    io.of("/").adapter.close = () => {};
    await io.close();
    for (const made of [pub, sub]) await made.close();
  });
  return { io, dora };
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

// A room's own channel is heard a moment after somebody came: emits until all of them have heard it.
async function reachedIn(io, room, people) {
  const name = `in ${room}`;
  for (let tries = 0; people.some((person) => args(person, name).length === 0); tries++) {
    assert.ok(tries < 200, `${room} is not heard`);
    io.to(room).emit(name);
    await delay(50);
  }
}

test("the stock emitter reaches users and groups, and nobody else", async (t) => {
  const home = await house(t);
  const { people, groupId } = home;
  const [alice, bob, carol] = people;
  const emitter = await emitterOn(home);
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
  assert.deepEqual(
    [alice, bob].map((person) => args(person, "build")),
    [[["green"]], [["green"]]],
  );
  assert.deepEqual(args(alice, "except"), [[]]);
  const [[bytes, { inside }]] = args(bob, "bytes");
  assert.deepEqual([Buffer.from(bytes), Buffer.from(inside)], [Buffer.from([1, 2, 255]), Buffer.from("x")]);
  assert.deepEqual(args(carol, "soon"), [[1.5]]);
  assert.deepEqual(
    [alice, bob].map((person) => args(person, "once").length),
    [1, 1],
  );
  const heardOf = (person) => new Set(person.events.map(([name]) => name));
  for (const name of ["invoice", "build", "except", "bytes", "once"]) assert.ok(!heardOf(carol).has(name), name);
  for (const person of people) {
    assert.ok(!heardOf(person).has("nowhere"));
    assert.deepEqual(person.messages, []);
  }
});

test("a stock server with the Redis adapter reaches them too, also after Redis was gone", async (t) => {
  const home = await house(t);
  const { redis, people } = home;
  const { io } = await stock(home);
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

for (const { kind, mode, on, start } of [
  { kind: "classic", on: "a server" },
  { kind: "sharded", on: "a server" },
  { kind: "sharded", mode: "static", on: "a server" },
  { kind: "sharded", mode: "dynamic-private", on: "a server" },
  { kind: "sharded", on: "a cluster", start: () => Redis.startCluster() },
]) {
  const adapter = [kind, "adapter", mode && `(${mode})`].filter(Boolean).join(" ");
  test(`a stock server with the ${adapter} on ${on} asks for Parlor's sockets as for its own`, async (t) => {
    const home = await house(t, { kind, mode, start });
    const { redis, server, people, groupId } = home;
    const [alice, bob, carol] = people;
    const { io, dora } = await stock(home, { kind, mode });
    await reached((event) => io.emit(event), people);
    const idOf = (person) => person.socket.id;
    await reachedIn(io, "bob", [bob]);
    await reachedIn(io, idOf(carol), [carol]);
    await reachedIn(io, `group:${groupId}`, [alice, bob]);

    // Who is there.
    const all = await io.fetchSockets();
    assert.deepEqual(all.map(({ id }) => id).sort(), [...people.map(idOf), dora.id].sort());
    const found = all.find(({ id }) => id === idOf(alice));
    assert.deepEqual([...found.rooms].sort(), [idOf(alice), "alice", `group:${groupId}`].sort());
    assert.equal(found.data.userId, "alice");
    assert.deepEqual(found.handshake.auth, {}, "a token is nobody else's");
    const inGroup = await io.in(`group:${groupId}`).fetchSockets();
    assert.deepEqual(inGroup.map(({ data }) => data.userId).sort(), ["alice", "bob"]);
    assert.deepEqual(
      (await io.in(idOf(bob)).fetchSockets()).map(({ data }) => data.userId),
      ["bob"],
    );

    // Rooms of the app's own, which clients of both servers are in.
    io.in(["alice", idOf(carol)]).socketsJoin(["news", "sport"]);
    const heardByDora = new Promise((resolve) => dora.once("headline", (...said) => resolve(said)));
    for (const room of ["news", "sport"]) await reachedIn(io, room, [alice, carol]);
    io.to("news").except("carol").emit("headline", 1);
    io.to("sport").emit("goal", 2);
    await carol.until(() => args(carol, "goal").length === 1, "an event of a room that was joined");
    await alice.until(() => args(alice, "goal").length === 1, "the same");
    await alice.until(() => args(alice, "headline").length === 1, "one of another");
    assert.deepEqual(
      [alice, bob, carol].map((person) => args(person, "headline").length),
      [1, 0, 0],
    );
    assert.deepEqual([args(bob, "goal"), await heardByDora], [[], [1]]);
    const inNews = await io.in("news").fetchSockets();
    assert.deepEqual(inNews.map(({ id }) => id).sort(), [idOf(alice), idOf(carol), dora.id].sort());
    io.in("alice").socketsLeave("news");
    // The channels of a cluster are at several of its nodes, and know no order among them.
    while (redis.isCluster && (await io.in("news").fetchSockets()).length > 2) await delay(20);
    io.to("news").emit("headline", 3);
    await carol.until(() => args(carol, "headline").length === 1, "an event of a room that others left");
    assert.equal(args(alice, "headline").length, 1);

    // Nobody is let into a group from there.
    io.in("carol").socketsJoin(`group:${groupId}`);
    io.to(`group:${groupId}`).emit("secret");
    for (const person of [alice, bob])
      await person.until(() => args(person, "secret").length === 1, "what a group is told");
    io.emit("after");
    for (const person of people) await person.until(() => args(person, "after").length === 1, "an event for all");
    assert.deepEqual(
      people.map((person) => args(person, "secret").length),
      [1, 1, 0],
    );

    // Acks of clients, with and without bytes.
    alice.socket.on("question", (n, ack) => ack({ from: "alice", n }));
    carol.socket.on("question", (_, ack) => ack({ bytes: Buffer.from([1, 255]) }));
    dora.on("question", (_, ack) => ack("dora"));
    const answers = await io.to(["alice", "news"]).timeout(5_000).emitWithAck("question", 7);
    assert.equal(answers.length, 3);
    assert.ok(answers.includes("dora"));
    assert.deepEqual(
      answers.find((answer) => answer.n),
      { from: "alice", n: 7 },
    );
    assert.deepEqual(Buffer.from(answers.find((answer) => answer.bytes).bytes), Buffer.from([1, 255]));
    assert.deepEqual(await io.to("nobody").timeout(5_000).emitWithAck("question", 8), []);
    // One of them says nothing: the others' answers are there with the error.
    const late = await io
      .to(["alice", "bob"])
      .timeout(300)
      .emitWithAck("question", 9)
      .catch((error) => error);
    assert.deepEqual(late.responses, [{ from: "alice", n: 9 }]);
    // Chat's own events are nobody's to ask: nobody is asked, and nobody waits.
    assert.deepEqual(await io.to("bob").timeout(5_000).emitWithAck("private_message", {}), []);

    // No code of the app's runs in Parlor; each of its nodes says so.
    const said = await io.serverSideEmitWithAck("anybody there");
    assert.deepEqual(said, Array(server.nodes?.length ?? 1).fill(null));
    if (kind === "classic") {
      const rooms = await io.of("/").adapter.allRooms();
      for (const room of ["alice", "bob", "news", `group:${groupId}`, idOf(bob)]) assert.ok(rooms.has(room), room);
    }

    // Rooms may be numbers; a request that is refused is answered, or Node would give up on all servers.
    const numbered = await Person.connect(t, server.nodes?.[1] ?? server, "42");
    await numbered.caughtUp();
    await reachedIn(io, 42, [numbered]);
    io.to([42, 7.5]).emit("by number", ...Array(10).fill(Buffer.from([1])));
    await numbered.until(() => args(numbered, "by number").length === 1, "an event for a number");
    assert.equal(args(numbered, "by number")[0].length, 10);
    assert.deepEqual(await io.in("x".repeat(300)).fetchSockets(), []);
    const tooMany = Array(11).fill(Buffer.from([1]));
    assert.deepEqual(
      await io
        .to("bob")
        .timeout(5_000)
        .emitWithAck("question", ...tooMany),
      [],
    );

    const gone = new Promise((resolve) => bob.socket.on("disconnect", resolve));
    io.in("bob").disconnectSockets(true);
    assert.match(await gone, /server disconnect|transport close/);
    assert.ok(alice.socket.connected && dora.connected);
  });
}

test("the stock emitter moves and disconnects sockets", async (t) => {
  const home = await house(t);
  const { people } = home;
  const [alice, bob] = people;
  const emitter = await emitterOn(home);
  await reached((event) => emitter.emit(event), people);
  emitter.in("alice").socketsJoin("news");
  emitter.to("news").emit("headline", 1);
  emitter.serverSideEmit("anybody there");
  emitter.in("news").socketsLeave("news");
  emitter.to("news").emit("headline", 2);
  emitter.emit("after");
  await alice.until(() => args(alice, "after").length === 1, "the last event");
  assert.deepEqual(args(alice, "headline"), [[1]]);
  const gone = new Promise((resolve) => bob.socket.on("disconnect", resolve));
  emitter.in("bob").disconnectSockets();
  assert.equal(await gone, "io server disconnect");
});

test("a room of its own is heard as long as somebody is there", async (t) => {
  const home = await house(t, { kind: "sharded" });
  const { redis, people } = home;
  const { io } = await stock(home, { kind: "sharded" });
  await reached((event) => io.emit(event), people);
  const group = `group:${home.groupId}`;
  // The rooms that are heard, without the stock server's own.
  const settled = async (rooms) => {
    const asking = await client(redis);
    try {
      for (let tries = 0; ; tries++) {
        const channels = await asking.sendCommand(["PUBSUB", "SHARDCHANNELS", "socket.io#/#*"]);
        const heard = channels.map((channel) => channel.slice("socket.io#/#".length, -1)).sort();
        const found = heard.filter((room) => ["alice", "bob", "carol", group, "zoe"].includes(room));
        if (JSON.stringify(found) === JSON.stringify(rooms)) return;
        assert.ok(tries < 200, `${found} instead of ${rooms}`);
        await delay(50);
      }
    } finally {
      await asking.close();
    }
  };
  await settled(["alice", "bob", "carol", group]);
  // Two devices of one user are in one room.
  const [zoe, again] = await Promise.all(
    ["phone", "laptop"].map((deviceId) => Person.connect(t, home.server, "zoe", { auth: { deviceId } })),
  );
  await settled(["alice", "bob", "carol", group, "zoe"]);
  zoe.socket.disconnect();
  await again.caughtUp();
  await reachedIn(io, "zoe", [again]);
  again.socket.disconnect();
  await settled(["alice", "bob", "carol", group]);

  people[2].socket.disconnect();
  await settled(["alice", "bob", group]);
});
