//! Keeps a connection's sends in order when one of them fails.
//!
//! A client may have several sends under way. If one fails and will be sent again, those after
//! it in the same conversation must not overtake it: they fail with `aborted` and queue up behind
//! it, and each is let through once everything before it was sent again. A failed send is waited
//! for until the client seems to have given it up: its delay has passed, and [`IN_FLIGHT_MS`] more
//! if it can be known again by its key. So long may another be under way that the client wrote
//! before it heard of the failure; to take that for a new beginning would let it overtake.
//!
//! What failed is kept in the order in which it came ([`Order`]), not in which it failed: a send
//! that is refused at once fails before an earlier one that the store refuses later.
//!
//! One [`Aborts`] belongs to one connection; while nothing fails it holds no memory. Beyond its
//! bounds it forgets the oldest conversation, or does not note a further send, which then may
//! overtake: order is kept for what fits.

use crate::entry::Millis;
use crate::ids::{ClientId, ConversationId};
use crate::refusal::Refusal;

/// Failed sends noted per conversation; as many as may be in flight.
pub const ABORTED_SENDS_MAX: usize = 64;

/// How long the network may hold up what a client wrote before it heard of a failure, in
/// milliseconds, beyond the delay that the failure named.
pub const IN_FLIGHT_MS: u64 = 5_000;

/// When a send came: one that came later has a higher number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order(pub u64);

/// The conversations of one connection on which a send failed and was not yet sent again.
#[derive(Debug, Default)]
pub struct Aborts {
    blocked: Vec<Blocked>,
}

#[derive(Debug)]
struct Blocked {
    conversation: ConversationId,
    /// What failed and has not yet got through, in the order first sent.
    sends: Vec<Send>,
}

#[derive(Debug)]
struct Send {
    /// `None` for a send without a key, which cannot be known again.
    key: Option<ClientId>,
    /// When it first came.
    order: Order,
    /// When the client may send it again.
    until: Millis,
    /// Whether it was let through again and its outcome is awaited.
    under_way: bool,
}

impl Aborts {
    /// Whether a send may go to the store now. A refused one is noted as failed.
    ///
    /// # Errors
    /// [`Refusal::Aborted`] when an earlier send in that conversation has to come first.
    pub fn admit(
        &mut self,
        conversation: &ConversationId,
        key: Option<&ClientId>,
        order: Order,
        now: Millis,
    ) -> Result<(), Refusal> {
        if self.blocked.is_empty() {
            return Ok(());
        }
        self.forget_given_up(now);
        let Some(blocked) = self.blocked.iter_mut().find(|b| &b.conversation == conversation)
        else {
            return Ok(());
        };
        let known = blocked.place(key);
        let at = known.unwrap_or_else(|| blocked.place_of(order));
        if blocked.sends[..at].iter().all(|earlier| earlier.under_way) {
            if known.is_some() {
                blocked.sends[at].under_way = true;
            }
            return Ok(());
        }
        let until = blocked.sends[..at].iter().map(|earlier| earlier.until).max();
        let refusal = match until.map_or(0, |until| until.0.saturating_sub(now.0)) {
            0 => Refusal::aborted(),
            retry_after_ms => Refusal::Aborted { retry_after_ms },
        };
        let delay_ms = refusal.retry_after_ms().unwrap_or(0);
        blocked.note(key, order, Millis(now.0.saturating_add(delay_ms)));
        Err(refusal)
    }

    /// Notes that a send failed and that the client was told to retry after `retry_after_ms`.
    /// `conversations_max` bounds how many conversations are remembered.
    pub fn failed(
        &mut self,
        conversation: &ConversationId,
        key: Option<&ClientId>,
        order: Order,
        now: Millis,
        retry_after_ms: u64,
        conversations_max: usize,
    ) {
        let until = Millis(now.0.saturating_add(retry_after_ms));
        self.forget_given_up(now);
        if let Some(blocked) = self.blocked.iter_mut().find(|b| &b.conversation == conversation) {
            blocked.note(key, order, until);
            return;
        }
        if until <= now || conversations_max == 0 {
            return;
        }
        if self.blocked.len() >= conversations_max {
            self.blocked.remove(0);
        }
        let mut blocked = Blocked { conversation: conversation.clone(), sends: Vec::new() };
        blocked.note(key, order, until);
        self.blocked.push(blocked);
    }

