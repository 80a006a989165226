// "From your Node Socket.IO server to Parlor": the same scene is played on Node's socket.io and on Parlor, with the
// guide's files as they are, and old and new clients chat through the bridge.
import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Socket } from "socket.io-client";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";

import { SECRET, Server } from "../../typescript/tests/support/server.js";
import { Guide } from "./support/guide.js";
import { freePort, Program } from "./support/programs.js";
import { project } from "./support/project.js";
import { tokenOf } from "./support/recorder.js";

type Listener = (...heard: string[]) => void;

/** What both sides' files give. */
interface Side {
  connect: (url: string, token: string, deviceId?: string) => Socket;
  tell: (socket: Socket, user: string, text: string) => Promise<unknown>;
  hearTold: (socket: Socket, listener: Listener) => void;
  join: (socket: Socket, room: string) => Promise<void>;
  say: (socket: Socket, room: string, text: string) => Promise<unknown>;
  hearRoom: (socket: Socket, listener: Listener) => void;
  types: (socket: Socket, user: string) => void;
  hearTyping: (socket: Socket, listener: Listener) => void;
  vote: (socket: Socket, room: string, option: number) => void;
  hearVotes: (socket: Socket, listener: Listener) => void;
}

/** What a back end can do on either side. */
interface Backend {
  notify: (user: string, text: string) => Promise<unknown>;
  signOut: (user: string) => Promise<unknown>;
}

const PATIENCE = { timeout: 20_000, interval: 20 };
const KEY = `prl_${randomBytes(32).toString("base64url")}`;
const SCOPES = "messages:write+groups:write+tokens:revoke";

const guide = new Guide("from-socket-io.md");

async function sideOf(folder: string, files: readonly string[]): Promise<Side> {
  const modules = await Promise.all(files.map((file) => import(resolve(folder, file))));
  return Object.assign({}, ...modules) as Side;
}

function person(side: Side, url: string, token: string) {
  const socket = side.connect(url, token, "one");
  onTestFinished(() => void socket.disconnect());
  const heard: string[] = [];
  side.hearTold(socket, (from, text) => heard.push(`${from} told ${text}`));
  side.hearRoom(socket, (_, from, text) => heard.push(`${from} said ${text}`));
  side.hearTyping(socket, (from) => heard.push(`${from} types`));
  side.hearVotes(socket, (from, option) => heard.push(`${from} voted ${option}`));
  return { socket, heard };
}

/** The scene; what alice and bob heard has to be the same on both sides. */
async function play(side: Side, url: string, room: string, backend: Backend) {
  const alice = person(side, url, await tokenOf("alice"));
  const bob = person(side, url, await tokenOf("bob"));
  const hears = (who: typeof bob, what: string) => vi.waitFor(() => expect(who.heard).toContain(what), PATIENCE);
  await Promise.all([alice, bob].map(({ socket }) => vi.waitUntil(() => socket.connected, PATIENCE)));
  await side.tell(alice.socket, "bob", "Hello");
  await hears(bob, "alice told Hello");
  await side.join(alice.socket, room);
  await side.join(bob.socket, room);
  await side.say(alice.socket, room, "Who is here?");
  await hears(bob, "alice said Who is here?");
  side.types(bob.socket, "alice");
  await hears(alice, "bob types");
  side.vote(bob.socket, room, 2);
  await hears(alice, "bob voted 2");

  // A cut: what is said meanwhile comes when it is over, once.
  bob.socket.io.engine.close();
  await vi.waitUntil(() => !bob.socket.connected, PATIENCE);
  await side.say(alice.socket, room, "Still there?");
  await hears(bob, "alice said Still there?");
  await side.say(alice.socket, room, "Good");
  await hears(bob, "alice said Good");

  await backend.notify("bob", "Your order is on its way.");
  await hears(bob, "system told Your order is on its way.");
  await backend.signOut("bob");
  await vi.waitUntil(() => !bob.socket.connected, PATIENCE);

  const stranger = side.connect(url, "not a token", "one");
  onTestFinished(() => void stranger.disconnect());
  const refusal = await new Promise<Error>((refused) => stranger.once("connect_error", refused));
  expect(refusal.message).toBe("unauthorized");
  return { alice: alice.heard, bob: bob.heard };
}

