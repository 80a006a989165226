// Several nodes of one log, in the place of one server: PostgreSQL and Redis are there (`several.mjs`), and each client
// that asks for an address gets that of the next node.
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";

let databases = 0;

export class Cluster {
  #next = 0;

  constructor(nodes) {
    this.nodes = nodes;
  }

  // Starts nodes by `alone`, on a database of their own.
  static async start(t, count, alone, { dev, env }) {
    const [socket, redis] = [process.env.TEST_POSTGRES, process.env.TEST_REDIS];
    const name = `parlor_${process.pid}_${(databases += 1)}`;
    const psql = (sql) => spawnSync("psql", ["-h", socket, "-U", "parlor", "-d", "postgres", "-c", sql]);
    psql(`CREATE DATABASE ${name}`);
    t.after(() => psql(`DROP DATABASE ${name} WITH (FORCE)`));
    const way = env?.PARLOR_STORE__POOLER ? process.env.TEST_POOLER : socket;
    const shared = {
      PARLOR_STORE__BACKEND: "postgres",
      PARLOR_STORE__URL: `host=${way} user=parlor dbname=${name}`,
      PARLOR_BUS__BACKEND: "redis",
      PARLOR_BUS__URL: redis,
      PARLOR_BUS__CLUSTER: randomUUID(),
    };
    const start = () => alone(t, { dev, env: { ...shared, ...env } });
    const nodes = [await start()];
    nodes.push(...(await Promise.all(Array.from({ length: count - 1 }, start))));
    return new Cluster(nodes);
  }

  // The address of the next node.
  get url() {
    this.#next += 1;
    return this.nodes[this.#next % this.nodes.length].url;
  }

  async run() {
    await Promise.all(this.nodes.map((node) => node.run()));
  }

  async kill() {
    await Promise.all(this.nodes.map((node) => node.kill()));
  }

  async terminate() {
    const codes = await Promise.all(this.nodes.map((node) => node.terminate()));
    return codes.find((code) => code !== 0) ?? 0;
  }

  async restart() {
    await this.kill();
    await this.run();
  }

  get log() {
    return this.nodes.map((node) => node.log).join("");
  }
}
