//! Messages found by their words, over sockets.

use crate::support::deeds::{generous, house, made, outcome, plan, said};
use crate::support::{Client, House};
use parlor_chat::limits::Limits;
use serde_json::{Value, json};

async fn search(who: &Client, payload: Value) -> Value {
    let answer = who.call("search", payload).await;
    assert_eq!(answer["status"], "ok", "{answer}");
    answer
}

/// The ids of what is found anywhere.
async fn found(who: &Client, text: &str) -> Vec<String> {
    let answer = search(who, json!({ "text": text })).await;
    assert_eq!(answer["cursor"], Value::Null);
    let messages = answer["messages"].as_array().expect("a list").iter();
    messages.map(|message| message["id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn what_was_sent_is_found_at_once_as_history_shows_it() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let carol = house.device("carol", "c").await;
    let one = said(&alice, "bob", "Owls at night: an owl is heard").await;
    said(&alice, "carol", "crows by day").await;
    outcome(&bob, "react", json!({"messageId": one, "emoji": "👍"})).await;
    for who in [&alice, &bob] {
        let answer = search(who, json!({"text": "night owl"})).await;
        let mut message = answer["messages"][0].clone();
        let places = message.as_object_mut().expect("an object").remove("highlights");
        assert_eq!(places, Some(json!([[0, 4], [8, 5], [18, 3]])));
        let page = who.call("history", json!({"conversationId": "dm:alice:bob"})).await;
        assert_eq!(message, page["messages"][0]);
        assert_eq!(answer["messages"].as_array().map(Vec::len), Some(1));
        assert_eq!(answer.get("indexing"), None);
    }
    assert_eq!(found(&bob, "ow").await, vec![one.clone()], "the last word may go on");
    assert!(found(&bob, "\"ow\"").await.is_empty());
    assert!(found(&carol, "owl").await.is_empty());
    // Nothing in a text is a command to the index.
    for text in ["owl OR crows", "owl*", "terms:owl", "NEAR(owl night)", "\"owl", "owl) --", "^owl"]
    {
        let answer = bob.call("search", json!({ "text": text })).await;
        assert_eq!(answer["status"], "ok", "{text}: {answer}");
    }
    outcome(&alice, "edit", json!({"messageId": one, "content": {"text": "a badger"}})).await;
    assert!(found(&bob, "owl").await.is_empty());
    assert_eq!(found(&bob, "badger").await, vec![one.clone()]);
    let hidden = bob.call("hide", json!({"messageId": one})).await;
    assert_eq!(hidden["status"], "ok");
    assert!(found(&bob, "badger").await.is_empty());
    assert_eq!(found(&alice, "badger").await, vec![one.clone()]);
    outcome(&alice, "delete", json!({"messageId": one})).await;
    assert!(found(&alice, "badger").await.is_empty());
}

#[tokio::test]
async fn in_a_group_it_ends_with_the_membership() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let group = made(&alice, &["bob"]).await;
    let id = group.strip_prefix("group:").expect("a group's").to_owned();
    let seen = said(&alice, &group, "owls one").await;
    let kicked = alice.call("group_kick", json!({"groupId": id, "userId": "bob"})).await;
    assert_eq!(kicked["status"], "ok");
    let later = said(&alice, &group, "owls two").await;
    assert_eq!(found(&alice, "owls").await, [later, seen.clone()]);
    assert_eq!(found(&bob, "owls").await, [seen]);
    let carol = house.device("carol", "c").await;
    let query = json!({"text": "owls", "conversationId": group});
    assert_eq!(outcome(&carol, "search", query.clone()).await, "not_found");
    assert_eq!(search(&bob, query).await["messages"].as_array().map(Vec::len), Some(1));
    let others = json!({"text": "owls", "conversationId": "dm:alice:bob"});
    assert_eq!(outcome(&carol, "search", others).await, "not_a_member");
}

#[tokio::test]
async fn pages_follow_each_other_and_narrow_searches_find_less() {
    let limits = Limits { search_limit_max: 3, search_limit_default: 2, ..generous() };
    let house = House::new(plan(limits)).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let mut sent = Vec::new();
    for n in 0..7 {
        let (from, to) = if n % 2 == 0 { (&alice, "bob") } else { (&bob, "alice") };
        sent.push(said(from, to, "owl").await);
    }
    sent.reverse();
    let (mut all, mut cursor) = (Vec::new(), Value::Null);
    for size in [2, 3, 2] {
        let limit = if size == 2 { Value::Null } else { json!(size) };
        let page = search(&bob, json!({"text": "owl", "cursor": cursor, "limit": limit})).await;
        let messages = page["messages"].as_array().expect("a list");
        assert_eq!(messages.len(), size);
        all.extend(messages.iter().map(|message| message["id"].as_str().unwrap().to_owned()));
        cursor = page["cursor"].clone();
    }
    assert_eq!(all, sent);
    assert_eq!(cursor, Value::Null);
    let by_bob = search(&alice, json!({"text": "owl", "from": "bob", "limit": 3})).await;
    assert_eq!(by_bob["messages"].as_array().map(Vec::len), Some(3));
    let before = by_bob["messages"][2]["ts"].clone();
    let older = search(&alice, json!({"text": "owl", "before": before})).await;
    let older = older["messages"].as_array().expect("a list");
    assert!(older.iter().all(|message| message["ts"].as_u64() < before.as_u64()));
    assert_eq!(
        outcome(&bob, "search", json!({"text": "owl", "limit": 4})).await,
        "invalid_argument"
    );
    assert_eq!(outcome(&bob, "search", json!({"text": "!"})).await, "invalid_argument");
}

#[tokio::test]
async fn searches_count_as_several_commands() {
    let limits =
        Limits { user_rate_burst: 12, user_rate_per_second: 1, search_commands: 5, ..generous() };
    let house = House::new(plan(limits)).await;
    let bob = house.device("bob", "b").await;
    for expected in ["ok", "ok", "error"] {
        let answer = bob.call("search", json!({"text": "owl"})).await;
        assert_eq!(answer["status"], expected, "{answer}");
    }
    let answer = bob.call("search", json!({"text": "owl"})).await;
    assert_eq!(answer["code"], "rate_limited");
    assert!(answer["retryAfterMs"].is_u64());
}
