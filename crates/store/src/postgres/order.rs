//! In which order a node gives out what all nodes commit: by position, each once, without a gap.
//!
//! Entries come three ways: those this node committed itself, those another node told of (hints, which may
//! be lost, doubled or out of order), and pages of the log that were read. One that comes before its turn is
//! kept aside. A page says up to where it reads, since what was removed for its age has left no row.
//!
//! What a connection of this node said has to be known as such, or it would hear it as if from elsewhere.
//! So the writer names its entries before it commits them ([`Order::expect`]): a page that shows them first
//! shows them with their origin.

use std::collections::BTreeMap;
use std::sync::Arc;

use parlor_chat::entry::Entry;
use parlor_chat::store::{Committed, Origin};

/// The log as far as this node has given it out.
#[derive(Debug)]
pub(crate) struct Order {
    applied: u64,
    /// The highest position known to exist; at least `applied`.
    head: u64,
    /// What came before its turn, by position, none at or below `applied + 1`.
    ahead: BTreeMap<u64, Committed>,
    ahead_max: usize,
    /// What the transaction under way would commit.
    expected: Vec<Committed>,
    repaired: u64,
    mismatches: u64,
}

impl Order {
    /// Everything up to `applied` counts as given out; at most `ahead_max` entries are kept aside.
    pub(crate) fn new(applied: u64, ahead_max: usize) -> Self {
        let (ahead, expected) = (BTreeMap::new(), Vec::new());
        Self { applied, head: applied, ahead, ahead_max, expected, repaired: 0, mismatches: 0 }
    }

    /// Up to here everything was given out.
    pub(crate) fn applied(&self) -> u64 {
        self.applied
    }

    /// Whether there is more than was given out.
    pub(crate) fn is_behind(&self) -> bool {
        self.head > self.applied
    }

    /// How many entries were found by reading the log that nothing had told of before.
    pub(crate) fn repaired(&self) -> u64 {
        self.repaired
    }

    /// How often two different entries claimed one position, before either was given out.
    pub(crate) fn mismatches(&self) -> u64 {
        self.mismatches
    }

    /// Takes what is about to be committed here; it may come to nothing.
    pub(crate) fn expect(&mut self, entries: Vec<Committed>) {
        self.expected = entries;
    }

    /// Takes that the log goes up to there.
    pub(crate) fn seen(&mut self, head: u64) {
        self.head = self.head.max(head);
    }

    /// Takes entries that were committed; gives what is to be given out now, in order.
    pub(crate) fn heard(&mut self, entries: impl IntoIterator<Item = Committed>) -> Vec<Committed> {
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
    pub(crate) fn page(&mut self, entries: Vec<Arc<Entry>>, up_to: u64) -> Vec<Committed> {
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
            self.go_on(&mut out);
        }
        out
    }

    /// From which connection of this node an entry came that was read.
    fn read(&mut self, entry: &Entry) -> Origin {
        let kept = self.ahead.get(&entry.position.0);
        match kept {
            None if self.expected.iter().any(|it| is_same(&it.entry, entry)) => {}
            None => self.repaired += 1,
            Some(kept) if !is_same(&kept.entry, entry) => self.mismatches += 1,
            Some(_) => {}
        }
        let expected = self.expected.iter().find(|it| it.entry.position == entry.position);
        let same = |it: &&Committed| {
            it.entry.conversation == entry.conversation
                && it.entry.seq == entry.seq
                && it.entry.from == entry.from
                && it.entry.client_id == entry.client_id
                && it.entry.ts == entry.ts
        };
        kept.or(expected.filter(same)).map_or(Origin::of(0), |it| it.origin)
    }

    fn give(&mut self, committed: Committed, out: &mut Vec<Committed>) {
        self.applied = committed.entry.position.0;
        self.ahead.remove(&self.applied);
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
            // The lowest are needed first; what is dropped is read.
            self.ahead.pop_last();
        }
    }
}

/// Whether both are the same entry of the same log.
fn is_same(one: &Entry, other: &Entry) -> bool {
    one.conversation == other.conversation && one.seq == other.seq && one.from == other.from
}

#[cfg(test)]
mod tests {
    use parlor_chat::entry::{Body, Content, Epoch, Millis, Position};
    use parlor_chat::ids::{ConversationId, Seq, UserId};
    use proptest::prelude::*;

    use super::*;

