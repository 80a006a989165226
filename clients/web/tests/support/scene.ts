// A small scene for the README's pictures: a few people with names, a group, and what they say.
import { io, type Socket } from "socket.io-client";
import { onTestFinished } from "vitest";

const PEOPLE = {
  mira: "Mira Okafor",
  jonas: "Jonas Weber",
  leila: "Leila Haddad",
  tomas: "Tomás Rivera",
  ada: "Ada Lindqvist",
  noor: "Noor Khan",
};
type Person = keyof typeof PEOPLE;

interface Answer {
  readonly status: string;
  readonly id?: string;
  readonly groupId?: string;
}

/** Everybody, connected, with their names. They read what comes. */
export class Scene {
  readonly #sockets = new Map<Person, Socket>();

  static async enter(url: string): Promise<Scene> {
    const scene = new Scene();
    for (const [person, name] of Object.entries(PEOPLE) as [Person, string][]) {
      const auth = { token: person, deviceId: "scene" };
      const socket = io(url, { auth, transports: ["websocket"], forceNew: true });
      onTestFinished(() => {
        socket.disconnect();
      });
      for (const event of ["private_message", "group_message"]) {
        socket.on(event, ({ id, from }: { id: string; from: string }) => {
          // Something is left for Mira to read.
          socket.emit(from === "tomas" && person === "mira" ? "delivered" : "read", { messageId: id });
        });
      }
      await new Promise<void>((ready) => socket.once("caught_up", () => ready()));
      scene.#sockets.set(person, socket);
      await scene.asks(person, "profile_set", { name });
    }
    return scene;
  }

  async asks(person: Person, command: string, payload: object): Promise<Answer> {
    const answer: Answer | undefined = await this.#sockets.get(person)?.emitWithAck(command, payload);
    if (answer === undefined || answer.status === "error") throw new Error(`${command}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Says something to somebody, and gives the message's id. */
  async says(person: Person, toUserId: Person, content: string, more: object = {}): Promise<string> {
    return (await this.asks(person, "private_message", { toUserId, content, ...more })).id ?? "";
  }

  async tells(person: Person, groupId: string, content: string, more: object = {}): Promise<string> {
    return (await this.asks(person, "group_message", { groupId, content, ...more })).id ?? "";
  }
}

/** What was said before the pictures are taken; gives the group's id. Mira is who looks. */
export async function play(scene: Scene): Promise<string> {
  await scene.says("noor", "mira", "The train is on time for once");
  await scene.says("mira", "noor", "See you on platform 4 then");
  await scene.says("tomas", "mira", "Sent you the recipe. Less salt than it says!");
  await scene.says("leila", "mira", "شكرًا جزيلًا 🌷");
  await scene.says("mira", "jonas", "Did the new lamp survive the move?");
  const lamp = await scene.says("jonas", "mira", "It did. The box did not.");
  await scene.asks("mira", "react", { messageId: lamp, emoji: "😂" });
  const { groupId = "" } = await scene.asks("ada", "group_create", {
    name: "Lake weekend",
    members: ["mira", "jonas", "leila", "tomas"],
  });
  await scene.tells("ada", groupId, "The cabin is ours from Friday evening 🎉");
  const boat = await scene.tells(
    "tomas",
    groupId,
    "Shall I see about the boat? It takes six, with a little squeezing.",
  );
  for (const person of ["mira", "ada", "leila"] as const)
    await scene.asks(person, "react", { messageId: boat, emoji: "👍" });
  await scene.asks("jonas", "react", { messageId: boat, emoji: "⛵" });
  await scene.tells("mira", groupId, "Yes please! And life vests for the little ones.", { replyTo: boat });
  await scene.tells("jonas", groupId, "I bring the grill and far too much bread.");
  const plan = await scene.tells("leila", groupId, "Who drives? I have three seats free, leaving at four.");
  await scene.asks("ada", "pin", { messageId: plan });
  await scene.tells("mira", groupId, "Take me with you then 🙌", { replyTo: plan });
  return groupId;
}