    fn forget_given_up(&mut self, now: Millis) {
        self.blocked.retain_mut(|blocked| {
            blocked.sends.retain(|send| send.is_waited_for(now));
            !blocked.sends.is_empty()
        });
    }

    /// Notes that a send needs no retry any more: it was kept, or refused for good.
    pub fn settled(&mut self, conversation: &ConversationId, key: Option<&ClientId>) {
        if self.blocked.is_empty() || key.is_none() {
            return;
        }
        for blocked in &mut self.blocked {
            if &blocked.conversation == conversation {
                blocked.sends.retain(|send| send.key.as_ref() != key);
            }
        }
        self.blocked.retain(|blocked| !blocked.sends.is_empty());
    }
}

impl Send {
    /// Whether the client may still send it again, or something be under way that it wrote before
    /// it heard of the failure.
    fn is_waited_for(&self, now: Millis) -> bool {
        let in_flight_ms = if self.key.is_some() { IN_FLIGHT_MS } else { 0 };
        self.until.0.saturating_add(in_flight_ms) > now.0
    }
}

impl Blocked {
    /// Where a send stands that failed before.
    fn place(&self, key: Option<&ClientId>) -> Option<usize> {
        let known = |send: &Send| key.is_some() && send.key.as_ref() == key;
        self.sends.iter().position(known)
    }

    /// Where a send belongs that has not failed before.
    fn place_of(&self, order: Order) -> usize {
        self.sends.partition_point(|send| send.order < order)
    }

