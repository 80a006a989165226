//! How a node follows a log that others write to, by hints that may get lost.
//!
//! ```text
//! a hint, in order ─────────────────────────────► applied
//! a hint ahead ──► kept aside ──┐
//! a head (sweep) ──► "behind" ──┴► Read ──page──► applied, then what was kept aside
//! ```
//!
//! A hint is an entry that another node committed, or one's own store. The bus may drop, repeat,
//! delay and reorder hints, so one is applied only if the entry before it was; otherwise the gap is
//! read from the store. A tail whose hints were all lost shows in nothing that comes later: the
//! sweep, which asks the store for the heads of the followed logs every few seconds, finds it
//! ([`Follow::head`]). Whoever applies the entries changes rooms by those that are about membership
//! before it goes on to the next, so a room never hears an entry from before its own change.
//!
//! What always holds: each entry is given out once, in seq order, without a gap, from the one after
//! where the following began. Hints and heads of another life of the log are passed over. What is
//! kept aside is bounded: beyond it only the highest seq is known, and read up to. A read that
//! brings nothing new is not repeated until something else is heard or the next sweep
//! ([`Follow::retry`]), so that a copy which lags behind is not asked in a circle; but that there
//! is more is never forgotten. The driver asks [`Follow::next`] after each report; nothing here
//! waits, so every interleaving can be tested.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::entry::{Entry, Epoch};
use crate::ids::Seq;

/// Has a place in a log.
pub trait Sequenced {
    /// 1, 2, 3, … without gaps.
    fn seq(&self) -> Seq;
}

impl Sequenced for Arc<Entry> {
    fn seq(&self) -> Seq {
        self.seq
    }
}

/// What the driver has to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing: all that is known of is applied, or a read is under way.
    Rest,
    /// Read the log after this entry, oldest first; say so by [`Follow::reads`], and report by
    /// [`Follow::page`] or [`Follow::failed`].
    Read(Seq),
}

/// One log, as far as this node has applied it.
#[derive(Debug)]
pub struct Follow<E> {
    epoch: Epoch,
    applied: Seq,
    /// The highest seq known to exist; at least `applied`.
    head: Seq,
    /// Entries that came before their turn, none at or below `applied + 1`.
    ahead: BTreeMap<Seq, E>,
    ahead_max: usize,
    reading: bool,
    /// The last read brought nothing.
    stalled: bool,
}

impl<E: Sequenced> Follow<E> {
    /// Follows a log in one life, everything up to `applied` being known already; keeps at most
    /// `ahead_max` entries aside.
    pub fn new(epoch: Epoch, applied: Seq, ahead_max: usize) -> Self {
        let (head, ahead) = (applied, BTreeMap::new());
        Self { epoch, applied, head, ahead, ahead_max, reading: false, stalled: false }
    }

    /// Up to here everything was given out.
    pub fn applied(&self) -> Seq {
        self.applied
    }

    /// What to do next.
    pub fn next(&self) -> Next {
        if self.reading || self.stalled || self.head <= self.applied {
            Next::Rest
        } else {
            Next::Read(self.applied)
        }
    }

    /// Whether more is known to exist than is applied.
    pub fn is_behind(&self) -> bool {
        self.head > self.applied
    }

    /// Takes an entry that came by itself; gives those to apply now, in order.
    pub fn hint(&mut self, epoch: Epoch, entry: E) -> Vec<E> {
        if epoch != self.epoch || entry.seq() <= self.applied {
            return Vec::new();
        }
        let seq = entry.seq();
        self.head(epoch, seq);
        if seq.0 == self.applied.0 + 1 {
            return self.apply(vec![entry]);
        }
        self.ahead.insert(seq, entry);
        if self.ahead.len() > self.ahead_max {
            // The lowest are needed first; what is dropped lies behind a gap and is read with it.
            self.ahead.pop_last();
        }
        Vec::new()
    }

    /// Takes that the log goes up to `head`, as the sweep found or a hint without a body says.
    pub fn head(&mut self, epoch: Epoch, head: Seq) {
        if epoch == self.epoch && head > self.head {
            self.head = head;
            self.stalled = false;
        }
    }

    /// Lets a read that brought nothing be tried again.
    pub fn retry(&mut self) {
        self.stalled = false;
    }

    /// Takes that the read which [`Follow::next`] asked for is under way.
    pub fn reads(&mut self) {
        self.reading = true;
    }

    /// Takes a page of the log, in order; gives the entries to apply now, in order. It may begin
    /// before what is applied by now, since hints go on while it is read, and may be cut anywhere.
    pub fn page(&mut self, page: Vec<E>) -> Vec<E> {
        self.reading = false;
        let applied = self.apply(page);
        self.stalled = applied.is_empty();
        applied
    }

    /// Takes that the read came to nothing.
    pub fn failed(&mut self) {
        self.reading = false;
        self.stalled = true;
    }

    /// What of these, and then of what was kept aside, goes on where `applied` ends.
    fn apply(&mut self, entries: Vec<E>) -> Vec<E> {
        let mut next = Vec::with_capacity(entries.len());
        for entry in entries {
            if entry.seq().0 == self.applied.0 + 1 {
                self.applied = entry.seq();
                next.push(entry);
            }
        }
        while let Some(first) = self.ahead.first_entry() {
            if first.key().0 > self.applied.0 + 1 {
                break;
            }
            let entry = first.remove();
            if entry.seq() > self.applied {
                self.applied = entry.seq();
                next.push(entry);
            }
        }
        self.head = self.head.max(self.applied);
        self.stalled &= next.is_empty();
        next
    }
}

#[cfg(test)]
mod tests;
