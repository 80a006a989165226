// SIGTERM under load, again and again: a stock client with `retries` sees no error, and nothing
// that was acknowledged is lost.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { Person, dm, numbers } from "./person.mjs";
import { Server } from "./server.mjs";

const CLIENTS = 9;
const RESTARTS = 4;
const PAUSE_MS = 40;
const TRANSPORTS = [["polling", "websocket"], ["websocket"], ["polling"]];

test("restarts under load show clients with retries no error", async (t) => {
  const server = await Server.start(t, { env: { PARLOR_SERVER__DRAIN_MS: "1000" } });
  const options = (n) => ({ retries: 1_000, ackTimeout: 5_000, transports: TRANSPORTS[n % TRANSPORTS.length] });
  const name = (n) => `user${n % CLIENTS}`;
  const people = await Promise.all(
    numbers(0, CLIENTS - 1).map((n) =>
      Person.connect(t, server, name(n), { auth: { deviceId: "phone" }, ...options(n) }),
    ),
  );
  // What each heard from the one before it, first sightings in the order they were made.
  const firsts = people.map((person, n) => {
    const seen = new Map();
    const conversation = dm(name(n + CLIENTS - 1), person.user);
    person.socket.on("private_message", (message) => {
      const wanted = message.conversationId === conversation && message.from !== person.user;
      if (wanted && !seen.has(message.seq)) seen.set(message.seq, message);
    });
    return seen;
  });
  let running = true;
  const acked = people.map(() => []);
  const errors = [];
  // Each sends to the next one. With `retries` the client's receipts queue up before its sends, so
  // nobody may be sent more than a confirmation each can keep up with.
  const sending = people.map(async (person, n) => {
    for (let k = 1; running; k += 1) {
      const body = { toUserId: name(n + 1), content: k, clientId: randomUUID() };
      for (let status = null; status !== "sent"; ) {
        const ack = await new Promise((resolve) =>
          person.socket.emit("private_message", body, (error, ack) => {
            if (error) errors.push(error);
            resolve(ack ?? {});
          }),
        );
        status = ack.status;
        if (status === "sent") acked[n].push(ack);
        else await delay(ack.retryAfterMs ?? 50);
      }
      await delay(PAUSE_MS);
    }
  });
  for (const _ of numbers(1, RESTARTS)) {
    const before = acked.map((acks) => acks.length);
    await server.terminate();
    await server.run();
    const moved = () => acked.every((acks, n) => acks.length >= before[n] + 5);
    while (!moved()) await delay(10);
  }
  running = false;
  await Promise.all(sending);

  assert.deepEqual(errors, []);
  for (const person of people) {
    assert.ok(person.socket.active, `${person.user} was sent away: ${person.disconnects}, ${person.errors}`);
  }
  for (const n of numbers(0, CLIENTS - 1)) {
    const reader = (n + 1) % CLIENTS;
    await people[reader].until(() => firsts[reader].size >= acked[n].length, `all of ${name(n)}'s messages`);
    const seen = [...firsts[reader].values()].map(({ id, content }) => [id, content]);
    assert.deepEqual(seen, acked[n].map(({ id }, k) => [id, k + 1]));
  }
});

test("over every transport, whoever is sent away hears why while connected", async (t) => {
  const server = await Server.start(t, { env: { PARLOR_SERVER__DRAIN_MS: "1000" } });
  const heard = await Promise.all(
    TRANSPORTS.map(async (transports, n) => {
      const person = await Person.connect(t, server, `user${n}`, { transports, auth: { recovery: true } });
      const order = [];
      person.socket.on("closing", () => order.push(person.socket.connected ? "closing" : "closing, late"));
      person.socket.on("disconnect", () => order.push("disconnect"));
      return order;
    }),
  );
  await server.terminate();
  assert.deepEqual(heard, TRANSPORTS.map(() => ["closing", "disconnect"]));
});
