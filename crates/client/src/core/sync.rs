//! How far the client is in the log of the whole server, and how it comes back.
//!
//! The position says that everything committed up to it is here, or known to be missing. It moves
//! with what is pushed once the client has caught up, and is given up when the server says
//! `snapshot`.

use serde_json::{Value, json};
use tracing::warn;

use super::Core;
use super::reads::Wish;
use crate::error::Error;
use crate::protocol::{LogEntry, Moved, Position, Snapshot, Synced};
use crate::status::Reason;
use crate::update::News;

/// Keeps the position.
#[derive(Debug, Default)]
pub(super) struct Sync {
    position: Option<Position>,
    epoch: Option<String>,
    has_caught_up: bool,
    /// Where the client will be once everything was read anew.
    ahead: Option<Position>,
    is_rebuilding: bool,
}

impl Sync {
    /// From where the next connection resumes.
    pub(super) fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    pub(super) fn epoch(&self) -> Option<&str> {
        self.epoch.as_deref()
    }

    fn advance(&mut self, pos: u64) {
        if let Some(place) = self.ahead.as_mut().or(self.position.as_mut()) {
            place.pos = place.pos.max(pos);
        }
    }
}

impl Core {
    pub(super) fn sync_greeted(&mut self, epoch: String) {
        self.sync.has_caught_up = false;
        self.sync.ahead = None;
        let is_new_life = self.sync.epoch.as_ref().is_some_and(|known| *known != epoch);
        self.sync.epoch = Some(epoch);
        if is_new_life {
            self.sync.position = None;
            self.reset(true);
        }
    }

    pub(super) fn sync_lost(&mut self) {
        self.sync.has_caught_up = false;
        // What it was reading belongs to pushes that are lost: the old position tells the server the
        // same again.
        self.sync.is_rebuilding = false;
    }

    pub(super) fn sync_pushed(&mut self, entry: LogEntry) {
        // Before `caught_up` messages may come in another order.
        if self.sync.has_caught_up {
            self.sync.advance(entry.pos());
        }
        self.pushed(entry);
    }

    /// Everything has to be read anew; what comes behind the snapshot's position is pushed meanwhile.
    pub(super) fn sync_snapshot(&mut self, Snapshot { reason, position }: Snapshot) {
        self.sync.is_rebuilding = true;
        self.sync.epoch = Some(position.epoch.clone());
        self.sync.ahead = Some(position);
        self.reset(reason != "too_far");
        self.wish(Wish::List);
    }

    pub(super) fn sync_caught_up(&mut self, position: Position) {
        self.sync.has_caught_up = true;
        let was_nowhere = self.sync.position.is_none() && self.sync.ahead.is_none();
        match self.sync.ahead {
            None => self.sync.ahead = Some(position),
            Some(_) => self.sync.advance(position.pos),
        }
        self.is_here();
        if was_nowhere {
            // Nothing was known before: what was pushed is what this device had not confirmed, and
            // the rest is read. Who asks `sync` once is told from then on when it falls behind.
            self.wish(Wish::List);
            self.wish(Wish::Sync);
        }
    }

    /// The list was read, or cannot be.
    pub(super) fn sync_list_read(&mut self, outcome: Result<(), Error>) {
        if !self.sync.is_rebuilding {
            return;
        }
        match outcome {
            Ok(()) => {
                self.sync.is_rebuilding = false;
                self.is_here();
            }
            // Without that it cannot go on: the next connection begins anew.
            Err(error) => self.suspect(Reason::Network(error.to_string())),
        }
    }

    fn is_here(&mut self) {
        if !self.sync.has_caught_up || self.sync.is_rebuilding {
            return;
        }
        if let Some(ahead) = self.sync.ahead.take() {
            self.sync.position = Some(ahead);
            self.caught_up();
        }
    }

    pub(super) fn sync_position(&mut self, newest: &Position) {
        let is_behind = self
            .sync
            .position
            .as_ref()
            .is_some_and(|own| own.epoch == newest.epoch && own.pos < newest.pos);
        if is_behind {
            self.wish(Wish::Sync);
        }
    }

    pub(super) fn sync_question(&self) -> Option<Value> {
        self.sync.position.as_ref().map(|position| json!(position))
    }

    pub(super) fn sync_answered(&mut self, outcome: Result<Value, Error>) {
        let answer = match outcome {
            Ok(answer) => answer,
            Err(error) => {
                warn!(%error, "sync is refused");
                return;
            }
        };
        let Some(Synced { snapshot, reason, position, conversations }) =
            self.understood(answer, "sync")
        else {
            return;
        };
        if self.sync.is_rebuilding || self.sync.position.is_none() {
            return;
        }
        if snapshot {
            if self.sync.has_caught_up {
                self.sync_snapshot(Snapshot { reason, position });
            }
            return;
        }
        self.moved(conversations, true);
        if self.sync.position.as_ref().is_some_and(|own| own.epoch == position.epoch) {
            self.sync.advance(position.pos);
        }
    }

    /// These conversations moved while the client was away.
    pub(super) fn moved(&mut self, lines: Vec<Moved>, is_all: bool) {
        for line in lines {
            self.has_moved(line);
        }
        if !is_all {
            self.refresh();
        }
    }

    /// What is held of the log is no good; `is_new_life`: not even its numbers.
    fn reset(&mut self, is_new_life: bool) {
        if is_new_life {
            self.receipts.forget();
        }
        self.list.life += 1;
        let open: Vec<_> = self.held.values_mut().filter_map(|held| held.reset()).collect();
        for target in open {
            self.read_newest(&target);
        }
        self.tell(News::Anew);
    }
}
