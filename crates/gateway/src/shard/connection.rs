//! The records of a shard: a connection (one transport), a member (one socket in one namespace),
//! and a space (one namespace with those who are in it). What few connections need is boxed.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use bytes::Bytes;
use parlor_wire::packet::Reassembly;
use parlor_wire::websocket::Decoder;
use smallvec::SmallVec;
use tokio::sync::oneshot;

use super::acks::Owed;
use super::hold::Hold;
use super::output::Output;
use super::rooms::{Members, Memberships, Rooms};
use super::slab::Slab;
use super::stream::Stream;
use crate::event::Event;
use crate::frame::Frame;
use crate::front::{self, Refusal};
use crate::handshake::Handshake;
use crate::namespace::Namespace;
use crate::socket::Socket;

/// One Engine.IO connection.
pub(crate) struct Connection {
    pub(crate) transport: Transport,
    /// Its sockets, one per namespace.
    pub(crate) sockets: SmallVec<[u32; 2]>,
    /// Kept until the first namespace has answered, or for life.
    pub(crate) handshake: Option<Arc<Handshake>>,
    /// Never read: its drop frees the place of the address.
    pub(crate) _place: Option<Box<front::Place>>,
    pub(crate) reassembly: Reassembly,
    /// Namespaces whose middlewares are deciding.
    #[expect(clippy::box_collection, reason = "rare, so it costs one word")]
    pub(crate) pending: Option<Box<Vec<u32>>>,
    /// Who waits for the output to shrink.
    #[expect(clippy::box_collection, reason = "rare, so it costs one word")]
    pub(crate) waiters: Option<Box<Vec<FlushWaiter>>>,
    pub(crate) remote: SocketAddr,
    /// When the next ping is due, or the pong.
    pub(crate) due_ms: u64,
    /// The tick of its one valid entry in the wheel.
    pub(crate) timer_tick: u32,
    /// Events whose permits are out.
    pub(crate) in_flight: u32,
    pub(crate) parser: Parser,
    pub(crate) phase: Phase,
    pub(crate) secure: bool,
    /// Too many events are in flight: nothing is read.
    pub(crate) paused: bool,
    /// Listed for the flush at the end of the batch.
    pub(crate) dirty: bool,
    pub(crate) past: Past,
    /// One of its sockets is recoverable.
    pub(crate) recoverable: bool,
    /// A poll was repeated, so its first answer may be lost: nothing is proved any more.
    pub(crate) doubtful: bool,
}

/// Who waits until less than so many bytes wait.
pub(crate) struct FlushWaiter {
    pub(crate) below_bytes: usize,
    pub(crate) reply: oneshot::Sender<()>,
}

/// How packets are encoded for a client: told by its first packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parser {
    Unknown,
    Json,
    Msgpack,
}

/// What a heartbeat waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The time to ping.
    Ping,
    /// The client's pong.
    Pong,
}

/// What has become of the wishes to join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Past {
    /// No CONNECT was answered yet: one of the handshakes in flight.
    Fresh,
    /// The first CONNECT was refused, and none granted since.
    Refused,
    /// A socket has been connected.
    Joined,
    /// A socket has left; packets for it may still be on their way.
    Left,
}

pub(crate) enum Transport {
    WebSocket(WebSocket),
    Polling(Box<Polling>),
}

/// A WebSocket and its incomplete input.
pub(crate) struct WebSocket {
    pub(crate) stream: Stream,
    pub(crate) decoder: Decoder,
    #[expect(clippy::box_collection, reason = "rare, so it costs one word")]
    pub(crate) partial: Option<Box<Vec<u8>>>,
    pub(crate) output: Output,
    pub(crate) deflate: bool,
    /// The last write could not be finished: readiness will be told.
    pub(crate) blocked: bool,
    /// It was blocked when a ping was due, and has taken nothing since.
    pub(crate) stalled: bool,
}

/// A packet that waits for a poll.
pub(crate) enum Piece {
    /// An Engine.IO text packet.
    Text(Bytes),
    /// A binary message.
    Binary(Bytes),
}

/// HTTP long-polling.
#[derive(Default)]
pub(crate) struct Polling {
    pub(crate) queue: VecDeque<Piece>,
    pub(crate) bytes: usize,
    /// The poll that waits for packets.
    pub(crate) waiting: Option<oneshot::Sender<Result<Bytes, Refusal>>>,
    /// The stamp of the last poll.
    pub(crate) stamp: Option<u64>,
    /// The WebSocket that would take over.
    pub(crate) probe: Option<Box<Probe>>,
    /// A POST is bringing its body.
    pub(crate) posting: bool,
    /// A POST of which not all packets could be taken yet.
    pub(crate) deferred: Option<Deferred>,
}

/// A WebSocket on probation.
pub(crate) struct Probe {
    pub(crate) websocket: WebSocket,
    /// The probe was answered: polls end at once.
    pub(crate) probed: bool,
}

/// The rest of a POST.
pub(crate) struct Deferred {
    pub(crate) body: Bytes,
    pub(crate) offset: usize,
    pub(crate) reply: oneshot::Sender<Result<(), Refusal>>,
}

/// One socket in a namespace.
pub(crate) struct Member {
    pub(crate) handle: Socket,
    pub(crate) connection: (u32, u32),
    pub(crate) space: u32,
    /// Its index among all of its space.
    pub(crate) place: u32,
    /// The last broadcast that met it, so that none meets it twice.
    pub(crate) mark: u64,
    pub(crate) rooms: Memberships,
    pub(crate) hold: Option<Box<Hold<Frame>>>,
    pub(crate) owed: Owed,
    pub(crate) jobs: Option<Weak<Jobs>>,
    /// The position that the last ping (or poll answer) can prove.
    pub(crate) proving: u64,
    /// The position that has been proved.
    pub(crate) confirmed: u64,
}

/// Events that wait for the async handler before them.
#[derive(Default)]
pub(crate) struct Jobs {
    pub(crate) queue: RefCell<VecDeque<Job>>,
}

/// An event that passed its middlewares, and the rules that name its handler.
pub(crate) struct Job {
    pub(crate) rules: Arc<Namespace>,
    pub(crate) event: Event,
}

impl Member {
    /// The queue behind the async handler that is running, if one is.
    pub(crate) fn running_jobs(&self) -> Option<Rc<Jobs>> {
        self.jobs.as_ref()?.upgrade()
    }
}

impl Members for Slab<Member> {
    fn memberships(&mut self, socket: u32) -> &mut Memberships {
        &mut self.at(socket).expect("who sits in a room is a member").rooms
    }
}

/// A namespace and who is in it.
pub(crate) struct Space {
    pub(crate) name: Arc<str>,
    pub(crate) rules: Arc<Namespace>,
    pub(crate) members: Vec<u32>,
    pub(crate) rooms: Rooms,
    /// Decisions that are pending.
    pub(crate) pending: u32,
    /// Whether it is gone when the last socket leaves.
    pub(crate) dynamic: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an idle connection costs in the slabs, without what the allocator adds.
    #[test]
    fn connection_and_member_stay_small() {
        let connection = size_of::<Connection>();
        let member = size_of::<Member>();
        let handle = size_of::<crate::socket::Inner>();
        println!("connection {connection} bytes, member {member} bytes, its handle {handle} bytes");
        assert!(connection <= 216, "{connection} bytes");
        assert!(member <= 128, "{member} bytes");
        assert!(handle <= 104, "{handle} bytes");
    }
}
