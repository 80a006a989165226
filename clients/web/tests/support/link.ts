// The link between a page and its server, to be cut at will. It is to be laid before the page is opened.
import type { BrowserContext, WebSocketRoute } from "playwright-core";

export class Link {
  /** What the page has asked for. */
  readonly asked: string[] = [];
  /** Resolves once the page was told all that it had missed. */
  readonly caughtUp: Promise<void>;
  #caughtUp = () => {};
  #isDown = false;
  #open = new Set<WebSocketRoute>();
  #cutAt: string | null = null;

  private constructor() {
    this.caughtUp = new Promise((resolve) => {
      this.#caughtUp = resolve;
    });
  }

  static async laid(context: BrowserContext): Promise<Link> {
    const link = new Link();
    await context.routeWebSocket(/\/socket\.io\//u, (socket) => link.#connect(socket));
    // The client tries another transport where one fails.
    await context.route(/\/socket\.io\//u, (route) => (link.#isDown ? route.abort() : route.continue()));
    return link;
  }

  /** Cuts it; the page comes back. */
  cut(): void {
    for (const socket of [...this.#open]) void socket.close();
  }

  /** Cuts it once when the page asks for this, before the server hears of that. */
  cutWhenAsked(command: string): void {
    this.#cutAt = command;
  }

  /** Cuts it, and lets nothing through until it is up again. */
  down(): void {
    this.#isDown = true;
    this.cut();
  }

  up(): void {
    this.#isDown = false;
  }

  #connect(socket: WebSocketRoute): void {
    if (this.#isDown) {
      void socket.close();
      return;
    }
    const server = socket.connectToServer();
    this.#open.add(socket);
    const end = () => {
      this.#open.delete(socket);
      void socket.close();
      void server.close();
    };
    socket.onMessage((message) => {
      const command = /^42\d*\["([a-z_]+)"/u.exec(message.toString())?.[1];
      if (command !== undefined) this.asked.push(command);
      if (command !== undefined && command === this.#cutAt) {
        this.#cutAt = null;
        end();
      } else server.send(message);
    });
    server.onMessage((message) => {
      socket.send(message);
      if (message.toString().startsWith('42["caught_up"')) this.#caughtUp();
    });
    socket.onClose(end);
    server.onClose(end);
  }
}
