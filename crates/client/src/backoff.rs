//! How long to wait before the next try.

use std::time::Duration;

use rand::Rng;

/// Delays that double from one try to the next, each drawn at random so that clients do not come
/// together.
#[derive(Debug)]
pub(crate) struct Backoff {
    tries: u32,
    first: Duration,
    max: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, max: Duration) -> Self {
        Self { tries: 0, first, max }
    }

    /// Half to all of the doubled delay; or what was advised, with up to the first delay on top.
    pub(crate) fn next(&mut self, advised: Option<Duration>) -> Duration {
        let doubled = self.first.saturating_mul(1 << self.tries.min(20));
        let ceiling = doubled.min(self.max);
        self.tries = self.tries.saturating_add(1);
        let chance: f64 = rand::rng().random();
        match advised {
            Some(advised) => advised + ceiling.min(self.first).mul_f64(chance),
            None => ceiling / 2 + (ceiling / 2).mul_f64(chance),
        }
    }

    pub(crate) fn succeeded(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_bound_and_heed_advice() {
        let second = Duration::from_secs(1);
        let mut backoff = Backoff::new(second, 8 * second);
        for ceiling in [1, 2, 4, 8, 8, 8] {
            let delay = backoff.next(None);
            assert!(delay >= ceiling * second / 2 && delay <= ceiling * second, "{delay:?}");
        }
        let advised = backoff.next(Some(60 * second));
        assert!(advised >= 60 * second && advised <= 61 * second, "{advised:?}");
        backoff.succeeded();
        assert!(backoff.next(None) <= second);
    }
}
