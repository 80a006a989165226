//! Contacts, privacy and profiles: who may write, who is told what was read, who is found.

use crate::support;
use crate::support::{Client, House, Plan};
use parlor_chat::limits::Limits;
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

#[tokio::test]
async fn contacts_are_kept_under_a_name_and_told_to_other_devices() {
    let house = house().await;
    let (phone, laptop) = (house.device("alice", "a").await, house.device("alice", "b").await);
    ok(&phone, "contact_add", json!({"userId": "bob", "name": "B \"x\""})).await;
    let at = ok(&phone, "contact_add", json!({"userId": "carol"})).await["at"].clone();
    let told = laptop.events("contact", 2).await;
    assert_eq!((&told[0]["name"], &told[0]["contact"]), (&json!("B \"x\""), &json!(true)));
    let carol = json!({"userId": "carol", "name": null, "contact": true, "at": at});
    assert_eq!(told[1], carol);
    let page = ok(&laptop, "contacts", json!({"limit": 1})).await;
    assert_eq!(page["contacts"], json!([{"userId": "carol", "name": null, "at": at}]));
    let rest = ok(&laptop, "contacts", json!({"limit": 1, "cursor": page["cursor"]})).await;
    assert_eq!(rest["contacts"][0]["userId"], "bob");
    assert_eq!(rest["cursor"], Value::Null);
    ok(&laptop, "contact_remove", json!({"userId": "bob"})).await;
    assert_eq!(phone.event("contact", 0).await["contact"], false);
    ok(&laptop, "contact_add", json!({"userId": "carol", "name": "C"})).await;
    let left = ok(&phone, "contacts", json!({})).await;
    assert_eq!(left["contacts"].as_array().map(Vec::len), Some(1));
    assert_eq!(left["contacts"][0]["name"], "C");
    house.end().await;
}

#[tokio::test]
async fn fields_of_contacts_are_refused_by_name_and_at_their_limits() {
    let limits = Limits { contacts_per_user_max: 1, name_bytes_max: 4, ..Limits::default() };
    let house = House::new(plan(limits)).await;
    let alice = house.device("alice", "a").await;
    for event in ["contact_add", "contact_remove"] {
        for payload in [json!({}), json!({"userId": ""}), json!({"userId": "alice"})] {
            refused(&alice.call(event, payload).await, "invalid_argument", "userId");
        }
    }
    for name in [json!(7), json!("12345"), json!("a\nb")] {
        let payload = json!({"userId": "bob", "name": name});
        refused(&alice.call("contact_add", payload).await, "invalid_argument", "name");
    }
    ok(&alice, "contact_add", json!({"userId": "bob", "name": "1234"})).await;
    let second = json!({"userId": "carol"});
    refused(&alice.call("contact_add", second.clone()).await, "too_many_records", "");
    ok(&alice, "contact_remove", json!({"userId": "bob"})).await;
    ok(&alice, "contact_add", second).await;
    house.end().await;
}

#[tokio::test]
async fn who_may_write_is_up_to_the_recipient() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let tablet = house.device("alice", "t").await;
    let open = json!({
        "status": "ok", "messages": "everyone", "lastSeen": "everyone", "online": "everyone",
        "readReceipts": true, "messageRequests": false,
    });
    assert_eq!(ok(&alice, "privacy_get", json!({})).await, open);
    let key = json!({"toUserId": "alice", "content": "first", "clientId": "k1"});
    let first = bob.call("private_message", key.clone()).await;
    let at = ok(&alice, "privacy_set", json!({"messages": "contacts"})).await["at"].clone();
    assert_eq!(tablet.event("privacy", 0).await, json!({"messages": "contacts", "at": at}));
    let write =
        async || bob.call("private_message", json!({"toUserId": "alice", "content": 1})).await;
    let answer = write().await;
    refused(&answer, "not_accepted", "");
    assert_eq!(answer.get("retryAfterMs"), None);
    assert_eq!(bob.call("private_message", key).await, first, "a retry gets the first answer");
    ok(&alice, "contact_add", json!({"userId": "bob"})).await;
    assert_eq!(write().await["status"], "sent");
    ok(&alice, "contact_remove", json!({"userId": "bob"})).await;
    refused(&write().await, "not_accepted", "");
    alice.send("bob", "an answer").await;
    assert_eq!(write().await["status"], "sent", "the recipient has written before");
    ok(&alice, "privacy_set", json!({"messages": "nobody"})).await;
    refused(&write().await, "not_accepted", "");
    alice.send("alice", "a note to oneself").await;
    alice.send("bob", "mine go out").await;
    ok(&alice, "privacy_set", json!({"messages": "everyone"})).await;
    assert_eq!(write().await["status"], "sent");
    let heard = alice.events("private_message", 4).await;
    assert_eq!(heard.len(), 4, "what was refused was kept nowhere: {heard:#?}");
    house.end().await;
}

