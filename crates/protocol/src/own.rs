//! What is private to a user, and the same on all of the user's devices.

use crate::message::Message;
use crate::shape::{Json, Nullable, shapes};

shapes! {
    /// An event of the user's own that a device missed.
    OwnEvent { event: String, data: Json, }
    /// The answer to a change of one's own records.
    OwnChanged {
        #[ts(type = "\"ok\"")]
        status: String,
        at: u64,
    }

    DraftSet { conversation_id: String, content: Json, }
    Draft { conversation_id: String, content: Json, at: u64, }
    Drafts {
        #[ts(type = "\"ok\"")]
        status: String,
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
        code: Option<String>,
        at: u64,
    }
    Schedules {
        #[ts(type = "\"ok\"")]
        status: String,
        schedules: Vec<Schedule>,
        cursor: Nullable<String>,
    }
    ScheduleChanged {
        #[ts(type = "\"ok\"")]
        status: String,
        schedule_id: String,
        send_at: Option<u64>,
        at: Option<u64>,
        unchanged: Option<bool>,
    }

    Starred { message_id: String, starred: bool, at: u64, }
    StarredLine { message_id: String, at: u64, message: Nullable<Message>, }
    StarredPage {
        #[ts(type = "\"ok\"")]
        status: String,
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
        #[ts(type = "\"ok\"")]
        status: String,
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
        #[ts(type = "\"ok\"")]
        status: String,
        messages: String,
        last_seen: String,
        online: String,
        read_receipts: bool,
        message_requests: bool,
    }

    RequestEvent { conversation_id: String, state: Nullable<String>, at: u64, }
}
