//! What is damaged on the disk is named, counted and refused, never served; the rest goes on.

use std::path::Path;
use std::sync::Arc;

use parlor_chat::entry::{Content, Millis, Position};
use parlor_chat::ids::{ClientId, ConversationId, DeviceId, Seq, UserId};
use parlor_chat::store::{
    Append, Appended, CommitSink, Committed, HistoryQuery, HistoryRange, Mark, MarkKind, Marked,
    Origin, Recipient, Store, StoreError, Whose,
};
use parlor_store::sqlite::{Config, DATABASE_FILE, Finding, SqliteStore, verify, verify_file};
use rusqlite::Connection;

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

const NOW: u64 = 1_800_000_000_000;

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a good user id")
}

fn dm(a: &str, b: &str) -> ConversationId {
    ConversationId::direct(&user(a), &user(b))
}

fn open(dir: &Path) -> SqliteStore {
    SqliteStore::open(Config::new(dir), Arc::new(Nobody)).expect("it opens")
}

fn wish(from: &str, to: &str, text: &str) -> Append {
    Append {
        from: user(from),
        to: Recipient::User(user(to)),
        client_id: Some(ClientId::parse(text).expect("a good key")),
        content: Content(format!("\"{text}\"").into()),
        now: Millis(NOW),
        origin: Origin::of(0),
    }
}

async fn say(store: &SqliteStore, from: &str, to: &str, text: &str) -> Appended {
    store.append(wish(from, to, text)).await.expect("it is kept")
}

/// Entries 1 to 5 between a and b, and as many between c and d.
async fn filled(dir: &Path) {
    let store = open(dir);
    for n in 1..=5 {
        say(&store, "a", "b", &format!("needle-{n}")).await;
        say(&store, "c", "d", &format!("other-{n}")).await;
    }
}

fn change(dir: &Path, sql: &str) {
    let conn = Connection::open(dir.join(DATABASE_FILE)).expect("it opens");
    conn.execute_batch(sql).expect("the damage is done");
}

fn history(a: &str, b: &str) -> HistoryQuery {
    let range = HistoryRange::After(Seq(0), None);
    HistoryQuery { user: user(a), conversation: dm(a, b), range, limit: 500 }
}

/// What was damaged, if that is what is told.
fn named<T: std::fmt::Debug>(outcome: Result<T, StoreError>) -> String {
    match outcome {
        Err(StoreError::Corrupt { what }) => what.to_string(),
        other => panic!("damage was served: {other:?}"),
    }
}

fn mark(who: &str, of: ConversationId, seq: u64) -> Mark {
    let kind = MarkKind::Delivered(DeviceId::shared());
    Mark { user: user(who), conversation: of, seq: Seq(seq), kind, now: Millis(NOW) }
}

/// Nobody but a and b, and nothing but their conversation, is the worse for it.
async fn others_go_on(store: &SqliteStore) {
    let page = store.history(history("c", "d")).await.expect("it is read");
    assert!(page.entries.len() >= 5);
    let device = DeviceId::shared();
    let page = store.undelivered(user("d"), device, None, 500).await.expect("it is read");
    assert!(page.entries.len() >= 5);
    store.since(user("d"), Position(0), Whose::Everyone, 500).await.expect("it is read");
    store.conversations(user("d"), None, 9).await.expect("it is read");
    let seq = page.entries.last().expect("there are some").seq;
    let appended = say(store, "c", "d", &format!("more-{seq}")).await;
    assert_eq!(appended.seq, Seq(seq.0 + 1));
    let marked = store.mark(vec![mark("d", dm("c", "d"), 1)]).await.expect("it is kept");
    assert!(matches!(marked[..], [Marked::Moved | Marked::Unmoved]));
    assert!(store.health().is_ok());
}

fn rules(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.rule).collect()
}

