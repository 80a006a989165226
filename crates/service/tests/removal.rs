//! Messages that moderators of the server remove, over sockets; and what stars show of what became of
//! messages.

use crate::support::Client;
use crate::support::client::Heard;
use crate::support::deeds::{house, made, outcome, said};
use serde_json::{Value, json};

async fn first(client: &Client, conversation: &str) -> Value {
    let query = json!({"conversationId": conversation, "after": 0});
    client.call("history", query).await["messages"][0].clone()
}

async fn deleted(client: &Client, id: &str) -> Value {
    let is_it = |data: &Value| data["kind"] == "message_deleted" && data["messageId"] == id;
    client
        .wait(|heard| match heard {
            Heard::Event(name, data) if name == "entry" && is_it(data) => Some(data.clone()),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn only_moderators_remove_any_message_whoever_said_it_and_wherever() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let group = made(&alice, &["bob"]).await;
    for (place, to) in [("dm:alice:bob", "bob"), (group.as_str(), group.as_str())] {
        let id = said(&alice, to, "secret").await;
        alice.call("edit", json!({"messageId": id, "content": "more secret"})).await;
        for (token, expected) in [
            ("alice", "forbidden"),
            ("bob", "forbidden"),
            ("stranger", "forbidden"),
            ("eve;role=user", "forbidden"),
        ] {
            let who = house.device(token, "x").await;
            let payload = json!({"messageId": id});
            assert_eq!(outcome(&who, "message_remove", payload).await, expected, "{token}");
        }
        let seq = first(&bob, place).await["seq"].as_u64().expect("a seq") + 2;
        for (token, expected) in
            [("mo;role=moderator", seq.to_string()), ("ada;role=admin", "unchanged".into())]
        {
            let who = house.device(token, "x").await;
            let payload = json!({"messageId": id, "note": "ads"});
            assert_eq!(outcome(&who, "message_remove", payload).await, expected, "{token}");
        }
        for client in [&alice, &bob] {
            let entries = deleted(client, &id).await;
            assert_eq!((&entries["by"], &entries["moderated"]), (&json!("alice"), &json!(true)));
            let message = first(client, place).await;
            assert_eq!((&message["deleted"], message.get("content")), (&json!(true), None));
        }
        let edit = json!({"messageId": id, "content": "again"});
        assert_eq!(outcome(&alice, "edit", edit).await, "message_deleted");
    }
    let mo = house.device("mo;role=moderator", "y").await;
    let audit = mo.call("audit", json!({})).await;
    let entries = audit["entries"].as_array().expect("a list").clone();
    assert_eq!(entries.len(), 2, "{audit}");
    for (entry, place) in entries.iter().zip([group.as_str(), "dm:alice:bob"]) {
        assert_eq!(
            (&entry["by"], &entry["action"], &entry["userId"], &entry["note"]),
            (&json!("mo"), &json!("remove"), &json!("alice"), &json!("ads"))
        );
        let id = entry["messageId"].as_str().expect("an id");
        assert!(id.starts_with(place), "{id}");
    }
    for (payload, code) in [
        (json!({}), "invalid_argument"),
        (json!({"messageId": "x"}), "invalid_argument"),
        (json!({"messageId": "dm:alice:bob:99"}), "not_found"),
        (json!({"messageId": "dm:alice:bob:2"}), "not_found"),
        (json!({"messageId": "group:none:1"}), "not_found"),
        (json!({"messageId": "dm:alice:bob:1", "note": ""}), "invalid_argument"),
    ] {
        assert_eq!(mo.call("message_remove", payload.clone()).await["code"], code, "{payload}");
    }
    assert_eq!(house.service.stats().moderation.removed, 2);
    house.end().await;
}

#[tokio::test]
async fn a_star_shows_a_message_as_it_is_now() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let id = said(&alice, "bob", "one").await;
    bob.call("star", json!({"messageId": id})).await;
    let starred = async || bob.call("starred", json!({})).await["starred"][0]["message"].clone();
    assert_eq!(starred().await["content"], "one");
    alice.call("edit", json!({"messageId": id, "content": "two"})).await;
    bob.call("react", json!({"messageId": id, "emoji": "👍"})).await;
    let now = starred().await;
    assert_eq!((&now["content"], &now["reactions"][0]["count"]), (&json!("two"), &json!(1)));
    assert!(now["editedAt"].as_u64() >= now["ts"].as_u64());
    alice.call("delete", json!({"messageId": id})).await;
    let now = starred().await;
    assert_eq!((&now["deleted"], now.get("content")), (&json!(true), None));
    house.end().await;
}
