//! Answers that sockets owe. The shard knows who waits for an id; each socket keeps the ids it
//! owes, so that only those asked can answer, and a socket that goes settles what it owes. An id
//! whose waiter is gone is forgotten here at once, and by its socket when its list would grow.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::gather::Gathering;
use crate::socket::{AckError, Answer};

/// The ids that one socket owes an answer to.
pub(crate) type Owed = Option<Box<Vec<u64>>>;

/// Who waits for the answers to an id.
pub(crate) enum Waiter {
    One(oneshot::Sender<Result<Answer, AckError>>),
    Many { gathering: Arc<Gathering>, left: usize },
}

/// The ids that are waited for on one shard.
#[derive(Default)]
pub(crate) struct Acks {
    waiters: HashMap<u64, Waiter>,
}

impl Acks {
    /// Waits for an id, whose sockets then are made to owe it.
    pub(crate) fn wait(&mut self, id: u64, waiter: Waiter) {
        self.waiters.insert(id, waiter);
    }

    /// Makes a socket owe an id; `false` if it owes `max` already.
    pub(crate) fn owe(&self, id: u64, owed: &mut Owed, max: usize) -> bool {
        let ids = owed.get_or_insert_default();
        if ids.len() == ids.capacity() || ids.len() >= max {
            ids.retain(|id| self.waiters.contains_key(id));
        }
        if ids.len() >= max {
            return false;
        }
        ids.push(id);
        true
    }

    /// A socket answers; nothing happens if it was not asked.
    pub(crate) fn answer(&mut self, id: u64, owed: &mut Owed, answer: Answer) {
        let Some(ids) = owed else { return };
        let Some(index) = ids.iter().position(|it| *it == id) else { return };
        ids.swap_remove(index);
        if ids.is_empty() {
            *owed = None;
        }
        self.settle(id, Some(answer));
    }

    /// A socket is gone with what it owes.
    pub(crate) fn gone(&mut self, owed: Owed) {
        for id in owed.into_iter().flat_map(|ids| *ids) {
            self.settle(id, None);
        }
    }

    /// A socket that was counted could not be asked.
    pub(crate) fn missed(&mut self, id: u64) {
        self.settle(id, None);
    }

    /// Nobody waits for an id any more.
    pub(crate) fn forget(&mut self, id: u64) {
        self.waiters.remove(&id);
    }

    fn settle(&mut self, id: u64, answer: Option<Answer>) {
        match self.waiters.remove(&id) {
            Some(Waiter::One(reply)) => {
                let _ = reply.send(answer.ok_or(AckError::Closed));
            }
            Some(Waiter::Many { gathering, left }) => {
                gathering.settled(answer);
                if left > 1 {
                    self.waiters.insert(id, Waiter::Many { gathering, left: left - 1 });
                }
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Answer {
        Answer { args: "[1]".to_owned(), attachments: Vec::new() }
    }

    #[test]
    fn only_the_socket_that_was_asked_can_answer() {
        let (mut acks, (reply, mut got)) = (Acks::default(), oneshot::channel());
        let (mut asked, mut other) = (None, None);
        acks.wait(7, Waiter::One(reply));
        assert!(acks.owe(7, &mut asked, 4));
        acks.answer(7, &mut other, answer());
        assert!(got.try_recv().is_err());
        acks.answer(7, &mut asked, answer());
        assert_eq!(got.try_recv().expect("answered").expect("not closed"), answer());
        assert!(asked.is_none() && acks.waiters.is_empty());
    }

    #[test]
    fn a_closed_socket_leaves_nothing_behind() {
        let (mut acks, (reply, mut got)) = (Acks::default(), oneshot::channel());
        let mut owed = None;
        acks.wait(1, Waiter::One(reply));
        acks.owe(1, &mut owed, 4);
        acks.gone(owed);
        assert!(matches!(got.try_recv(), Ok(Err(AckError::Closed))));
        assert!(acks.waiters.is_empty());
    }

    #[test]
    fn forgotten_ids_do_not_pile_up() {
        let (mut acks, mut owed) = (Acks::default(), None);
        for id in 0..10_000 {
            let (reply, _got) = oneshot::channel();
            acks.wait(id, Waiter::One(reply));
            assert!(acks.owe(id, &mut owed, 64));
            acks.forget(id);
        }
        assert!(acks.waiters.is_empty());
        assert!(owed.expect("some are left").capacity() <= 64);
    }

    #[tokio::test]
    async fn broadcast_hears_each_socket_once() {
        let (mut acks, gathering) = (Acks::default(), Arc::new(Gathering::new(1)));
        let (mut first, mut second) = (None, None);
        gathering.asked(2);
        acks.wait(3, Waiter::Many { gathering: Arc::clone(&gathering), left: 2 });
        acks.owe(3, &mut first, 4);
        acks.owe(3, &mut second, 4);
        acks.answer(3, &mut first, answer());
        acks.answer(3, &mut first, answer());
        acks.gone(second);
        let mut heard = Vec::new();
        while let Some(answer) = gathering.next().await {
            heard.push(answer);
        }
        assert_eq!((heard, gathering.known()), (vec![answer()], 2));
        assert!(acks.waiters.is_empty());
    }
}
