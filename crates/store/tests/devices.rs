//! What devices that are gone and blocks that were lifted leave behind is bounded; the former keeps
//! refusing the tokens it refused.

use std::sync::Arc;

use parlor_chat::entry::{Millis, Position};
use parlor_chat::ids::{DeviceId, UserId};
use parlor_chat::limits::DAY_MS;
use parlor_chat::store::{AttachDevice, Block, CommitSink, Committed, Revoked, Store, StoreError};
use parlor_store::sqlite::{Config, DATABASE_FILE, SqliteStore};
use rusqlite::Connection;

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

/// A clock in seconds, which is what tokens have.
fn second(n: u64) -> Millis {
    Millis(1_800_000_000_000 + n * 1_000)
}

fn attach(device: &str, at: Millis, token_issued: Option<Millis>) -> AttachDevice {
    AttachDevice {
        user: UserId::parse("a").expect("a good user id"),
        device: DeviceId::parse(device).expect("a good id"),
        token_issued,
        now: at,
        devices_max: 3,
        idle_expiry_ms: DAY_MS,
    }
}

const GONE: u64 = 200;

#[tokio::test]
async fn devices_that_are_gone_leave_a_bounded_trace_that_still_refuses() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = SqliteStore::open(Config::new(dir.path()), Arc::new(Nobody)).expect("it opens");
    let user = UserId::parse("a").expect("a good user id");
    let stays = attach("stays", second(0), Some(second(0)));
    store.attach_device(stays.clone()).await.expect("there is room");
    for n in 1..=GONE {
        let name = format!("d{n}");
        let came = attach(&name, second(2 * n), Some(second(2 * n)));
        store.attach_device(came).await.expect("a fresh token and a new name");
        let device = DeviceId::parse(&name).expect("a good id");
        let gone = store.revoke_device(user.clone(), device, second(2 * n + 1)).await;
        assert_eq!(gone.ok(), Some(Revoked::Done));
    }
    let now = second(2 * GONE + 2);
    for n in [1, GONE / 2, GONE] {
        let old = attach(&format!("d{n}"), now, Some(second(2 * n + 1)));
        let refused = store.attach_device(old).await;
        assert!(matches!(refused, Err(StoreError::DeviceRevoked)), "d{n}: {refused:?}");
    }
    // The one that was never revoked, fresh tokens, and tokens without a time are not concerned.
    store.attach_device(stays).await.expect("it is known");
    for (name, issued) in [("d1", Some(now)), ("new", None)] {
        store.attach_device(attach(name, now, issued)).await.expect("nothing speaks against it");
    }
    let listed = store.devices(user).await.expect("a list");
    assert_eq!(listed.len(), 3, "{listed:?}");
    store.close();
    let file = Connection::open(dir.path().join(DATABASE_FILE)).expect("it opens");
    let rows: i64 =
        file.query_row("SELECT count(*) FROM device", (), |row| row.get(0)).expect("a count");
    assert!(rows <= 70, "{rows} rows are left of {GONE} devices");
}

#[tokio::test]
async fn blocks_that_were_lifted_leave_a_single_trace() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = SqliteStore::open(Config::new(dir.path()), Arc::new(Nobody)).expect("it opens");
    let user = |name: &str| UserId::parse(name).expect("a good user id");
    for n in 0..50 {
        for blocked in [true, false] {
            let other = user(&format!("u{n}"));
            let wish = Block { user: user("a"), other, blocked, now: second(n), blocks_max: 1 };
            store.block(wish).await.expect("there is room");
        }
    }
    let moved = store.moved(user("a"), Position(0), 9).await.expect("a page is read");
    assert_eq!(moved.blocks.map(|blocks| blocks.users), Some(Vec::new()));
    store.close();
    let file = Connection::open(dir.path().join(DATABASE_FILE)).expect("it opens");
    let rows: i64 =
        file.query_row("SELECT count(*) FROM block", (), |row| row.get(0)).expect("a count");
    assert_eq!(rows, 1);
}