#[tokio::test]
async fn fields_of_privacy_are_refused_by_name_and_merged() {
    let house = house().await;
    let alice = house.device("alice", "a").await;
    for (payload, said) in [
        (json!({}), "messages"),
        (json!({"messages": "friends"}), "messages"),
        (json!({"messages": 1}), "messages"),
        (json!({"lastSeen": ""}), "lastSeen"),
        (json!({"online": true}), "online"),
        (json!({"readReceipts": "yes"}), "readReceipts"),
        (json!({"messageRequests": "on"}), "messageRequests"),
        (json!({"messages": "nobody", "online": "x"}), "online"),
    ] {
        refused(&alice.call("privacy_set", payload).await, "invalid_argument", said);
    }
    assert_eq!(ok(&alice, "privacy_get", json!({})).await["messages"], "everyone");
    ok(&alice, "privacy_set", json!({"lastSeen": "nobody", "readReceipts": false})).await;
    ok(&alice, "privacy_set", json!({"online": "contacts", "readReceipts": null})).await;
    let expected = json!({
        "status": "ok", "messages": "everyone", "lastSeen": "nobody", "online": "contacts",
        "readReceipts": false, "messageRequests": false,
    });
    assert_eq!(ok(&alice, "privacy_get", json!({})).await, expected);
    house.end().await;
}

/// The other member's marks in one's list of conversations.
async fn marks_of(client: &Client, other: &str) -> (Value, Value) {
    let page = ok(client, "conversations", json!({})).await;
    let marks = page["conversations"][0]["watermarks"].as_array().expect("watermarks").clone();
    let theirs = marks.iter().find(|mark| mark["userId"] == other).expect("theirs").clone();
    (theirs["delivered"].clone(), theirs["read"].clone())
}

#[tokio::test]
async fn without_read_receipts_neither_is_told_what_the_other_read() {
    for hider in ["alice", "bob"] {
        let house = house().await;
        let alice = house.device("alice", "a").await;
        let (bob, laptop) = (house.device("bob", "b").await, house.device("bob", "l").await);
        for n in 1..=4 {
            alice.send("bob", n).await;
        }
        let seq = |seq: u64| json!({"conversationId": "dm:alice:bob", "seq": seq});
        ok(&bob, "read", seq(1)).await;
        assert_eq!(alice.event("read", 0).await["seq"], 1);
        let set = async |tells: bool| {
            let hider = if hider == "alice" { &alice } else { &bob };
            ok(hider, "privacy_set", json!({"readReceipts": tells})).await;
        };
        set(false).await;
        // What is read has been delivered, and of that the other hears.
        ok(&bob, "read", seq(2)).await;
        let delivered = async |seq: u64| {
            let told = |heard: &support::client::Heard| match heard {
                support::client::Heard::Event(name, payload) => {
                    (name == "delivered" && payload["seq"] == seq).then_some(())
                }
                _ => None,
            };
            alice.wait(told).await;
        };
        delivered(2).await;
        ok(&bob, "delivered", seq(3)).await;
        delivered(3).await;
        let before = alice.now("delivered").len();
        ok(&bob, "read", seq(3)).await;
        assert_eq!(laptop.events("read", 3).await[2]["seq"], 3, "one's own devices hear it");
        alice.settle().await;
        assert_eq!(alice.now("read").len(), 1, "nothing after it was turned off");
        let news = &alice.now("delivered")[before..];
        assert!(news.is_empty(), "nor when it was read: {news:?}");
        assert_eq!(marks_of(&alice, "bob").await, (json!(3), json!(0)));
        let page = ok(&bob, "conversations", json!({})).await;
        assert_eq!(page["conversations"][0]["unread"], 1, "it is stored all the same");
        set(true).await;
        assert_eq!(marks_of(&alice, "bob").await, (json!(3), json!(3)));
        ok(&bob, "read", seq(4)).await;
        assert_eq!(alice.event("read", 1).await["seq"], 4);
        house.end().await;
    }
}

