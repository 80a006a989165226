//! An audit log that was edited shows it.

use std::path::Path;
use std::sync::Arc;

use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;
use parlor_chat::moderation::{Act, Cause, Deed, Role};
use parlor_chat::store::{CommitSink, Committed, Store};
use parlor_store::sqlite::{Config, DATABASE_FILE, SqliteStore, verify};
use rusqlite::Connection;

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("an id in a test")
}

/// A store in which three users were suspended by "m".
async fn moderated(dir: &Path) {
    let store = SqliteStore::open(Config::new(dir), Arc::new(Nobody)).expect("it opens");
    for name in ["a", "b", "c"] {
        let act = Act {
            by: user("m"),
            role: Role::Moderator,
            cause: Cause::User(user(name)),
            deed: Deed::Suspend { until: None, reason: "spam".into() },
            note: Some("seen".into()),
            client_id: None,
            now: Millis(1_800_000_000_000),
            notices_max: 3,
        };
        store.moderation().act(act).await.expect("it is done");
    }
}

fn edited(dir: &Path, sql: &str) -> Result<(), rusqlite::Error> {
    Connection::open(dir.join(DATABASE_FILE)).expect("it opens").execute_batch(sql)
}

const UNGUARDED: &str =
    "DROP TRIGGER audit_entries_stay; DROP TRIGGER audit_entries_are_not_changed;";

#[tokio::test]
async fn entries_are_neither_changed_nor_removed() {
    let dir = tempfile::tempdir().expect("a directory");
    moderated(dir.path()).await;
    for sql in ["UPDATE audit SET note = 'x'", "DELETE FROM audit"] {
        let error = edited(dir.path(), sql).expect_err("a trigger keeps it").to_string();
        assert!(error.contains("append-only"), "{error}");
    }
    assert_eq!(verify(dir.path()).expect("readable"), []);
}

#[tokio::test]
async fn an_edit_past_the_triggers_is_found() {
    for (edit, found) in [
        ("UPDATE audit SET note = 'not seen' WHERE number = 2", "entry 2"),
        ("UPDATE audit SET note = NULL WHERE number = 1", "entry 1"),
        (
            "UPDATE audit SET user = (SELECT id FROM user WHERE name = 'a') WHERE number = 3",
            "entry 3",
        ),
        ("UPDATE audit SET hash = zeroblob(32) WHERE number = 1", "entry 1"),
        ("DELETE FROM audit WHERE number = 2", "entry 2"),
        ("DELETE FROM audit WHERE number = 1", "entry 1"),
        ("DELETE FROM audit WHERE number = 3", "ends at 2"),
        ("DELETE FROM audit", "ends at 0"),
        ("UPDATE user SET name = 'x' WHERE name = 'm'", "entry 1"),
        ("UPDATE meta SET value = zeroblob(40) WHERE key = 'audit_head'", "ends at 3"),
        ("DELETE FROM meta WHERE key = 'audit_head'", "ends at 3"),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        moderated(dir.path()).await;
        edited(dir.path(), &format!("{UNGUARDED} {edit}")).expect("nothing guards it");
        let findings = verify(dir.path()).expect("readable");
        let audit: Vec<_> = findings.iter().filter(|it| it.rule == "audit_is_as_written").collect();
        assert!(audit.len() == 1 && audit[0].what.contains(found), "{edit}: {findings:?}");
    }
}

#[tokio::test]
async fn suspensions_hold_after_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    moderated(dir.path()).await;
    let store = SqliteStore::open(Config::new(dir.path()), Arc::new(Nobody)).expect("it opens");
    let attach = parlor_chat::store::AttachDevice {
        user: user("a"),
        device: parlor_chat::ids::DeviceId::shared(),
        token_issued: None,
        now: Millis(1_800_000_000_001),
        devices_max: 3,
        idle_expiry_ms: 1,
    };
    let attached = store.attach_device(attach).await;
    assert!(matches!(attached, Err(parlor_chat::store::StoreError::Suspended { until: None })));
}
