//! What goes wrong with disks, files and queues: a clear error, no false ack, no corruption.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::{ClientId, ConversationId, Seq, UserId};
use parlor_chat::store::{
    Append, Appended, CommitSink, Committed, HistoryQuery, HistoryRange, Origin, Pending,
    Recipient, Store, StoreError,
};
use parlor_store::sqlite::{Config, DATABASE_FILE, OpenError, SqliteStore, verify};
use rusqlite::Connection;

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a good user id")
}

fn wish(n: u64, bytes: usize) -> Append {
    Append {
        from: user("a"),
        to: Recipient::User(user("b")),
        client_id: Some(ClientId::parse(&format!("k{n}")).expect("a good key")),
        content: Content(format!("\"{}\"", "x".repeat(bytes)).into()),
        now: Millis(1_800_000_000_000 + n),
        origin: Origin::of(n),
    }
}

fn open(dir: &Path) -> SqliteStore {
    SqliteStore::open(Config::new(dir), Arc::new(Nobody)).expect("it opens")
}

async fn head(store: &SqliteStore) -> u64 {
    let conversation = ConversationId::direct(&user("a"), &user("b"));
    let range = HistoryRange::Before(None);
    let query = HistoryQuery { user: user("a"), conversation, range, limit: 1 };
    match store.history(query).await {
        Ok(page) => page.entries.first().map_or(0, |entry| entry.seq.0),
        Err(StoreError::NotFound) => 0,
        Err(error) => panic!("{error}"),
    }
}

fn is_unavailable<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable { .. }))
}

#[tokio::test]
async fn two_servers_on_one_directory_are_refused_and_one_after_the_other_is_fine() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = open(dir.path());
    let second = SqliteStore::open(Config::new(dir.path()), Arc::new(Nobody));
    assert!(matches!(second, Err(OpenError::InUse { .. })));
    first.append(wish(1, 10)).await.expect("the first goes on");
    let epoch = first.epoch();
    drop(first);
    let second = open(dir.path());
    assert_eq!(second.epoch(), epoch);
    assert_eq!(head(&second).await, 1);
}

#[test]
fn a_newer_schema_and_a_foreign_file_are_refused_and_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(open(dir.path()));
    let path = dir.path().join(DATABASE_FILE);
    let conn = Connection::open(&path).expect("it opens");
    conn.pragma_update(None, "user_version", 99).expect("it is written");
    drop(conn);
    let opened = SqliteStore::open(Config::new(dir.path()), Arc::new(Nobody));
    assert!(matches!(opened, Err(OpenError::NewerSchema { found: 99, .. })));
    assert!(matches!(verify(dir.path()), Err(OpenError::NewerSchema { .. })));

    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join(DATABASE_FILE);
    let conn = Connection::open(&path).expect("it opens");
    conn.execute_batch("CREATE TABLE mine (x); INSERT INTO mine VALUES (1)").expect("it is made");
    drop(conn);
    let opened = SqliteStore::open(Config::new(dir.path()), Arc::new(Nobody));
    assert!(matches!(opened, Err(OpenError::NotAStore)));
    let conn = Connection::open(&path).expect("it opens");
    let kept: i64 =
        conn.query_row("SELECT x FROM mine", (), |row| row.get(0)).expect("it is there");
    assert_eq!(kept, 1);

    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join(DATABASE_FILE), "not a database, but long enough to be one")
        .expect("it is written");
    let opened = SqliteStore::open(Config::new(dir.path()), Arc::new(Nobody));
    assert!(matches!(opened, Err(OpenError::Engine(_))));
}

