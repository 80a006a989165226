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

#[cfg(test)]
mod tests {
    use super::*;

    fn caught_up(position: &mut Position, pos: u64) {
        position.caught_up(&json!({ "pushed": 0, "epoch": "x", "pos": pos }));
    }

    #[test]
    fn only_messages_after_caught_up_move_it_and_only_forward() {
        let mut position = Position::default();
        position.heard(&json!({ "pos": 9 }));
        assert_eq!(position.said(), None);
        caught_up(&mut position, 10);
        position.heard(&json!({ "pos": 12 }));
        position.heard(&json!({ "pos": 11 }));
        assert_eq!(position.said(), Some(json!({ "epoch": "x", "pos": 12 })));
    }

    #[test]
    fn messages_of_a_new_connection_say_nothing_until_it_is_caught_up() {
        let mut position = Position::default();
        caught_up(&mut position, 10);
        position.reconnected();
        position.heard(&json!({ "pos": 15 }));
        assert_eq!(position.said(), Some(json!({ "epoch": "x", "pos": 10 })));
        position.forget();
        assert_eq!(position.said(), None);
    }
}
