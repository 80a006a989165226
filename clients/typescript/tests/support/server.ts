// The real binary as a child process, on a port and data folder of its own.
//
// It is found by the variable SERVER_UNDER_TEST, or else where cargo puts it. It ends, and its data go, with
// the test that started it.
import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { onTestFinished } from "vitest";

const START_TIMEOUT_MS = 30_000;
const LOG_BYTES_MAX = 64 * 1024;

export const SECRET = "a secret that is used in tests alone, and long enough";

/** Where the binary under test is. */
export function binary(): string {
  const named = process.env.SERVER_UNDER_TEST;
  if (named) return named;
  const root = resolve(import.meta.dirname, "../../../..");
  const built = ["release", "debug"].map((profile) => join(root, "target", profile, "parlor"));
  const found = built.find((path) => existsSync(path));
  if (found === undefined) throw new Error("no parlor binary: `cargo build -p parlor`, or set SERVER_UNDER_TEST");
  return found;
}

export interface ServerOptions {
  /** Whether any name is a token; otherwise tokens are those of `tokenOf`. */
  readonly dev?: boolean;
  /** Variables; `undefined` takes one away. */
  readonly env?: Record<string, string | undefined>;
}

export class Server {
  readonly url: string;
  #child: ChildProcess | null = null;
  #log = "";

  private constructor(
    readonly port: number,
    readonly data: string,
    readonly options: ServerOptions,
  ) {
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Starts a server that ends with the test. */
  static async start(options: ServerOptions = {}): Promise<Server> {
    const server = new Server(await freePort(), await mkdtemp(join(tmpdir(), "parlor-sdk-")), options);
    onTestFinished(async () => {
      await server.kill();
      await rm(server.data, { recursive: true, force: true });
    });
    await server.run();
    return server;
  }

  /** Starts the binary on the port and data of before, and waits until it is ready. */
  async run(): Promise<void> {
    const { dev = true, env = {} } = this.options;
    const flags = ["--listen", `127.0.0.1:${this.port}`, "--data", this.data];
    const child = spawn(binary(), ["serve", ...(dev ? ["--dev"] : []), ...flags], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...(dev ? {} : { PARLOR_IDENTITY__HS256_SECRET: SECRET }), ...env },
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#log = (this.#log + text).slice(-LOG_BYTES_MAX);
      });
    }
    this.#child = child;
    await this.#ready();
  }

  /** SIGKILL: what is not on disk is lost. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** SIGTERM: the server drains, telling clients when to come back. */
  async terminate(): Promise<void> {
    await this.#end("SIGTERM");
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.run();
  }

  /** Runs another command of the binary on the data, with the server stopped. */
  async tool(...args: string[]): Promise<void> {
    const child = spawn(binary(), args, { stdio: "ignore" });
    const [code] = (await once(child, "exit")) as [number];
    if (code !== 0) throw new Error(`parlor ${args.join(" ")} ended with ${code}`);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  async #ready(): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      const answer = await fetch(`${this.url}/readyz`).catch(() => null);
      await answer?.arrayBuffer();
      if (answer?.ok) return;
      if (this.#child?.exitCode !== null || Date.now() > deadline) {
        throw new Error(`the server is not ready; it printed:\n${this.#log}`);
      }
      await delay(20);
    }
  }
}

/** A free port outside the range of outgoing connections, since a client that tries again could meet itself there. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
}

/** A token for a server that is not a dev one. Times are in seconds from now. */
export function tokenOf(user: string, { expiresIn = 3_600, issuedAgo = 0 } = {}): string {
  const now = Math.floor(Date.now() / 1_000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: user, iat: now - issuedAgo, exp: now + expiresIn };
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}
