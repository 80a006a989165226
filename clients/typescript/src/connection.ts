// The connection to the server: one socket after the other, and what is asked over them.
//
// Each attempt has a socket of its own, which is thrown away whole when it ends, so nothing that an old
// socket had buffered is ever sent or heard on a later one. When to try again is decided here, not by the
// library: by the server's advice, or else by delays that double.
import { io, type Socket } from "socket.io-client";

import { Backoff } from "./backoff.js";
import { Emitter } from "./emitter.js";
import {
  ClosedError,
  DisconnectedError,
  type ErrorCode,
  type ParlorError,
  type RefusedError,
  refusal,
  TimeoutError,
} from "./errors.js";
import { type Observable, Value } from "./observable.js";
import type { Closing, Commands, Position, Ready, ServerEvents } from "./protocol/types.js";
import { fetchToken, type GetToken, renewDelay, type TokenReason } from "./tokens.js";

const PROTOCOL_VERSION = "1";
/** How long an attempt may take until the server says `ready`. */
const HANDSHAKE_TIMEOUT_MS = 20_000;
/** How long an answer may take. */
const ANSWER_TIMEOUT_MS = 20_000;
/** Delays between attempts start anew after a connection was live for so long. */
const STABLE_MS = 10_000;
/** Who had too many connections open waits for so long, so as not to push out another at once. */
const CROWDED_DELAY_MS = 30_000;
/** How many tokens in a row may be refused before the client gives up. */
const EXPIRED_TRIES_MAX = 3;
const UNAUTHORIZED_TRIES_MAX = 1;

/** Where the connection stands. */
export type ConnectionState = "connecting" | "catching_up" | "live" | "offline" | "closed";

/**
 * Why: a code of the server, or
 * - `not_started`: `connect` was not called yet,
 * - `closed_by_app`: `close` was called,
 * - `network`: the server could not be reached, or the connection was cut,
 * - `timeout`: the server did not answer in time,
 * - `no_token`: `getToken` failed; `error.cause` is its error,
 * - `server_ended`: the server ended the connection without a word,
 * - `another_user`: the token is of another user than the tokens before,
 * - `version`: the server speaks another version of the protocol.
 */
export type StatusReason =
  | ErrorCode
  | "not_started"
  | "closed_by_app"
  | "network"
  | "timeout"
  | "no_token"
  | "server_ended"
  | "another_user"
  | "version";

/** The state with its reason. */
export interface Status {
  readonly state: ConnectionState;
  /** Why it is `offline` or `closed`; while `connecting`, why the last connection ended. */
  readonly reason: StatusReason | null;
  readonly error: ParlorError | null;
  /** While `offline`: after how many milliseconds, from when it went offline, it tries again. */
  readonly retryInMs: number | null;
}

/** What the connection is made of. */
export interface ConnectionOptions {
  readonly url: string;
  readonly path?: string;
  readonly getToken: GetToken;
  /** Whether another call of `getToken` may give another token. */
  readonly tokensChange: boolean;
  /** What time it is at the server, as far as that is known. */
  readonly now: () => number;
  readonly deviceId?: string;
  readonly userId?: string;
  readonly transports?: readonly ("websocket" | "polling")[];
  readonly reconnect?: { readonly firstMs?: number; readonly maxMs?: number };
  /** Called before each try. Resolves once it is known from where to resume. */
  readonly prepared: () => Promise<void>;
  /** The position to resume from, if there is one. */
  readonly resume: () => Position | null;
}

/** What the connection tells, beside what the server says. */
interface Lifecycle {
  /** The connection is gone, and with it all that it was told or asked. */
  lost: undefined;
  /** From now on the client has everything, and hears what comes at once. */
  live: undefined;
}

interface Attempt {
  socket: Socket | null;
  isReady: boolean;
  closing: RefusedError | null;
  unanswered: Set<(error: ParlorError) => void>;
  timers: Set<ReturnType<typeof setTimeout>>;
}

