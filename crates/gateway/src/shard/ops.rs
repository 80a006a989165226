//! What can be asked of a shard. Ordered operations take effect in the order of their coming and
//! wait while a fan-out runs; the others are done at once, so that answers and polls are not held
//! up by a big room.

use std::sync::Arc;

use bytes::Bytes;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use super::recover::Left;
use crate::drain::Drain;
use crate::frame::Frame;
use crate::front::{Admission, Refusal, Stream};
use crate::gather::Gathering;
use crate::handshake::Handshake;
use crate::ids::{EngineSid, SocketId, SocketKey};
use crate::io::{Broadcast, RemoteSocket, Selection};
use crate::namespace::{ConnectError, ConnectRequest, Data};
use crate::reason::{Close, CloseReason};
use crate::recovery::Claim;
use crate::socket::{AckError, Answer, Released};

/// The shard's inbox is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("inbox is full")]
pub struct Busy;

/// A batch of broadcasts, shared by all shards.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) namespace: Arc<str>,
    pub(crate) broadcasts: Vec<Broadcast>,
    pub(crate) then_position: u64,
    /// The number of its first broadcast, if broadcasts are numbered.
    pub(crate) first_number: u64,
}

/// What is done with the sockets of a selection.
#[derive(Clone, Debug)]
pub(crate) enum TargetAction {
    Emit { frame: Frame, volatile: bool, number: u64 },
    EmitAck { frame: Frame, id: u64, gathering: Arc<Gathering> },
    Fetch { reply: mpsc::Sender<Vec<RemoteSocket>>, most: usize },
    Join { rooms: Arc<[Arc<str>]>, most: usize },
    Leave { rooms: Arc<[Arc<str>]> },
    Disconnect { close: Close },
}

/// A WebSocket that HTTP hands over.
pub(crate) struct Arrival {
    pub(crate) stream: Stream,
    /// Bytes that the client sent right behind its upgrade request.
    pub(crate) leftover: Bytes,
    /// Whether `permessage-deflate` was negotiated.
    pub(crate) deflate: bool,
}

/// One operation.
pub(crate) enum Op {
    Emit {
        key: SocketKey,
        frame: Frame,
        volatile: bool,
    },
    EmitAck {
        key: SocketKey,
        id: u64,
        frame: Frame,
        reply: oneshot::Sender<Result<Answer, AckError>>,
    },
    Target {
        selection: Arc<Selection>,
        action: TargetAction,
    },
    Batch(Arc<Batch>),
    Join {
        key: SocketKey,
        room: Arc<str>,
    },
    Leave {
        key: SocketKey,
        room: Arc<str>,
    },
    Rooms {
        key: SocketKey,
        reply: oneshot::Sender<Vec<Arc<str>>>,
    },
    JoinHeld {
        key: SocketKey,
        rooms: Vec<Arc<str>>,
        reply: oneshot::Sender<u64>,
    },
    Release {
        key: SocketKey,
        position: u64,
        /// What goes out before all that was held.
        first: Option<Frame>,
        reply: oneshot::Sender<Released>,
    },
    /// A client says that it is a socket that was lost; in the order of what that has heard.
    Claim {
        connection: SocketKey,
        space: u32,
        request: Box<ConnectRequest>,
        claim: Box<Claim>,
    },
    /// A CONNECT that was held back is answered.
    AnswerConnect {
        key: SocketKey,
    },
    Flushed {
        key: SocketKey,
        below_bytes: usize,
        reply: oneshot::Sender<()>,
    },
    Disconnect {
        key: SocketKey,
        close: Close,
    },
    CloseWith {
        key: SocketKey,
        reason: CloseReason,
    },

    Ack {
        key: SocketKey,
        connection: SocketKey,
        frame: Frame,
    },
    Permit {
        connection: SocketKey,
    },
    ForgetAck {
        id: u64,
    },
    EngineSend {
        connection: SocketKey,
        frame: Frame,
    },
    EngineClose {
        connection: SocketKey,
        reason: CloseReason,
    },
    /// The middlewares of a namespace have decided.
    Decided {
        connection: SocketKey,
        space: u32,
        outcome: Result<Data, ConnectError>,
        /// What the client left when it was lost, and its offset.
        left: Option<Box<Left>>,
    },
    /// An async handler of the connection panicked.
    HandlerPanicked {
        connection: SocketKey,
    },

    OpenPolling {
        handshake: Box<Handshake>,
        admission: Admission,
        reply: oneshot::Sender<Result<(SocketId, Bytes), Refusal>>,
    },
    OpenWebSocket {
        handshake: Box<Handshake>,
        admission: Admission,
        arrival: Box<Arrival>,
    },
    Poll {
        sid: EngineSid,
        stamp: Option<u64>,
        reply: oneshot::Sender<Result<Bytes, Refusal>>,
    },
    /// The HTTP request that waited for a poll's answer is gone.
    PollAborted {
        sid: EngineSid,
    },
    /// A POST is about to bring its body.
    BeginPost {
        sid: EngineSid,
        reply: oneshot::Sender<Result<(), Refusal>>,
    },
    Post {
        sid: EngineSid,
        body: Bytes,
        reply: oneshot::Sender<Result<(), Refusal>>,
    },
    /// A POST was larger than `max_payload`.
    PostTooLarge {
        sid: EngineSid,
    },
    CheckUpgrade {
        sid: EngineSid,
        reply: oneshot::Sender<Result<(), Refusal>>,
    },
    Probe {
        sid: EngineSid,
        arrival: Box<Arrival>,
    },
    /// Close everything, in slices, then stop.
    Shutdown(Arc<Drain>),
}

impl Op {
    /// How much of an inbox it takes.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Batch(batch) => batch.broadcasts.len().max(1),
            _ => 1,
        }
    }

    /// Whether the operation goes to many sockets.
    pub(crate) fn is_fanout(&self) -> bool {
        match self {
            Self::Target { action, .. } => {
                matches!(action, TargetAction::Emit { .. } | TargetAction::EmitAck { .. })
            }
            Self::Batch(_) => true,
            _ => false,
        }
    }

    /// Whether the operation waits for its turn behind a running fan-out.
    pub(crate) fn is_ordered(&self) -> bool {
        matches!(
            self,
            Self::Emit { .. }
                | Self::EmitAck { .. }
                | Self::Target { .. }
                | Self::Batch(_)
                | Self::Join { .. }
                | Self::Leave { .. }
                | Self::Rooms { .. }
                | Self::JoinHeld { .. }
                | Self::Release { .. }
                | Self::Claim { .. }
                | Self::AnswerConnect { .. }
                | Self::Flushed { .. }
                | Self::Disconnect { .. }
                | Self::CloseWith { .. }
        )
    }
}
