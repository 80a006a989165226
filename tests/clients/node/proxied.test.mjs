// Behind HAProxy that passes on TCP and says for whom by the PROXY protocol, in both versions: limits per address
// count the clients.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { freePort } from "./engines.mjs";
import { Person } from "./person.mjs";
import { Server } from "./server.mjs";
import { SECRET, inSeconds, jwt } from "./tokens.mjs";

const START_TIMEOUT_MS = 20_000;
// The proxy's own address, as the server sees it, and those of clients.
const [PROXY, HERE, THERE, ELSEWHERE] = ["127.0.0.9", "127.0.0.2", "127.0.0.3", "127.0.0.4"];

const configuration = (port, server, word) => `
global
  maxconn 200
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend chat
  bind 127.0.0.1:${port}
  default_backend parlor
backend parlor
  server one 127.0.0.1:${server.port} ${word} source ${PROXY}
`;

async function proxy(t, server, word) {
  const [folder, port] = [mkdtempSync(join(tmpdir(), "parlor-proxy-")), await freePort()];
  writeFileSync(join(folder, "haproxy.cfg"), configuration(port, server, word));
  const child = spawn("haproxy", ["-db", "-f", join(folder, "haproxy.cfg")], { stdio: ["ignore", "ignore", "inherit"] });
  t.after(async () => {
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    await exited;
    rmSync(folder, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${port}`;
  const isUp = () => fetch(`${url}/readyz`).then(({ ok }) => ok, () => false);
  for (const deadline = Date.now() + START_TIMEOUT_MS; !(await isUp()); await delay(20)) {
    if (Date.now() > deadline) throw new Error("HAProxy does not start");
  }
  return { url };
}

for (const word of ["send-proxy", "send-proxy-v2"]) {
  for (const transport of ["websocket", "polling"]) {
    test(`by ${word} and ${transport}, each client has its own address`, async (t) => {
      // Without `--dev`, which bounds no connections.
      const env = {
        PARLOR_IDENTITY__HS256_SECRET: SECRET,
        PARLOR_SERVER__TRUSTED_PROXIES: PROXY,
        PARLOR_SERVER__PROXY_PROTOCOL: "true",
        PARLOR_LIMITS__CONNECTIONS_PER_ADDRESS_MAX: "1",
      };
      const server = await Server.alone(t, { dev: false, env });
      const way = await proxy(t, server, word);
      const token = (sub) => jwt({ sub, exp: inSeconds(600) });
      const from = (localAddress) => ({ transports: [transport], agent: new Agent({ localAddress, keepAlive: true }) });
      const alice = await Person.connect(t, way, token("alice"), from(HERE));
      const bob = await Person.connect(t, way, token("bob"), from(THERE));
      await bob.caughtUp();
      assert.equal((await alice.send("bob", "hello")).status, "sent");
      await bob.until(() => bob.messages.length === 1, "the message");
      const error = await Person.refused(t, way, token("carol"), from(HERE));
      assert.match(error.message, /websocket error|xhr poll error/);
      await Person.connect(t, way, token("carol"), from(ELSEWHERE));
    });
  }
}
