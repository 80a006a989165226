//! Who types, and who is there.

use serde::Deserialize;

/// Somebody types, or in larger groups how many do.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TypingEvent {
    pub(crate) conversation_id: String,
    pub(crate) user_id: Option<String>,
    #[serde(default)]
    pub(crate) typing: bool,
    #[serde(default)]
    pub(crate) user_ids: Vec<String>,
}

/// Whether a user is there.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PresenceLine {
    pub(crate) user_id: String,
    pub(crate) online: bool,
    pub(crate) last_seen: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PresencePage {
    pub(crate) presence: Vec<PresenceLine>,
}
