//! All chance of a simulation. Every source of it has a stream of its own, made from the seed and a
//! name, so that taking one step out of a plan leaves the chance of all others as it was: that is
//! what lets a trace shrink.

/// What chance is needed for. Each kind counts its own draws per source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Source {
    /// What a seed plans.
    Plan = 1,
    /// A link from a device to a node.
    Up,
    /// A link from a node to a device.
    Down,
    /// The bus to a node.
    Bus,
    /// A node's way to the store and back.
    Disk,
    /// What a device decides.
    Device,
    /// What a node decides.
    Node,
    /// What was removed from the log.
    Removed,
}

/// A stream of chance. SplitMix64: small, fast, and good enough to break things.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    /// The stream of one source.
    pub(crate) fn of(seed: u64, source: Source, number: u64) -> Self {
        let mut chance = Self(seed ^ (source as u64).wrapping_mul(0xd6e8_feb8_6659_fd93));
        let salt = chance.next();
        Self(salt ^ number.wrapping_mul(0xa076_1d64_78bd_642f))
    }

    /// 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn range(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// An index below `bound`, which is at least 1.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_their_own_and_repeatable() {
        let first = |seed, source, number| Chance::of(seed, source, number).next();
        assert_eq!(first(1, Source::Up, 1), first(1, Source::Up, 1));
        assert_ne!(first(1, Source::Up, 1), first(1, Source::Up, 2));
        assert_ne!(first(1, Source::Up, 1), first(1, Source::Down, 1));
        assert_ne!(first(1, Source::Up, 1), first(2, Source::Up, 1));
    }
}
