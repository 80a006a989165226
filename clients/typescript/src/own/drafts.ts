// What the user has begun to write, conversation by conversation, the same on all devices.
//
// What is written here shows at once, is told to the server a moment later, and is kept over reloads until then. While
// it is not told, it holds over what other devices say.
import { Backoff } from "../backoff.js";
import { BusyError, RefusedError } from "../errors.js";
import { leaving } from "../leaving.js";
import { Looked } from "../looked.js";
import { Derived, type Observable, reportError } from "../observable.js";
import type { Json } from "../protocol/types.js";
import { conversationIdOf, keyOf, type Target, targetOf } from "../target.js";
import type { OwnNeeds } from "./own.js";
import { Records } from "./records.js";

/** Least time from one telling of a conversation's draft to the next. */
const TELL_PAUSE_MS = 1_000;
/** Drafts that nobody looks at any more are let go of beyond so many. */
const LOOKED_MAX = 500;

/** What the user has begun to write in a conversation. */
export interface DraftView {
  /** As in a message; `null` if there is none. */
  readonly content: Json;
  /** Why the server does not keep it; it is then here alone. */
  readonly error: RefusedError | null;
}

interface Draft {
  readonly key: string;
  readonly content: Json;
}

interface Unsaved {
  readonly target: Target;
  readonly content: Json;
  readonly error: RefusedError | null;
}

const NONE: DraftView = { content: null, error: null };

/** The drafts of one user. */
export class Drafts extends Records<Draft, ReadonlyMap<string, Json>> {
  readonly #needs: OwnNeeds;
  readonly #unsaved = new Map<string, Unsaved>();
  readonly #looked: Looked<Derived<DraftView>>;
  readonly #pace = new Backoff(TELL_PAUSE_MS, 30_000);
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isTelling = false;
  readonly #stopListening: () => void;

  constructor(needs: OwnNeeds) {
    const read = ({ conversationId, content }: { conversationId: string; content: Json }): Draft | null => {
      const target = targetOf(conversationId, needs.me() ?? "");
      return target && { key: keyOf(target), content };
    };
    super({
      question: "drafts",
      isWhole: true,
      page: async (cursor, signal) => {
        const page = await needs.reads.ask("drafts", { limit: 100, ...(cursor === null ? {} : { cursor }) }, signal);
        const lines = page.drafts.map((draft) => ({ at: draft.at, value: read(draft) }));
        return { lines: lines.map((line) => [line.value?.key ?? "", line]), cursor: page.cursor };
      },
      show: (drafts) => new Map(drafts.map(({ key, content }) => [key, content])),
      changed: needs.changed,
      isLive: needs.isLive,
    });
    this.#needs = needs;
    this.#looked = new Looked(LOOKED_MAX, (key) => this.#view(key));
    needs.news.on("draft", ({ at, ...draft }) => {
      const value = read(draft);
      if (value !== null) this.hear(value.key, at, value.content === null ? null : value);
    });
    needs.live(() => this.#soon(0));
    this.#stopListening = leaving(() => void this.#tell());
  }

  /** The draft of a conversation, read while somebody looks. */
  of(target: Target): Observable<DraftView> {
    return this.#looked.of(keyOf(target));
  }

  set(target: Target, content: Json): void {
    const key = keyOf(target);
    const isKnown = this.wasRead || this.#unsaved.has(key);
    if (isKnown && JSON.stringify(this.#looked.of(key).get().content) === JSON.stringify(content)) return;
    this.#unsaved.set(key, { target, content, error: null });
    this.changed();
    this.#soon(TELL_PAUSE_MS);
  }

  override kept(): object | null {
    const unsaved = [...this.#unsaved].filter(([, { error }]) => error === null);
    const lines = super.kept();
    return lines === null && unsaved.length === 0 ? null : { ...lines, unsaved };
  }

  override restore(piece: object): void {
    const { unsaved, lines } = piece as { unsaved: [string, Unsaved][]; lines?: unknown };
    if (lines !== undefined) super.restore(piece);
    for (const [key, one] of unsaved) if (!this.#unsaved.has(key)) this.#unsaved.set(key, one);
    this.#show();
  }

  override close(): void {
    super.close();
    this.#stopListening();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  protected override changed(): void {
    super.changed();
    this.#show();
  }

  #view(key: string): Derived<DraftView> {
    let stop = () => {};
    let shown = NONE;
    return new Derived(
      () => {
        const { content, error } = this.#unsaved.get(key) ?? { content: this.get().get(key) ?? null, error: null };
        // Another object only where it says something else, since all look when one changes.
        if (content !== shown.content || error !== shown.error) shown = { content, error };
        return shown;
      },
      (isWatched) => {
        stop();
        stop = isWatched ? this.subscribe(() => {}) : () => {};
      },
    );
  }

  #show(): void {
    for (const view of this.#looked.values()) view.changed();
  }

  #soon(ms: number): void {
    if (ms === 0 && this.#timer !== null) clearTimeout(this.#timer);
    else if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#tell().catch(reportError);
    }, ms);
  }

  async #tell(): Promise<void> {
    const waiting = [...this.#unsaved].filter(([, { error }]) => error === null);
    if (this.#isTelling || waiting.length === 0 || !this.#needs.isLive()) return;
    this.#isTelling = true;
    const told = await Promise.all(waiting.map(([key, unsaved]) => this.#tellOne(key, unsaved)));
    this.#isTelling = false;
    if (told.every((isDone) => isDone)) this.#pace.succeeded();
    const isLeft = [...this.#unsaved.values()].some(({ error }) => error === null);
    if (isLeft) this.#soon(this.#pace.next());
  }

  /** `false` if it has to be told again. */
  async #tellOne(key: string, unsaved: Unsaved): Promise<boolean> {
    const { target, content } = unsaved;
    try {
      const conversationId = conversationIdOf(target, this.#needs.me() ?? "");
      await this.#needs.command("draft_set", { conversationId, content });
      if (this.#unsaved.get(key) === unsaved) this.#unsaved.delete(key);
    } catch (error) {
      if (!(error instanceof RefusedError) || error instanceof BusyError) return false;
      if (this.#unsaved.get(key) === unsaved) this.#unsaved.set(key, { ...unsaved, error });
    }
    this.changed();
    return true;
  }
}
