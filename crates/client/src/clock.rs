//! What time it is at the server, as far as can be told from the times it says.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The server's clock. Between two sayings it goes on by the monotonic clock, so a device whose
/// clock is wrong makes no difference once the server has said any time.
#[derive(Debug, Default)]
pub(crate) struct ServerClock {
    base: Option<(u64, Instant)>,
}

impl ServerClock {
    /// Milliseconds since 1970; by this device's own clock until the server has said a time.
    pub(crate) fn now_ms(&self) -> u64 {
        match self.base {
            Some((at, since)) => at.saturating_add(millis(since.elapsed())),
            None => millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()),
        }
    }

    /// The server has just said that it is `ts`.
    pub(crate) fn is_now(&mut self, ts: u64) {
        self.base = Some((ts, Instant::now()));
    }

    /// The server was at `ts` some time ago, perhaps years, and so is at least there.
    pub(crate) fn was_at(&mut self, ts: u64) {
        if ts > self.now_ms() {
            self.is_now(ts);
        }
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_long_ago_does_not_set_the_clock_back() {
        let mut clock = ServerClock::default();
        let now = clock.now_ms();
        clock.was_at(now - 86_400_000);
        assert!(clock.now_ms() >= now, "before the server has said the time");
        clock.was_at(now + 86_400_000);
        assert!(clock.now_ms() >= now + 86_400_000, "this device's clock is behind");
        clock.is_now(now - 5_000);
        assert!(clock.now_ms() < now, "this device's clock is ahead");
    }
}
