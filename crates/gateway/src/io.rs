//! The whole gateway as seen from outside a connection: choose sockets, then emit to them or act on
//! them. A call becomes one operation per shard; nothing here looks at a socket.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use smallvec::SmallVec;
use tokio::sync::mpsc;

use crate::drain::Drain;
use crate::frame::{Frame, arguments};
use crate::gather::Gathering;
use crate::ids::{SocketId, SocketKey};
use crate::reason::{Close, CloseReason};
use crate::recovery::UNNUMBERED;
use crate::shard::ops::{Batch, Busy, Op, TargetAction};
use crate::shared::Shared;
use crate::socket::{Answer, EmitError, Socket};
use crate::stats::Stats;

/// A handle to the running gateway.
#[derive(Clone)]
pub struct Io(pub(crate) Arc<Shared>);

impl std::fmt::Debug for Io {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Io({} shards)", self.0.inboxes.len())
    }
}

/// One broadcast of a batch: a frame for a room, at a position of the log.
#[derive(Clone, Debug)]
pub struct Broadcast {
    /// The room; the text of a socket id names that socket.
    pub room: Arc<str>,
    /// A socket that does not get it.
    pub except: Option<SocketKey>,
    /// What is sent.
    pub frame: Frame,
    /// Where it stands in the log; what is held up to a released position is dropped.
    pub position: u64,
}

impl Io {
    /// All sockets of a namespace.
    pub fn of(&self, namespace: &str) -> Target {
        Target::new(Arc::clone(&self.0), Selection::of(namespace.into()))
    }

    /// Fans a batch out on every shard, in order; once it is out, a shard's position is
    /// `then_position`. Blocks while a shard's inbox is full: call it from a thread of its own,
    /// never from a handler or a task on a shard.
    pub fn broadcast_batch(&self, namespace: &str, broadcasts: Vec<Broadcast>, then_position: u64) {
        self.0.publish_batch(Batch {
            namespace: namespace.into(),
            broadcasts,
            then_position,
            first_number: UNNUMBERED,
        });
    }

    /// Closes the connection of a socket, wherever it is; nothing happens if it is gone.
    pub fn close(&self, key: SocketKey, reason: CloseReason) {
        self.0.push_always(key.shard(), Op::CloseWith { key, reason });
    }

    /// Disconnects a socket from its namespace, or closes its connection, wherever it is; nothing
    /// happens if it is gone.
    pub fn disconnect(&self, key: SocketKey, close: Close) {
        self.0.push_always(key.shard(), Op::Disconnect { key, close });
    }

    /// Begins the shutdown: from now on new sessions are refused with 503; the connections go on
    /// being served until their turn to be closed comes, one by one, evenly over `spread`. Just
    /// before that each of its sockets that was answered hears what `farewell` makes for it: the number is between 0
    /// and 1 and another for each connection, for advice when to come again. Whose events are being
    /// handled gets the answers first. [`crate::Running::shutdown`] then waits for the end.
    pub fn drain(
        &self,
        spread: Duration,
        farewell: impl Fn(&Socket, f64) -> Option<Frame> + Send + Sync + 'static,
    ) {
        self.0.drain(Drain { spread, farewell: Some(Box::new(farewell)) });
    }

    /// Sends a frame to one socket by its key; nothing happens if it is gone.
    ///
    /// # Errors
    /// [`EmitError::Busy`].
    pub fn emit_to(&self, key: SocketKey, frame: Frame) -> Result<(), EmitError> {
        Ok(self.0.publish_to(key, || self.0.id_of(key), frame)?)
    }

    /// The socket that a public id names, if this process made the id or restored a socket to it:
    /// then the one that came last.
    pub fn key_of(&self, id: &str) -> Option<SocketKey> {
        self.0.key_of(id)
    }

    /// The public id of a socket. That of a restored one is known while it is connected.
    pub fn id_of(&self, key: SocketKey) -> SocketId {
        self.0.id_of(key)
    }

    /// The counters of all shards together.
    pub fn stats(&self) -> Stats {
        let handshakes = &self.0.handshakes;
        let mut sum = Stats {
            handshakes_in_flight: handshakes.in_flight() as u64,
            handshakes_waiting: handshakes.waiting() as u64,
            ..Stats::default()
        };
        for inbox in &self.0.inboxes {
            sum.add(&inbox.counters);
            sum.waiting += inbox.len() as u64;
        }
        sum
    }
}

