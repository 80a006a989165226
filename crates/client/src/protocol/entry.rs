//! Entries of a log: messages, and what happened beside them.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::Message;

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
