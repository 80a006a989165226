//! How a device that connects is brought up to date, without a gap and without a repeat.
//!
//! ```text
//! Reading --last page--> Joining --joined--> Closing --no more--> Releasing --released--> Live
//!    ^ |                                       ^ |                   |
//!    +-+ a page                                +-+ a page            +--overflowed--> Closing
//! ```
//!
//! First what the device has not had is read in pages and pushed, up to a position `P`: either
//! what it has not confirmed, `P` being what the first page saw, so that what is committed later
//! is left to the next step; or, for a device that says how far it is, what was committed since,
//! in commit order, `P` being what the last page saw. Then the connection joins the user's room, held: broadcasts are buffered. Then, unless the room was no
//! further than `P`, what was committed after `P` is read and pushed, up to a position `A` that is
//! not before the join. Then the
//! buffer is released: what lies at or below `A` is dropped, the rest is written, and from then
//! on broadcasts above `A` go straight out. If the buffer overflowed meanwhile, it is empty and
//! still holds, and the gap after `A` is closed again.
//!
//! The room may lag behind the store: a broadcast at or below `A` can also come *after* the
//! release, and whoever holds the buffer must drop that too.
//!
//! What always holds: each entry is pushed exactly once, in seq order within its conversation.
//! The driver does what [`CatchUp::next`] says and reports back by the method of that step;
//! nothing here waits, so every interleaving can be tested.

use std::sync::Arc;

use crate::entry::{Entry, Position};
use crate::store::{SincePage, UndeliveredCursor, UndeliveredPage};

/// What the driver has to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Read undelivered entries after the cursor; report by [`CatchUp::page`].
    ReadUndelivered(Option<UndeliveredCursor>),
    /// Join the user's room, held; report by [`CatchUp::joined`].
    Join,
    /// Read what was committed after the position; report by [`CatchUp::since`].
    ReadSince(Position),
    /// Release what is held above the position; report by [`CatchUp::released`] or
    /// [`CatchUp::overflowed`].
    Release(Position),
    /// Nothing: the device is up to date and live.
    Rest,
    /// Close the connection so that the device resumes: it cannot keep up, or the driver
    /// reported what it was not asked for.
    GiveUp,
}

/// The way of one connecting device.
#[derive(Debug)]
pub struct CatchUp {
    state: State,
    overflows_left: u32,
}

#[derive(Debug)]
enum State {
    Reading { cursor: Option<UndeliveredCursor>, as_of: Option<Position> },
    Resuming { after: Position },
    Joining { as_of: Position },
    Closing { after: Position, joined: Position },
    Releasing { as_of: Position, joined: Position },
    Live,
    GaveUp,
}

impl CatchUp {
    /// A device that gets what it has not confirmed; it may overflow `overflows_max` times.
    pub fn new(overflows_max: u32) -> Self {
        let state = State::Reading { cursor: None, as_of: None };
        Self { state, overflows_left: overflows_max }
    }

    /// A device that has everything up to a position and gets what came since.
    pub fn resuming(after: Position, overflows_max: u32) -> Self {
        Self { state: State::Resuming { after }, overflows_left: overflows_max }
    }

    /// What to do next.
    pub fn next(&self) -> Next {
        match &self.state {
            State::Reading { cursor, .. } => Next::ReadUndelivered(cursor.clone()),
            State::Joining { .. } => Next::Join,
            State::Resuming { after } | State::Closing { after, .. } => Next::ReadSince(*after),
            State::Releasing { as_of, .. } => Next::Release(*as_of),
            State::Live => Next::Rest,
            State::GaveUp => Next::GiveUp,
        }
    }

    /// Whether broadcasts now go straight to the device.
    pub fn is_live(&self) -> bool {
        matches!(self.state, State::Live)
    }

    /// Takes a page of undelivered entries; gives those to push now, in order.
    pub fn page(&mut self, page: UndeliveredPage) -> Vec<Arc<Entry>> {
        let State::Reading { as_of, .. } = &self.state else {
            return self.out_of_turn();
        };
        let as_of = as_of.unwrap_or(page.as_of);
        self.state = match page.next {
            Some(cursor) => State::Reading { cursor: Some(cursor), as_of: Some(as_of) },
            None => State::Joining { as_of },
        };
        // A later page also sees what was committed after the first one. Within a conversation
        // that is a tail, and it comes again when the gap is closed.
        page.entries.into_iter().filter(|entry| entry.position <= as_of).collect()
    }

    /// Takes the position up to which the room had been served when the connection joined it.
    pub fn joined(&mut self, position: Position) {
        self.state = match self.state {
            // Nothing can lie between: all up to `as_of` was pushed, all after `joined` is held.
            State::Joining { as_of } if position <= as_of => {
                State::Releasing { as_of, joined: position }
            }
            State::Joining { as_of } => State::Closing { after: as_of, joined: position },
            _ => State::GaveUp,
        };
    }

    /// Takes a page of what was committed since; gives the entries to push now, in order.
    pub fn since(&mut self, page: SincePage) -> Vec<Arc<Entry>> {
        let (after, joined) = match self.state {
            State::Resuming { after } => return self.resumed(after, page),
            State::Closing { after, joined } => (after, joined),
            _ => return self.out_of_turn(),
        };
        let last = page.entries.last().map_or(after, |last| last.position);
        self.state = if page.more {
            State::Closing { after: last, joined }
        } else if page.as_of < joined {
            // The read saw less than the room had been told: it is read again.
            State::Closing { after: last.max(page.as_of), joined }
        } else {
            State::Releasing { as_of: page.as_of.max(last), joined }
        };
        page.entries
    }

    fn resumed(&mut self, after: Position, page: SincePage) -> Vec<Arc<Entry>> {
        let last = page.entries.last().map_or(after, |last| last.position);
        self.state = match page.more {
            true => State::Resuming { after: last },
            false => State::Joining { as_of: page.as_of.max(last) },
        };
        page.entries
    }

    /// Takes that the held broadcasts were written: the device is live.
    pub fn released(&mut self) {
        self.state = match self.state {
            State::Releasing { .. } => State::Live,
            _ => State::GaveUp,
        };
    }

    /// Takes that the held broadcasts had overflowed and are gone.
    pub fn overflowed(&mut self) {
        self.state = match self.state {
            State::Releasing { as_of, joined } if self.overflows_left > 0 => {
                self.overflows_left -= 1;
                State::Closing { after: as_of, joined }
            }
            _ => State::GaveUp,
        };
    }

    fn out_of_turn(&mut self) -> Vec<Arc<Entry>> {
        self.state = State::GaveUp;
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
