// Traces, as a collector sees them: what a sampled command goes through, on one server and on several.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { Collector } from "./collector.mjs";
import { freePort } from "./engines.mjs";
import { Person, dm } from "./person.mjs";
import { Server } from "./server.mjs";

const websocket = { transports: ["websocket"] };
const tracing = (url, ratio, more = {}) => ({
  PARLOR_TRACES__ENDPOINT: url,
  PARLOR_TRACES__RATIO: `${ratio}`,
  ...more,
});
// What is only to be seen on one server, and only on several.
const alone = { skip: process.env.NODES ? "of one server" : false };
const several = { skip: process.env.NODES ? false : "of several nodes" };

const of = (collector, { trace }) => collector.spans.filter((span) => span.trace === trace);
const one = (spans, name) => {
  const found = spans.filter((span) => span.name === name);
  assert.equal(found.length, 1, `one ${name} among ${spans.map((span) => span.name)}`);
  return found[0];
};
const isWithin = (inner, outer) => inner.from >= outer.from && inner.to <= outer.to;

async function metric(server, name) {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? NaN);
}

test("a sampled message is one trace, of what it went through, and says nothing of who or what", alone, async (t) => {
  const collector = await Collector.start(t);
  const server = await Server.alone(t, { env: tracing(collector.url, 1) });
  const alice = await Person.connect(t, server, "alice-in-traces", websocket);
  const bob = await Person.connect(t, server, "bob-in-traces", websocket);
  await alice.send("bob-in-traces", "a secret content", { clientId: "a-secret-key" });
  await bob.has(1);
  const command = await collector.span("private_message");
  await collector.until(() => of(collector, command).length >= 5, "all of the message's spans");
  const spans = of(collector, command);
  assert.deepEqual(spans.map(({ name }) => name).sort(), ["ack", "commit", "deliver", "private_message", "wait"]);
  assert.deepEqual([command.parent, command.kind, command.failed], ["", "SERVER", false]);
  assert.equal(command.attributes["messaging.operation.name"], "private_message");
  for (const span of spans.filter((span) => span !== command)) assert.equal(span.parent, command.id, span.name);
  assert.equal(new Set(spans.map(({ id }) => id)).size, 5);
  const [wait, commit, ack, deliver] = ["wait", "commit", "ack", "deliver"].map((name) => one(spans, name));
  for (const part of [wait, commit, ack]) assert.ok(isWithin(part, command), part.name);
  assert.ok(wait.to <= commit.from && commit.to <= ack.from && commit.to > commit.from && commit.to <= deliver.from);
  assert.deepEqual([commit.kind, deliver.kind], ["CLIENT", "CONSUMER"]);
  assert.equal(commit.attributes["db.system.name"], "sqlite");
  assert.ok(commit.attributes["parlor.commit.commands"] >= 1);
  assert.equal(command.resource["service.name"], "parlor");
  assert.match(command.resource["service.version"], /^\d+\.\d+/);
  assert.match(command.node, /^[0-9a-f]{16}$/);
  // Counted once the collector's answer is there, which is after the collector has them.
  await waitFor(async () => (await metric(server, "parlor_traces_exported_spans_total")) >= 5);
  // A refusal is one by its code.
  await alice.ask("history", { conversationId: "nothing" });
  const refused = await collector.span("history");
  assert.deepEqual([refused.failed, refused.attributes["error.type"]], [true, "invalid_argument"]);
  const sent = Buffer.concat(collector.bytes).toString("latin1");
  for (const secret of ["alice-in-traces", "bob-in-traces", "secret"]) assert.ok(!sent.includes(secret), secret);
});

test("a ratio of nothing traces nothing, and one in between some", alone, async (t) => {
  const collector = await Collector.start(t);
  const server = await Server.alone(t, { env: tracing(collector.url, 0) });
  const alice = await Person.connect(t, server, "alice", websocket);
  await Promise.all(Array.from({ length: 50 }, (_, n) => alice.send("bob", n)));
  assert.equal(await server.terminate(), 0);
  assert.equal(collector.spans.length, 0);
  server.options.env = tracing(collector.url, 0.5);
  await server.run();
  await alice.until(() => alice.connects > 1, "to be back");
  await Promise.all(Array.from({ length: 200 }, (_, n) => alice.send("bob", n)));
  // What waits is sent at the end.
  assert.equal(await server.terminate(), 0);
  const commands = collector.spans.filter(({ name }) => name === "private_message");
  assert.ok(commands.length > 50 && commands.length < 150, `${commands.length} of 200`);
});

test("a collector that is gone, or answers nothing, delays nothing, and what it misses is counted", alone, async (t) => {
  const mute = await Collector.start(t, { mute: true });
  for (const url of [`http://127.0.0.1:${await freePort()}`, mute.url]) {
    const env = tracing(url, 1, { PARLOR_TRACES__QUEUE_SPANS_MAX: "64", PARLOR_TRACES__TIMEOUT_MS: "60000" });
    const server = await Server.alone(t, { env });
    const alice = await Person.connect(t, server, "alice", websocket);
    await alice.send("bob", "first");
    // The one that is mute has a batch by then, for a minute.
    await delay(1_500);
    const began = performance.now();
    for (let n = 0; n < 200; n++) await alice.send("bob", n);
    const took = performance.now() - began;
    // A collector that is waited for would take longer for a single one.
    assert.ok(took < 10_000, `200 messages took ${took} ms`);
    await waitFor(async () => (await metric(server, "parlor_traces_dropped_spans_total")) > 0);
    const ends = performance.now();
    assert.equal(await server.terminate(), 0);
    assert.ok(performance.now() - ends < 8_000, "it ends in time");
  }
});

