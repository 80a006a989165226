//! How fast someone may go: a token bucket of 8 bytes.
//!
//! The generic cell rate algorithm keeps one number, the time at which the bucket would be full
//! again if nothing more came. A [`Rate`] holds the two parameters and is shared by all buckets.
//! Time is passed in. Over any span of `t` seconds at most `burst + per_second * t` are let
//! through, and what is refused names the delay after which it would not be.
//!
//! Source: ITU-T I.371, annex A (the virtual scheduling algorithm).

use crate::entry::Millis;

const NANOS_PER_MILLI: u64 = 1_000_000;
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// How many at once, and how many for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Nanoseconds that one takes to be refilled.
    refill_ns: u64,
    /// Nanoseconds that a whole empty bucket takes to be refilled.
    window_ns: u64,
}

impl Rate {
    /// `burst` at once and `per_second` for long; either is at least 1.
    pub fn new(burst: u32, per_second: u32) -> Self {
        let refill_ns = NANOS_PER_SECOND / u64::from(per_second.max(1));
        Self { refill_ns, window_ns: refill_ns * u64::from(burst.max(1)) }
    }

    /// `count` at once, and as many in each `window_ms` for long; either is at least 1.
    pub fn over(count: u32, window_ms: u64) -> Self {
        let count = u64::from(count.max(1));
        let refill_ns = window_ms.max(1).saturating_mul(NANOS_PER_MILLI) / count;
        Self { refill_ns, window_ns: refill_ns.saturating_mul(count) }
    }

    /// Lets everything through.
    pub fn unlimited() -> Self {
        Self { refill_ns: 0, window_ns: 0 }
    }
}

/// What one user or connection has left; starts full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    /// When it is full again, in nanoseconds since the Unix epoch.
    full_at_ns: u64,
}

/// Too fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFast {
    /// After so long it would be let through, if nothing else comes.
    pub retry_after_ms: u64,
}

impl Bucket {
    /// Takes one.
    ///
    /// A clock that steps back costs at most one empty bucket's time.
    ///
    /// # Errors
    /// [`TooFast`] when the bucket is empty; nothing is taken then.
    pub fn take(&mut self, rate: &Rate, now: Millis) -> Result<(), TooFast> {
        self.take_many(rate, now, 1)
    }

    /// Takes several at once, or as many as a full bucket holds if that is less.
    ///
    /// # Errors
    /// As [`Bucket::take`].
    pub fn take_many(&mut self, rate: &Rate, now: Millis, count: u32) -> Result<(), TooFast> {
        let now_ns = now.0.saturating_mul(NANOS_PER_MILLI);
        let full_at = self.full_at_ns.clamp(now_ns, now_ns.saturating_add(rate.window_ns));
        let cost_ns = rate.refill_ns.saturating_mul(u64::from(count)).min(rate.window_ns);
        let taken = full_at.saturating_add(cost_ns);
        let over_ns = (taken - now_ns).saturating_sub(rate.window_ns);
        if over_ns > 0 {
            self.full_at_ns = full_at;
            return Err(TooFast { retry_after_ms: over_ns.div_ceil(NANOS_PER_MILLI) });
        }
        self.full_at_ns = taken;
        Ok(())
    }

    /// Gives back one that was taken.
    pub fn give_back(&mut self, rate: &Rate) {
        self.full_at_ns = self.full_at_ns.saturating_sub(rate.refill_ns);
    }

