//! What a device that says how far it is gets: what came since, or the word that it must start over.
//!
//! A [`Cursor`] is a position in one life of the log. It is good if the log is still in that life
//! and has not gone back behind it, and if what came since is few enough to be pushed. Otherwise
//! the device is told to read a snapshot, and why: it never gets a part that could be taken for
//! the whole. [`recovers`] holds Socket.IO's recovery to narrower bounds.

use crate::entry::{Epoch, Millis, Position};
use crate::store::Behind;

/// How far a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The life of the log in which it was that far.
    pub epoch: Epoch,
    /// It has everything up to here.
    pub position: Position,
}

impl Cursor {
    /// Takes a cursor as [`std::fmt::Display`] writes it: epoch and position, joined by a dot.
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, position) = text.split_once('.')?;
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| text.parse().ok())?
        };
        let (epoch, position): (u64, u64) = (number(epoch)?, number(position)?);
        (position < 1 << 53).then_some(Self { epoch: Epoch(epoch), position: Position(position) })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.epoch.0, self.position.0)
    }
}

/// What a device gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// Everything that was committed after this position.
    Since(Position),
    /// The word to read everything anew; what is committed after `from` is pushed.
    Snapshot {
        /// Why.
        reason: Reason,
        /// Whatever is read from now on is at least as new as this.
        from: Position,
    },
}

/// Why a cursor is no good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It is of another life of the log.
    Epoch,
    /// The log has not come that far.
    Ahead,
    /// More came since than is pushed.
    TooFar,
}

impl Reason {
    /// The word that clients see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Epoch => "epoch",
            Self::Ahead => "ahead",
            Self::TooFar => "too_far",
        }
    }
}

/// What a device with this cursor gets, `behind` being what the store says of its position.
pub fn decide(cursor: Cursor, epoch: Epoch, behind: Behind, entries_max: usize) -> Resume {
    let snapshot = |reason| Resume::Snapshot { reason, from: behind.as_of };
    if cursor.epoch != epoch {
        snapshot(Reason::Epoch)
    } else if cursor.position > behind.as_of {
        snapshot(Reason::Ahead)
    } else if behind.entries > entries_max {
        snapshot(Reason::TooFar)
    } else {
        Resume::Since(cursor.position)
    }
}

/// The bounds of Socket.IO's connection state recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryBounds {
    /// Most entries that a recovered connection may have missed.
    pub entries_max: usize,
    /// How old the oldest of them may be.
    pub age_max_ms: u64,
}

/// Whether a connection with this cursor is still the same one: then it gets what it missed and
/// nothing else happened to it.
pub fn recovers(
    cursor: Cursor,
    epoch: Epoch,
    behind: Behind,
    now: Millis,
    bounds: RecoveryBounds,
) -> bool {
    let fresh = behind.oldest.is_none_or(|at| now.0.saturating_sub(at.0) <= bounds.age_max_ms);
    fresh && matches!(decide(cursor, epoch, behind, bounds.entries_max), Resume::Since(_))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EPOCH: Epoch = Epoch(7);

    fn behind(entries: usize, as_of: u64) -> Behind {
        let oldest = (entries > 0).then_some(Millis(1_000));
        Behind { entries, oldest, as_of: Position(as_of) }
    }

    fn cursor(epoch: u64, position: u64) -> Cursor {
        Cursor { epoch: Epoch(epoch), position: Position(position) }
    }

    fn snapshot(reason: Reason, from: u64) -> Resume {
        Resume::Snapshot { reason, from: Position(from) }
    }

    #[test]
    fn a_good_cursor_gets_what_came_since() {
        let since = Resume::Since(Position(5));
        assert_eq!(decide(cursor(7, 5), EPOCH, behind(3, 9), 3), since);
        assert_eq!(decide(cursor(7, 5), EPOCH, behind(0, 5), 3), since);
    }

    #[test]
    fn a_cursor_that_is_no_good_gets_a_snapshot_and_the_reason() {
        let decided = |cursor, behind| decide(cursor, EPOCH, behind, 3);
        assert_eq!(decided(cursor(8, 5), behind(0, 9)), snapshot(Reason::Epoch, 9));
        assert_eq!(decided(cursor(7, 10), behind(0, 9)), snapshot(Reason::Ahead, 9));
        assert_eq!(decided(cursor(7, 5), behind(4, 9)), snapshot(Reason::TooFar, 9));
        assert_eq!(decided(cursor(8, 50), behind(9, 9)), snapshot(Reason::Epoch, 9));
    }

    #[test]
    fn recovery_has_bounds_of_number_and_of_age() {
        let bounds = RecoveryBounds { entries_max: 2, age_max_ms: 500 };
        let recovers =
            |entries, now| recovers(cursor(7, 5), EPOCH, behind(entries, 9), Millis(now), bounds);
        assert!(recovers(2, 1_500));
        assert!(!recovers(2, 1_501));
        assert!(!recovers(3, 1_000));
        assert!(recovers(0, 9_999_999), "nothing was missed");
    }

    #[test]
    fn only_the_one_way_to_write_a_cursor_is_taken() {
        for text in ["", "7", "7.", ".7", "7.5.1", "-7.5", "+7.5", "7.9007199254740992", "a.5"] {
            assert_eq!(Cursor::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_was(epoch: u64, position in 0u64..1 << 53) {
            let cursor = cursor(epoch, position);
            prop_assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        }

        #[test]
        fn any_text_is_parsed_or_not(text in "\\PC*|[0-9.]{0,30}") {
            let _ = Cursor::parse(&text);
        }
    }
}
