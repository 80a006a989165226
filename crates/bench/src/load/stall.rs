//! Connections that are not read any more, until the server has ended each. What they would hear
//! stays unread; only the kernel tells that one is gone.

use std::time::{Duration, Instant};

use mio::event::Event;

use crate::latency::Latency;
use crate::protocol::Reply;

/// Longer than any heartbeat that is measured.
const ENDED_MAX: Duration = Duration::from_secs(180);

/// Connections being ended.
pub(super) struct Stalling {
    is_ended: Vec<bool>,
    left: usize,
    started: Instant,
    ended: Latency,
}

impl Stalling {
    pub(super) fn new(connections: usize) -> Self {
        let started = Instant::now();
        let is_ended = vec![false; connections];
        Self { is_ended, left: connections, started, ended: Latency::new() }
    }

    pub(super) fn on_ready(&mut self, slot: usize, event: &Event) {
        let gone = event.is_error() || event.is_read_closed() || event.is_write_closed();
        if gone && let Some(is_ended @ false) = self.is_ended.get_mut(slot) {
            *is_ended = true;
            self.left -= 1;
            self.ended.record(self.started.elapsed());
        }
    }

    /// Time passes without anything else to be seen.
    pub(super) fn progress(&self) -> u64 {
        self.started.elapsed().as_secs() + 1
    }

    pub(super) fn state(&self) -> String {
        format!("{} of {} connections are left", self.left, self.is_ended.len())
    }

    pub(super) fn reply(&self) -> Option<Reply> {
        if self.left > 0 && self.started.elapsed() > ENDED_MAX {
            return Some(Reply::Failed { why: self.state() });
        }
        (self.left == 0).then(|| Reply::Stalled { ended: self.ended.clone() })
    }
}
