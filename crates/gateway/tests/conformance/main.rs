//! The gateway as its clients meet it: bytes over TCP against a server on port 0.
//!
//! Every file is one subject; `support` is the client. The behaviours are those of the Engine.IO 4
//! and Socket.IO 5 specifications and of RFC 6455, and the faults that other servers were found to
//! have. No test knows the inside of the gateway.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]
#![allow(clippy::disallowed_methods, reason = "tests wait and block, each in a thread of its own")]

mod support;

mod acks;
mod admission;
mod connect;
mod deflate;
mod events;
mod flow;
mod handshake;
mod heartbeat;
mod hostile;
mod http_edges;
mod msgpack;
mod offsets;
#[cfg(target_os = "linux")]
mod own_tables;
mod polling;
mod proof;
mod recovery;
mod recovery_shards;
mod restoring;
mod rooms;
mod shutdown;
mod tls;
mod upgrade;
mod upgrade_load;
mod websocket;