#[tokio::test]
async fn what_moved_tells_no_read_marks_without_read_receipts() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let at = alice.event("caught_up", 0).await;
    alice.send("bob", 1).await;
    ok(&bob, "privacy_set", json!({"readReceipts": false})).await;
    ok(&bob, "read", json!({"messageId": "dm:alice:bob:1"})).await;
    let synced = ok(&alice, "sync", json!({"epoch": at["epoch"], "pos": at["pos"]})).await;
    let marks = &synced["conversations"][0]["watermarks"];
    let bobs = marks.as_array().expect("watermarks").iter().find(|m| m["userId"] == "bob");
    let bobs = bobs.expect("of bob");
    assert_eq!((&bobs["delivered"], &bobs["read"]), (&json!(1), &json!(0)));
    house.end().await;
}

#[tokio::test]
async fn a_profile_is_public_and_merged_field_by_field() {
    let house = house().await;
    let (phone, laptop) = (house.device("alice", "a").await, house.device("alice", "b").await);
    let bob = house.device("bob", "b").await;
    let of_alice = async |client: &Client| {
        let mut profile = ok(client, "profile_get", json!({"userId": "alice"})).await;
        profile.as_object_mut().expect("an object").remove("status");
        profile
    };
    let blank = json!({"userId": "alice", "name": null, "avatarUrl": null, "about": null});
    assert_eq!(of_alice(&bob).await, blank);
    let set = json!({"name": " Alice A. ", "about": "two\nlines"});
    let answer = ok(&phone, "profile_set", set.clone()).await;
    assert_eq!(answer["name"], "Alice A.");
    let now =
        json!({"userId": "alice", "name": "Alice A.", "avatarUrl": null, "about": "two\nlines"});
    assert_eq!(laptop.event("profile", 0).await, now);
    ok(&phone, "profile_set", set).await;
    ok(&phone, "profile_set", json!({"avatarUrl": "https://x.example/a.png"})).await;
    ok(&phone, "profile_set", json!({"about": ""})).await;
    let now = json!({
        "userId": "alice", "name": "Alice A.", "avatarUrl": "https://x.example/a.png",
        "about": null,
    });
    assert_eq!(of_alice(&bob).await, now);
    assert_eq!(laptop.events("profile", 3).await.len(), 3, "what changes nothing is not told");
    bob.settle().await;
    assert!(bob.now("profile").is_empty());
    house.end().await;
}

