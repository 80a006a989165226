//! Content that is sealed lies in no file in the clear, opens in its own place alone, and outlives
//! the rotation of the master key.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::{ClientId, ConversationId, Seq, UserId};
use parlor_chat::own::{OwnChange, OwnKey, OwnKind, OwnQuery, OwnValue, OwnWish};
use parlor_chat::store::{
    Append, Appended, CommitSink, Committed, HistoryQuery, HistoryRange, Origin, Recipient, Store,
    StoreError,
};
use parlor_store::contract::{Made, run_all, run_groups};
use parlor_store::sqlite::{
    Check, Config, DATABASE_FILE, Existing, Keyring, MasterKey, OpenError, SqliteStore, backup,
    restore, rotate, verify, verify_file,
};
use rusqlite::Connection;
use sha2::{Digest, Sha256};

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

fn key(digit: char) -> MasterKey {
    MasterKey::parse(&String::from(digit).repeat(64)).expect("64 digits")
}

/// A keyring of the first, which opens what the others sealed.
fn keyring(digits: &str) -> Option<Arc<Keyring>> {
    let mut keys = digits.chars().map(key);
    let current = keys.next()?;
    Some(Arc::new(Keyring::new(current, keys.collect())))
}

fn try_open(dir: &Path, digits: &str) -> Result<SqliteStore, OpenError> {
    let config = Config { keyring: keyring(digits), ..Config::new(dir) };
    SqliteStore::open(config, Arc::new(Nobody))
}

fn open(dir: &Path, digits: &str) -> SqliteStore {
    try_open(dir, digits).expect("it opens")
}

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a good user id")
}

fn wish(to: &str, key: &str, text: &str) -> Append {
    Append {
        from: user("a"),
        to: Recipient::User(user(to)),
        client_id: Some(ClientId::parse(key).expect("a good key")),
        content: Content(format!("\"{text}\"").into()),
        now: Millis(1_800_000_000_000),
        origin: Origin::of(0),
    }
}

async fn say(store: &SqliteStore, to: &str, key: &str, text: &str) -> Appended {
    store.append(wish(to, key, text)).await.expect("it is kept")
}

async fn history(store: &SqliteStore, with: &str) -> Result<Vec<String>, StoreError> {
    let conversation = ConversationId::direct(&user("a"), &user(with));
    let range = HistoryRange::After(Seq(0), None);
    let page =
        store.history(HistoryQuery { user: user("a"), conversation, range, limit: 99 }).await?;
    Ok(page
        .entries
        .iter()
        .map(|entry| entry.body.said().map(|said| said.0.to_string()).unwrap_or_default())
        .collect())
}

fn change(dir: &Path, sql: &str) {
    let conn = Connection::open(dir.join(DATABASE_FILE)).expect("it opens");
    conn.execute_batch(sql).expect("it is changed");
}

/// Whether any file of a directory holds these bytes.
fn lies_in(dir: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(dir).expect("it is read").any(|file| {
        let path = file.expect("a file").path();
        let content =
            if path.is_file() { std::fs::read(path).expect("it is read") } else { vec![] };
        content.windows(bytes.len()).any(|window| window == bytes)
    })
}

