//! Every bound and interval of the gateway, in one place: a plain struct that the builder takes.
//! The shards read it through an `Arc`; it never changes while the gateway runs.

use std::time::Duration;

use crate::http::TrustedProxy;

/// How a gateway behaves; `Config::default()` is what Node's Socket.IO would do, with bounds.
#[derive(Clone, Debug)]
pub struct Config {
    /// Path under which the protocol is served, with its slashes. Default `/socket.io/`.
    pub path: String,
    /// Time from one pong (or the open) to the next ping. Default 25 s.
    pub ping_interval: Duration,
    /// Time a client has to answer a ping. Default 20 s.
    pub ping_timeout: Duration,
    /// Time from the open of a connection to its first CONNECT. Default 45 s.
    pub connect_timeout: Duration,
    /// Time from the probe of an upgrade to its end. Default 10 s.
    pub upgrade_timeout: Duration,
    /// Time an HTTP request has to send its head, and a TLS client to shake hands. Default 10 s.
    pub handshake_timeout: Duration,
    /// Bytes of one message from a client, or of one polling payload. Default 1,000,000.
    pub max_payload: usize,
    /// Binary attachments of one event from a client. Default 64.
    pub attachments_max: usize,
    /// Bytes waiting to be written to one connection, each frame counted with 64 more; above, it is
    /// closed as a slow reader. A single frame may be larger; as the first it counts as half of this
    /// at most. Default 1 MiB.
    pub output_bytes_max: usize,
    /// Bytes of broadcasts held for one socket between `join_held` and `release`. Default 256 KiB.
    pub hold_bytes_max: usize,
    /// Events of one connection that are not yet answered; above, its reading pauses. Default 64.
    pub events_in_flight_max: u32,
    /// Acknowledgements one socket may owe the server at a time. Default 1,024.
    pub acks_pending_max: usize,
    /// Namespaces one connection may be in. Default 16.
    pub namespaces_max: usize,
    /// Rooms one socket may be in. Default 4,096.
    pub rooms_max: usize,
    /// Operations (and broadcasts of batches) that may wait in one shard's inbox; above, callers
    /// get `Busy` or block. Default 16,384.
    pub inbox_ops_max: usize,
    /// Connections one shard holds; above, new ones are refused with 503. Default 1,000,000.
    pub connections_per_shard_max: usize,
    /// Whether each shard's thread has a file table of its own, so that the system's limit of open
    /// files holds for a shard and not for the process. Linux only; listeners must be bound with
    /// `SO_REUSEPORT`, and a polling session is upgraded only where the new connection happens to
    /// come to its own shard. Default false.
    pub own_file_tables: bool,
    /// Connections of all shards whose first CONNECT is not answered; above, handshakes wait or
    /// are refused. Default 2,048.
    pub handshakes_in_flight_max: usize,
    /// Handshakes that the server works at at the same time, for each shard; the others of those in
    /// flight wait for their turn, or for their clients. Default 64.
    pub handshake_turns_per_shard: usize,
    /// Handshakes that wait, for `handshake_wait` at most; others are refused with 503 and told when
    /// to come again. Default 16,384.
    pub handshakes_waiting_max: usize,
    /// How long a handshake may wait. Default 5 s.
    pub handshake_wait: Duration,
    /// Connections one remote address may hold; `None` is no bound. Default `None`.
    pub connections_per_address_max: Option<u32>,
    /// Time over which a shutdown spreads the closes of connections, so that their clients do not
    /// come back all at once. Default 0.
    pub drain_spread: Duration,
    /// Time a fan-out may take before other work gets its turn. Default 1 ms.
    pub fanout_slice: Duration,
    /// Whether clients that speak the msgpack parser are accepted. Default true.
    pub msgpack: bool,
    /// Whether `permessage-deflate` is negotiated (without context takeover). Default false.
    pub deflate: bool,
    /// Whether sockets keep their handshake (headers, query) for their life. Default false.
    pub retain_handshake: bool,
    /// Transports that are offered. Default both.
    pub transports: Transports,
    /// Whether a polling session may become a WebSocket. Default true.
    pub upgrades: bool,
    /// Proxies whose `X-Forwarded-For` is believed; anyone else's is ignored. Default none.
    pub trusted_proxies: Vec<TrustedProxy>,
    /// Whether those proxies begin each connection with the client's address, by the PROXY protocol; a connection
    /// of theirs that does not is closed. Default false.
    pub proxy_protocol: bool,
    /// Cross-origin requests: whom they are allowed to. Default any origin.
    pub cors: Cors,
    /// Connection state recovery in memory, as Node's server has it. Default none.
    pub recovery: Option<Recovery>,
    /// Name of the cookie that carries the Engine.IO sid (for sticky proxies). Default none.
    pub cookie: Option<String>,
}

