//! Every command gets its answer, and every refusal comes at its edge and not before.

use crate::support::{House, Plan};
use parlor_chat::limits::Limits;
use parlor_service::Settings;
use serde_json::{Value, json};

fn with(limits: Limits) -> Plan {
    Plan { settings: Settings { limits, ..Settings::default() }, ..Plan::default() }
}

fn refused(answer: &Value, code: &str, said: &str) {
    assert_eq!(answer["status"], "error", "{answer}");
    assert_eq!(answer["code"], code, "{answer}");
    assert!(answer["error"].as_str().expect("a text").contains(said), "{answer}");
}

#[tokio::test]
async fn a_message_is_answered_with_its_place_and_heard_by_the_other() {
    let house = House::new(Plan::default()).await;
    let (alice, bob) = (house.device("alice", "a1").await, house.device("bob", "b1").await);
    let sent = alice.send("bob", "Hello!").await;
    assert_eq!(sent["conversationId"], "dm:alice:bob");
    assert_eq!(sent["seq"], 1);
    assert_eq!(sent["id"], "dm:alice:bob:1");
    let heard = bob.event("private_message", 0).await;
    let expected = json!({
        "id": sent["id"], "conversationId": "dm:alice:bob", "seq": 1, "from": "alice",
        "to": "bob", "content": "Hello!", "ts": sent["ts"], "pos": 1,
    });
    assert_eq!(heard, expected);
    alice.settle().await;
    assert_eq!(alice.now("private_message"), Vec::<Value>::new());
    house.end().await;
}

#[tokio::test]
async fn content_may_be_any_json_and_comes_back_unchanged() {
    let house = House::new(Plan::default()).await;
    let (alice, bob) = (house.device("alice", "a1").await, house.device("bob", "b1").await);
    for (index, content) in
        [json!({"a": [1, 2.5, null]}), json!(null), json!(""), json!("<b>\u{200d}\n</b>")]
            .into_iter()
            .enumerate()
    {
        alice.send("bob", content.clone()).await;
        assert_eq!(bob.event("private_message", index).await["content"], content);
    }
    house.end().await;
}

