//! A namespace: who may join and what is done with their events. Built once, then shared by all
//! shards. Handlers run on the thread of the socket's shard, in the order of its events.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;

use http::HeaderMap;
use serde_json::value::RawValue;

use crate::event::Event;
use crate::handshake::Handshake;
use crate::ids::SocketId;
use crate::reason::DisconnectReason;
use crate::socket::Socket;

/// What middlewares attach to a socket, and how it is to join.
#[derive(Clone, Default)]
pub struct Data {
    pub(crate) value: Option<Arc<dyn Any + Send + Sync>>,
    /// Boxed, since few sockets join in a way of their own.
    pub(crate) entry: Option<Box<Entry>>,
}

/// How a socket joins.
#[derive(Clone, Default)]
pub(crate) struct Entry {
    pub(crate) pid: Option<Arc<str>>,
    pub(crate) id: Option<SocketId>,
    pub(crate) answering: Answering,
}

/// When a CONNECT is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Answering {
    /// Before the connect handler is called.
    #[default]
    AtOnce,
    /// When the application says so.
    Later,
}

impl Data {
    /// Nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// This value, later to be had by [`Socket::data`].
    pub fn new<T: Any + Send + Sync>(value: T) -> Self {
        Self { value: Some(Arc::new(value)), entry: None }
    }

    /// Makes the socket recoverable: the client is told this private id, and gets frames that have
    /// an offset with it. A stock client says both when it reconnects, as `pid` and `offset` of
    /// [`ConnectRequest::auth`].
    #[must_use]
    pub fn with_pid(mut self, pid: impl Into<Arc<str>>) -> Self {
        self.entry.get_or_insert_default().pid = Some(pid.into());
        self
    }

    /// Gives the socket the public id that it had in an earlier life, instead of a new one. The
    /// application has made sure that it is the client's. If the earlier socket is still there,
    /// both hear what goes to the id until the application closes that one.
    #[must_use]
    pub fn restoring(mut self, id: SocketId) -> Self {
        self.entry.get_or_insert_default().id = Some(id);
        self
    }

    /// Holds the answer to the CONNECT back until [`Socket::answer_connect`], at most for
    /// `Config::connect_timeout`. The connect handler runs at once, and what is emitted meanwhile
    /// goes out before the answer.
    #[must_use]
    pub fn answering_later(mut self) -> Self {
        self.entry.get_or_insert_default().answering = Answering::Later;
        self
    }

    /// What a later middleware gives replaces what it is about.
    pub(crate) fn then(self, step: Self) -> Self {
        Self { value: step.value.or(self.value), entry: step.entry.or(self.entry) }
    }
}

impl std::fmt::Debug for Data {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(if self.value.is_some() { "Data(..)" } else { "Data(none)" })
    }
}

/// A wish to join a namespace.
#[derive(Clone, Debug)]
pub struct ConnectRequest {
    pub(crate) namespace: Arc<str>,
    pub(crate) auth: Option<Box<RawValue>>,
    pub(crate) handshake: Arc<Handshake>,
}

impl ConnectRequest {
    /// The namespace, with its slash.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What the client sent along with CONNECT, if anything.
    pub fn auth(&self) -> Option<&RawValue> {
        self.auth.as_deref()
    }

    /// The headers of the opening request. Unless `Config::retain_handshake` is set, they and the
    /// query are let go once a namespace has been joined: then later ones see none.
    pub fn headers(&self) -> &HeaderMap {
        &self.handshake.headers
    }

    /// The raw query of the opening request.
    pub fn query(&self) -> &str {
        &self.handshake.query
    }

    /// The peer's address.
    pub fn remote_addr(&self) -> SocketAddr {
        self.handshake.remote
    }

    /// Whether the connection is encrypted.
    pub fn secure(&self) -> bool {
        self.handshake.secure
    }
}

/// Why a socket may not join; the client hears it as `connect_error`.
#[derive(Clone, Debug, Default)]
pub struct ConnectError {
    /// The error's message.
    pub message: String,
    /// The error's `data`, any JSON.
    pub data: Option<Box<RawValue>>,
}

impl ConnectError {
    /// An error without data.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None }
    }
}

/// Why an event is not handled; its acknowledgement, if asked for, stays unanswered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// That somebody is in a room now, or nobody any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomChange<'a> {
    /// The room's name; of the room that each socket has by itself, the socket's id.
    pub room: &'a str,
    /// Whether it is such a room.
    pub is_own: bool,
    /// Whether somebody is in it now.
    pub is_there: bool,
}

pub(crate) type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;
pub(crate) type Middleware =
    Arc<dyn Fn(Arc<ConnectRequest>) -> LocalFuture<Result<Data, ConnectError>> + Send + Sync>;
pub(crate) type EventMiddleware =
    Box<dyn Fn(&Socket, &mut Event) -> Result<(), Refused> + Send + Sync>;
