//! Old entries go in small steps and leave a sound store behind, whose file becomes smaller.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::{ClientId, ConversationId, Seq, UserId};
use parlor_chat::limits::DAY_MS;
use parlor_chat::store::{
    Append, Appended, CommitSink, Committed, HistoryQuery, HistoryRange, Origin, Recipient, Store,
};
use parlor_store::sqlite::{Clock, Config, DATABASE_FILE, SqliteStore, Stats, compact, verify};
use rusqlite::Connection;

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

const NOW: u64 = 1_800_000_000_000;

fn now() -> Millis {
    Millis(NOW)
}

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a good user id")
}

fn open(dir: &Path, days: Option<u64>) -> SqliteStore {
    let retention_ms = days.map(|days| days * DAY_MS);
    let config = Config { retention_ms, clock: Clock(now), ..Config::new(dir) };
    SqliteStore::open(config, Arc::new(Nobody)).expect("it opens")
}

fn wish(to: &str, key: &str, days_ago: u64, bytes: usize) -> Append {
    Append {
        from: user("a"),
        to: Recipient::User(user(to)),
        client_id: Some(ClientId::parse(key).expect("a good key")),
        content: Content(format!("\"{}\"", "x".repeat(bytes)).into()),
        now: Millis(NOW - days_ago * DAY_MS),
        origin: Origin::of(0),
    }
}

async fn say(store: &SqliteStore, to: &str, key: &str, days_ago: u64) -> Appended {
    store.append(wish(to, key, days_ago, 10)).await.expect("it is kept")
}

async fn kept(store: &SqliteStore, with: &str) -> Vec<u64> {
    let conversation = ConversationId::direct(&user("a"), &user(with));
    let range = HistoryRange::After(Seq(0), None);
    let query = HistoryQuery { user: user("a"), conversation, range, limit: 10_000 };
    let page = store.history(query).await.expect("it is read");
    page.entries.iter().map(|entry| entry.seq.0).collect()
}

async fn until(store: &SqliteStore, what: &str, is_so: impl Fn(&Stats) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so(&store.stats()) {
        assert!(Instant::now() < deadline, "{what}: {:?}", store.stats());
        tokio::task::yield_now().await;
    }
}

fn number(dir: &Path, sql: &str) -> i64 {
    let conn = Connection::open(dir.join(DATABASE_FILE)).expect("it opens");
    conn.query_row(sql, (), |row| row.get(0)).expect("a number")
}

#[tokio::test]
async fn a_longer_age_spares_what_a_shorter_one_would_have_removed() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), None);
    for (n, days) in [50, 40, 30, 20, 10].into_iter().enumerate() {
        say(&store, "b", &n.to_string(), days).await;
    }
    assert_eq!(store.stats().removed, 0, "without an age nothing goes");
    drop(store);
    let store = open(dir.path(), Some(45));
    until(&store, "the oldest goes", |stats| stats.removed == 1).await;
    assert_eq!(kept(&store, "b").await, [2, 3, 4, 5]);
    drop(store);
    let store = open(dir.path(), Some(15));
    until(&store, "more of them go", |stats| stats.removed == 3).await;
    assert_eq!(kept(&store, "b").await, [5]);
    // Kept as a head under the short age, it is kept for itself under the long one.
    drop(store);
    let store = open(dir.path(), Some(5));
    until(&store, "it was looked at", |stats| stats.slices > 0).await;
    drop(store);
    let store = open(dir.path(), Some(45));
    assert_eq!(say(&store, "b", "next", 0).await.seq, Seq(6));
    assert_eq!(kept(&store, "b").await, [5, 6]);
    drop(store);
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
}

#[tokio::test]
async fn keys_of_removed_entries_are_forgotten_in_their_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), None);
    for n in 0..300 {
        drop(store.append(wish("b", &format!("old-{n}"), 60, 10)));
    }
    say(&store, "b", "young", 20).await;
    drop(store);
    let store = open(dir.path(), Some(10));
    until(&store, "the old ones go", |stats| stats.removed == 300).await;
    drop(store);
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
    // The window is 30 days and one more; each batch forgets some.
    let store = open(dir.path(), Some(10));
    for n in 0..10 {
        say(&store, "c", &format!("new-{n}"), 0).await;
    }
    let again = say(&store, "b", "young", 0).await;
    assert!(again.repeated && again.ts == Millis(NOW - 20 * DAY_MS));
    drop(store);
    let keys = "SELECT group_concat(client_id) FROM idempotency WHERE client_id LIKE 'old%'";
    let conn = Connection::open(dir.path().join(DATABASE_FILE)).expect("it opens");
    let old: Option<String> = conn.query_row(keys, (), |row| row.get(0)).expect("a list");
    assert_eq!(old, None);
    drop(conn);
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
}