#[tokio::test]
async fn fields_of_a_send_are_refused_by_name() {
    let house = House::new(Plan::default()).await;
    let alice = house.device("alice", "a1").await;
    for (payload, said) in [
        (json!({"content": "x"}), "toUserId"),
        (json!({"toUserId": "", "content": "x"}), "toUserId"),
        (json!({"toUserId": "b\u{7}", "content": "x"}), "toUserId"),
        (json!({"toUserId": "x".repeat(129), "content": "x"}), "toUserId"),
        (json!({"toUserId": 5, "content": "x"}), "toUserId"),
        (json!({"toUserId": "bob"}), "content"),
        (json!({"toUserId": "bob", "content": "\u{0}"}), "content"),
        (json!({"toUserId": "bob", "content": "\u{1b}"}), "content"),
        (json!({"toUserId": "bob", "content": "x", "clientId": ""}), "clientId"),
        (json!({"toUserId": "bob", "content": "x", "clientId": "é"}), "clientId"),
        (json!({"toUserId": "bob", "content": "x", "clientId": "x".repeat(65)}), "clientId"),
        (json!("hello"), "payload"),
        (json!(null), "toUserId"),
    ] {
        refused(&alice.call("private_message", payload).await, "invalid_argument", said);
    }
    alice.raw(r#"421000["private_message",{"toUserId":"bob","content":"\ud800"}]"#).await;
    refused(&alice.answer(1000).await, "invalid_argument", "surrogate");
    alice.raw(r#"421001["private_message",{"toUserId":"bob","content":1,"content":2}]"#).await;
    refused(&alice.answer(1001).await, "invalid_argument", "twice");
    alice.raw(r#"421002["private_message"]"#).await;
    refused(&alice.answer(1002).await, "invalid_argument", "toUserId");
    let longest = json!({"toUserId": "x".repeat(128), "content": "x", "clientId": "x".repeat(64)});
    assert_eq!(alice.call("private_message", longest).await["status"], "sent");
    house.end().await;
}

#[tokio::test]
async fn size_and_depth_are_refused_only_above_their_limits() {
    let house = House::new(with(Limits { content_bytes_max: 100, ..Limits::default() })).await;
    let alice = house.device("alice", "a1").await;
    alice.send("bob", "x".repeat(98)).await;
    let answer =
        alice.call("private_message", json!({"toUserId": "bob", "content": "x".repeat(99)})).await;
    refused(&answer, "too_large", "100");
    let nested = |depth: usize| {
        let content: Value =
            serde_json::from_str(&("[".repeat(depth) + &"]".repeat(depth))).expect("JSON");
        json!({"toUserId": "bob", "content": content})
    };
    assert_eq!(alice.call("private_message", nested(32)).await["status"], "sent");
    refused(&alice.call("private_message", nested(33)).await, "invalid_argument", "32");
    house.end().await;
}

#[tokio::test]
async fn attachments_are_refused() {
    let house = House::new(Plan::default()).await;
    let alice = house.device("alice", "a1").await;
    let placeholder = r#"{"_placeholder":true,"num":0}"#;
    alice
        .raw(&format!(r#"451-7["private_message",{{"toUserId":"bob","content":{placeholder}}}]"#))
        .await;
    alice.raw_binary(&[1, 2, 3]).await;
    refused(&alice.answer(7).await, "invalid_argument", "binary");
    house.end().await;
}

#[tokio::test]
async fn unknown_events_are_answered() {
    let house = House::new(Plan::default()).await;
    let alice = house.device("alice", "a1").await;
    for event in ["no such event", "register", "private message", "ready"] {
        refused(&alice.call(event, json!({})).await, "unknown_event", "");
    }
    house.end().await;
}

#[tokio::test]
async fn history_is_read_from_both_ends_in_pages() {
    let house = House::new(Plan::default()).await;
    let (alice, bob) = (house.device("alice", "a1").await, house.device("bob", "b1").await);
    for n in 1..=5 {
        let sender = if n % 2 == 0 { &bob } else { &alice };
        let to = if n % 2 == 0 { "alice" } else { "bob" };
        sender.send(to, n).await;
    }
    let seqs = |answer: &Value| -> Vec<u64> {
        let messages = answer["messages"].as_array().expect("messages").iter();
        messages.map(|message| message["seq"].as_u64().expect("a seq")).collect()
    };
    let read = async |query: Value| {
        let answer = bob.call("history", query).await;
        assert_eq!(answer["status"], "ok", "{answer}");
        (seqs(&answer), answer["more"].as_bool().expect("more"))
    };
    let id = "dm:alice:bob";
    assert_eq!(read(json!({"conversationId": id})).await, (vec![5, 4, 3, 2, 1], false));
    assert_eq!(read(json!({"conversationId": id, "limit": 2})).await, (vec![5, 4], true));
    assert_eq!(
        read(json!({"conversationId": id, "before": 4, "limit": 9})).await,
        (vec![3, 2, 1], false)
    );
    assert_eq!(
        read(json!({"conversationId": id, "after": 0, "limit": 3})).await,
        (vec![1, 2, 3], true)
    );
    assert_eq!(read(json!({"conversationId": id, "after": 3})).await, (vec![4, 5], false));
    refused(&bob.call("history", json!({})).await, "invalid_argument", "conversationId");
    refused(
        &bob.call("history", json!({"conversationId": "x"})).await,
        "invalid_argument",
        "conversationId",
    );
    let foreign = json!({"conversationId": "dm:alice:carol"});
    refused(&bob.call("history", foreign).await, "not_a_member", "");
    let absent = json!({"conversationId": "dm:bob:carol"});
    refused(&bob.call("history", absent).await, "not_found", "");
    let wide = json!({"conversationId": id, "limit": 201});
    refused(&bob.call("history", wide).await, "invalid_argument", "limit");
    house.end().await;
}

#[tokio::test]
async fn own_messages_in_history_carry_the_client_id() {
    let house = House::new(Plan::default()).await;
    let (alice, bob) = (house.device("alice", "a1").await, house.device("bob", "b1").await);
    let payload = json!({"toUserId": "bob", "content": "x", "clientId": "key-1"});
    assert_eq!(alice.call("private_message", payload).await["status"], "sent");
    let query = json!({"conversationId": "dm:alice:bob"});
    let own = alice.call("history", query.clone()).await;
    assert_eq!(own["messages"][0]["clientId"], "key-1");
    let others = bob.call("history", query).await;
    assert_eq!(others["messages"][0].get("clientId"), None);
    house.end().await;
}

#[tokio::test]
async fn conversations_tell_head_unread_last_and_watermarks() {
    let house = House::new(Plan::default()).await;
    let (alice, bob) = (house.device("alice", "a1").await, house.device("bob", "b1").await);
    let carol = house.device("carol", "c1").await;
    alice.send("bob", "one").await;
    alice.send("bob", "two").await;
    carol.send("bob", "three").await;
    let first = bob.call("conversations", json!({"limit": 1})).await;
    assert_eq!(first["status"], "ok", "{first}");
    assert_eq!(first["conversations"][0]["conversationId"], "dm:bob:carol");
    let cursor = first["cursor"].as_str().expect("a cursor").to_owned();
    let rest = bob.call("conversations", json!({"limit": 1, "cursor": cursor})).await;
    let line = &rest["conversations"][0];
    assert_eq!(line["conversationId"], "dm:alice:bob", "{rest}");
    assert_eq!(
        (&line["head"], &line["unread"], &line["with"]),
        (&json!(2), &json!(2), &json!("alice"))
    );
    assert_eq!(line["last"]["content"], "two");
    bob.call("read", json!({"conversationId": "dm:alice:bob", "seq": 1})).await;
    let all = bob.call("conversations", json!({})).await;
    assert_eq!(all["cursor"], Value::Null);
    let line = &all["conversations"][1];
    assert_eq!(line["unread"], 1, "{all}");
    let marks = line["watermarks"].as_array().expect("watermarks");
    let bobs = marks.iter().find(|marks| marks["userId"] == "bob").expect("of bob");
    assert_eq!(bobs["read"], 1);
    refused(&bob.call("conversations", json!({"cursor": "x"})).await, "invalid_argument", "cursor");
    refused(&bob.call("conversations", json!({"limit": 101})).await, "invalid_argument", "limit");
    house.end().await;
}

#[tokio::test]
async fn receipts_are_refused_by_field_member_and_head() {
    let house = House::new(Plan::default()).await;
    let (alice, bob) = (house.device("alice", "a1").await, house.device("bob", "b1").await);
    let sent = alice.send("bob", "x").await;
    for event in ["delivered", "read"] {
        refused(&bob.call(event, json!({})).await, "invalid_argument", "messageId");
        refused(&bob.call(event, json!({"messageId": "x"})).await, "invalid_argument", "messageId");
        let place = json!({"conversationId": "dm:alice:bob"});
        refused(&bob.call(event, place).await, "invalid_argument", "seq");
        let foreign = json!({"conversationId": "dm:alice:carol", "seq": 1});
        refused(&bob.call(event, foreign).await, "not_a_member", "");
        let beyond = json!({"conversationId": "dm:alice:bob", "seq": 2});
        refused(&bob.call(event, beyond).await, "not_found", "");
        let answer = bob.call(event, json!({"messageId": sent["id"]})).await;
        assert_eq!(answer, json!({"status": "ok"}));
    }
    house.end().await;
}

#[tokio::test]
async fn typing_is_relayed_once_and_never_kept() {
    let house = House::new(Plan::default()).await;
    let (alice, bob) = (house.device("alice", "a1").await, house.device("bob", "b1").await);
    for typing in [true, true, false] {
        let answer = alice.call("typing", json!({"toUserId": "bob", "typing": typing})).await;
        assert_eq!(answer, json!({"status": "ok"}));
    }
    let heard = bob.events("typing", 2).await;
    let event = |typing: bool| json!({"conversationId": "dm:alice:bob", "userId": "alice", "typing": typing});
    bob.settle().await;
    assert_eq!(heard, vec![event(true), event(false)]);
    assert_eq!(bob.now("typing").len(), 2);
    refused(&alice.call("typing", json!({})).await, "invalid_argument", "toUserId");
    refused(
        &alice.call("typing", json!({"toUserId": "bob", "typing": 1})).await,
        "invalid_argument",
        "typing",
    );
    house.end().await;
}

#[tokio::test]
async fn commands_above_the_connections_rate_are_refused_with_a_delay() {
    let limits =
        Limits { connection_rate_burst: 5, connection_rate_per_second: 1, ..Limits::default() };
    let house = House::new(with(limits)).await;
    let (alice, other) = (house.device("alice", "a1").await, house.device("alice", "a2").await);
    for n in 0..5 {
        alice.send("bob", n).await;
    }
    let answer = alice.call("history", json!({"conversationId": "dm:alice:bob"})).await;
    refused(&answer, "rate_limited", "");
    let delay = answer["retryAfterMs"].as_u64().expect("a delay");
    assert!((1..=1_000).contains(&delay), "{answer}");
    other.send("bob", "another connection has its own").await;
    let receipt =
        alice.call("delivered", json!({"conversationId": "dm:alice:bob", "seq": 1})).await;
    assert_eq!(receipt["status"], "ok", "receipts are not counted: {receipt}");
    house.end().await;
}

#[tokio::test]
async fn commands_above_the_users_rate_are_refused_on_all_connections() {
    let limits = Limits { user_rate_burst: 4, user_rate_per_second: 1, ..Limits::default() };
    let house = House::new(with(limits)).await;
    let (one, two) = (house.device("alice", "a1").await, house.device("alice", "a2").await);
    for n in 0..2 {
        one.send("bob", n).await;
        two.send("carol", n).await;
    }
    refused(&two.call("devices", json!({})).await, "rate_limited", "");
    let bob = house.device("bob", "b1").await;
    bob.send("alice", "another user has its own").await;
    house.end().await;
}

#[tokio::test]
async fn development_lifts_rates_and_keeps_sizes() {
    let limits = Limits {
        content_bytes_max: 100,
        connection_rate_burst: 1,
        connection_rate_per_second: 1,
        user_rate_burst: 1,
        user_rate_per_second: 1,
        connections_per_user_max: 1,
        ..Limits::default()
    };
    let mode = parlor_service::Mode::Development;
    let settings = Settings { limits, mode, ..Settings::default() };
    let house = House::new(Plan { settings, ..Plan::default() }).await;
    let (alice, other) = (house.device("alice", "a1").await, house.device("alice", "a2").await);
    for n in 0..20 {
        alice.send("bob", n).await;
    }
    other.send("bob", "still here").await;
    let long = json!({"toUserId": "bob", "content": "x".repeat(99)});
    refused(&alice.call("private_message", long).await, "too_large", "100");
    house.end().await;
}

#[tokio::test]
async fn a_stale_key_is_refused() {
    let house = House::new(Plan::default()).await;
    let alice = house.device("alice", "a1").await;
    let old = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
    let payload = json!({"toUserId": "bob", "content": "x", "clientId": old});
    refused(&alice.call("private_message", payload).await, "stale_client_id", "");
    house.end().await;
}

#[tokio::test]
async fn every_event_with_an_id_is_answered_even_in_a_burst() {
    let house = House::new(Plan::default()).await;
    let alice = house.device("alice", "a1").await;
    let mut ids = Vec::new();
    for n in 0..300 {
        let (event, payload) = match n % 4 {
            0 => ("private_message", json!({"toUserId": "bob", "content": n})),
            1 => ("delivered", json!({"conversationId": "dm:alice:bob", "seq": 1})),
            2 => ("devices", json!({})),
            _ => ("?", json!(n)),
        };
        ids.push(alice.submit(event, payload).await);
    }
    for id in ids {
        assert!(alice.answer(id).await["status"].is_string());
    }
    house.end().await;
}
