// The clients that the documents print, run as printed: only the address is this test's own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { io } from "socket.io-client";

import { Server } from "./server.mjs";

const PRINTED_ADDRESS = "http://127.0.0.1:3000";
const PATIENCE_MS = 30_000;

async function readmeClient() {
  const readme = await readFile(new URL("../../../README.md", import.meta.url), "utf8");
  const block = readme.match(/^```js\n([\s\S]*?)^```/m)?.[1];
  assert.ok(block?.includes(PRINTED_ADDRESS), "the README has a client for its server");
  return block;
}

// Starts the client as a program of its own; the lines it prints are waited for by `prints`.
function start(t, file, ...args) {
  const child = spawn("node", [file, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const lines = [];
  let look = () => {};
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    look();
  });
  return {
    types: (line) => child.stdin.write(`${line}\n`),
    prints: (text) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`did not print ${text}: ${lines}`)), PATIENCE_MS);
        look = () => {
          if (!lines.some((line) => line.includes(text))) return;
          clearTimeout(timer);
          resolve(lines);
        };
        look();
      }),
  };
}

test("the README's client chats, through a kill -9 too", async (t) => {
  const server = await Server.start(t);
  const file = new URL(`./.chat-${server.port}.mjs`, import.meta.url);
  t.after(() => rm(file));
  await writeFile(file, (await readmeClient()).replace(PRINTED_ADDRESS, server.url));

  const alice = start(t, file.pathname, "alice", "bob");
  const bob = start(t, file.pathname, "bob", "alice");
  alice.types("Hello 👋");
  await alice.prints("sent as number 1");
  await bob.prints("alice: Hello 👋");
  await server.kill();
  bob.types("still there?");
  await server.run();
  await bob.prints("sent as number 2");
  const lines = await alice.prints("bob: still there?");
  assert.equal(lines.filter((line) => line.includes("still there?")).length, 1);
});

test("the guides' client code works unchanged", async (t) => {
  const server = await Server.start(t);
  const client = (token) => {
    const socket = io(server.url, { auth: { token } });
    t.after(() => socket.disconnect());
    return socket;
  };
  const heard = new Promise((resolve) => {
    const socket = client("userB");
    socket.on("private_message", (msg) => {
      socket.emit("delivered", { messageId: msg.id });
      resolve(msg);
    });
  });
  const socket = client("userA");
  const told = new Promise((resolve) => socket.on("delivered", resolve));
  const ack = await new Promise((resolve) => {
    socket.emit("private_message", { toUserId: "userB", content: "Hello!" }, resolve);
  });
  assert.equal(ack.status, "sent");
  const msg = await heard;
  assert.equal(msg.id, ack.id);
  assert.equal(msg.content, "Hello!");
  assert.equal((await told).messageId, ack.id);
});
