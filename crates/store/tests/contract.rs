//! The embedded store keeps every promise of the port, on real files.

use std::path::Path;
use std::sync::Arc;

use parlor_chat::store::{CommitSink, Committed};
use parlor_store::contract::{
    CROWD_MEMBERS_MAX, Made, MadeWhole, RETAINED_MS, clock, moving_clock, run_all, run_around,
    run_crowds, run_groups, run_moderating, run_retaining, run_timing,
};
use parlor_store::sqlite::{
    Clock, Config, DATABASE_FILE, IndexPace, Keyring, MasterKey, SqliteStore, verify,
};
use rusqlite::Connection;

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

/// Verifies the files once the store is closed.
struct Verified(tempfile::TempDir, Arc<SqliteStore>);

impl Drop for Verified {
    fn drop(&mut self) {
        self.1.close();
        let findings = verify(self.0.path()).expect("the store can be read");
        assert!(std::thread::panicking() || findings.is_empty(), "{findings:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_the_contract_and_leaves_a_sound_store() {
    run_all(|sink| {
        let dir = tempfile::tempdir().expect("a directory");
        let store = SqliteStore::open(Config::new(dir.path()), sink).expect("it opens");
        let store = Arc::new(store);
        Made { store: store.clone(), guard: Verified(dir, store) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_the_contract_while_it_checkpoints_all_the_time() {
    run_all(|sink| {
        let dir = tempfile::tempdir().expect("a directory");
        let config = Config {
            wal_soft_bytes: 1,
            wal_hard_bytes: 8_192,
            batch_commands_max: 7,
            readers: 3,
            ..Config::new(dir.path())
        };
        let store = Arc::new(SqliteStore::open(config, sink).expect("it opens"));
        Made { store: store.clone(), guard: Verified(dir, store) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_the_contract_while_it_removes_old_entries() {
    run_retaining(|sink| {
        let dir = tempfile::tempdir().expect("a directory");
        let config = Config {
            retention_ms: Some(RETAINED_MS),
            clock: Clock(clock),
            ..Config::new(dir.path())
        };
        let store = Arc::new(SqliteStore::open(config, sink).expect("it opens"));
        Made { store: store.clone(), guard: Verified(dir, store) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_the_contract_of_groups_and_leaves_a_sound_store() {
    run_groups(|sink| {
        let dir = tempfile::tempdir().expect("a directory");
        let store = SqliteStore::open(Config::new(dir.path()), sink).expect("it opens");
        let store = Arc::new(store);
        (Made { store: store.clone(), guard: Verified(dir, store.clone()) }, store)
    })
    .await;
}

/// Verifies the files once the store is closed, and that an index of words that is made anew is the one
/// that was kept in step with the log.
struct VerifiedWhole(Verified, Config);

impl Drop for VerifiedWhole {
    fn drop(&mut self) {
        let Self(Verified(dir, store), config) = self;
        store.close();
        if std::thread::panicking() {
            return;
        }
        let kept = indexed(config, dir.path());
        change(dir.path(), "UPDATE meta SET value = 'other' WHERE key = 'words_version'");
        assert_eq!(indexed(config, dir.path()), kept);
    }
}

/// What the index holds once all of the log is in it: each term with the messages that have it.
fn indexed(config: &Config, dir: &Path) -> Vec<(String, i64)> {
    let store = SqliteStore::open(config.clone(), Arc::new(Nobody)).expect("it opens");
    while store.stats().unindexed > 0 {
        std::thread::yield_now();
    }
    store.close();
    let conn = Connection::open(dir.join(DATABASE_FILE)).expect("it opens");
    conn.execute_batch(
        "CREATE VIRTUAL TABLE temp.held USING fts5vocab(main, word_index, instance)",
    )
    .expect("the index is read");
    let mut held = conn.prepare("SELECT term, doc FROM temp.held ORDER BY 1, 2").expect("it is");
    let rows = held.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).expect("it is read");
    rows.collect::<Result<_, _>>().expect("it is read")
}

fn change(dir: &Path, sql: &str) {
    let conn = Connection::open(dir.join(DATABASE_FILE)).expect("it opens");
    conn.execute_batch(sql).expect("it is changed");
}

fn whole(
    sink: Arc<dyn parlor_chat::store::CommitSink>,
    change: impl FnOnce(&mut Config),
) -> MadeWhole<VerifiedWhole> {
    let dir = tempfile::tempdir().expect("a directory");
    let mut config = Config::new(dir.path());
    change(&mut config);
    let store = Arc::new(SqliteStore::open(config.clone(), sink).expect("it opens"));
    let (groups, around) = (store.clone(), store.clone());
    let guard = VerifiedWhole(Verified(dir, store.clone()), config);
    MadeWhole { store, groups, around, guard }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_what_is_done_to_messages() {
    run_around(|sink| whole(sink, |_| {})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_what_is_done_to_messages_while_it_indexes_them_at_once() {
    run_around(|sink| whole(sink, |config| config.index_gather_ms = 0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_what_is_done_to_messages_while_it_indexes_them_whole() {
    run_around(|sink| {
        whole(sink, |config| {
            config.index_gather_ms = 0;
            config.index_pace = IndexPace::Whole;
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_what_is_done_to_sealed_messages() {
    run_around(|sink| {
        whole(sink, |config| {
            config.index_gather_ms = 20;
            let key = MasterKey::parse(&"7".repeat(64)).expect("64 digits");
            config.keyring = Some(Arc::new(Keyring::new(key, Vec::new())));
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_what_is_done_to_messages_while_it_removes_old_entries() {
    run_around(|sink| {
        whole(sink, |config| {
            config.retention_ms = Some(RETAINED_MS);
            config.clock = Clock(clock);
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_the_contract_of_larger_groups_and_leaves_a_sound_store() {
    run_crowds(|sink| whole(sink, |config| config.receipts_members_max = CROWD_MEMBERS_MAX)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_the_contract_of_larger_groups_when_contents_are_sealed() {
    run_crowds(|sink| {
        whole(sink, |config| {
            let key = MasterKey::parse(&"7".repeat(64)).expect("64 digits");
            config.keyring = Some(Arc::new(Keyring::new(key, Vec::new())));
            config.receipts_members_max = CROWD_MEMBERS_MAX;
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_times_plain_sealed_and_while_it_removes_old_entries() {
    for (is_sealed, retention_ms) in [(false, None), (true, None), (false, Some(RETAINED_MS))] {
        run_timing(|sink| {
            whole(sink, |config| {
                let key = MasterKey::parse(&"7".repeat(64)).expect("64 digits");
                config.keyring = is_sealed.then(|| Arc::new(Keyring::new(key, Vec::new())));
                config.retention_ms = retention_ms;
                config.clock = Clock(moving_clock);
            })
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_the_contract_of_moderation_and_leaves_a_sound_store() {
    run_moderating(|sink| {
        let dir = tempfile::tempdir().expect("a directory");
        let config = Config { batch_commands_max: 3, ..Config::new(dir.path()) };
        let store = Arc::new(SqliteStore::open(config, sink).expect("it opens"));
        Made { store: store.clone(), guard: Verified(dir, store) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_the_contract_of_moderation_when_contents_are_sealed() {
    run_moderating(|sink| {
        let dir = tempfile::tempdir().expect("a directory");
        let key = MasterKey::parse(&"5a".repeat(32)).expect("a key");
        let keyring = Some(Arc::new(Keyring::new(key, Vec::new())));
        let config = Config { keyring, ..Config::new(dir.path()) };
        let store = Arc::new(SqliteStore::open(config, sink).expect("it opens"));
        Made { store: store.clone(), guard: Verified(dir, store) }
    })
    .await;
}
