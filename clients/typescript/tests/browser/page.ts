// What the test's pages run: the client, and a witness of what it shows.
import { indexedDbStore, Parlor } from "../../src/index.js";
import { Witness } from "../support/witness.js";

/** One user's client in this page, with one conversation. */
export class Chat {
  readonly parlor: Parlor;
  readonly witness: Witness;

  constructor(url: string, user: string, other: string, tab: string) {
    this.parlor = new Parlor({
      url,
      token: user,
      userId: user,
      deviceId: `${user}-${tab}`,
      store: indexedDbStore("parlor-test"),
      reconnect: { firstMs: 50, maxMs: 300 },
    });
    this.witness = new Witness(this.parlor.direct(other), tab);
    this.parlor.connect();
  }

  get #conversation() {
    return this.witness.conversation;
  }

  /** Writes messages, and resolves when they are in the store. */
  async write(contents: string[]): Promise<string[]> {
    const sendings = contents.map((content) => this.#conversation.send(content));
    await Promise.all(sendings.map(({ saved }) => saved));
    return sendings.map(({ clientId }) => clientId);
  }

  /** Writes messages, and resolves when they are in the log, to their numbers. */
  async send(contents: string[]): Promise<number[]> {
    const sent = await Promise.all(contents.map((content) => this.#conversation.send(content).sent));
    return sent.map(({ seq }) => seq);
  }

  get shown(): { state: string; content: unknown }[] {
    return this.#conversation.messages.get().messages.map(({ state, content }) => ({ state, content }));
  }

  get list(): { name: string; unread: number }[] {
    return this.parlor.conversations.get().conversations.map(({ name, unread }) => ({ name, unread }));
  }

  get state(): string {
    return this.parlor.status.get().state;
  }
}

declare global {
  interface Window {
    chat: (url: string, user: string, other: string, tab: string) => void;
    now: Chat;
  }
}

window.chat = (url, user, other, tab) => {
  window.now = new Chat(url, user, other, tab);
};
