//! Up to where a node has looked for what hints did not tell it.
//!
//! Hints may all be lost ([`crate::follow`]), so every few seconds a node asks the store which logs
//! of the users who are here moved since its **floor**, and follows them up to their heads. A log
//! that it did not follow yet begins at its newest entry at or below the floor. So of whatever the
//! users here are concerned with, all that lies above the floor will be applied, or is about to be.
//!
//! A sweep speaks only of the users who were here when it was asked for. If somebody else comes
//! while it is under way, the floor stays where it was, or what was committed meanwhile to them
//! alone would lie below it and be looked for by nobody: their catch-up has joined at an older
//! position, and counts on everything above that.
//!
//! What always holds: the floor never goes back, and never passes something that concerns a user
//! who is here and was not looked for.

use crate::entry::Position;

/// The floor of one node and the sweep that is to raise it.
#[derive(Debug)]
pub struct Sweep {
    floor: Position,
    under_way: bool,
    /// Somebody came since it was asked for.
    widened: bool,
}

impl Sweep {
    /// A node that begins with nobody there.
    pub fn new(floor: Position) -> Self {
        Self { floor, under_way: false, widened: false }
    }

    /// Everything up to here was looked for.
    pub fn floor(&self) -> Position {
        self.floor
    }

    /// Begins a sweep, unless one is under way: what moved since the position is to be asked for.
    pub fn begin(&mut self) -> Option<Position> {
        if self.under_way {
            return None;
        }
        self.under_way = true;
        self.widened = false;
        Some(self.floor)
    }

    /// Takes that a user came who was not here before.
    pub fn widen(&mut self) {
        self.widened = true;
    }

    /// Takes that a sweep came back which saw everything up to `as_of`; its logs are followed up
    /// to the heads it named. Gives whether it spoke for everybody here.
    pub fn came(&mut self, as_of: Position) -> bool {
        let whole = self.under_way && !self.widened;
        self.under_way = false;
        if whole {
            self.floor = self.floor.max(as_of);
        }
        whole
    }

    /// Takes that it came to nothing.
    pub fn failed(&mut self) {
        self.under_way = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_raises_the_floor_to_what_it_saw() {
        let mut sweep = Sweep::new(Position(4));
        assert_eq!(sweep.begin(), Some(Position(4)));
        assert_eq!(sweep.begin(), None, "one at a time");
        assert!(sweep.came(Position(9)));
        assert_eq!(sweep.floor(), Position(9));
        assert_eq!(sweep.begin(), Some(Position(9)));
        assert!(sweep.came(Position(7)), "a copy that lags behind");
        assert_eq!(sweep.floor(), Position(9));
    }

    #[test]
    fn a_sweep_does_not_speak_for_who_came_after_it_was_asked_for() {
        let mut sweep = Sweep::new(Position(4));
        sweep.begin();
        sweep.widen();
        assert!(!sweep.came(Position(9)));
        assert_eq!(sweep.begin(), Some(Position(4)), "the next one looks again");
        assert!(sweep.came(Position(9)));
        assert_eq!(sweep.floor(), Position(9));
    }

    #[test]
    fn a_failed_sweep_changes_nothing() {
        let mut sweep = Sweep::new(Position(4));
        sweep.begin();
        sweep.failed();
        assert_eq!(sweep.begin(), Some(Position(4)));
    }
}
