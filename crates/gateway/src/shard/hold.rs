//! Broadcasts that wait until their socket has caught up. While a socket holds, broadcasts are kept
//! in order, in a bounded buffer; the release drops what the catch-up has covered. A buffer that
//! overflows is emptied and says so, and the catch-up goes on from the store.

use std::collections::VecDeque;

/// The buffer of one holding socket.
#[derive(Debug)]
pub(crate) struct Hold<F> {
    frames: VecDeque<(u64, F)>,
    bytes: usize,
    overflowed: bool,
}

impl<F> Default for Hold<F> {
    fn default() -> Self {
        Self { frames: VecDeque::new(), bytes: 0, overflowed: false }
    }
}

/// How a push went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Push {
    Held,
    /// This one made the buffer overflow.
    Overflowed,
    /// The buffer has overflowed before; nothing is kept until it is asked.
    Skipped,
}

impl<F> Hold<F> {
    /// Keeps a frame of `bytes` at a position.
    pub(crate) fn push(&mut self, position: u64, frame: F, bytes: usize, bytes_max: usize) -> Push {
        if self.overflowed {
            return Push::Skipped;
        }
        if self.bytes + bytes > bytes_max {
            self.frames = VecDeque::new();
            self.bytes = 0;
            self.overflowed = true;
            return Push::Overflowed;
        }
        self.bytes += bytes;
        self.frames.push_back((position, frame));
        Push::Held
    }

    /// The frames above `position`, in order; `None` if the buffer had overflowed: then it is
    /// empty and holds again.
    pub(crate) fn release(&mut self, position: u64) -> Option<impl Iterator<Item = F> + use<F>> {
        let frames = std::mem::take(&mut self.frames);
        self.bytes = 0;
        if std::mem::take(&mut self.overflowed) {
            return None;
        }
        Some(frames.into_iter().filter(move |(at, _)| *at > position).map(|(_, frame)| frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_drops_what_was_read_and_keeps_order() {
        let mut hold = Hold::default();
        for (position, frame) in [(4, "a"), (5, "b"), (u64::MAX, "live"), (6, "c")] {
            assert_eq!(hold.push(position, frame, 1, 10), Push::Held);
        }
        let rest: Vec<_> = hold.release(5).expect("no overflow").collect();
        assert_eq!(rest, ["live", "c"]);
    }

    #[test]
    fn overflow_is_told_once_and_then_it_holds_again() {
        let mut hold = Hold::default();
        assert_eq!(hold.push(1, "a", 6, 10), Push::Held);
        assert_eq!(hold.push(2, "b", 6, 10), Push::Overflowed);
        assert_eq!(hold.push(3, "c", 1, 10), Push::Skipped);
        assert!(hold.release(1).is_none());
        assert_eq!(hold.push(4, "d", 6, 10), Push::Held);
        assert_eq!(hold.release(3).expect("no overflow").collect::<Vec<_>>(), ["d"]);
    }
}