/// Which sockets: a namespace, rooms (none: all), and who is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) namespace: Arc<str>,
    pub(crate) rooms: SmallVec<[Arc<str>; 1]>,
    pub(crate) except: SmallVec<[Arc<str>; 1]>,
    pub(crate) except_key: Option<SocketKey>,
}

impl Selection {
    pub(crate) fn of(namespace: Arc<str>) -> Self {
        Self { namespace, rooms: SmallVec::new(), except: SmallVec::new(), except_key: None }
    }

    pub(crate) fn except_key(mut self, key: SocketKey) -> Self {
        self.except_key = Some(key);
        self
    }
}

/// Sockets that are chosen for an emit or an action.
#[derive(Clone)]
pub struct Target {
    shared: Arc<Shared>,
    selection: Selection,
    volatile: bool,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Target({:?})", self.selection)
    }
}

/// A socket as `fetch_sockets` saw it.
#[derive(Clone, Debug)]
pub struct RemoteSocket {
    /// Its public id.
    pub id: SocketId,
    /// Its key.
    pub key: SocketKey,
    /// Its rooms, that of its id first.
    pub rooms: Vec<Arc<str>>,
    /// A handle to it.
    pub socket: Socket,
}

/// The answers to a broadcast.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Those that came in time, in the order of their coming.
    pub answers: Vec<Answer>,
    /// How many recipients did not answer.
    pub missing: usize,
}

impl Target {
    pub(crate) fn new(shared: Arc<Shared>, selection: Selection) -> Self {
        Self { shared, selection, volatile: false }
    }

    /// Also the sockets of this room; a socket in several rooms hears once.
    #[must_use]
    pub fn to(mut self, room: impl Into<Arc<str>>) -> Self {
        self.selection.rooms.push(room.into());
        self
    }

    /// The same as [`Target::to`].
    #[must_use]
    pub fn in_(self, room: impl Into<Arc<str>>) -> Self {
        self.to(room)
    }

    /// Not the sockets of this room (or the socket of this id).
    #[must_use]
    pub fn except(mut self, room: impl Into<Arc<str>>) -> Self {
        self.selection.except.push(room.into());
        self
    }

