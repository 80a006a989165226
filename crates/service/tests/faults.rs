//! What happens when the store cannot: nothing is acknowledged that is not kept, nothing
//! overtakes, and who may come back later is not sent away for good.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parlor_chat::entry::{Epoch, Millis, Position};
use parlor_chat::ids::{DeviceId, UserId};
use parlor_chat::store::{
    Append, Appended, AttachDevice, ConversationsCursor, ConversationsPage, Device, HistoryPage,
    HistoryQuery, Mark, Marked, Pending, Revoked, SincePage, Store, StoreError, UndeliveredCursor,
    UndeliveredPage,
};
use serde_json::{Value, json};
use support::client::Heard;
use support::{Client, House, Plan};

/// Fails what it is told to fail, and passes everything else on.
struct Faulty {
    store: Arc<dyn Store>,
}

static APPENDS_TO_FAIL: AtomicUsize = AtomicUsize::new(0);
static ATTACHES_FAIL: AtomicBool = AtomicBool::new(false);
static MARKS_FAIL: AtomicBool = AtomicBool::new(false);
static READS_FAIL: AtomicBool = AtomicBool::new(false);

/// The faults are the process's, so one test at a time arranges them.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn unavailable() -> StoreError {
    StoreError::Unavailable { reason: "the test says so".into() }
}

fn fails<T: Send + 'static>(error: StoreError) -> Pending<T> {
    Box::pin(async move { Err(error) })
}

impl Store for Faulty {
    fn epoch(&self) -> Epoch {
        self.store.epoch()
    }

    fn append(&self, append: Append) -> Pending<Appended> {
        let take = |left: usize| left.checked_sub(1);
        if APPENDS_TO_FAIL.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
            return fails(StoreError::Overloaded);
        }
        self.store.append(append)
    }

    fn mark(&self, marks: Vec<Mark>) -> Pending<Vec<Marked>> {
        if MARKS_FAIL.load(Ordering::SeqCst) {
            fails(unavailable())
        } else {
            self.store.mark(marks)
        }
    }

    fn attach_device(&self, attach: AttachDevice) -> Pending<()> {
        if ATTACHES_FAIL.load(Ordering::SeqCst) {
            return fails(StoreError::Overloaded);
        }
        self.store.attach_device(attach)
    }

    fn devices(&self, user: UserId) -> Pending<Vec<Device>> {
        self.store.devices(user)
    }

    fn revoke_device(&self, user: UserId, device: DeviceId, now: Millis) -> Pending<Revoked> {
        self.store.revoke_device(user, device, now)
    }

    fn undelivered(
        &self,
        user: UserId,
        device: DeviceId,
        after: Option<UndeliveredCursor>,
        limit: usize,
    ) -> Pending<UndeliveredPage> {
        if READS_FAIL.load(Ordering::SeqCst) {
            return fails(unavailable());
        }
        self.store.undelivered(user, device, after, limit)
    }

    fn since(&self, user: UserId, after: Position, limit: usize) -> Pending<SincePage> {
        self.store.since(user, after, limit)
    }

    fn history(&self, query: HistoryQuery) -> Pending<HistoryPage> {
        if READS_FAIL.load(Ordering::SeqCst) {
            return fails(StoreError::Corrupt { what: "a secret".into() });
        }
        self.store.history(query)
    }

    fn conversations(
        &self,
        user: UserId,
        cursor: Option<ConversationsCursor>,
        limit: usize,
    ) -> Pending<ConversationsPage> {
        self.store.conversations(user, cursor, limit)
    }

    fn health(&self) -> Result<(), StoreError> {
        self.store.health()
    }
}

fn faulty() -> Plan {
    Plan { wrap: |store| Arc::new(Faulty { store }), ..Plan::default() }
}

fn keyed(n: u64) -> Value {
    json!({"toUserId": "bob", "content": n, "clientId": format!("k{n}")})
}

