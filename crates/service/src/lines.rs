//! Keeps a connection's sends in order while something else is asked about each of them.
//!
//! Sends of one connection in one conversation stand in a line, in the order in which they came;
//! each may go on once all before it have gone. When one fails that is to be sent again, those that
//! came after it are aborted at once, and noted as failed, wherever they stand: so a retry, which
//! stands at the end, finds none before it that it must not follow.
//!
//! A line holds at most as many as the connection may have in flight; an empty one is not kept. All
//! sends of a connection are carried on by its shard's thread.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use parlor_chat::aborts::Order;
use parlor_chat::entry::Millis;
use parlor_chat::ids::{ClientId, ConversationId};
use parlor_chat::limits::Limits;
use parlor_chat::refusal::Refusal;
use tokio::sync::watch;

use crate::session::Session;

/// Whose line it is: a connection's, in a conversation.
type Key = (u64, ConversationId);

/// All lines.
#[derive(Debug, Default)]
pub(crate) struct Lines(Mutex<HashMap<Key, VecDeque<Member>>>);

#[derive(Debug)]
struct Member {
    order: Order,
    client_id: Option<ClientId>,
    phase: watch::Sender<Phase>,
}

/// How far a member of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Others stand before it.
    Waits,
    /// It stands in front.
    InFront,
    /// One before it failed.
    Aborted,
}

/// A place in a line, which is left when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    lines: Arc<Lines>,
    key: Key,
    order: Order,
    phase: watch::Receiver<Phase>,
}

impl Lines {
    /// Takes the place at the end of a line; to be called within the send's handler.
    pub(crate) fn stand(
        self: &Arc<Self>,
        connection: u64,
        conversation: &ConversationId,
        order: Order,
        client_id: Option<&ClientId>,
    ) -> Place {
        let key = (connection, conversation.clone());
        let mut lines = self.0.lock();
        let line = lines.entry(key.clone()).or_default();
        let first = if line.is_empty() { Phase::InFront } else { Phase::Waits };
        let (sender, phase) = watch::channel(first);
        line.push_back(Member { order, client_id: client_id.cloned(), phase: sender });
        drop(lines);
        Place { lines: Arc::clone(self), key, order, phase }
    }

    /// Aborts what came after a send that failed and is to be sent again.
    pub(crate) fn fail(
        &self,
        (connection, conversation): (u64, &ConversationId),
        failed: Order,
        session: &Session,
        now: Millis,
        limits: &Limits,
    ) {
        let mut lines = self.0.lock();
        let Some(line) = lines.get_mut(&(connection, conversation.clone())) else { return };
        let refusal = Refusal::aborted();
        line.retain(|member| {
            let stays = member.order <= failed;
            if !stays {
                let client_id = member.client_id.as_ref();
                session.failed(conversation, client_id, member.order, now, &refusal, limits);
                member.phase.send_replace(Phase::Aborted);
            }
            stays
        });
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.lock().len()
    }
}

impl Place {
    /// Waits until none stands before it.
    ///
    /// # Errors
    /// [`Refusal::Aborted`] when one that came before it failed; it is noted as failed by then.
    ///
    /// # Cancel safety
    /// Cancel safe: it keeps its place.
    pub(crate) async fn in_front(&mut self) -> Result<(), Refusal> {
        let phase = self.phase.wait_for(|phase| *phase != Phase::Waits).await;
        // Whoever is taken off the line was told so before.
        match phase.map(|phase| *phase) {
            Ok(Phase::InFront) => Ok(()),
            Ok(Phase::Waits | Phase::Aborted) | Err(_) => Err(Refusal::aborted()),
        }
    }

