// The configurations of deploy/ in front of three nodes, each in the real nginx and HAProxy: stock clients over
// long-polling and WebSocket, and a rolling restart under load. Only names, addresses and paths are replaced. Run by
// `several.mjs`.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { freePort } from "./engines.mjs";
import { Person, dm, numbers } from "./person.mjs";
import { Server } from "./server.mjs";

const PAUSE_MS = 60;
const START_TIMEOUT_MS = 20_000;
// How long a node that is back may be unknown to a balancer: `rise 2` of HAProxy, `fail_timeout` of nginx.
const SEEN_AGAIN_MS = 5_500;
const POLLING = { transports: ["polling"] };
const WEBSOCKET = { transports: ["websocket"] };
// Node's client keeps cookies only if it is told to, as a browser does on another origin.
const WAYS = [WEBSOCKET, POLLING, { ...POLLING, withCredentials: true }, {}, { withCredentials: true }, WEBSOCKET];

const shown = (path) => readFileSync(new URL(`../../../deploy/${path}`, import.meta.url), "utf8");

// The text with others in the place of some, all of which have to be there.
function change(text, changes) {
  for (const [from, to] of changes) {
    assert.ok(text.includes(from), from);
    text = text.replaceAll(from, to);
  }
  return text;
}

const BALANCERS = {
  nginx: {
    unsticky: [["hash $parlor_key consistent;", ""]],
    files: ({ folder, port, nodes, unsticky }) => {
      const site = change(shown("nginx/parlor.conf"), [
        ["listen 443 ssl", `listen 127.0.0.1:${port} ssl`],
        ["/etc/parlor/tls", folder],
        ...nodes.map((node, n) => [`node${n + 1}:3000`, `127.0.0.1:${node.port}`]),
        ...unsticky,
      ]);
      const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
      const main = change(shown("nginx/nginx.conf"), [
        ["/run/nginx.pid", `${folder}/nginx.pid`],
        ["worker_rlimit_nofile 1048576;", ""],
        ["worker_connections 65536;", "worker_connections 1024;"],
        ["include /etc/nginx/conf.d/*.conf;", `include ${folder}/parlor.conf;`],
        ["server_tokens off;", temporary.map((it) => `${it}_temp_path ${folder}/${it};`).join("\n")],
      ]);
      return { "parlor.conf": site, "nginx.conf": main };
    },
    command: (folder) => ["nginx", "-e", "stderr", "-g", "daemon off;", "-c", join(folder, "nginx.conf")],
  },
  HAProxy: {
    unsticky: [
      ["balance source", "balance roundrobin"],
      ["hash-type consistent", ""],
      ["cookie parlor_node insert", "#"],
      ...numbers(1, 3).map((n) => [` cookie node${n}`, ""]),
    ],
    files: ({ folder, port, nodes, unsticky }) => ({
      "haproxy.cfg": change(shown("haproxy/haproxy.cfg"), [
        ["bind :443", `bind 127.0.0.1:${port}`],
        ["maxconn 100000", "maxconn 1000"],
        ["/etc/haproxy/certs/chat.example.com.pem", join(folder, "both.pem")],
        ...nodes.map((node, n) => [`10.0.0.1${n + 1}:3000`, `127.0.0.1:${node.port}`]),
        ...unsticky,
      ]),
    }),
    command: (folder) => ["haproxy", "-db", "-f", join(folder, "haproxy.cfg")],
  },
};

function certify(folder) {
  const [certificate, key] = [join(folder, "fullchain.pem"), join(folder, "privkey.pem")];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const out = ["-subj", "/CN=chat.example.com", "-keyout", key, "-out", certificate];
  execFileSync("openssl", ["req", ...kind, ...out], { stdio: "ignore" });
  chmodSync(key, 0o644);
  writeFileSync(join(folder, "both.pem"), readFileSync(certificate, "utf8") + readFileSync(key, "utf8"));
}

