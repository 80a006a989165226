// "Deploying": the proxies' configurations carry stock clients, the units are good, the drill restores a backup.
// Only addresses and paths are replaced.
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { expect, onTestFinished, test, vi } from "vitest";

import { binary, SECRET, Server } from "../../typescript/tests/support/server.js";
import { Guide } from "./support/guide.js";
import { execute, freePort, Program, shell } from "./support/programs.js";
import { tokenOf } from "./support/recorder.js";

const PATIENCE = { timeout: 20_000, interval: 50 };
const guide = new Guide("deploy.md");
const files = guide.files();
const drills = guide.runs("sh");

/** A file of the guide, in which each of the texts has to be, with others in their place. */
function fileOf(name: string, changes: Record<string, string> = {}): string {
  return change(files.get(name) ?? "", changes);
}

function change(text: string, changes: Record<string, string>): string {
  return Object.entries(changes).reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replaceAll(from, to);
  }, text);
}

async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "parlor-deploy-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  // Proxies may give up root before they read it.
  await chmod(folder, 0o755);
  return folder;
}

interface Site {
  readonly folder: string;
  readonly port: number;
  /** Where Parlor is. */
  readonly parlor: string;
}

/** Starts a proxy before a Parlor. */
type Start = (site: Site) => Promise<Program>;

const PROXIES: Record<string, Start> = {
  nginx: async ({ folder, port, parlor }) => {
    const site = fileOf("nginx.conf", {
      "listen 443 ssl": `listen 127.0.0.1:${port} ssl`,
      "/etc/letsencrypt/live/chat.example.com": folder,
      "127.0.0.1:3000": parlor,
    });
    await writeFile(join(folder, "parlor.conf"), site);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (it) => `${it}_temp_path ${folder}/${it};`,
    );
    const main = `daemon off; pid ${folder}/nginx.pid; error_log stderr; events {}
      http { access_log off; ${temporary.join(" ")} include ${folder}/parlor.conf; }`;
    await writeFile(join(folder, "nginx.conf"), main);
    return Program.start("nginx", ["-e", "stderr", "-c", join(folder, "nginx.conf")], { cwd: folder });
  },
  haproxy: async ({ folder, port, parlor }) => {
    const config = fileOf("haproxy.cfg", {
      "bind :443": `bind 127.0.0.1:${port}`,
      "/etc/haproxy/certs/chat.example.com.pem": join(folder, "both.pem"),
      "127.0.0.1:3000": parlor,
    });
    await writeFile(join(folder, "haproxy.cfg"), config);
    return Program.start("haproxy", ["-db", "-f", join(folder, "haproxy.cfg")], { cwd: folder });
  },
  caddy: async ({ folder, port, parlor }) => {
    // Long-polling of Node names the host that it asks.
    const own = `https://chat.example.com:${port}, https://127.0.0.1:${port} {\n  bind 127.0.0.1\n  tls ${folder}/fullchain.pem ${folder}/privkey.pem`;
    const config = fileOf("Caddyfile", { "chat.example.com {": own, "127.0.0.1:3000": parlor });
    await writeFile(join(folder, "Caddyfile"), `{\n  admin off\n  auto_https disable_redirects\n}\n${config}`);
    const env = { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
    return Program.start("caddy", ["run", "--config", join(folder, "Caddyfile")], { cwd: folder, env });
  },
};

/** A certificate for the guide's host name. */
async function certify(folder: string): Promise<Buffer> {
  const [certificate, key] = [join(folder, "fullchain.pem"), join(folder, "privkey.pem")];
  const subject = ["-subj", "/CN=chat.example.com", "-addext", "subjectAltName=DNS:chat.example.com"];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  await execute("openssl", ["req", ...kind, ...subject, "-keyout", key, "-out", certificate]);
  await chmod(key, 0o644);
  await writeFile(join(folder, "both.pem"), (await readFile(certificate, "utf8")) + (await readFile(key, "utf8")));
  return readFile(certificate);
}

