// Compares what senders were answered and what clients showed with what the server has.
import { expect } from "vitest";

import type { Message, Parlor, Sent } from "../../src/index.js";
import type { Witness } from "./witness.js";

/** All messages of a conversation as the server has them, oldest first. */
export async function log(parlor: Parlor, conversationId: string): Promise<Message[]> {
  const all: Message[] = [];
  for (let after = 0; ; ) {
    const page = await parlor.command("history", { conversationId, after, limit: 200 });
    all.push(...page.messages);
    if (!page.more || page.covers === null) return all;
    after = page.covers[1];
  }
}

/** Compares what senders were answered and what witnesses saw with the log. */
export function judge(
  stored: readonly Message[],
  acks: readonly { content: unknown; sent: Sent }[],
  witnesses: Witness[],
): void {
  expect(witnesses.flatMap(({ faults }) => faults)).toEqual([]);
  const lost = acks.filter(({ content, sent }) => {
    const found = stored.filter(({ id }) => id === sent.id);
    return found.length !== 1 || found[0]?.seq !== sent.seq || found[0].content !== content;
  });
  expect(lost, "each acked message is in the log once, with its answer").toEqual([]);
  const doubled = stored.filter(
    ({ clientId }, at) => clientId && stored.findIndex((m) => m.clientId === clientId) !== at,
  );
  expect(doubled, "nothing is in the log twice").toEqual([]);
  for (const { name, seqs, conversation } of witnesses) {
    const { messages } = conversation.messages.get();
    const shown = messages.flatMap((message) => (message.state === "sent" ? [message.id] : []));
    const from = stored.findIndex(({ id }) => id === shown[0]);
    expect(shown, `${name} shows the log to its end`).toEqual(stored.slice(from).map(({ id }) => id));
    expect(seqs, `${name} saw each for the first time in order`).toEqual([...seqs].sort((a, b) => a - b));
  }
}