#[tokio::test]
async fn a_record_of_which_any_field_changed_is_named_at_every_read() {
    for damage in [
        "UPDATE entry SET content = '\"forged\"' WHERE pos = 5",
        "UPDATE entry SET ts = ts + 1 WHERE pos = 5",
        "UPDATE entry SET sender = 2 WHERE pos = 5",
        "UPDATE entry SET client_id = 'k' WHERE pos = 5",
        "UPDATE entry SET client_id = NULL WHERE pos = 5",
        "UPDATE entry SET low_count = 2 WHERE pos = 5",
        "UPDATE entry SET sum = sum + 1 WHERE pos = 5",
        "UPDATE entry SET sum = NULL WHERE pos = 5",
        "UPDATE entry SET life = 9 WHERE pos = 5",
        "INSERT INTO life VALUES (9, 9, 9); UPDATE entry SET life = 9 WHERE pos = 5",
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        filled(dir.path()).await;
        change(dir.path(), damage);
        let checked = verify(dir.path()).expect("it can be read");
        let finding = checked.iter().find(|finding| finding.rule == "entry_is_as_written");
        let finding = finding.unwrap_or_else(|| panic!("{damage}: {checked:?}"));
        let name = "entry 5, seq 3 of conversation dm:a:b";
        assert!(finding.what.starts_with(name), "{damage}: {finding:?}");

        let store = open(dir.path());
        let told = [
            named(store.history(history("a", "b")).await),
            named(store.undelivered(user("b"), DeviceId::shared(), None, 500).await),
            named(store.since(user("b"), Position(0), Whose::Everyone, 500).await),
            named(store.append(wish("a", "b", "needle-3")).await),
        ];
        let (retry, reads) = told.split_last().expect("there are four");
        // A retry is answered from the damaged entry, unless the key itself tells another story.
        assert!(retry.contains("seq 3 of conversation dm:a:b"), "{damage}: {retry}");
        for what in reads {
            assert!(what.starts_with(name), "{damage}: {what}");
        }
        assert_eq!(store.stats().corrupt, 4);
        // Its head is sound, so that the conversation goes on behind it.
        assert_eq!(say(&store, "b", "a", "next").await.seq, Seq(6));
        store.conversations(user("a"), None, 9).await.expect("its last entry is sound");
        others_go_on(&store).await;
    }
}

#[tokio::test]
async fn a_damaged_head_gives_out_no_seq() {
    for damage in [
        "UPDATE entry SET seq = 8 WHERE pos = 9",
        "UPDATE entry SET low_count = 1 WHERE pos = 9",
        "UPDATE entry SET content = '' WHERE pos = 9",
        "UPDATE entry SET conversation = 2, seq = 7 WHERE pos = 9; \
         UPDATE entry SET conversation = 1, seq = 6 WHERE pos = 10; \
         UPDATE entry SET conversation = 2, seq = 5 WHERE pos = 9",
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        filled(dir.path()).await;
        change(dir.path(), damage);
        assert_ne!(verify(dir.path()).expect("it can be read"), [], "{damage}");
        let store = open(dir.path());
        let what = named(store.append(wish("a", "b", "next")).await);
        assert!(what.contains("of conversation dm:a:b"), "{damage}: {what}");
        named(store.conversations(user("a"), None, 9).await);
        assert!(store.health().is_ok());
        drop(store);
        let conn = Connection::open(dir.path().join(DATABASE_FILE)).expect("it opens");
        let sql = "SELECT (SELECT count(*) FROM entry), (SELECT count(*) FROM idempotency)";
        let kept: (i64, i64) =
            conn.query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?))).expect("counts");
        assert_eq!(kept, (10, 10), "{damage}: nothing was written");
    }
}

#[tokio::test]
async fn a_log_that_lost_its_end_gives_out_no_seq_twice() {
    let dir = tempfile::tempdir().expect("a directory");
    filled(dir.path()).await;
    let store = open(dir.path());
    store.mark(vec![mark("b", dm("a", "b"), 5)]).await.expect("it is kept");
    drop(store);
    change(dir.path(), "DELETE FROM entry WHERE pos = 9");
    let store = open(dir.path());
    let what = named(store.append(wish("a", "b", "next")).await);
    assert_eq!(what, "the log of dm:a:b ends at 4, but 5 was given out");

    // What the writer gave out itself it knows without a watermark.
    assert_eq!(say(&store, "c", "d", "next").await.seq, Seq(6));
    change(dir.path(), "DELETE FROM entry WHERE seq = 6");
    let what = named(store.append(wish("c", "d", "after")).await);
    assert_eq!(what, "the log of dm:c:d ends at 5, but 6 was given out");
}

