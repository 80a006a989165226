//! What the store counts, for the binary's metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the buckets of [`Stats::commit_micros`]; the last bucket has none.
pub const COMMIT_MICROS_BOUNDS: [u64; 15] = [
    100, 250, 500, 1_000, 2_000, 4_000, 8_000, 12_000, 16_000, 25_000, 50_000, 100_000, 250_000,
    500_000, 1_000_000,
];

/// Upper bounds of the buckets of [`Stats::batch_commands`]; the last bucket has none.
pub const BATCH_COMMANDS_BOUNDS: [u64; 11] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];

/// A reading of the store's counters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
    /// Writes that wait for the writer now.
    pub write_queue_commands: u64,
    /// Reads that wait for a reader now.
    pub read_queue_commands: u64,
    /// Batches committed.
    pub commits: u64,
    /// Batches that failed as a whole.
    pub commits_failed: u64,
    /// Commands of committed batches.
    pub commands: u64,
    /// Entries appended, without repeats.
    pub entries: u64,
    /// Appends answered by their idempotency key.
    pub repeats: u64,
    /// Blocks of watermarks of groups' members written.
    pub mark_blocks: u64,
    /// Writes refused because the queue was full.
    pub overloaded: u64,
    /// Batches by time from begin to durable, per bucket of [`COMMIT_MICROS_BOUNDS`].
    pub commit_micros: [u64; COMMIT_MICROS_BOUNDS.len() + 1],
    /// Sum of those times.
    pub commit_micros_sum: u64,
    /// Batches by number of commands, per bucket of [`BATCH_COMMANDS_BOUNDS`].
    pub batch_commands: [u64; BATCH_COMMANDS_BOUNDS.len() + 1],
    /// Bytes of the write-ahead log in use after the last commit.
    pub wal_bytes: u64,
    /// Checkpoints completed.
    pub checkpoints: u64,
    /// Reads served.
    pub reads: u64,
    /// Reads that a replica answered.
    pub replica_reads: u64,
    /// Reads that it could have, had it been there, or had what the primary had.
    pub replica_misses: u64,
    /// Reads and writes refused because what is stored is damaged.
    pub corrupt: u64,
    /// Entries removed for their age.
    pub removed: u64,
    /// Contents taken out because they have ended.
    pub expired: u64,
    /// Slices of upkeep between batches: taking out contents, removing entries, giving pages back.
    pub slices: u64,
    /// The longest of them, with its commit.
    pub slice_micros_max: u64,
    /// Entries at the log's end that are not in the index of words; 0 if there is none.
    pub unindexed: u64,
    /// The longest slice of indexing, with its commit.
    pub index_slice_micros_max: u64,
    /// Entries known to be committed, by any node, that the sink has not heard yet.
    pub untold: u64,
    /// Entries that no hint had told of, and that were found by reading the log.
    pub repaired: u64,
    /// How often two different entries claimed one position.
    pub mismatches: u64,
    /// How long ago, by both nodes' clocks, the last commit heard of was made when it was heard.
    pub heard_lag_ms: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) commits_failed: AtomicU64,
    pub(crate) commands: AtomicU64,
    pub(crate) entries: AtomicU64,
    pub(crate) repeats: AtomicU64,
    pub(crate) mark_blocks: AtomicU64,
    pub(crate) overloaded: AtomicU64,
    pub(crate) wal_bytes: AtomicU64,
    pub(crate) checkpoints: AtomicU64,
    pub(crate) reads: AtomicU64,
    pub(crate) replica_reads: AtomicU64,
    pub(crate) replica_misses: AtomicU64,
    pub(crate) corrupt: AtomicU64,
    pub(crate) removed: AtomicU64,
    pub(crate) expired: AtomicU64,
    pub(crate) slices: AtomicU64,
    pub(crate) slice_micros_max: AtomicU64,
    /// The log is in the index of words up to this position.
    pub(crate) indexed: AtomicU64,
    pub(crate) index_slice_micros_max: AtomicU64,
    pub(crate) repaired: AtomicU64,
    pub(crate) mismatches: AtomicU64,
    pub(crate) heard_lag_ms: AtomicU64,
    commit_micros: [AtomicU64; COMMIT_MICROS_BOUNDS.len() + 1],
    commit_micros_sum: AtomicU64,
    batch_commands: [AtomicU64; BATCH_COMMANDS_BOUNDS.len() + 1],
}

impl Counters {
    pub(crate) fn add(&self, counter: impl Fn(&Self) -> &AtomicU64, n: u64) {
        counter(self).fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn committed(&self, micros: u64, commands: u64) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.commands.fetch_add(commands, Ordering::Relaxed);
        self.commit_micros_sum.fetch_add(micros, Ordering::Relaxed);
        let at = COMMIT_MICROS_BOUNDS.partition_point(|bound| *bound < micros);
        self.commit_micros[at].fetch_add(1, Ordering::Relaxed);
        let at = BATCH_COMMANDS_BOUNDS.partition_point(|bound| *bound < commands);
        self.batch_commands[at].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self, write_queue: usize, read_queue: usize, position: u64) -> Stats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            write_queue_commands: write_queue as u64,
            read_queue_commands: read_queue as u64,
            commits: get(&self.commits),
            commits_failed: get(&self.commits_failed),
            commands: get(&self.commands),
            entries: get(&self.entries),
            repeats: get(&self.repeats),
            mark_blocks: get(&self.mark_blocks),
            overloaded: get(&self.overloaded),
            commit_micros: std::array::from_fn(|i| get(&self.commit_micros[i])),
            commit_micros_sum: get(&self.commit_micros_sum),
            batch_commands: std::array::from_fn(|i| get(&self.batch_commands[i])),
            wal_bytes: get(&self.wal_bytes),
            checkpoints: get(&self.checkpoints),
            reads: get(&self.reads),
            replica_reads: get(&self.replica_reads),
            replica_misses: get(&self.replica_misses),
            corrupt: get(&self.corrupt),
            removed: get(&self.removed),
            expired: get(&self.expired),
            slices: get(&self.slices),
            slice_micros_max: get(&self.slice_micros_max),
            unindexed: position.saturating_sub(get(&self.indexed)),
            index_slice_micros_max: get(&self.index_slice_micros_max),
            untold: 0,
            repaired: get(&self.repaired),
            mismatches: get(&self.mismatches),
            heard_lag_ms: get(&self.heard_lag_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_falls_into_the_bucket_whose_bound_it_does_not_exceed() {
        let counters = Counters::default();
        counters.committed(100, 1);
        counters.committed(101, 1_025);
        counters.committed(9_000_000, 2);
        let stats = counters.read(0, 0, 0);
        assert_eq!(stats.commit_micros[0], 1);
        assert_eq!(stats.commit_micros[1], 1);
        assert_eq!(stats.commit_micros[COMMIT_MICROS_BOUNDS.len()], 1);
        assert_eq!(stats.batch_commands[BATCH_COMMANDS_BOUNDS.len()], 1);
        assert_eq!(stats.commit_micros_sum, 9_000_201);
    }
}
