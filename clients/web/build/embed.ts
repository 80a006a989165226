// Puts the built client where the server's binary takes it from: `crates/parlor/web`.
//
// Beside each file lie its compressed forms, made by compressors that are part of the lock file and run the
// same on every machine, so the same sources give the same bytes everywhere. `files.rs` is the table that the
// server is compiled with; `sources.txt` names every source with its hash, by which one sees without a build
// whether the client in the binary is that of the sources.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, extname, join, relative, resolve, sep } from "node:path";
import { gzip } from "pako";
import type { Plugin } from "vite";

// Imported as a module, it would be the browser's form, which cannot load itself in Node.
const brotli: Awaited<typeof import("brotli-wasm").default> = createRequire(import.meta.url)("brotli-wasm");

const REPOSITORY = resolve(import.meta.dirname, "../../..");
const CLIENTS = join(REPOSITORY, "clients");
/** Where the server's crate looks. */
const INTO = join(REPOSITORY, "crates/parlor/web");

/** What shapes the result without being a module of it. */
const SETTINGS = [
  "clients/package-lock.json",
  "clients/tsconfig.base.json",
  "clients/web/tsconfig.json",
  "clients/web/vite.config.ts",
];
/** Folders of which every file counts. */
const WHOLE = ["clients/web/build", "clients/web/public", "clients/web/worker"];

const TYPES: Record<string, string> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
};
/** Types whose bytes are compressed already. */
const COMPRESSED = [".png"];
const LEVEL = 9;
const QUALITY = 11;
const HASH_LENGTH = 32;

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** The path as a URL and a table have it. */
function pathWithin(folder: string, file: string): string {
  return relative(folder, file).split(sep).join("/");
}

function byCodePoint(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** A file's hash as git has it, so that `git hash-object` can compare it. */
function blobHash(bytes: Uint8Array): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

/** Every source that the build has read, with its hash. */
async function sourcesList(modules: Iterable<string>): Promise<string> {
  const paths = new Set(SETTINGS);
  for (const folder of WHOLE) {
    for (const file of await filesBelow(join(REPOSITORY, folder))) paths.add(pathWithin(REPOSITORY, file));
  }
  for (const id of modules) {
    const file = id.replace(/[?#].*$/su, "");
    const isOurs = file.startsWith(CLIENTS + sep) && !file.includes(`${sep}node_modules${sep}`);
    if (isOurs && (await stat(file).catch(() => null))?.isFile()) paths.add(pathWithin(REPOSITORY, file));
  }
  const lines = [...paths].sort(byCodePoint).map(async (path) => {
    return `${blobHash(await readFile(join(REPOSITORY, path)))} ${path}\n`;
  });
  return (await Promise.all(lines)).join("");
}

/** The forms of a file by their ending, each smaller than the file. */
function formsOf(name: string, bytes: Uint8Array): Map<"" | ".gz" | ".br", Uint8Array> {
  const forms = new Map<"" | ".gz" | ".br", Uint8Array>([["", bytes]]);
  if (COMPRESSED.includes(extname(name))) return forms;
  const compressed = [
    [".gz", gzip(bytes, { level: LEVEL })],
    [".br", brotli.compress(bytes, { quality: QUALITY })],
  ] as const;
  for (const [ending, form] of compressed) {
    if (form.length < bytes.length) forms.set(ending, form);
  }
  return forms;
}

/** An entry of the server's table. */
function entryOf(name: string, bytes: Uint8Array, forms: ReadonlySet<string>): string {
  const type = TYPES[extname(name)];
  if (type === undefined) throw new Error(`${name} has no media type: name one in build/embed.ts`);
  const form = (ending: string) => (forms.has(ending) ? `Some(include_bytes!("files/${name}${ending}"))` : "None");
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, HASH_LENGTH);
  const fields = [
    `path: "/${name === "index.html" ? "" : name}"`,
    `kind: "${type}"`,
    `hash: "${hash}"`,
    `hashed: ${name.startsWith("assets/")}`,
    `plain: include_bytes!("files/${name}")`,
    `gzip: ${form(".gz")}`,
    `brotli: ${form(".br")}`,
  ];
  return `    File {\n${fields.map((field) => `        ${field},\n`).join("")}    },\n`;
}

/** Writes the files that a build left in a folder, with their forms and the table. */
async function write(built: string, into: string, sources: string): Promise<void> {
  await rm(into, { recursive: true, force: true });
  const entries = new Map<string, string>();
  for (const file of await filesBelow(built)) {
    const name = pathWithin(built, file);
    const bytes = await readFile(file);
    const forms = formsOf(name, bytes);
    for (const [ending, form] of forms) {
      const target = join(into, "files", name + ending);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, form);
    }
    entries.set(name === "index.html" ? "" : name, entryOf(name, bytes, new Set(forms.keys())));
  }
  const table = [...entries].sort(([one], [other]) => byCodePoint(one, other)).map(([, entry]) => entry);
  await writeFile(join(into, "files.rs"), `// Made by \`npm run embed\` in clients/.\n&[\n${table.join("")}]\n`);
  await writeFile(join(into, "sources.txt"), sources);
}

/** Embeds what is built, into `EMBED_INTO` or the server's crate. */
export function embed(): Plugin {
  let built = "";
  return {
    name: "parlor-embed",
    apply: (_config, { mode }) => mode === "embed",
    configResolved(config) {
      built = resolve(config.root, config.build.outDir);
    },
    writeBundle: {
      sequential: true,
      async handler() {
        await write(built, process.env.EMBED_INTO ?? INTO, await sourcesList(this.getModuleIds()));
      },
    },
  };
}
