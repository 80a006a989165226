// Many stock clients in one process, for fault runs: they send, retry, confirm and report all they
// see as JSON lines on standard output, and judge nothing.
//
// The first line of standard input says what to run: { url, seed, pauseMs, clients: [{ user, token,
// device, peers, groups, transports, recovery }] }, and then each line a phase: `send`, `finish`. The end of the
// input is the end of the process. Clients are set up as their users would set them up: `retries`
// and `ackTimeout`, and reconnection by itself.
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { io } from "socket.io-client";

const ACK_TIMEOUT_MS = 5_000;
const RETRIES_MAX = 1_000_000;
// How much of what is sent goes to a group, and of what is heard there may be confirmed.
const GROUP_SHARE = 1 / 8;
const GROUP_CONFIRMED_SHARE = 1 / 10;
// What pushes entries of logs.
const PUSHES = ["private_message", "group_message", "entry"];

let phase = "gather";
const report = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

// Numbers from 0 to 1 that follow from a seed.
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Client {
  #connection = 0;
  // On which connection each message came: the library keeps what comes before `connect`, or beside
  // the end of a connection, and hands it out on the next one.
  #arrivals = new WeakMap();
  #epoch = null;
  // What was heard before the `ready` that names the epoch, or while all is read anew.
  #held = [];
  #rebuilding = false;
  #snapshots = 0;
  #read = new Set();
  #sends = 0;
  // How far each mark was told to be: less is not worth a line.
  #told = new Map();

  constructor(index, { url, seed, pauseMs, clients }) {
    Object.assign(this, clients[index], { index, pauseMs });
    this.chance = random(seed + index);
    this.socket = io(url, {
      auth: { token: this.token, deviceId: this.device, ...(this.recovery ? { recovery: true } : {}) },
      transports: this.transports,
      forceNew: true,
      autoConnect: false,
      reconnectionDelay: 200,
      reconnectionDelayMax: 1_000,
      retries: RETRIES_MAX,
      ackTimeout: ACK_TIMEOUT_MS,
    });
    this.socket.io.on("open", () => (this.#connection += 1));
    this.socket.io.on("packet", ({ data }) => {
      if (PUSHES.includes(data?.[0])) this.#arrivals.set(data[1], this.#connection);
    });
    this.socket.on("connect", () => {
      // What a recovered socket missed was heard before this.
      if (this.socket.recovered) report({ kind: "recovered", index });
      else this.#epoch = null;
      report({ kind: "connected", index });
    });
    // What the client library will not mend by itself is an error that its user sees.
    this.socket.on("connect_error", (error) => {
      if (!this.socket.active) this.#complain(`refused: ${error.message}`);
    });
    this.socket.on("disconnect", (reason) => {
      if (!this.socket.active) this.#complain(`disconnected: ${reason}`);
    });
    this.socket.on("ready", ({ epoch }) => {
      this.#epoch = epoch;
      for (const seen of this.#held) seen.epoch ??= epoch;
      if (!this.#rebuilding) for (const seen of this.#held.splice(0)) this.#see(seen);
    });
    this.socket.on("snapshot", () => {
      report({ kind: "rebuilt", index });
      this.#snapshots += 1;
      if (!this.#rebuilding) this.#rebuild();
    });
    for (const push of PUSHES) this.socket.on(push, (message, offset) => this.#take(message, offset));
    for (const receipt of ["delivered", "read"]) {
      this.socket.on(receipt, ({ conversationId, userId, seq }) => {
        const place = `${this.#epoch} ${receipt} ${conversationId} ${userId}`;
        if ((this.#told.get(place) ?? 0) >= seq) return;
        this.#told.set(place, seq);
        report({ kind: "told", index, epoch: this.#epoch, receipt, conversationId, userId, seq });
      });
    }
    this.socket.connect();
  }

  // Sends one message after the other until the phase is over and the last is acknowledged.
  async run() {
    while (phase === "gather") await delay(50);
    while (phase === "send") {
      await delay(this.pauseMs * (0.2 + 1.6 * this.chance()));
      await this.#send();
    }
  }

  async #send() {
    const one = (list) => list[Math.floor(this.chance() * list.length)];
    const toGroup = this.groups.length > 0 && this.chance() < GROUP_SHARE;
    const to = toGroup ? { groupId: one(this.groups) } : { toUserId: one(this.peers) };
    const clientId = `${this.user}/${this.device}/${(this.#sends += 1)}`;
    const padding = toGroup ? "" : "·".repeat(this.chance() * 200);
    const content = `${clientId} to ${to.groupId ?? to.toUserId} ${padding}`;
    const event = toGroup ? "group_message" : "private_message";
    report({ kind: "sent", index: this.index, clientId, ...to, content });
    for (;;) {
      const answer = await new Promise((resolve) => {
        this.socket.emit(event, { ...to, content, clientId }, (error, answer) => {
          if (error) this.#complain(`emit: ${error.message}`);
          resolve(error ? { status: "error" } : answer);
        });
      });
      if (answer.status === "sent") {
        const { id, seq, ts } = answer;
        const epoch = await this.#namedHere();
        // Nobody can say of which log this ack was; the same once more is no second message.
        if (epoch === null) continue;
        report({ kind: "acked", index: this.index, epoch, clientId, id, seq, ts });
        return;
      }
      if (toGroup && answer.code === "not_a_member") {
        report({ kind: "denied", index: this.index, clientId });
        return;
      }
      await delay(answer.retryAfterMs ?? 200);
    }
  }

  #take(message, offset) {
    // Its own perhaps, long before what it heard since: it has that by its ack.
    if (this.recovery && message.from === this.user) return;
    // What an attempt to come back brought that was cut off is handed out on the next one, perhaps in another life of
    // the log than that in which it came. The offset names it.
    const epoch = offset?.split(".")[0] ?? this.#epoch;
    const seen = { connection: this.#arrivals.get(message), message, epoch };
    if (this.#rebuilding || this.#epoch === null) this.#held.push(seen);
    else this.#see(seen);
  }

  // What it holds is no good: reads everything anew, as a page does, and once more if the log is
  // another one by then, or if it was told so again: what came between its first reading and the
  // second `snapshot` is pushed on no connection. What is pushed meanwhile waits, and what was read
  // counts as seen before any connection.
  async #rebuild() {
    this.#rebuilding = true;
    const { index } = this;
    let epoch, read, snapshots;
    do {
      epoch = await this.#named();
      snapshots = this.#snapshots;
      read = await this.#readAll();
    } while (epoch !== (await this.#named()) || snapshots !== this.#snapshots);
    for (const message of read) {
      const key = `${epoch} ${message.id}`;
      if (!this.#read.has(key)) report({ kind: "seen", index, epoch, connection: 0, message });
      this.#read.add(key);
    }
    this.#rebuilding = false;
    // What it was pushed of a log that was replaced before it had read that follows nothing it has.
    for (const seen of this.#held.splice(0)) if (seen.epoch === epoch) this.#see(seen);
  }

  // The epoch of this connection, whose `ready` may come behind an ack; null if it ends before.
  async #namedHere() {
    const connection = this.#connection;
    while (this.#epoch === null && this.#connection === connection) await delay(10);
    return this.#connection === connection ? this.#epoch : null;
  }

  // The epoch, once there is one.
  async #named() {
    while (this.#epoch === null) await delay(10);
    return this.#epoch;
  }

  async #readAll() {
    const read = [];
    for (let cursor = undefined; cursor !== null; ) {
      const page = await this.#ask("conversations", { limit: 50, cursor });
      for (const { conversationId } of page.conversations) {
        for (let after = 0, more = true; more; ) {
          const part = await this.#ask("history", { conversationId, after, limit: 200 });
          const all = [...part.messages, ...(part.entries ?? [])].sort((a, b) => a.seq - b.seq);
          read.push(...all.filter(({ from }) => from !== this.user));
          after = all.at(-1)?.seq ?? after;
          more = part.more;
        }
      }
      cursor = page.cursor;
    }
    return read;
  }

  async #ask(name, payload) {
    for (;;) {
      const answer = await new Promise((resolve) => {
        this.socket.emit(name, payload, (error, answer) => resolve(error ? {} : answer));
      });
      if (answer.status === "ok") return answer;
      await delay(answer.retryAfterMs ?? 200);
    }
  }

  #see({ connection, message, epoch }) {
    const { index } = this;
    report({ kind: "seen", index, epoch, connection, message });
    // Receipts about a log that is no more are refused, and would mean nothing.
    if (epoch !== this.#epoch) return;
    const { conversationId, seq } = message;
    const about = { index, epoch, conversationId, userId: this.user, seq };
    const chance = this.chance() / (message.groupId ? GROUP_CONFIRMED_SHARE : 1);
    // Each names its log: the library hands out what came at the end of a connection on the next one,
    // before `ready`, and by then a restore may have replaced the log.
    if (chance < 0.5) {
      report({ kind: "gave", receipt: "delivered", ...about });
      this.socket.volatile.emit("delivered", { messageId: message.id, epoch });
    } else if (chance < 0.6) {
      report({ kind: "gave", receipt: "read", ...about });
      this.socket.volatile.timeout(ACK_TIMEOUT_MS).emit("read", { conversationId, seq, epoch }, (error, answer) => {
        if (!error && answer.status === "ok" && epoch === this.#epoch) {
          report({ kind: "kept", receipt: "read", ...about });
        }
      });
    }
  }

  #complain(text) {
    report({ kind: "error", index: this.index, text });
  }
}

let fleet = null;
for await (const line of createInterface({ input: process.stdin })) {
  if (fleet === null) {
    const plan = JSON.parse(line);
    fleet = plan.clients.map((_, index) => new Client(index, plan));
    Promise.all(fleet.map((client) => client.run())).then(() => report({ kind: "done" }));
  } else {
    phase = line;
  }
}
process.exit(0);
