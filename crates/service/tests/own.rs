//! What is private to a user: drafts, stars, settings of conversations; on all of the user's devices,
//! those that were away included.

use std::time::Duration;

use crate::support::{Client, House, Plan};
use parlor_chat::limits::Limits;
use parlor_chat::own::OWN_REMOVED_MAX;
use parlor_service::Settings;
use serde_json::{Value, json};

fn plan(limits: Limits) -> Plan {
    let limits = Limits { connection_rate_burst: 10_000, user_rate_burst: 10_000, ..limits };
    Plan { settings: Settings { limits, ..Settings::default() }, ..Plan::default() }
}

async fn house() -> House {
    House::new(plan(Limits::default())).await
}

fn refused(answer: &Value, code: &str, said: &str) {
    assert_eq!(answer["status"], "error", "{answer}");
    assert_eq!(answer["code"], code, "{answer}");
    assert!(answer["error"].as_str().expect("a text").contains(said), "{answer}");
}

async fn ok(client: &Client, event: &str, payload: Value) -> Value {
    let answer = client.call(event, payload).await;
    assert_eq!(answer["status"], "ok", "{event}: {answer}");
    answer
}

/// All that a command lists, over all pages.
async fn all(client: &Client, command: &str, limit: u64) -> Vec<Value> {
    let (mut lines, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let page = ok(client, command, json!({"limit": limit, "cursor": cursor})).await;
        let page_lines = page[command].as_array().expect("lines").clone();
        assert!(page_lines.len() as u64 <= limit);
        lines.extend(page_lines);
        cursor = page["cursor"].clone();
        if cursor.is_null() {
            return lines;
        }
    }
}

/// What a device that was here at a position is told.
async fn moved(house: &House, user: &str, at: &Value) -> Value {
    let auth = json!({"token": user, "deviceId": "back", "resume": at});
    let client = Client::connect(house.address, auth).await;
    let moved = client.event("moved", 0).await;
    let place = json!({"epoch": at["epoch"], "pos": at["pos"]});
    let synced = ok(&client, "sync", place).await;
    assert_eq!(synced["own"], moved["own"]);
    assert_eq!(synced["reread"], moved["reread"]);
    moved
}

#[tokio::test]
async fn a_draft_is_kept_for_all_devices_of_its_user_alone() {
    let house = house().await;
    let (phone, laptop) = (house.device("alice", "a").await, house.device("alice", "b").await);
    let bob = house.device("bob", "b").await;
    let content = json!({"text": "not yet said", "n": [1.5, null]});
    let set = json!({"conversationId": "dm:alice:bob", "content": content});
    let at = ok(&phone, "draft_set", set.clone()).await["at"].clone();
    let told = laptop.event("draft", 0).await;
    let line = json!({"conversationId": "dm:alice:bob", "content": content, "at": at});
    assert_eq!(told, line);
    assert_eq!(ok(&laptop, "drafts", json!({})).await["drafts"], json!([line]));
    assert_eq!(ok(&phone, "draft_set", set).await["at"], at, "it was so already");
    let none = json!({"conversationId": "dm:alice:bob", "content": null});
    let later = ok(&laptop, "draft_set", none).await["at"].clone();
    assert!(later.as_u64() > at.as_u64(), "its times only grow");
    let told = phone.event("draft", 0).await;
    assert_eq!((&told["content"], &told["at"]), (&Value::Null, &later));
    assert_eq!(ok(&phone, "drafts", json!({})).await["drafts"], json!([]));
    laptop.settle().await;
    bob.settle().await;
    assert_eq!((phone.now("draft").len(), laptop.now("draft").len()), (1, 1), "no echo");
    assert!(bob.now("draft").is_empty());
    assert_eq!(ok(&bob, "drafts", json!({})).await["drafts"], json!([]));
    house.end().await;
}