/** The connection. */
export class Connection {
  readonly events = new Emitter<ServerEvents & Lifecycle>();
  readonly #status = new Value<Status>({ state: "closed", reason: "not_started", error: null, retryInMs: null });
  readonly #options: ConnectionOptions;
  readonly #backoff: Backoff;
  #attempt: Attempt | null = null;
  #retry: { timer: ReturnType<typeof setTimeout>; isAdvised: boolean } | null = null;
  #tokenReason: TokenReason = "connect";
  #tokensRefused = 0;
  #userId: string | null;
  #ready: Ready | null = null;
  #isOpen = false;
  #hurry = () => this.hurry();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#userId = options.userId ?? null;
    this.#backoff = new Backoff(options.reconnect?.firstMs ?? 500, options.reconnect?.maxMs ?? 30_000);
  }

  get status(): Observable<Status> {
    return this.#status;
  }

  /** The user, once it is known. */
  get userId(): string | null {
    return this.#userId;
  }

  /** What the server said of itself when it was last connected to. */
  get ready(): Ready | null {
    return this.#ready;
  }

  get isReady(): boolean {
    return this.#attempt?.isReady ?? false;
  }

  get isLive(): boolean {
    return this.#status.get().state === "live";
  }

  get isClosed(): boolean {
    return !this.#isOpen;
  }

  /** Connects, and stays connected until `close`. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#backoff.succeeded();
    this.#tokensRefused = 0;
    // Not everywhere are there such events.
    globalThis.addEventListener?.("online", this.#hurry);
    globalThis.addEventListener?.("pageshow", this.#hurry);
    void this.#try();
  }

  close(reason: StatusReason = "closed_by_app", error: ParlorError | null = null): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    globalThis.removeEventListener?.("online", this.#hurry);
    globalThis.removeEventListener?.("pageshow", this.#hurry);
    if (this.#retry !== null) clearTimeout(this.#retry.timer);
    this.#retry = null;
    const attempt = this.#attempt;
    this.#set("closed", reason, error);
    if (attempt !== null) this.#end(attempt, new ClosedError("the client was closed"));
  }

  /** Tries at once if it waits for its next try, unless the server told it how long to wait. */
  hurry(): void {
    if (this.#retry === null || this.#retry.isAdvised) return;
    clearTimeout(this.#retry.timer);
    this.#retry = null;
    void this.#try();
  }

  /** The client has caught up with the server. */
  caughtUp(): void {
    const attempt = this.#attempt;
    if (attempt === null || !attempt.isReady || this.isLive) return;
    this.#set("live", null, null);
    this.#after(attempt, STABLE_MS, () => this.#backoff.succeeded());
    this.events.emit("live", undefined);
  }

  /** Gives up this connection, which does not do what it should, for another one. */
  suspect(error: ParlorError): void {
    if (this.#attempt !== null) this.#down(this.#attempt, "timeout", error, null);
  }

  /**
   * Asks the server. Rejects with a {@link RefusedError} when it refuses, and with {@link DisconnectedError}
   * or {@link TimeoutError} when there is no answer.
   */
  request<C extends keyof Commands>(
    command: C,
    payload: Commands[C]["payload"],
    timeoutMs = ANSWER_TIMEOUT_MS,
  ): Promise<Commands[C]["answer"]> {
    return new Promise((resolve, reject) => {
      const attempt = this.#attempt;
      if (attempt?.socket == null || !attempt.isReady) {
        reject(new DisconnectedError("there is no connection"));
        return;
      }
      const settle = () => {
        clearTimeout(timer);
        attempt.unanswered.delete(fail);
      };
      const fail = (error: ParlorError) => {
        settle();
        reject(error);
      };
      const timer = setTimeout(() => fail(new TimeoutError(`no answer to ${command} in time`)), timeoutMs);
      attempt.unanswered.add(fail);
      attempt.socket.emit(command, payload, (answer: Commands[C]["answer"] | ({ status: "error" } & Closing)) => {
        if (!attempt.unanswered.has(fail)) return;
        settle();
        if (answer.status === "error") reject(refusal(answer));
        else resolve(answer);
      });
    });
  }

  /** Says something that needs no answer; lost if there is no connection. */
  say<C extends keyof Commands>(command: C, payload: Commands[C]["payload"]): void {
    if (this.isReady) this.#attempt?.socket?.emit(command, payload);
  }

  async #try(): Promise<void> {
    this.#retry = null;
    const attempt: Attempt = {
      socket: null,
      isReady: false,
      closing: null,
      unanswered: new Set(),
      timers: new Set(),
    };
    this.#attempt = attempt;
    const before = this.#status.get();
    this.#set("connecting", before.state === "offline" ? before.reason : null, null);
    let token: string;
    try {
      token = await fetchToken(this.#options.getToken, this.#tokenReason);
      await this.#options.prepared();
    } catch (error) {
      this.#down(attempt, "no_token", error as ParlorError, null);
      return;
    }
    if (this.#attempt !== attempt) return;
    this.#listen(attempt, token);
  }

  #listen(attempt: Attempt, token: string): void {
    const { url, path, deviceId, transports } = this.#options;
    const resume = this.#options.resume();
    const socket = io(url, {
      ...(path === undefined ? {} : { path }),
      transports: [...(transports ?? ["websocket", "polling"])],
      tryAllTransports: true,
      forceNew: true,
      reconnection: false,
      auth: { token, ...(deviceId === undefined ? {} : { deviceId }), ...(resume === null ? {} : { resume }) },
    });
    attempt.socket = socket;
    this.#after(attempt, HANDSHAKE_TIMEOUT_MS, () => {
      if (!attempt.isReady) this.#down(attempt, "timeout", new TimeoutError("the server is not ready in time"), null);
    });
    socket.on("connect_error", (error: Error & { data?: Closing }) => {
      if (error.data?.code) this.#refused(attempt, refusal(error.data));
      else this.#down(attempt, "network", new DisconnectedError(error.message, { cause: error }), null);
    });
    socket.on("disconnect", (reason) => {
      if (attempt.closing !== null) this.#refused(attempt, attempt.closing);
      else {
        const code = reason === "io server disconnect" ? "server_ended" : "network";
        this.#down(attempt, code, new DisconnectedError(reason), null);
      }
    });
    // A connection that ends between its opening and the first packet is told by the engine alone; the
    // library would wait for its own time-out. What the library does tell has come by the next turn.
    socket.io.engine?.on("close", (reason: string) => {
      setTimeout(() => this.#down(attempt, "network", new DisconnectedError(reason), null));
    });
    socket.onAny((name: keyof ServerEvents, event: unknown) => {
      if (this.#attempt !== attempt || typeof event !== "object" || event === null) return;
      if (name === "closing") attempt.closing = refusal(event as Closing);
      if (name === "ready") this.#greeted(attempt, token, event as Ready);
      if (this.#attempt === attempt) this.events.emit(name, event as never);
    });
  }

  #greeted(attempt: Attempt, token: string, ready: Ready): void {
    if (ready.version !== PROTOCOL_VERSION) {
      this.close("version", new ClosedError(`the server speaks version ${ready.version} of the protocol`));
      return;
    }
    if (this.#userId !== null && this.#userId !== ready.userId) {
      this.close("another_user", new ClosedError("the token is of another user"));
      return;
    }
    this.#userId = ready.userId;
    this.#ready = ready;
    this.#tokensRefused = 0;
    this.#tokenReason = "connect";
    attempt.isReady = true;
    this.#set("catching_up", null, null);
    this.#renewLater(attempt, token);
  }

  #renewLater(attempt: Attempt, token: string): void {
    if (!this.#options.tokensChange) return;
    const delay = renewDelay(token, this.#options.now());
    if (delay !== null) this.#after(attempt, delay, () => void this.#renew(attempt));
  }

  /** Gives the connection a new token. If that fails for good, the server ends it, and a new one is asked for then. */
  async #renew(attempt: Attempt): Promise<void> {
    const pace = new Backoff(1_000, 30_000);
    for (;;) {
      try {
        const token = await fetchToken(this.#options.getToken, "renew");
        if (this.#attempt !== attempt) return;
        await this.request("renew", { token });
        this.#renewLater(attempt, token);
        return;
      } catch (error) {
        const advised = error instanceof Error && "retryAfterMs" in error ? (error.retryAfterMs as number | null) : 0;
        if (this.#attempt !== attempt || advised === null) return;
        await new Promise<void>((resolve) => this.#after(attempt, pace.next(advised || null), resolve));
      }
    }
  }

  #refused(attempt: Attempt, error: RefusedError): void {
    const { code } = error;
    let delay = error.retryAfterMs;
    let isHopeless = delay === null;
    if (code === "token_expired" || code === "unauthorized") {
      this.#tokensRefused += 1;
      this.#tokenReason = "expired";
      const triesMax = code === "token_expired" ? EXPIRED_TRIES_MAX : UNAUTHORIZED_TRIES_MAX;
      isHopeless = !this.#options.tokensChange || this.#tokensRefused > triesMax;
    } else if (code === "too_many_connections") delay = CROWDED_DELAY_MS;
    // It ends connections, too, that are good but for what went wrong at the server.
    else if (code === "internal") isHopeless = false;
    if (!isHopeless) this.#down(attempt, code, error, delay);
    else if (this.#attempt === attempt) this.close(code, error);
  }

  #down(attempt: Attempt, reason: StatusReason, error: ParlorError, advisedMs: number | null): void {
    if (this.#attempt !== attempt || !this.#isOpen) return;
    const delay = this.#backoff.next(advisedMs);
    const timer = setTimeout(() => void this.#try(), delay);
    this.#retry = { timer, isAdvised: advisedMs !== null };
    this.#set("offline", reason, error, delay);
    this.#end(attempt, new DisconnectedError("the connection ended before the answer came", { cause: error }));
  }

  #end(attempt: Attempt, error: ParlorError): void {
    this.#attempt = null;
    for (const timer of attempt.timers) clearTimeout(timer);
    attempt.socket?.off();
    attempt.socket?.offAny();
    attempt.socket?.disconnect();
    for (const fail of [...attempt.unanswered]) fail(error);
    this.events.emit("lost", undefined);
  }

  #after(attempt: Attempt, ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      attempt.timers.delete(timer);
      act();
    }, ms);
    attempt.timers.add(timer);
  }

  #set(
    state: ConnectionState,
    reason: StatusReason | null,
    error: ParlorError | null,
    retryInMs: number | null = null,
  ): void {
    this.#status.set({ state, reason, error, retryInMs });
  }
}
