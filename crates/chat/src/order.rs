//! In which order a node gives out what all nodes commit: by position, each once, without a gap.
//!
//! ```text
//! own commits ──────────┐
//! other nodes' hints ───┼─ next ──► given out, then what was kept aside behind it
//! pages of the log ─────┘  early ─► kept aside: the node is behind, a page is read
//! ```
//!
//! Entries come three ways: those this node committed itself, those another node told of (hints, which may
//! be lost, doubled or out of order), and pages of the log that were read. One that comes before its turn is
//! kept aside. A page says up to where it reads, since what was removed for its age has left no row.
//!
//! What a connection of this node said has to be known as such, or it would hear it as if from elsewhere.
//! So the writer names its entries before it commits them ([`Order::expect`]), by their places in their
//! conversations, since it may not know their positions yet: a page that shows them first shows them with
//! their origin.
//!
//! When a page is read, and when who waits for a commit is answered, [`Follower`] decides.
//!
//! What always holds: each entry is given out once, and none before all that lie below it were, or are gone
//! from the log. Where a page differs from what was kept aside the page is believed, and it is counted. What
//! is kept aside is bounded: beyond it the highest are dropped, and read when their turn comes; of own ones
//! the origin is kept, for eight times as many. What is heard of another life of the log must not come here.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::entry::Entry;
use crate::store::{Committed, Origin};

mod follower;

pub use self::follower::{ANSWER_MAX, Follower, HINT_MAX, PAUSE, Page};

/// For each entry that is kept aside at most, so many that are not any more, but whose origin is.
const ORIGINS_PER_AHEAD: usize = 8;

/// The log as far as this node has given it out.
#[derive(Debug)]
pub struct Order {
    applied: u64,
    /// The highest position known to exist; at least `applied`.
    head: u64,
    /// What came before its turn, by position, none at or below `applied + 1`.
    ahead: BTreeMap<u64, Committed>,
    ahead_max: usize,
    /// Of own entries that there was no room for, where they come from.
    own: BTreeMap<u64, Origin>,
    /// What the transaction under way would commit.
    expected: Vec<Committed>,
    repaired: u64,
    mismatches: u64,
}

impl Order {
    /// Everything up to `applied` counts as given out; at most `ahead_max` entries are kept aside.
    pub fn new(applied: u64, ahead_max: usize) -> Self {
        Self {
            applied,
            head: applied,
            ahead: BTreeMap::new(),
            ahead_max,
            own: BTreeMap::new(),
            expected: Vec::new(),
            repaired: 0,
            mismatches: 0,
        }
    }

    /// Up to here everything was given out.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// Whether there is more than was given out.
    pub fn is_behind(&self) -> bool {
        self.head > self.applied
    }

    /// How many entries were found by reading the log that nothing had told of before.
    pub fn repaired(&self) -> u64 {
        self.repaired
    }

    /// How often two different entries claimed one position, before either was given out.
    pub fn mismatches(&self) -> u64 {
        self.mismatches
    }

    /// Takes what is about to be committed here; it may come to nothing. Its positions do not matter.
    pub fn expect(&mut self, entries: Vec<Committed>) {
        self.expected = entries;
    }

    /// Takes that the log goes up to there.
    pub fn seen(&mut self, head: u64) {
        self.head = self.head.max(head);
    }

    /// Takes entries that were committed; gives what is to be given out now, in order.
    pub fn heard(&mut self, entries: impl IntoIterator<Item = Committed>) -> Vec<Committed> {
        let mut out = Vec::new();
        for committed in entries {
            let position = committed.entry.position.0;
            self.seen(position);
            if position == self.applied + 1 {
                self.give(committed, &mut out);
            } else if position > self.applied {
                self.keep(committed);
            }
        }
        out
    }

    /// Takes a page of the log: all there is after some position at or below `applied`, up to `up_to`.
    pub fn page(&mut self, entries: Vec<Arc<Entry>>, up_to: u64) -> Vec<Committed> {
        let mut out = Vec::new();
        self.seen(up_to);
        for entry in entries {
            let position = entry.position.0;
            if position > self.applied && position <= up_to {
                let origin = self.read(&entry);
                // What lies between was removed.
                self.applied = position - 1;
                self.give(Committed { entry, origin }, &mut out);
            }
        }
        if up_to > self.applied {
            self.applied = up_to;
            self.ahead = self.ahead.split_off(&(up_to + 1));
            self.own = self.own.split_off(&(up_to + 1));
            self.go_on(&mut out);
        }
        out
    }

    /// From which connection of this node an entry came that was read.
    fn read(&mut self, entry: &Entry) -> Origin {
        let kept = self.ahead.get(&entry.position.0);
        let own = self.own.get(&entry.position.0);
        match kept {
            None if own.is_some() => {}
            None if self.expected.iter().any(|it| is_same(&it.entry, entry)) => {}
            None => self.repaired += 1,
            Some(kept) if !is_same(&kept.entry, entry) => self.mismatches += 1,
            Some(_) => {}
        }
        let expected = self.expected.iter().find(|it| {
            is_same(&it.entry, entry)
                && it.entry.client_id == entry.client_id
                && it.entry.ts == entry.ts
        });
        let known = kept.or(expected).map(|it| it.origin);
        known.or(own.copied()).unwrap_or(Origin::of(0))
    }

    fn give(&mut self, committed: Committed, out: &mut Vec<Committed>) {
        self.applied = committed.entry.position.0;
        self.ahead.remove(&self.applied);
        self.own.remove(&self.applied);
        out.push(committed);
        self.go_on(out);
    }

    /// Gives what was kept aside and is next.
    fn go_on(&mut self, out: &mut Vec<Committed>) {
        while let Some(next) = self.ahead.remove(&(self.applied + 1)) {
            self.applied += 1;
            out.push(next);
        }
        self.head = self.head.max(self.applied);
    }

    fn keep(&mut self, committed: Committed) {
        let kept =
            self.ahead.entry(committed.entry.position.0).or_insert_with(|| committed.clone());
        if !is_same(&kept.entry, &committed.entry) {
            self.mismatches += 1;
        }
        if committed.origin != Origin::of(0) {
            kept.origin = committed.origin;
        }
        if self.ahead.len() > self.ahead_max {
            // The lowest are needed first; what is dropped is read, which does not say whose it is.
            let dropped = self.ahead.pop_last().filter(|(_, it)| it.origin != Origin::of(0));
            self.own.extend(dropped.map(|(position, it)| (position, it.origin)));
            if self.own.len() > self.ahead_max.saturating_mul(ORIGINS_PER_AHEAD) {
                self.own.pop_last();
            }
        }
    }
}

/// Whether both are the same entry of the same log.
fn is_same(one: &Entry, other: &Entry) -> bool {
    one.conversation == other.conversation && one.seq == other.seq && one.from == other.from
}

#[cfg(test)]
mod tests;
