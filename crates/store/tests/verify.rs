//! The check of a store finds each kind of damage, and names it.

use std::path::Path;
use std::sync::Arc;

use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::{ClientId, ConversationId, DeviceId, Seq, UserId};
use parlor_chat::limits::DAY_MS;
use parlor_chat::own::{OwnChange, OwnKey, OwnKind, OwnValue, OwnWish};
use parlor_chat::people::ProfileChange;
use parlor_chat::store::{
    Append, AttachDevice, CommitSink, Committed, Mark, MarkKind, Origin, Recipient, Store,
};
use parlor_store::sqlite::{Config, DATABASE_FILE, OpenError, SqliteStore, verify};
use rusqlite::Connection;

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

const NOW: Millis = Millis(1_800_000_000_000);

async fn filled(dir: &Path) {
    let store = SqliteStore::open(Config::new(dir), Arc::new(Nobody)).expect("it opens");
    let user = |name: &str| UserId::parse(name).expect("a good user id");
    let phone = DeviceId::parse("phone").expect("a good id");
    let attach = AttachDevice {
        user: user("b"),
        device: phone.clone(),
        token_issued: None,
        now: NOW,
        devices_max: 3,
        idle_expiry_ms: DAY_MS,
    };
    store.attach_device(attach).await.expect("there is room");
    for n in 0..10 {
        let (from, to) = [("a", "b"), ("b", "a"), ("a", "a"), ("c", "a")][n % 4];
        let append = Append {
            from: user(from),
            to: Recipient::User(user(to)),
            client_id: Some(ClientId::parse(&format!("k{n}")).expect("a good key")),
            content: Content("\"x\"".into()),
            now: Millis(NOW.0 + n as u64),
            origin: Origin::of(0),
        };
        store.append(append).await.expect("it is kept");
    }
    let mark = Mark {
        user: user("b"),
        conversation: ConversationId::direct(&user("a"), &user("b")),
        seq: Seq(3),
        kind: MarkKind::Read(phone),
        now: NOW,
    };
    store.mark(vec![mark]).await.expect("it is kept");
    let wish = OwnWish {
        kind: OwnKind::Draft,
        key: OwnKey::parse("dm:a:b").expect("a good key"),
        value: Some(OwnValue::of("1")),
    };
    let (origin, wishes) = (Origin::of(0), vec![wish]);
    let change =
        OwnChange { user: user("a"), wishes, about: None, records_max: 9, now: NOW, origin };
    store.change_own(change).await.expect("there is room");
    let profile = ProfileChange {
        user: user("a"),
        name: Some(Some("Ada".into())),
        token_name: None,
        avatar: None,
        about: None,
    };
    store.change_profile(profile).await.expect("it is kept");
}

async fn rules_broken_by(damage: &str) -> Vec<&'static str> {
    let dir = tempfile::tempdir().expect("a directory");
    filled(dir.path()).await;
    assert_eq!(verify(dir.path()).expect("it can be read"), [], "before {damage}");
    let conn = Connection::open(dir.path().join(DATABASE_FILE)).expect("it opens");
    conn.execute_batch(damage).expect("the damage is done");
    drop(conn);
    let findings = verify(dir.path()).expect("it can be read");
    let mut rules: Vec<_> = findings.into_iter().map(|finding| finding.rule).collect();
    rules.dedup();
    rules
}

#[tokio::test]
async fn each_kind_of_damage_is_found_by_its_rule() {
    for (rule, damage) in [
        ("seq_is_dense", "UPDATE entry SET seq = 99 WHERE pos = 10"),
        ("seq_is_dense", "DELETE FROM entry WHERE pos = 1"),
        ("position_rises_with_seq", "UPDATE entry SET pos = 0 WHERE pos = 10"),
        ("ts_does_not_fall", "UPDATE entry SET ts = 5 WHERE pos = 10"),
        ("count_equals_recount", "UPDATE entry SET low_count = low_count + 1 WHERE pos = 5"),
        ("entry_conversation_exists", "DELETE FROM conversation WHERE id = 1"),
        ("entry_life_exists", "UPDATE entry SET life = 7 WHERE pos = 2"),
        ("entry_sender_is_member", "UPDATE entry SET sender = 99 WHERE pos = 4"),
        ("content_is_json", "UPDATE entry SET content = '{\"a\":' WHERE pos = 4"),
        ("conversation_members_exist", "DELETE FROM user WHERE name = 'c'"),
        ("member_of_conversation", "DELETE FROM member WHERE user = 1"),
        ("watermark_not_above_head", "UPDATE member SET delivered = 50 WHERE read > 0"),
        ("read_not_above_delivered", "UPDATE member SET delivered = 1 WHERE read > 0"),
        ("device_not_above_user", "UPDATE delivered SET seq = 5"),
        ("device_not_above_user", "UPDATE device SET active = 0"),
        ("key_names_its_entry", "UPDATE idempotency SET seq = 2 WHERE client_id = 'k0'"),
        ("key_names_its_entry", "UPDATE idempotency SET ts = 5 WHERE client_id = 'k0'"),
        ("first_entry_is_there", "DELETE FROM entry WHERE pos = 1"),
        ("first_entry_is_there", "UPDATE conversation SET first = 9 WHERE id = 1"),
        ("seq_is_dense", "UPDATE conversation SET first = 2 WHERE id = 1"),
        ("own_records_are_counted", "UPDATE own_kind SET live = 2"),
        ("own_records_are_counted", "UPDATE own_kind SET removed = 1"),
        ("own_records_are_counted", "DELETE FROM own_kind"),
        ("sealed_record_has_its_key", "UPDATE own SET sealed = x'00'"),
        ("profile_word_of_profile", "DELETE FROM profile"),
    ] {
        let rules = rules_broken_by(damage).await;
        assert!(rules.contains(&rule), "{damage}: {rules:?}");
    }
}

#[tokio::test]
async fn a_damaged_file_is_found() {
    let rules = rules_broken_by(
        "PRAGMA writable_schema = ON; \
         UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema \
         WHERE name = 'idempotency') WHERE name = 'delivered'; PRAGMA writable_schema = OFF",
    )
    .await;
    assert!(rules.contains(&"file_is_sound"), "{rules:?}");
}

#[test]
fn a_directory_without_a_store_is_an_error() {
    let dir = tempfile::tempdir().expect("a directory");
    assert!(matches!(verify(dir.path()), Err(OpenError::Io { .. })));
}

#[tokio::test]
async fn people_can_read_the_messages() {
    let dir = tempfile::tempdir().expect("a directory");
    filled(dir.path()).await;
    let conn = Connection::open(dir.path().join(DATABASE_FILE)).expect("it opens");
    let sql = "SELECT conversation || ' ' || seq || ' ' || sender || '>' || recipient \
               || ' ' || sent_at || ' ' || content FROM messages ORDER BY position LIMIT 1";
    let line: String = conn.query_row(sql, (), |row| row.get(0)).expect("a message");
    assert_eq!(line, "dm:a:b 1 a>b 2027-01-15 08:00:00.000 \"x\"");
}
