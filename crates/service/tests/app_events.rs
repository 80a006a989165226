//! Events of the app's own over sockets: in passing to who is here, or as entries of the log.

use crate::support::deeds::{generous, house, made, plan, said};
use crate::support::{Client, House};
use parlor_chat::limits::Limits;
use serde_json::{Value, json};

async fn tell(who: &Client, of: &str, payload: Value) -> Value {
    let mut payload = payload;
    payload["conversationId"] = json!(of);
    who.call("app_event", payload).await
}

async fn code(who: &Client, of: &str, payload: Value) -> String {
    let answer = tell(who, of, payload).await;
    answer["code"].as_str().or(answer["status"].as_str()).expect("either").to_owned()
}

#[tokio::test]
async fn an_event_in_passing_is_heard_by_the_others_who_are_here_and_kept_nowhere() {
    let house = house().await;
    let (alice, second) = (house.device("alice", "a1").await, house.device("alice", "a2").await);
    let (bob, carol) = (house.device("bob", "b1").await, house.device("carol", "c1").await);
    let group = made(&alice, &["bob"]).await;
    bob.event("entry", 0).await;
    for (n, of) in ["dm:alice:bob", &group].into_iter().enumerate() {
        let event = json!({"name": "cursor.moved", "data": {"x": [1, "é"]}, "clientId": "k"});
        let answer = tell(&alice, of, event).await;
        assert_eq!(answer["status"], "ok", "{answer}");
        let heard = bob.event("app_event", n).await;
        let mut expected = json!({
            "conversationId": of, "name": "cursor.moved", "from": "alice",
            "data": {"x": [1, "é"]}, "ts": answer["ts"],
        });
        if let Some(id) = of.strip_prefix("group:") {
            expected["groupId"] = json!(id);
        }
        assert_eq!(heard, expected);
    }
    assert_eq!(tell(&alice, "dm:alice:carol", json!({"name": "x"})).await["status"], "ok");
    assert_eq!(carol.event("app_event", 0).await["data"], Value::Null);
    assert_eq!(tell(&alice, "dm:alice:alice", json!({"name": "x"})).await["status"], "ok");
    said(&bob, "alice", "behind all that").await;
    second.event("private_message", 0).await;
    for client in [&alice, &second] {
        assert_eq!(client.now("app_event"), Vec::<Value>::new(), "not one's own");
    }
    let page = bob.call("history", json!({"conversationId": "dm:alice:bob"})).await;
    assert_eq!((&page["entries"], &page["messages"][0]["seq"]), (&Value::Null, &json!(1)));
    assert_eq!(house.service.stats().app_events_relayed, 4);
    house.end().await;
}

#[tokio::test]
async fn a_stored_event_is_an_entry_for_all_and_unread_for_nobody() {
    let house = house().await;
    let (alice, second) = (house.device("alice", "a1").await, house.device("alice", "a2").await);
    let bob = house.device("bob", "b1").await;
    let group = made(&alice, &["bob", "carol"]).await;
    let event = json!({"name": "poll.vote", "data": [1], "store": true, "clientId": "k"});
    for (of, seq) in [("dm:alice:bob", 1), (&group, 2)] {
        let sent = tell(&alice, of, event.clone()).await;
        assert_eq!((&sent["status"], &sent["seq"]), (&json!("sent"), &json!(seq)), "{sent}");
        assert_eq!(tell(&alice, of, event.clone()).await, sent, "a retry");
        let mut other = event.clone();
        other["name"] = json!("poll.veto");
        assert_eq!(code(&alice, of, other).await, "conflict");
        for client in [&bob, &second] {
            let is_it = |entry: &Value| entry["id"] == sent["id"];
            let mut heard = client.events("entry", 1).await;
            while !heard.iter().any(is_it) {
                heard = client.events("entry", heard.len() + 1).await;
            }
            let entry = heard.into_iter().find(is_it).expect("it was found");
            assert_eq!((&entry["kind"], &entry["by"]), (&json!("app_event"), &json!("alice")));
            assert_eq!((&entry["name"], &entry["data"]), (&json!("poll.vote"), &json!([1])));
        }
        let page = bob.call("history", json!({"conversationId": of, "limit": 1})).await;
        assert_eq!((&page["entries"][0]["id"], &page["messages"]), (&sent["id"], &json!([])));
    }
    let list = bob.call("conversations", json!({})).await;
    for line in list["conversations"].as_array().expect("lines") {
        assert_eq!((&line["unread"], &line["last"]["kind"]), (&json!(0), &json!("app_event")));
    }
    // Who was away hears it when coming back.
    let carol = house.device("carol", "c1").await;
    assert_eq!(carol.now("entry").last().expect("it was pushed")["name"], "poll.vote");
    house.end().await;
}

