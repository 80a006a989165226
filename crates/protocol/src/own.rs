//! What is private to a user, and the same on all of the user's devices.

use crate::message::Message;
use crate::shape::{ErrorCode, Json, Nullable, SaysOk, shapes};

shapes! {
    /// An event of the user's own that a device missed.
    OwnEvent { event: String, data: Json, }
    /// The answer to a change of one's own records.
    OwnChanged {
        status: SaysOk,
        at: u64,
    }

    DraftSet { conversation_id: String, content: Json, }
    Draft { conversation_id: String, content: Json, at: u64, }
    Drafts {
        status: SaysOk,
        drafts: Vec<Draft>,
        cursor: Nullable<String>,
    }

    ScheduleSet { schedule_id: String, send_at: Option<u64>, content: Option<Json>, }
    ScheduleId { schedule_id: String, }
    /// A message that will be said later; `message` is what was sent.
    Schedule {
        schedule_id: String,
        scheduled: bool,
        message: Option<Json>,
        send_at: Option<u64>,
        state: Option<String>,
        code: Option<ErrorCode>,
        at: u64,
    }
    Schedules {
        status: SaysOk,
        schedules: Vec<Schedule>,
        cursor: Nullable<String>,
    }
    ScheduleChanged {
        status: SaysOk,
        schedule_id: String,
        send_at: Option<u64>,
        at: Option<u64>,
        unchanged: Option<bool>,
    }

    Starred { message_id: String, starred: bool, at: u64, }
    StarredLine { message_id: String, at: u64, message: Nullable<Message>, }
    StarredPage {
        status: SaysOk,
        starred: Vec<StarredLine>,
        cursor: Nullable<String>,
    }
    Hidden { message_id: String, hidden: bool, at: u64, }

    ConversationSet {
        conversation_id: String,
        muted_until: Option<u64>,
        archived: Option<bool>,
        marked_unread: Option<bool>,
        pinned: Option<bool>,
    }
    /// The settings that changed alone.
    ConversationSettingsEvent {
        conversation_id: String,
        muted_until: Option<u64>,
        archived: Option<bool>,
        marked_unread: Option<bool>,
        pinned: Option<bool>,
        at: u64,
    }

    ContactAdd { user_id: String, name: Option<String>, }
    Contact { user_id: String, name: Nullable<String>, contact: bool, at: u64, }
    ContactLine { user_id: String, name: Nullable<String>, at: u64, }
    Contacts {
        status: SaysOk,
        contacts: Vec<ContactLine>,
        cursor: Nullable<String>,
    }

    PrivacySet {
        messages: Option<String>,
        last_seen: Option<String>,
        online: Option<String>,
        read_receipts: Option<bool>,
        message_requests: Option<bool>,
    }
    PrivacyEvent {
        messages: Option<String>,
        last_seen: Option<String>,
        online: Option<String>,
        read_receipts: Option<bool>,
        message_requests: Option<bool>,
        at: u64,
    }
    Privacy {
        status: SaysOk,
        messages: String,
        last_seen: String,
        online: String,
        read_receipts: bool,
        message_requests: bool,
    }

    RequestEvent { conversation_id: String, state: Nullable<String>, at: u64, }
}
