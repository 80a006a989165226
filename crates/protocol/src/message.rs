//! Messages, how they are sent, and what is done to them.

use schemars::JsonSchema;
use serde::Deserialize;
use ts_rs::TS;

use crate::entry::Entry;
use crate::shape::{Json, Nullable, SaysOk, SaysSent, Yes, shapes};

shapes! {
    /// What a message answers.
    ReplyTo { message_id: String, seq: u64, from: String, }

    /// A reaction to a message: how many gave it, and whether the reader did.
    Reaction { emoji: String, count: u64, mine: bool, }

    /// A message of a direct conversation or a group, as it is pushed or read back. `content` is absent
    /// once it was `deleted` or has `expired`.
    Message {
        id: String,
        group_id: Option<String>,
        conversation_id: String,
        seq: u64,
        from: String,
        to: Option<String>,
        content: Option<Json>,
        deleted: Option<Yes>,
        expired: Option<Yes>,
        reply_to: Option<ReplyTo>,
        thread: Option<String>,
        mentions: Option<Vec<String>>,
        forwarded: Option<Yes>,
        moderated: Option<Yes>,
        request: Option<Yes>,
        edited_at: Option<u64>,
        reactions: Option<Vec<Reaction>>,
        pinned: Option<Yes>,
        thread_count: Option<u64>,
        expires_at: Option<u64>,
        highlights: Option<Vec<(u64, u64)>>,
        ts: u64,
        pos: u64,
        client_id: Option<String>,
    }

    SendPrivateMessage {
        to_user_id: String,
        content: Json,
        client_id: Option<String>,
        reply_to: Option<String>,
        thread: Option<String>,
        forward_of: Option<String>,
        send_at: Option<u64>,
    }

    SendGroupMessage {
        group_id: String,
        content: Json,
        client_id: Option<String>,
        echo: Option<bool>,
        reply_to: Option<String>,
        thread: Option<String>,
        forward_of: Option<String>,
        mentions: Option<Vec<String>>,
        send_at: Option<u64>,
    }

    /// The answer to a message that is in the log.
    Sent {
        status: SaysSent,
        id: String,
        conversation_id: String,
        seq: u64,
        ts: u64,
        expires_at: Option<u64>,
        masked: Option<Yes>,
    }

    /// The answer to a message that is said later.
    Scheduled {
        status: SaysOk,
        schedule_id: String,
        send_at: u64,
        at: Option<u64>,
    }

    MessageId { message_id: String, }
    Edit { message_id: String, content: Json, client_id: Option<String>, }
    React { message_id: String, emoji: String, }
    ThreadQuery { message_id: String, cursor: Option<String>, limit: Option<u64>, }

    /// The answer to what was done to a message; without `seq` when nothing changed.
    MessageChanged {
        status: SaysOk,
        conversation_id: String,
        message_id: String,
        id: Option<String>,
        seq: Option<u64>,
        ts: Option<u64>,
        unchanged: Option<Yes>,
    }

    MessagesPage {
        status: SaysOk,
        messages: Vec<Message>,
        cursor: Nullable<String>,
    }

    Pin { message: Message, by: String, at: u64, }
    Pins {
        status: SaysOk,
        pins: Vec<Pin>,
    }

    History {
        conversation_id: String,
        before: Option<u64>,
        after: Option<u64>,
        at: Option<u64>,
        limit: Option<u64>,
    }

    /// A piece of a conversation's log. It speaks for the numbers `covers`, both ends included, as the
    /// log was when it went up to `head`.
    HistoryPage {
        status: SaysOk,
        messages: Vec<Message>,
        entries: Option<Vec<Entry>>,
        more: bool,
        covers: Nullable<(u64, u64)>,
        head: u64,
    }

    Search {
        text: String,
        conversation_id: Option<String>,
        from: Option<String>,
        before: Option<u64>,
        cursor: Option<String>,
        limit: Option<u64>,
    }
    SearchPage {
        status: SaysOk,
        messages: Vec<Message>,
        cursor: Nullable<String>,
        indexing: Option<Yes>,
    }

    SendAppEvent {
        conversation_id: String,
        name: String,
        data: Option<Json>,
        store: Option<bool>,
        client_id: Option<String>,
    }
    /// An event of the app's own, in passing.
    AppEvent {
        conversation_id: String,
        group_id: Option<String>,
        name: String,
        from: String,
        data: Json,
        ts: u64,
    }
    AppEventRelayed {
        status: SaysOk,
        ts: u64,
    }
}

/// The answer to a message: it is in the log, or will be said later.
#[derive(Debug, Clone, Deserialize, JsonSchema, TS)]
#[serde(untagged)]
pub enum SendAnswer {
    Sent(Sent),
    Scheduled(Scheduled),
}

/// The answer to `app_event`: stored, or relayed in passing.
#[derive(Debug, Clone, Deserialize, JsonSchema, TS)]
#[serde(untagged)]
pub enum AppEventAnswer {
    Stored(Sent),
    Relayed(AppEventRelayed),
}
