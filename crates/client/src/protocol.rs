//! What the server says, as far as this library reads it: `docs/protocol.md` has the meanings.
//!
//! Fields that are not named here are ignored, as the protocol's rule of compatibility asks.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the protocol that this library speaks.
pub(crate) const VERSION: &str = "1";

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

/// Something that happened in a conversation beside messages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Entry {
    /// Opaque, and different for each entry.
    pub id: String,
    /// The conversation that it is in.
    pub conversation_id: String,
    /// Its number in the conversation.
    pub seq: u64,
    /// Who did it.
    pub by: String,
    /// When, in milliseconds since 1970.
    pub ts: u64,
    #[serde(default)]
    pub(crate) pos: u64,
    /// A moderator of the server did it.
    #[serde(default)]
    pub moderated: bool,
    /// What was done.
    #[serde(flatten)]
    pub deed: Deed,
}

/// What an entry says was done.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "docs/protocol.md says what the fields of each kind mean")]
#[non_exhaustive]
pub enum Deed {
    GroupCreated {
        name: String,
        user_ids: Vec<String>,
    },
    GroupUpdated {
        name: Option<String>,
    },
    GroupDeleted,
    MemberAdded {
        user_ids: Vec<String>,
    },
    MemberJoined,
    MemberLeft,
    MemberKicked {
        user_id: String,
    },
    MemberBanned {
        user_id: String,
    },
    MemberUnbanned {
        user_id: String,
    },
    MemberMuted {
        user_id: String,
    },
    MemberUnmuted {
        user_id: String,
    },
    RoleChanged {
        user_id: String,
        role: String,
    },
    MessageEdited {
        message_id: String,
        content: Option<Value>,
    },
    MessageDeleted {
        message_id: String,
    },
    ReactionAdded {
        message_id: String,
        emoji: String,
    },
    ReactionRemoved {
        message_id: String,
        emoji: String,
    },
    MessagePinned {
        message_id: String,
    },
    MessageUnpinned {
        message_id: String,
    },
    Timer {
        seconds: Option<u64>,
    },
    AppEvent {
        name: String,
        data: Value,
    },
    /// One that this library does not know.
    #[serde(other)]
    Other,
}

/// A message, or another entry of a log.
#[derive(Debug, Clone, PartialEq)]
pub enum LogEntry {
    /// A message.
    Message(Arc<Message>),
    /// What happened beside messages.
    Entry(Arc<Entry>),
}

impl LogEntry {
    pub(crate) fn seq(&self) -> u64 {
        match self {
            Self::Message(message) => message.seq,
            Self::Entry(entry) => entry.seq,
        }
    }

    pub(crate) fn pos(&self) -> u64 {
        match self {
            Self::Message(message) => message.pos,
            Self::Entry(entry) => entry.pos,
        }
    }

    pub(crate) fn conversation_id(&self) -> &str {
        match self {
            Self::Message(message) => &message.conversation_id,
            Self::Entry(entry) => &entry.conversation_id,
        }
    }
}

impl<'de> Deserialize<'de> for LogEntry {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let value = Value::deserialize(deserializer)?;
        let is_entry = value.get("kind").is_some();
        if is_entry {
            serde_json::from_value(value).map(|it| Self::Entry(Arc::new(it)))
        } else {
            serde_json::from_value(value).map(|it| Self::Message(Arc::new(it)))
        }
        .map_err(D::Error::custom)
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn log_entry(value: Value) -> LogEntry {
        serde_json::from_value(value).expect("it is of the log")
    }

    #[test]
    fn entries_and_messages_are_told_apart() {
        let head = json!({"id": "a", "conversationId": "c", "seq": 3, "ts": 1, "pos": 7});
        let with = |more: Value| {
            let mut all = head.clone();
            let fields = all.as_object_mut().expect("an object");
            fields.extend(more.as_object().expect("an object").clone());
            all
        };
        let edit = json!({"by": "bob", "kind": "message_edited", "messageId": "m", "content": 1});
        let LogEntry::Entry(entry) = log_entry(with(edit)) else { panic!("an entry") };
        let deed = Deed::MessageEdited { message_id: "m".into(), content: Some(json!(1)) };
        assert_eq!((entry.seq, entry.pos, &entry.deed), (3, 7, &deed));

        let later = json!({"by": "bob", "kind": "of_another_year", "messageId": 9, "what": {}});
        let LogEntry::Entry(entry) = log_entry(with(later)) else { panic!("an entry") };
        assert_eq!(entry.deed, Deed::Other);

        let message = json!({"from": "bob", "content": {"text": "hi"}, "of_another_year": 1});
        let LogEntry::Message(message) = log_entry(with(message)) else { panic!("a message") };
        assert_eq!(message.text(), Some("hi"));
    }
}
