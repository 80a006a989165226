//! Backends of the port by which the nodes of one log speak to each other ([`parlor_chat::bus`]).
//!
//! - [`hub`]: nodes of one process, for tests and the simulator.
//! - [`redis`]: nodes that share a Redis server, or a Redis Cluster.
//!
//! What they have in common: `frame` is a message as it travels, `ears` what becomes of one that arrives
//! and who the other nodes are, `outbox` what waits to be published, `seats` what the directory has yet to
//! hear, `names` how keys and channels are called. [`contract`] is what each backend must keep to.

#[cfg(feature = "contract")]
pub mod contract;
pub mod hub;
pub mod redis;

mod backoff;
mod counts;
mod ears;
mod frame;
mod names;
mod outbox;
mod peers;
mod seats;
