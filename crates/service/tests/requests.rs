//! Message requests over sockets: what strangers write first to who wants to be asked.

use crate::support::deeds::{generous, plan, said};
use crate::support::{Client, House};
use parlor_chat::limits::Limits;
use serde_json::{Value, json};

async fn ok(client: &Client, event: &str, payload: Value) -> Value {
    let answer = client.call(event, payload).await;
    assert_eq!(answer["status"], "ok", "{event}: {answer}");
    answer
}

async fn code(client: &Client, to: &str) -> Value {
    let answer = client.call("private_message", json!({"toUserId": to, "content": "hello"})).await;
    match answer["status"].as_str() {
        Some("sent") => json!("sent"),
        _ => answer["code"].clone(),
    }
}

async fn asking(house: &House, user: &str) -> Client {
    let client = house.device(user, "d").await;
    ok(&client, "privacy_set", json!({"messageRequests": true})).await;
    client
}

async fn listed(client: &Client, event: &str) -> Vec<String> {
    let page = ok(client, event, json!({})).await;
    let lines = page["conversations"].as_array().expect("a list").clone();
    lines.iter().map(|line| line["conversationId"].as_str().expect("an id").to_owned()).collect()
}

const ALICE_BOB: &str = "dm:alice:bob";

#[tokio::test]
async fn a_stranger_is_listed_apart_until_the_recipient_decides() {
    let house = House::new(plan(generous())).await;
    let (alice, bob) = (house.device("alice", "a").await, asking(&house, "bob").await);
    let tablet = house.device("bob", "t").await;
    for left in [3, 2, 1, 0] {
        let expected = if left > 0 { "sent" } else { "request_pending" };
        assert_eq!(code(&alice, "bob").await, expected);
    }
    let told = tablet.event("request", 0).await;
    assert_eq!((&told["conversationId"], &told["state"]), (&json!(ALICE_BOB), &json!("pending")));
    let heard = tablet.events("private_message", 3).await;
    assert!(heard.iter().all(|message| message["request"] == true), "{heard:?}");
    assert_eq!(listed(&bob, "conversations").await, [""; 0]);
    assert_eq!(listed(&bob, "requests").await, [ALICE_BOB]);
    assert_eq!(listed(&alice, "conversations").await, [ALICE_BOB]);
    let history = ok(&alice, "history", json!({"conversationId": ALICE_BOB})).await;
    assert_eq!(history["messages"][0].get("request"), None, "its sender is not told");
    ok(&bob, "request_accept", json!({"conversationId": ALICE_BOB})).await;
    assert_eq!(tablet.event("request", 1).await["state"], "accepted");
    assert_eq!(code(&alice, "bob").await, "sent");
    assert_eq!(tablet.events("private_message", 4).await[3].get("request"), None);
    assert_eq!(listed(&bob, "conversations").await, [ALICE_BOB]);
    assert_eq!(listed(&bob, "requests").await, [""; 0]);
    house.end().await;
}

#[tokio::test]
async fn what_is_declined_is_hidden_and_keeps_further_ones_out() {
    let house = House::new(plan(generous())).await;
    let (alice, bob) = (house.device("alice", "a").await, asking(&house, "bob").await);
    let missing = bob.call("request_decline", json!({"conversationId": ALICE_BOB})).await;
    assert_eq!(missing["code"], "not_found");
    said(&alice, "bob", "buy this").await;
    ok(&bob, "request_decline", json!({"conversationId": ALICE_BOB})).await;
    assert_eq!(code(&alice, "bob").await, "not_accepted");
    for event in ["conversations", "requests"] {
        assert_eq!(listed(&bob, event).await, [""; 0]);
    }
    for (payload, said) in [
        (json!({}), "invalid_argument"),
        (json!({"conversationId": "x"}), "invalid_argument"),
        (json!({"conversationId": "dm:carol:dave"}), "not_a_member"),
        (json!({"conversationId": "dm:bob:carol"}), "not_found"),
        (json!({"conversationId": "group:x"}), "not_found"),
    ] {
        for event in ["request_accept", "request_decline"] {
            assert_eq!(bob.call(event, payload.clone()).await["code"], said, "{event} {payload}");
        }
    }
    ok(&bob, "contact_add", json!({"userId": "alice"})).await;
    assert_eq!(code(&alice, "bob").await, "sent", "whoever is known asks no more");
    assert_eq!(listed(&bob, "conversations").await, [ALICE_BOB]);
    house.end().await;
}

