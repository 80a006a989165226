// Who types: said now and then while the user does, heard for as long as it is true.
import type { Connection } from "./connection.js";
import { Derived } from "./observable.js";
import type { Target } from "./target.js";

const EXPIRES_DEFAULT_MS = 6_000;
/** How much longer than the server somebody is shown to type, for what is under way. */
const SLACK_MS = 1_000;

/** Says that the user types in one conversation. */
export class TypingOut {
  #connection: Connection;
  #target: Target;
  #saidAt: number | null = null;
  #end: ReturnType<typeof setTimeout> | null = null;

  constructor(connection: Connection, target: Target) {
    this.#connection = connection;
    this.#target = target;
  }

  /**
   * Call it at each key: it is said at most every half of the time after which the server forgets it, and
   * ended when it was not called for as long.
   */
  types(): void {
    const expires = this.#connection.ready?.limits.typingExpiresMs ?? EXPIRES_DEFAULT_MS;
    if (this.#saidAt === null || performance.now() - this.#saidAt >= expires / 2) {
      this.#connection.say("typing", { ...this.#target, typing: true });
      this.#saidAt = performance.now();
    }
    if (this.#end !== null) clearTimeout(this.#end);
    this.#end = setTimeout(() => this.stops(), expires);
  }

  /** Ends it. */
  stops(): void {
    if (this.#saidAt !== null) this.#connection.say("typing", { ...this.#target, typing: false });
    this.sent();
  }

  /** A message was sent, which ends it without a word. */
  sent(): void {
    if (this.#end !== null) clearTimeout(this.#end);
    this.#end = null;
    this.#saidAt = null;
  }
}

/** Who types in one conversation. In larger groups only some are named. */
export interface TypingView {
  readonly userIds: readonly string[];
  /** How many type, those who are not named included. */
  readonly count: number;
}

const NOBODY: TypingView = { userIds: [], count: 0 };

/** Hears who types in one conversation. */
export class TypingIn {
  readonly view = new Derived<TypingView>(() => this.#show());
  #ends = new Map<string, ReturnType<typeof setTimeout>>();
  #crowd: TypingView | null = null;

  hear(userId: string, isTyping: boolean, expiresMs: number): void {
    clearTimeout(this.#ends.get(userId));
    this.#ends.delete(userId);
    if (isTyping)
      this.#ends.set(
        userId,
        setTimeout(() => this.hear(userId, false, 0), expiresMs + SLACK_MS),
      );
    this.view.changed();
  }

  /** What is told of a larger group. */
  hearCrowd(userIds: string[], count: number): void {
    this.#crowd = count === 0 ? null : { userIds, count };
    this.view.changed();
  }

  /** Somebody's message came. */
  said(userId: string): void {
    if (this.#ends.has(userId)) this.hear(userId, false, 0);
  }

  /** Nothing is known any more. */
  clear(): void {
    for (const timer of this.#ends.values()) clearTimeout(timer);
    this.#ends.clear();
    this.#crowd = null;
    this.view.changed();
  }

  #show(): TypingView {
    if (this.#crowd !== null) return this.#crowd;
    if (this.#ends.size === 0) return NOBODY;
    return { userIds: [...this.#ends.keys()], count: this.#ends.size };
  }
}
