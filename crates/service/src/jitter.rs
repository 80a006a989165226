//! Times that differ, so that those who are sent away together do not come back together.

/// A random time from `least_ms` to three times that.
pub(crate) fn spread(least_ms: u64) -> u64 {
    rand::random_range(least_ms..=least_ms.saturating_mul(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_lie_within_their_bounds_and_differ() {
        let times: std::collections::BTreeSet<u64> = (0..100).map(|_| spread(1_000)).collect();
        assert!(times.iter().all(|ms| (1_000..=3_000).contains(ms)));
        assert!(times.len() > 10, "{times:?}");
        assert_eq!(spread(0), 0);
    }
}
