// Builds the service worker beside the client, with the list of the files that it keeps.
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { type Plugin, transformWithOxc } from "vite";

const SOURCE = resolve(import.meta.dirname, "../worker/service-worker.ts");
const NAME = "sw.js";
const VERSION_LENGTH = 16;
/** Only needed to install the client as an app, which takes a connection anyway. */
const NOT_KEPT = /^icon-.*\.png$|^apple-touch-icon\.png$|\.webmanifest$/u;

const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes);

/** Path and hash of every file that is kept, in the order of their paths. */
async function listOf(built: string): Promise<[path: string, integrity: string][]> {
  const entries = await readdir(built, { recursive: true, withFileTypes: true });
  const list: [string, string][] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const name = relative(built, file).split(sep).join("/");
    if (NOT_KEPT.test(name) || name === NAME) continue;
    const integrity = `sha256-${sha256(await readFile(file)).digest("base64")}`;
    list.push([name === "index.html" ? "/" : `/${name}`, integrity]);
  }
  return list.sort(([one], [other]) => (one < other ? -1 : 1));
}

/** Writes `sw.js` once all else is written. */
export function serviceWorker(): Plugin {
  let built = "";
  return {
    name: "parlor-service-worker",
    apply: "build",
    configResolved(config) {
      built = resolve(config.root, config.build.outDir);
    },
    writeBundle: {
      sequential: true,
      async handler() {
        const list = await listOf(built);
        const { code } = await transformWithOxc(await readFile(SOURCE, "utf8"), SOURCE, { target: "es2022" });
        const version = sha256(JSON.stringify(list) + code)
          .digest("hex")
          .slice(0, VERSION_LENGTH);
        const constants = `const VERSION = "${version}";\nconst FILES = ${JSON.stringify(list)};\n`;
        await writeFile(join(built, NAME), constants + code);
      },
    },
  };
}