#[tokio::test]
async fn after_a_send_that_may_be_retried_later_ones_are_aborted_and_order_is_kept() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let house = House::new(faulty()).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    APPENDS_TO_FAIL.store(1, Ordering::SeqCst);
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(alice.submit("private_message", keyed(n)).await);
    }
    let other = json!({"toUserId": "carol", "content": "elsewhere"});
    let elsewhere = alice.submit("private_message", other).await;
    let first = alice.answer(ids[0]).await;
    assert_eq!((&first["code"], first["retryAfterMs"].is_u64()), (&json!("overloaded"), true));
    for id in &ids[1..] {
        let later = alice.answer(*id).await;
        assert_eq!((&later["code"], later["retryAfterMs"].is_u64()), (&json!("aborted"), true));
    }
    assert_eq!(alice.answer(elsewhere).await["status"], "sent");
    for n in 0..3 {
        assert_eq!(alice.call("private_message", keyed(n)).await["seq"], n + 1);
    }
    let heard = bob.events("private_message", 3).await;
    let contents: Vec<u64> = heard.iter().filter_map(|it| it["content"].as_u64()).collect();
    assert_eq!(contents, vec![0, 1, 2]);
    house.end().await;
}

#[tokio::test]
async fn who_cannot_be_let_in_now_is_closed_and_not_refused() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let house = House::new(faulty()).await;
    ATTACHES_FAIL.store(true, Ordering::SeqCst);
    let alice = Client::open(house.address, json!({"token": "alice", "deviceId": "a"})).await;
    let said = alice.event("closing", 0).await;
    assert_eq!((&said["code"], said["retryAfterMs"].is_u64()), (&json!("overloaded"), true));
    alice.closed().await;
    assert!(!alice.heard().iter().any(|heard| matches!(heard, Heard::Refused(_))));
    ATTACHES_FAIL.store(false, Ordering::SeqCst);
    house.device("alice", "a").await;
    house.end().await;
}

#[tokio::test]
async fn a_device_whose_catch_up_fails_is_closed_so_that_it_resumes() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let house = House::new(faulty()).await;
    READS_FAIL.store(true, Ordering::SeqCst);
    let alice = Client::open(house.address, json!({"token": "alice"})).await;
    assert_eq!(alice.event("closing", 0).await["code"], "unavailable");
    alice.closed().await;
    READS_FAIL.store(false, Ordering::SeqCst);
    house.end().await;
}

#[tokio::test]
async fn corrupt_data_is_an_internal_error_that_tells_no_secret() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let house = House::new(faulty()).await;
    let alice = house.device("alice", "a").await;
    alice.send("bob", "x").await;
    READS_FAIL.store(true, Ordering::SeqCst);
    let answer = alice.call("history", json!({"conversationId": "dm:alice:bob"})).await;
    READS_FAIL.store(false, Ordering::SeqCst);
    assert_eq!(answer["code"], "internal");
    assert!(!answer.to_string().contains("secret"), "{answer}");
    house.end().await;
}

#[tokio::test]
async fn a_receipt_that_cannot_be_stored_is_refused_and_may_be_retried() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let house = House::new(faulty()).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let sent = alice.send("bob", "x").await;
    MARKS_FAIL.store(true, Ordering::SeqCst);
    let answer = bob.call("read", json!({"messageId": sent["id"]})).await;
    assert_eq!(answer["code"], "unavailable", "{answer}");
    MARKS_FAIL.store(false, Ordering::SeqCst);
    let answer = bob.call("read", json!({"messageId": sent["id"]})).await;
    assert_eq!(answer["status"], "ok", "{answer}");
    alice.event("read", 0).await;
    house.end().await;
}

#[tokio::test]
async fn draining_answers_what_was_sent_and_turns_writes_away() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let house = House::new(faulty()).await;
    let alice = house.device("alice", "a").await;
    let sent = alice.submit("private_message", keyed(1)).await;
    assert_eq!(alice.answer(sent).await["status"], "sent");
    house.service.drain().await;
    let late = alice.call("private_message", keyed(2)).await;
    assert_eq!((&late["code"], late["retryAfterMs"].is_u64()), (&json!("unavailable"), true));
    let newcomer = Client::open(house.address, json!({"token": "bob"})).await;
    newcomer.closed().await;
    house.end().await;
}
