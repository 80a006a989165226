//! Following against a log that grows: every interleaving of hints, losses, pages and sweeps.

use proptest::prelude::*;

use super::{Follow, Next, Sequenced};
use crate::entry::Epoch;
use crate::ids::Seq;

const EPOCH: Epoch = Epoch(1);

impl Sequenced for u64 {
    fn seq(&self) -> Seq {
        Seq(*self)
    }
}

/// What can happen between two moments of the node.
#[derive(Debug, Clone)]
enum Step {
    /// The log grows by one; its hint goes on its way.
    Commit,
    /// One of the hints on their way arrives; it stays on its way, so it may arrive again.
    Hint(usize),
    /// One of them is lost.
    Lose(usize),
    /// The read that is under way sees the log.
    See,
    /// It comes back, cut to so many entries, if it has seen the log.
    Answer(usize),
    /// It fails.
    Fail,
    /// The sweep says how far the log goes.
    Sweep,
    /// A hint of another life of the log arrives.
    Stray(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Commit),
        4 => (0usize..8).prop_map(Step::Hint),
        2 => (0usize..8).prop_map(Step::Lose),
        2 => Just(Step::See),
        2 => (0usize..4).prop_map(Step::Answer),
        1 => Just(Step::Fail),
        1 => Just(Step::Sweep),
        1 => (1u64..60).prop_map(Step::Stray),
    ];
    prop::collection::vec(step, 0..120)
}

/// A node and the log that it follows.
struct World {
    head: u64,
    under_way: Vec<u64>,
    follow: Follow<u64>,
    /// The read under way: after which entry, and what it saw, once it has.
    read: Option<(u64, Option<u64>)>,
    applied: Vec<u64>,
    reads: usize,
}

impl World {
    fn new(begun: u64, ahead_max: usize) -> Self {
        Self {
            head: begun,
            under_way: Vec::new(),
            follow: Follow::new(EPOCH, Seq(begun), ahead_max),
            read: None,
            applied: Vec::new(),
            reads: 0,
        }
    }

    fn step(&mut self, step: Step) {
        let chosen = |all: &[u64], n: usize| (!all.is_empty()).then(|| n % all.len());
        match step {
            Step::Commit => {
                self.head += 1;
                self.under_way.push(self.head);
            }
            Step::Hint(n) => {
                if let Some(at) = chosen(&self.under_way, n) {
                    let entry = self.under_way[at];
                    self.applied.append(&mut self.follow.hint(EPOCH, entry));
                }
            }
            Step::Lose(n) => {
                if let Some(at) = chosen(&self.under_way, n) {
                    self.under_way.remove(at);
                }
            }
            Step::See => {
                if let Some((_, seen)) = &mut self.read {
                    seen.get_or_insert(self.head);
                }
            }
            Step::Answer(limit) => {
                if let Some((after, Some(head))) = self.read {
                    self.read = None;
                    let page = (after + 1..=head).take(limit).collect();
                    self.applied.append(&mut self.follow.page(page));
                }
            }
            Step::Fail => {
                if self.read.take().is_some() {
                    self.follow.failed();
                }
            }
            Step::Sweep => {
                self.follow.head(EPOCH, Seq(self.head));
                self.follow.retry();
            }
            Step::Stray(seq) => {
                assert_eq!(self.follow.hint(Epoch(2), seq), [0; 0]);
                self.follow.head(Epoch(2), Seq(seq));
            }
        }
        if let Next::Read(after) = self.follow.next() {
            assert!(self.read.is_none(), "one read at a time");
            self.follow.reads();
            self.read = Some((after.0, None));
            self.reads += 1;
        }
    }

