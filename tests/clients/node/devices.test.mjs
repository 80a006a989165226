// One user on several sockets: devices, and sockets without a deviceId.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Person, numbers } from "./person.mjs";
import { Server } from "./server.mjs";

const on = (deviceId) => ({ auth: { deviceId } });

test("each device of the recipient hears a message", async (t) => {
  const server = await Server.start(t);
  const phone = await Person.connect(t, server, "bob", on("phone"));
  const laptop = await Person.connect(t, server, "bob", on("laptop"));
  const alice = await Person.connect(t, server, "alice");
  const ack = await alice.send("bob", "to both");
  for (const device of [phone, laptop]) {
    const [message] = await device.has(1);
    assert.equal(message.id, ack.id);
  }
});

test("the sender's other sockets hear it with the clientId, the sending one does not", async (t) => {
  const server = await Server.start(t);
  const sending = await Person.connect(t, server, "alice", on("phone"));
  const other = await Person.connect(t, server, "alice", on("laptop"));
  const bob = await Person.connect(t, server, "bob");
  const ack = await sending.send("bob", "hi", { clientId: "key-1" });
  const { id, conversationId, seq, ts } = ack;
  const message = { id, conversationId, seq, from: "alice", to: "bob", content: "hi", ts, pos: 1 };
  assert.deepEqual((await bob.has(1))[0], message);
  assert.deepEqual((await other.has(1))[0], { ...message, clientId: "key-1" });
  const marker = await bob.send("alice", "marker");
  assert.deepEqual((await sending.has(1)).map((heard) => heard.id), [marker.id]);
});

test("each device catches up on its own", async (t) => {
  const server = await Server.start(t);
  const alice = await Person.connect(t, server, "alice");
  const phone = await Person.connect(t, server, "bob", on("phone"));
  const laptop = await Person.connect(t, server, "bob", on("laptop"));
  laptop.close();
  for (const n of numbers(1, 5)) await alice.send("bob", n);
  await phone.has(5);
  const again = await Person.connect(t, server, "bob", on("laptop"));
  assert.deepEqual((await again.has(5)).map((message) => message.content), numbers(1, 5));
  const marker = await alice.send("bob", "marker");
  await phone.until(() => phone.messages.at(-1)?.id === marker.id, "the marker");
  assert.equal(phone.messages.length, 6);
});

test("a device is listed, and ends at once when it is revoked", async (t) => {
  const server = await Server.start(t);
  const phone = await Person.connect(t, server, "bob", on("phone"));
  const laptop = await Person.connect(t, server, "bob", on("laptop"));
  const listed = await phone.ask("devices", {});
  assert.equal(listed.status, "ok");
  assert.deepEqual(listed.devices.map((device) => device.deviceId).sort(), ["laptop", "phone"]);
  assert.equal((await phone.ask("device_revoke", { deviceId: "laptop" })).status, "ok");
  await laptop.until(() => laptop.disconnects.length > 0, "the end");
  assert.equal(laptop.heard("closing")[0].code, "device_revoked");
  assert.deepEqual(laptop.disconnects, ["io server disconnect"]);
  assert.equal((await phone.ask("device_revoke", { deviceId: "gone" })).code, "not_found");
});
