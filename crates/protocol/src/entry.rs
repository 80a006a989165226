//! Entries of a conversation's log that are no messages.

use schemars::JsonSchema;
use serde::Deserialize;
use ts_rs::TS;

use crate::group::{GroupSettings, Role};
use crate::shape::{Json, Nullable, Yes};

macro_rules! entries {
    ($($kind:ident { $($(#[$meta:meta])* $field:ident: $type:ty,)* })*) => {
        /// What happened in a conversation beside messages.
        #[derive(Debug, Clone, Deserialize, JsonSchema, TS)]
        #[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase", deny_unknown_fields)]
        #[ts(optional_fields)]
        pub enum Entry {
            $($kind {
                id: String,
                group_id: Option<String>,
                conversation_id: String,
                seq: u64,
                by: String,
                ts: u64,
                pos: u64,
                client_id: Option<String>,
                request: Option<Yes>,
                moderated: Option<Yes>,
                $($(#[$meta])* $field: $type,)*
            },)*
        }
    };
}

entries! {
    GroupCreated { name: String, settings: GroupSettings, user_ids: Vec<String>, }
    GroupUpdated { name: Option<String>, settings: Option<GroupSettings>, }
    GroupDeleted {}
    MemberAdded { user_ids: Vec<String>, }
    MemberJoined {}
    MemberLeft {}
    MemberKicked { user_id: String, }
    MemberBanned { user_id: String, until: Option<u64>, }
    MemberUnbanned { user_id: String, }
    MemberMuted { user_id: String, until: Option<u64>, }
    MemberUnmuted { user_id: String, }
    RoleChanged { user_id: String, role: Role, }
    GroupRulesSet { words: u64, action: Option<String>, }
    MessageEdited {
        message_id: String,
        content: Option<Json>,
        deleted: Option<Yes>,
        expired: Option<Yes>,
        expires_at: Option<u64>,
    }
    MessageDeleted { message_id: String, }
    ReactionAdded { message_id: String, emoji: String, }
    ReactionRemoved { message_id: String, emoji: String, }
    MessagePinned { message_id: String, }
    MessageUnpinned { message_id: String, }
    Timer { seconds: Nullable<u64>, }
    AppEvent { name: String, data: Json, }
}