#[tokio::test]
async fn fields_of_drafts_are_refused_by_name_and_at_their_limits() {
    let limits = Limits { drafts_per_user_max: 2, content_bytes_max: 10, ..Limits::default() };
    let house = House::new(plan(limits)).await;
    let alice = house.device("alice", "a").await;
    let of = |other: &str| format!("dm:alice:{other}");
    for (payload, said) in [
        (json!({"content": 1}), "conversationId"),
        (json!({"conversationId": "x", "content": 1}), "conversationId"),
        (json!({"conversationId": 7, "content": 1}), "conversationId"),
        (json!({"conversationId": of("b")}), "content"),
        (json!({"conversationId": of("b"), "content": "\u{1}"}), "content"),
        (json!([]), "payload"),
    ] {
        refused(&alice.call("draft_set", payload).await, "invalid_argument", said);
    }
    let foreign = json!({"conversationId": "dm:bob:carol", "content": 1});
    refused(&alice.call("draft_set", foreign).await, "not_a_member", "");
    let set = async |other: &str, content: Value| {
        alice.call("draft_set", json!({"conversationId": of(other), "content": content})).await
    };
    refused(&set("b", json!("123456789")).await, "too_large", "10");
    assert_eq!(set("b", json!("12345678")).await["status"], "ok");
    assert_eq!(set("c", json!(1)).await["status"], "ok");
    refused(&set("d", json!(1)).await, "too_many_records", "");
    assert_eq!(set("c", json!(2)).await["status"], "ok");
    assert_eq!(set("c", json!(null)).await["status"], "ok");
    assert_eq!(set("d", json!(1)).await["status"], "ok");
    for (payload, said) in [
        (json!({"cursor": "x"}), "cursor"),
        (json!({"cursor": 5}), "cursor"),
        (json!({"limit": 0}), "limit"),
        (json!({"limit": 101}), "limit"),
    ] {
        for command in ["drafts", "starred", "contacts"] {
            refused(&alice.call(command, payload.clone()).await, "invalid_argument", said);
        }
    }
    ok(&alice, "drafts", json!({"limit": 100})).await;
    house.end().await;
}

#[tokio::test]
async fn starred_messages_are_listed_with_what_they_say() {
    let house = house().await;
    let (alice, laptop) = (house.device("alice", "a").await, house.device("alice", "b").await);
    let bob = house.device("bob", "b").await;
    for n in 1..=3 {
        bob.send("alice", n).await;
    }
    for (index, n) in [2, 1, 3].into_iter().enumerate() {
        // Those of one millisecond are in no particular order.
        tokio::time::sleep(Duration::from_millis(2)).await;
        let id = format!("dm:alice:bob:{n}");
        ok(&alice, "star", json!({"messageId": id})).await;
        let told = laptop.event("starred", index).await;
        assert_eq!((&told["messageId"], &told["starred"]), (&json!(id), &json!(true)));
    }
    for limit in [1, 2, 9] {
        let lines = all(&laptop, "starred", limit).await;
        let contents: Vec<_> = lines.iter().map(|line| &line["message"]["content"]).collect();
        assert_eq!(contents, [3, 1, 2]);
        assert_eq!(lines[0]["message"]["from"], "bob");
    }
    ok(&laptop, "unstar", json!({"messageId": "dm:alice:bob:1"})).await;
    ok(&laptop, "unstar", json!({"messageId": "dm:alice:bob:1"})).await;
    let told = alice.event("starred", 0).await;
    assert_eq!(told["starred"], false);
    assert_eq!(all(&alice, "starred", 9).await.len(), 2);
    alice.settle().await;
    assert_eq!(alice.now("starred").len(), 1, "what changes nothing is not told");
    assert!(all(&bob, "starred", 9).await.is_empty());
    house.end().await;
}

#[tokio::test]
async fn only_messages_that_are_there_are_starred_and_so_many() {
    let house = House::new(plan(Limits { stars_per_user_max: 1, ..Limits::default() })).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    bob.send("alice", 1).await;
    bob.send("alice", 2).await;
    for event in ["star", "unstar", "hide", "unhide"] {
        refused(&alice.call(event, json!({})).await, "invalid_argument", "messageId");
        let bad = json!({"messageId": "dm:alice:bob:0"});
        refused(&alice.call(event, bad).await, "invalid_argument", "messageId");
        let foreign = json!({"messageId": "dm:bob:carol:1"});
        refused(&alice.call(event, foreign).await, "not_a_member", "");
    }
    let star =
        async |n: u64| alice.call("star", json!({"messageId": format!("dm:alice:bob:{n}")})).await;
    refused(&star(3).await, "not_found", "");
    assert_eq!(star(1).await["status"], "ok");
    refused(&star(2).await, "too_many_records", "");
    ok(&alice, "unstar", json!({"messageId": "dm:alice:bob:1"})).await;
    assert_eq!(star(2).await["status"], "ok");
    house.end().await;
}

