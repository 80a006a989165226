//! The threads that read.
//!
//! Each has a connection of its own. Reads that have queued up are served in one snapshot, taken
//! after all of them were asked for: so a read sees every write that was answered before it was
//! asked, and a storm of connects does not pay for a snapshot each. A read that panics fails alone:
//! the thread and the reads behind it go on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parlor_chat::requests::Bounds;
use parlor_chat::store::StoreError;
use rusqlite::Connection;

use super::Shared;
use super::config::Config;
use super::names::Names;
use super::queue::Taken;

/// A read: it runs with a reader, or is told why it cannot.
pub(crate) type Read = Box<dyn FnOnce(Result<&mut Reader, StoreError>) + Send>;

/// One thread's connection and what it has looked up.
pub(crate) struct Reader {
    pub(crate) conn: Connection,
    pub(crate) names: Names,
    pub(crate) receipts_members_max: u64,
    pub(crate) requests: Bounds,
}

/// Reads served in one snapshot.
const SNAPSHOT_READS_MAX: usize = 64;

impl Reader {
    pub(crate) fn new(conn: Connection, config: &Config) -> Self {
        let names = Names::new(config.keyring.clone(), config.clock);
        let (receipts_members_max, requests) = (config.receipts_members_max, config.requests);
        Self { conn, names, receipts_members_max, requests }
    }

    /// Reads until the queue is closed and empty.
    pub(crate) fn run(mut self, shared: &Arc<Shared>) {
        while let Taken::Items(reads) = shared.reads.0.take(SNAPSHOT_READS_MAX, usize::MAX, None) {
            let _gate = shared.gate.read();
            shared.counters.add(|c| &c.reads, reads.len() as u64);
            let begun = self.conn.prepare_cached("BEGIN").and_then(|mut s| s.execute(()));
            for read in reads {
                match &begun {
                    Ok(_) => self.guarded(read),
                    Err(error) => read(Err(super::health::told(error))),
                }
            }
            // A snapshot has nothing to commit; and after damage the engine would refuse to.
            if !self.conn.is_autocommit()
                && let Err(error) =
                    self.conn.prepare_cached("ROLLBACK").and_then(|mut s| s.execute(()))
            {
                tracing::warn!(%error, "a read could not end its snapshot");
            }
        }
    }

    fn guarded(&mut self, read: Read) {
        // What a panic may leave half done is the cache, which is dropped, and statements, which
        // the engine resets before their next use.
        if catch_unwind(AssertUnwindSafe(|| read(Ok(self)))).is_err() {
            tracing::error!("a read panicked");
            self.names.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parlor_chat::ids::UserId;
    use parlor_chat::store::{CommitSink, Committed, Store};

    use crate::sqlite::rows::Subject;
    use crate::sqlite::{Config, SqliteStore};

    struct Nobody;

    impl CommitSink for Nobody {
        fn committed(&self, _: &[Committed]) {}
    }

    #[tokio::test]
    async fn a_read_that_panics_fails_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let config = Config { readers: 1, ..Config::new(dir.path()) };
        let store = SqliteStore::open(config, Arc::new(Nobody)).expect("it opens");
        for _ in 0..3 {
            let user = UserId::parse("a").expect("an id in a test");
            let failed = store.read::<()>(Subject::User(user.clone()), |_| panic!("a bug"));
            assert!(failed.await.is_err());
            assert_eq!(store.devices(user).await.expect("the thread lives"), vec![]);
        }
    }
}
