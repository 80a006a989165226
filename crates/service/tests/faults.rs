//! What happens when the store cannot: nothing is acknowledged that is not kept, nothing
//! overtakes, and who may come back later is not sent away for good.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::support::client::Heard;
use crate::support::faulty::{Faults, Faulty};
use crate::support::{Client, House, Plan};
use parlor_chat::limits::Limits;
use parlor_service::Settings;
use serde_json::{Value, json};

async fn faulty() -> (House, Arc<Faults>) {
    faulty_with(Limits::default()).await
}

async fn faulty_with(limits: Limits) -> (House, Arc<Faults>) {
    let faults = Arc::new(Faults::default());
    let given = Arc::clone(&faults);
    let wrap = Box::new(move |store| Arc::new(Faulty { store, faults: given }) as Arc<_>);
    let settings = Settings { limits, ..Settings::default() };
    (House::new(Plan { settings, wrap, ..Plan::default() }).await, faults)
}

fn keyed(n: u64) -> Value {
    json!({"toUserId": "bob", "content": n, "clientId": format!("k{n}")})
}

#[tokio::test]
async fn after_a_send_that_may_be_retried_later_ones_are_aborted_and_order_is_kept() {
    let (house, faults) = faulty().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    faults.appends.store(1, Ordering::SeqCst);
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
    let (house, faults) = faulty().await;
    faults.attaches.store(true, Ordering::SeqCst);
    let alice = Client::open(house.address, json!({"token": "alice", "deviceId": "a"})).await;
    let said = alice.event("closing", 0).await;
    assert_eq!((&said["code"], said["retryAfterMs"].is_u64()), (&json!("overloaded"), true));
    alice.closed().await;
    assert!(!alice.heard().iter().any(|heard| matches!(heard, Heard::Refused(_))));
    faults.attaches.store(false, Ordering::SeqCst);
    house.device("alice", "a").await;
    house.end().await;
}

#[tokio::test]
async fn a_device_whose_catch_up_fails_is_closed_so_that_it_resumes() {
    let (house, faults) = faulty().await;
    faults.reads.store(true, Ordering::SeqCst);
    let alice = Client::open(house.address, json!({"token": "alice"})).await;
    assert_eq!(alice.event("closing", 0).await["code"], "unavailable");
    alice.closed().await;
    faults.reads.store(false, Ordering::SeqCst);
    house.end().await;
}

#[tokio::test]
async fn corrupt_data_is_an_internal_error_that_tells_no_secret() {
    let (house, faults) = faulty().await;
    let alice = house.device("alice", "a").await;
    alice.send("bob", "x").await;
    faults.reads.store(true, Ordering::SeqCst);
    let answer = alice.call("history", json!({"conversationId": "dm:alice:bob"})).await;
    faults.reads.store(false, Ordering::SeqCst);
    assert_eq!(answer["code"], "internal");
    assert!(!answer.to_string().contains("secret"), "{answer}");
    house.end().await;
}

#[tokio::test]
async fn a_receipt_that_cannot_be_stored_is_refused_and_may_be_retried() {
    let (house, faults) = faulty().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let sent = alice.send("bob", "x").await;
    faults.marks.store(true, Ordering::SeqCst);
    let answer = bob.call("read", json!({"messageId": sent["id"]})).await;
    assert_eq!(answer["code"], "unavailable", "{answer}");
    faults.marks.store(false, Ordering::SeqCst);
    let answer = bob.call("read", json!({"messageId": sent["id"]})).await;
    assert_eq!(answer["status"], "ok", "{answer}");
    alice.event("read", 0).await;
    house.end().await;
}

#[tokio::test]
async fn draining_answers_what_was_sent_and_turns_writes_away() {
    let house = House::new(Plan::default()).await;
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

#[tokio::test]
async fn order_is_kept_however_often_a_send_had_to_be_retried() {
    let limits =
        Limits { connection_rate_burst: 10_000, user_rate_burst: 10_000, ..Limits::default() };
    let (house, faults) = faulty_with(limits).await;
    let alice = house.device("alice", "a").await;
    for n in 0..70 {
        faults.appends.store(1, Ordering::SeqCst);
        assert_eq!(alice.call("private_message", keyed(n)).await["code"], "overloaded");
        assert_eq!(alice.call("private_message", keyed(n)).await["status"], "sent");
    }
    faults.appends.store(1, Ordering::SeqCst);
    let (failed, later) = (
        alice.submit("private_message", keyed(70)).await,
        alice.submit("private_message", keyed(71)).await,
    );
    assert_eq!(alice.answer(failed).await["code"], "overloaded");
    assert_eq!(alice.answer(later).await["code"], "aborted");
    house.end().await;
}

#[tokio::test]
async fn a_receipt_beyond_the_head_takes_no_other_with_it() {
    let house = House::new(Plan::default()).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    for n in 0..3 {
        alice.send("bob", n).await;
    }
    let mut asked = Vec::new();
    for seq in [2, 99, 3, 1, 50] {
        let up_to = json!({"conversationId": "dm:alice:bob", "seq": seq});
        asked.push(bob.submit("read", up_to).await);
    }
    let mut answers = Vec::new();
    for id in asked {
        let answer = bob.answer(id).await;
        answers.push(answer["code"].as_str().or(answer["status"].as_str()).map(str::to_owned));
    }
    let expected = ["ok", "not_found", "ok", "ok", "not_found"].map(|it| Some(it.to_owned()));
    assert_eq!(answers, expected);
    let list = bob.call("conversations", json!({})).await;
    assert_eq!(list["conversations"][0]["unread"], 0, "{list}");
    house.end().await;
}