    /// Only the sockets that can be written to at once.
    #[must_use]
    pub fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }

    /// Sends an event; an array or tuple is the arguments, any other value the only one.
    ///
    /// # Errors
    /// [`EmitError::Busy`] if a shard's inbox is full (the others may have sent it), or `Encode`.
    pub fn emit(&self, name: &str, args: &(impl Serialize + ?Sized)) -> Result<(), EmitError> {
        self.emit_raw(name, &arguments(args)?)
    }

    /// Sends an event whose arguments are the JSON text of an array.
    ///
    /// # Errors
    /// As [`Target::emit`].
    pub fn emit_raw(&self, name: &str, json_args: &str) -> Result<(), EmitError> {
        self.emit_frame(Frame::event_raw(&self.selection.namespace, name, json_args))
    }

    /// Sends an event with attachments, for which `json_args` holds placeholders.
    ///
    /// # Errors
    /// As [`Target::emit`].
    pub fn emit_with(
        &self,
        name: &str,
        json_args: &str,
        attachments: Vec<Bytes>,
    ) -> Result<(), EmitError> {
        let namespace = &self.selection.namespace;
        self.emit_frame(Frame::event_with(namespace, name, json_args, attachments))
    }

    /// Sends a frame that is encoded already; a volatile one goes out without its offset.
    ///
    /// # Errors
    /// As [`Target::emit`].
    pub fn emit_frame(&self, frame: Frame) -> Result<(), EmitError> {
        if !self.volatile {
            return Ok(self.shared.publish(self.selection.clone(), frame)?);
        }
        // What may be dropped says nothing about what came before it.
        let frame = frame.without_offset();
        let action = TargetAction::Emit { frame, volatile: true, number: UNNUMBERED };
        Ok(self.act(|| action.clone())?)
    }

    /// Sends an event and gathers the answers until all have answered or the time is over.
    ///
    /// # Errors
    /// As [`Target::emit`].
    ///
    /// # Cancel safety
    /// Dropping the future forgets the answers, not the event.
    pub async fn emit_with_ack(
        &self,
        name: &str,
        args: &(impl Serialize + ?Sized),
        timeout: Duration,
    ) -> Result<Answers, EmitError> {
        let asked = self.ask(name, &arguments(args)?, Vec::new())?;
        let mut answers = Vec::new();
        let gather = async {
            while let Some(answer) = asked.next().await {
                answers.push(answer);
            }
        };
        let _ = tokio::time::timeout(timeout, gather).await;
        let missing = asked.gathering.known().saturating_sub(answers.len());
        Ok(Answers { answers, missing })
    }

    /// Sends an event whose arguments are the JSON text of an array, with placeholders for the attachments, and
    /// asks each socket for an answer.
    ///
    /// # Errors
    /// As [`Target::emit`].
    pub fn ask(
        &self,
        name: &str,
        json_args: &str,
        attachments: Vec<Bytes>,
    ) -> Result<Asked, EmitError> {
        let id = self.shared.next_ack_id();
        let namespace = &self.selection.namespace;
        let frame = Frame::event_asking(namespace, Some(id), name, json_args, attachments);
        let gathering = Arc::new(Gathering::new(self.shared.inboxes.len()));
        let asked = Asked { shared: Arc::clone(&self.shared), id, gathering };
        self.act(|| {
            let (frame, gathering) = (frame.clone(), Arc::clone(&asked.gathering));
            TargetAction::EmitAck { frame, id, gathering }
        })?;
        Ok(asked)
    }

    /// The sockets chosen, with their rooms.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn fetch_sockets(&self) -> Vec<RemoteSocket> {
        self.fetch(usize::MAX).await
    }

    /// The sockets chosen, with their rooms; `None` if they are more than so many.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn fetch_at_most(&self, most: usize) -> Option<Vec<RemoteSocket>> {
        let found = self.fetch(most.saturating_add(1)).await;
        (found.len() <= most).then_some(found)
    }

    /// At most so many of each shard.
    async fn fetch(&self, most: usize) -> Vec<RemoteSocket> {
        let (reply, mut found) = mpsc::channel(self.shared.inboxes.len());
        self.act_always(|| TargetAction::Fetch { reply: reply.clone(), most });
        drop(reply);
        let mut sockets = Vec::new();
        while let Some(mut part) = found.recv().await {
            sockets.append(&mut part);
        }
        sockets
    }

    /// Makes the sockets join these rooms.
    pub fn join(&self, rooms: impl IntoIterator<Item = impl Into<Arc<str>>>) {
        let rooms: Arc<[Arc<str>]> = rooms.into_iter().map(Into::into).collect();
        self.act_always(|| TargetAction::Join { rooms: Arc::clone(&rooms), most: usize::MAX });
    }

    /// Makes the sockets join these rooms, but for those that would then be in more rooms than so many, were all
    /// of these new to them.
    pub fn join_up_to(&self, rooms: &[Arc<str>], most: usize) {
        let rooms: Arc<[Arc<str>]> = rooms.into();
        self.act_always(|| TargetAction::Join { rooms: Arc::clone(&rooms), most });
    }

    /// Makes the sockets leave these rooms.
    pub fn leave(&self, rooms: impl IntoIterator<Item = impl Into<Arc<str>>>) {
        let rooms: Arc<[Arc<str>]> = rooms.into_iter().map(Into::into).collect();
        self.act_always(|| TargetAction::Leave { rooms: Arc::clone(&rooms) });
    }

    /// Disconnects the sockets from the namespace, or closes their connections.
    pub fn disconnect(&self, close: Close) {
        self.act_always(|| TargetAction::Disconnect { close });
    }

    fn act(&self, action: impl Fn() -> TargetAction) -> Result<(), Busy> {
        self.shared.act(self.selection.clone(), action)
    }

    fn act_always(&self, action: impl Fn() -> TargetAction) {
        self.shared.act_always(self.selection.clone(), action);
    }
}

/// Sockets that were asked, and their answers as they come. Dropping it forgets those that are still to come.
pub struct Asked {
    shared: Arc<Shared>,
    id: u64,
    gathering: Arc<Gathering>,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Asked({}, {:?})", self.id, self.gathering)
    }
}

impl Asked {
    /// How many sockets are asked.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn count(&self) -> usize {
        self.gathering.count().await
    }

    /// The next answer; `None` once all have answered or are gone.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn next(&self) -> Option<Answer> {
        self.gathering.next().await
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.gathering.give_up();
        if self.shared.stopped.load(Ordering::Relaxed) {
            return;
        }
        for shard in 0..self.shared.inboxes.len() {
            self.shared.push_always(shard as u8, Op::ForgetAck { id: self.id });
        }
    }
}
