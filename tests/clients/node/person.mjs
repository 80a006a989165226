// A user's socket that remembers what it heard, and waits for what it should hear.
import { io } from "socket.io-client";

const PATIENCE_MS = 20_000;

export class Person {
  messages = [];
  events = [];
  connects = 0;
  isReady = false;
  confirmed = 0;
  disconnects = [];
  errors = [];
  #waiting = new Set();

  // Connects. `client` is the `io` function of another version, `confirm: false` sends no
  // `delivered`; all else goes to Socket.IO as it is.
  constructor(t, server, user, { client = io, confirm = true, auth = {}, ...options } = {}) {
    this.user = user;
    this.socket = client(server.url, {
      auth: user === null ? auth : { token: user, ...auth },
      forceNew: true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 100,
      ...options,
    });
    t.after(() => this.socket.disconnect());
    this.socket.on("connect", () => this.#note(() => this.connects++));
    this.socket.on("disconnect", (reason) => {
      this.isReady = false;
      this.#note(() => this.disconnects.push(reason));
    });
    this.socket.on("ready", () => (this.isReady = true));
    this.socket.on("connect_error", (error) => this.#note(() => this.errors.push(error)));
    this.socket.onAny((name, ...args) => this.#note(() => this.events.push([name, ...args])));
    this.socket.on("private_message", (message) => {
      this.#note(() => this.messages.push(message));
      if (!confirm) return;
      this.socket.emit("delivered", { messageId: message.id }, () => this.#note(() => this.confirmed++));
    });
  }

  // Connects and waits until the server has said `ready`.
  static async connect(t, server, user, options) {
    const person = new Person(t, server, user, options);
    await person.until(() => person.heard("ready").length > 0, "ready");
    return person;
  }

  // Connects and waits until the server refuses; returns the error.
  static async refused(t, server, user, options) {
    const person = new Person(t, server, user, { reconnection: false, ...options });
    await person.until(() => person.errors.length > 0 || person.connects > 0, "an answer");
    if (person.connects > 0) throw new Error("was let in");
    return person.errors[0];
  }

  // The arguments of every event of this name, in the order they came.
  heard(name) {
    return this.events.filter(([heard]) => heard === name).map(([, ...args]) => args[0]);
  }

  // Emits and returns what the server acknowledged.
  ask(name, ...args) {
    return within(`an ack of ${name}`, this, (resolve) => this.socket.emit(name, ...args, resolve));
  }

  send(toUserId, content, more = {}) {
    return this.ask("private_message", { toUserId, content, ...more });
  }

  // Waits until the condition holds; it is looked at after each thing that happens.
  until(condition, what) {
    return within(what, this, (resolve) => {
      const look = () => {
        if (!condition()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  // Waits for this many messages and returns them.
  async has(count) {
    await this.until(() => this.messages.length >= count, `${count} messages`);
    return this.messages;
  }

  // Waits until the server has pushed what was missed. One that is about to be open may send away before.
  caughtUp() {
    const isDone = () => this.isReady && this.heard("caught_up").length >= this.heard("ready").length;
    return this.until(isDone, "caught_up");
  }

  // A round trip through the server: what it did before has been heard.
  async settled() {
    await this.ask("conversations", { limit: 1 });
  }

  close() {
    this.socket.disconnect();
  }

  #note(record) {
    record();
    for (const look of [...this.#waiting]) look();
  }
}

function within(what, person, start) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const last = (list) => `${list.length} (${list.slice(-3)})`;
      const state = `${person.messages.length} messages, ${person.connects} connects, disconnects: ${last(person.disconnects)}, errors: ${last(person.errors)}`;
      reject(new Error(`${person.user} waited in vain for ${what} (${state})`));
    }, PATIENCE_MS);
    start((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}

// The conversation of two users as the protocol names it: sorted by bytes, with `%` and `:` encoded.
export function dm(one, other) {
  const bytes = [Buffer.from(one), Buffer.from(other)].sort(Buffer.compare);
  const encoded = bytes.map((id) => id.toString().replaceAll("%", "%25").replaceAll(":", "%3A"));
  return `dm:${encoded.join(":")}`;
}

export function numbers(from, to) {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
