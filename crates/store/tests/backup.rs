//! A backup is the store at one moment, whatever is written meanwhile; what is put back is a new
//! life of the log; what was interrupted never looks whole.

use std::io::{BufRead, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::{ClientId, ConversationId, DeviceId, Seq, UserId};
use parlor_chat::store::{
    Append, CommitSink, Committed, HistoryQuery, HistoryRange, Mark, MarkKind, Origin, Recipient,
    Store,
};
use parlor_store::sqlite::{
    Check, Config, CopyError, DATABASE_FILE, Existing, OpenError, Progress, SqliteStore, backup,
    restore, verify_file,
};
use rusqlite::Connection;

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a good user id")
}

fn open(dir: &Path) -> SqliteStore {
    SqliteStore::open(Config::new(dir), Arc::new(Nobody)).expect("it opens")
}

fn wish(to: &str, n: u64) -> Append {
    Append {
        from: user("a"),
        to: Recipient::User(user(to)),
        client_id: Some(ClientId::parse(&format!("{to}-{n}")).expect("a good key")),
        content: Content(format!("\"{n} {}\"", "x".repeat(500)).into()),
        now: Millis(1_800_000_000_000 + n),
        origin: Origin::of(0),
    }
}

async fn filled(dir: &Path, entries: u64) -> SqliteStore {
    let store = open(dir);
    let pending: Vec<_> = (1..=entries).map(|n| store.append(wish("filler", n))).collect();
    for pending in pending {
        pending.await.expect("it is kept");
    }
    store
}

/// Sends to one peer and confirms each message as that peer, until told to stop.
async fn stream(store: Arc<SqliteStore>, peer: String, stop: Arc<AtomicBool>) -> u64 {
    let mut n = 0;
    while !stop.load(Ordering::Acquire) {
        n += 1;
        let appended = store.append(wish(&peer, n)).await.expect("it is kept");
        let mark = Mark {
            user: user(&peer),
            conversation: appended.conversation,
            seq: appended.seq,
            kind: MarkKind::Delivered(DeviceId::shared()),
            now: Millis(0),
        };
        store.mark(vec![mark]).await.expect("it is kept");
    }
    n
}

type Row = (i64, i64, i64, i64, String, String, Option<i64>);

fn rows(database: &Path, up_to: i64) -> Vec<Row> {
    let conn = Connection::open(database).expect("it opens");
    let sql = "SELECT pos, conversation, seq, ts, client_id, content, sum FROM entry \
               WHERE pos <= ?1 ORDER BY pos";
    let mut statement = conn.prepare(sql).expect("a statement");
    let rows = statement.query_map([up_to], |row| {
        Ok((
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
            row.get(5)?,
            row.get(6)?,
        ))
    });
    rows.expect("rows").collect::<Result<_, _>>().expect("each can be read")
}