#[tokio::test]
async fn bytes_that_changed_in_the_file_are_named_and_not_served() {
    let dir = tempfile::tempdir().expect("a directory");
    filled(dir.path()).await;
    let path = dir.path().join(DATABASE_FILE);
    let mut bytes = std::fs::read(&path).expect("it is read");
    let needle = b"\"needle-4\"";
    let at = bytes.windows(needle.len()).position(|window| window == needle);
    let at = at.expect("contents lie in the file as they are");
    bytes[at + 3] ^= 0x04;
    // Over the old file, so that nothing but this byte is another.
    std::fs::write(&path, bytes).expect("it is written");
    assert_eq!(rules(&verify(dir.path()).expect("it can be read")), ["entry_is_as_written"]);
    let store = open(dir.path());
    let what = named(store.history(history("a", "b")).await);
    assert_eq!(what, "entry 7, seq 4 of conversation dm:a:b: its checksum does not match");
    // Around it the log can still be read.
    let range = HistoryRange::Before(Some(Seq(4)));
    let page = store.history(HistoryQuery { range, ..history("a", "b") }).await;
    assert_eq!(page.expect("it is sound").entries.len(), 3);
    others_go_on(&store).await;
}

#[tokio::test]
async fn entries_of_an_older_version_are_served_and_counted_by_the_check() {
    let dir = tempfile::tempdir().expect("a directory");
    filled(dir.path()).await;
    change(
        dir.path(),
        "UPDATE entry SET sum = NULL WHERE pos <= 4; \
         UPDATE meta SET value = 4 WHERE key = 'sums_after'",
    );
    let verified = verify_file(&dir.path().join(DATABASE_FILE), &mut |_| {}).expect("it is read");
    assert_eq!((verified.entries, verified.entries_without_sum), (10, 4));
    assert_eq!(verified.findings, []);
    let store = open(dir.path());
    let page = store.history(history("a", "b")).await.expect("it is served");
    assert_eq!(page.entries.len(), 5);
}

/// Enough entries that each conversation has pages of its own.
const MANY: u64 = 300;

async fn filled_with_many(dir: &Path) {
    let store = open(dir);
    for (from, to) in [("a", "b"), ("c", "d")] {
        let long = Content(format!("\"{}\"", "x".repeat(100)).into());
        let of = |n| Append { content: long.clone(), ..wish(from, to, &format!("{from}-{n}")) };
        let pending: Vec<_> = (1..=MANY).map(|n| store.append(of(n))).collect();
        for pending in pending {
            pending.await.expect("it is kept");
        }
    }
}

/// Overwrites the n-th leaf page of a table or an index; gives its number.
fn shred(dir: &Path, name: &str, nth: i64) -> i64 {
    let path = dir.join(DATABASE_FILE);
    let conn = Connection::open(&path).expect("it opens");
    let sql = "SELECT pageno FROM dbstat WHERE name = ?1 AND pagetype = 'leaf' \
               ORDER BY path LIMIT 1 OFFSET ?2";
    let page: i64 = conn.query_row(sql, (name, nth), |row| row.get(0)).expect("such a page");
    drop(conn);
    let mut bytes = std::fs::read(&path).expect("it is read");
    let from = (page as usize - 1) * 4_096;
    bytes[from..from + 4_096].fill(0xff);
    std::fs::write(&path, bytes).expect("it is written");
    page
}