    /// No more hints; sweeps and reads go on until all is quiet.
    fn settle(&mut self) {
        for _ in 0..2 * self.head + 4 {
            self.step(Step::Sweep);
            self.step(Step::See);
            self.step(Step::Answer(3));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn each_entry_is_applied_once_and_in_order_whatever_is_lost(
        begun in 0u64..5,
        ahead_max in 0usize..5,
        steps in steps(),
    ) {
        let mut world = World::new(begun, ahead_max);
        for step in steps {
            world.step(step);
            let applied: Vec<u64> = (begun + 1..).take(world.applied.len()).collect();
            prop_assert_eq!(&world.applied, &applied);
            prop_assert!(world.follow.applied().0 <= world.head);
            prop_assert!(world.follow.ahead.len() <= ahead_max);
        }
        world.settle();
        prop_assert_eq!(world.applied, (begun + 1..=world.head).collect::<Vec<_>>());
        prop_assert_eq!(world.follow.next(), Next::Rest);
    }
}

/// Three entries, each hint arriving or lost, in every order, with a read that sees the log and
/// comes back at every pair of moments.
#[test]
fn no_order_of_three_hints_and_a_read_leaves_a_hole() {
    let mut cases = 0;
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for lost in 0..8u32 {
            for (see, answer) in (0..4).flat_map(|see| (see..4).map(move |answer| (see, answer))) {
                for limit in 1..=3 {
                    let mut world = World::new(0, 2);
                    world.step(Step::Commit);
                    world.step(Step::Commit);
                    world.step(Step::Commit);
                    for (moment, hint) in order.into_iter().enumerate() {
                        if lost & 1 << hint == 0 {
                            world.step(Step::Hint(hint));
                        }
                        if moment >= see {
                            world.step(Step::See);
                        }
                        if moment >= answer {
                            world.step(Step::Answer(limit));
                        }
                    }
                    world.settle();
                    assert_eq!(world.applied, [1, 2, 3], "{order:?}, lost {lost:b}");
                    cases += 1;
                }
            }
        }
    }
    assert_eq!(cases, 6 * 8 * 10 * 3);
}

#[test]
fn hints_in_order_cost_no_read() {
    let mut world = World::new(7, 4);
    for _ in 0..9 {
        world.step(Step::Commit);
        world.step(Step::Hint(world.under_way.len() - 1));
    }
    assert_eq!((world.applied.len(), world.reads), (9, 0));
}

#[test]
fn what_comes_while_the_gap_is_read_is_not_forgotten() {
    let mut follow = Follow::new(EPOCH, Seq(0), 4);
    assert!(follow.hint(EPOCH, 2).is_empty());
    assert_eq!(follow.next(), Next::Read(Seq(0)));
    follow.reads();
    assert!(follow.hint(EPOCH, 4).is_empty());
    assert_eq!(follow.page(vec![1]), [1, 2]);
    assert_eq!(follow.next(), Next::Read(Seq(2)), "4 was told of, and 3 lies before it");
}

#[test]
fn beyond_its_bound_the_lowest_are_kept_and_the_rest_is_read() {
    let mut follow = Follow::new(EPOCH, Seq(0), 2);
    for entry in [5, 4, 3, 2] {
        assert!(follow.hint(EPOCH, entry).is_empty());
    }
    assert_eq!(follow.hint(EPOCH, 1), [1, 2, 3]);
    assert_eq!(follow.next(), Next::Read(Seq(3)));
}

#[test]
fn a_read_that_brings_nothing_is_not_repeated_in_a_circle() {
    let mut follow: Follow<u64> = Follow::new(EPOCH, Seq(3), 2);
    follow.head(EPOCH, Seq(5));
    follow.reads();
    assert!(follow.page(Vec::new()).is_empty());
    assert_eq!(follow.next(), Next::Rest);
    follow.head(EPOCH, Seq(5));
    assert_eq!(follow.next(), Next::Rest, "nothing new was heard");
    follow.retry();
    assert_eq!(follow.next(), Next::Read(Seq(3)));
    follow.reads();
    follow.failed();
    assert_eq!(follow.next(), Next::Rest);
    follow.head(EPOCH, Seq(6));
    assert_eq!(follow.next(), Next::Read(Seq(3)));
}
