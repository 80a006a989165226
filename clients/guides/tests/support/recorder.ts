// A stock Socket.IO client all of whose traffic is held to docs/asyncapi.json.
import { SignJWT } from "jose";
import { io, type Socket } from "socket.io-client";
import { onTestFinished } from "vitest";

import { SECRET } from "../../../typescript/tests/support/server.js";
import type { Judge } from "./asyncapi.js";
import { delay } from "./programs.js";

const PATIENCE_MS = 20_000;

export interface Heard {
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** A token of a server of the tests that is not a dev one. */
export function tokenOf(user: string, claims: Record<string, unknown> = {}): Promise<string> {
  const token = new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).setSubject(user).setIssuedAt();
  return token.setExpirationTime("1h").sign(new TextEncoder().encode(SECRET));
}

export class Recorder {
  readonly heard: Heard[] = [];

  private constructor(
    readonly user: string,
    readonly socket: Socket,
    readonly judge: Judge,
  ) {
    socket.onAny((event: string, data: Record<string, unknown>) => {
      judge.judge(`event.${event}`, data);
      this.heard.push({ event, data });
    });
    socket.on("connect_error", ({ data }: Error & { data?: unknown }) => {
      if (data !== undefined) judge.judge("packet.connect_error", data);
    });
    onTestFinished(() => void socket.disconnect());
  }

  /** Connects; it need not be let in. */
  static open(url: string, user: string, judge: Judge, auth: Record<string, unknown>): Recorder {
    judge.judge("packet.connect", auth);
    const socket = io(url, { auth, transports: ["websocket"], forceNew: true, reconnection: false });
    return new Recorder(user, socket, judge);
  }

  /** Connects, and waits until the server has brought it up to date. */
  static async live(url: string, user: string, judge: Judge, auth: Record<string, unknown> = {}): Promise<Recorder> {
    const recorder = Recorder.open(url, user, judge, { token: await tokenOf(user), ...auth });
    await recorder.hears("caught_up");
    return recorder;
  }

  /** Asks, and gives the answer, whatever it is. */
  async says(command: string, payload: Record<string, unknown>): Promise<Record<string, unknown>> {
    this.judge.judge(`command.${command}`, payload);
    const answer = await this.socket.timeout(PATIENCE_MS).emitWithAck(command, payload);
    this.judge.judge(answer.status === "error" ? "answer.refused" : `answer.${command}`, answer);
    return answer;
  }

  /** Asks for something that is done. */
  async asks(command: string, payload: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const answer = await this.says(command, payload);
    if (answer.status === "error") throw new Error(`${command} ${JSON.stringify(payload)}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Waits for an event, which may have come already. */
  async hears(event: string, fits: (data: Record<string, unknown>) => boolean = () => true): Promise<Heard["data"]> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = this.heard.find((heard) => heard.event === event && fits(heard.data));
      if (found !== undefined) return found.data;
      if (Date.now() > deadline) {
        const names = this.heard.map((heard) => `${heard.event} ${JSON.stringify(heard.data)}`);
        throw new Error(`${this.user} waited in vain for ${event}; heard ${names.join("\n")}`);
      }
      await delay(10);
    }
  }
}