fn plain_digest(text: &str) -> Vec<u8> {
    Sha256::digest(format!("\"{text}\"").as_bytes())[..16].to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_store_keeps_the_contract() {
    run_all(|sink| {
        let dir = tempfile::tempdir().expect("a directory");
        let config = Config { keyring: keyring("1"), ..Config::new(dir.path()) };
        let store = SqliteStore::open(config, sink).expect("it opens");
        Made { store: Arc::new(store), guard: dir }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_store_keeps_the_contract_of_groups() {
    run_groups(|sink| {
        let dir = tempfile::tempdir().expect("a directory");
        let config = Config { keyring: keyring("1"), ..Config::new(dir.path()) };
        let store = Arc::new(SqliteStore::open(config, sink).expect("it opens"));
        (Made { store: store.clone(), guard: dir }, store)
    })
    .await;
}

#[tokio::test]
async fn neither_content_nor_its_digest_lies_in_any_file() {
    let dir = tempfile::tempdir().expect("a directory");
    for (digits, in_the_clear) in [("1", false), ("", true)] {
        let dir = dir.path().join(format!("data{digits}"));
        let store = open(&dir, digits);
        say(&store, "b", "k", "needle in the hay").await;
        assert_eq!(lies_in(&dir, b"needle in the hay"), in_the_clear, "in the log");
        assert_eq!(history(&store, "b").await.expect("it is read"), ["\"needle in the hay\""]);
        drop(store);
        assert_eq!(lies_in(&dir, b"needle in the hay"), in_the_clear);
        assert_eq!(lies_in(&dir, &plain_digest("needle in the hay")), in_the_clear);
        let verified = verify_file(&dir.join(DATABASE_FILE), &mut |_| {}).expect("it is read");
        assert_eq!(verified.findings, []);
        assert_eq!((verified.entries, verified.entries_sealed), (1, u64::from(!in_the_clear)));
    }
}

async fn keep_draft(store: &SqliteStore, who: &str, text: &str) {
    let wish = OwnWish {
        kind: OwnKind::Draft,
        key: OwnKey::parse("dm:a:b").expect("a good key"),
        value: Some(OwnValue::of(&format!("\"{text}\""))),
    };
    let (now, origin) = (Millis(1_800_000_000_000), Origin::of(0));
    let (user, wishes) = (user(who), vec![wish]);
    let change = OwnChange { user, wishes, about: None, records_max: 9, now, origin };
    store.change_own(change).await.expect("there is room");
}

async fn draft(store: &SqliteStore, who: &str) -> Result<Option<String>, StoreError> {
    let query = OwnQuery { user: user(who), kind: OwnKind::Draft, after: None, limit: 9 };
    let page = store.own(query).await?;
    let value = page.records.first().and_then(|record| record.value.clone());
    Ok(value.map(|value| value.0.to_string()))
}

#[tokio::test]
async fn drafts_are_sealed_for_their_user_and_outlive_a_rotation() {
    let dir = tempfile::tempdir().expect("a directory");
    for (digits, in_the_clear) in [("1", false), ("", true)] {
        let dir = dir.path().join(format!("data{digits}"));
        let store = open(&dir, digits);
        keep_draft(&store, "a", "needle in the hay").await;
        keep_draft(&store, "b", "another").await;
        drop(store);
        assert_eq!(lies_in(&dir, b"needle in the hay"), in_the_clear);
    }
    let dir = dir.path().join("data1");
    assert!(matches!(try_open(&dir, "2"), Err(OpenError::KeyMissing { .. })));
    let rotated = rotate(&dir, &keyring("21").expect("keys"), &mut |_| {}).expect("it rotates");
    assert_eq!((rotated.sealed, rotated.whole), (2, true));
    let store = open(&dir, "2");
    let needle = "\"needle in the hay\"".to_owned();
    assert_eq!(draft(&store, "a").await.expect("it is read"), Some(needle.clone()));
    keep_draft(&store, "a", "later").await;
    assert_eq!(draft(&store, "a").await.expect("it is read"), Some("\"later\"".into()));
    drop(store);
    assert_eq!(verify(&dir).expect("it is read"), []);
    change(&dir, "UPDATE own SET sealed = (SELECT sealed FROM own WHERE user = 2) WHERE user = 1");
    let store = open(&dir, "2");
    let outcome = draft(&store, "a").await;
    assert!(matches!(outcome, Err(StoreError::Corrupt { .. })), "{outcome:?}");
    assert!(draft(&store, "b").await.expect("it is read").is_some());
}

#[tokio::test]
async fn a_sealed_store_opens_with_its_key_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), "1");
    let first = say(&store, "b", "k", "one").await;
    drop(store);
    for digits in ["", "2", "23"] {
        let refused = try_open(dir.path(), digits);
        let Err(OpenError::KeyMissing { name }) = refused else { panic!("{digits}: {refused:?}") };
        assert_eq!(name, key('1').name());
    }
    let store = open(dir.path(), "1");
    assert_eq!(history(&store, "b").await.expect("it is read"), ["\"one\""]);
    let again = say(&store, "b", "k", "one").await;
    assert!(again.repeated && again.seq == first.seq);
    let other = store.append(wish("b", "k", "other")).await;
    assert!(matches!(other, Err(StoreError::ClientIdConflict)));
}

#[tokio::test]
async fn turned_on_later_it_seals_what_is_new_and_leaves_what_is_old() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), "");
    say(&store, "b", "k1", "old").await;
    drop(store);
    let store = open(dir.path(), "1");
    say(&store, "b", "k2", "new").await;
    assert_eq!(history(&store, "b").await.expect("it is read"), ["\"old\"", "\"new\""]);
    assert!(say(&store, "b", "k1", "old").await.repeated, "a key from before is known");
    let other = store.append(wish("b", "k1", "other")).await;
    assert!(matches!(other, Err(StoreError::ClientIdConflict)));
    drop(store);
    assert!(lies_in(dir.path(), b"old") && !lies_in(dir.path(), b"\"new\""));
    let verified = verify_file(&dir.path().join(DATABASE_FILE), &mut |_| {}).expect("it is read");
    assert_eq!((verified.entries, verified.entries_sealed), (2, 1));
    assert_eq!(verified.findings, []);
    assert!(matches!(try_open(dir.path(), ""), Err(OpenError::KeyMissing { .. })), "nor off again");
}

