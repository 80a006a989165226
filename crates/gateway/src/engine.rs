//! Engine.IO without Socket.IO: an application may take the messages of the lower layer as they
//! are. A gateway that has such handlers speaks no Socket.IO.

use std::sync::Arc;

use bytes::Bytes;

use crate::frame::Frame;
use crate::ids::SocketKey;
use crate::reason::CloseReason;
use crate::shard::ops::{Busy, Op};
use crate::shared::Shared;

/// A message of the Engine.IO layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

/// A connection as an Engine.IO application sees it.
#[derive(Clone)]
pub struct Link {
    pub(crate) connection: SocketKey,
    pub(crate) shared: Arc<Shared>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Link({:?})", self.connection)
    }
}

impl Link {
    /// Sends a message.
    ///
    /// # Errors
    /// [`Busy`] if the shard's inbox is full.
    pub fn send(&self, message: Message) -> Result<(), Busy> {
        let frame = match message {
            Message::Text(text) => Frame::engine_text(&text),
            Message::Binary(bytes) => Frame::engine_binary(bytes),
        };
        let op = Op::EngineSend { connection: self.connection, frame };
        self.shared.push(self.connection.shard(), op)
    }

    /// Closes the connection.
    pub fn close(&self) {
        let op = Op::EngineClose { connection: self.connection, reason: CloseReason::ForcedClose };
        self.shared.push_always(self.connection.shard(), op);
    }
}

type OpenHandler = Box<dyn Fn(&Link) + Send + Sync>;
type MessageHandler = Box<dyn Fn(&Link, Message) + Send + Sync>;
type CloseHandler = Box<dyn Fn(&Link, CloseReason) + Send + Sync>;

/// The handlers of an Engine.IO application.
#[derive(Default)]
pub struct Engine {
    pub(crate) on_open: Option<OpenHandler>,
    pub(crate) on_message: Option<MessageHandler>,
    pub(crate) on_close: Option<CloseHandler>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Engine")
    }
}

impl Engine {
    /// Handlers that do nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Called when a connection is open.
    #[must_use]
    pub fn on_open(mut self, handler: impl Fn(&Link) + Send + Sync + 'static) -> Self {
        self.on_open = Some(Box::new(handler));
        self
    }

    /// Called for each message, in order.
    #[must_use]
    pub fn on_message(mut self, handler: impl Fn(&Link, Message) + Send + Sync + 'static) -> Self {
        self.on_message = Some(Box::new(handler));
        self
    }

    /// Called when a connection has ended.
    #[must_use]
    pub fn on_close(
        mut self,
        handler: impl Fn(&Link, CloseReason) + Send + Sync + 'static,
    ) -> Self {
        self.on_close = Some(Box::new(handler));
        self
    }
}