fn number(database: &Path, sql: &str) -> i64 {
    let conn = Connection::open(database).expect("it opens");
    conn.query_row(sql, (), |row| row.get(0)).expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_writes_is_a_prefix_of_the_log_with_its_keys_and_watermarks() {
    let dir = tempfile::tempdir().expect("a directory");
    let copies = tempfile::tempdir().expect("a directory");
    // Small bounds, so that checkpoints come between.
    let config = Config { wal_soft_bytes: 200_000, ..Config::new(dir.path()) };
    let store = Arc::new(SqliteStore::open(config, Arc::new(Nobody)).expect("it opens"));
    for n in 1..=4_000 {
        drop(store.append(wish("filler", n)));
    }
    store.append(wish("filler", 4_001)).await.expect("it is kept");
    let stop = Arc::new(AtomicBool::new(false));
    let streams: Vec<_> = ["p1", "p2", "p3", "p4"]
        .map(|peer| tokio::spawn(stream(store.clone(), peer.into(), stop.clone())))
        .into();
    let source = dir.path().join(DATABASE_FILE);
    for round in 0..3 {
        let to = copies.path().join(format!("{round}.db"));
        let copied = {
            let (dir, to, store) = (dir.path().to_owned(), to.clone(), store.clone());
            tokio::task::spawn_blocking(move || {
                let (mut readings, mut grown) = (Vec::<Progress>::new(), 0);
                let entries = store.stats().entries;
                let verified = backup(&dir, &to, Check::Whole, &mut |progress| {
                    if progress.step == "pages copied" {
                        grown = store.stats().entries - entries;
                        readings.push(progress);
                        // Each piece sees a write between itself and the next.
                        let before = store.stats().commits;
                        while store.stats().commits == before {
                            std::thread::yield_now();
                        }
                    }
                });
                (verified, readings, grown)
            })
        };
        let (verified, readings, grown) = copied.await.expect("it ends");
        let verified = verified.expect("it is copied").expect("it is checked");
        assert!(readings.len() >= 3 && grown > 0, "{readings:?}, {grown} entries meanwhile");
        assert!(
            readings.windows(2).all(|pair| pair[0].done < pair[1].done),
            "it never starts over"
        );
        assert!(readings.iter().all(|reading| reading.total == readings[0].total));

        let head = number(&to, "SELECT max(pos) FROM entry");
        assert_eq!(verified.entries, head as u64, "positions are dense");
        assert_eq!(rows(&to, head), rows(&source, head), "it is a prefix in commit order");
        assert_eq!(number(&to, "SELECT count(*) FROM idempotency"), head);
        // A peer confirms each message before the next one is sent to it.
        let behind = "SELECT count(*) FROM conversation c JOIN user u ON u.id = c.high \
                      JOIN member m ON m.conversation = c.id AND m.user = c.high \
                      WHERE u.name LIKE 'p_' AND m.delivered NOT IN \
                      ((SELECT max(seq) FROM entry WHERE conversation = c.id), \
                      (SELECT max(seq) - 1 FROM entry WHERE conversation = c.id))";
        assert_eq!(number(&to, behind), 0);
    }
    stop.store(true, Ordering::Release);
    for stream in streams {
        assert!(stream.await.expect("it ends") > 0);
    }
    let mut left: Vec<_> = std::fs::read_dir(copies.path())
        .expect("it is read")
        .map(|file| file.expect("a file").file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["0.db", "1.db", "2.db"]);
}

#[tokio::test]
async fn what_is_put_back_begins_a_new_life_and_the_old_files_are_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    let to = dir.path().join("copy.db");
    let data = dir.path().join("data");
    std::fs::create_dir(&data).expect("it is made");
    let store = filled(&data, 10).await;
    let epoch = store.epoch();
    backup(&data, &to, Check::Whole, &mut |_| {}).expect("it is copied");
    store.append(wish("filler", 11)).await.expect("it is kept");
    let keep = Existing::KeepAside("old".into());
    let held = restore(&to, &data, &keep, &mut |_| {});
    assert!(matches!(held, Err(CopyError::Source(OpenError::InUse { .. }))), "{held:?}");
    drop(store);

    let refused = restore(&to, &data, &Existing::Refuse, &mut |_| {});
    assert!(matches!(refused, Err(CopyError::Exists { .. })), "{refused:?}");
    assert_eq!(number(&data.join(DATABASE_FILE), "SELECT max(pos) FROM entry"), 11);

    let restored = restore(&to, &data, &keep, &mut |_| {}).expect("it is put back");
    assert_eq!(restored.verified.entries, 10);
    assert_eq!(restored.kept, Some(data.join("old")));
    assert_eq!(number(&data.join("old").join(DATABASE_FILE), "SELECT max(pos) FROM entry"), 11);
    let store = open(&data);
    assert_ne!(store.epoch(), epoch);
    // What the copy lacks is gone, its key too; what it has is known.
    let again = store.append(wish("filler", 10)).await.expect("a repeat");
    assert!(again.repeated && again.seq == Seq(10));
    let after = store.append(wish("filler", 11)).await.expect("it is kept");
    assert!(!after.repeated && after.seq == Seq(11));

    let elsewhere = dir.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("it is made");
    let restored = restore(&to, &elsewhere, &Existing::Refuse, &mut |_| {}).expect("it is empty");
    assert_eq!(restored.kept, None);
    let second = open(&elsewhere);
    assert!(second.epoch() != epoch && second.epoch() != store.epoch());
    let conversation = ConversationId::direct(&user("a"), &user("filler"));
    let range = HistoryRange::Before(None);
    let query = HistoryQuery { user: user("a"), conversation, range, limit: 99 };
    assert_eq!(second.history(query).await.expect("it is read").entries.len(), 10);
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_neither_copied_nor_put_back() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(filled(dir.path(), 3).await);
    let source = dir.path().join(DATABASE_FILE);
    let conn = Connection::open(&source).expect("it opens");
    conn.pragma_update(None, "user_version", 99).expect("it is written");
    drop(conn);
    let to = dir.path().join("copy.db");
    for check in [Check::Whole, Check::Skip] {
        let refused = backup(dir.path(), &to, check, &mut |_| {});
        let newer = matches!(refused, Err(CopyError::Source(OpenError::NewerSchema { .. })));
        assert!(newer, "{refused:?}");
    }
    let data = tempfile::tempdir().expect("a directory");
    let refused = restore(&source, data.path(), &Existing::Refuse, &mut |_| {});
    assert!(matches!(refused, Err(CopyError::Source(OpenError::NewerSchema { .. }))));
    assert!(!to.exists() && !data.path().join(DATABASE_FILE).exists());
    open(data.path());
}

