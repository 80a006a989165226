// Asks of what a client shows what the server's history checker asks of what devices hear: is each message
// shown once, first seen in the order of the log, and ever the same? Runs in browsers too.
import type { ChatMessage, Conversation } from "../../src/index.js";

/** Watches one conversation of one client, and keeps what is wrong with any view of it. */
export class Witness {
  readonly faults: string[] = [];
  /** Ids in the order in which they were first seen, with their numbers. */
  readonly firsts: { id: string; seq: number }[] = [];
  #ids = new Map<string, number>();
  #last = new Map<string, string>();

  constructor(
    readonly conversation: Conversation,
    readonly name: string,
  ) {
    const look = () => this.#look(conversation.messages.get().messages);
    conversation.messages.subscribe(look);
    look();
  }

  /** Numbers seen so far. */
  get seqs(): number[] {
    return this.firsts.map(({ seq }) => seq);
  }

  #fault(text: string): void {
    this.faults.push(`${this.name}: ${text}`);
  }

  #look(messages: readonly ChatMessage[]): void {
    const keys = new Set<string>();
    let before = 0;
    let isWaiting = false;
    for (const message of messages) {
      if (keys.has(message.key)) this.#fault(`${message.key} is shown twice`);
      keys.add(message.key);
      if (message.state !== "sent") {
        isWaiting = true;
        continue;
      }
      const { id, seq } = message;
      if (isWaiting) this.#fault(`${id} is in the log and shown behind what is not`);
      if (seq <= before) this.#fault(`${seq} is shown behind ${before}`);
      before = seq;
      const known = this.#ids.get(id);
      if (known === undefined) {
        this.#ids.set(id, seq);
        this.firsts.push({ id, seq });
      } else if (known !== seq) this.#fault(`${id} was ${known} and is ${seq}`);
      const content = JSON.stringify(message.content);
      if ((this.#last.get(id) ?? content) !== content) this.#fault(`${id} has changed`);
      this.#last.set(id, content);
    }
  }
}