/// Lets entries do without their checksums, which guard against accidents alone.
const NO_SUMS: &str = "UPDATE entry SET sum = NULL; UPDATE meta SET value = 99 \
                       WHERE key = 'sums_after';";

#[tokio::test]
async fn what_was_changed_or_moved_by_hand_is_not_served() {
    for (change_made, position) in [
        ("UPDATE entry SET sealed = zeroblob(60) WHERE pos = 1", 1),
        ("UPDATE entry SET sealed = substr(sealed, 1, length(sealed) - 1) WHERE pos = 1", 1),
        // In one conversation, and from another.
        ("UPDATE entry SET sealed = (SELECT sealed FROM entry WHERE pos = 2) WHERE pos = 1", 1),
        ("UPDATE entry SET sealed = (SELECT sealed FROM entry WHERE pos = 3) WHERE pos = 1", 1),
        ("UPDATE entry SET ts = ts - 1 WHERE pos = 1", 1),
        ("UPDATE entry SET sender = 2 WHERE pos = 2", 2),
        ("UPDATE entry SET client_id = 'other' WHERE pos = 2", 2),
        ("UPDATE data_key SET sealed = (SELECT sealed FROM data_key WHERE conversation = 2)", 0),
        ("DELETE FROM data_key WHERE conversation = 1", 1),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        let store = open(dir.path(), "1");
        say(&store, "b", "k1", "one").await;
        say(&store, "b", "k2", "two").await;
        say(&store, "c", "k3", "three").await;
        drop(store);
        change(dir.path(), &format!("{NO_SUMS} {change_made}"));
        let store = open(dir.path(), "1");
        let read = history(&store, "b").await;
        let Err(StoreError::Corrupt { what }) = &read else { panic!("{change_made}: {read:?}") };
        let name = format!("entry {position}, seq {position} of conversation dm:a:b: its ");
        let of_key = "the key of dm:a:b cannot be opened";
        assert!(what.starts_with(&name) || &**what == of_key, "{change_made}: {what}");
        assert_eq!(history(&store, "c").await.expect("it is untouched"), ["\"three\""]);
    }
}

