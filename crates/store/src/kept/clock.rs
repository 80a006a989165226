//! What time it is.

use std::time::{SystemTime, UNIX_EPOCH};

use parlor_chat::entry::Millis;

/// What time it is, to those parts of the store that no caller tells it.
#[derive(Clone, Copy)]
pub struct Clock(pub fn() -> Millis);

impl Clock {
    /// The system's.
    pub(crate) const SYSTEM: Self = Self(system_clock);

    pub(crate) fn now(self) -> Millis {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

fn system_clock() -> Millis {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since_epoch.as_millis()).unwrap_or(0))
}
