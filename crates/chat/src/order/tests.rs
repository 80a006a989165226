//! One log by hints and pages, by hand and in any interleaving.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::entry::{Body, Content, Epoch, Millis, Position};
use crate::ids::{ConversationId, Seq, UserId};

pub(super) fn entry(position: u64) -> Arc<Entry> {
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

pub(super) fn committed(position: u64) -> Committed {
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
    // Its position is not known before.
    let mut unplaced = (*entry(5)).clone();
    unplaced.position = Position(0);
    order.expect(vec![Committed { entry: Arc::new(unplaced), origin: Origin::of(77) }]);
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

#[test]
fn an_own_entry_that_there_is_no_room_for_is_known_as_such_when_it_is_read() {
    let mine = |position| Committed { entry: entry(position), origin: Origin::of(position) };
    let mut order = Order::new(0, 2);
    for position in 2..=5 {
        order.expect(vec![mine(position)]);
        order.heard([mine(position)]);
    }
    let mut given = order.page(vec![entry(1), entry(2)], 2);
    given.extend(order.page(vec![entry(4), entry(5)], 5));
    let origins: Vec<_> = given.iter().map(|it| it.origin.connection).collect();
    assert_eq!(origins, [0, 2, 3, 4, 5]);
    assert_eq!((order.applied(), order.repaired()), (5, 1));
    assert!(order.own.is_empty());
}

proptest! {
    #[test]
    fn each_is_given_once_in_order_and_own_ones_as_such(
        steps in prop::collection::vec((any::<bool>(), 1u64..40, 0u64..12), 0..60),
        ahead_max in 3usize..12,
    ) {
        let mut order = Order::new(0, ahead_max);
        let mut given = Vec::new();
        let mut heard = BTreeSet::new();
        for (is_page, at, more) in steps {
            let now = if is_page {
                let from = order.applied();
                let up_to = from + more;
                order.page((from + 1..=up_to).map(entry).collect(), up_to)
            } else {
                heard.extend(at..at + more);
                order.heard((at..at + more).map(committed))
            };
            for it in now.iter().filter(|it| heard.contains(&it.entry.position.0)) {
                prop_assert_eq!(it.origin, committed(it.entry.position.0).origin);
            }
            given.extend(now);
            prop_assert_eq!(order.applied(), given.len() as u64);
        }
        let up_to = order.applied().max(60);
        let rest = (order.applied() + 1..=up_to).map(entry).collect();
        given.extend(order.page(rest, up_to));
        prop_assert!(positions(&given).into_iter().eq(1..=up_to));
        prop_assert!(!order.is_behind());
    }
}