/** Node's server of the guide, in the folder. */
async function node(folder: string, env: Record<string, string> = {}, main = "before/server.js"): Promise<string> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const all = { PORT: String(port), JWT_SECRET: SECRET, DATABASE: resolve(folder, "chat.db"), ...env };
  await Program.start("node", [main], { cwd: folder, env: all }).answersAt(`${url}/socket.io/`);
  return url;
}

/** Parlor as the guide configures it, but for its address, its key and the secret's file. */
async function parlor(folder: string): Promise<string> {
  await writeFile(resolve(folder, "secret"), SECRET);
  const sha256 = createHash("sha256").update(KEY).digest("hex");
  const { url } = await Server.start({
    dev: false,
    env: {
      PARLOR_CONFIG: resolve(folder, "after/parlor.toml"),
      PARLOR_IDENTITY__HS256_SECRET: undefined,
      PARLOR_IDENTITY__HS256_SECRET_FILE: resolve(folder, "secret"),
      PARLOR_API__KEYS: `guide:${sha256}:${SCOPES}`,
    },
  });
  return url;
}

async function backendOf(folder: string, url: string) {
  vi.stubEnv("CHAT_URL", url);
  vi.stubEnv("CHAT_KEY", KEY);
  return (await import(resolve(folder, "after/backend.js"))) as Backend & {
    groupOf: (room: string) => Promise<string>;
  };
}

const TOPICS = ["connect.js", "direct.js", "rooms.js", "typing.js", "votes.js"];

beforeAll(() => {
  vi.stubEnv("JWT_SECRET", SECRET);
  // The files of the Node side have the client and the server of a topic in one, so the table comes along.
  vi.stubEnv("DATABASE", ":memory:");
});

test("the_same_scene_plays_alike_on_node_and_on_parlor", async () => {
  const folder = await project(guide);
  expect(guide.left()).toEqual([]);
  const side = (name: string) =>
    sideOf(
      folder,
      TOPICS.map((topic) => `${name}/${topic}`),
    );

  const nodeUrl = await node(folder);
  const ask = (path: string, body: object) =>
    fetch(`${nodeUrl}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const onNode = await play(await side("before"), nodeUrl, "owls", {
    notify: (user, text) => ask("/notify", { user, text }),
    signOut: (user) => ask("/sign-out", { user }),
  });

  const parlorUrl = await parlor(folder);
  const backend = await backendOf(folder, parlorUrl);
  const groupId = await backend.groupOf("owls");
  expect(await backend.groupOf("owls")).toBe(groupId);
  const onParlor = await play(await side("after"), parlorUrl, groupId, backend);

  expect(onParlor).toEqual(onNode);
  expect(onParlor.bob).toEqual([
    "alice told Hello",
    "alice said Who is here?",
    "alice said Still there?",
    "alice said Good",
    "system told Your order is on its way.",
  ]);
});

test("old_and_new_clients_chat_through_the_bridge", async () => {
  const folder = await project(guide);
  const parlorUrl = await parlor(folder);
  // Step 2 of the guide.
  const server = guide.files().get("before/server.js") ?? "";
  const bridged = server
    .replace('import { handleDirect } from "./direct.js";', 'import { bridgeDirect } from "./bridge.js";')
    .replace("[handleDirect, ", "[(_, socket) => bridgeDirect(socket), ");
  expect(bridged).toContain("bridgeDirect(socket), handleRooms");
  await writeFile(resolve(folder, "before/bridged.js"), bridged);
  const nodeUrl = await node(folder, { CHAT_URL: parlorUrl }, "before/bridged.js");
  const old = await sideOf(
    folder,
    TOPICS.map((topic) => `before/${topic}`),
  );
  const fresh = await sideOf(
    folder,
    TOPICS.map((topic) => `after/${topic}`),
  );
  const alice = person(old, nodeUrl, await tokenOf("alice"));
  const bob = person(fresh, parlorUrl, await tokenOf("bob"));
  await Promise.all([alice, bob].map(({ socket }) => vi.waitUntil(() => socket.connected, PATIENCE)));
  await old.tell(alice.socket, "bob", "From the old one");
  await vi.waitFor(() => expect(bob.heard).toEqual(["alice told From the old one"]), PATIENCE);
  await fresh.tell(bob.socket, "alice", "From the new one");
  await vi.waitFor(() => expect(alice.heard).toEqual(["bob told From the new one"]), PATIENCE);
});