pub(crate) type EventHandler = Box<dyn Fn(&Socket, Event) + Send + Sync>;
pub(crate) type AsyncHandler = Arc<dyn Fn(Socket, Event) -> LocalFuture<()> + Send + Sync>;
pub(crate) type ConnectHandler = Box<dyn Fn(Socket) + Send + Sync>;
pub(crate) type ConfirmedHandler = Box<dyn Fn(&Socket, u64) + Send + Sync>;
pub(crate) type DisconnectHandler = Box<dyn Fn(&Socket, DisconnectReason) + Send + Sync>;
type RoomHandler = dyn Fn(RoomChange<'_>) + Send + Sync;

/// Who hears of rooms.
#[derive(Clone)]
pub(crate) struct RoomWatch(Arc<RoomHandler>);

impl std::fmt::Debug for RoomWatch {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("RoomWatch")
    }
}

impl RoomWatch {
    pub(crate) fn new(handler: impl Fn(RoomChange<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(handler))
    }

    pub(crate) fn tell(&self, change: RoomChange<'_>) {
        // A shard's rooms are as they are, whatever is made of it.
        let told = catch_unwind(AssertUnwindSafe(|| (self.0)(change)));
        if told.is_err() {
            tracing::error!("the handler of rooms panicked");
        }
    }
}

/// What is done with one event.
pub(crate) enum Handler {
    Sync(EventHandler),
    Async(AsyncHandler),
}

/// The middlewares and handlers of a namespace.
#[derive(Default)]
pub struct Namespace {
    pub(crate) middlewares: Vec<Middleware>,
    pub(crate) event_middlewares: Vec<EventMiddleware>,
    pub(crate) on_connect: Option<ConnectHandler>,
    pub(crate) handlers: HashMap<Arc<str>, Handler>,
    pub(crate) on_any: Option<EventHandler>,
    pub(crate) on_confirmed: Option<ConfirmedHandler>,
    pub(crate) on_disconnect: Option<DisconnectHandler>,
    pub(crate) on_room: Option<RoomWatch>,
}

impl std::fmt::Debug for Namespace {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_list().entries(self.handlers.keys()).finish()
    }
}

impl Namespace {
    /// A namespace that lets everyone in and ignores every event.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step that a CONNECT must pass, in the order of the calls; it runs on the shard's
    /// thread. The last value that a step gives is the socket's, and so is the last way to join.
    #[must_use]
    pub fn middleware<F>(mut self, middleware: F) -> Self
    where
        F: AsyncFn(&ConnectRequest) -> Result<Data, ConnectError> + Send + Sync + 'static,
    {
        let middleware = Arc::new(middleware);
        self.middlewares.push(Arc::new(move |request| {
            let middleware = Arc::clone(&middleware);
            Box::pin(async move { middleware(&request).await })
        }));
        self
    }

    /// Adds a step that every event must pass before its handler; it may answer the event.
    #[must_use]
    pub fn event_middleware<F>(mut self, middleware: F) -> Self
    where
        F: Fn(&Socket, &mut Event) -> Result<(), Refused> + Send + Sync + 'static,
    {
        self.event_middlewares.push(Box::new(middleware));
        self
    }

    /// Called once the CONNECT answer is queued.
    #[must_use]
    pub fn on_connect(mut self, handler: impl Fn(Socket) + Send + Sync + 'static) -> Self {
        self.on_connect = Some(Box::new(handler));
        self
    }

    /// Called for each event of this name. The event may be moved to a task and answered later.
    #[must_use]
    pub fn on(
        mut self,
        name: &str,
        handler: impl Fn(&Socket, Event) + Send + Sync + 'static,
    ) -> Self {
        self.handlers.insert(name.into(), Handler::Sync(Box::new(handler)));
        self
    }

    /// Runs for each event of this name; one at a time per socket, and whatever event comes behind
    /// it waits for its end, so that all are handled in the order sent.
    #[must_use]
    pub fn on_async<F>(mut self, name: &str, handler: F) -> Self
    where
        F: AsyncFn(Socket, Event) + Send + Sync + 'static,
    {
        let handler = Arc::new(handler);
        let handler: AsyncHandler = Arc::new(move |socket, event| {
            let handler = Arc::clone(&handler);
            Box::pin(async move { handler(socket, event).await })
        });
        self.handlers.insert(name.into(), Handler::Async(handler));
        self
    }

    /// Called for events that no other handler is for.
    #[must_use]
    pub fn on_any(mut self, handler: impl Fn(&Socket, Event) + Send + Sync + 'static) -> Self {
        self.on_any = Some(Box::new(handler));
        self
    }

    /// Called when the client has proved that it received all that its shard had pushed up to a
    /// position; only when the position grew since the last call for that socket.
    #[must_use]
    pub fn on_confirmed(mut self, handler: impl Fn(&Socket, u64) + Send + Sync + 'static) -> Self {
        self.on_confirmed = Some(Box::new(handler));
        self
    }

    /// Called when a socket has left the namespace, for whatever reason.
    #[must_use]
    pub fn on_disconnect(
        mut self,
        handler: impl Fn(&Socket, DisconnectReason) + Send + Sync + 'static,
    ) -> Self {
        self.on_disconnect = Some(Box::new(handler));
        self
    }

    /// Called when somebody is in a room that was empty, and when a room is empty again. Each shard tells of its
    /// own sockets: a room with sockets on two shards begins twice, and ends twice. On the shard's thread; must not
    /// block.
    #[must_use]
    pub fn on_room(mut self, handler: impl Fn(RoomChange<'_>) + Send + Sync + 'static) -> Self {
        self.on_room = Some(RoomWatch::new(handler));
        self
    }
}