    /// Whether it is full, so that forgetting it changes nothing.
    pub fn is_full(&self, now: Millis) -> bool {
        self.full_at_ns <= now.0.saturating_mul(NANOS_PER_MILLI)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_passes_and_the_next_waits_for_one_refill() {
        let rate = Rate::new(3, 10);
        let mut bucket = Bucket::default();
        let now = Millis(1_000_000);
        for _ in 0..3 {
            assert_eq!(bucket.take(&rate, now), Ok(()));
        }
        assert_eq!(bucket.take(&rate, now), Err(TooFast { retry_after_ms: 100 }));
        assert_eq!(bucket.take(&rate, Millis(now.0 + 100)), Ok(()));
    }

    #[test]
    fn a_rate_over_a_window_is_refilled_evenly() {
        let rate = Rate::over(2, 60_000);
        let mut bucket = Bucket::default();
        assert!(bucket.take_many(&rate, Millis(0), 2).is_ok());
        assert_eq!(bucket.take(&rate, Millis(0)), Err(TooFast { retry_after_ms: 30_000 }));
        assert_eq!(bucket.take(&rate, Millis(30_000)), Ok(()));
        assert_eq!(Rate::over(0, 0), Rate::over(1, 1));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let rate = Rate::new(2, 1);
        let mut bucket = Bucket::default();
        assert!(bucket.take_many(&rate, Millis(1_000), 2).is_ok());
        bucket.give_back(&rate);
        assert_eq!(bucket.take(&rate, Millis(1_000)), Ok(()));
        assert!(bucket.take(&rate, Millis(1_000)).is_err());
        let mut full = Bucket::default();
        full.give_back(&rate);
        assert_eq!(full, Bucket::default());
    }

    #[test]
    fn a_bucket_is_eight_bytes() {
        assert_eq!(size_of::<Bucket>(), 8);
    }

    #[test]
    fn several_are_taken_together_or_not_at_all() {
        let rate = Rate::new(10, 1);
        let mut bucket = Bucket::default();
        let now = Millis(1_000_000);
        assert_eq!(bucket.take_many(&rate, now, 8), Ok(()));
        assert_eq!(bucket.take_many(&rate, now, 8), Err(TooFast { retry_after_ms: 6_000 }));
        assert_eq!(bucket.take_many(&rate, now, 2), Ok(()));
        let later = Millis(now.0 + 10_000);
        assert_eq!(bucket.take_many(&rate, later, 99), Ok(()), "a full bucket is enough");
        assert!(bucket.take(&rate, later).is_err());
    }

    #[test]
    fn an_unlimited_rate_refuses_nothing() {
        let mut bucket = Bucket::default();
        assert!((0..10_000).all(|_| bucket.take(&Rate::unlimited(), Millis(5)).is_ok()));
    }

    #[test]
    fn a_clock_that_steps_back_locks_nobody_out() {
        let rate = Rate::new(2, 1);
        let mut bucket = Bucket::default();
        assert!(bucket.take(&rate, Millis(10_000_000)).is_ok());
        let refused = bucket.take(&rate, Millis(1_000)).expect_err("counts as empty");
        assert!(refused.retry_after_ms <= 2_000);
        assert!(bucket.take(&rate, Millis(1_000 + refused.retry_after_ms)).is_ok());
    }

    proptest! {
        #[test]
        fn no_span_lets_more_through_than_burst_and_refill(
            burst in 1u32..50,
            per_second in 1u32..500,
            gaps in prop::collection::vec(0u64..200, 1..300),
        ) {
            let rate = Rate::new(burst, per_second);
            let mut bucket = Bucket::default();
            let mut now = 1_700_000_000_000u64;
            let mut passed = Vec::new();
            for gap in gaps {
                now += gap;
                if bucket.take(&rate, Millis(now)).is_ok() {
                    passed.push(now);
                }
            }
            for (i, from) in passed.iter().enumerate() {
                for (j, to) in passed.iter().enumerate().skip(i) {
                    let allowed = u64::from(burst) + u64::from(per_second) * (to - from) / 1_000 + 1;
                    prop_assert!((j - i + 1) as u64 <= allowed);
                }
            }
        }

        #[test]
        fn the_delay_named_is_enough_and_not_a_millisecond_too_long(
            burst in 1u32..20,
            per_second in 1u32..2_000,
            takes in 1usize..60,
        ) {
            let rate = Rate::new(burst, per_second);
            let mut bucket = Bucket::default();
            let now = 1_700_000_000_000u64;
            let refused = (0..takes).find_map(|_| bucket.take(&rate, Millis(now)).err());
            if let Some(TooFast { retry_after_ms }) = refused {
                prop_assert!(bucket.clone().take(&rate, Millis(now + retry_after_ms)).is_ok());
                prop_assert!(bucket.take(&rate, Millis(now + retry_after_ms - 1)).is_err());
            } else {
                prop_assert!(takes <= burst as usize);
            }
        }
    }
}
