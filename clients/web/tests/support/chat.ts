// Pages that have the client open beside a real server, and sockets that say something to them. All end with the test.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { io, type Socket } from "socket.io-client";
import { build, preview } from "vite";
import { afterAll, onTestFinished } from "vitest";
import { Server } from "../../../typescript/tests/support/server.js";

const ROOT = resolve(import.meta.dirname, "../..");
const IN_FLIGHT = 50;

let folder: Promise<string> | null = null;

/** The client as it is served, made once for each file of tests: what it costs to draw is measured. */
function built(): Promise<string> {
  folder ??= mkdtemp(join(tmpdir(), "parlor-web-")).then(async (outDir) => {
    await build({ root: ROOT, logLevel: "error", build: { outDir, emptyOutDir: true } });
    return outDir;
  });
  return folder;
}

afterAll(async () => {
  if (folder !== null) await rm(await folder, { recursive: true, force: true });
});

export interface Chat {
  readonly server: Server;
  /** Opens the client as a user, at a place, and waits until it has heard what a new device is told. */
  readonly open: (user: string, place: string) => Promise<Page>;
  readonly connect: (user: string) => Promise<Socket>;
  /** What went wrong in any page. */
  readonly errors: string[];
}

export async function startChat(env: Record<string, string> = {}): Promise<Chat> {
  const server = await Server.start({ env });
  const site = await preview({
    root: ROOT,
    logLevel: "error",
    build: { outDir: await built() },
    preview: { port: 0, host: "127.0.0.1", proxy: { "/socket.io": { target: server.url, ws: true } } },
  });
  const url = site.resolvedUrls?.local[0] ?? "";
  const browser: Browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  onTestFinished(async () => {
    await browser.close();
    await site.close();
  });
  const errors: string[] = [];
  const open = async (user: string, place: string) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en" });
    const page = await context.newPage();
    page.on("pageerror", (error) => errors.push(`${user}: ${error}`));
    const caughtUp = new Promise<void>((live) => {
      page.on("websocket", (socket) => {
        socket.on("framereceived", ({ payload }) => {
          if (payload.toString().startsWith('42["caught_up"')) live();
        });
      });
    });
    await page.route("**/web-config.json", (route) => route.fulfill({ json: { dev: true } }));
    await page.goto(`${url}${place}`);
    await page.getByRole("textbox").fill(user);
    await page.getByRole("button", { name: "Start chatting" }).click();
    await page.locator("[data-composer]").waitFor();
    await caughtUp;
    return page;
  };
  const connect = async (user: string) => {
    const socket = io(server.url, {
      auth: { token: user, deviceId: "seed" },
      transports: ["websocket"],
      forceNew: true,
    });
    onTestFinished(() => {
      socket.disconnect();
    });
    await new Promise<void>((ready) => socket.once("caught_up", () => ready()));
    return socket;
  };
  return { server, open, connect, errors };
}

/** Says so many messages, in order, many under way at a time. */
export async function sayMany(socket: Socket, toUserId: string, from: number, to: number): Promise<void> {
  for (let at = from; at <= to; at += IN_FLIGHT) {
    const count = Math.min(IN_FLIGHT, to - at + 1);
    const answers = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        socket.emitWithAck("private_message", { toUserId, content: `message ${at + index}` }),
      ),
    );
    const refused = answers.find(({ status }) => status !== "sent");
    if (refused !== undefined) throw new Error(JSON.stringify(refused));
  }
}

/** Limits of a server for tests that say very much. */
export const UNLIMITED = {
  PARLOR_LIMITS__USER_RATE_BURST: "1000000",
  PARLOR_LIMITS__USER_RATE_PER_SECOND: "1000000",
  PARLOR_LIMITS__CONNECTION_RATE_BURST: "1000000",
  PARLOR_LIMITS__CONNECTION_RATE_PER_SECOND: "1000000",
};