    fn entry(position: u64) -> Arc<Entry> {
        let (a, b) = (UserId::parse("a").expect("an id"), UserId::parse("b").expect("an id"));
        Arc::new(Entry {
            conversation: ConversationId::direct(&a, &b),
            seq: Seq(position),
            position: Position(position),
            epoch: Epoch(1),
            ts: Millis(position),
            from: a,
            to: Some(b),
            client_id: None,
            envelope: None,
            expires: None,
            body: Body::Said(Content("1".into())),
        })
    }

    fn committed(position: u64) -> Committed {
        // Every third is this node's own.
        let origin = if position.is_multiple_of(3) { Origin::of(position) } else { Origin::of(0) };
        Committed { entry: entry(position), origin }
    }

    #[test]
    fn what_nothing_told_of_counts_as_repaired_and_what_was_kept_aside_does_not() {
        let mut order = Order::new(0, 8);
        order.heard([committed(2), committed(4)]);
        order.page((1..=3).map(entry).collect(), 3);
        assert_eq!((order.applied(), order.repaired(), order.mismatches()), (4, 2, 0));
    }

    #[test]
    fn two_entries_at_one_position_are_a_mismatch_and_what_is_read_is_believed() {
        let mut order = Order::new(0, 8);
        let other = Arc::new(Entry { seq: Seq(9), ..Entry::clone(&entry(2)) });
        order.heard([Committed { entry: other, origin: Origin::of(0) }, committed(2)]);
        assert_eq!(order.mismatches(), 1);
        let given = order.page(vec![entry(2)], 2);
        assert_eq!(given.last().map(|it| it.entry.seq), Some(Seq(2)));
        assert_eq!(order.mismatches(), 2);
    }

    fn positions(given: &[Committed]) -> Vec<u64> {
        given.iter().map(|it| it.entry.position.0).collect()
    }

    #[test]
    fn what_comes_before_its_turn_waits_for_it() {
        let mut order = Order::new(4, 9);
        assert_eq!(positions(&order.heard([committed(7), committed(6)])), [0u64; 0]);
        assert!(order.is_behind());
        assert_eq!(positions(&order.heard([committed(5), committed(5)])), [5, 6, 7]);
        assert!(!order.is_behind());
        assert_eq!(positions(&order.heard([committed(6)])), [0u64; 0]);
    }

    #[test]
    fn a_page_passes_over_what_was_removed() {
        let mut order = Order::new(4, 9);
        order.heard([committed(9), committed(12)]);
        assert_eq!(positions(&order.page(vec![entry(6), entry(8)], 8)), [6, 8, 9]);
        assert!(order.is_behind());
        assert_eq!(positions(&order.page(Vec::new(), 11)), [12]);
        assert!(!order.is_behind());
    }

    #[test]
    fn what_is_read_before_it_is_known_to_be_committed_has_its_origin() {
        let mut order = Order::new(4, 9);
        let mine = Committed { entry: entry(5), origin: Origin::of(77) };
        order.expect(vec![mine.clone()]);
        let given = order.page(vec![entry(5)], 5);
        assert_eq!(given[0].origin, Origin::of(77));
        assert!(order.heard([mine]).is_empty());
        // It came to nothing, and another node's entry has its position.
        let mut order = Order::new(4, 9);
        order.expect(vec![Committed { entry: entry(5), origin: Origin::of(77) }]);
        let mut other = (*entry(5)).clone();
        other.seq = Seq(99);
        assert_eq!(order.page(vec![Arc::new(other)], 5)[0].origin, Origin::of(0));
    }

    proptest! {
        #[test]
        fn each_is_given_once_in_order(
            steps in prop::collection::vec((any::<bool>(), 1u64..40, 0u64..12), 0..60),
            ahead_max in 1usize..12,
        ) {
            let mut order = Order::new(0, ahead_max);
            let mut given = Vec::new();
            for (is_page, at, more) in steps {
                given.extend(if is_page {
                    let from = order.applied();
                    let up_to = from + more;
                    order.page((from + 1..=up_to).map(entry).collect(), up_to)
                } else {
                    order.heard((at..at + more).map(committed))
                });
                prop_assert_eq!(order.applied(), given.len() as u64);
            }
            let up_to = order.applied().max(60);
            let rest = (order.applied() + 1..=up_to).map(entry).collect();
            given.extend(order.page(rest, up_to));
            prop_assert!(positions(&given).into_iter().eq(1..=up_to));
            prop_assert!(!order.is_behind());
        }
    }
}
