//! The embedded store keeps every promise of the port, on real files.

use std::sync::Arc;

use parlor_store::contract::{
    Made, MadeWhole, RETAINED_MS, clock, moving_clock, run_all, run_around, run_groups,
    run_moderating, run_retaining, run_timing,
};
use parlor_store::sqlite::{Clock, Config, Keyring, MasterKey, SqliteStore, verify};

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

fn whole(
    sink: Arc<dyn parlor_chat::store::CommitSink>,
    change: impl FnOnce(&mut Config),
) -> MadeWhole<Verified> {
    let dir = tempfile::tempdir().expect("a directory");
    let mut config = Config::new(dir.path());
    change(&mut config);
    let store = Arc::new(SqliteStore::open(config, sink).expect("it opens"));
    let (groups, around) = (store.clone(), store.clone());
    MadeWhole { store: store.clone(), groups, around, guard: Verified(dir, store) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_what_is_done_to_messages() {
    run_around(|sink| whole(sink, |_| {})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_what_is_done_to_sealed_messages() {
    run_around(|sink| {
        whole(sink, |config| {
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
