//! Whose turn it is to read the store on the way back.
//!
//! So many devices read at a time; others wait in the order of their coming. The wait has a bound
//! of its own: who comes when it is full is told to come back later. It is to be half full at most:
//! above that nobody else is let in, since whoever is let in and then sent away has cost a handshake, and
//! comes back for another.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use parlor_chat::limits::Limits;
use parlor_chat::refusal::Refusal;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

/// The least time after which a device that found no place comes back, in milliseconds.
const RETRY_AFTER_MS: u64 = 1_000;

/// The turns of devices that catch up.
#[derive(Debug)]
pub(crate) struct Turns {
    free: Semaphore,
    waiting: AtomicUsize,
    waiting_max: usize,
    /// Told when there is room for more again.
    room: Notify,
}

/// A place among those who wait.
struct Place<'a>(&'a Turns);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.0.waiting.fetch_sub(1, Ordering::SeqCst) == self.0.crowded() {
            self.0.room.notify_waiters();
        }
    }
}

impl Turns {
    pub(crate) fn new(limits: &Limits) -> Self {
        let turns = limits.resumes_in_flight_max.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            free: Semaphore::new(turns),
            waiting: AtomicUsize::new(0),
            waiting_max: limits.resumes_waiting_max,
            room: Notify::new(),
        }
    }

    /// So many wait that nobody else is to be let in.
    fn crowded(&self) -> usize {
        self.waiting_max.div_ceil(2).max(1)
    }

    /// Waits until there is room for another device.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn room(&self) {
        loop {
            let mut told = pin!(self.room.notified());
            // From here on: who makes room between the look and the wait is not missed.
            told.as_mut().enable();
            if self.waiting.load(Ordering::SeqCst) < self.crowded() {
                return;
            }
            told.await;
        }
    }

    /// Waits for a turn, which lasts until it is dropped.
    ///
    /// # Errors
    /// [`Refusal::Overloaded`] when too many wait already.
    ///
    /// # Cancel safety
    /// Cancel safe; the place in the order is lost.
    pub(crate) async fn next(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        if let Ok(turn) = self.free.try_acquire() {
            return Ok(turn);
        }
        let before = self.waiting.fetch_add(1, Ordering::SeqCst);
        let _place = Place(self);
        if before >= self.waiting_max {
            return Err(Refusal::Overloaded { retry_after_ms: RETRY_AFTER_MS });
        }
        Ok(self.free.acquire().await.expect("it is never closed"))
    }

    /// How many devices wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(resumes_in_flight_max: usize, resumes_waiting_max: usize) -> Turns {
        Turns::new(&Limits { resumes_in_flight_max, resumes_waiting_max, ..Limits::default() })
    }

    #[tokio::test]
    async fn who_waits_gets_the_turn_that_is_given_back() {
        let turns = turns(1, 1);
        let first = turns.next().await.expect("it is free");
        let (second, ()) = tokio::join!(turns.next(), async {
            assert_eq!(turns.waiting(), 1);
            drop(first);
        });
        assert!(second.is_ok());
        assert_eq!(turns.waiting(), 0);
    }

    #[tokio::test]
    async fn one_too_many_is_told_when_to_come_back() {
        let turns = turns(1, 1);
        let _first = turns.next().await.expect("it is free");
        let mut second = std::pin::pin!(turns.next());
        assert!(futures_util::poll!(&mut second).is_pending());
        let third = turns.next().await;
        assert_eq!(third.err(), Some(Refusal::Overloaded { retry_after_ms: RETRY_AFTER_MS }));
        assert_eq!(turns.waiting(), 1);
    }

    #[tokio::test]
    async fn where_half_of_the_places_are_taken_nobody_else_is_let_in() {
        let turns = turns(1, 4);
        turns.room().await;
        let first = turns.next().await.expect("it is free");
        let mut second = Box::pin(turns.next());
        let mut third = Box::pin(turns.next());
        assert!(futures_util::poll!(&mut second).is_pending());
        turns.room().await;
        assert!(futures_util::poll!(&mut third).is_pending());
        let mut next = [Box::pin(turns.room()), Box::pin(turns.room())];
        for one in &mut next {
            assert!(futures_util::poll!(one).is_pending());
        }
        drop(first);
        let _second = second.await.expect("its turn");
        for one in next {
            one.await;
        }
        drop(third);
        turns.room().await;
    }

    #[tokio::test]
    async fn where_nobody_may_wait_everybody_is_let_in() {
        turns(1, 0).room().await;
    }

    #[tokio::test]
    async fn who_gives_up_leaves_its_place() {
        let turns = turns(1, 1);
        let _first = turns.next().await.expect("it is free");
        {
            let mut second = std::pin::pin!(turns.next());
            assert!(futures_util::poll!(&mut second).is_pending());
        }
        assert_eq!(turns.waiting(), 0);
    }
}
