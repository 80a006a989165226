// The messages that the user has starred.
import type { PageState } from "../paged.js";
import type { AnyEntry, Message } from "../protocol/types.js";
import { after, emptied, isMessage } from "../timeline/effects.js";
import { type LoggedMessage, logged } from "../timeline/message.js";
import type { OwnNeeds } from "./own.js";
import { Records } from "./records.js";

/** A starred message. */
export interface StarredMessage {
  readonly messageId: string;
  /** `null` once the user cannot read it any more. */
  readonly message: LoggedMessage | null;
}

/** The starred messages, as far as they were read. */
export interface StarredView extends PageState {
  /** Those that were starred last come first. */
  readonly starred: readonly StarredMessage[];
}

interface Star {
  readonly messageId: string;
  readonly message: Message | null;
}

/** The messages that the user has starred. */
export class StarredRecords extends Records<Star, StarredView> {
  readonly #needs: OwnNeeds;

  /** @internal */
  constructor(needs: OwnNeeds) {
    const shown = (message: Message) => {
      const hasEnded = (message.expiresAt ?? Number.POSITIVE_INFINITY) <= needs.now();
      return logged(hasEnded && !message.expired && !message.deleted ? emptied(message, "expired") : message);
    };
    super({
      question: "starred",
      isWhole: false,
      page: async (cursor, signal) => {
        const page = await needs.reads.ask("starred", cursor === null ? {} : { cursor }, signal);
        return { lines: page.starred.map(({ at, ...value }) => [value.messageId, { at, value }]), cursor: page.cursor };
      },
      show: (stars, state) => ({
        starred: stars.map(({ messageId, message }) => ({ messageId, message: message && shown(message) })),
        ...state,
      }),
      // What is starred is read when it is shown, and not kept over reloads.
      changed: () => {},
      isLive: needs.isLive,
    });
    this.#needs = needs;
    needs.news.on("starred", ({ messageId, starred, at }) => {
      const message = needs.find(messageId);
      if (!starred || message !== null) this.hear(messageId, at, starred ? { messageId, message } : null);
      else void this.renew();
    });
  }

  /** Stars a message, by its `id`. Rejects with why not. */
  star(messageId: string): Promise<void> {
    const message = this.#needs.find(messageId);
    const wishes = message === null ? [] : [[messageId, { messageId, message }] as const];
    return this.wish(wishes, () => this.#needs.command("star", { messageId }));
  }

  /** Takes the star off a message. Rejects with why not. */
  unstar(messageId: string): Promise<void> {
    return this.wish([[messageId, null]], () => this.#needs.command("unstar", { messageId }));
  }

  /** Entries were seen: edits and deletions show in what is starred. @internal */
  seen(entries: readonly AnyEntry[]): void {
    for (const entry of entries) {
      if (isMessage(entry) || (entry.kind !== "message_edited" && entry.kind !== "message_deleted")) continue;
      this.alter(entry.messageId, (star) => {
        const { message } = star;
        // Old edits are seen when the past is read.
        if (message === null || (message.editedAt ?? 0) > entry.ts) return star;
        return { ...star, message: after(message, entry, null) };
      });
    }
  }
}
