//! What is done to messages, as the files hold it: what is deleted lies in none of them, what goes
//! for its age takes its reactions along, and the check finds what contradicts itself.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_chat::around::Emoji;
use parlor_chat::around::port::{Around, ChangeMessage, MessageChanged, Wish};
use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::{ConversationId, Seq, UserId};
use parlor_chat::limits::{DAY_MS, Limits};
use parlor_chat::store::{
    Append, Authority, CommitSink, Committed, HistoryQuery, HistoryRange, Origin, Recipient, Store,
};
use parlor_store::sqlite::{Clock, Config, DATABASE_FILE, Keyring, MasterKey, SqliteStore, verify};
use rusqlite::Connection;

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

const NOW: u64 = 1_800_000_000_000;

fn now() -> Millis {
    Millis(NOW)
}

fn open(dir: &Path, change: impl FnOnce(&mut Config)) -> SqliteStore {
    let mut config = Config { clock: Clock(now), ..Config::new(dir) };
    change(&mut config);
    SqliteStore::open(config, Arc::new(Nobody)).expect("it opens")
}

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a good user id")
}

fn content(text: &str) -> Content {
    Content(format!("\"{text}\"").into())
}

async fn says(store: &SqliteStore, text: &str, days_ago: u64) -> u64 {
    let append = Append {
        from: user("a"),
        to: Recipient::User(user("b")),
        client_id: None,
        content: content(text),
        now: Millis(NOW - days_ago * DAY_MS),
        origin: Origin::of(0),
    };
    store.append(append).await.expect("it is kept").seq.0
}

async fn does(store: &SqliteStore, seq: u64, wish: Wish, days_ago: u64) -> u64 {
    let change = ChangeMessage {
        by: user("a"),
        authority: Authority::User,
        conversation: ConversationId::direct(&user("a"), &user("b")),
        seq: Seq(seq),
        wish,
        client_id: None,
        now: Millis(NOW - days_ago * DAY_MS),
        origin: Origin::of(0),
        limits: Limits::default(),
        screening: None,
        removal: None,
    };
    match store.change_message(change).await.expect("it may be") {
        MessageChanged::Committed { seq, .. } => seq.0,
        MessageChanged::Unchanged => panic!("it was so already"),
    }
}

fn react(with: &str) -> Wish {
    Wish::React(Emoji::parse(with).expect("a good emoji"))
}

/// Whether any file of a directory holds these bytes.
fn lies_in(dir: &Path, text: &str) -> bool {
    std::fs::read_dir(dir).expect("it is read").any(|file| {
        let path = file.expect("a file").path();
        let bytes = if path.is_file() { std::fs::read(path).expect("it is read") } else { vec![] };
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

fn number(dir: &Path, sql: &str) -> i64 {
    let conn = Connection::open(dir.join(DATABASE_FILE)).expect("it opens");
    conn.query_row(sql, (), |row| row.get(0)).expect("a number")
}

#[tokio::test]
async fn what_is_deleted_lies_in_no_file_once_the_log_is_written_back() {
    // One that shares a page with others, one that fills several pages of its own, and edits of both.
    let (small, large) = ("tiny secret of few bytes", "huge secret ".repeat(4_000));
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), |_| {});
    says(&store, "kept: the one before", 0).await;
    let one = says(&store, small, 0).await;
    let two = says(&store, &large, 0).await;
    says(&store, "kept: the one behind", 0).await;
    does(&store, one, Wish::Edit(content("edit secret, small")), 0).await;
    does(&store, one, Wish::Edit(content(&"long secret ".repeat(3_000))), 0).await;
    does(&store, two, Wish::Edit(content("edit secret, other")), 0).await;
    drop(store);
    let secrets = ["tiny secret", "huge secret", "edit secret", "long secret"];
    for secret in secrets {
        assert!(lies_in(dir.path(), secret), "{secret} is there before");
    }
    let store = open(dir.path(), |_| {});
    for seq in [one, two] {
        does(&store, seq, Wish::Delete, 0).await;
    }
    drop(store);
    for secret in secrets {
        assert!(!lies_in(dir.path(), secret), "{secret} is gone");
    }
    assert!(lies_in(dir.path(), "kept: the one before"));
    assert!(lies_in(dir.path(), "kept: the one behind"));
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
    let left = "SELECT count(*) FROM messages WHERE deleted AND content IS NULL AND edited IS NULL";
    assert_eq!(number(dir.path(), left), 2, "people see it so, too");
}

#[tokio::test]
async fn sealed_content_that_is_deleted_is_gone_as_well() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), |config| {
        let key = MasterKey::parse(&"5".repeat(64)).expect("64 digits");
        config.keyring = Some(Arc::new(Keyring::new(key, Vec::new())));
    });
    let seq = says(&store, "secret", 0).await;
    does(&store, seq, Wish::Edit(content("secret too")), 0).await;
    let sealed = "SELECT count(*) FROM entry WHERE sealed IS NOT NULL";
    assert_eq!(number(dir.path(), sealed), 2);
    does(&store, seq, Wish::Delete, 0).await;
    // What says that it was deleted is sealed as all is.
    assert_eq!(number(dir.path(), sealed), 1);
    let conversation = ConversationId::direct(&user("a"), &user("b"));
    let range = HistoryRange::Before(None);
    let query = HistoryQuery { user: user("b"), conversation, range, limit: 9 };
    let page = store.history(query).await.expect("it is read");
    assert!(page.entries.iter().all(|entry| entry.body.said().is_none()));
    drop(store);
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
}