#[tokio::test]
async fn a_shredded_page_of_entries_is_named_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().expect("a directory");
    filled_with_many(dir.path()).await;
    let page = shred(dir.path(), "entry", 2);
    let findings = verify(dir.path()).expect("what can be read is checked");
    let names_page =
        |finding: &Finding| finding.what.to_lowercase().contains(&format!("page {page}"));
    assert!(findings.iter().any(names_page), "{page}: {findings:?}");
    assert!(findings.iter().any(|finding| finding.what.starts_with("entries after")));

    let store = open(dir.path());
    let what = named(store.history(history("a", "b")).await);
    assert!(what.starts_with("something of conversation dm:a:b: "), "{what}");
    let undelivered = store.undelivered(user("b"), DeviceId::shared(), None, 500);
    assert!(named(undelivered.await).starts_with("something of user b: "));
    named(store.since(user("b"), Position(0), Whose::Everyone, 500).await);
    store.conversations(user("a"), None, 9).await.expect("the last entry is sound");
    let appended = say(&store, "b", "a", "next").await;
    assert_eq!(appended.seq, Seq(MANY + 1), "the head is sound");
    assert_eq!(store.stats().corrupt, 3);
    others_go_on(&store).await;
}

#[tokio::test]
async fn a_shredded_page_of_the_index_refuses_the_sends_that_need_it_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    filled_with_many(dir.path()).await;
    let conn = Connection::open(dir.path().join(DATABASE_FILE)).expect("it opens");
    let sql = "SELECT count(*) FROM dbstat WHERE name = 'entry_place' AND pagetype = 'leaf'";
    let leaves: i64 = conn.query_row(sql, (), |row| row.get(0)).expect("a count");
    assert!(leaves >= 2, "each conversation has a leaf of its own");
    drop(conn);
    shred(dir.path(), "entry_place", leaves - 1);
    let store = open(dir.path());
    // In one batch with others, in the middle of it.
    let before = store.append(wish("a", "b", "before"));
    let needs_it = store.append(wish("c", "d", "needs"));
    let marks = store.mark(vec![mark("d", dm("c", "d"), MANY), mark("b", dm("a", "b"), 9)]);
    let after = store.append(wish("b", "a", "after"));
    assert_eq!(before.await.expect("it is kept").seq, Seq(MANY + 1));
    let what = named(needs_it.await);
    assert!(what.starts_with("something of conversation dm:c:d: "), "{what}");
    let marked = marks.await.expect("those that can be are kept");
    assert_eq!(marked, [Marked::NotFound, Marked::Moved]);
    assert_eq!(after.await.expect("it is kept").seq, Seq(MANY + 2));
    assert!(store.health().is_ok());
    assert!(store.stats().corrupt >= 2);
    named(store.history(history("c", "d")).await);
    drop(store);
    let again = open(dir.path()).append(wish("a", "b", "before")).await.expect("it is known");
    assert!(again.repeated);
}

#[tokio::test]
async fn a_sweep_that_meets_damage_ends_and_the_sends_go_on() {
    let dir = tempfile::tempdir().expect("a directory");
    filled_with_many(dir.path()).await;
    shred(dir.path(), "entry", 1);
    let day = parlor_chat::limits::DAY_MS;
    let config = Config { client_id_window_ms: day, ..Config::new(dir.path()) };
    let store = SqliteStore::open(config, Arc::new(Nobody)).expect("it opens");
    // By now all keys are due, and those of the shredded page cannot be read.
    for n in 1..=20 {
        let later = Append { now: Millis(NOW + 9 * day), ..wish("a", "b", &format!("later-{n}")) };
        assert_eq!(store.append(later).await.expect("it is kept").seq, Seq(MANY + n));
    }
    assert_eq!(store.stats().corrupt, 1, "it is given up once");
    assert!(store.health().is_ok());
}

#[tokio::test]
async fn a_file_whose_first_page_is_gone_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    filled(dir.path()).await;
    let path = dir.path().join(DATABASE_FILE);
    let mut bytes = std::fs::read(&path).expect("it is read");
    bytes[..4_096].fill(0);
    std::fs::write(&path, bytes).expect("it is written");
    assert!(SqliteStore::open(Config::new(dir.path()), Arc::new(Nobody)).is_err());
    assert!(verify(dir.path()).is_err());
}
