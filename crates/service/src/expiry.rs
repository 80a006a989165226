//! Tokens that end: one sweeper for all sessions, and no timer for any.
//!
//! Sessions whose token ends within [`HORIZON_MS`] are kept by the second in which it does; every
//! [`SCAN_EVERY_SECONDS`] all sessions are gone through for those that have come within it. So
//! what waits here is bounded by what ends soon, and a session that is gone or renewed meanwhile
//! is just passed over.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use parlor_chat::entry::Millis;

use crate::session::Session;

/// How long before its end a token is watched.
const HORIZON_MS: u64 = 90_000;
/// How often all sessions are gone through. Well within the horizon.
pub(crate) const SCAN_EVERY_SECONDS: u64 = 60;

/// Sessions whose tokens end soon, by second.
#[derive(Debug, Default)]
pub(crate) struct Expiry {
    soon: Mutex<BTreeMap<u64, Vec<Weak<Session>>>>,
}

impl Expiry {
    /// Watches a session if its token ends soon.
    pub(crate) fn note(&self, session: &Arc<Session>, now: Millis) {
        let Some(expires) = session.expires() else { return };
        if expires.0 < now.0 + HORIZON_MS {
            let second = expires.0.div_ceil(1_000);
            self.soon.lock().entry(second).or_default().push(Arc::downgrade(session));
        }
    }

    /// The sessions whose tokens have ended by now.
    pub(crate) fn due(&self, now: Millis) -> Vec<Arc<Session>> {
        let ended = {
            let mut soon = self.soon.lock();
            let later = soon.split_off(&(now.0 / 1_000 + 1));
            std::mem::replace(&mut *soon, later)
        };
        let sessions = ended.into_values().flatten().filter_map(|session| session.upgrade());
        sessions.filter(|session| session.expires().is_some_and(|at| at <= now)).collect()
    }
}

#[cfg(test)]
mod tests {
    use parlor_chat::ids::{DeviceId, UserId};

    use super::*;

    fn session(expires: u64) -> Arc<Session> {
        let user = UserId::parse("alice").expect("an id in a test");
        Arc::new(Session::new(user, DeviceId::shared(), Some(Millis(expires)), Millis(0)))
    }

    #[test]
    fn a_session_is_due_once_its_token_has_ended() {
        let expiry = Expiry::default();
        let one = session(10_500);
        expiry.note(&one, Millis(0));
        assert!(expiry.due(Millis(10_400)).is_empty());
        assert_eq!(expiry.due(Millis(11_000)).len(), 1);
        assert!(expiry.due(Millis(12_000)).is_empty());
    }

    #[test]
    fn renewed_and_gone_sessions_are_passed_over() {
        let expiry = Expiry::default();
        let (renewed, gone) = (session(5_000), session(5_000));
        expiry.note(&renewed, Millis(0));
        expiry.note(&gone, Millis(0));
        renewed.renew(Some(Millis(60_000)));
        drop(gone);
        assert!(expiry.due(Millis(6_000)).is_empty());
    }

    #[test]
    fn what_ends_late_is_left_to_a_later_scan() {
        let expiry = Expiry::default();
        let late = session(HORIZON_MS + 1);
        expiry.note(&late, Millis(0));
        assert!(expiry.soon.lock().is_empty());
        expiry.note(&late, Millis(2));
        assert_eq!(expiry.soon.lock().len(), 1);
    }
}