#[tokio::test]
async fn a_clock_that_ran_ahead_once_keeps_nothing_for_good() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), None);
    say(&store, "b", "1", 60).await;
    let ahead = Millis(NOW + 10_000 * DAY_MS);
    store.append(Append { now: ahead, ..wish("c", "2", 0, 10) }).await.expect("it is kept");
    store.append(Append { now: ahead, ..wish("c", "3", 0, 10) }).await.expect("it is kept");
    say(&store, "b", "4", 59).await;
    say(&store, "b", "5", 0).await;
    drop(store);
    let store = open(dir.path(), Some(10));
    until(&store, "all but the newest go", |stats| stats.removed == 3).await;
    assert_eq!((kept(&store, "b").await, kept(&store, "c").await), (vec![3], vec![2]));
    drop(store);
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
}

const KILLED: &str = "PARLOR_STORE_TEST_KILLED_RETENTION";
const KILLS: u64 = 10;

/// The child: says what is too old at once, until it is killed, if the parent asks for it.
#[tokio::test]
async fn child_removes_until_killed() {
    let (Ok(dir), Ok(round)) = (std::env::var(KILLED), std::env::var("ROUND")) else { return };
    let store = open(Path::new(&dir), Some(30));
    for n in 0.. {
        let peer = format!("peer{}", n % 3);
        let key = format!("{round}-{n}");
        let appended = store.append(wish(&peer, &key, 60, 500)).await.expect("it is kept");
        println!("\nack {peer} {key} {}", appended.seq);
    }
}

#[tokio::test]
async fn kills_while_entries_are_removed_leave_a_sound_store_that_gives_no_seq_twice() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut acked = std::collections::HashMap::new();
    let mut acks = 0;
    for round in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().expect("this test has a path"))
            .args(["--exact", "retention::child_removes_until_killed", "--nocapture"])
            .env(KILLED, dir.path())
            .env("ROUND", round.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the child starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut here = 0;
        for line in lines.map_while(Result::ok) {
            let words: Vec<_> = line.split(' ').collect();
            let ["ack", peer, key, seq] = words[..] else { continue };
            // The kill may cut the last line short.
            let Ok(seq) = seq.parse::<u64>() else { continue };
            here += 1;
            if here <= 40 + round * 13 {
                acked.insert(peer.to_owned(), (key.to_owned(), seq));
            }
            if here == 40 + round * 13 {
                child.kill().expect("it is running");
            }
        }
        child.wait().expect("it has ended");
        acks += here;
        assert_eq!(verify(dir.path()).expect("it can be read"), [], "round {round}");
        let store = open(dir.path(), Some(30));
        for (peer, (key, seq)) in &acked {
            let again = store.append(wish(peer, key, 60, 500)).await.expect("a repeat");
            assert!(again.repeated && again.seq == Seq(*seq), "round {round}: {key}");
            let next = format!("{peer}-{round}");
            let next = store.append(wish(peer, &next, 60, 500)).await.expect("it is kept");
            assert!(next.seq > Seq(*seq), "round {round}: {peer}");
        }
    }
    let store = open(dir.path(), Some(30));
    say(&store, "peer0", "last", 60).await;
    drop(store);
    let left = number(dir.path(), "SELECT count(*) FROM entry");
    assert!(left < acks as i64 / 2, "{left} of {acks} are left");
}

/// The time that a test's clock tells, beyond [`NOW`].
static LATER: AtomicU64 = AtomicU64::new(0);

fn later() -> Millis {
    Millis(NOW + LATER.load(Ordering::Acquire))
}

#[tokio::test]
async fn what_becomes_old_while_the_store_is_open_goes() {
    let dir = tempfile::tempdir().expect("a directory");
    let config =
        Config { retention_ms: Some(DAY_MS), clock: Clock(later), ..Config::new(dir.path()) };
    let store = SqliteStore::open(config, Arc::new(Nobody)).expect("it opens");
    for n in 0..5 {
        say(&store, "b", &n.to_string(), 0).await;
    }
    until(&store, "nothing is due", |stats| stats.removed == 0).await;
    LATER.store(2 * DAY_MS, Ordering::Release);
    // Whatever is sent wakes it; without that it looks once a minute.
    store.append(Append { now: later(), ..wish("c", "x", 0, 9) }).await.expect("it is kept");
    until(&store, "all but the newest go", |stats| stats.removed == 4).await;
    assert_eq!(kept(&store, "b").await, [5]);
}

