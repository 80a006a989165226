// What was said before a test looks: people without a page, each a stock Socket.IO client.
import { io, type Socket } from "socket.io-client";
import { onTestFinished } from "vitest";

const IN_FLIGHT = 50;

/** Limits of a server for tests that say very much. */
export const UNLIMITED = {
  PARLOR_LIMITS__USER_RATE_BURST: "1000000",
  PARLOR_LIMITS__USER_RATE_PER_SECOND: "1000000",
  PARLOR_LIMITS__CONNECTION_RATE_BURST: "1000000",
  PARLOR_LIMITS__CONNECTION_RATE_PER_SECOND: "1000000",
};

/** Somebody's socket, until the test ends. */
export async function connect(url: string, user: string): Promise<Socket> {
  const auth = { token: user, deviceId: "seed" };
  const socket = io(url, { auth, transports: ["websocket"], forceNew: true });
  onTestFinished(() => {
    socket.disconnect();
  });
  await new Promise<void>((ready) => socket.once("caught_up", () => ready()));
  return socket;
}

/** What the server answers that is of use here. */
export interface Answer {
  readonly status: string;
  readonly id?: string;
  readonly groupId?: string;
}

/** Asks for something that is not refused. */
export async function ask(socket: Socket, command: string, payload: object): Promise<Answer> {
  const answer: Answer = await socket.emitWithAck(command, payload);
  if (answer.status === "error") throw new Error(`${command}: ${JSON.stringify(answer)}`);
  return answer;
}

/** Says something to somebody. */
export function tell(socket: Socket, toUserId: string, content: string): Promise<Answer> {
  return ask(socket, "private_message", { toUserId, content });
}

/** Does something for each number, in order, many under way at a time. */
export async function manyTimes(count: number, act: (at: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += IN_FLIGHT) {
    const some = Math.min(IN_FLIGHT, count - from);
    await Promise.all(Array.from({ length: some }, (_, index) => act(from + index)));
  }
}

/** Says so many numbered messages. */
export function sayMany(socket: Socket, toUserId: string, from: number, to: number): Promise<void> {
  return manyTimes(to - from + 1, (at) => tell(socket, toUserId, `message ${from + at}`));
}
