//! Where messages are kept until the server has them.
//!
//! A message is in the store before it is said for the first time, and leaves it after its answer;
//! so what was written survives whatever the store survives. The library calls a store from a
//! thread of its own, one call at a time, and gives it many changes at once where there are many.

mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use memory::MemoryOutbox;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteOutbox;

use crate::target::Target;

/// Why a store failed; whatever it is, with its source.
pub type StoreError = Arc<dyn std::error::Error + Send + Sync>;

/// A message that waits to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxItem {
    /// The idempotency key, and what identifies the item.
    pub client_id: String,
    /// Items are sent in this order.
    pub order: u64,
    /// Whom it is for.
    pub target: Target,
    /// What it says.
    pub content: Value,
    /// Further fields of the command, such as `replyTo`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub more: Map<String, Value>,
    /// When it was written, in milliseconds since 1970.
    pub created_at: u64,
    /// Why it was refused for good, if it was: it then waits for `retry` or `discard`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// Why a message was refused for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The code, of `docs/errors.md`.
    pub code: String,
    /// A text for people.
    pub error: String,
}

/// A change of what is kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Keep this item, in the place of one with the same `client_id` if there is one.
    Put(OutboxItem),
    /// Forget the item with this `client_id`, if it is there.
    Remove(String),
}

/// Keeps the outboxes of users. What `apply` has answered must be there after a restart.
pub trait OutboxStore: Send + 'static {
    /// The items of this owner, in any order. An owner is a server and a user, as one text.
    ///
    /// # Errors
    /// The store cannot be read.
    fn items(&mut self, owner: &str) -> Result<Vec<OutboxItem>, StoreError>;

    /// Makes these changes, in this order: all of them, or none.
    ///
    /// # Errors
    /// The store cannot be written.
    fn apply(&mut self, owner: &str, changes: &[Change]) -> Result<(), StoreError>;
}
