// Who has a message, and who has read it: read while somebody looks, and kept by the marks and counts that its
// conversation hears.
import { Looked } from "./looked.js";
import { Paged, type PageState } from "./paged.js";
import type { MemberReceipt, ReceiptCounts } from "./protocol/types.js";
import type { Reads } from "./reads.js";

/** Messages whose recipients nobody looks at any more, and of which counts are kept. */
const LOOKED_MAX = 20;
const COUNTS_MAX = 500;
/** Marks of whom it does not have, and counts, make it read anew, at most so often. */
const AGAIN_MS = 1_000;

/** Who has a message, as far as that was read. */
export interface ReceiptsView extends PageState {
  /** The members who have it, its author aside; `read` says who has read it. */
  readonly receipts: readonly MemberReceipt[];
  /** How many members of a larger group have it, and have read it, where that is told. */
  readonly counts: ReceiptCounts | null;
}

/** What it asks of the rest. @internal */
export interface RecipientsNeeds {
  readonly reads: Reads;
  /** The conversation's id, once it is known. */
  readonly id: (signal: AbortSignal) => Promise<string>;
  readonly now: () => number;
}

/** Who has the messages of one conversation. */
export class Recipients {
  readonly #counts = new Map<number, ReceiptCounts>();
  readonly #looked: Looked<Paged<MemberReceipt, ReceiptsView>, number>;
  readonly #needs: RecipientsNeeds;
  #again: ReturnType<typeof setTimeout> | null = null;

  constructor(needs: RecipientsNeeds) {
    this.#needs = needs;
    this.#looked = new Looked(
      LOOKED_MAX,
      (seq) =>
        new Paged<MemberReceipt, ReceiptsView>(
          async (cursor, signal) => {
            const query = { conversationId: await needs.id(signal), seq, ...(cursor === null ? {} : { cursor }) };
            const page = await needs.reads.ask("receipts", { ...query, limit: 100 }, signal);
            return { items: page.receipts, cursor: page.cursor };
          },
          ({ userId }) => userId,
          (receipts, state) => ({ receipts, counts: this.countsOf(seq), ...state }),
          // What is heard while nobody looks is not minded.
          0,
        ),
    );
  }

  /** Who has the entry of this number. */
  of(seq: number): Paged<MemberReceipt, ReceiptsView> {
    return this.#looked.of(seq);
  }

  /** How many members of a larger group have it; `null` where that is not told. */
  countsOf(seq: number): ReceiptCounts | null {
    return this.#counts.get(seq) ?? null;
  }

  /** A member has, or has read, everything up to this number. */
  mark(kind: "delivered" | "read", userId: string, upTo: number): void {
    for (const [seq, one] of this.#looked.entries()) {
      if (seq > upTo || !one.isWatched) continue;
      if (!one.get().receipts.some((receipt) => receipt.userId === userId)) this.again();
      if (kind === "delivered") continue;
      one.change((receipts) =>
        receipts.map((receipt) =>
          receipt.userId !== userId || receipt.read ? receipt : { userId, read: true, at: this.#needs.now() },
        ),
      );
    }
  }

  /** So many members of a larger group have these. */
  count(counts: readonly ReceiptCounts[]): void {
    for (const count of counts) {
      this.#counts.delete(count.seq);
      this.#counts.set(count.seq, count);
      if (this.#looked.known(count.seq)?.isWatched) this.again();
    }
    for (const seq of this.#counts.keys()) if (this.#counts.size > COUNTS_MAX) this.#counts.delete(seq);
  }

  /** What is shown is read anew, soon. */
  again(): void {
    this.#again ??= setTimeout(() => {
      this.#again = null;
      for (const one of this.#looked.values()) if (one.isWatched) void one.reload();
    }, AGAIN_MS);
  }

  /** The log has begun another life. */
  reset(): void {
    this.#counts.clear();
    this.again();
  }

  close(): void {
    if (this.#again !== null) clearTimeout(this.#again);
    for (const one of this.#looked.values()) one.close();
  }
}
