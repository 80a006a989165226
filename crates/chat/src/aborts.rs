//! Keeps a connection's sends in order when one of them fails.
//!
//! A client may have several sends under way. If one fails and will be sent again, those after
//! it in the same conversation must not overtake it: they fail with `aborted` and queue up behind
//! it, and each is let through once everything before it was sent again. The queue of a
//! conversation falls away when its delay has passed without a retry, or when it is empty.
//!
//! One [`Aborts`] belongs to one connection; while nothing fails it holds no memory. Beyond its
//! bounds it forgets the oldest conversation, or does not note a further send, which then may
//! overtake: order is kept for what fits.

use crate::entry::Millis;
use crate::ids::{ClientId, ConversationId};
use crate::refusal::Refusal;

/// Failed sends noted per conversation; as many as may be in flight.
pub const ABORTED_SENDS_MAX: usize = 64;

/// The conversations of one connection on which a send failed and was not yet sent again.
#[derive(Debug, Default)]
pub struct Aborts {
    blocked: Vec<Blocked>,
}

#[derive(Debug)]
struct Blocked {
    conversation: ConversationId,
    /// When the client may have given up: nothing is held back any longer.
    until: Millis,
    /// What failed and has not yet got through, in the order first sent.
    sends: Vec<Send>,
}

#[derive(Debug)]
struct Send {
    /// `None` for a send without a key, which cannot be known again.
    key: Option<ClientId>,
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
        now: Millis,
    ) -> Result<(), Refusal> {
        if self.blocked.is_empty() {
            return Ok(());
        }
        self.blocked.retain(|blocked| blocked.until > now);
        let Some(blocked) = self.blocked.iter_mut().find(|b| &b.conversation == conversation)
        else {
            return Ok(());
        };
        let at = blocked.place(key);
        if blocked.sends[..at].iter().all(|earlier| earlier.under_way) {
            if let Some(send) = blocked.sends.get_mut(at) {
                send.under_way = true;
            }
            return Ok(());
        }
        blocked.note(key);
        Err(Refusal::Aborted { retry_after_ms: blocked.until.0 - now.0 })
    }

    /// Notes that a send failed and that the client was told to retry after `retry_after_ms`.
    /// `conversations_max` bounds how many conversations are remembered.
    pub fn failed(
        &mut self,
        conversation: &ConversationId,
        key: Option<&ClientId>,
        now: Millis,
        retry_after_ms: u64,
        conversations_max: usize,
    ) {
        let until = Millis(now.0.saturating_add(retry_after_ms));
        self.blocked.retain(|blocked| blocked.until > now);
        if let Some(blocked) = self.blocked.iter_mut().find(|b| &b.conversation == conversation) {
            blocked.until = blocked.until.max(until);
            blocked.note(key);
            return;
        }
        if until <= now || conversations_max == 0 {
            return;
        }
        if self.blocked.len() >= conversations_max {
            self.blocked.remove(0);
        }
        let sends = vec![Send { key: key.cloned(), under_way: false }];
        self.blocked.push(Blocked { conversation: conversation.clone(), until, sends });
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

impl Blocked {
    /// Where a send stands among those that failed; behind all if it is not one of them.
    fn place(&self, key: Option<&ClientId>) -> usize {
        let known = |send: &Send| key.is_some() && send.key.as_ref() == key;
        self.sends.iter().position(known).unwrap_or(self.sends.len())
    }

    fn note(&mut self, key: Option<&ClientId>) {
        let at = self.place(key);
        if let Some(send) = self.sends.get_mut(at) {
            send.under_way = false;
        } else if at < ABORTED_SENDS_MAX {
            self.sends.push(Send { key: key.cloned(), under_way: false });
        }
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

    const NOW: Millis = Millis(1_000);

    #[test]
    fn later_sends_wait_for_the_failed_one() {
        let mut aborts = Aborts::default();
        let chat = conversation(1);
        aborts.failed(&chat, Some(&key(1)), NOW, 100, 8);
        let refused = aborts.admit(&chat, Some(&key(2)), Millis(1_040));
        assert_eq!(refused, Err(Refusal::Aborted { retry_after_ms: 60 }));
        assert_eq!(aborts.admit(&chat, Some(&key(1)), Millis(1_040)), Ok(()));
        assert_eq!(aborts.admit(&chat, Some(&key(2)), Millis(1_040)), Ok(()));
        assert_eq!(aborts.admit(&chat, Some(&key(3)), Millis(1_040)), Ok(()));
        aborts.settled(&chat, Some(&key(1)));
        aborts.settled(&chat, Some(&key(2)));
        assert!(aborts.blocked.is_empty());
    }

    #[test]
    fn an_aborted_send_is_waited_for_too() {
        let mut aborts = Aborts::default();
        let chat = conversation(1);
        aborts.failed(&chat, Some(&key(1)), NOW, 100, 8);
        assert!(aborts.admit(&chat, Some(&key(2)), NOW).is_err());
        assert!(aborts.admit(&chat, Some(&key(1)), NOW).is_ok());
        assert!(aborts.admit(&chat, Some(&key(3)), NOW).is_err());
        assert!(aborts.admit(&chat, Some(&key(2)), NOW).is_ok());
        assert!(aborts.admit(&chat, Some(&key(3)), NOW).is_ok());
    }

    #[test]
    fn a_retry_that_fails_again_keeps_its_place() {
        let mut aborts = Aborts::default();
        let chat = conversation(1);
        aborts.failed(&chat, Some(&key(1)), NOW, 100, 8);
        aborts.failed(&chat, Some(&key(2)), NOW, 100, 8);
        assert!(aborts.admit(&chat, Some(&key(1)), NOW).is_ok());
        aborts.failed(&chat, Some(&key(1)), NOW, 100, 8);
        assert!(aborts.admit(&chat, Some(&key(2)), NOW).is_err());
        assert!(aborts.admit(&chat, Some(&key(1)), NOW).is_ok());
    }

    #[test]
    fn other_conversations_go_on() {
        let mut aborts = Aborts::default();
        aborts.failed(&conversation(1), Some(&key(1)), NOW, 100, 8);
        assert!(aborts.admit(&conversation(2), None, NOW).is_ok());
    }

    #[test]
    fn nothing_is_held_back_once_the_delay_has_passed() {
        let mut aborts = Aborts::default();
        aborts.failed(&conversation(1), None, NOW, 100, 8);
        assert!(aborts.admit(&conversation(1), None, Millis(1_099)).is_err());
        assert!(aborts.admit(&conversation(1), None, Millis(1_100)).is_ok());
        assert!(aborts.blocked.is_empty());
    }

    #[test]
    fn both_bounds_hold() {
        let mut aborts = Aborts::default();
        for n in 0..20 {
            aborts.failed(&conversation(n), Some(&key(n)), NOW, 100, 4);
        }
        for n in 0..200 {
            aborts.failed(&conversation(19), Some(&key(n)), NOW, 100, 4);
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
                let admitted = aborts.admit(&chat, Some(&key(n)), NOW).is_ok();
                if admitted && !fails.next().unwrap_or(false) {
                    aborts.settled(&chat, Some(&key(n)));
                    taken.push(n);
                    continue;
                }
                if admitted {
                    aborts.failed(&chat, Some(&key(n)), NOW, 100, 8);
                }
                line.push_back(n);
                line.make_contiguous().sort_unstable();
            }
            prop_assert_eq!(taken, (0..sends).collect::<Vec<_>>());
        }
    }
}
