// Whom the user knows, and whom the user blocks.
import type { PageState } from "../paged.js";
import type { ContactLine } from "../protocol/types.js";
import type { OwnNeeds } from "./own.js";
import { Records } from "./records.js";

/** The user's contacts. */
export interface ContactsView {
  /** Those that changed last come first. */
  readonly contacts: readonly ContactLine[];
  readonly byUserId: ReadonlyMap<string, ContactLine>;
  /** Whether they were all read; before, nobody may be missing who is not there. */
  readonly isKnown: boolean;
  readonly error: PageState["error"];
}

/** Whom the user knows, under names of the user's choice. */
export class ContactRecords extends Records<ContactLine, ContactsView> {
  readonly #needs: OwnNeeds;

  /** @internal */
  constructor(needs: OwnNeeds) {
    super({
      question: "contacts",
      isWhole: true,
      page: async (cursor, signal) => {
        const page = await needs.reads.ask("contacts", { limit: 100, ...(cursor === null ? {} : { cursor }) }, signal);
        return { lines: page.contacts.map((value) => [value.userId, { at: value.at, value }]), cursor: page.cursor };
      },
      show: (contacts, { hasMore, error }) => ({
        contacts,
        byUserId: new Map(contacts.map((contact) => [contact.userId, contact])),
        isKnown: !hasMore,
        error,
      }),
      changed: needs.changed,
      isLive: needs.isLive,
    });
    this.#needs = needs;
    needs.news.on("contact", ({ userId, name, contact, at }) => {
      this.hear(userId, at, contact ? { userId, name, at } : null);
    });
  }

  /** Adds a contact, or gives one another name; without a name there is none. Rejects with why not. */
  add(userId: string, name: string | null = null): Promise<void> {
    const payload = { userId, ...(name === null ? {} : { name }) };
    const value = { userId, name, at: this.#needs.now() };
    return this.wish([[userId, value]], () => this.#needs.command("contact_add", payload));
  }

  /** Takes a contact away. Rejects with why not. */
  remove(userId: string): Promise<void> {
    return this.wish([[userId, null]], () => this.#needs.command("contact_remove", { userId }));
  }
}

/** Whom the user blocks. */
export interface BlockedView {
  readonly userIds: ReadonlySet<string>;
  /** Whether they were read; before, nobody may be missing who is not there. */
  readonly isKnown: boolean;
  readonly error: PageState["error"];
}

/** Whom the user blocks. */
export class BlockedRecords extends Records<string, BlockedView> {
  readonly #needs: OwnNeeds;
  /** Blocks have no times: what is heard holds over what was read before. */
  #heard = 0;

  /** @internal */
  constructor(needs: OwnNeeds) {
    super({
      question: "blocked",
      isWhole: true,
      page: async (_, signal) => {
        const { blocked } = await needs.reads.ask("blocked", {}, signal);
        return { lines: blocked.map((value) => [value, { at: 0, value }]), cursor: null };
      },
      show: (userIds, { hasMore, error }) => ({ userIds: new Set(userIds), isKnown: !hasMore, error }),
      changed: needs.changed,
      isLive: needs.isLive,
    });
    this.#needs = needs;
    needs.news.on("blocked", ({ userId, blocked }) => {
      this.#heard += 1;
      this.hear(userId, this.#heard, blocked ? userId : null);
    });
  }

  /** No message of that user is kept any more once it resolves. Rejects with why not. */
  block(userId: string): Promise<void> {
    return this.wish([[userId, userId]], () => this.#needs.command("block", { userId }));
  }

  /** Ends that. Rejects with why not. */
  unblock(userId: string): Promise<void> {
    return this.wish([[userId, null]], () => this.#needs.command("unblock", { userId }));
  }
}