#[tokio::test]
async fn a_log_put_back_from_a_copy_begins_a_new_life() {
    let dir = tempfile::tempdir().expect("a directory");
    let (db, copy) = (dir.path().join(DATABASE_FILE), dir.path().join("copy"));
    let store = open(dir.path());
    let epoch = store.epoch();
    store.append(wish(1, 10)).await.expect("it is kept");
    drop(store);
    std::fs::copy(&db, &copy).expect("it is copied");

    let store = open(dir.path());
    assert_eq!(store.epoch(), epoch);
    store.append(wish(2, 10)).await.expect("it is kept");
    drop(store);

    // Over the old file, so that even the inode is the same.
    std::fs::copy(&copy, &db).expect("it is put back");
    let store = open(dir.path());
    let second = store.epoch();
    assert_ne!(second, epoch);
    let appended = store.append(wish(3, 10)).await.expect("it is kept");
    assert_eq!(appended.seq, Seq(2));
    let conversation = appended.conversation;
    let range = HistoryRange::After(Seq(0), None);
    let query = HistoryQuery { user: user("a"), conversation, range, limit: 9 };
    let page = store.history(query).await.expect("it is read");
    let epochs: Vec<_> = page.entries.iter().map(|entry| entry.epoch).collect();
    assert_eq!(epochs, [epoch, second]);
    drop(store);

    // Another inode, and nothing else changed.
    std::fs::copy(&db, &copy).expect("it is copied");
    std::fs::rename(&copy, &db).expect("it is put back");
    let store = open(dir.path());
    let third = store.epoch();
    assert_ne!(third, second);
    drop(store);

    std::fs::remove_file(dir.path().join("parlor.life")).expect("it is there");
    let store = open(dir.path());
    assert_ne!(store.epoch(), third);
    drop(store);
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
}

#[tokio::test]
async fn a_whole_directory_put_back_over_its_own_files_begins_a_new_life() {
    let (dir, copy) = (tempfile::tempdir(), tempfile::tempdir());
    let (dir, copy) = (dir.expect("a directory"), copy.expect("a directory"));
    let store = open(dir.path());
    store.append(wish(1, 10)).await.expect("it is kept");
    drop(store);
    let files = [DATABASE_FILE, "parlor.life"];
    for file in files {
        std::fs::copy(dir.path().join(file), copy.path().join(file)).expect("it is copied");
    }
    let store = open(dir.path());
    let epoch = store.epoch();
    store.append(wish(2, 10)).await.expect("it is kept");
    drop(store);
    for file in files {
        std::fs::copy(copy.path().join(file), dir.path().join(file)).expect("it is put back");
    }
    let store = open(dir.path());
    assert_ne!(store.epoch(), epoch);
    assert_eq!(store.append(wish(3, 10)).await.expect("it is kept").seq, Seq(2));
}

#[tokio::test]
async fn a_full_database_refuses_and_keeps_exactly_what_it_acknowledged() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = Config { pages_max: Some(150), ..Config::new(dir.path()) };
    let store = SqliteStore::open(config, Arc::new(Nobody)).expect("it opens");
    let pending: Vec<_> = (1..=2_000).map(|n| store.append(wish(n, 1_000))).collect();
    let mut acked = 0;
    for pending in pending {
        match pending.await {
            Ok(appended) => {
                acked += 1;
                assert_eq!(appended.seq, Seq(acked), "nothing overtakes what failed");
            }
            outcome => assert!(is_unavailable(&outcome), "{outcome:?}"),
        }
    }
    assert!(acked < 2_000);
    assert!(is_unavailable(&store.health()));
    assert!(is_unavailable(&store.append(wish(1, 1_000)).await));
    assert_eq!(head(&store).await, acked);
    assert!(store.stats().commits_failed >= 1);
    drop(store);
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
    let store = open(dir.path());
    assert_eq!(head(&store).await, acked);
    assert_eq!(store.append(wish(9_999, 1)).await.expect("there is room").seq, Seq(acked + 1));
}

/// A small file system of its own; mounting one takes root.
struct Mount(tempfile::TempDir);

impl Mount {
    fn new(options: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mounted = mount(&["-t", "tmpfs", "-o", options, "tmpfs"], dir.path());
        assert!(mounted, "this test mounts a small tmpfs: run it as root on Linux");
        Self(dir)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.0.path()).output());
    }
}

fn mount(arguments: &[&str], at: &Path) -> bool {
    let tried = Command::new("mount").args(arguments).arg(at).output();
    tried.is_ok_and(|output| output.status.success())
}