async function waitFor(condition) {
  for (const deadline = Date.now() + 20_000; !(await condition()); await delay(50)) {
    assert.ok(Date.now() < deadline, "waited in vain");
  }
}

test("a request of the app's own server goes on with the caller's trace", alone, async (t) => {
  const collector = await Collector.start(t);
  const flags = ["--name", "shop", "--scope", "messages:write"];
  const made = execFileSync(process.env.SERVER_UNDER_TEST, ["api-key", "new", ...flags], { encoding: "utf8" });
  const [, key] = /: (prl_\S+)/.exec(made);
  const [, keys] = /PARLOR_API__KEYS=(\S+)/.exec(made);
  // Its ratio is about what has no trace yet.
  const server = await Server.alone(t, { env: tracing(collector.url, 0, { PARLOR_API__KEYS: keys }) });
  const bob = await Person.connect(t, server, "bob", websocket);
  const [trace, parent] = [randomBytes(16).toString("hex"), randomBytes(8).toString("hex")];
  const send = (traceparent) =>
    fetch(`${server.url}/v1/messages`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", traceparent },
      body: JSON.stringify({ from: "alice", to: "bob", content: "hello" }),
    });
  const answers = [await send(`00-${trace}-${parent}-00`), await send("nonsense"), await send(`00-${trace}-${parent}-01`)];
  for (const answer of answers) assert.ok(answer.ok, await answer.text());
  await bob.has(3);
  const request = await collector.span("POST /v1/messages");
  assert.deepEqual([request.trace, request.parent, request.kind], [trace, parent, "SERVER"]);
  assert.equal(request.attributes["http.response.status_code"], answers[2].status);
  await collector.until(() => collector.spans.length >= 4, "its spans");
  assert.equal(await server.terminate(), 0);
  assert.deepEqual(collector.spans.map(({ name }) => name).sort(), ["POST /v1/messages", "commit", "deliver", "wait"]);
  for (const span of collector.spans.filter((span) => span !== request)) assert.equal(span.parent, request.id);
});

test("what cannot be is refused at the start, with the reason", alone, () => {
  for (const [endpoint, ratio, why] of [
    ["collector:4318", "1", /traces\.endpoint/],
    ["ftp://collector", "1", /traces\.endpoint/],
    ["http://user:password@collector", "1", /traces\.endpoint/],
    ["http://collector:4318", "1.5", /traces\.ratio must be from 0 to 1/],
    ["http://collector:4318", "NaN", /traces\.ratio/],
    ["http://collector:4318", "much", /PARLOR_TRACES__RATIO must be a number/],
  ]) {
    const env = { ...process.env, ...tracing(endpoint, ratio) };
    const { status, stderr } = spawnSync(process.env.SERVER_UNDER_TEST, ["serve", "--dev"], { env, encoding: "utf8" });
    assert.equal(status, 2, stderr);
    assert.match(stderr, why);
    assert.ok(!stderr.includes("password@"), stderr);
  }
});

test("one trace spans the nodes that have somebody to deliver to", several, async (t) => {
  const collector = await Collector.start(t);
  const { nodes } = await Server.start(t, { env: tracing(collector.url, 1) });
  const alice = await Person.connect(t, nodes[0], "alice", websocket);
  const bob = await Person.connect(t, nodes[1], "bob", websocket);
  await Promise.all([alice, bob].map((person) => person.caughtUp()));
  await alice.send("bob", "hello");
  await bob.has(1);
  const command = await collector.span("private_message");
  const arrived = await collector.span("deliver", (it) => it.trace === command.trace && it.node !== command.node);
  const spans = of(collector, command);
  const publish = one(spans, "publish log");
  assert.deepEqual([publish.parent, publish.kind, publish.node], [command.id, "PRODUCER", command.node]);
  assert.equal(publish.attributes["messaging.system"], "redis");
  assert.deepEqual([arrived.parent, arrived.kind], [publish.id, "CONSUMER"]);
  assert.equal(one(spans, "commit").attributes["db.system.name"], "postgresql");
  // Nobody is on the third node.
  assert.equal(new Set(spans.map(({ node }) => node)).size, 2);

  // An event in passing goes by a word.
  assert.equal((await alice.ask("app_event", { conversationId: dm("alice", "bob"), name: "wave" })).status, "ok");
  await bob.until(() => bob.heard("app_event").length > 0, "the event");
  const event = await collector.span("app_event");
  const waved = await collector.span("deliver", (it) => it.trace === event.trace);
  const said = one(of(collector, event), "publish talk");
  assert.deepEqual([said.parent, waved.parent, said.node], [event.id, said.id, event.node]);
  assert.notEqual(waved.node, event.node);

  // In a group, on each node where one of its members is.
  const carol = await Person.connect(t, nodes[2], "carol", websocket);
  await carol.caughtUp();
  const { groupId } = await alice.ask("group_create", { name: "Three", members: ["bob", "carol"] });
  await carol.until(() => carol.heard("entry").length > 0, "the group");
  await alice.ask("group_message", { groupId, content: "to all" });
  const message = await collector.span("group_message");
  const delivered = () => of(collector, message).filter(({ name }) => name === "deliver");
  await collector.until(() => new Set(delivered().map(({ node }) => node)).size === 3, "all three nodes");
  assert.equal(delivered().length, 3);
});