/// What a server of the first version left behind.
fn of_version_1(path: &Path) {
    let conn = Connection::open(path).expect("it opens");
    conn.execute_batch(include_str!("../src/sqlite/schema_1.sql")).expect("its tables");
    conn.execute_batch(
        "PRAGMA user_version = 1; PRAGMA application_id = 0x50524c52; \
         INSERT INTO life VALUES (1, 77, 0); INSERT INTO user VALUES (1, 'a'), (2, 'b'); \
         INSERT INTO conversation VALUES (1, 1, 2); \
         INSERT INTO member (user, conversation) VALUES (1, 1), (2, 1); \
         INSERT INTO entry VALUES (1, 1, 1, 1, 5, 1, 1, NULL, '\"x\"')",
    )
    .expect("its rows");
}

#[tokio::test]
async fn a_backup_of_an_older_version_is_put_back_as_one_of_this() {
    let dir = tempfile::tempdir().expect("a directory");
    let (old, data) = (dir.path().join("old.db"), dir.path().join("data"));
    std::fs::create_dir(&data).expect("it is made");
    of_version_1(&old);
    let refused = verify_file(&old, &mut |_| {});
    assert!(matches!(refused, Err(OpenError::OlderSchema { found: 1, .. })), "{refused:?}");
    let restored = restore(&old, &data, &Existing::Refuse, &mut |_| {}).expect("it is put back");
    assert_eq!((restored.verified.entries, restored.verified.entries_without_sum), (1, 1));
    let store = open(&data);
    assert_eq!(store.append(wish("b", 1)).await.expect("it is kept").seq, Seq(2));
    assert_eq!(number(&old, "PRAGMA user_version"), 1, "the backup is left as it was");
}

#[tokio::test]
async fn a_damaged_store_is_copied_only_unchecked_and_never_put_back() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(filled(dir.path(), 10).await);
    let conn = Connection::open(dir.path().join(DATABASE_FILE)).expect("it opens");
    conn.execute_batch("UPDATE entry SET ts = ts + 1 WHERE pos = 4").expect("the damage is done");
    drop(conn);
    let to = dir.path().join("copy.db");
    let unsound = backup(dir.path(), &to, Check::Whole, &mut |_| {});
    let Err(CopyError::Unsound(verified)) = unsound else { panic!("{unsound:?}") };
    assert_eq!(verified.findings[0].rule, "entry_is_as_written");
    assert!(!to.exists() && !dir.path().join("copy.db.partial").exists());
    assert_eq!(backup(dir.path(), &to, Check::Skip, &mut |_| {}).expect("it is copied"), None);
    let exists = backup(dir.path(), &to, Check::Skip, &mut |_| {});
    assert!(matches!(exists, Err(CopyError::Exists { .. })), "{exists:?}");

    let data = tempfile::tempdir().expect("a directory");
    drop(filled(data.path(), 2).await);
    let keep = Existing::KeepAside("old".into());
    let unsound = restore(&to, data.path(), &keep, &mut |_| {});
    assert!(matches!(unsound, Err(CopyError::Unsound(_))), "{unsound:?}");
    assert_eq!(number(&data.path().join(DATABASE_FILE), "SELECT max(pos) FROM entry"), 2);
    assert!(!data.path().join("old").exists());
    open(data.path());
}

const KILLED: &str = "PARLOR_STORE_TEST_KILLED_BACKUP";

