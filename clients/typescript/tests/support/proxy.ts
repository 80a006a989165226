// A WebSocket proxy between the SDK and the server, which can cut, hold back, repeat and reorder what passes.
import { createServer, type Server as HttpServer } from "node:http";
import { onTestFinished } from "vitest";
import { type RawData, WebSocket, WebSocketServer } from "ws";

/** Which way a frame goes. */
export type Way = "up" | "down";

/** A packet of Socket.IO as it passes. */
export interface Passing {
  readonly way: Way;
  /** The frame's text. */
  readonly text: string;
  /** The event's name, if it is one. */
  readonly event: string | null;
  /** Whether it is an answer. */
  readonly isAck: boolean;
  /** Counts the connections through the proxy from 1. */
  readonly connection: number;
}

/** What to do with a frame: frames to pass on in its place, or `"cut"` to end both sides instead. */
export type Meddle = (passing: Passing) => readonly string[] | "cut" | "cut_after";

/** Passes everything on. */
export const honest: Meddle = ({ text }) => [text];

export class FaultyProxy {
  meddle: Meddle = honest;
  connections = 0;
  #http: HttpServer;
  #pairs = new Map<() => void, string>();
  #refused = new Set<string>();

  private constructor(http: HttpServer, target: string) {
    this.#http = http;
    const sockets = new WebSocketServer({ noServer: true });
    http.on("upgrade", (request, socket, head) => {
      const [, name = "", path = ""] = /^\/([^/]*)\/(socket\.io\/.*)$/.exec(request.url ?? "") ?? [
        "",
        "",
        request.url?.slice(1),
      ];
      if (this.#refused.has(name)) {
        socket.destroy();
        return;
      }
      sockets.handleUpgrade(request, socket, head, (down) => {
        this.connections += 1;
        this.#pair(down, new WebSocket(`${target.replace("http", "ws")}/${path}`), this.connections, name);
      });
    });
  }

  static async before(target: string): Promise<FaultyProxy> {
    const http = createServer((_, response) => response.writeHead(400).end());
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const proxy = new FaultyProxy(http, target);
    onTestFinished(() => {
      proxy.cut();
      http.close();
    });
    return proxy;
  }

  get url(): string {
    const address = this.#http.address();
    if (address === null || typeof address === "string") throw new Error("the proxy does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  /** Ends all connections, or those of a client whose path begins with `/name/`. */
  cut(name?: string): void {
    for (const [end, of] of [...this.#pairs]) if (name === undefined || of === name) end();
  }

  /** Refuses connections, or no longer. */
  refuse(refuses: boolean, name = ""): void {
    if (refuses) this.#refused.add(name);
    else this.#refused.delete(name);
    if (refuses) this.cut(name);
  }

  #pair(down: WebSocket, up: WebSocket, connection: number, name: string): void {
    const end = () => {
      this.#pairs.delete(end);
      down.terminate();
      up.terminate();
    };
    this.#pairs.set(end, name);
    const waiting: string[] = [];
    const pass = (way: Way, data: RawData) => {
      const to = way === "up" ? up : down;
      const text = data.toString();
      const outcome = this.meddle({ way, text, connection, ...read(text) });
      if (outcome === "cut") {
        end();
        return;
      }
      for (const frame of outcome === "cut_after" ? [text] : outcome) {
        if (way === "up" && up.readyState === WebSocket.CONNECTING) waiting.push(frame);
        else if (to.readyState === WebSocket.OPEN) to.send(frame);
      }
      // What was passed on has to leave before the end does.
      if (outcome === "cut_after") setTimeout(end, 20);
    };
    up.on("open", () => {
      for (const frame of waiting.splice(0)) up.send(frame);
    });
    down.on("message", (data) => pass("up", data));
    up.on("message", (data) => pass("down", data));
    for (const socket of [down, up]) {
      socket.on("close", end);
      socket.on("error", end);
    }
  }
}

function read(text: string): { event: string | null; isAck: boolean } {
  const [, kind, data] = /^4([0-9])\d*(\[.*)?$/s.exec(text) ?? [];
  const name: unknown = kind === "2" && data !== undefined ? JSON.parse(data)[0] : null;
  return { event: typeof name === "string" ? name : null, isAck: kind === "3" };
}