// Starts the balancer in front of the nodes; gives where clients reach it. It ends with the test.
async function balance(t, { files, command, unsticky }, nodes, { sticky = true } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "parlor-balancer-"));
  chmodSync(folder, 0o755);
  certify(folder);
  const port = await freePort();
  for (const [name, text] of Object.entries(files({ folder, port, nodes, unsticky: sticky ? [] : unsticky }))) {
    writeFileSync(join(folder, name), text);
  }
  const [program, ...args] = command(folder);
  let log = "";
  const child = spawn(program, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (log += text));
  t.after(async () => {
    if (child.exitCode === null) {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    }
    rmSync(folder, { recursive: true, force: true });
  });
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${program} does not start:\n${log}`);
    await delay(20);
  }
  return { url: `https://127.0.0.1:${port}` };
}

function answers(port) {
  return new Promise((resolve) => {
    const probe = connect(port, "127.0.0.1");
    probe.once("error", () => resolve(false));
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
  });
}

// Socket.IO's options for the balancer, whose certificate nobody has signed.
const over = (way, more = {}) => ({ rejectUnauthorized: false, ...way, ...more });

for (const [name, balancer] of Object.entries(BALANCERS)) {
  test(`through ${name}, long-polling without stickiness fails and WebSocket does not`, async (t) => {
    const { nodes } = await Server.start(t);
    const site = await balance(t, balancer, nodes, { sticky: false });
    const polling = new Person(t, site, "alice", over(POLLING));
    await polling.until(() => polling.errors.length >= 3, "refusals");
    assert.equal(polling.connects, 0);
    await Person.connect(t, site, "bob", over(WEBSOCKET));
  });

  test(`through ${name}, clients on all nodes and over every transport talk`, async (t) => {
    const { nodes } = await Server.start(t);
    const site = await balance(t, balancer, nodes);
    const people = await Promise.all(WAYS.map((way, n) => Person.connect(t, site, `user${n}`, over(way))));
    for (const sender of people) {
      await Promise.all(people.filter((it) => it !== sender).map(({ user }) => sender.send(user, `to ${user}`)));
    }
    for (const person of people) {
      const heard = await person.has(WAYS.length - 1);
      assert.deepEqual(heard.map(({ content }) => content), heard.map(() => `to ${person.user}`));
      assert.equal(person.connects, 1, `${person.user}: ${person.errors}`);
    }
  });

  test(`through ${name}, a rolling restart under load shows clients with retries no error`, async (t) => {
    const { nodes } = await Server.start(t, { env: { PARLOR_SERVER__DRAIN_MS: "2000" } });
    const site = await balance(t, balancer, nodes);
    const user = (n) => `user${n % WAYS.length}`;
    const patient = { retries: 1_000, ackTimeout: 5_000, auth: { deviceId: "phone" } };
    const people = await Promise.all(WAYS.map((way, n) => Person.connect(t, site, user(n), over(way, patient))));
    // What each heard from the one before it, first sightings in the order they were made.
    const firsts = people.map((person, n) => {
      const seen = new Map();
      const conversation = dm(user(n + WAYS.length - 1), person.user);
      person.socket.on("private_message", (message) => {
        const wanted = message.conversationId === conversation && message.from !== person.user;
        if (wanted && !seen.has(message.seq)) seen.set(message.seq, message);
      });
      return seen;
    });
    let running = true;
    const acked = people.map(() => []);
    const errors = [];
    const sending = people.map(async (person, n) => {
      for (let k = 1; running; k += 1) {
        const body = { toUserId: user(n + 1), content: k, clientId: randomUUID() };
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
    for (const node of nodes) {
      // 5 where a long-polling session was sent to another node already, so that its end was never fetched.
      assert.ok([0, 5].includes(await node.terminate()), node.log);
      await node.run();
      await delay(SEEN_AGAIN_MS);
    }
    const before = acked.map((acks) => acks.length);
    while (!acked.every((acks, n) => acks.length >= before[n] + 5)) await delay(10);
    running = false;
    await Promise.all(sending);

    assert.deepEqual(errors, []);
    for (const [n, person] of people.entries()) {
      assert.ok(person.socket.active, `${person.user} was sent away: ${person.disconnects}, ${person.errors}`);
      const reader = (n + 1) % WAYS.length;
      await people[reader].until(() => firsts[reader].size >= acked[n].length, `all of ${person.user}'s messages`);
      const seen = [...firsts[reader].values()].map(({ id, content }) => [id, content]);
      assert.deepEqual(seen, acked[n].map(({ id }, k) => [id, k + 1]));
    }
  });
}