#[tokio::test]
async fn a_request_outlives_the_server_and_an_answer_ends_it() {
    let data = tempfile::tempdir().expect("a directory");
    let house = House::on(data.path(), plan(generous())).await;
    let (alice, bob) = (house.device("alice", "a").await, asking(&house, "bob").await);
    let at = bob.call("sync", json!({"epoch": "0", "pos": 0})).await;
    for _ in 0..3 {
        said(&alice, "bob", "hello").await;
    }
    house.end().await;
    let house = House::on(data.path(), plan(generous())).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "d").await);
    assert_eq!(code(&alice, "bob").await, "request_pending");
    assert_eq!(listed(&bob, "requests").await, [ALICE_BOB]);
    let moved = bob.call("sync", json!({"epoch": at["epoch"], "pos": at["pos"]})).await;
    let own = moved["own"].as_array().expect("news");
    let request = own.iter().find(|it| it["event"] == "request").expect("the request");
    assert_eq!(request["data"]["state"], "pending");
    bob.send("alice", "who is this?").await;
    assert_eq!(bob.event("request", 0).await["state"], Value::Null);
    assert_eq!(code(&alice, "bob").await, "sent");
    assert_eq!(listed(&bob, "conversations").await, [ALICE_BOB]);
    house.end().await;
}

#[tokio::test]
async fn the_sender_of_a_request_learns_nothing_of_the_recipient() {
    let limits = Limits { presence_gather_ms: 10, presence_grace_ms: 50, ..generous() };
    let house = House::new(plan(limits)).await;
    let (alice, bob) = (house.device("alice", "a").await, asking(&house, "bob").await);
    let seen = ok(&alice, "presence_subscribe", json!({"userIds": ["bob"]})).await;
    assert_eq!(seen["presence"][0]["online"], true);
    said(&alice, "bob", "hello").await;
    assert_eq!(alice.event("presence", 0).await["online"], false);
    ok(&bob, "read", json!({"conversationId": ALICE_BOB, "seq": 1})).await;
    for (who, to) in [(&bob, "alice"), (&alice, "bob")] {
        ok(who, "typing", json!({"toUserId": to, "typing": true})).await;
    }
    let lines = ok(&alice, "conversations", json!({})).await;
    let marks = lines["conversations"][0]["watermarks"].as_array().expect("two").clone();
    assert!(marks.contains(&json!({"userId": "bob", "delivered": 0, "read": 0})), "{marks:?}");
    ok(&bob, "request_accept", json!({"conversationId": ALICE_BOB})).await;
    assert_eq!(alice.event("presence", 1).await["online"], true);
    said(&alice, "bob", "again").await;
    ok(&bob, "read", json!({"conversationId": ALICE_BOB, "seq": 2})).await;
    // The first that is heard is of the time after.
    assert_eq!(alice.event("read", 0).await["seq"], 2);
    ok(&bob, "typing", json!({"toUserId": "alice", "typing": true})).await;
    alice.event("typing", 0).await;
    assert_eq!(alice.now("typing").len(), 1);
    assert_eq!(bob.now("typing").len(), 0);
    house.end().await;
}

#[tokio::test]
async fn requests_are_bounded() {
    let limits = Limits { request_messages_max: 1, requests_per_user_max: 1, ..generous() };
    let house = House::new(plan(limits)).await;
    let bob = asking(&house, "bob").await;
    let (alice, carol) = (house.device("alice", "a").await, house.device("carol", "c").await);
    assert_eq!(code(&alice, "bob").await, "sent");
    assert_eq!(code(&alice, "bob").await, "request_pending");
    assert_eq!(code(&carol, "bob").await, "not_accepted");
    ok(&bob, "contact_add", json!({"userId": "alice"})).await;
    assert_eq!(code(&carol, "bob").await, "sent", "there is room again");
    assert_eq!(listed(&bob, "requests").await, ["dm:bob:carol"]);
    house.end().await;
}
