//! A connection: how it begins, where it stands, how it ends.

use schemars::JsonSchema;
use serde::Deserialize;
use ts_rs::TS;

use crate::conversation::Moved;
use crate::own::OwnEvent;
use crate::shape::{ErrorCode, No, Nullable, SaysError, SaysOk, Yes, shapes, words};

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

    /// What a client says as Socket.IO's `auth`.
    Auth {
        token: Option<String>,
        device_id: Option<String>,
        resume: Option<Position>,
        recovery: Option<bool>,
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
        code: ErrorCode,
        error: String,
        until: Option<u64>,
        retry_after_ms: Option<u64>,
        rule: Option<String>,
    }

    SyncMoved {
        status: SaysOk,
        snapshot: No,
        epoch: String,
        pos: u64,
        conversations: Vec<Moved>,
        blocked: Option<Vec<String>>,
        own: Option<Vec<OwnEvent>>,
        reread: Option<Vec<String>>,
    }
    SyncSnapshot {
        status: SaysOk,
        snapshot: Yes,
        reason: SnapshotReason,
        epoch: String,
        pos: u64,
    }

    Nothing {}
    Done {
        status: SaysOk,
    }
    /// The answer to a command that is refused.
    Refused {
        status: SaysError,
        code: ErrorCode,
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
        status: SaysOk,
        devices: Vec<Device>,
    }
    DeviceRevoke { device_id: String, }
    Renew { token: String, }
    Renewed {
        status: SaysOk,
        expires_at: Nullable<u64>,
    }
}

/// The answer to `sync`.
#[derive(Debug, Clone, Deserialize, JsonSchema, TS)]
#[serde(untagged)]
pub enum Synced {
    Moved(SyncMoved),
    Snapshot(SyncSnapshot),
}