#[tokio::test]
async fn fields_of_profiles_are_refused_by_name_and_at_their_limits() {
    let limits = Limits {
        name_bytes_max: 4,
        avatar_url_bytes_max: 10,
        about_bytes_max: 5,
        ..Limits::default()
    };
    let house = House::new(plan(limits)).await;
    let alice = house.device("alice", "a").await;
    for (payload, said) in [
        (json!({}), "name"),
        (json!({"name": 1}), "name"),
        (json!({"name": "12345"}), "name"),
        (json!({"name": "a\tb"}), "name"),
        (json!({"avatarUrl": "https://xyz"}), "avatarUrl"),
        (json!({"avatarUrl": "ftp://x"}), "avatarUrl"),
        (json!({"avatarUrl": "data:,x"}), "avatarUrl"),
        (json!({"about": "123456"}), "about"),
        (json!({"about": "\u{0}"}), "about"),
    ] {
        refused(&alice.call("profile_set", payload).await, "invalid_argument", said);
    }
    let edge = json!({"name": "1234", "avatarUrl": "https://xy", "about": "12345"});
    ok(&alice, "profile_set", edge).await;
    refused(&alice.call("profile_get", json!({})).await, "invalid_argument", "userId");
    for (payload, said) in [
        (json!({}), "query"),
        (json!({"query": " "}), "query"),
        (json!({"query": 7}), "query"),
        (json!({"query": "x".repeat(257)}), "query"),
        (json!({"query": "x", "cursor": "x"}), "cursor"),
        (json!({"query": "x", "limit": 101}), "limit"),
    ] {
        refused(&alice.call("users", payload).await, "invalid_argument", said);
    }
    ok(&alice, "users", json!({"query": "x".repeat(256), "limit": 100})).await;
    house.end().await;
}

async fn found(client: &Client, query: &str) -> Vec<String> {
    let (mut names, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let page = ok(client, "users", json!({"query": query, "cursor": cursor, "limit": 1})).await;
        let users = page["users"].as_array().expect("users").iter();
        names.extend(users.map(|user| user["userId"].as_str().expect("an id").to_owned()));
        cursor = page["cursor"].clone();
        if cursor.is_null() {
            names.sort();
            return names;
        }
    }
}

#[tokio::test]
async fn people_are_found_by_id_and_name_but_not_across_a_block() {
    let house = house().await;
    let (ada, bob) = (house.device("ada", "a").await, house.device("bob", "b").await);
    let carol = house.device("carol", "c").await;
    ok(&ada, "profile_set", json!({"name": "Ada Lovelace"})).await;
    ok(&bob, "profile_set", json!({"name": "Adam"})).await;
    assert_eq!(found(&carol, "AD").await, ["ada", "bob"]);
    assert_eq!(found(&carol, "love ada").await, ["ada"]);
    assert_eq!(found(&carol, "bo").await, ["bob"]);
    assert!(found(&carol, "carol").await.is_empty(), "who has no profile is not found");
    ok(&ada, "block", json!({"userId": "bob"})).await;
    assert_eq!(found(&ada, "ad").await, ["ada"]);
    assert_eq!(found(&bob, "ad").await, ["bob"]);
    assert_eq!(found(&carol, "ad").await, ["ada", "bob"]);
    house.end().await;
}

#[tokio::test]
async fn the_name_in_a_token_counts_while_the_user_gives_none() {
    let data = tempfile::tempdir().expect("a directory");
    let here = House::on(data.path(), plan(Limits::default())).await;
    let bob = here.device("bob", "b").await;
    let name = async || {
        // It is noted beside the connection's way in, so perhaps a moment later.
        for _ in 0..1_000 {
            let profile = ok(&bob, "profile_get", json!({"userId": "alice"})).await;
            if !profile["name"].is_null() {
                return profile["name"].clone();
            }
            tokio::task::yield_now().await;
        }
        Value::Null
    };
    let alice = here.device("alice;name=Alice Token", "a").await;
    assert_eq!(name().await, "Alice Token");
    assert_eq!(found(&bob, "token").await, ["alice"]);
    ok(&alice, "profile_set", json!({"name": "Own"})).await;
    let _again = here.device("alice;name=Changed", "a2").await;
    assert_eq!(name().await, "Own");
    let _bad = here.device(&format!("carol;name={}", "x".repeat(257)), "c").await;
    let carol = ok(&bob, "profile_get", json!({"userId": "carol"})).await;
    assert_eq!(carol["name"], Value::Null);
    drop((alice, _again, _bad));
    drop(bob);
    here.end().await;
    let here = House::on(data.path(), plan(Limits::default())).await;
    let bob = here.device("bob", "b").await;
    let kept = ok(&bob, "profile_get", json!({"userId": "alice"})).await;
    assert_eq!(kept["name"], "Own");
    here.end().await;
}
