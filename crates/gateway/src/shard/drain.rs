//! The shutdown of one shard. The closes are spread evenly over a time, by as many as are due at
//! each look; a connection whose events are being handled is left for a later look. When that time
//! is over nothing more is read, and what is left is closed as soon as its events are answered,
//! and after a while anyhow.

use std::sync::Arc;

use super::connection::Connection;
use super::send::When;
use super::timers::{Kind, Timer, millis};
use super::{Place, Shard};
use crate::drain::Drain;
use crate::jitter;
use crate::reason::CloseReason;

/// How long a shutdown waits for events to be answered once all the rest is closed.
const PATIENCE_MS: u64 = 3_000;
/// Connections closed in one round.
const CLOSES_PER_ROUND: usize = 256;
/// The mean time between two looks.
const LOOK_MS: u64 = 20;

/// A shutdown under way.
pub(super) struct Draining {
    plan: Arc<Drain>,
    since_ms: u64,
    /// How many connections there were.
    all: usize,
    /// The spread is over.
    closing_all: bool,
    /// The slot at which the search for the next goes on.
    from: u32,
    /// There is more to close at once.
    more: bool,
}

impl Draining {
    /// Whether the shard has more to do now.
    pub(super) fn has_more(&self) -> bool {
        self.more
    }

    /// Whether nothing is read any more.
    pub(super) fn is_closing_all(&self) -> bool {
        self.closing_all
    }

    /// How many connections may be left at a time.
    fn may_be_left(&self, now_ms: u64) -> usize {
        let (passed, spread) = (now_ms - self.since_ms, millis(self.plan.spread));
        let rest = spread.saturating_sub(passed) as u128;
        (self.all as u128 * rest).div_ceil(u128::from(spread.max(1))) as usize
    }
}

impl Shard {
    /// Begins the shutdown.
    pub(super) fn begin_drain(&mut self, plan: Arc<Drain>) {
        self.draining = Some(Draining {
            plan,
            since_ms: self.now_ms,
            all: self.connections.len(),
            closing_all: false,
            from: 0,
            more: true,
        });
        self.look_again();
    }

    /// Sees to it that the shard looks what is due even if nothing else happens. The time is not
    /// quite the same from one look to the next, so that shards do not close in step.
    pub(super) fn look_again(&mut self) {
        let in_ms = LOOK_MS / 2 + (jitter::fraction() * LOOK_MS as f64) as u64;
        self.wheel.insert(self.now_ms + in_ms, Timer::of_the_shard(Kind::Drain));
    }

    /// Closes what is due: as many as may not be left, those whose events are answered.
    pub(super) fn drain(&mut self) {
        let Some(draining) = &mut self.draining else { return };
        let may_be_left = draining.may_be_left(self.now_ms);
        let over_ms = draining.since_ms + millis(draining.plan.spread);
        draining.closing_all = self.now_ms >= over_ms;
        let patient = self.now_ms < over_ms + PATIENCE_MS;
        let due = self.connections.len().saturating_sub(may_be_left).min(CLOSES_PER_ROUND);
        let wanted = |connection: &Connection| connection.in_flight == 0 || !patient;
        let places = self.connections.some(draining.from, due, wanted);
        draining.more = due > 0 && (places.len() == due || draining.from > 0);
        // Slots that were passed are not looked at again before the others.
        let is_part = places.len() == due;
        draining.from = places.last().filter(|_| is_part).map_or(0, |(slot, _)| *slot);
        let plan = Arc::clone(&draining.plan);
        for place in places {
            self.say_farewell(place, &plan);
            self.close(place, CloseReason::ServerShutdown);
        }
    }

    /// Sends the sockets of a connection what the application has to say at the end. One whose
    /// CONNECT is not answered would take it for a word on its next connection.
    fn say_farewell(&mut self, place: Place, plan: &Drain) {
        let Some(farewell) = &plan.farewell else { return };
        let Some(connection) = self.connections.get(place.0, place.1) else { return };
        let jitter = jitter::fraction();
        for slot in connection.sockets.clone() {
            let Some(member) = self.sockets.at(slot) else { continue };
            if self.unanswered.contains(&slot) {
                continue;
            }
            let socket = member.handle.clone();
            let mut frame = None;
            self.guard(place, || frame = farewell(&socket, jitter));
            let Some(frame) = frame else { continue };
            self.send(place, &frame, When::Batched);
        }
    }

    /// Whether the shutdown is complete.
    pub(super) fn drained(&self) -> bool {
        self.connections.len() == 0 && self.lingers.len() == 0 && self.last_words.is_empty()
    }

    /// Ends what is left at once, when the loop cannot go on.
    pub(super) fn abandon(&mut self) {
        for place in self.connections.some(0, usize::MAX, |_| true) {
            self.close(place, CloseReason::ServerShutdown);
        }
    }
}
