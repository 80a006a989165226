//! What time it is: the only place of the crate that asks.

use std::time::{SystemTime, UNIX_EPOCH};

use parlor_chat::entry::Millis;

/// Now, by the system's clock.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
