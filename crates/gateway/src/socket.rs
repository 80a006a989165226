//! A handle to one socket: what handlers get and tasks may keep. It holds no connection state;
//! whatever it asks for becomes an operation in the inbox of the shard where the socket lives, and
//! operations on one socket take effect in the order of the calls.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use thiserror::Error;
use tokio::sync::oneshot;

use crate::frame::{Frame, arguments};
use crate::handshake::Handshake;
use crate::ids::{SocketId, SocketKey};
use crate::io::{Selection, Target};
use crate::reason::{Close, CloseReason};
use crate::shard::ops::{Busy, Op};
use crate::shared::Shared;

/// The socket, or the gateway, is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("socket is closed")]
pub struct Closed;

/// Why an emit did not start.
#[derive(Debug, Error)]
pub enum EmitError {
    /// Too many operations wait for the shard; try later, or let the client retry.
    #[error("shard is busy")]
    Busy(#[from] Busy),
    /// The arguments cannot be written as JSON.
    #[error("arguments cannot be encoded")]
    Encode(#[from] serde_json::Error),
}

/// Why no answer came.
#[derive(Debug, Error)]
pub enum AckError {
    /// The client did not answer in time.
    #[error("no acknowledgement in time")]
    Timeout,
    /// The socket closed before it answered.
    #[error("socket is closed")]
    Closed,
    /// The event was not sent.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// The socket owes too many answers.
    #[error("too many acknowledgements are pending")]
    TooManyPending,
}

/// A client's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The arguments: the JSON text of an array.
    pub args: String,
    /// The binary attachments, in the order of their placeholders.
    pub attachments: Vec<Bytes>,
}

/// What `release` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// What was held and newer has been written; the socket is live.
    Live,
    /// The buffer had overflowed and is now empty and holding again: read the store once more.
    Overflowed,
}

/// A connected socket.
#[derive(Clone)]
pub struct Socket(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) key: SocketKey,
    pub(crate) connection: SocketKey,
    pub(crate) namespace: Arc<str>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) data: Option<Arc<dyn Any + Send + Sync>>,
    pub(crate) handshake: Option<Arc<Handshake>>,
    pub(crate) remote: SocketAddr,
    /// Boxed, since few sockets have one.
    pub(crate) identity: Option<Box<Identity>>,
}

/// What a socket that recovers is known by.
pub(crate) struct Identity {
    /// Its private id, if it is recoverable.
    pub(crate) pid: Option<Arc<str>>,
    /// Up to where its shard had performed numbered events when it first joined.
    pub(crate) since: u64,
    /// Its public id, if that is of an earlier life.
    pub(crate) id: Option<SocketId>,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Socket({}, {})", self.0.namespace, self.id())
    }
}

impl Socket {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    pub(crate) fn connection(&self) -> SocketKey {
        self.0.connection
    }

    /// The public id, which is also the name of a room that holds this socket alone.
    pub fn id(&self) -> SocketId {
        self.restored_id().unwrap_or_else(|| self.0.shared.seal.socket_id(self.0.key))
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    /// Its public id, if that is of an earlier life.
    pub(crate) fn restored_id(&self) -> Option<SocketId> {
        self.0.identity.as_ref()?.id
    }

    /// Whether it has the public id of an earlier life, and with it what the gateway or the
    /// application restored.
    pub fn recovered(&self) -> bool {
        self.restored_id().is_some()
    }

    /// The private id that its client was told, if it is recoverable.
    pub fn pid(&self) -> Option<&str> {
        self.0.identity.as_ref()?.pid.as_deref()
    }

    /// Whether its client was told a private id, and gets frames with their offsets.
    pub fn is_recoverable(&self) -> bool {
        self.0.identity.as_ref().is_some_and(|identity| identity.pid.is_some())
    }

    /// The socket's place, as a number: cheaper than the id, and of this process only.
    pub fn key(&self) -> SocketKey {
        self.0.key
    }

    /// The namespace, with its slash.
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// The address of the peer, as HTTP saw it.
    pub fn remote_addr(&self) -> SocketAddr {
        self.0.remote
    }

    /// The handshake, if `Config::retain_handshake` is set.
    pub fn handshake(&self) -> Option<&Handshake> {
        self.0.handshake.as_deref()
    }

    /// What the middleware attached, if it is a `T`.
    pub fn data<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.0.data.as_deref()?.downcast_ref()
    }

