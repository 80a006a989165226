//! How long an idempotency key is good for.
//!
//! A store remembers a key for the configured window and one day more ([`kept_until`]). A key
//! that tells its own age, a UUIDv7, and is older than the window is refused ([`is_stale`]): it
//! may have been forgotten, so taking it could keep a message twice. Other keys tell nothing,
//! and a retry after the window counts as new; that is why UUIDv7 is the advice.
//!
//! Clients' clocks are not trusted to be right: one that runs ahead by up to [`SKEW_MS`] keeps
//! the promise, since the store remembers for so much longer; one that is further ahead loses
//! only this check, never a message.

use crate::entry::Millis;
use crate::ids::ClientId;
use crate::limits::DAY_MS;

/// How far ahead a client's clock may be, in milliseconds.
pub const SKEW_MS: u64 = DAY_MS;

/// Whether a key is a UUIDv7 made more than `window_ms` before `now`.
pub fn is_stale(key: &ClientId, now: Millis, window_ms: u64) -> bool {
    made_at(key).is_some_and(|made| made.0.saturating_add(window_ms) < now.0)
}

/// Up to when a store remembers a key that was committed at `committed`.
pub fn kept_until(committed: Millis, window_ms: u64) -> Millis {
    Millis(committed.0.saturating_add(window_ms).saturating_add(SKEW_MS))
}

/// When a UUIDv7 was made, in its usual form of 36 characters; `None` for any other key.
///
/// Source: RFC 9562, section 5.7.
fn made_at(key: &ClientId) -> Option<Millis> {
    let text = key.as_str().as_bytes();
    if text.len() != 36 || text[14] != b'7' || !b"89abAB".contains(&text[19]) {
        return None;
    }
    let mut made = 0u64;
    for (i, byte) in text.iter().enumerate() {
        if matches!(i, 8 | 13 | 18 | 23) {
            if *byte != b'-' {
                return None;
            }
        } else {
            let digit = char::from(*byte).to_digit(16)?;
            if i < 13 {
                made = made << 4 | u64::from(digit);
            }
        }
    }
    Some(Millis(made))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOW_MS: u64 = 30 * DAY_MS;

    fn uuid_v7(ms: u64, rest: u64) -> ClientId {
        let (high, low) = (ms >> 16, ms & 0xffff);
        let (a, b) = (rest & 0xfff, rest >> 16);
        ClientId::parse(&format!("{high:08x}-{low:04x}-7{a:03x}-9abc-{b:012x}")).expect("shape")
    }

    #[test]
    fn the_example_of_the_standard_tells_its_age() {
        let key = ClientId::parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F").expect("shape");
        assert_eq!(made_at(&key), Some(Millis(0x017F_22E2_79B0)));
    }

    #[test]
    fn a_random_uuid_or_text_is_never_stale() {
        for text in
            ["017f22e2-79b0-4cc3-98c4-dc0c0c07398f", "k", "017f22e279b07cc398c4dc0c0c07398f"]
        {
            let key = ClientId::parse(text).expect("shape");
            assert!(!is_stale(&key, Millis(u64::MAX), 0), "{text}");
        }
    }

    proptest! {
        #[test]
        fn stale_exactly_beyond_the_window(now in WINDOW_MS..1 << 48, age in 0..2 * WINDOW_MS, rest in 0u64..1 << 63) {
            prop_assume!(age <= now);
            let key = uuid_v7(now - age, rest);
            prop_assert_eq!(is_stale(&key, Millis(now), WINDOW_MS), age > WINDOW_MS);
        }

        #[test]
        fn a_key_from_the_future_is_not_stale(now in 0u64..1 << 47, ahead in 0u64..1 << 40) {
            prop_assert!(!is_stale(&uuid_v7(now + ahead, 1), Millis(now), WINDOW_MS));
        }

        #[test]
        fn whatever_is_forgotten_is_stale_unless_its_clock_ran_a_day_ahead(
            committed in 1u64 << 40..1 << 41,
            ahead in 0..=SKEW_MS,
            later in 1u64..1 << 40,
        ) {
            let forgotten = Millis(kept_until(Millis(committed), WINDOW_MS).0 + later);
            prop_assert!(is_stale(&uuid_v7(committed + ahead, 3), forgotten, WINDOW_MS));
        }
    }
}