#[tokio::test]
async fn rotation_seals_the_keys_anew_beside_a_server_and_frees_the_old_master_key() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), "1");
    for n in 0..300 {
        drop(store.append(wish(&format!("peer{n}"), "k", "one")));
    }
    say(&store, "b", "k", "one").await;
    drop(store);

    let (old, both) = (keyring("1"), keyring("21"));
    let both = both.as_deref().expect("there are two");
    // Killed after the first few.
    let killed = catch_unwind(AssertUnwindSafe(|| {
        rotate(dir.path(), both, &mut |progress| assert!(progress.done == 0, "killed"))
    }));
    assert!(killed.is_err());
    let store = open(dir.path(), "21");
    assert_eq!(history(&store, "peer0").await.expect("it is read"), ["\"one\""]);
    assert_eq!(history(&store, "b").await.expect("it is read"), ["\"one\""]);

    // With the server running and writing.
    say(&store, "new", "k", "one").await;
    let rotated = rotate(dir.path(), both, &mut |_| {}).expect("it goes on");
    assert_eq!((rotated.sealed, rotated.whole), (301 - 256, true));
    say(&store, "b", "k2", "two").await;
    say(&store, "newer", "k", "one").await;
    drop(store);
    assert_eq!(verify(dir.path()).expect("it is read"), []);

    assert!(matches!(try_open(dir.path(), "1"), Err(OpenError::KeyMissing { .. })));
    let refused = rotate(dir.path(), &old.expect("there is one"), &mut |_| {});
    assert!(matches!(refused, Err(OpenError::KeyMissing { .. })), "{refused:?}");
    let store = open(dir.path(), "2");
    assert_eq!(history(&store, "b").await.expect("it is read"), ["\"one\"", "\"two\""]);
    assert_eq!(history(&store, "peer299").await.expect("it is read"), ["\"one\""]);
    assert!(say(&store, "b", "k", "one").await.repeated, "digests are as they were");
}

#[tokio::test]
async fn a_key_that_cannot_be_opened_ends_a_rotation_with_its_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), "1");
    say(&store, "b", "k", "one").await;
    drop(store);
    change(dir.path(), "UPDATE data_key SET sealed = zeroblob(73)");
    let both = keyring("21");
    let ended = rotate(dir.path(), both.as_deref().expect("there are two"), &mut |_| {});
    assert!(matches!(ended, Err(OpenError::KeyUnusable { conversation: 1 })), "{ended:?}");
}

#[tokio::test]
async fn backups_stay_sealed() {
    let dir = tempfile::tempdir().expect("a directory");
    let (data, copies) = (dir.path().join("data"), dir.path().join("copies"));
    let restored = dir.path().join("restored");
    for made in [&copies, &restored] {
        std::fs::create_dir(made).expect("it is made");
    }
    let store = open(&data, "1");
    say(&store, "b", "k", "needle in the hay").await;
    let to = copies.join("one.db");
    backup(&data, &to, Check::Whole, &mut |_| {}).expect("it is copied");
    assert!(!lies_in(&copies, b"needle in the hay"));
    restore(&to, &restored, &Existing::Refuse, &mut |_| {}).expect("it is put back");
    assert!(matches!(try_open(&restored, ""), Err(OpenError::KeyMissing { .. })));
    let there = open(&restored, "1");
    assert_eq!(history(&there, "b").await.expect("it is read"), ["\"needle in the hay\""]);
    // Both go on from the same seq with the same key, and neither's nonce is the other's.
    for store in [&store, &there] {
        assert_eq!(say(store, "b", "k2", "the same").await.seq, Seq(2));
    }
    drop((store, there));
    let sealed = |dir: &Path| -> Vec<u8> {
        let conn = Connection::open(dir.join(DATABASE_FILE)).expect("it opens");
        let sql = "SELECT sealed FROM entry WHERE seq = 2";
        conn.query_row(sql, (), |row| row.get(0)).expect("it is sealed")
    };
    assert_ne!(sealed(&data)[1..25], sealed(&restored)[1..25]);
}
