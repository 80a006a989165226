//! What the servers of a Socket.IO cluster say to each other over Redis, as `@socket.io/redis-adapter` 8 and
//! `@socket.io/redis-emitter` 5 write it.
//!
//! The classic adapter has two kinds of messages: events for rooms, always in MessagePack ([`emitted()`]), and
//! requests ([`requested()`]). The sharded adapter has one ([`told()`]). What may hold bytes is MessagePack if it
//! does, and JSON otherwise; both are read as JSON text with numbered attachments. [`Answer`]s go the same way back.

mod answer;
mod classic;
mod read;
mod refused;
mod sharded;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Dialect};
pub use classic::{emitted, requested};
pub use refused::{Refused, refused};
pub use sharded::told;

use bytes::Bytes;

use crate::packet::Limits;

/// Rooms that one message may name, and as many that it may leave out.
pub const ROOMS_MAX: usize = 1_000;

/// Bytes of a room's name.
pub const ROOM_BYTES_MAX: usize = 256;

/// Bytes of a message: what is emitted to many is held for each who is slow to take it.
pub const MESSAGE_BYTES_MAX: usize = 1_000_000;

/// Limits of the events of members. Of more attachments than these the stock client ends its connection.
pub const LIMITS: Limits =
    Limits { attachments_max: 10, attachment_bytes_max: MESSAGE_BYTES_MAX, depth_max: 100 };

/// Bytes of the name of a server or of a request.
pub const NAME_BYTES_MAX: usize = 64;

/// What a member of the cluster says.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Who says it.
    pub from: Box<str>,
    /// The namespace that it is about.
    pub namespace: Box<str>,
    /// What an answer is to name, if one is waited for.
    pub request: Option<Box<str>>,
    /// What it says.
    pub call: Call,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// Tell sockets of an event. With [`Message::request`] they are asked for an ack: how many were asked is
    /// answered first, then each ack.
    Emit {
        /// Who is told.
        sockets: Selection,
        /// The event.
        event: Event,
        /// Whether it may be dropped for who cannot take it at once.
        volatile: bool,
        /// How long acks are waited for, in milliseconds, if it says so.
        timeout_ms: Option<u64>,
    },
    /// Have sockets join rooms.
    Join {
        /// Who joins.
        sockets: Selection,
        /// What they join.
        rooms: Vec<Box<str>>,
    },
    /// Have sockets leave rooms.
    Leave {
        /// Who leaves.
        sockets: Selection,
        /// What they leave.
        rooms: Vec<Box<str>>,
    },
    /// Disconnect sockets.
    Disconnect {
        /// Who is disconnected.
        sockets: Selection,
        /// Whether their connections are closed with them.
        close: bool,
    },
    /// Say which sockets there are.
    Fetch {
        /// Which are meant.
        sockets: Selection,
    },
    /// Say the ids of the sockets in rooms.
    SocketIds {
        /// Which are meant.
        sockets: Selection,
    },
    /// Say which rooms there are.
    Rooms,
    /// Give an event to the app's own code on the other servers.
    ServerSideEmit,
    /// Nothing: a sign of life, an answer to somebody else.
    Nothing,
}

/// Sockets: those in any of the rooms, or all if there are none, but for those in other rooms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The rooms.
    pub rooms: Vec<Box<str>>,
    /// Rooms whose sockets are left out.
    pub except: Vec<Box<str>>,
}

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its name.
    pub name: Box<str>,
    /// Its arguments: the JSON text of an array, with placeholders for the attachments.
    pub args: String,
    /// The binary arguments.
    pub attachments: Vec<Bytes>,
}
