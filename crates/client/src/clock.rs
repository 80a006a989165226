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

    /// The server was at `ts` some time ago, and so is at least there.
    pub(crate) fn was_at(&mut self, ts: u64) {
        if self.base.is_none() || ts > self.now_ms() {
            self.is_now(ts);
        }
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
