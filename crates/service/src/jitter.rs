//! Times that differ, so that those who are sent away together do not come back together.

/// A random time from `least_ms` to three times that.
pub(crate) fn spread(least_ms: u64) -> u64 {
    at(least_ms, rand::random())
}

/// The time from `least_ms` to three times that which lies at this fraction of the way.
pub(crate) fn at(least_ms: u64, fraction: f64) -> u64 {
    least_ms + (2.0 * least_ms as f64 * fraction.clamp(0.0, 1.0)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_lie_within_their_bounds_and_differ() {
        let times: std::collections::BTreeSet<u64> = (0..100).map(|_| spread(1_000)).collect();
        assert!(times.iter().all(|ms| (1_000..=3_000).contains(ms)));
        assert!(times.len() > 10, "{times:?}");
        assert_eq!(
            (spread(0), at(1_000, 0.0), at(1_000, 1.0), at(7, f64::NAN)),
            (0, 1_000, 3_000, 7)
        );
    }
}
