// Who is there: one subscription for each user, however many look, and none for whom nobody looks at.
import { Backoff } from "./backoff.js";
import type { Connection } from "./connection.js";
import { RefusedError } from "./errors.js";
import { Derived, type Observable, reportError } from "./observable.js";
import type { PresenceLine } from "./protocol/types.js";

/** Changes of who is looked at are gathered for so long. */
const GATHER_MS = 30;
/** A subscription that nobody uses any more is kept for so long, since views come and go. */
const LINGER_MS = 5_000;

/** Whether a user is there. All `null` while it is not known. */
export interface PresenceView {
  readonly online: boolean | null;
  /** When the user was last there, in milliseconds since 1970; `null` while online, and where it is not told. */
  readonly lastSeen: number | null;
}

const UNKNOWN: PresenceView = { online: null, lastSeen: null };

interface Watch {
  view: Derived<PresenceView>;
  now: PresenceView;
  isWatched: boolean;
  isSubscribed: boolean;
  linger: ReturnType<typeof setTimeout> | null;
}

/** The presence of those who are looked at. */
export class PresenceBook {
  #connection: Connection;
  #watches = new Map<string, Watch>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #pace = new Backoff(1_000, 60_000);

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.events.on("ready", () => this.#soon(0));
    connection.events.on("presence", (event) => {
      if ("userId" in event) this.#know(event.userId, event.online, event.lastSeen);
    });
    connection.events.on("lost", () => {
      for (const [userId, watch] of this.#watches) {
        watch.isSubscribed = false;
        this.#set(userId, UNKNOWN);
      }
    });
  }

  /** A user's presence. The server is asked while somebody is subscribed to it. */
  of(userId: string): Observable<PresenceView> {
    return this.#watch(userId).view;
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const { linger } of this.#watches.values()) if (linger !== null) clearTimeout(linger);
  }

  #watch(userId: string): Watch {
    const known = this.#watches.get(userId);
    if (known !== undefined) return known;
    const watch: Watch = {
      view: new Derived(
        () => watch.now,
        (isWatched) => this.#watched(watch, isWatched),
      ),
      now: UNKNOWN,
      isWatched: false,
      isSubscribed: false,
      linger: null,
    };
    this.#watches.set(userId, watch);
    return watch;
  }

  #watched(watch: Watch, isWatched: boolean): void {
    if (watch.linger !== null) clearTimeout(watch.linger);
    watch.linger = null;
    watch.isWatched = isWatched;
    if (isWatched) this.#soon(GATHER_MS);
    else {
      watch.linger = setTimeout(() => {
        watch.linger = null;
        this.#soon(0);
      }, LINGER_MS);
    }
  }

  #know(userId: string, online: boolean, lastSeen: number | null): void {
    this.#set(userId, { online, lastSeen });
  }

  #set(userId: string, now: PresenceView): void {
    const watch = this.#watches.get(userId);
    if (watch === undefined || (watch.now.online === now.online && watch.now.lastSeen === now.lastSeen)) return;
    watch.now = now;
    watch.view.changed();
  }

  #soon(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#adjust().catch(reportError);
    }, ms);
  }

  /** Subscribes to whom somebody looks at, and no longer to the others. */
  async #adjust(): Promise<void> {
    const limits = this.#connection.ready?.limits;
    if (!this.#connection.isReady || limits === undefined) return;
    const unused: string[] = [];
    const wanted: string[] = [];
    for (const [userId, watch] of this.#watches) {
      if (watch.isWatched && !watch.isSubscribed) wanted.push(userId);
      if (watch.isWatched || watch.linger !== null || !watch.isSubscribed) continue;
      watch.isSubscribed = false;
      this.#set(userId, UNKNOWN);
      unused.push(userId);
    }
    const size = limits.presenceUsers;
    for (let at = 0; at < unused.length; at += size) {
      this.#connection.say("presence_unsubscribe", { userIds: unused.slice(at, at + size) });
    }
    for (let at = 0; at < wanted.length; at += size) await this.#subscribe(wanted.slice(at, at + size));
  }

  async #subscribe(userIds: string[]): Promise<void> {
    for (const userId of userIds) this.#mark(userId, true);
    try {
      const answer = await this.#connection.request("presence_subscribe", { userIds });
      this.#pace.succeeded();
      for (const { userId, online, lastSeen } of answer.presence as PresenceLine[])
        this.#know(userId, online, lastSeen);
    } catch (error) {
      for (const userId of userIds) this.#mark(userId, false);
      // On a new connection all is asked anew.
      if (error instanceof RefusedError) this.#soon(this.#pace.next(error.retryAfterMs ?? 30_000));
    }
  }

  #mark(userId: string, isSubscribed: boolean): void {
    const watch = this.#watches.get(userId);
    if (watch !== undefined) watch.isSubscribed = isSubscribed;
  }
}