#[tokio::test]
async fn a_full_disk_refuses_and_heals_when_there_is_room_again() {
    let mount = Mount::new("size=8m");
    let dir = mount.0.path();
    let filler = dir.join("filler");
    let store = open(dir);
    let mut sent = 0;
    for n in 1..=20 {
        sent = n;
        store.append(wish(n, 1_000)).await.expect("there is room");
    }
    std::fs::write(&filler, vec![0; 6 << 20]).expect("there is room for it");
    let mut acked = sent;
    let failed = loop {
        sent += 1;
        match store.append(wish(sent, 30_000)).await {
            Ok(_) => acked = sent,
            failed => break failed,
        }
    };
    assert!(is_unavailable(&failed) && is_unavailable(&store.health()));
    assert_eq!(head(&store).await, acked);

    std::fs::remove_file(&filler).expect("it is there");
    let deadline = Instant::now() + Duration::from_secs(20);
    while store.health().is_err() {
        assert!(Instant::now() < deadline, "it heals: {:?}", store.health());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let again = store.append(wish(sent, 30_000)).await.expect("it is kept now");
    assert_eq!((again.seq, again.repeated), (Seq(acked + 1), false));
    drop(store);
    assert_eq!(verify(dir).expect("it can be read"), []);
}

#[tokio::test]
async fn a_read_only_disk_is_refused_with_a_reason() {
    let mounted = Mount::new("size=8m");
    let dir = mounted.0.path();
    let store = open(dir);
    store.append(wish(1, 10)).await.expect("it is kept");
    drop(store);
    assert!(mount(&["-o", "remount,ro"], dir));
    let error = SqliteStore::open(Config::new(dir), Arc::new(Nobody)).expect_err("it is refused");
    let mut text = error.to_string();
    if let Some(source) = std::error::Error::source(&error) {
        text = format!("{text}: {source}");
    }
    assert!(text.to_lowercase().contains("read-only"), "{text}");
    assert!(mount(&["-o", "remount,rw"], dir));
    assert_eq!(head(&open(dir)).await, 1);
}

/// A sink that waits until it is opened.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
    waiting: AtomicBool,
}

impl CommitSink for Gate {
    fn committed(&self, _: &[Committed]) {
        self.waiting.store(true, Ordering::Release);
        let mut open = self.open.lock();
        while !*open {
            self.opened.wait(&mut open);
        }
    }
}

async fn held(config: Config) -> (Arc<Gate>, SqliteStore, Pending<Appended>) {
    let gate = Arc::new(Gate::default());
    let store = SqliteStore::open(config, gate.clone()).expect("it opens");
    let first = store.append(wish(1, 10));
    while !gate.waiting.load(Ordering::Acquire) {
        tokio::task::yield_now().await;
    }
    (gate, store, first)
}

fn let_go(gate: &Gate) {
    *gate.open.lock() = true;
    gate.opened.notify_all();
}

#[tokio::test]
async fn a_full_queue_answers_at_once_and_keeps_what_it_took() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = Config { write_queue_commands_max: 4, ..Config::new(dir.path()) };
    let (gate, store, first) = held(config).await;
    let taken: Vec<_> = (2..=5).map(|n| store.append(wish(n, 10))).collect();
    for n in 6..=9 {
        let refused = store.append(wish(n, 10)).await;
        assert!(matches!(refused, Err(StoreError::Overloaded)));
    }
    assert_eq!(store.stats().overloaded, 4);
    let_go(&gate);
    assert_eq!(first.await.expect("it is kept").seq, Seq(1));
    for (n, taken) in taken.into_iter().enumerate() {
        assert_eq!(taken.await.expect("it is kept").seq, Seq(n as u64 + 2));
    }
    assert!(store.health().is_ok());
}

#[tokio::test]
async fn closing_finishes_what_was_queued() {
    let dir = tempfile::tempdir().expect("a directory");
    let (gate, store, first) = held(Config::new(dir.path())).await;
    let queued = store.append(wish(2, 10));
    let store = Arc::new(store);
    let closing = {
        let store = store.clone();
        std::thread::spawn(move || store.close())
    };
    // What is taken in before it closes waits for the gate; what comes after is refused at once.
    let soon = Duration::from_millis(5);
    for n in 3.. {
        if let Ok(answer) = tokio::time::timeout(soon, store.append(wish(n, 10))).await {
            assert!(is_unavailable(&answer));
            break;
        }
    }
    let_go(&gate);
    assert!(first.await.is_ok() && queued.await.is_ok());
    closing.join().expect("it closes");
    assert!(!dir.path().join(format!("{DATABASE_FILE}-wal")).exists(), "the log is moved in");
}

struct Panics;

impl CommitSink for Panics {
    fn committed(&self, _: &[Committed]) {
        panic!("a sink must not panic");
    }
}

