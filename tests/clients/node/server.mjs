// The real binary as a child process, on a port and data folder of its own.
//
// The binary's path comes from the variable SERVER_UNDER_TEST. A server is stopped, and its data
// removed, when the test that started it ends. With the variable NODES it is several nodes of one log
// (`cluster.mjs`), of which each client gets another.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { Cluster } from "./cluster.mjs";
import { freePort } from "./engines.mjs";

const START_TIMEOUT_MS = 30_000;
const LOG_BYTES_MAX = 64 * 1024;

export class Server {
  #child = null;
  #log = "";

  constructor(port, data, options) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.data = data;
    this.options = options;
  }

  // Starts a server that ends with the test `t`. `env` adds variables, `dev: false` leaves `--dev` out.
  static async start(t, { dev = true, env = {} } = {}) {
    if (process.env.NODES) return Cluster.start(t, Number(process.env.NODES), Server.alone, { dev, env });
    return Server.alone(t, { dev, env });
  }

  // The same, but always one process.
  static async alone(t, { dev = true, env = {} } = {}) {
    const data = await mkdtemp(join(tmpdir(), "parlor-clients-"));
    const server = new Server(await freePort(), data, { dev, env });
    t.after(async () => {
      await server.kill();
      await rm(data, { recursive: true, force: true });
    });
    await server.run();
    return server;
  }

  // Starts the binary on the port and data of before, and waits until it is ready.
  async run() {
    const binary = process.env.SERVER_UNDER_TEST;
    if (!binary) throw new Error("SERVER_UNDER_TEST must name the parlor binary");
    const { dev, env } = this.options;
    const flags = ["--listen", `127.0.0.1:${this.port}`, "--data", this.data];
    const child = spawn(binary, ["serve", ...(dev ? ["--dev"] : []), ...flags], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        this.#log = (this.#log + text).slice(-LOG_BYTES_MAX);
      });
    }
    child.on("error", (error) => (this.#log += `${error}\n`));
    this.#child = child;
    await this.#ready();
  }

  // SIGKILL: what the server had not put on disk is lost.
  async kill() {
    await this.#end("SIGKILL");
  }

  // SIGTERM: the server drains and ends by itself. Returns its exit code.
  async terminate() {
    return this.#end("SIGTERM");
  }

  async restart() {
    await this.kill();
    await this.run();
  }

  get log() {
    return this.#log;
  }

  async #end(signal) {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
    return child.exitCode;
  }

  async #ready() {
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      const answer = await fetch(`${this.url}/readyz`).catch(() => null);
      await answer?.arrayBuffer();
      if (answer?.ok) return;
      if (this.#child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`the server is not ready; it printed:\n${this.#log}`);
      }
      await delay(10);
    }
  }
}
