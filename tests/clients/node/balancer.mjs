// A load balancer of the simplest kind: each TCP connection goes to the next node that takes it.
import { connect, createServer } from "node:net";

import { freePort } from "./engines.mjs";

export class Balancer {
  #next = 0;

  constructor(port, nodes) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.nodes = nodes;
  }

  static async start(t, nodes) {
    const balancer = new Balancer(await freePort(), nodes);
    const server = createServer((client) => balancer.#carry(client, nodes.length));
    await new Promise((resolve) => server.listen(balancer.port, "127.0.0.1", resolve));
    t.after(() => server.close());
    return balancer;
  }

  #carry(client, tries) {
    if (tries === 0) return client.destroy();
    const node = this.nodes[(this.#next += 1) % this.nodes.length];
    const upstream = connect(node.port, "127.0.0.1");
    upstream.once("error", () => this.#carry(client, tries - 1));
    client.on("error", () => client.destroy());
    upstream.once("connect", () => {
      upstream.removeAllListeners("error");
      upstream.on("error", () => upstream.destroy());
      upstream.on("close", () => client.destroy());
      client.on("close", () => upstream.destroy());
      client.pipe(upstream).pipe(client);
    });
  }
}
