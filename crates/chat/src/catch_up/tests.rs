//! The way of a connecting device against a model of the log, the room and the held buffer.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use proptest::prelude::*;

use super::{CatchUp, Next};
use crate::entry::{Body, Content, Entry, Epoch, Millis, Position};
use crate::ids::{ConversationId, Seq, UserId};
use crate::store::{SincePage, UndeliveredCursor, UndeliveredPage};

fn user(n: usize) -> UserId {
    UserId::parse(&format!("u{n}")).expect("shape")
}

/// The log, the room of the device's user, and the device's connection.
#[derive(Default)]
struct World {
    log: Vec<Arc<Entry>>,
    heads: HashMap<ConversationId, u64>,
    delivered: HashMap<ConversationId, u64>,
    /// Committed, and not yet broadcast.
    inbox: VecDeque<Arc<Entry>>,
    room_position: Position,
    held: Option<Vec<Arc<Entry>>>,
    held_max: usize,
    overflowed: bool,
    /// Once live: what was pushed before, and must not come again from a room that lags.
    live_above: Option<Position>,
    pushed: Vec<Arc<Entry>>,
}

impl World {
    fn commit(&mut self, peer: usize) {
        let conversation = ConversationId::direct(&user(0), &user(peer));
        let head = self.heads.entry(conversation.clone()).or_default();
        *head += 1;
        let entry = Arc::new(Entry {
            conversation,
            seq: Seq(*head),
            position: Position(self.log.len() as u64 + 1),
            epoch: Epoch(1),
            ts: Millis(0),
            from: user(peer),
            to: Some(user(0)),
            client_id: None,
            envelope: None,
            expires: None,
            body: Body::Said(Content("1".into())),
        });
        self.log.push(entry.clone());
        self.inbox.push_back(entry);
    }

    fn broadcast(&mut self) {
        let Some(entry) = self.inbox.pop_front() else { return };
        self.room_position = entry.position;
        if let Some(above) = self.live_above {
            self.pushed.extend(Some(entry).filter(|entry| entry.position > above));
        } else if let Some(held) = &mut self.held {
            if held.len() >= self.held_max {
                self.overflowed = true;
            }
            if self.overflowed {
                held.clear();
            } else {
                held.push(entry);
            }
        }
    }

    fn undelivered(&self, after: Option<UndeliveredCursor>, limit: usize) -> UndeliveredPage {
        let mut missed: Vec<_> = self
            .log
            .iter()
            .filter(|e| e.seq.0 > self.delivered.get(&e.conversation).copied().unwrap_or(0))
            .filter(|e| {
                after
                    .as_ref()
                    .is_none_or(|after| (&e.conversation, e.seq) > (&after.conversation, after.seq))
            })
            .cloned()
            .collect();
        missed.sort_by(|a, b| (&a.conversation, a.seq).cmp(&(&b.conversation, b.seq)));
        let more = missed.len() > limit;
        missed.truncate(limit);
        let next = missed.last().filter(|_| more).map(|last| UndeliveredCursor {
            conversation: last.conversation.clone(),
            seq: last.seq,
        });
        UndeliveredPage { entries: missed, next, as_of: self.head() }
    }

    fn since(&self, after: Position, limit: usize) -> SincePage {
        let later: Vec<_> = self.log.iter().filter(|e| e.position > after).cloned().collect();
        let more = later.len() > limit;
        let entries = later.into_iter().take(limit).collect();
        SincePage { entries, more, as_of: self.head() }
    }

    fn head(&self) -> Position {
        Position(self.log.len() as u64)
    }

    fn others_do(&mut self, others: Vec<Other>) {
        for other in others {
            match other {
                Other::Commit(peer) => self.commit(peer),
                Other::Broadcast => self.broadcast(),
            }
        }
    }

    /// Something more is said, and all is broadcast.
    fn finish(&mut self) {
        self.commit(1);
        while !self.inbox.is_empty() {
            self.broadcast();
        }
    }

    fn release(&mut self, position: Position) -> bool {
        if self.overflowed {
            self.overflowed = false;
            self.held = Some(Vec::new());
            return false;
        }
        let held = self.held.take().expect("joined before");
        self.pushed.extend(held.into_iter().filter(|entry| entry.position > position));
        self.live_above = Some(position);
        true
    }
}

