//! Typing over sockets: what is relayed, and what ends it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::faulty::{Faults, Faulty};
use crate::support::{Client, House, Plan};
use parlor_chat::limits::Limits;
use parlor_service::Settings;
use serde_json::{Value, json};

fn expiring(typing_expires_ms: u64) -> Plan {
    let limits = Limits { typing_expires_ms, ..Limits::default() };
    Plan { settings: Settings { limits, ..Settings::default() }, ..Plan::default() }
}

fn said(typing: bool) -> Value {
    json!({"conversationId": "dm:alice:bob", "userId": "alice", "typing": typing})
}

async fn type_to(client: &Client, to: &str, typing: bool) {
    let answer = client.call("typing", json!({"toUserId": to, "typing": typing})).await;
    assert_eq!(answer, json!({"status": "ok"}));
}

#[tokio::test]
async fn what_is_not_repeated_ends_by_itself() {
    let house = House::new(expiring(80)).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    type_to(&alice, "bob", true).await;
    assert_eq!(bob.events("typing", 2).await, [said(true), said(false)]);
    type_to(&alice, "bob", true).await;
    assert_eq!(bob.events("typing", 4).await[2..], [said(true), said(false)]);
    house.end().await;
}

#[tokio::test]
async fn a_repeat_is_relayed_once_a_second() {
    let house = House::new(expiring(3_600_000)).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let since = tokio::time::Instant::now();
    while bob.now("typing").len() < 2 {
        type_to(&alice, "bob", true).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(since.elapsed() >= Duration::from_millis(1_000), "{:?}", since.elapsed());
    assert_eq!(bob.now("typing"), [said(true), said(true)]);
    house.end().await;
}

#[tokio::test]
async fn a_message_ends_it_without_another_packet() {
    let house = House::new(expiring(3_600_000)).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let other = house.device("alice", "a2").await;
    type_to(&alice, "bob", true).await;
    other.send("bob", "done").await;
    bob.event("private_message", 0).await;
    // The next turn is news, and an end of the first would have come before it.
    type_to(&alice, "bob", true).await;
    type_to(&alice, "bob", false).await;
    assert_eq!(bob.events("typing", 3).await, [said(true), said(true), said(false)]);
    house.end().await;
}

#[tokio::test]
async fn it_ends_with_the_socket_unless_another_goes_on() {
    let house = House::new(expiring(3_600_000)).await;
    let (phone, bob) = (house.device("alice", "phone").await, house.device("bob", "b").await);
    let laptop = house.device("alice", "laptop").await;
    type_to(&phone, "bob", true).await;
    type_to(&laptop, "bob", true).await;
    assert_eq!(bob.events("typing", 2).await, [said(true), said(true)]);
    drop(phone);
    while house.service.stats().sessions > 2 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    drop(laptop);
    assert_eq!(bob.event("typing", 2).await, said(false));
    bob.settle().await;
    assert_eq!(bob.now("typing").len(), 3);
    house.end().await;
}

#[tokio::test]
async fn typing_elsewhere_ends_it_here_and_an_end_that_nobody_awaits_is_not_told() {
    let house = House::new(expiring(3_600_000)).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let carol = house.device("carol", "c").await;
    type_to(&alice, "bob", false).await;
    type_to(&alice, "bob", true).await;
    type_to(&alice, "carol", true).await;
    assert_eq!(bob.events("typing", 2).await, [said(true), said(false)]);
    let there = json!({"conversationId": "dm:alice:carol", "userId": "alice", "typing": true});
    assert_eq!(carol.event("typing", 0).await, there);
    type_to(&alice, "bob", false).await;
    type_to(&alice, "carol", false).await;
    assert_eq!(carol.event("typing", 1).await["typing"], false);
    bob.settle().await;
    assert_eq!(bob.now("typing").len(), 2);
    house.end().await;
}

#[tokio::test]
async fn nothing_is_relayed_between_users_of_whom_one_blocks_the_other() {
    let house = House::new(expiring(3_600_000)).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    type_to(&alice, "bob", true).await;
    bob.event("typing", 0).await;
    bob.call("block", json!({"userId": "alice"})).await;
    type_to(&alice, "bob", false).await;
    assert_eq!(bob.event("typing", 1).await, said(false), "what was told is ended");
    type_to(&alice, "bob", true).await;
    type_to(&bob, "alice", true).await;
    alice.settle().await;
    bob.settle().await;
    assert_eq!((alice.now("typing").len(), bob.now("typing").len()), (0, 2));
    bob.call("unblock", json!({"userId": "alice"})).await;
    type_to(&alice, "bob", true).await;
    type_to(&bob, "alice", true).await;
    assert_eq!(bob.event("typing", 2).await, said(true));
    alice.event("typing", 0).await;
    house.end().await;
}

#[tokio::test]
async fn nobody_is_told_of_themself_or_while_away() {
    let house = House::new(expiring(50)).await;
    let (alice, other) = (house.device("alice", "a").await, house.device("alice", "a2").await);
    type_to(&alice, "alice", true).await;
    type_to(&alice, "bob", true).await;
    let bob = house.device("bob", "b").await;
    type_to(&alice, "bob", true).await;
    assert_eq!(bob.events("typing", 2).await, [said(true), said(false)]);
    other.settle().await;
    assert!(other.now("typing").is_empty());
    house.end().await;
}

#[tokio::test]
async fn what_may_not_be_known_to_be_seen_is_not_relayed() {
    let faults = Arc::new(Faults::default());
    let given = Arc::clone(&faults);
    let house = House::new(Plan {
        wrap: Box::new(move |store| Arc::new(Faulty { store, faults: given })),
        ..expiring(3_600_000)
    })
    .await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    faults.blocks.store(1, Ordering::SeqCst);
    let answer = alice.call("typing", json!({"toUserId": "bob"})).await;
    assert_eq!(answer["code"], "unavailable", "{answer}");
    type_to(&alice, "bob", false).await;
    type_to(&alice, "bob", true).await;
    assert_eq!(bob.event("typing", 0).await, said(true));
    bob.settle().await;
    assert_eq!(bob.now("typing").len(), 1);
    house.end().await;
}

#[tokio::test]
async fn in_a_group_it_ends_by_itself_and_ones_own_devices_hear_nothing() {
    let house = House::new(expiring(80)).await;
    let (alice, other) = (house.device("alice", "a").await, house.device("alice", "a2").await);
    let bob = house.device("bob", "b").await;
    let made = alice.call("group_create", json!({"name": "g", "members": ["bob"]})).await;
    assert_eq!(made["status"], "ok", "{made}");
    bob.event("entry", 0).await;
    let group = &made["groupId"];
    let answer = alice.call("typing", json!({"groupId": group})).await;
    assert_eq!(answer, json!({"status": "ok"}));
    let heard = bob.events("typing", 2).await;
    let states: Vec<_> = heard.iter().map(|said| (&said["groupId"], &said["typing"])).collect();
    assert_eq!(states, [(group, &json!(true)), (group, &json!(false))]);
    other.settle().await;
    assert!(other.now("typing").is_empty() && alice.now("typing").is_empty());
    house.end().await;
}