#[tokio::test]
async fn a_writer_that_ends_acknowledges_nothing_more() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = SqliteStore::open(Config::new(dir.path()), Arc::new(Panics)).expect("it opens");
    assert!(is_unavailable(&store.append(wish(1, 10)).await));
    let deadline = Instant::now() + Duration::from_secs(20);
    while store.health().is_ok() {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    assert!(is_unavailable(&store.append(wish(2, 10)).await));
    drop(store);
    // It was durable, though not acknowledged: its key finds it.
    let again = open(dir.path()).append(wish(1, 10)).await.expect("a repeat");
    assert!(again.repeated);
}

#[tokio::test]
async fn keys_are_forgotten_after_the_window_and_a_day() {
    let dir = tempfile::tempdir().expect("a directory");
    let day = parlor_chat::limits::DAY_MS;
    let config = Config { client_id_window_ms: day, ..Config::new(dir.path()) };
    let store = SqliteStore::open(config.clone(), Arc::new(Nobody)).expect("it opens");
    for n in 1..=200 {
        store.append(wish(n, 10)).await.expect("it is kept");
    }
    let at = |n: u64, ms: u64| Append { now: Millis(1_800_000_000_000 + ms), ..wish(n, 10) };
    assert!(store.append(at(1, 2 * day)).await.expect("in time").repeated);
    // Each batch sweeps a step; after these few all 200 are due and gone.
    for n in 1_000..1_010 {
        store.append(at(n, 2 * day + 1_000)).await.expect("it is kept");
    }
    assert!(!store.append(at(1, 2 * day + 1_001)).await.expect("too late").repeated);
    drop(store);
    let conn = Connection::open(dir.path().join(DATABASE_FILE)).expect("it opens");
    let keys: i64 =
        conn.query_row("SELECT count(*) FROM idempotency", (), |row| row.get(0)).expect("a count");
    assert_eq!(keys, 11);
    drop(conn);
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
    let store = SqliteStore::open(config, Arc::new(Nobody)).expect("it opens");
    assert!(store.append(at(1_005, 2 * day + 2_000)).await.expect("in time").repeated);
}

#[tokio::test]
async fn the_log_beside_the_database_stays_bounded() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = Config {
        wal_soft_bytes: 1 << 20,
        wal_hard_bytes: 2 << 20,
        batch_commands_max: 32,
        ..Config::new(dir.path())
    };
    let store = SqliteStore::open(config, Arc::new(Nobody)).expect("it opens");
    for round in 0..20 {
        let pending: Vec<_> =
            (0..500).map(|n| store.append(wish(round * 500 + n, 1_000))).collect();
        for pending in pending {
            pending.await.expect("it is kept");
        }
    }
    let wal =
        std::fs::metadata(dir.path().join(format!("{DATABASE_FILE}-wal"))).expect("it is there");
    assert!(store.stats().checkpoints > 0);
    // The hard bound, and what one batch and the store's upkeep behind it add.
    assert!(wal.len() < 3 << 20, "{} bytes", wal.len());
}

#[tokio::test]
async fn a_reader_that_keeps_the_log_holds_up_no_commit() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = Config {
        wal_soft_bytes: 100_000,
        wal_hard_bytes: 200_000,
        batch_commands_max: 32,
        ..Config::new(dir.path())
    };
    let store = SqliteStore::open(config, Arc::new(Nobody)).expect("it opens");
    store.append(wish(0, 10)).await.expect("it is kept");
    let reader = Connection::open(dir.path().join(DATABASE_FILE)).expect("it opens");
    reader.execute_batch("BEGIN; SELECT count(*) FROM meta;").expect("it reads");
    for n in 1..=1_000 {
        store.append(wish(n, 1_000)).await.expect("it is kept");
    }
    let wal = || std::fs::metadata(dir.path().join(format!("{DATABASE_FILE}-wal")));
    assert!(wal().expect("it is there").len() > 1 << 20);
    reader.execute_batch("COMMIT").expect("it ends");
    let deadline = Instant::now() + Duration::from_secs(20);
    for n in 1_001.. {
        store.append(wish(n, 1_000)).await.expect("it is kept");
        if wal().expect("it is there").len() < 1 << 20 {
            break;
        }
        assert!(Instant::now() < deadline, "the log is never cut back");
    }
}
