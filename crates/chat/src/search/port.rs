//! The port through which messages are found by their words: a part of what a backend of
//! [`crate::store::Store`] does.
//!
//! A search finds what [`crate::store::Store::history`] would show the same user at that moment, by the
//! newest contents that it would show. **What was acknowledged is found at once**, whether or not an
//! index has it already.

use std::sync::Arc;

use crate::around::MessageState;
use crate::entry::{Entry, Millis, Position};
use crate::ids::{ConversationId, UserId};
use crate::store::Pending;

use super::query::Query;

/// Finds messages.
pub trait Search: Send + Sync + 'static {
    /// A page of what is found, newest message first.
    ///
    /// It is refused with [`crate::refusal::Refusal::SearchOff`] by a backend that finds nothing, and
    /// with [`crate::refusal::Refusal::SearchTooBroad`] if its bounds are reached before anything was
    /// looked at.
    fn search(&self, query: SearchQuery) -> Pending<SearchPage>;
}

/// A wish to find messages.
#[derive(Debug, Clone)]
pub struct SearchQuery {
    /// Who asks.
    pub user: UserId,
    /// What is looked for.
    pub query: Query,
    /// Only in this conversation, of which the user must be or have been a member.
    pub conversation: Option<ConversationId>,
    /// Only what this user said.
    pub from: Option<UserId>,
    /// Only what was said before this time.
    pub before: Option<Millis>,
    /// Where to go on.
    pub after: Option<SearchCursor>,
    /// At most so many messages.
    pub limit: usize,
    /// The bounds of its work.
    pub bounds: SearchBounds,
}

/// How much work one search may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchBounds {
    /// Contents that are looked at.
    pub contents_max: usize,
    /// Milliseconds of a reader's time.
    pub work_max_ms: u64,
    /// Places that are told of each message.
    pub highlights_max: usize,
}

/// Where the next page starts: before the message of this position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchCursor(pub Position);

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The message.
    pub message: Arc<Entry>,
    /// What has become of it.
    pub state: MessageState,
    /// Where its newest text has what was looked for, in order.
    pub highlights: Vec<Highlight>,
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Highlight {
    /// Where it begins, in UTF-16 code units.
    pub offset: usize,
    /// How long it is, in UTF-16 code units.
    pub length: usize,
}

/// A page of what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPage {
    /// The messages, newest first; perhaps fewer than asked for, since a page is bounded work.
    pub found: Vec<Found>,
    /// Where to go on, or `None` at the end.
    pub next: Option<SearchCursor>,
    /// Whether older messages may be missing because the index is still being made.
    pub is_indexing: bool,
}