#[tokio::test]
async fn damage_ends_the_removal_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), None);
    for n in 0..5 {
        say(&store, "b", &n.to_string(), 60).await;
    }
    drop(store);
    let conn = Connection::open(dir.path().join(DATABASE_FILE)).expect("it opens");
    let page = "SELECT pageno FROM dbstat WHERE name = 'idempotency' LIMIT 1";
    let page: i64 = conn.query_row(page, (), |row| row.get(0)).expect("a page");
    drop(conn);
    let path = dir.path().join(DATABASE_FILE);
    let mut bytes = std::fs::read(&path).expect("it is read");
    let from = (page as usize - 1) * 4_096;
    bytes[from..from + 4_096].fill(0xff);
    std::fs::write(&path, bytes).expect("it is written");
    let store = open(dir.path(), Some(10));
    until(&store, "it meets the damage", |stats| stats.corrupt == 1).await;
    let append = Append { client_id: None, ..wish("b", "x", 0, 10) };
    assert_eq!(store.append(append).await.expect("it is kept").seq, Seq(6));
    assert_eq!(kept(&store, "b").await, [1, 2, 3, 4, 5, 6], "nothing is removed by halves");
    assert!(store.health().is_ok());
    assert_eq!(store.stats().removed, 0);
}

const LARGE: usize = 8_000;

async fn filled_with_large(dir: &Path) {
    let store = open(dir, None);
    for n in 0..2_000 {
        drop(store.append(wish("b", &n.to_string(), 60, LARGE)));
    }
    say(&store, "b", "young", 0).await;
}

#[tokio::test]
async fn freed_pages_are_given_back_while_the_store_is_open() {
    let dir = tempfile::tempdir().expect("a directory");
    filled_with_large(dir.path()).await;
    let pages = number(dir.path(), "PRAGMA page_count");
    assert!(pages > 4_000, "{pages}");
    assert_eq!(number(dir.path(), "PRAGMA auto_vacuum"), 2);
    let store = open(dir.path(), Some(10));
    until(&store, "the old ones go", |stats| stats.removed == 2_000).await;
    let deadline = Instant::now() + Duration::from_secs(60);
    // Some are kept for what comes.
    while number(dir.path(), "PRAGMA page_count") > 1_500 {
        assert!(Instant::now() < deadline, "{}", number(dir.path(), "PRAGMA page_count"));
        tokio::task::yield_now().await;
    }
    assert_eq!(say(&store, "b", "next", 0).await.seq, Seq(2_002));
    assert!(store.stats().slices > 2_000 / 512, "in slices");
    drop(store);
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
    let bytes = std::fs::metadata(dir.path().join(DATABASE_FILE)).expect("it is there").len();
    assert!(bytes < 1_500 * 4_096, "{bytes}");
}

#[tokio::test]
async fn a_file_that_cannot_give_pages_back_can_after_it_was_compacted() {
    let dir = tempfile::tempdir().expect("a directory");
    filled_with_large(dir.path()).await;
    let conn = Connection::open(dir.path().join(DATABASE_FILE)).expect("it opens");
    conn.execute_batch("PRAGMA auto_vacuum = 0; VACUUM").expect("it is made as it once was");
    drop(conn);
    let store = open(dir.path(), Some(10));
    until(&store, "the old ones go", |stats| stats.removed == 2_000).await;
    let epoch = store.epoch();
    compact(dir.path(), &mut |_| {}).expect_err("a server has it");
    drop(store);
    assert_eq!(number(dir.path(), "PRAGMA auto_vacuum"), 0);
    let compacted = compact(dir.path(), &mut |_| {}).expect("it is compacted");
    assert!(compacted.bytes_before > 2_000 * LARGE as u64, "{compacted:?}");
    assert!(compacted.bytes_after < 600_000, "{compacted:?}");
    assert_eq!(number(dir.path(), "PRAGMA auto_vacuum"), 2);
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
    let store = open(dir.path(), Some(10));
    assert_eq!(store.epoch(), epoch, "it is the same log");
    assert_eq!(say(&store, "b", "next", 0).await.seq, Seq(2_002));
}