/// Who may come back after a lost connection as if nothing had happened: with the same id, rooms
/// and data, and what was missed. All is in memory and gone with the process. An application that
/// keeps its events itself restores its sockets by [`crate::Data`] instead.
///
/// A middleware that is skipped does not look at the client's credentials again, as in Node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// How long a lost socket may stay away. Default 2 min.
    pub disconnection_max: Duration,
    /// Lost sockets that are waited for; more make the one that waits longest forgotten. Default
    /// 10,000.
    pub sessions_max: usize,
    /// Events kept, of all namespaces together. Default 10,000.
    pub packets_max: usize,
    /// Bytes of events kept, each counted three times (it has two forms, and attachments of its
    /// own) with 256 more. Who missed more than fits `output_bytes_max` is not recovered either.
    /// Default 16 MiB.
    pub bytes_max: usize,
    /// Whether a recovered socket passes no middleware. Default true.
    pub skip_middlewares: bool,
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            disconnection_max: Duration::from_secs(120),
            sessions_max: 10_000,
            packets_max: 10_000,
            bytes_max: 16 << 20,
            skip_middlewares: true,
        }
    }
}

/// Transports that the gateway offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transports {
    /// HTTP long-polling and WebSocket.
    Both,
    /// HTTP long-polling alone.
    PollingOnly,
    /// WebSocket alone.
    WebSocketOnly,
}

impl Transports {
    /// Whether HTTP long-polling is offered.
    pub fn polling(self) -> bool {
        self != Self::WebSocketOnly
    }

    /// Whether WebSocket is offered.
    pub fn websocket(self) -> bool {
        self != Self::PollingOnly
    }
}

/// What cross-origin browsers are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cors {
    /// No CORS header is sent: same origin only.
    Off,
    /// `Access-Control-Allow-Origin: *`.
    Any,
    /// These origins alone, echoed with `Vary: Origin` and credentials allowed. WebSockets of pages
    /// of other origins (but the server's own) are refused with 403; under `Off` and `Any` they are
    /// not looked at.
    Origins(Vec<String>),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            path: "/socket.io/".to_owned(),
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(45),
            upgrade_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(10),
            max_payload: 1_000_000,
            attachments_max: 64,
            output_bytes_max: 1 << 20,
            hold_bytes_max: 256 << 10,
            events_in_flight_max: 64,
            acks_pending_max: 1024,
            namespaces_max: 16,
            rooms_max: 4096,
            inbox_ops_max: 16_384,
            connections_per_shard_max: 1_000_000,
            own_file_tables: false,
            handshakes_in_flight_max: 2048,
            handshake_turns_per_shard: 64,
            handshakes_waiting_max: 16_384,
            handshake_wait: Duration::from_secs(5),
            connections_per_address_max: None,
            drain_spread: Duration::ZERO,
            fanout_slice: Duration::from_millis(1),
            msgpack: true,
            deflate: false,
            retain_handshake: false,
            transports: Transports::Both,
            upgrades: true,
            trusted_proxies: Vec::new(),
            proxy_protocol: false,
            cors: Cors::Any,
            recovery: None,
            cookie: None,
        }
    }
}
