//! Handshakes in flight: connections that were opened and whose first CONNECT is not answered.
//!
//! So many are let in at a time; others wait in the order of their coming, for a while. The wait
//! has a bound of its own: who comes when it is full, or waits for too long, is told to come again.
//! When thousands come back at once this keeps the server at work on those it has let in, and
//! spares the rest another round through their clients' back-off.
//!
//! Of those in flight most wait for their clients' next word. What is to be done for the others takes
//! turns, few at a time, so that who is connected waits for few of them and not for all.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// How long a turn lasts at most. What is not done by then waits for something else than this server's
/// processor, and goes on without.
const TURN_MAX: Duration = Duration::from_millis(50);

/// The handshakes of all shards.
pub(crate) struct Handshakes {
    free: Arc<Semaphore>,
    turns: Semaphore,
    max: usize,
    waiting: AtomicUsize,
    waiting_max: usize,
    patience: Duration,
}

/// A handshake in flight; it is over when this is dropped.
pub(crate) struct InFlight(OwnedSemaphorePermit);

impl InFlight {
    /// Leaves it to the shard to say when it is over: a connection has no room for this.
    pub(crate) fn keep(self) {
        self.0.forget();
    }
}

/// A place among those who wait.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Handshakes {
    pub(crate) fn new(config: &Config, shards: usize) -> Self {
        let turns = config.handshake_turns_per_shard.max(1).saturating_mul(shards);
        let max = config.handshakes_in_flight_max.min(Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(max)),
            turns: Semaphore::new(turns.min(Semaphore::MAX_PERMITS)),
            max,
            waiting: AtomicUsize::new(0),
            waiting_max: config.handshakes_waiting_max,
            patience: config.handshake_wait,
        }
    }

    /// Waits to be let in; `None` if too many wait already, if it takes too long, or if nobody is let
    /// in any more.
    ///
    /// # Cancel safety
    /// Cancel safe; the place in the order is lost.
    pub(crate) async fn begin(&self, closed: &CancellationToken) -> Option<InFlight> {
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
            return Some(InFlight(permit));
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _place = Place(&self.waiting);
        if before >= self.waiting_max {
            return None;
        }
        tokio::select! {
            biased;
            () = closed.cancelled() => None,
            permit = Arc::clone(&self.free).acquire_owned() => permit.ok().map(InFlight),
            () = tokio::time::sleep(self.patience) => None,
        }
    }

    /// Does what a handshake needs when it is its turn.
    ///
    /// # Cancel safety
    /// As cancel safe as `work`.
    pub(crate) async fn in_turn<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let turn = self.turns.acquire().await;
        if let Ok(done) = tokio::time::timeout(TURN_MAX, &mut work).await {
            return done;
        }
        drop(turn);
        work.await
    }

    /// One that was kept is over.
    pub(crate) fn over(&self) {
        self.free.add_permits(1);
    }

    /// How many are in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.max - self.free.available_permits().min(self.max)
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}
