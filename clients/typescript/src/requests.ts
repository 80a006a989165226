// Conversations that strangers have begun, until the user accepts or declines them.
import type { Conversation } from "./conversation.js";
import { Conversations, type ListNeeds } from "./conversations.js";
import { ParlorError } from "./errors.js";
import type { OwnNeeds } from "./own/own.js";

/** The requests that wait, read while somebody looks. They are in no other list. */
export class Requests extends Conversations {
  readonly #command: OwnNeeds["command"];

  /** @internal */
  constructor(needs: Omit<ListNeeds, "name">, command: OwnNeeds["command"]) {
    super({ ...needs, name: "requests" });
    this.#command = command;
  }

  /** Makes it a conversation like others: at once, and taken back if it is refused, with why. */
  accept(conversation: Conversation): Promise<void> {
    return this.#decide(conversation, "request_accept");
  }

  /** Takes no further messages of it: at once, and taken back if it is refused, with why. */
  decline(conversation: Conversation): Promise<void> {
    return this.#decide(conversation, "request_decline");
  }

  async #decide(conversation: Conversation, command: "request_accept" | "request_decline"): Promise<void> {
    const { id, place } = conversation;
    if (id === null) throw new ParlorError("the conversation's id is known once the client was connected");
    conversation.placed(command === "request_accept" ? "conversations" : null);
    try {
      await this.#command(command, { conversationId: id });
    } catch (error) {
      conversation.placed(place);
      throw error;
    }
  }
}
