// The client as it was just built, in front of a real server: what the binary would serve if it had been built
// as well. Files come from the folder, with the headers that the server gives its page; all else goes through.
// While the server is down nothing answers, as with the binary.
import { type Dirent, readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { extname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { onTestFinished } from "vitest";

const TYPES: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
};
/** Those of the server's headers that are about the client, not about the file. */
const PASSED = /^(content-security-policy|permissions-policy|referrer-policy|x-content-type-options|cross-origin-)/u;

interface File {
  readonly type: string;
  readonly bytes: Buffer;
  readonly isHashed: boolean;
}

/** What was read and compressed before: a folder stays as it is. */
const read = new Map<string, Map<string, File>>();

function filesOf(folder: string): Map<string, File> {
  const files = read.get(folder) ?? readFiles(folder);
  read.set(folder, files);
  return files;
}

function readFiles(folder: string): Map<string, File> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry: Dirent) => entry.isFile());
  return new Map(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const name = relative(folder, path);
      const type = TYPES[extname(name)] ?? "application/octet-stream";
      const file = { type, bytes: gzipSync(readFileSync(path), { level: 9 }), isHashed: name.startsWith("assets/") };
      return [name === "index.html" ? "/" : `/${name}`, file];
    }),
  );
}

/** What serves the client, until the test ends. */
export class Site {
  #files: Map<string, File>;
  #open = new Set<Socket>();

  private constructor(
    /** Where the client is. */
    readonly url: string,
    folder: string,
  ) {
    this.#files = filesOf(folder);
  }

  /** Serves the client of a folder in front of a server. */
  static async start(folder: string, serverPort: number): Promise<Site> {
    const front = createServer();
    await new Promise<void>((ready) => front.listen(0, "127.0.0.1", ready));
    const address = front.address();
    if (address === null || typeof address === "string") throw new Error("the site does not listen");
    const site = new Site(`http://127.0.0.1:${address.port}`, folder);
    front.on("request", (asked, answer) => site.#answer(asked, answer, serverPort));
    front.on("upgrade", (asked, socket, head) => site.#pass(asked, socket as Socket, head, serverPort));
    onTestFinished(() => {
      for (const socket of site.#open) socket.destroy();
      front.closeAllConnections();
      front.close();
    });
    return site;
  }

  /** From now on it is this folder's client: as after an update of the server. */
  serve(folder: string): void {
    this.#files = filesOf(folder);
  }

  #answer(asked: IncomingMessage, answer: ServerResponse, port: number): void {
    const path = (asked.url ?? "/").split("?")[0] ?? "/";
    const file = this.#files.get(path) ?? null;
    const options = { host: "127.0.0.1", port, headers: asked.headers };
    const onward =
      file === null
        ? request({ ...options, method: asked.method, path: asked.url })
        : request({ ...options, method: "HEAD", path: "/" });
    onward.on("error", () => answer.destroy());
    onward.on("response", (response) => {
      if (file === null) {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer);
        return;
      }
      response.resume();
      for (const [name, value] of Object.entries(response.headers)) {
        if (PASSED.test(name) && value !== undefined) answer.setHeader(name, value);
      }
      answer.setHeader("content-type", file.type);
      answer.setHeader("content-encoding", "gzip");
      answer.setHeader("cache-control", file.isHashed ? "public, max-age=31536000, immutable" : "no-cache");
      answer.end(asked.method === "HEAD" ? undefined : file.bytes);
    });
    if (file === null) asked.pipe(onward);
    else onward.end();
  }

  /** A WebSocket: bytes both ways. */
  #pass(asked: IncomingMessage, socket: Socket, head: Buffer, port: number): void {
    const onward = connect(port, "127.0.0.1", () => {
      const headers = asked.rawHeaders.flatMap((name, at, all) => (at % 2 === 0 ? [`${name}: ${all[at + 1]}`] : []));
      onward.write(`${asked.method} ${asked.url} HTTP/1.1\r\n${headers.join("\r\n")}\r\n\r\n`);
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    for (const end of [socket, onward]) {
      this.#open.add(end);
      end.on("error", () => {});
      end.on("close", () => {
        this.#open.delete(end);
        socket.destroy();
        onward.destroy();
      });
    }
  }
}