    /// Waits until one that came before it failed; else for ever.
    pub(crate) async fn aborted(&mut self) -> Refusal {
        if self.phase.wait_for(|phase| *phase == Phase::Aborted).await.is_err() {
            std::future::pending::<()>().await;
        }
        Refusal::aborted()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = self.lines.0.lock();
        let Some(line) = lines.get_mut(&self.key) else { return };
        line.retain(|member| member.order != self.order);
        match line.front() {
            None => {
                lines.remove(&self.key);
            }
            Some(front) => {
                front.phase.send_if_modified(|phase| {
                    let moves = *phase == Phase::Waits;
                    *phase = Phase::InFront;
                    moves
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use parlor_chat::ids::{DeviceId, UserId};
    use proptest::prelude::*;

    use super::*;

    fn now<T>(future: impl Future<Output = T>) -> Option<T> {
        let mut future = std::pin::pin!(future);
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        }
    }

    fn chat() -> ConversationId {
        ConversationId::parse("dm:a:b").expect("an id in a test")
    }

    fn session() -> Session {
        let user = UserId::parse("a").expect("an id in a test");
        Session::new(user, DeviceId::shared(), None, Millis(1))
    }

    fn stand(lines: &Arc<Lines>, order: u64) -> Place {
        lines.stand(7, &chat(), Order(order), None)
    }

    #[test]
    fn each_goes_on_once_those_before_it_have_gone() {
        let lines = Arc::new(Lines::default());
        let (mut one, mut two, mut three) = (stand(&lines, 1), stand(&lines, 2), stand(&lines, 3));
        assert_eq!(now(one.in_front()), Some(Ok(())));
        assert_eq!((now(two.in_front()), now(three.in_front())), (None, None));
        drop(one);
        assert_eq!((now(two.in_front()), now(three.in_front())), (Some(Ok(())), None));
        drop((two, three));
        assert_eq!(lines.len(), 0, "nothing is kept of an empty line");
    }

    #[test]
    fn who_leaves_from_the_middle_lets_nobody_overtake() {
        let lines = Arc::new(Lines::default());
        let (mut one, two, mut three) = (stand(&lines, 1), stand(&lines, 2), stand(&lines, 3));
        drop(two);
        assert_eq!((now(three.in_front()), now(one.in_front())), (None, Some(Ok(()))));
        drop(one);
        assert_eq!(now(three.in_front()), Some(Ok(())));
    }

    #[test]
    fn connections_and_conversations_do_not_wait_for_each_other() {
        let lines = Arc::new(Lines::default());
        let other = ConversationId::parse("dm:a:c").expect("an id in a test");
        let _one = stand(&lines, 1);
        let mut of_other = lines.stand(7, &other, Order(2), None);
        let mut by_other = lines.stand(8, &chat(), Order(3), None);
        assert_eq!(now(of_other.in_front()), Some(Ok(())));
        assert_eq!(now(by_other.in_front()), Some(Ok(())));
    }

    #[test]
    fn a_failure_aborts_what_came_after_it_at_once_and_a_retry_stands_behind_nobody() {
        let (lines, session, limits) = (Arc::new(Lines::default()), session(), Limits::default());
        let (mut one, two, mut three) = (stand(&lines, 1), stand(&lines, 2), stand(&lines, 3));
        let mut four = stand(&lines, 4);
        assert_eq!(now(four.aborted()), None);
        lines.fail((7, &chat()), Order(2), &session, Millis(10), &limits);
        assert_eq!(now(four.aborted()), Some(Refusal::aborted()));
        assert_eq!(now(three.in_front()), Some(Err(Refusal::aborted())));
        let admitted = session.admit(&chat(), None, Order(9), Millis(11));
        assert!(admitted.is_err(), "they are noted before anything new can come");
        drop(two);
        let mut retry = stand(&lines, 5);
        assert_eq!((now(one.in_front()), now(retry.in_front())), (Some(Ok(())), None));
        drop((three, four));
        assert_eq!(now(retry.in_front()), None, "those that were aborted move nobody on");
        drop(one);
        assert_eq!(now(retry.in_front()), Some(Ok(())));
    }

    #[test]
    fn one_in_front_is_aborted_too() {
        let (lines, session) = (Arc::new(Lines::default()), session());
        let mut two = stand(&lines, 2);
        assert_eq!(now(two.in_front()), Some(Ok(())));
        lines.fail((7, &chat()), Order(1), &session, Millis(10), &Limits::default());
        assert_eq!(now(two.in_front()), Some(Err(Refusal::aborted())));
    }

    proptest! {
        #[test]
        fn only_the_first_of_those_that_stand_is_in_front(leaves in prop::collection::vec(0usize..6, 6)) {
            let lines = Arc::new(Lines::default());
            let mut standing: Vec<Place> = (0..6).map(|order| stand(&lines, order)).collect();
            for at in leaves {
                let front: Vec<bool> =
                    standing.iter_mut().map(|place| now(place.in_front()).is_some()).collect();
                prop_assert!(front.iter().enumerate().all(|(n, it)| *it == (n == 0)));
                if !standing.is_empty() {
                    drop(standing.remove(at % standing.len()));
                }
            }
            drop(standing);
            prop_assert_eq!(lines.len(), 0);
        }
    }
}