#[tokio::test]
async fn what_goes_for_its_age_takes_along_what_was_done_to_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), |_| {});
    let old = says(&store, "old one", 20).await;
    does(&store, old, react("👍"), 20).await;
    does(&store, old, Wish::Pin, 20).await;
    let young = says(&store, "young one", 0).await;
    does(&store, young, react("👍"), 0).await;
    drop(store);
    let store = open(dir.path(), |config| config.retention_ms = Some(10 * DAY_MS));
    let deadline = Instant::now() + Duration::from_secs(60);
    while store.stats().removed < 3 {
        assert!(Instant::now() < deadline, "{:?}", store.stats());
        tokio::task::yield_now().await;
    }
    drop(store);
    for table in ["message_state", "reaction", "reaction_count"] {
        assert_eq!(number(dir.path(), &format!("SELECT count(*) FROM {table}")), 1, "{table}");
    }
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
}

#[tokio::test]
async fn a_deed_on_the_last_message_of_an_old_conversation_leaves_nothing_behind() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), |_| {});
    let old = says(&store, "old one", 20).await;
    drop(store);
    let store = open(dir.path(), |config| config.retention_ms = Some(10 * DAY_MS));
    let deadline = Instant::now() + Duration::from_secs(60);
    while store.stats().slices == 0 {
        assert!(Instant::now() < deadline, "{:?}", store.stats());
        tokio::task::yield_now().await;
    }
    assert_eq!(does(&store, old, react("👍"), 0).await, 2);
    drop(store);
    assert_eq!(number(dir.path(), "SELECT count(*) FROM entry"), 1, "the message went with it");
    assert_eq!(number(dir.path(), "SELECT count(*) FROM reaction"), 0);
    assert_eq!(verify(dir.path()).expect("it can be read"), []);
}

#[tokio::test]
async fn the_check_finds_what_contradicts_the_log() {
    for (rule, damage) in [
        ("deleted_content_is_gone", "UPDATE entry SET content = '\"x\"' WHERE gone > 0"),
        ("deleted_content_is_gone", "UPDATE entry SET gone = gone - 1 WHERE gone > 0"),
        ("entry_is_as_written", "UPDATE entry SET gone = NULL WHERE gone > 0"),
        ("deletion_took_effect", "UPDATE entry SET gone = NULL WHERE gone > 0"),
        ("entry_is_as_written", "UPDATE entry SET about = 1 WHERE about = 2"),
        ("entry_is_as_written", "UPDATE entry SET envelope = '{}' WHERE seq = 1"),
        ("state_is_what_was_done", "UPDATE message_state SET edits = edits + 1"),
        ("state_is_what_was_done", "UPDATE message_state SET pinned = 3 WHERE pinned > 0"),
        ("state_is_what_was_done", "UPDATE message_state SET seq = 9"),
        ("edit_or_reply_is_counted", "DELETE FROM message_state"),
        ("reactions_are_counted", "UPDATE reaction_count SET users = 2"),
        ("reactions_are_counted", "DELETE FROM reaction_count"),
        ("reactions_are_counted", "DELETE FROM reaction"),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        let store = open(dir.path(), |_| {});
        says(&store, "first one", 0).await;
        says(&store, "second one", 0).await;
        for wish in [Wish::Edit(content("x")), react("👍"), Wish::Pin] {
            does(&store, 1, wish, 0).await;
        }
        does(&store, 2, Wish::Edit(content("y")), 0).await;
        does(&store, 2, Wish::Delete, 0).await;
        drop(store);
        assert_eq!(verify(dir.path()).expect("it can be read"), [], "before {damage}");
        let conn = Connection::open(dir.path().join(DATABASE_FILE)).expect("it opens");
        conn.execute_batch(damage).expect("the damage is done");
        drop(conn);
        let findings = verify(dir.path()).expect("it can be read");
        assert!(findings.iter().any(|finding| finding.rule == rule), "{damage}: {findings:?}");
    }
}
