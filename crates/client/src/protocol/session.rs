//! What a connection begins and ends with, and how far a client is in the log of the whole server.

use serde::{Deserialize, Serialize};

/// What the server allows, as far as this library minds it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a content's JSON text.
    pub content_bytes: u64,
    /// Users that one command about presence names.
    pub presence_users: usize,
    /// After so long somebody who types is taken to have stopped.
    pub typing_expires_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { content_bytes: 65_536, presence_users: 100, typing_expires_ms: 6_000 }
    }
}

/// What the server says first.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Ready {
    /// The user, by the token.
    pub user_id: String,
    /// The life of the log.
    pub epoch: String,
    /// The protocol's version.
    pub version: String,
    /// What the server allows.
    #[serde(default)]
    pub limits: Limits,
}

/// A place in the log of the whole server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) epoch: String,
    pub(crate) pos: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) reason: String,
    #[serde(flatten)]
    pub(crate) position: Position,
}

/// A refusal, or why the server ends a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Closing {
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) error: String,
    pub(crate) retry_after_ms: Option<u64>,
    pub(crate) until: Option<u64>,
    pub(crate) rule: Option<String>,
}