/// What others do between two steps of the device.
#[derive(Debug, Clone)]
enum Other {
    Commit(usize),
    Broadcast,
}

fn others() -> impl Strategy<Value = Vec<Vec<Other>>> {
    let other = prop_oneof![(1usize..4).prop_map(Other::Commit), Just(Other::Broadcast)];
    prop::collection::vec(prop::collection::vec(other, 0..6), 0..40)
}

/// Brings the device to live, others doing something between any two steps.
fn drive(
    world: &mut World,
    mut catch_up: CatchUp,
    page_entries: usize,
    mut between: impl FnMut(&mut World),
) -> bool {
    loop {
        between(world);
        match catch_up.next() {
            Next::ReadUndelivered(after) => {
                let page = world.undelivered(after, page_entries);
                between(world);
                world.pushed.extend(catch_up.page(page));
            }
            Next::Join => {
                world.held = Some(Vec::new());
                let position = world.room_position;
                between(world);
                catch_up.joined(position);
            }
            Next::ReadSince(after) => {
                let page = world.since(after, page_entries);
                between(world);
                world.pushed.extend(catch_up.since(page));
            }
            Next::Release(position) => {
                if world.release(position) {
                    catch_up.released();
                } else {
                    catch_up.overflowed();
                }
            }
            Next::Rest => return true,
            Next::GiveUp => return false,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn each_entry_is_pushed_once_and_in_order_whatever_comes_between(
        before in prop::collection::vec(1usize..4, 0..30),
        had in prop::collection::vec(0u64..12, 3),
        others in others(),
        page_entries in 1usize..6,
        held_max in 0usize..4,
    ) {
        let mut world = World { held_max, ..World::default() };
        for peer in before {
            world.commit(peer);
        }
        for (i, had) in had.into_iter().enumerate() {
            let conversation = ConversationId::direct(&user(0), &user(i + 1));
            let head = world.heads.get(&conversation).copied().unwrap_or(0);
            world.delivered.insert(conversation, had.min(head));
        }
        let mut others = others.into_iter();
        let between = |world: &mut World| world.others_do(others.next().unwrap_or_default());
        prop_assert!(drive(&mut world, CatchUp::new(u32::MAX), page_entries, between), "gave up");
        world.finish();

        let mut next: HashMap<_, u64> = world.delivered.clone();
        for entry in &world.pushed {
            let next = next.entry(entry.conversation.clone()).or_default();
            *next += 1;
            prop_assert_eq!(entry.seq.0, *next, "in {}", entry.conversation);
        }
        for (conversation, head) in &world.heads {
            prop_assert_eq!(next.get(conversation).copied().unwrap_or(0), *head);
        }
    }

    #[test]
    fn a_device_that_resumes_gets_exactly_what_came_since_in_commit_order(
        before in prop::collection::vec(1usize..4, 0..30),
        had in 0u64..40,
        others in others(),
        page_entries in 1usize..6,
        held_max in 0usize..4,
    ) {
        let mut world = World { held_max, ..World::default() };
        for peer in before {
            world.commit(peer);
        }
        let had = had.min(world.head().0);
        let mut others = others.into_iter();
        let between = |world: &mut World| world.others_do(others.next().unwrap_or_default());
        let catch_up = CatchUp::resuming(Position(had), u32::MAX);
        prop_assert!(drive(&mut world, catch_up, page_entries, between), "gave up");
        world.finish();
        let pushed: Vec<_> = world.pushed.iter().map(|entry| entry.position.0).collect();
        prop_assert_eq!(pushed, (had + 1..=world.head().0).collect::<Vec<_>>());
    }
}

/// Every order in which two commits and their broadcasts can come between the device's steps, for
/// each way of starting and each size of page and buffer that makes a difference.
#[test]
fn no_interleaving_of_two_commits_leaves_a_hole() {
    let mut cases = 0;
    for (page_entries, held_max) in [(1, 0), (1, 1), (1, 9), (9, 0), (9, 1), (9, 9)] {
        for had in 0..=2 {
            for slots in 0..7_usize.pow(4) {
                // In which of the gaps between steps each of the four things happens.
                let slot = |n: u32| slots / 7_usize.pow(n) % 7;
                let (first, second) = (slot(0), slot(1));
                let (told, told_second) = (slot(2), slot(3));
                if second < first || told < first || told_second < told.max(second) {
                    continue;
                }
                for resumes in [false, true] {
                    let mut world = World { held_max, ..World::default() };
                    world.commit(1);
                    world.commit(2);
                    world.broadcast();
                    world.broadcast();
                    for n in 0..had {
                        let peer = ConversationId::direct(&user(0), &user(n + 1));
                        world.delivered.insert(peer, 1);
                    }
                    let catch_up = if resumes {
                        CatchUp::resuming(Position(had as u64), u32::MAX)
                    } else {
                        CatchUp::new(u32::MAX)
                    };
                    let mut step = 0;
                    let live = drive(&mut world, catch_up, page_entries, |world| {
                        for at in [first, second] {
                            (at == step).then(|| world.commit(1));
                        }
                        for at in [told, told_second] {
                            (at == step).then(|| world.broadcast());
                        }
                        step += 1;
                    });
                    assert!(live);
                    world.finish();
                    let mut next = world.delivered.clone();
                    for entry in &world.pushed {
                        let next = next.entry(entry.conversation.clone()).or_default();
                        *next += 1;
                        assert_eq!(entry.seq.0, *next, "slots {slots}, had {had}, {resumes}");
                    }
                    assert_eq!(next.values().sum::<u64>(), world.head().0);
                    cases += 1;
                }
            }
        }
    }
    assert!(cases > 5_000, "{cases} interleavings");
}

fn empty_page(as_of: u64) -> UndeliveredPage {
    UndeliveredPage { entries: Vec::new(), next: None, as_of: Position(as_of) }
}

fn empty_since(as_of: u64) -> SincePage {
    SincePage { entries: Vec::new(), more: false, as_of: Position(as_of) }
}

#[test]
fn a_device_that_missed_nothing_is_live_after_one_read() {
    let mut catch_up = CatchUp::new(1);
    catch_up.page(empty_page(5));
    catch_up.joined(Position(5));
    assert_eq!(catch_up.next(), Next::Release(Position(5)));
    catch_up.released();
    assert!(catch_up.is_live());
}

#[test]
fn a_room_that_was_further_than_the_read_is_read_up_to() {
    let mut catch_up = CatchUp::new(1);
    assert_eq!(catch_up.next(), Next::ReadUndelivered(None));
    catch_up.page(empty_page(5));
    assert_eq!(catch_up.next(), Next::Join);
    catch_up.joined(Position(6));
    assert_eq!(catch_up.next(), Next::ReadSince(Position(5)));
    catch_up.since(empty_since(7));
    assert_eq!(catch_up.next(), Next::Release(Position(7)));
    catch_up.released();
    assert!(catch_up.is_live());
}

#[test]
fn a_read_from_before_the_join_is_repeated() {
    let mut catch_up = CatchUp::new(1);
    catch_up.page(empty_page(5));
    catch_up.joined(Position(9));
    catch_up.since(empty_since(8));
    assert_eq!(catch_up.next(), Next::ReadSince(Position(8)));
}

#[test]
fn a_device_that_keeps_overflowing_is_given_up() {
    let mut catch_up = CatchUp::new(1);
    catch_up.page(empty_page(1));
    catch_up.joined(Position(2));
    catch_up.since(empty_since(2));
    catch_up.overflowed();
    assert_eq!(catch_up.next(), Next::ReadSince(Position(2)));
    catch_up.since(empty_since(3));
    catch_up.overflowed();
    assert_eq!(catch_up.next(), Next::GiveUp);
}

#[test]
fn a_report_out_of_turn_gives_up_instead_of_leaving_a_hole() {
    let mut catch_up = CatchUp::new(1);
    catch_up.joined(Position(1));
    assert_eq!(catch_up.next(), Next::GiveUp);
    let mut catch_up = CatchUp::new(1);
    assert!(catch_up.since(empty_since(1)).is_empty());
    assert_eq!(catch_up.next(), Next::GiveUp);
}
