//! A message as an app shows it: in the log, or on its way there.

use std::sync::Arc;

use serde_json::Value;

use crate::outbox::{Failure, OutboxItem};
use crate::protocol::Message;

/// How far a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageState {
    /// Somebody else said it.
    Received,
    /// It waits in the outbox.
    Sending,
    /// It was refused for good, and waits for `retry` or `discard`.
    Failed(Failure),
    /// The server has it on disk.
    Sent,
    /// All others have it.
    Delivered,
    /// All others have read it.
    Read,
}

/// A message as it is shown.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ChatMessage {
    /// The same from when it was written until it is in the log, and different for each message.
    pub key: String,
    /// Who said it.
    pub from: String,
    /// What it says; `None` once it was deleted or has ended.
    pub content: Option<Value>,
    /// When it was written, or kept, in milliseconds since 1970.
    pub ts: u64,
    /// How far it is.
    pub state: MessageState,
    /// What the log says of it, once it is in the log.
    pub logged: Option<Arc<Message>>,
}

impl ChatMessage {
    pub(crate) fn logged(message: Arc<Message>, state: MessageState) -> Self {
        Self {
            key: message.client_id.clone().unwrap_or_else(|| message.id.clone()),
            from: message.from.clone(),
            content: message.content.clone(),
            ts: message.ts,
            state,
            logged: Some(message),
        }
    }

    pub(crate) fn waiting(item: &OutboxItem, me: &str) -> Self {
        Self {
            key: item.client_id.clone(),
            from: me.to_owned(),
            content: Some(item.content.clone()),
            ts: item.created_at,
            state: item.failure.clone().map_or(MessageState::Sending, MessageState::Failed),
            logged: None,
        }
    }

    /// Its text: the content if that is a string, or the string that it has as `text`.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let content = self.content.as_ref()?;
        content.as_str().or_else(|| content.get("text")?.as_str())
    }
}