#[tokio::test]
async fn a_hidden_message_is_gone_from_its_hiders_history_alone() {
    let house = House::new(plan(Limits { hidden_per_user_max: 1, ..Limits::default() })).await;
    let (phone, laptop) = (house.device("alice", "a").await, house.device("alice", "b").await);
    let bob = house.device("bob", "b").await;
    for n in 1..=3 {
        bob.send("alice", n).await;
    }
    let read = async |client: &Client| {
        let page = ok(client, "history", json!({"conversationId": "dm:alice:bob"})).await;
        let messages = page["messages"].as_array().expect("messages").iter();
        let seqs: Vec<_> = messages.map(|message| message["seq"].clone()).collect();
        (seqs, page["covers"].clone())
    };
    ok(&phone, "hide", json!({"messageId": "dm:alice:bob:2"})).await;
    let told = laptop.event("hidden", 0).await;
    assert_eq!((&told["messageId"], &told["hidden"]), (&json!("dm:alice:bob:2"), &json!(true)));
    assert_eq!(read(&laptop).await, (vec![json!(3), json!(1)], json!([1, 3])));
    assert_eq!(read(&bob).await.0.len(), 3);
    let second = json!({"messageId": "dm:alice:bob:1"});
    refused(&phone.call("hide", second.clone()).await, "too_many_records", "");
    ok(&laptop, "unhide", json!({"messageId": "dm:alice:bob:2"})).await;
    assert_eq!(phone.event("hidden", 0).await["hidden"], false);
    ok(&phone, "hide", second).await;
    assert_eq!(read(&phone).await.0, vec![json!(3), json!(2)]);
    house.end().await;
}

#[tokio::test]
async fn settings_of_a_conversation_are_merged_field_by_field() {
    let house = house().await;
    let (phone, laptop) = (house.device("alice", "a").await, house.device("alice", "b").await);
    let bob = house.device("bob", "b").await;
    bob.send("alice", "x").await;
    let settings = async |client: &Client| {
        let page = ok(client, "conversations", json!({})).await;
        page["conversations"][0].get("settings").cloned()
    };
    assert_eq!(settings(&phone).await, None);
    let set = async |client: &Client, mut fields: Value| {
        fields["conversationId"] = json!("dm:alice:bob");
        ok(client, "conversation_set", fields).await["at"].clone()
    };
    let until = 4_000_000_000_000_u64;
    let at = set(&phone, json!({"mutedUntil": until, "pinned": true})).await;
    let told = laptop.event("conversation_settings", 0).await;
    let expected = json!({
        "conversationId": "dm:alice:bob", "mutedUntil": until, "pinned": true, "at": at,
    });
    assert_eq!(told, expected);
    set(&laptop, json!({"archived": true, "markedUnread": true, "pinned": false})).await;
    let told = phone.event("conversation_settings", 0).await;
    assert_eq!((&told["archived"], &told["pinned"]), (&json!(true), &json!(false)));
    assert_eq!(told.get("mutedUntil"), None, "what did not change is not told");
    let now = json!({"mutedUntil": until, "archived": true, "markedUnread": true});
    assert_eq!(settings(&laptop).await, Some(now));
    assert_eq!(settings(&bob).await, None);
    set(&phone, json!({"mutedUntil": 0, "archived": false})).await;
    assert_eq!(settings(&phone).await, Some(json!({"markedUnread": true})));
    house.end().await;
}

#[tokio::test]
async fn reading_a_conversation_ends_that_it_is_marked_as_unread() {
    let house = house().await;
    let (phone, laptop) = (house.device("alice", "a").await, house.device("alice", "b").await);
    let bob = house.device("bob", "b").await;
    bob.send("alice", "x").await;
    let place = json!({"conversationId": "dm:alice:bob", "seq": 1});
    for round in 0..2 {
        let mark = json!({"conversationId": "dm:alice:bob", "markedUnread": true});
        ok(&laptop, "conversation_set", mark).await;
        ok(&phone, "delivered", place.clone()).await;
        let page = ok(&phone, "conversations", json!({})).await;
        assert_eq!(page["conversations"][0]["settings"], json!({"markedUnread": true}));
        // The second time the mark moves nothing.
        ok(&phone, "read", place.clone()).await;
        let page = ok(&phone, "conversations", json!({})).await;
        assert_eq!(page["conversations"][0].get("settings"), None);
        let told = laptop.event("conversation_settings", round).await;
        assert_eq!(told["markedUnread"], false);
    }
    house.end().await;
}

