//! Latencies as an HDR histogram in microseconds, which can cross a process boundary.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Longest latency told apart, in microseconds; longer ones count as this.
const MICROSECONDS_MAX: u64 = 120_000_000;

/// A latency distribution with three significant digits.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub(crate) struct Latency(Histogram<u64>);

impl Latency {
    pub(crate) fn new() -> Self {
        Self(
            Histogram::new_with_bounds(1, MICROSECONDS_MAX, 3)
                .expect("the bounds and the precision are valid constants"),
        )
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        let microseconds = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.0.saturating_record(microseconds.clamp(1, MICROSECONDS_MAX));
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for value in other.0.iter_recorded() {
            self.0.saturating_record_n(value.value_iterated_to(), value.count_at_value());
        }
    }

    /// How many samples there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that this share (0 to 1) of the samples does not exceed, in milliseconds; not a
    /// number if there are none.
    pub(crate) fn quantile_ms(&self, share: f64) -> f64 {
        if self.0.is_empty() {
            return f64::NAN;
        }
        self.0.value_at_quantile(share) as f64 / 1000.0
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Vec<(u64, u64)>> for Latency {
    fn from(samples: Vec<(u64, u64)>) -> Self {
        let mut latency = Self::new();
        for (value, count) in samples {
            latency.0.saturating_record_n(value, count);
        }
        latency
    }
}

impl From<Latency> for Vec<(u64, u64)> {
    fn from(latency: Latency) -> Self {
        let recorded = latency.0.iter_recorded();
        recorded.map(|value| (value.value_iterated_to(), value.count_at_value())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_survive_the_way_between_processes() {
        let mut latency = Latency::new();
        for milliseconds in 1..=1000 {
            latency.record(Duration::from_millis(milliseconds));
        }
        let text = serde_json::to_string(&latency).unwrap();
        let back: Latency = serde_json::from_str(&text).unwrap();
        assert_eq!(back.quantile_ms(0.5), latency.quantile_ms(0.5));
        assert!((back.quantile_ms(0.99) - 990.0).abs() < 2.0, "{}", back.quantile_ms(0.99));
    }

    #[test]
    fn merging_adds_the_samples() {
        let (mut fast, mut slow) = (Latency::new(), Latency::new());
        fast.record(Duration::from_millis(1));
        slow.record(Duration::from_millis(100));
        fast.merge(&slow);
        assert!(fast.quantile_ms(0.5) < 1.1);
        assert!(fast.quantile_ms(1.0) > 99.0);
    }
}
