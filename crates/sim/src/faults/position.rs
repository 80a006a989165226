//! How far a device is, as one that keeps its messages says it when it connects.
//!
//! `caught_up` gives the position, and from then on every message does; before it, messages come in
//! another order and say nothing. What the server does not push to a device that said where it was,
//! the device must have: a position that is too high shows as a hole.

use serde_json::{Value, json};

/// The one position, and its epoch.
#[derive(Debug, Default)]
pub(super) struct Position {
    known: Option<(String, u64)>,
    /// Whether this connection has been caught up.
    is_live: bool,
}

impl Position {
    /// What to say at connect.
    pub(super) fn said(&self) -> Option<Value> {
        self.known.as_ref().map(|(epoch, pos)| json!({ "epoch": epoch, "pos": pos }))
    }

    /// A new connection has begun.
    pub(super) fn reconnected(&mut self) {
        self.is_live = false;
    }

    /// The server says that everything up to here was pushed.
    pub(super) fn caught_up(&mut self, payload: &Value) {
        if let (Some(epoch), Some(pos)) = (payload["epoch"].as_str(), payload["pos"].as_u64()) {
            self.known = Some((epoch.to_owned(), pos));
            self.is_live = true;
        }
    }

    /// A message was pushed.
    pub(super) fn heard(&mut self, message: &Value) {
        let pos = message["pos"].as_u64().filter(|_| self.is_live);
        if let (Some((_, known)), Some(pos)) = (&mut self.known, pos) {
            *known = pos.max(*known);
        }
    }

    /// What it had is no good any more.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}
