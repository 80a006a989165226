// How far the members of a conversation are. Marks only ever grow.
import type { Watermarks } from "./protocol/types.js";

/** How far one of the user's own messages got. */
export type ReceiptState = "sent" | "delivered" | "read";

/** The marks of one conversation's members, as far as they are told. */
export class Marks {
  #marks = new Map<string, Watermarks>();

  /** By user id. Another object after each change. */
  get all(): ReadonlyMap<string, Watermarks> {
    return this.#marks;
  }

  /** The last number that a user has read. */
  readBy(userId: string | null): number {
    return this.#marks.get(userId ?? "")?.read ?? 0;
  }

  /** Takes marks that may be behind, or ahead of, what is known. */
  take(marks: readonly Watermarks[]): void {
    const after = new Map(this.#marks);
    for (const { userId, delivered, read } of marks) {
      const known = after.get(userId);
      after.set(userId, {
        userId,
        // Who has read it has it.
        delivered: Math.max(delivered, read, known?.delivered ?? 0),
        read: Math.max(read, known?.read ?? 0),
      });
    }
    this.#marks = after;
  }

  /** How far a message got with everybody but its author. */
  of(seq: number, author: string | null): ReceiptState {
    const others = [...this.#marks.values()].filter(({ userId }) => userId !== author);
    if (others.length === 0) return "sent";
    if (others.every(({ read }) => read >= seq)) return "read";
    return others.every(({ delivered }) => delivered >= seq) ? "delivered" : "sent";
  }

  clear(): void {
    this.#marks = new Map();
  }
}