#[tokio::test]
async fn rights_are_those_of_messages() {
    let house = house().await;
    let alice = house.device("alice", "a1").await;
    let (bob, mallory) = (house.device("bob", "b1").await, house.device("mallory", "m1").await);
    let group = made(&alice, &["bob"]).await;
    let id = group.strip_prefix("group:").expect("a group's");
    bob.call("block", json!({"userId": "mallory"})).await;
    let both = async |who: &Client, of: &str, expected: [&str; 2]| {
        for (store, expected) in [false, true].into_iter().zip(expected) {
            let event = json!({"name": "x", "store": store});
            assert_eq!(code(who, of, event).await, expected, "{of}, store: {store}");
        }
    };
    both(&bob, &group, ["ok", "sent"]).await;
    both(&mallory, &group, ["not_a_member"; 2]).await;
    both(&mallory, "dm:alice:bob", ["not_a_member"; 2]).await;
    both(&mallory, "dm:bob:mallory", ["blocked"; 2]).await;
    both(&mallory, "group:none", ["not_found"; 2]).await;
    let slow = json!({"groupId": id, "settings": {"slowModeSeconds": 60}});
    assert_eq!(alice.call("group_update", slow).await["status"], "ok");
    both(&bob, &group, ["ok", "sent"]).await;
    both(&bob, &group, ["slow_mode"; 2]).await;
    // What slow mode refused would have to be sent again first.
    let bob = house.device("bob", "b2").await;
    alice.call("group_mute", json!({"groupId": id, "userId": "bob"})).await;
    both(&bob, &group, ["muted"; 2]).await;
    alice.call("group_unmute", json!({"groupId": id, "userId": "bob"})).await;
    let closed = json!({"groupId": id, "settings": {"post": "admins", "slowModeSeconds": 0}});
    assert_eq!(alice.call("group_update", closed).await["status"], "ok");
    both(&bob, &group, ["not_allowed"; 2]).await;
    both(&alice, &group, ["ok", "sent"]).await;
    alice.call("group_kick", json!({"groupId": id, "userId": "bob"})).await;
    both(&bob, &group, ["not_a_member"; 2]).await;
    house.end().await;
}

#[tokio::test]
async fn names_data_and_rates_are_bounded_at_their_edges() {
    let limits = Limits { content_bytes_max: 10, ..generous() };
    let house = House::new(plan(limits)).await;
    let alice = house.device("alice", "a1").await;
    let of = "dm:alice:bob";
    let (longest, longer) = ("x".repeat(64), "x".repeat(65));
    for (payload, expected) in [
        (json!({"name": longest, "data": "12345678"}), "ok"),
        (json!({"name": "x", "data": "123456789"}), "too_large"),
        (json!({"name": longer}), "invalid_argument"),
        (json!({"name": "a b"}), "invalid_argument"),
        (json!({}), "invalid_argument"),
        (json!({"name": "x", "data": "\u{1}"}), "invalid_argument"),
        (json!({"name": "x", "store": 1}), "invalid_argument"),
        (json!({"name": "x", "store": true, "clientId": ""}), "invalid_argument"),
    ] {
        assert_eq!(code(&alice, of, payload.clone()).await, expected, "{payload}");
    }
    assert_eq!(alice.call("app_event", json!({"name": "x"})).await["code"], "invalid_argument");
    house.end().await;
    let limits = Limits { connection_rate_burst: 2, connection_rate_per_second: 1, ..generous() };
    let house = House::new(plan(limits)).await;
    let alice = house.device("alice", "a1").await;
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(code(&alice, of, json!({"name": "x"})).await);
    }
    assert_eq!(codes, ["ok", "ok", "rate_limited"]);
    house.end().await;
}

#[tokio::test]
async fn events_in_passing_keep_their_order() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a1").await, house.device("bob", "b1").await);
    let mut answers = Vec::new();
    for n in 0..60 {
        let event = json!({"conversationId": "dm:alice:bob", "name": "x", "data": n});
        answers.push(alice.submit("app_event", event).await);
    }
    for answer in answers {
        assert_eq!(alice.answer(answer).await["status"], "ok");
    }
    let heard = bob.events("app_event", 60).await;
    let heard: Vec<_> = heard.iter().map(|it| it["data"].as_u64().expect("a number")).collect();
    assert_eq!(heard, (0..60).collect::<Vec<u64>>());
    house.end().await;
}
