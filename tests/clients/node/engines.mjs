// A PostgreSQL server, a pooler before it and a Redis server of one's own, for tests of several nodes. They keep their data in a folder that goes
// with them, and end with this process, however that ends: a shell waits for the end of its input, a pipe from here.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const USER = "parlor";
const START_TIMEOUT_MS = 60_000;

// Nothing is flushed to disk, since the folder is gone afterwards. As root the database server runs as nobody.
const POSTGRES = `
if [ "$(id -u)" = 0 ]; then as="runuser -u nobody --"; else as=; fi
$as "$1"/initdb -D "$2"/data -U "$3" --auth=trust --encoding=UTF8 --locale=C --no-sync >"$2"/log 2>&1 || exit 1
$as "$1"/postgres -D "$2"/data -k "$2" -c listen_addresses= -c fsync=off -c full_page_writes=off \
    -c max_connections=400 -c shared_buffers=64MB >>"$2"/log 2>&1 &
read -r _
$as "$1"/pg_ctl -D "$2"/data -m immediate stop >>"$2"/log 2>&1
wait
rm -rf "$2"
`;
const PGBOUNCER = `
if [ "$(id -u)" = 0 ]; then as="runuser -u nobody --"; else as=; fi
PATH=$PATH:/usr/sbin
$as pgbouncer -q "$1"/pgbouncer.ini >>"$1"/log 2>&1 &
read -r _
$as kill -INT "$(cat "$1"/pid)"
wait
rm -rf "$1"
`;
const REDIS = `
port=$1 folder=$2
shift 2
redis-server --port "$port" --bind 127.0.0.1 --dir "$folder" --save "" --appendonly no "$@" >"$folder"/log 2>&1 &
pid=$!
read -r _
kill -9 "$pid" 2>/dev/null
wait
rm -rf "$folder"
`;

// Where the newest of the system's PostgreSQL is.
function postgresBinaries() {
  const root = "/usr/lib/postgresql";
  const found = existsSync(root) ? readdirSync(root).map((version) => join(root, version, "bin")) : [];
  const whole = found.filter((folder) => existsSync(join(folder, "initdb"))).sort();
  if (whole.length === 0) throw new Error("PostgreSQL is not installed (Debian: postgresql)");
  return whole.at(-1);
}

function folder(prefix) {
  const made = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(made, 0o777);
  return made;
}

export class Postgres {
  #shell;

  constructor(shell, dir, binaries) {
    this.#shell = shell;
    this.dir = dir;
    this.binaries = binaries;
  }

  static async start() {
    const [dir, binaries] = [folder("parlor-pg-"), postgresBinaries()];
    const shell = spawn("sh", ["-c", POSTGRES, "sh", binaries, dir, USER], { cwd: "/", stdio: ["pipe", "ignore", "inherit"] });
    const started = new Postgres(shell, dir, binaries);
    await until("PostgreSQL", () => started.#tool("pg_isready").status === 0);
    return started;
  }

  // Makes a database and gives its address.
  database(name) {
    const made = this.#tool("createdb", name);
    if (made.status !== 0) throw new Error(`no database: ${made.stderr}`);
    return `host=${this.dir} user=${USER} dbname=${name}`;
  }

  async stop() {
    this.#shell.stdin.end();
    await once(this.#shell, "exit");
  }

  #tool(name, ...args) {
    return spawnSync(join(this.binaries, name), ["-h", this.dir, "-U", USER, ...args], { encoding: "utf8" });
  }
}

// PgBouncer in transaction mode, which has fewer connections to a database than three nodes want.
export class Pooler {
  #shell;

  constructor(shell, dir) {
    this.#shell = shell;
    this.dir = dir;
  }

  static async start(postgres) {
    const dir = folder("parlor-pooler-");
    const settings = {
      listen_addr: "",
      listen_port: 5432,
      unix_socket_dir: dir,
      pidfile: join(dir, "pid"),
      // Everybody is let in, as whom the line of the database says.
      auth_type: "any",
      pool_mode: "transaction",
      default_pool_size: 12,
      max_client_conn: 500,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
    writeFileSync(join(dir, "pgbouncer.ini"), ["[databases]", `* = host=${postgres.dir} user=${USER}`, "[pgbouncer]", ...lines, ""].join("\n"));
    const shell = spawn("sh", ["-c", PGBOUNCER, "sh", dir], { cwd: "/", stdio: ["pipe", "ignore", "inherit"] });
    await until("PgBouncer", () => existsSync(join(dir, ".s.PGSQL.5432")) && existsSync(settings.pidfile));
    return new Pooler(shell, dir);
  }

  async stop() {
    this.#shell.stdin.end();
    await once(this.#shell, "exit");
  }
}

export class Redis {
  #shell = null;

  constructor(port, options) {
    this.port = port;
    this.options = options;
    this.isCluster = options.length > 0;
    this.url = `redis://127.0.0.1:${port}`;
  }

  static async start() {
    const redis = new Redis(await freePort(), []);
    await redis.run();
    return redis;
  }

  // Starts a cluster, of one server that has all slots.
  static async startCluster() {
    const options = ["--cluster-enabled", "yes", "--cluster-port", `${await freePort()}`];
    const redis = new Redis(await freePort(), options);
    await redis.run();
    redis.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    await until("the cluster", () => redis.ask("CLUSTER", "INFO").includes("cluster_state:ok"));
    return redis;
  }

  // Starts it, with nothing in it.
  async run() {
    this.#shell = spawn("sh", ["-c", REDIS, "sh", `${this.port}`, folder("parlor-redis-"), ...this.options], { stdio: ["pipe", "ignore", "inherit"] });
    await until("Redis", () => this.ask("PING") === "PONG");
  }

  // A command, and what it says.
  ask(...words) {
    const said = spawnSync("redis-cli", ["-p", `${this.port}`, ...words], { encoding: "utf8" });
    return said.stdout.trim();
  }

  // As if by a kill -9, unless it is stopped.
  async stop() {
    if (this.#shell.exitCode !== null) return;
    this.#shell.stdin.end();
    await once(this.#shell, "exit");
  }
}

async function until(what, holds) {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`${what} does not start`);
    await delay(50);
  }
}

// A free port outside the range that the system gives to outgoing connections: a client that
// tries again while the server is down could otherwise be connected to itself.
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const probe = createServer();
    const free = await new Promise((resolve) => {
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!free) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
}