test.each(Object.entries(PROXIES))("the_configuration_of_%s_carries_stock_clients", async (_, start) => {
  const folder = await scratch();
  const ca = await certify(folder);
  const port = await freePort();
  const [proxies] = /trusted_proxies = \["([^"]+)"\]/.exec(fileOf("parlor.toml"))?.slice(1) ?? [];
  const server = await Server.start({
    dev: false,
    env: { PARLOR_SERVER__TRUSTED_PROXIES: proxies, PARLOR_LIMITS__CONNECTIONS_PER_ADDRESS_MAX: "1" },
  });
  const proxy = await start({ folder, port, parlor: `127.0.0.1:${server.port}` });

  const status = (path: string) =>
    new Promise<number | undefined>((resolve) => {
      const options = { host: "127.0.0.1", port, path, ca, servername: "chat.example.com" };
      request({ ...options, headers: { host: `chat.example.com:${port}` } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", () => resolve(undefined))
        .end();
    });
  // A good answer says that the proxy is up and finds Parlor ready.
  await vi.waitFor(
    async () => expect(await status("/socket.io/?EIO=4&transport=polling"), proxy.log).toBe(200),
    PATIENCE,
  );
  for (const path of ["/metrics", "/v1/openapi.json", "/readyz", "/"])
    expect([path, await status(path)]).toEqual([path, 404]);

  const refusals: string[] = [];
  const connect = async (user: string, address: string, options: Partial<ManagerOptions & SocketOptions>) => {
    const agent = new Agent({ ca, localAddress: address, servername: "chat.example.com" });
    const socket = io(`https://127.0.0.1:${port}`, {
      auth: { token: await tokenOf(user) },
      forceNew: true,
      reconnection: false,
      ...options,
      ...({ agent } as object),
      extraHeaders: { host: `chat.example.com:${port}`, "x-forwarded-for": "192.0.2.7" },
    });
    socket.on("connect_error", (error) => refusals.push(`${user}: ${error.message} ${String(error.cause ?? "")}`));
    onTestFinished(() => {
      socket.disconnect();
      agent.destroy();
    });
    return socket;
  };
  const live = (socket: Socket) => vi.waitFor(() => expect(socket.connected, refusals.join()).toBe(true), PATIENCE);

  // Each from an address of its own: the limit counts clients, not the proxy, and believes no client's header.
  const ways: Partial<ManagerOptions & SocketOptions>[] = [
    { transports: ["websocket"] },
    { transports: ["polling"] },
    { transports: ["polling", "websocket"] },
  ];
  const sockets = await Promise.all(ways.map((way, index) => connect(`user${index}`, `127.0.0.${index + 10}`, way)));
  await Promise.all(sockets.map(live));
  await vi.waitUntil(() => sockets[2]?.io.engine.transport.name === "websocket", PATIENCE);
  expect(sockets.map(({ io }) => io.engine.transport.name)).toEqual(["websocket", "polling", "websocket"]);
  for (const [index, socket] of sockets.entries()) {
    const other = (index + 1) % sockets.length;
    const heard = new Promise((hears) => sockets[other]?.once("private_message", ({ content }) => hears(content)));
    const content = `Hello over ${socket.io.engine.transport.name}, ${"🦉".repeat(5_000)}`;
    const answer = await socket.emitWithAck("private_message", { toUserId: `user${other}`, content });
    expect(answer.status).toBe("sent");
    expect(await heard).toBe(content);
  }
  const second = await connect("user3", "127.0.0.10", { transports: ["websocket"] });
  const refusal = await new Promise((refused) => second.once("connect_error", refused));
  expect(refusal).toBeInstanceOf(Error);
});

test("the_units_are_good", async () => {
  const folder = await scratch();
  const units = ["parlor.service", "parlor-backup.service", "parlor-backup.timer"];
  await copyFile(binary(), join(folder, "parlor"));
  for (const name of units) {
    const own: Record<string, string> = name.endsWith("service")
      ? { "/usr/local/bin/parlor": join(folder, "parlor") }
      : {};
    await writeFile(join(folder, name), fileOf(name, own));
  }
  const verify = ["verify", "--man=no", ...units.map((name) => join(folder, name))];
  const { stderr } = await execute("systemd-analyze", verify);
  // What is wrong with units of the machine is not said of these.
  expect(stderr.split("\n").filter((line) => line.includes(folder))).toEqual([]);
});

test("the_drill_restores_a_backup_that_the_unit_made", async () => {
  expect(guide.left()).toEqual([]);
  const folder = await scratch();
  await mkdir(join(folder, "bin"));
  await copyFile(binary(), join(folder, "bin/parlor"));
  await writeFile(join(folder, "secret"), SECRET);
  const config = fileOf("parlor.toml", { "/etc/parlor/secret": join(folder, "secret") });
  await writeFile(join(folder, "parlor.toml"), config);
  const { url, data } = await Server.start({
    dev: false,
    env: { PARLOR_CONFIG: join(folder, "parlor.toml"), PARLOR_IDENTITY__HS256_SECRET: undefined },
  });
  const alice = io(url, { auth: { token: await tokenOf("alice") }, transports: ["websocket"] });
  onTestFinished(() => void alice.disconnect());
  await alice.emitWithAck("private_message", { toUserId: "bob", content: "Keep this" });

  const backups = join(folder, "backups");
  const paths = { "/var/lib/parlor-backups": backups, "/var/lib/parlor ": `${data} `, "/usr/local/bin/": "" };
  const unit = fileOf("parlor-backup.service", paths);
  const commands = [...unit.matchAll(/^ExecStart(?:Post)?=(.*)$/gm)].map(([, command = ""]) => command);
  const env = { PATH: `${join(folder, "bin")}:${process.env.PATH}` };
  await mkdir(backups);
  await shell(commands.join("\n"), folder, env);

  const port = await freePort();
  const [drill = ""] = drills;
  const script = change(drill, {
    "/var/lib/parlor-backups": backups,
    "/tmp/parlor-drill": join(folder, "drill"),
    "/etc/parlor": folder,
    "127.0.0.1:3999": `127.0.0.1:${port}`,
  });
  await shell(script, folder, env);
});

test("the_metrics_of_the_alerts_are_there", async () => {
  const server = await Server.start();
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  const names = new Set(fileOf("alerts.yml").match(/parlor_\w+/g));
  expect(names.size).toBeGreaterThan(5);
  const described = await readFile(resolve(import.meta.dirname, "../../../docs/running.md"), "utf8");
  for (const name of names) {
    // Counters with labels are shown once they have counted.
    expect(metrics.includes(name.replace(/_total$/, "")) || described.includes(`\`${name}{`), name).toBe(true);
  }
  expect(fileOf("prometheus.yml")).toContain(/listen = "([^"]+)"/.exec(fileOf("parlor.toml"))?.[1]);
});
