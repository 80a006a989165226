//! After an fsync that failed, nothing is acknowledged until the process starts again, even when
//! later ones would succeed. A preloaded library makes the real calls fail.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_chat::around::port::{Around, ChangeMessage, Wish};
use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::{ClientId, ConversationId, Seq, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::store::{
    Append, Authority, CommitSink, Committed, Origin, Recipient, Store, StoreError,
};
use parlor_store::sqlite::{Config, DATABASE_FILE, SqliteStore, verify};
use rusqlite::Connection;

const DIR: &str = "PARLOR_STORE_TEST_FSYNC_DIR";
const TRIGGER: &str = "PARLOR_STORE_TEST_FSYNC_TRIGGER";
const SUFFIX: &str = "PARLOR_STORE_TEST_FSYNC_SUFFIX";

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

fn wish(n: u64) -> Append {
    let user = |name: &str| UserId::parse(name).expect("a good user id");
    Append {
        from: user("a"),
        to: Recipient::User(user("b")),
        client_id: Some(ClientId::parse(&format!("k{n}")).expect("a good key")),
        content: Content(format!("\"{}\"", "x".repeat(2_000)).into()),
        now: Millis(1_800_000_000_000),
        origin: Origin::of(0),
    }
}

fn open(dir: &Path, wal_soft_bytes: u64) -> SqliteStore {
    let config = Config { wal_soft_bytes, ..Config::new(dir) };
    SqliteStore::open(config, Arc::new(Nobody)).expect("it opens")
}

/// The child: does nothing unless the parent names a directory.
#[tokio::test]
async fn child_stops_acknowledging_for_good() {
    let (Ok(dir), Ok(trigger)) = (std::env::var(DIR), std::env::var(TRIGGER)) else { return };
    let store = open(dir.as_ref(), 64 << 10);
    std::fs::write(&trigger, "").expect("it is made");
    let until = Instant::now() + Duration::from_secs(20);
    let mut acked = 0;
    let refused = loop {
        match store.append(wish(acked + 1)).await {
            Ok(_) => acked += 1,
            refused => break refused,
        }
        assert!(Instant::now() < until, "the failed fsync is noticed");
    };
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    println!("\nacked {acked}");
    std::fs::remove_file(&trigger).expect("it is there");

    // Longer than the time after which a store that can heal probes.
    let until = Instant::now() + Duration::from_millis(2_500);
    for n in acked + 2.. {
        assert!(store.health().is_err(), "a failed fsync is final");
        let refused = store.append(wish(n)).await;
        assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
        if Instant::now() > until {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("\nit stayed so");
}

/// The child: does nothing unless the parent names a directory.
#[tokio::test]
async fn child_deletes_a_message_whose_index_is_damaged() {
    let (Ok(dir), Ok(trigger)) = (std::env::var(DIR), std::env::var(TRIGGER)) else { return };
    let dir = Path::new(&dir);
    let store = open(dir, 64 << 20);
    let said = Append { content: Content("\"zebrafish\"".into()), ..wish(1) };
    store.append(said).await.expect("it is kept");
    let until = Instant::now() + Duration::from_secs(20);
    while store.stats().unindexed > 0 {
        assert!(Instant::now() < until, "it is indexed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(store);
    let conn = Connection::open(dir.join(DATABASE_FILE)).expect("it opens");
    let damage = "UPDATE word_index_data SET block = x'ff' WHERE id > 10";
    conn.execute_batch(damage).expect("it is changed");
    drop(conn);
    let store = open(dir, 64 << 20);
    // What the deletion meets is taken back; the first commit is that of the emptied index.
    std::fs::write(&trigger, "").expect("it is made");
    let user = |name: &str| UserId::parse(name).expect("a good user id");
    let refused = store.change_message(ChangeMessage {
        by: user("a"),
        authority: Authority::User,
        conversation: ConversationId::direct(&user("a"), &user("b")),
        seq: Seq(1),
        wish: Wish::Delete,
        client_id: None,
        now: Millis(1_800_000_000_000),
        origin: Origin::of(0),
        limits: Limits::default(),
        screening: None,
        removal: None,
    });
    let refused = refused.await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    std::fs::remove_file(&trigger).expect("it is there");
    assert!(store.health().is_err(), "a failed fsync is final");
    let refused = store.append(wish(2)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    println!("\nit stayed so");
}

/// Builds the library.
fn library(dir: &Path) -> std::path::PathBuf {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/failing_fsync.c");
    let library = dir.join("failing_fsync.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .args([source, "-ldl"])
        .status();
    let built = built.is_ok_and(|status| status.success());
    assert!(built, "this test needs a C compiler named `cc`");
    library
}

#[tokio::test]
async fn a_failed_fsync_is_final_and_loses_nothing_acknowledged() {
    // The log's fsync is the commit's; the database's is the checkpoint's.
    for suffix in [".db-wal", ".db"] {
        let dir = tempfile::tempdir().expect("a directory");
        let library = library(dir.path());
        let data = dir.path().join("data");
        let output = Command::new(std::env::current_exe().expect("this test has a path"))
            .args(["--exact", "fsync::child_stops_acknowledging_for_good", "--nocapture"])
            .env("LD_PRELOAD", library)
            .env(DIR, &data)
            .env(TRIGGER, dir.path().join("trigger"))
            .env(SUFFIX, suffix)
            .output()
            .expect("the child runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let faults = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && text.contains("it stayed so"), "{suffix}: {faults}");
        let acked = text.lines().find_map(|line| line.strip_prefix("acked ")?.parse().ok());
        let acked: u64 = acked.expect("the child says how many");

        assert_eq!(verify(&data).expect("it can be read"), []);
        let store = open(&data, 64 << 20);
        for n in 1..=acked {
            let again = store.append(wish(n)).await.expect("it is answered");
            assert!(again.repeated && again.seq.0 == n, "{suffix}: {again:?}");
        }
        store.append(wish(1_000_000)).await.expect("a restart heals");
    }
}

#[tokio::test]
async fn an_fsync_that_fails_while_the_index_is_emptied_is_final_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let library = library(dir.path());
    let data = dir.path().join("data");
    let output = Command::new(std::env::current_exe().expect("this test has a path"))
        .args(["--exact", "fsync::child_deletes_a_message_whose_index_is_damaged", "--nocapture"])
        .env("LD_PRELOAD", library)
        .env(DIR, &data)
        .env(TRIGGER, dir.path().join("trigger"))
        .env(SUFFIX, ".db-wal")
        .output()
        .expect("the child runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let faults = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("it stayed so"), "{faults}");
}
