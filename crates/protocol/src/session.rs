//! A connection: how it begins, where it stands, how it ends.

use serde::Deserialize;
use ts_rs::TS;

use crate::conversation::Moved;
use crate::own::OwnEvent;
use crate::shape::{Nullable, shapes, words};

words! {
    /// Why everything has to be read anew.
    SnapshotReason { Epoch, Ahead, TooFar, }
}

shapes! {
    /// A place in the log of the whole server.
    Position { epoch: String, pos: u64, }

    /// What a server allows.
    Limits {
        content_bytes: u64,
        content_depth: u64,
        commands_in_flight: u64,
        history_limit: u64,
        conversations_limit: u64,
        devices: u64,
        client_id_window_days: u64,
        presence_users: u64,
        presence_subscriptions: u64,
        typing_expires_ms: u64,
        receipts_members: u64,
        open_conversations: u64,
    }

    Ready {
        user_id: String,
        device_id: Nullable<String>,
        recovered: Option<bool>,
        epoch: String,
        limits: Limits,
        version: String,
    }
    CaughtUp { pushed: u64, epoch: String, pos: u64, }
    Snapshot { reason: SnapshotReason, epoch: String, pos: u64, }
    MovedEvent {
        conversations: Vec<Moved>,
        blocked: Option<Vec<String>>,
        own: Option<Vec<OwnEvent>>,
        reread: Option<Vec<String>>,
        more: bool,
    }
    /// Why a connection is refused, or ended by the server.
    Closing {
        code: String,
        error: String,
        until: Option<u64>,
        retry_after_ms: Option<u64>,
        rule: Option<String>,
    }

    SyncMoved {
        #[ts(type = "\"ok\"")]
        status: String,
        #[ts(type = "false")]
        snapshot: bool,
        epoch: String,
        pos: u64,
        conversations: Vec<Moved>,
        blocked: Option<Vec<String>>,
        own: Option<Vec<OwnEvent>>,
        reread: Option<Vec<String>>,
    }
    SyncSnapshot {
        #[ts(type = "\"ok\"")]
        status: String,
        #[ts(type = "true")]
        snapshot: bool,
        reason: SnapshotReason,
        epoch: String,
        pos: u64,
    }

    Nothing {}
    Done {
        #[ts(type = "\"ok\"")]
        status: String,
    }
    /// The answer to a command that is refused.
    Refused {
        #[ts(type = "\"error\"")]
        status: String,
        code: String,
        error: String,
        until: Option<u64>,
        retry_after_ms: Option<u64>,
        rule: Option<String>,
    }

    DeviceSession { session_id: String, connected_at: u64, }
    Device {
        device_id: Nullable<String>,
        created_at: u64,
        last_seen_at: u64,
        current: bool,
        sessions: Vec<DeviceSession>,
    }
    Devices {
        #[ts(type = "\"ok\"")]
        status: String,
        devices: Vec<Device>,
    }
    DeviceRevoke { device_id: String, }
    Renew { token: String, }
    Renewed {
        #[ts(type = "\"ok\"")]
        status: String,
        expires_at: Nullable<u64>,
    }
}

/// The answer to `sync`.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(untagged)]
pub enum Synced {
    Moved(SyncMoved),
    Snapshot(SyncSnapshot),
}