#[tokio::test]
async fn fields_of_settings_are_refused_by_name_and_at_their_limit() {
    let limits = Limits { conversation_settings_per_user_max: 1, ..Limits::default() };
    let house = House::new(plan(limits)).await;
    let alice = house.device("alice", "a").await;
    let of = "dm:alice:bob";
    for (payload, said) in [
        (json!({"pinned": true}), "conversationId"),
        (json!({"conversationId": "dm:b:a", "pinned": true}), "conversationId"),
        (json!({"conversationId": of}), "mutedUntil"),
        (json!({"conversationId": of, "mutedUntil": -1}), "mutedUntil"),
        (json!({"conversationId": of, "mutedUntil": "x"}), "mutedUntil"),
        (json!({"conversationId": of, "archived": 1}), "archived"),
        (json!({"conversationId": of, "markedUnread": "true"}), "markedUnread"),
        (json!({"conversationId": of, "pinned": []}), "pinned"),
    ] {
        refused(&alice.call("conversation_set", payload).await, "invalid_argument", said);
    }
    let foreign = json!({"conversationId": "dm:bob:carol", "pinned": true});
    refused(&alice.call("conversation_set", foreign).await, "not_a_member", "");
    let both = json!({"conversationId": of, "pinned": true, "archived": true});
    ok(&alice, "conversation_set", both).await;
    let other = json!({"conversationId": "dm:alice:carol", "mutedUntil": 1, "pinned": true});
    refused(&alice.call("conversation_set", other).await, "too_many_records", "");
    let other = json!({"conversationId": "dm:alice:carol", "mutedUntil": 1});
    ok(&alice, "conversation_set", other).await;
    house.end().await;
}

#[tokio::test]
async fn a_device_that_was_away_learns_what_changed_and_everything_survives_a_restart() {
    let data = tempfile::tempdir().expect("a directory");
    let here = House::on(data.path(), plan(Limits::default())).await;
    let (phone, bob) = (here.device("alice", "a").await, here.device("bob", "b").await);
    bob.send("alice", "x").await;
    let draft = json!({"conversationId": "dm:alice:bob", "content": "was"});
    ok(&phone, "draft_set", draft).await;
    let at = {
        let laptop = here.device("alice", "back").await;
        let at = laptop.event("caught_up", 0).await;
        json!({"epoch": at["epoch"], "pos": at["pos"]})
    };
    let none = json!({"conversationId": "dm:alice:bob", "content": null});
    ok(&phone, "draft_set", none).await;
    ok(&phone, "star", json!({"messageId": "dm:alice:bob:1"})).await;
    let set = json!({"conversationId": "dm:alice:bob", "archived": true, "pinned": true});
    ok(&phone, "conversation_set", set).await;
    ok(&phone, "contact_add", json!({"userId": "bob", "name": "Bobby"})).await;
    ok(&phone, "privacy_set", json!({"messages": "contacts", "online": "nobody"})).await;
    drop((phone, bob));
    here.end().await;

    let here = House::on(data.path(), plan(Limits::default())).await;
    let told = moved(&here, "alice", &at).await;
    let mut events: Vec<(String, Value)> = Vec::new();
    for line in told["own"].as_array().expect("what changed") {
        let mut data = line["data"].clone();
        assert!(data.as_object_mut().and_then(|data| data.remove("at")).is_some());
        events.push((line["event"].as_str().expect("a name").to_owned(), data));
    }
    let expected = [
        ("draft", json!({"conversationId": "dm:alice:bob", "content": null})),
        ("starred", json!({"messageId": "dm:alice:bob:1", "starred": true})),
        (
            "conversation_settings",
            json!({"conversationId": "dm:alice:bob", "archived": true, "pinned": true}),
        ),
        ("contact", json!({"userId": "bob", "name": "Bobby", "contact": true})),
        ("privacy", json!({"messages": "contacts", "online": "nobody"})),
    ];
    assert_eq!(events, expected.map(|(event, data)| (event.to_owned(), data)));
    assert_eq!(told.get("reread"), None);
    let alice = here.device("alice", "a").await;
    assert_eq!(all(&alice, "starred", 9).await[0]["message"]["content"], "x");
    assert_eq!(all(&alice, "contacts", 9).await[0]["name"], "Bobby");
    assert!(all(&alice, "drafts", 9).await.is_empty());
    let nobody = moved(&here, "bob", &at).await;
    assert_eq!(nobody.get("own"), None);
    here.end().await;
}

#[tokio::test]
async fn a_device_that_missed_too_much_reads_that_kind_anew() {
    let house = house().await;
    let phone = house.device("alice", "a").await;
    let at = phone.event("caught_up", 0).await;
    for n in 0..=OWN_REMOVED_MAX {
        let of = format!("dm:alice:b{n}");
        for content in [json!(1), json!(null)] {
            phone.emit("draft_set", json!({"conversationId": of, "content": content})).await;
        }
    }
    ok(&phone, "conversation_set", json!({"conversationId": "dm:alice:b1", "pinned": true})).await;
    let told = moved(&house, "alice", &at).await;
    assert_eq!(told["reread"], json!(["drafts"]));
    assert_eq!(told["own"].as_array().map(Vec::len), Some(1));
    house.end().await;
}
