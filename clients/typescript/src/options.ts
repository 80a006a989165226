// What a client is made with.
import type { Store } from "./store/store.js";
import type { GetToken } from "./tokens.js";

/** How to reach the server, and as whom. */
export interface ParlorOptions {
  /** The server, such as `https://chat.example.com`. */
  readonly url: string;
  /** The path of Socket.IO at the server; `/socket.io/` if not given. */
  readonly path?: string;
  /** Says who the user is. For tokens that end give `getToken` instead. */
  readonly token?: string;
  /** Gives a token: at each connect, and before the last one ends. */
  readonly getToken?: GetToken;
  /**
   * Names this device: 1 to 64 bytes, to be kept over restarts. Without it the connection is of the device
   * that all connections without one share.
   */
  readonly deviceId?: string;
  /**
   * Who the user is, if that is known: then what waits in the outbox is shown before the first connection,
   * and a token of somebody else is refused.
   */
  readonly userId?: string;
  /** Where the outbox is kept: in memory if not given. `indexedDbStore()` survives reloads. */
  readonly store?: Store;
  /**
   * Whether the newest conversations and messages are remembered over reloads, so that they are there at once,
   * also without a connection. `true` if not given; takes a store that can (`indexedDbStore` can), and `userId`.
   */
  readonly cache?: boolean;
  /** Transports in the order in which they are tried; WebSocket, then long-polling, if not given. */
  readonly transports?: readonly ("websocket" | "polling")[];
  /** Delays between tries to connect, in milliseconds: they begin with `firstMs` (500) and double up to `maxMs` (30,000). */
  readonly reconnect?: { readonly firstMs?: number; readonly maxMs?: number };
}
