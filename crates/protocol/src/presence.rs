//! Who is there.

use schemars::JsonSchema;
use serde::Deserialize;
use ts_rs::TS;

use crate::shape::{Nullable, SaysOk, shapes};

shapes! {
    UserIds { user_ids: Vec<String>, }
    PresenceQuery {
        user_ids: Option<Vec<String>>,
        group_id: Option<String>,
        cursor: Option<String>,
        limit: Option<u64>,
    }
    /// Whether a user is here, and since when not.
    PresenceLine {
        user_id: String,
        online: bool,
        last_seen: Nullable<u64>,
        devices: Option<u64>,
        device_ids: Option<Vec<Nullable<String>>>,
    }
    PresencePage {
        status: SaysOk,
        presence: Vec<PresenceLine>,
    }
    PresenceOfGroup {
        status: SaysOk,
        conversation_id: Option<String>,
        group_id: Option<String>,
        online: Vec<String>,
        count: u64,
        cursor: Nullable<String>,
    }
    /// A user has come or gone.
    Presence { user_id: String, online: bool, last_seen: Nullable<u64>, }
    /// How many members of a larger group are here.
    PresenceCount { conversation_id: String, group_id: String, count: u64, }
}

/// `presence` as it is heard.
#[derive(Debug, Clone, Deserialize, JsonSchema, TS)]
#[serde(untagged)]
pub enum PresenceEvent {
    One(Presence),
    Many(PresenceCount),
}

/// The answer to `presence`.
#[derive(Debug, Clone, Deserialize, JsonSchema, TS)]
#[serde(untagged)]
pub enum PresenceAnswer {
    Users(PresencePage),
    Group(PresenceOfGroup),
}
