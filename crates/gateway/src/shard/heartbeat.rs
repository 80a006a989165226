//! A timing wheel: what is to happen when, without a timer per connection. An entry fires in the
//! first tick that begins at or after its time, never before it. Entries cannot be taken back; the
//! owner of a stale one ignores it.

/// Ticks of one turn; what is due later stays in its bucket for another turn.
const BUCKETS: usize = 512;

/// Entries for which an empty bucket keeps room.
const KEPT: usize = 16;

/// Entries by the tick in which they are due.
pub(crate) struct Wheel<T> {
    tick_ms: u64,
    /// The last tick that was fired. Ticks are counted in 32 bits: 13 years of 100 ms.
    tick: u32,
    buckets: Vec<Vec<(u32, T)>>,
}

impl<T> Wheel<T> {
    pub(crate) fn new(tick_ms: u64) -> Self {
        assert!(tick_ms > 0, "a tick lasts");
        Self { tick_ms, tick: 0, buckets: (0..BUCKETS).map(|_| Vec::new()).collect() }
    }

    /// The tick in which something due at `at_ms` fires.
    pub(crate) fn tick_of(&self, at_ms: u64) -> u32 {
        u32::try_from(at_ms.div_ceil(self.tick_ms)).unwrap_or(u32::MAX).max(self.tick + 1)
    }

    /// The time at which the next tick begins.
    pub(crate) fn next_ms(&self) -> u64 {
        u64::from(self.tick + 1) * self.tick_ms
    }

    /// Puts in an entry; gives its tick.
    pub(crate) fn insert(&mut self, at_ms: u64, entry: T) -> u32 {
        let tick = self.tick_of(at_ms);
        self.buckets[tick as usize % BUCKETS].push((tick, entry));
        tick
    }

    /// Moves what is due by `now_ms` to `due`, with its tick.
    pub(crate) fn advance(&mut self, now_ms: u64, due: &mut Vec<(u32, T)>) {
        let until = u32::try_from(now_ms / self.tick_ms).unwrap_or(u32::MAX - 1);
        // A long pause turns the wheel once; each bucket then gives up all that is due in it.
        let first = (self.tick + 1).max(until.saturating_sub(BUCKETS as u32 - 1));
        for tick in first..=until {
            let bucket = &mut self.buckets[tick as usize % BUCKETS];
            due.extend(bucket.extract_if(.., |(at, _)| *at <= until));
            // Buckets fill unevenly; each that kept the most it ever held would keep far more than all
            // entries take.
            if bucket.is_empty() && bucket.capacity() > KEPT {
                *bucket = Vec::new();
            }
        }
        self.tick = self.tick.max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fired(wheel: &mut Wheel<u32>, now_ms: u64) -> Vec<u32> {
        let mut due = Vec::new();
        wheel.advance(now_ms, &mut due);
        due.into_iter().map(|(_, entry)| entry).collect()
    }

    #[test]
    fn nothing_fires_early() {
        let mut wheel = Wheel::new(10);
        wheel.insert(300, 1);
        wheel.insert(301, 2);
        for now in 0..300 {
            assert!(fired(&mut wheel, now).is_empty(), "fired at {now}");
        }
        assert_eq!(fired(&mut wheel, 300), [1]);
        assert!(fired(&mut wheel, 309).is_empty());
        assert_eq!(fired(&mut wheel, 310), [2]);
    }

    #[test]
    fn entry_beyond_a_turn_waits_for_its_turn() {
        let mut wheel = Wheel::new(1);
        wheel.insert(1500, 7);
        for now in 0..1500 {
            assert!(fired(&mut wheel, now).is_empty(), "fired at {now}");
        }
        assert_eq!(fired(&mut wheel, 1500), [7]);
    }

    #[test]
    fn an_empty_bucket_keeps_little() {
        let mut wheel = Wheel::new(10);
        for entry in 0..10_000 {
            wheel.insert(u64::from(entry % 500) * 10, entry);
        }
        assert_eq!(fired(&mut wheel, 10_000).len(), 10_000);
        assert!(wheel.buckets.iter().all(|bucket| bucket.capacity() <= KEPT));
    }

    #[test]
    fn a_long_pause_loses_nothing() {
        let mut wheel = Wheel::new(5);
        for at in 0..2000 {
            wheel.insert(at, at as u32);
        }
        let mut all = fired(&mut wheel, 100_000);
        all.sort_unstable();
        assert_eq!(all, (0..2000).collect::<Vec<_>>());
        wheel.insert(0, 9);
        assert_eq!(fired(&mut wheel, 100_005), [9]);
    }
}
