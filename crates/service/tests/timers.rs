//! Messages that end, over sockets: what clients are told, and what nobody is given any more.

use crate::support::deeds::{generous, house, made, outcome, plan, said};
use crate::support::{Client, House};
use parlor_chat::limits::Limits;
use serde_json::{Value, json};

/// Times that a test can wait for.
fn short() -> Limits {
    Limits { timer_seconds_min: 1, ..generous() }
}

async fn history(who: &Client, conversation: &str) -> Value {
    who.call("history", json!({"conversationId": conversation, "after": 0})).await
}

async fn timer(who: &Client, conversation: &str, seconds: Value) -> String {
    let payload = json!({"conversationId": conversation, "seconds": seconds});
    outcome(who, "conversation_timer", payload).await
}

/// Sends and gives the message's id and when it ends.
async fn ending(who: &Client, event: &str, payload: Value) -> (String, u64) {
    let answer = who.call(event, payload).await;
    let (id, ends) = (answer["id"].as_str(), answer["expiresAt"].as_u64());
    (id.expect("an id").to_owned(), ends.expect("when it ends"))
}

async fn until(time: u64) {
    let now = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.expect("after 1970").as_millis() as u64
    };
    while now() <= time {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Sets a timer and follows a message from its beginning to its end.
async fn it_ends_everywhere(to: &str, event: &str) {
    let house = House::new(plan(short())).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let (conversation, field, to) = match to {
        "group" => {
            let conversation = made(&alice, &["bob"]).await;
            let id = conversation.trim_start_matches("group:").to_owned();
            (conversation, "groupId", id)
        }
        _ => ("dm:alice:bob".to_owned(), "toUserId", "bob".to_owned()),
    };
    let stays = alice.call(event, json!({field: to, "content": "stays"})).await;
    assert!(stays.get("expiresAt").is_none(), "{stays}");
    let skip = bob.now("entry").len();
    let set = timer(&alice, &conversation, json!(2)).await;
    let heard = bob.event("entry", skip).await;
    assert_eq!((&heard["kind"], &heard["seconds"]), (&json!("timer"), &json!(2)));
    assert_eq!((heard["by"].as_str(), heard["seq"].to_string()), (Some("alice"), set));
    assert_eq!(timer(&alice, &conversation, json!(2)).await, "unchanged");
    let (id, ends) = ending(&alice, event, json!({field: to, "content": "secret"})).await;
    let live = bob.event(event, 1).await;
    assert_eq!((&live["id"], &live["expiresAt"]), (&json!(id), &json!(ends)));
    assert_eq!(live["ts"].as_u64().map(|ts| ts + 2_000), Some(ends));
    outcome(&alice, "edit", json!({"messageId": id, "content": "secret two"})).await;
    outcome(&bob, "react", json!({"messageId": id, "emoji": "👍"})).await;
    assert_eq!(alice.call("star", json!({"messageId": id})).await["status"], "ok");
    let line = bob.call("conversations", json!({})).await["conversations"][0].clone();
    assert_eq!(line["timerSeconds"], 2, "{line}");

    until(ends).await;
    let page = history(&bob, &conversation).await;
    let gone = page["messages"].as_array().expect("a list").last().expect("the message");
    assert_eq!(
        (&gone["id"], &gone["expired"], &gone["expiresAt"]),
        (&json!(id), &json!(true), &json!(ends))
    );
    assert!(gone.get("content").is_none() && gone.get("deleted").is_none(), "{gone}");
    assert!(!page.to_string().contains("secret"), "{page}");
    // Whoever comes late is given its place alone.
    let late = house.device("bob", "late").await;
    let resumed = Client::connect(
        house.address,
        json!({"token": "alice", "deviceId": "again", "resume": {"epoch": line_epoch(&alice).await, "pos": 0}}),
    )
    .await;
    let starred = alice.call("starred", json!({})).await;
    assert_eq!(starred["starred"][0]["message"]["expired"], true, "{starred}");
    let heard = |who: &Client| format!("{:?}", who.heard());
    for heard in [heard(&late), heard(&resumed), starred.to_string()] {
        assert!(!heard.contains("secret"), "{heard}");
    }
    for (event, extra) in
        [("edit", json!({"content": "z"})), ("pin", json!({})), ("react", json!({"emoji": "x"}))]
    {
        let mut payload = extra;
        payload["messageId"] = json!(id);
        assert_eq!(outcome(&alice, event, payload).await, "message_deleted");
    }
    let reply = json!({field: to, "content": "re", "replyTo": id});
    assert_eq!(alice.call(event, reply).await["code"], "message_deleted");
    assert_eq!(outcome(&alice, "delete", json!({"messageId": id})).await, "unchanged");
    assert_ne!(timer(&alice, &conversation, json!(null)).await, "unchanged");
    let stays = alice.call(event, json!({field: to, "content": "stays too"})).await;
    assert!(stays.get("expiresAt").is_none(), "{stays}");
}

async fn line_epoch(who: &Client) -> Value {
    who.event("ready", 0).await["epoch"].clone()
}

#[tokio::test]
async fn a_message_ends_everywhere_in_a_direct_conversation() {
    it_ends_everywhere("bob", "private_message").await;
}

#[tokio::test]
async fn a_message_ends_everywhere_in_a_group() {
    it_ends_everywhere("group", "group_message").await;
}

#[tokio::test]
async fn what_ended_while_the_server_was_down_is_gone_when_it_is_back() {
    let data = tempfile::tempdir().expect("a directory");
    let house = House::on(data.path(), plan(short())).await;
    let alice = house.device("alice", "a").await;
    said(&alice, "bob", "first").await;
    timer(&alice, "dm:alice:bob", json!(1)).await;
    let payload = json!({"toUserId": "bob", "content": "secret"});
    let (_, ends) = ending(&alice, "private_message", payload).await;
    house.end().await;
    until(ends).await;
    let house = House::on(data.path(), plan(short())).await;
    let bob = house.device("bob", "b").await;
    let gone = bob.event("private_message", 1).await;
    assert_eq!((&gone["expired"], gone.get("content")), (&json!(true), None));
    assert!(!format!("{:?}", bob.heard()).contains("secret"));
}

#[tokio::test]
async fn who_may_and_how_long_is_checked() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    assert_eq!(timer(&alice, "dm:alice:bob", json!(60)).await, "not_found");
    said(&alice, "bob", "x").await;
    assert_eq!(timer(&alice, "dm:bob:carol", json!(60)).await, "not_a_member");
    for (seconds, expected) in [
        (json!(4), "invalid_argument"),
        (json!(31_536_001), "invalid_argument"),
        (json!("5"), "invalid_argument"),
        (json!(5), "2"),
        (json!(31_536_000), "3"),
        (json!(null), "4"),
        (json!(null), "unchanged"),
    ] {
        assert_eq!(timer(&alice, "dm:alice:bob", seconds.clone()).await, expected, "{seconds}");
    }
    let missing = alice.call("conversation_timer", json!({"conversationId": "dm:alice:bob"})).await;
    assert_eq!(missing["error"], "seconds is required");
    bob.call("block", json!({"userId": "alice"})).await;
    assert_eq!(timer(&alice, "dm:alice:bob", json!(60)).await, "blocked");
    assert_eq!(timer(&bob, "dm:alice:bob", json!(60)).await, "5");
    bob.call("unblock", json!({"userId": "alice"})).await;
    let group = made(&alice, &["bob"]).await;
    assert_eq!(timer(&bob, &group, json!(60)).await, "not_allowed");
    assert_eq!(timer(&alice, &group, json!(60)).await, "2");
}
