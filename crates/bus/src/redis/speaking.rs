//! All that a node says, in one task: its lease, what it publishes, where its users are.
//!
//! What was taken from a queue and got no answer is sent again once Redis is back, in its order; who heard it
//! already knows it by its seq. So only what finds no room is lost, and the others are told of that.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use redis::RedisError;
use tokio::time::Instant;

use super::Shared;
use super::lease::LeaseError;
use super::links::Command;
use crate::backoff::Backoff;
use crate::outbox::Waiting;

/// How often a lease is renewed while it lasts.
const RENEWALS_PER_LEASE: u32 = 3;

/// Messages and bytes that are sent together.
const ROUND_MESSAGES_MAX: usize = 512;
const ROUND_BYTES_MAX: usize = 1 << 20;

/// Users of whom the directory is told together.
const ROUND_SEATS_MAX: usize = 512;

/// How long a goodbye may take.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);

/// What one node says, and when it is next to say that it lives.
struct Speaker {
    shared: Arc<Shared>,
    /// Taken from the queue, and not known to be published.
    under_way: Vec<Waiting>,
}

impl Shared {
    /// Speaks until the node goes, and says goodbye.
    pub(super) async fn speak(self: Arc<Self>) {
        let stop = self.stop.clone();
        let mut speaker = Speaker { shared: self, under_way: Vec::new() };
        stop.run_until_cancelled(speaker.speak()).await;
        let _ = tokio::time::timeout(GOODBYE_TIMEOUT, speaker.goodbye()).await;
        speaker.shared.can_speak.store(false, Ordering::Relaxed);
    }
}

impl Speaker {
    async fn speak(&mut self) {
        let mut backoff = Backoff::new(self.shared.config.reconnect_delay_max);
        loop {
            let Err(error) = self.speak_on(&mut backoff).await;
            let shared = &self.shared;
            shared.links.reset();
            shared.dead.lock().clear();
            *shared.trouble.lock() = Arc::from(error.to_string());
            if shared.can_speak.swap(false, Ordering::Relaxed) {
                tracing::warn!(%error, "the bus is out of reach; it is tried again");
            }
            tokio::time::sleep(backoff.delay()).await;
        }
    }

    /// Speaks until something goes wrong.
    async fn speak_on(
        &mut self,
        backoff: &mut Backoff,
    ) -> Result<std::convert::Infallible, LeaseError> {
        let wake = Arc::clone(&self.shared.wake);
        let pause = self.shared.config.lease / RENEWALS_PER_LEASE;
        let mut due = Instant::now();
        loop {
            if Instant::now() >= due {
                due = Instant::now() + pause;
                self.shared.renew().await?;
                backoff.reset();
                if !self.shared.can_speak.swap(true, Ordering::Relaxed) {
                    tracing::info!("the bus is in reach again");
                }
            }
            // However much there is, the lease comes first.
            while Instant::now() < due && self.round().await? {}
            let _ = tokio::time::timeout_at(due, wake.notified()).await;
        }
    }

    /// Says a part of what waits. Gives whether there was something.
    async fn round(&mut self) -> Result<bool, RedisError> {
        let published = self.publish().await?;
        let shared = &self.shared;
        shared.take_out_dead().await?;
        let seats = shared.seats.take(ROUND_SEATS_MAX);
        if seats.is_empty() {
            if shared.seats.is_incomplete() {
                shared.ears.forgotten();
            }
            return Ok(published);
        }
        let written = shared.write(&seats).await;
        match written {
            Ok(()) => shared.seats.done(seats.len()),
            Err(error) => {
                shared.seats.again(seats);
                return Err(error);
            }
        }
        Ok(true)
    }

    async fn publish(&mut self) -> Result<bool, RedisError> {
        let shared = &self.shared;
        if self.under_way.is_empty() {
            self.under_way = shared.outbox.take(ROUND_MESSAGES_MAX, ROUND_BYTES_MAX);
        }
        if !self.under_way.is_empty() {
            shared.send(&self.under_way).await?;
            shared.outbox.done(&std::mem::take(&mut self.under_way));
            return Ok(true);
        }
        let gaps = shared.outbox.gaps();
        if gaps.is_empty() {
            return Ok(false);
        }
        shared.send(&gaps).await?;
        shared.outbox.told(&gaps);
        Ok(true)
    }

    /// Says what is left, and goes.
    async fn goodbye(&mut self) -> Result<(), RedisError> {
        while self.publish().await? {}
        self.shared.send(&self.shared.outbox.byes()).await?;
        self.shared.give_up().await
    }
}

impl Shared {
    async fn send(&self, frames: &[Waiting]) -> Result<(), RedisError> {
        let (publish, _) = self.links.pub_sub();
        let command = |frame: &Waiting| {
            Command::new(publish, &self.names.channel(frame.topic)).arg(frame.bytes.as_slice())
        };
        self.links.run(frames.iter().map(command).collect()).await.map(drop)
    }
}
