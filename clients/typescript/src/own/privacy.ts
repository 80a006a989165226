// Who may write to the user, and who may see what of the user.
import type { PageState } from "../paged.js";
import type { Privacy, PrivacySet } from "../protocol/types.js";
import type { OwnNeeds } from "./own.js";
import { Records } from "./records.js";

/** The settings, as `docs/protocol.md` describes them. */
export type PrivacySettings = Omit<Privacy, "status">;

/** The user's privacy. */
export interface PrivacyView {
  /** `null` until they were read. */
  readonly settings: PrivacySettings | null;
  readonly error: PageState["error"];
}

type Field = readonly [name: string, value: string | boolean];

/** The fields that are given. */
function fieldsOf({ messages, lastSeen, online, readReceipts, messageRequests }: PrivacySet): Field[] {
  const fields = Object.entries({ messages, lastSeen, online, readReceipts, messageRequests });
  return fields.filter((field): field is [string, string | boolean] => field[1] !== undefined);
}

/** The user's privacy settings. Each is a record of its own, so that two devices that set different ones agree. */
export class PrivacyRecords extends Records<Field, PrivacyView> {
  readonly #needs: OwnNeeds;

  /** @internal */
  constructor(needs: OwnNeeds) {
    super({
      question: "privacy_get",
      isWhole: true,
      page: async (_, signal) => {
        const settings = await needs.reads.ask("privacy_get", {}, signal);
        return { lines: fieldsOf(settings).map((value) => [value[0], { at: 0, value }]), cursor: null };
      },
      show: (fields, { hasMore, error }) => ({
        settings: hasMore ? null : (Object.fromEntries(fields) as unknown as PrivacySettings),
        error,
      }),
      changed: needs.changed,
      isLive: needs.isLive,
    });
    this.#needs = needs;
    needs.news.on("privacy", ({ at, ...settings }) => {
      for (const field of fieldsOf(settings)) this.hear(field[0], at, field);
    });
  }

  /** Changes the settings that are given. Rejects with why not. */
  set(settings: PrivacySet): Promise<void> {
    const wishes = fieldsOf(settings).map((field) => [field[0], field] as const);
    return this.wish(wishes, () => this.#needs.command("privacy_set", settings));
  }
}
