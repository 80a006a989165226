//! What was said.

use serde::Deserialize;
use serde_json::Value;

/// A message of the log, as it is now.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Message {
    /// Opaque, and different for each message.
    pub id: String,
    /// The conversation that it is in.
    pub conversation_id: String,
    /// The group's id, in groups.
    pub group_id: Option<String>,
    /// Its number in the conversation.
    pub seq: u64,
    /// Who said it.
    pub from: String,
    /// Whom it was said to, in direct conversations.
    pub to: Option<String>,
    /// What it says; `None` once it was deleted or has ended.
    pub content: Option<Value>,
    /// When it was kept, in milliseconds since 1970.
    pub ts: u64,
    #[serde(default)]
    pub(crate) pos: u64,
    /// Its idempotency key, on one's own messages.
    pub client_id: Option<String>,
    /// It was deleted.
    #[serde(default)]
    pub deleted: bool,
    /// It has ended by itself.
    #[serde(default)]
    pub expired: bool,
    /// When it ends, in milliseconds since 1970 by the server's clock.
    pub expires_at: Option<u64>,
    /// When it was edited last.
    pub edited_at: Option<u64>,
    /// The message that it answers.
    pub reply_to: Option<ReplyTo>,
    /// The `id` of the message in whose thread it is.
    pub thread: Option<String>,
    /// How many messages are in its thread.
    #[serde(default)]
    pub thread_count: u64,
    /// It is a copy of another message.
    #[serde(default)]
    pub forwarded: bool,
    /// Users that it mentions; `@all` is everybody.
    #[serde(default)]
    pub mentions: Vec<String>,
    /// Reactions, in the order in which they came.
    #[serde(default)]
    pub reactions: Vec<Reaction>,
    /// It is pinned.
    #[serde(default)]
    pub pinned: bool,
    /// It is part of a message request.
    #[serde(default)]
    pub request: bool,
}

impl Message {
    /// Its text: the content if that is a string, or the string that it has as `text`.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let content = self.content.as_ref()?;
        content.as_str().or_else(|| content.get("text")?.as_str())
    }

    /// The same without what is gone with its content.
    pub(crate) fn emptied(&self) -> Self {
        let (reactions, mentions) = (Vec::new(), self.mentions.clone());
        Self { content: None, reactions, mentions, pinned: false, edited_at: None, ..self.clone() }
    }

    /// The same after its end, if that has come by `now`.
    pub(crate) fn ended_by(&self, now: u64) -> Option<Self> {
        let is_over = self.expires_at.is_some_and(|at| at <= now);
        (is_over && !self.expired && !self.deleted)
            .then(|| Self { expired: true, ..self.emptied() })
    }
}

/// What a message answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReplyTo {
    /// The message's id.
    pub message_id: String,
    /// Its number.
    pub seq: u64,
    /// Who said it.
    pub from: String,
}

/// A reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// How many gave it.
    pub count: u64,
    /// Whether the user did.
    pub mine: bool,
}

/// The answer to a message that is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Sent {
    /// The message's id.
    pub id: String,
    /// The conversation that it is in.
    pub conversation_id: String,
    /// Its number there.
    pub seq: u64,
    /// When it was kept, in milliseconds since 1970.
    pub ts: u64,
    /// When it ends, if it does.
    pub expires_at: Option<u64>,
    /// A part of it was replaced by a rule of the server's.
    #[serde(default)]
    pub masked: bool,
}
