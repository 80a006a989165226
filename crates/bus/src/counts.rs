//! What a bus counts.

use std::sync::atomic::{AtomicU64, Ordering};

use parlor_chat::bus::BusStats;

/// The counters of one bus.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) nodes: AtomicU64,
    pub(crate) published: AtomicU64,
    pub(crate) published_bytes: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) heard: AtomicU64,
    pub(crate) passed_over: AtomicU64,
    pub(crate) missed: AtomicU64,
}

impl Counts {
    /// Adds to one of them.
    pub(crate) fn add(counter: &AtomicU64, more: u64) {
        counter.fetch_add(more, Ordering::Relaxed);
    }

    /// A reading, but for what only the backend knows.
    pub(crate) fn read(&self) -> BusStats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BusStats {
            is_up: false,
            nodes: of(&self.nodes),
            published: of(&self.published),
            published_bytes: of(&self.published_bytes),
            dropped: of(&self.dropped),
            heard: of(&self.heard),
            passed_over: of(&self.passed_over),
            missed: of(&self.missed),
            queued: 0,
            unseated: 0,
        }
    }
}
