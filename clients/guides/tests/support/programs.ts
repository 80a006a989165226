// Programs that a test starts and that end with it, and free ports for them.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";

export { setTimeout as delay } from "node:timers/promises";

const LOG_BYTES_MAX = 64 * 1024;
const PATIENCE_MS = 60_000;

export const execute = promisify(execFile);

/** The environment without what the test runner says in it: a reader has no NODE_ENV. */
function environment(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const { NODE_ENV, VITEST, ...rest } = process.env;
  return { ...rest, ...more };
}

/** Runs a script of a shell to its end; gives what it printed. */
export async function shell(script: string, cwd: string, env: Record<string, string> = {}): Promise<string> {
  const options = { cwd, env: environment(env), maxBuffer: 16 * 1024 * 1024 };
  const { stdout } = await execute("sh", ["-euc", script], options);
  return stdout;
}

export class Program {
  #log = "";

  private constructor(readonly child: ChildProcess) {}

  /** Starts a program; it, and what it started, end with the test. */
  static start(
    command: string,
    args: readonly string[],
    options: { cwd: string; env?: Record<string, string> },
  ): Program {
    const { cwd } = options;
    const env = environment(options.env);
    const child = spawn(command, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    const program = new Program(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        program.#log = (program.#log + text).slice(-LOG_BYTES_MAX);
      });
    }
    onTestFinished(() => program.end());
    return program;
  }

  get log(): string {
    return this.#log;
  }

  async end(): Promise<void> {
    const { child } = this;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    process.kill(-child.pid, "SIGKILL");
    await exited;
  }

  /** Waits until something answers at a URL, whatever it answers. */
  async answersAt(url: string): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const answer = await fetch(url).catch(() => null);
      if (answer !== null) return void (await answer.arrayBuffer());
      if (this.child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`nothing answers at ${url}; it printed:\n${this.#log}`);
      }
      await delay(50);
    }
  }
}

/** A free port outside the range of outgoing connections, since a client that tries again could meet itself there. */
export async function freePort(): Promise<number> {
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
