//! Conversations: how far their members are, what moved, what is listed, pieces of their logs.

use std::sync::Arc;

use serde::Deserialize;

use super::{Entry, LogEntry, Message, Position};

/// How far a member of a conversation is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Watermark {
    /// The member.
    pub user_id: String,
    /// The last number that a device of theirs has.
    pub delivered: u64,
    /// The last number that they have read.
    pub read: u64,
}

/// One of the conversations that moved.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Moved {
    pub(crate) conversation_id: String,
    pub(crate) head: u64,
    #[serde(default)]
    pub(crate) pos: u64,
    pub(crate) unread: u64,
    pub(crate) watermarks: Vec<Watermark>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct MovedEvent {
    pub(crate) conversations: Vec<Moved>,
    #[serde(default)]
    pub(crate) more: bool,
}

/// The answer to `sync`: what moved, or that all has to be read anew.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Synced {
    pub(crate) snapshot: bool,
    #[serde(default)]
    pub(crate) reason: String,
    #[serde(flatten)]
    pub(crate) position: Position,
    #[serde(default)]
    pub(crate) conversations: Vec<Moved>,
}

/// A conversation in a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    pub(crate) conversation_id: String,
    pub(crate) name: Option<String>,
    pub(crate) members: Option<u64>,
    pub(crate) role: Option<String>,
    pub(crate) head: u64,
    pub(crate) unread: u64,
    #[serde(default)]
    pub(crate) mentions: u64,
    pub(crate) last: LogEntry,
    pub(crate) message: Option<Arc<Message>>,
    pub(crate) watermarks: Vec<Watermark>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ConversationsPage {
    pub(crate) conversations: Vec<Summary>,
    pub(crate) cursor: Option<String>,
}

/// A piece of a conversation's log: it speaks for the numbers `covers`, as they were at `head`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct HistoryPage {
    pub(crate) messages: Vec<Arc<Message>>,
    #[serde(default)]
    pub(crate) entries: Vec<Arc<Entry>>,
    pub(crate) more: bool,
    pub(crate) covers: Option<(u64, u64)>,
    pub(crate) head: u64,
}

/// A mark of a member moved.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Receipt {
    pub(crate) conversation_id: String,
    pub(crate) user_id: String,
    pub(crate) seq: u64,
}