    fn note(&mut self, key: Option<&ClientId>, order: Order, until: Millis) {
        // A repeat may fail before what it repeats: its place is that of the one that came first.
        let known = self.place(key).map(|at| self.sends.remove(at));
        let (order, until) =
            known.map_or((order, until), |known| (known.order.min(order), known.until.max(until)));
        let send = Send { key: key.cloned(), order, until, under_way: false };
        self.sends.insert(self.place_of(order), send);
        self.sends.truncate(ABORTED_SENDS_MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;
    use crate::ids::UserId;

    fn conversation(n: usize) -> ConversationId {
        let user = |text: &str| UserId::parse(text).expect("shape");
        ConversationId::direct(&user("a"), &user(&format!("b{n}")))
    }

    fn key(n: usize) -> ClientId {
        ClientId::parse(&format!("k{n}")).expect("shape")
    }

    fn order(n: usize) -> Order {
        Order(n as u64)
    }

    const NOW: Millis = Millis(1_000);

    #[test]
    fn later_sends_wait_for_the_failed_one() {
        let mut aborts = Aborts::default();
        let chat = conversation(1);
        aborts.failed(&chat, Some(&key(1)), order(1), NOW, 100, 8);
        let refused = aborts.admit(&chat, Some(&key(2)), order(2), Millis(1_040));
        assert_eq!(refused, Err(Refusal::Aborted { retry_after_ms: 60 }));
        assert_eq!(aborts.admit(&chat, Some(&key(1)), order(1), Millis(1_040)), Ok(()));
        assert_eq!(aborts.admit(&chat, Some(&key(2)), order(2), Millis(1_040)), Ok(()));
        assert_eq!(aborts.admit(&chat, Some(&key(3)), order(3), Millis(1_040)), Ok(()));
        aborts.settled(&chat, Some(&key(1)));
        aborts.settled(&chat, Some(&key(2)));
        assert!(aborts.blocked.is_empty());
    }

    #[test]
    fn an_aborted_send_is_waited_for_too() {
        let mut aborts = Aborts::default();
        let chat = conversation(1);
        aborts.failed(&chat, Some(&key(1)), order(1), NOW, 100, 8);
        assert!(aborts.admit(&chat, Some(&key(2)), order(2), NOW).is_err());
        assert!(aborts.admit(&chat, Some(&key(1)), order(1), NOW).is_ok());
        assert!(aborts.admit(&chat, Some(&key(3)), order(3), NOW).is_err());
        assert!(aborts.admit(&chat, Some(&key(2)), order(2), NOW).is_ok());
        assert!(aborts.admit(&chat, Some(&key(3)), order(3), NOW).is_ok());
    }

    #[test]
    fn a_retry_that_fails_again_keeps_its_place() {
        let mut aborts = Aborts::default();
        let chat = conversation(1);
        aborts.failed(&chat, Some(&key(1)), order(1), NOW, 100, 8);
        aborts.failed(&chat, Some(&key(2)), order(2), NOW, 100, 8);
        assert!(aborts.admit(&chat, Some(&key(1)), order(1), NOW).is_ok());
        aborts.failed(&chat, Some(&key(1)), order(1), NOW, 100, 8);
        assert!(aborts.admit(&chat, Some(&key(2)), order(2), NOW).is_err());
        assert!(aborts.admit(&chat, Some(&key(1)), order(1), NOW).is_ok());
    }

    #[test]
    fn a_failure_that_comes_late_keeps_the_place_of_its_send() {
        let mut aborts = Aborts::default();
        let chat = conversation(1);
        aborts.failed(&chat, Some(&key(4)), order(4), NOW, 100, 8);
        aborts.failed(&chat, Some(&key(1)), order(1), NOW, 100, 8);
        assert!(aborts.admit(&chat, Some(&key(4)), order(5), NOW).is_err());
        assert!(aborts.admit(&chat, Some(&key(1)), order(6), NOW).is_ok());
        assert!(aborts.admit(&chat, Some(&key(4)), order(7), NOW).is_ok());
    }

    #[test]
    fn a_repeat_that_fails_first_has_the_place_of_what_it_repeats() {
        let mut aborts = Aborts::default();
        let chat = conversation(1);
        // Both are with the store when the first comes again and is refused at once; then both fail.
        aborts.failed(&chat, Some(&key(1)), order(3), NOW, 100, 8);
        aborts.failed(&chat, Some(&key(1)), order(1), NOW, 100, 8);
        aborts.failed(&chat, Some(&key(2)), order(2), NOW, 100, 8);
        assert!(aborts.admit(&chat, Some(&key(2)), order(4), NOW).is_err());
        assert!(aborts.admit(&chat, Some(&key(1)), order(5), NOW).is_ok());
        assert!(aborts.admit(&chat, Some(&key(2)), order(6), NOW).is_ok());
    }

    #[test]
    fn other_conversations_go_on() {
        let mut aborts = Aborts::default();
        aborts.failed(&conversation(1), Some(&key(1)), order(1), NOW, 100, 8);
        assert!(aborts.admit(&conversation(2), None, order(2), NOW).is_ok());
    }

    #[test]
    fn a_failure_without_a_key_holds_back_for_its_delay() {
        let mut aborts = Aborts::default();
        aborts.failed(&conversation(1), None, order(1), NOW, 100, 8);
        assert!(aborts.admit(&conversation(1), None, order(2), Millis(1_099)).is_err());
        assert!(aborts.admit(&conversation(1), None, order(2), Millis(1_100)).is_ok());
        assert!(aborts.blocked.is_empty());
    }

    #[test]
    fn what_was_under_way_when_its_sender_heard_of_the_failure_does_not_overtake() {
        let mut aborts = Aborts::default();
        let chat = conversation(1);
        aborts.failed(&chat, Some(&key(1)), order(1), NOW, 100, 8);
        let late = Millis(NOW.0 + 100 + IN_FLIGHT_MS - 1);
        assert_eq!(aborts.admit(&chat, Some(&key(2)), order(2), late), Err(Refusal::aborted()));
        assert!(aborts.admit(&chat, Some(&key(1)), order(1), late).is_ok());
        assert!(aborts.admit(&chat, Some(&key(2)), order(2), late).is_ok());
    }

    #[test]
    fn a_send_that_was_given_up_holds_nothing_back_for_ever() {
        let mut aborts = Aborts::default();
        let chat = conversation(1);
        aborts.failed(&chat, Some(&key(1)), order(1), NOW, 100, 8);
        let later = Millis(NOW.0 + 100 + IN_FLIGHT_MS);
        assert!(aborts.admit(&chat, Some(&key(2)), order(2), later).is_ok());
        assert!(aborts.blocked.is_empty());
    }

    #[test]
    fn failures_of_later_sends_do_not_prolong_the_wait_for_one_that_was_given_up() {
        let mut aborts = Aborts::default();
        let chat = conversation(1);
        aborts.failed(&chat, Some(&key(1)), order(1), NOW, 100, 8);
        for second in 1..5 {
            let now = Millis(NOW.0 + second * 1_000);
            assert!(aborts.admit(&chat, Some(&key(2)), order(2), now).is_err());
            aborts.failed(&chat, Some(&key(3)), order(3), now, 1_000, 8);
        }
        let later = Millis(NOW.0 + 100 + IN_FLIGHT_MS);
        assert!(aborts.admit(&chat, Some(&key(2)), order(2), later).is_ok());
    }

    #[test]
    fn both_bounds_hold() {
        let mut aborts = Aborts::default();
        for n in 0..20 {
            aborts.failed(&conversation(n), Some(&key(n)), order(n), NOW, 100, 4);
        }
        for n in 0..200 {
            aborts.failed(&conversation(19), Some(&key(n)), order(n), NOW, 100, 4);
        }
        assert_eq!(aborts.blocked.len(), 4);
        assert!(aborts.blocked.iter().all(|b| b.sends.len() <= ABORTED_SENDS_MAX));
    }

    proptest! {
        /// A client pipelines sends, some fail, and it sends each refused one again at the end
        /// of its line: what the store takes is in the order first sent.
        #[test]
        fn what_gets_through_is_in_the_order_first_sent(
            fails in prop::collection::vec(any::<bool>(), 1..400),
            sends in 1usize..40,
        ) {
            let mut aborts = Aborts::default();
            let chat = conversation(1);
            let mut line: VecDeque<usize> = (0..sends).collect();
            let mut fails = fails.into_iter();
            let mut taken = Vec::new();
            while let Some(n) = line.pop_front() {
                let admitted = aborts.admit(&chat, Some(&key(n)), order(n), NOW).is_ok();
                if admitted && !fails.next().unwrap_or(false) {
                    aborts.settled(&chat, Some(&key(n)));
                    taken.push(n);
                    continue;
                }
                if admitted {
                    aborts.failed(&chat, Some(&key(n)), order(n), NOW, 100, 8);
                }
                line.push_back(n);
                line.make_contiguous().sort_unstable();
            }
            prop_assert_eq!(taken, (0..sends).collect::<Vec<_>>());
        }

        /// As above, but the client sends all that it has at once; some are refused at once, the
        /// others by the store when all have come.
        #[test]
        fn what_fails_late_is_in_the_order_first_sent_too(
            fails in prop::collection::vec((any::<bool>(), any::<bool>()), 1..400),
            sends in 1usize..40,
        ) {
            let mut aborts = Aborts::default();
            let chat = conversation(1);
            let mut line: Vec<usize> = (0..sends).collect();
            let mut fails = fails.into_iter();
            let (mut taken, mut came) = (Vec::new(), 0);
            while !line.is_empty() {
                let (mut refused, mut stored) = (Vec::new(), Vec::new());
                let mut store_is_down = false;
                for n in line {
                    came += 1;
                    let (at_once, late) = fails.next().unwrap_or((false, false));
                    if at_once {
                        aborts.failed(&chat, Some(&key(n)), order(came), NOW, 100, 8);
                        refused.push(n);
                    } else if aborts.admit(&chat, Some(&key(n)), order(came), NOW).is_ok() {
                        stored.push((n, order(came)));
                        store_is_down |= late;
                    } else {
                        refused.push(n);
                    }
                }
                for (n, order) in stored {
                    if store_is_down {
                        aborts.failed(&chat, Some(&key(n)), order, NOW, 100, 8);
                        refused.push(n);
                    } else {
                        aborts.settled(&chat, Some(&key(n)));
                        taken.push(n);
                    }
                }
                refused.sort_unstable();
                line = refused;
            }
            prop_assert_eq!(taken, (0..sends).collect::<Vec<_>>());
        }
    }
}