/// The child: copies until it is killed in the middle, if the parent asks for it.
#[test]
fn child_copies_until_killed() {
    let Ok(dir) = std::env::var(KILLED) else { return };
    let dir = Path::new(&dir);
    let copied = backup(dir, &dir.join("copy.db"), Check::Whole, &mut |_| {
        println!("\ncopying");
        loop {
            std::thread::park();
        }
    });
    panic!("it is killed before that: {copied:?}");
}

#[tokio::test]
async fn an_interrupted_backup_leaves_nothing_that_looks_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(filled(dir.path(), 4_000).await);
    let (to, partial) = (dir.path().join("copy.db"), dir.path().join("copy.db.partial"));
    let ended = catch_unwind(AssertUnwindSafe(|| {
        backup(dir.path(), &to, Check::Whole, &mut |_| panic!("in the middle"))
    }));
    assert!(ended.is_err() && !to.exists() && !partial.exists());

    let mut child = Command::new(std::env::current_exe().expect("this test has a path"))
        .args(["--exact", "backup::child_copies_until_killed", "--nocapture"])
        .env(KILLED, dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the child starts");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let copying = lines.any(|line| line.is_ok_and(|line| line == "copying"));
    assert!(copying, "the child came to copy");
    let beside = backup(dir.path(), &to, Check::Whole, &mut |_| {});
    assert!(matches!(beside, Err(CopyError::InProgress { .. })), "{beside:?}");
    child.kill().expect("it is running");
    child.wait().expect("it has ended");
    assert!(!to.exists() && partial.exists());

    let data = tempfile::tempdir().expect("a directory");
    restore(&partial, data.path(), &Existing::Refuse, &mut |_| {}).expect_err("it is not whole");
    assert!(!data.path().join(DATABASE_FILE).exists());

    let verified = backup(dir.path(), &to, Check::Whole, &mut |_| {}).expect("it can be made anew");
    assert_eq!(verified.expect("it is checked").entries, 4_000);
    assert!(!partial.exists());
}

#[tokio::test]
async fn an_interrupted_restore_keeps_servers_out_until_it_is_run_again() {
    // Where a restore may have been killed: which of the old files were aside, and whether the new
    // one was in place.
    for (moved, in_place) in [(0, false), (2, false), (3, false), (4, false), (4, true)] {
        let dir = tempfile::tempdir().expect("a directory");
        let (data, to) = (dir.path().join("data"), dir.path().join("copy.db"));
        std::fs::create_dir(&data).expect("it is made");
        let store = filled(&data, 5).await;
        backup(&data, &to, Check::Whole, &mut |_| {}).expect("it is copied");
        store.append(wish("filler", 6)).await.expect("it is kept");
        drop(store);

        std::fs::write(data.join("parlor.restore"), "old").expect("it is noted");
        std::fs::create_dir(data.join("old")).expect("it is made");
        let files = ["parlor.db-wal", "parlor.db-shm", "parlor.life", DATABASE_FILE];
        std::fs::write(data.join("parlor.db-wal"), "").expect("it is written");
        std::fs::write(data.join("parlor.db-shm"), "").expect("it is written");
        for file in &files[..moved] {
            std::fs::rename(data.join(file), data.join("old").join(file)).expect("it is moved");
        }
        if in_place {
            std::fs::copy(&to, data.join(DATABASE_FILE)).expect("it is put in place");
        }
        let refused = SqliteStore::open(Config::new(&data), Arc::new(Nobody));
        let unfinished = matches!(refused, Err(OpenError::RestoreUnfinished { .. }));
        assert!(unfinished, "{moved} {in_place}");
        let refused = backup(&data, &dir.path().join("mixed.db"), Check::Skip, &mut |_| {});
        let unfinished = CopyError::Source(OpenError::RestoreUnfinished { dir: data.clone() });
        assert_eq!(refused.expect_err("files may be mixed").to_string(), unfinished.to_string());

        let restored = restore(&to, &data, &Existing::Refuse, &mut |_| {}).expect("it goes on");
        assert_eq!(restored.kept, Some(data.join("old")));
        let old = data.join("old").join(DATABASE_FILE);
        assert_eq!(number(&old, "SELECT max(pos) FROM entry"), 6, "{moved} {in_place}");
        let store = open(&data);
        let next = store.append(wish("filler", 99)).await.expect("it is kept");
        assert_eq!(next.seq, Seq(6), "{moved} {in_place}");
    }
}