    /// What the middleware attached, shared, if it is a `T`.
    pub fn data_arc<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(self.0.data.as_ref()?).downcast().ok()
    }

    /// Sends an event; an array or tuple is the arguments, any other value the only one.
    ///
    /// # Errors
    /// [`EmitError`]; that the socket is gone is no error.
    pub fn emit(&self, name: &str, args: &(impl Serialize + ?Sized)) -> Result<(), EmitError> {
        self.emit_raw(name, &arguments(args)?)
    }

    /// Sends an event whose arguments are the JSON text of an array.
    ///
    /// # Errors
    /// As [`Socket::emit`].
    pub fn emit_raw(&self, name: &str, json_args: &str) -> Result<(), EmitError> {
        self.emit_frame(Frame::event_raw(&self.0.namespace, name, json_args))
    }

    /// Sends an event with attachments, for which `json_args` holds placeholders.
    ///
    /// # Errors
    /// As [`Socket::emit`].
    pub fn emit_with(
        &self,
        name: &str,
        json_args: &str,
        attachments: Vec<Bytes>,
    ) -> Result<(), EmitError> {
        self.emit_frame(Frame::event_with(&self.0.namespace, name, json_args, attachments))
    }

    /// Sends a frame that is encoded already, for this socket's namespace.
    ///
    /// # Errors
    /// As [`Socket::emit`].
    pub fn emit_frame(&self, frame: Frame) -> Result<(), EmitError> {
        Ok(self.0.shared.publish_to(self.0.key, || self.id(), frame)?)
    }

    /// Sends an event unless the socket cannot be written to at once.
    ///
    /// # Errors
    /// As [`Socket::emit`].
    pub fn emit_volatile(
        &self,
        name: &str,
        args: &(impl Serialize + ?Sized),
    ) -> Result<(), EmitError> {
        let frame = Frame::event(&self.0.namespace, name, args)?;
        let op = Op::Emit { key: self.0.key, frame, volatile: true };
        Ok(self.0.shared.push(self.0.key.shard(), op)?)
    }

    /// Sends an event and waits for the client's answer.
    ///
    /// # Errors
    /// [`AckError`].
    ///
    /// # Cancel safety
    /// Dropping the future forgets the answer, not the event.
    pub async fn emit_with_ack(
        &self,
        name: &str,
        args: &(impl Serialize + ?Sized),
        timeout: Duration,
    ) -> Result<Answer, AckError> {
        let args = arguments(args).map_err(EmitError::from)?;
        let id = self.0.shared.next_ack_id();
        let frame = Frame::event_asking(&self.0.namespace, Some(id), name, &args, Vec::new());
        let (reply, answer) = oneshot::channel();
        let op = Op::EmitAck { key: self.0.key, id, frame, reply };
        self.0.shared.push(self.0.key.shard(), op).map_err(EmitError::from)?;
        let _forget = Forget { socket: self, id };
        match tokio::time::timeout(timeout, answer).await {
            Err(_) => Err(AckError::Timeout),
            Ok(Err(_)) => Err(AckError::Closed),
            Ok(Ok(answer)) => answer,
        }
    }

    /// Joins a room.
    pub fn join(&self, room: &str) {
        let op = Op::Join { key: self.0.key, room: room.into() };
        self.0.shared.push_always(self.0.key.shard(), op);
    }

    /// Leaves a room.
    pub fn leave(&self, room: &str) {
        let op = Op::Leave { key: self.0.key, room: room.into() };
        self.0.shared.push_always(self.0.key.shard(), op);
    }

    /// The rooms that the socket is in, that of its own id first.
    ///
    /// # Errors
    /// [`Closed`].
    pub async fn rooms(&self) -> Result<Vec<Arc<str>>, Closed> {
        self.ask(|key, reply| Op::Rooms { key, reply }).await
    }

    /// The other sockets of these rooms.
    pub fn to(&self, room: impl Into<Arc<str>>) -> Target {
        self.broadcast().to(room)
    }

    /// All other sockets of the namespace.
    pub fn broadcast(&self) -> Target {
        let selection = Selection::of(Arc::clone(&self.0.namespace));
        let target = |selection| Target::new(Arc::clone(&self.0.shared), selection);
        if self.0.shared.recovery.is_some() {
            // Nor does a later life of this socket hear it.
            return target(selection).except(self.id().as_str());
        }
        target(selection.except_key(self.0.key))
    }

    /// Disconnects from the namespace, or closes the connection.
    pub fn disconnect(&self, close: Close) {
        let op = Op::Disconnect { key: self.0.key, close };
        self.0.shared.push_always(self.0.key.shard(), op);
    }

    /// Closes the connection for a reason of the application's.
    pub fn close_with(&self, reason: CloseReason) {
        let op = Op::CloseWith { key: self.0.key, reason };
        self.0.shared.push_always(self.0.key.shard(), op);
    }

    /// Answers the CONNECT that [`crate::Data::answering_later`] held back; nothing happens if it
    /// was answered. What was emitted before goes out before the answer.
    pub fn answer_connect(&self) {
        self.0.shared.push_always(self.0.key.shard(), Op::AnswerConnect { key: self.0.key });
    }

    /// Waits until fewer than `below_bytes` wait to be written to the connection.
    ///
    /// # Errors
    /// [`Closed`].
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn flushed(&self, below_bytes: usize) -> Result<(), Closed> {
        self.ask(|key, reply| Op::Flushed { key, below_bytes, reply }).await
    }

    /// Joins rooms and holds what is broadcast to this socket's rooms from now on, until
    /// [`Socket::release`]; direct emits still go out. Gives the shard's position at the join.
    ///
    /// The call itself takes its place among what other threads ask of the shard, even on the
    /// shard's own thread: joins and leaves that they ask for later come later.
    ///
    /// # Errors
    /// [`Closed`].
    ///
    /// # Cancel safety
    /// Dropping the future does not undo the join.
    pub fn join_held(
        &self,
        rooms: Vec<Arc<str>>,
    ) -> impl Future<Output = Result<u64, Closed>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        let op = Op::JoinHeld { key: self.0.key, rooms, reply };
        self.0.shared.push_with_others(self.0.key.shard(), op);
        async { answer.await.map_err(|_| Closed) }
    }

    /// Drops held broadcasts up to `position`, writes the newer ones, and makes the socket live.
    ///
    /// # Errors
    /// [`Closed`].
    ///
    /// # Cancel safety
    /// Not cancel safe: the release may have taken place.
    pub async fn release(&self, position: u64) -> Result<Released, Closed> {
        self.ask(|key, reply| Op::Release { key, position, first: None, reply }).await
    }

    /// As [`Socket::release`]; when the socket becomes live, `first` goes out before anything that
    /// was held, and so before everything live.
    ///
    /// # Errors
    /// [`Closed`].
    ///
    /// # Cancel safety
    /// Not cancel safe: the release may have taken place.
    pub async fn release_behind(&self, position: u64, first: Frame) -> Result<Released, Closed> {
        self.ask(|key, reply| Op::Release { key, position, first: Some(first), reply }).await
    }

    async fn ask<T>(
        &self,
        op: impl FnOnce(SocketKey, oneshot::Sender<T>) -> Op,
    ) -> Result<T, Closed> {
        let (reply, answer) = oneshot::channel();
        self.0.shared.push_always(self.0.key.shard(), op(self.0.key, reply));
        answer.await.map_err(|_| Closed)
    }
}

/// Forgets a pending acknowledgement when its waiter is gone.
struct Forget<'a> {
    socket: &'a Socket,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        let key = self.socket.0.key;
        self.socket.0.shared.push_always(key.shard(), Op::ForgetAck { id: self.id });
    }
}
