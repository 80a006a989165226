//! Conversations, how far their members are, and who types in them.

use schemars::JsonSchema;
use serde::Deserialize;
use ts_rs::TS;

use crate::entry::Entry;
use crate::group::Role;
use crate::message::Message;
use crate::shape::{Nullable, SaysOk, shapes};

shapes! {
    /// How far a member is: the last `seq` that a device of theirs has, and that they have read.
    Watermarks { user_id: String, delivered: u64, read: u64, }

    /// How its user wants to see a conversation.
    ConversationSettings {
        muted_until: Option<u64>,
        archived: Option<bool>,
        marked_unread: Option<bool>,
        pinned: Option<bool>,
    }

    /// A conversation in a list. `role` is `null` in a group that one is out of.
    ConversationSummary {
        conversation_id: String,
        with: Option<String>,
        group_id: Option<String>,
        name: Option<String>,
        members: Option<u64>,
        role: Option<Nullable<Role>>,
        message: Option<Message>,
        head: u64,
        unread: u64,
        mentions: Option<u64>,
        timer_seconds: Option<u64>,
        last: AnyEntry,
        watermarks: Vec<Watermarks>,
        settings: Option<ConversationSettings>,
    }

    Moved {
        conversation_id: String,
        with: Option<String>,
        group_id: Option<String>,
        head: u64,
        pos: u64,
        unread: u64,
        watermarks: Vec<Watermarks>,
    }

    ConversationsPage {
        status: SaysOk,
        conversations: Vec<ConversationSummary>,
        cursor: Nullable<String>,
    }
    Page { cursor: Option<String>, limit: Option<u64>, }
    Badge {
        status: SaysOk,
        unread: u64,
        mentions: u64,
        conversations: u64,
    }
    ConversationId { conversation_id: String, }
    ConversationTimer { conversation_id: String, seconds: Nullable<u64>, }
    TimerSet {
        status: SaysOk,
        conversation_id: String,
        seconds: Nullable<u64>,
        id: Option<String>,
        seq: Option<u64>,
        ts: Option<u64>,
        unchanged: Option<bool>,
    }

    /// Up to and including this message.
    Mark {
        message_id: Option<String>,
        conversation_id: Option<String>,
        seq: Option<u64>,
        epoch: Option<String>,
    }
    /// How far a member is now.
    Receipt { conversation_id: String, user_id: String, seq: u64, message_id: String, }
    ReceiptCounts { seq: u64, delivered: u64, read: u64, }
    Receipts { conversation_id: String, group_id: String, counts: Vec<ReceiptCounts>, }
    ReceiptsQuery { conversation_id: String, seq: u64, cursor: Option<String>, limit: Option<u64>, }
    MemberReceipt { user_id: String, read: bool, at: u64, }
    ReceiptsPage {
        status: SaysOk,
        receipts: Vec<MemberReceipt>,
        cursor: Nullable<String>,
    }

    SayTyping { to_user_id: Option<String>, group_id: Option<String>, typing: Option<bool>, }
    /// Somebody types, or no longer does.
    Typing { conversation_id: String, group_id: Option<String>, user_id: String, typing: bool, }
    /// Who types in a larger group.
    TypingCount { conversation_id: String, group_id: String, count: u64, user_ids: Vec<String>, }
}

/// A message, or another entry.
#[derive(Debug, Clone, Deserialize, JsonSchema, TS)]
#[serde(untagged)]
pub enum AnyEntry {
    Message(Box<Message>),
    Entry(Box<Entry>),
}

/// `typing` as it is heard.
#[derive(Debug, Clone, Deserialize, JsonSchema, TS)]
#[serde(untagged)]
pub enum TypingEvent {
    One(Typing),
    Many(TypingCount),
}
