//! A Socket.IO server: Engine.IO 4 over long-polling and WebSocket, Socket.IO 5 with namespaces,
//! rooms, acknowledgements and binary. It knows nothing of what is said over it.
//!
//! HTTP (`http`) opens sessions through the `front`; from then on a connection lives in the slab of
//! one `shard`, a thread that reads, decodes, calls handlers, and writes. Handlers and tasks hold
//! [`Socket`]s and [`Io`]s, which put operations into the shards' inboxes (`inbox`).
//!
//! Nothing outside a shard touches its connections; nothing waits inside one; every broadcast is
//! encoded once ([`Frame`]); every queue has a bound in [`Config`].
//!
//! ```no_run
//! use parlor_gateway::{Config, Gateway, Listener, Namespace};
//!
//! # async fn example() -> std::io::Result<()> {
//! let mut gateway = Gateway::builder(Config::default());
//! gateway.namespace(
//!     "/",
//!     Namespace::new().on("hello", |socket, mut event| {
//!         let _ = socket.broadcast().emit_raw("hello", event.args());
//!         let _ = event.ack(&("thanks",));
//!     }),
//! );
//! let tcp = std::net::TcpListener::bind("127.0.0.1:3000")?;
//! let running = gateway.serve(vec![Listener { tcp, tls: None }], 1)?;
//! # running.shutdown(std::time::Duration::from_secs(5)).await;
//! # Ok(())
//! # }
//! ```

mod config;
mod descriptors;
mod drain;
mod engine;
mod event;
mod frame;
mod front;
mod gateway;
mod gather;
mod handshake;
mod handshakes;
mod http;
mod ids;
mod inbox;
mod io;
mod jitter;
mod namespace;
mod reason;
mod recovery;
mod restored;
mod shard;
mod shared;
mod socket;
mod stats;

pub use parlor_wire::adapter;
pub use parlor_wire::packet::PacketError;

pub use config::{Config, Cors, Recovery, Transports};
pub use engine::{Engine, Link, Message};
pub use event::{Ack, Event};
pub use frame::Frame;
pub use gateway::{Gateway, Listener, Running};
pub use handshake::Handshake;
pub use http::{NoProxy, Peer, TrustedProxy, Uncollected, collect};
pub use ids::{ID_LENGTH, SocketId, SocketKey};
pub use io::{Answers, Asked, Broadcast, Io, RemoteSocket, Target};
pub use namespace::{ConnectError, ConnectRequest, Data, Namespace, Refused, RoomChange};
pub use reason::{Close, CloseReason, DisconnectReason};
pub use shard::ops::Busy;
pub use socket::{AckError, Answer, Closed, EmitError, Released, Socket};
pub use stats::Stats;
