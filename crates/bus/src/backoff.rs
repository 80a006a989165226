//! How long to wait before the next attempt: longer each time, and never all at once.

use std::time::Duration;

use rand::Rng;

/// The first delay is at most this.
const FIRST: Duration = Duration::from_millis(50);

/// The delays of one row of attempts.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    max: Duration,
}

impl Backoff {
    /// Delays up to a longest one.
    pub(crate) fn new(max: Duration) -> Self {
        Self { next: FIRST.min(max), max }
    }

    /// The next delay: between half of what it may be and all of it.
    pub(crate) fn delay(&mut self) -> Duration {
        let most = self.next;
        self.next = (most * 2).min(self.max);
        most.mul_f64(rand::rng().random_range(0.5..=1.0))
    }

    /// That an attempt was a success.
    pub(crate) fn reset(&mut self) {
        self.next = FIRST.min(self.max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_bound() {
        let mut backoff = Backoff::new(Duration::from_millis(300));
        let mut bounds = [50, 100, 200, 300, 300].map(Duration::from_millis).into_iter();
        assert!(bounds.all(|most| (most / 2..=most).contains(&backoff.delay())));
        backoff.reset();
        assert!(backoff.delay() <= FIRST);
    }
}
