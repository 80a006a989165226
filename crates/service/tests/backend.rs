//! What the app's own server does on behalf of users, and what they hear of it.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::client::Heard;
use crate::support::faulty::{Faults, Faulty};
use crate::support::{Client, House, Plan};
use parlor_chat::ids::UserId;
use parlor_chat::limits::Limits;
use parlor_chat::refusal::Refusal;
use parlor_service::{Answer, Backend, Settings};
use serde_json::value::RawValue;
use serde_json::{Value, json};

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(since.as_millis()).expect("before year 584942417")
}

fn raw(json: Value) -> Box<RawValue> {
    RawValue::from_string(json.to_string()).expect("JSON")
}

fn answer(answer: Answer) -> Value {
    serde_json::from_str(&answer.expect("it is done")).expect("JSON")
}

async fn send(backend: &Backend, body: Value, key: Option<&str>) -> Answer {
    backend.send(Some(&raw(body)), key).await
}

async fn refused(house: &House, token: &str) -> String {
    let client = Client::open(house.address, json!({"token": token, "deviceId": "d"})).await;
    let said = |heard: &Heard| match heard {
        Heard::Refused(said) => said["message"].as_str().map(str::to_owned),
        Heard::Connected(_) => Some("let in".to_owned()),
        _ => None,
    };
    client.wait(said).await
}

#[tokio::test]
async fn a_send_is_heard_by_both_sides_and_kept_once_under_its_key() {
    let house = House::new(Plan::default()).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let backend = house.service.backend();
    let body = json!({"from": "alice", "to": "bob", "content": {"order": 7}});
    let first = answer(send(&backend, body.clone(), Some("order-7")).await);
    assert_eq!(first["status"], "sent");
    for device in [&alice, &bob] {
        let heard = device.event("private_message", 0).await;
        assert_eq!((&heard["id"], &heard["content"]), (&first["id"], &json!({"order": 7})));
        assert_eq!(heard.get("clientId"), None, "the key is the app's own");
    }
    assert_eq!(answer(send(&backend, body.clone(), Some("order-7")).await), first);
    let other = json!({"from": "alice", "to": "bob", "content": 8});
    assert_eq!(send(&backend, other, Some("order-7")).await, Err(Refusal::Conflict));
    assert_ne!(answer(send(&backend, body, None).await)["id"], first["id"]);
    assert_eq!(alice.events("private_message", 2).await.len(), 2);
    house.end().await;
}

#[tokio::test]
async fn no_client_takes_a_key_of_the_app_first() {
    let house = House::new(Plan::default()).await;
    let alice = house.device("alice", "a").await;
    for key in ["k", "api-k", "api.k"] {
        let sent = json!({"toUserId": "bob", "content": key, "clientId": key});
        assert_eq!(alice.call("private_message", sent).await["status"], "sent");
    }
    let taken = json!({"toUserId": "bob", "content": 1, "clientId": "api·k"});
    assert_eq!(alice.call("private_message", taken).await["code"], "invalid_argument");
    let backend = house.service.backend();
    let body = json!({"from": "alice", "to": "bob", "content": "k"});
    let kept = answer(send(&backend, body, Some("k")).await);
    assert_eq!(kept["seq"], 4, "it is no repeat of what the client sent");
    let asked = json!({"conversationId": "dm:alice:bob"});
    let page = alice.call("history", asked).await;
    assert_eq!(page["messages"][0].get("clientId"), None);
    assert_eq!(page["messages"][1]["clientId"], "api.k");
    house.end().await;
}

#[tokio::test]
async fn a_send_names_what_is_wrong() {
    let limits = Limits { content_bytes_max: 10, ..Limits::default() };
    let settings = Settings { limits, ..Settings::default() };
    let house = House::new(Plan { settings, ..Plan::default() }).await;
    let backend = house.service.backend();
    for (body, key, said) in [
        (json!({"to": "b", "content": 1}), "k", "from is required"),
        (json!({"from": "a", "content": 1}), "k", "to is required"),
        (json!({"from": "a", "to": "b"}), "k", "content is required"),
        (json!({"from": 5, "to": "b", "content": 1}), "k", "from must be a string"),
        (json!({"from": "a", "to": "", "content": 1}), "k", "to must be 1 to 128 bytes"),
        (json!({"from": "a", "to": "b", "content": "12345678"}), "k", ""),
        (json!({"from": "a", "to": "b", "content": "123456789"}), "k", "larger than 10 bytes"),
        (json!({"from": "a", "to": "b", "content": 1, "clientId": "x"}), "k", "\"clientId\""),
        (json!({"from": "a", "to": "b", "content": 1}), "", "Idempotency-Key must be 1 to 64"),
        (json!({"from": "a", "to": "b", "content": 1}), "é", "Idempotency-Key must be 1 to 64"),
        (json!({"from": "a", "to": "b", "content": 1}), OLD_UUID, "older than the server"),
        (json!([1]), "k", "payload must be an object"),
    ] {
        let outcome = send(&backend, body.clone(), Some(key)).await;
        let text = outcome.err().map(|refusal| refusal.to_string()).unwrap_or_default();
        assert!(text.contains(said) && text.is_empty() == said.is_empty(), "{body}: {text}");
    }
    house.end().await;
}

/// A UUIDv7 of the year 2022.
const OLD_UUID: &str = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";

#[tokio::test]
async fn blocks_hold_and_are_told_to_the_users_devices() {
    let limits = Limits { blocks_per_user_max: 1, ..Limits::default() };
    let settings = Settings { limits, ..Settings::default() };
    let house = House::new(Plan { settings, ..Plan::default() }).await;
    let bob = house.device("bob", "b").await;
    let backend = house.service.backend();
    let block =
        async |other: &str| backend.block("bob", Some(&raw(json!({ "userId": other })))).await;
    assert_eq!(answer(block("mallory").await), json!({"status": "ok"}));
    assert_eq!(bob.event("blocked", 0).await, json!({"userId": "mallory", "blocked": true}));
    assert_eq!(answer(block("mallory").await), json!({"status": "ok"}));
    assert_eq!(block("eve").await, Err(Refusal::TooManyBlocks));
    assert!(
        block("bob").await.expect_err("oneself").to_string().contains("userId must be another")
    );
    let body = json!({"from": "mallory", "to": "bob", "content": 1});
    assert_eq!(send(&backend, body.clone(), None).await, Err(Refusal::Blocked));
    assert_eq!(answer(backend.blocks("bob").await)["blocked"], json!(["mallory"]));
    assert_eq!(answer(backend.unblock("bob", "mallory").await), json!({"status": "ok"}));
    assert_eq!(bob.event("blocked", 1).await, json!({"userId": "mallory", "blocked": false}));
    assert_eq!(answer(send(&backend, body, None).await)["status"], "sent");
    bob.settle().await;
    assert_eq!(bob.now("blocked").len(), 2, "what changes nothing is not told");
    house.end().await;
}

#[tokio::test]
async fn the_system_speaks_and_nobody_is_it() {
    let settings = Settings {
        system_user: Some(UserId::parse("system").expect("an id")),
        ..Settings::default()
    };
    let house = House::new(Plan { settings, ..Plan::default() }).await;
    let bob = house.device("bob", "b").await;
    let backend = house.service.backend();
    answer(send(&backend, json!({"to": "bob", "content": "welcome"}), None).await);
    assert_eq!(bob.event("private_message", 0).await["from"], "system");
    assert_eq!(refused(&house, "system").await, "unauthorized");
    let renewed = bob.call("renew", json!({"token": "system"})).await;
    assert_eq!(renewed["code"], "unauthorized");
    house.end().await;
}

#[tokio::test]
async fn revoked_tokens_end_their_connections_at_once_and_open_none() {
    let house = House::new(Plan::default()).await;
    let at = now_ms();
    let (old, new) = (format!("bob;iat={}", at - 1), format!("bob;iat={at}"));
    let bobs = [
        house.device("bob", "none").await,
        house.device(&old, "old").await,
        Client::connect(house.address, json!({ "token": old })).await,
        Client::connect(house.address, json!({"token": old, "deviceId": "r", "recovery": true}))
            .await,
    ];
    let stays = house.device(&new, "new").await;
    let other = house.device("alice", "a").await;
    let backend = house.service.backend();
    let body = raw(json!({ "notBefore": at }));
    let said = answer(backend.revoke_tokens("bob", Some(&body)).await);
    assert_eq!(said, json!({"status": "ok", "notBefore": at}));
    for bob in &bobs {
        assert_eq!(bob.event("closing", 0).await["code"], "device_revoked");
        bob.closed().await;
    }
    for token in [&old, "bob"] {
        assert_eq!(refused(&house, token).await, "device_revoked");
    }
    let renewed = stays.call("renew", json!({ "token": old })).await;
    assert_eq!(renewed["code"], "device_revoked");
    assert_eq!(stays.call("renew", json!({ "token": new })).await["status"], "ok");
    stays.settle().await;
    other.settle().await;
    assert_eq!(refused(&house, &new).await, "let in");
    // An earlier time changes nothing.
    let body = raw(json!({ "notBefore": 1 }));
    assert_eq!(answer(backend.revoke_tokens("bob", Some(&body)).await)["notBefore"], at);
    house.end().await;
}

#[tokio::test]
async fn tokens_are_revoked_as_of_now_unless_a_time_is_named_that_has_come() {
    let house = House::new(Plan::default()).await;
    let backend = house.service.backend();
    let before = now_ms();
    let said = answer(backend.revoke_tokens("bob", None).await);
    let holds = said["notBefore"].as_u64().expect("a time");
    assert!((before..=now_ms()).contains(&holds), "{said}");
    for (not_before, rule) in [
        (json!(now_ms() + 120_000), "notBefore must not lie in the future"),
        (json!(0), "notBefore must be a whole number from 1"),
        (json!("now"), "notBefore must be a whole number from 1"),
    ] {
        let body = raw(json!({ "notBefore": not_before }));
        let said = backend.revoke_tokens("bob", Some(&body)).await.expect_err("refused");
        assert_eq!(said.to_string(), rule);
    }
    house.end().await;
}

#[tokio::test]
async fn revoked_tokens_stay_revoked_after_a_restart() {
    let data = tempfile::tempdir().expect("a directory");
    let house = House::on(data.path(), Plan::default()).await;
    let at = now_ms();
    answer(house.service.backend().revoke_tokens("bob", None).await);
    house.end().await;
    let house = House::on(data.path(), Plan::default()).await;
    assert_eq!(refused(&house, &format!("bob;iat={}", at - 1)).await, "device_revoked");
    assert_eq!(refused(&house, &format!("bob;iat={}", now_ms())).await, "let in");
    house.end().await;
}

#[tokio::test]
async fn a_connection_that_is_being_let_in_does_not_outlive_its_token() {
    let faults = Arc::new(Faults::default());
    let wrapped = Arc::clone(&faults);
    let plan = Plan {
        wrap: Box::new(move |store| Arc::new(Faulty { store, faults: wrapped })),
        ..Plan::default()
    };
    let house = House::new(plan).await;
    let connected = house.device("bob;iat=9", "b").await;
    faults.attached.close();
    let coming = Client::open(house.address, json!({"token": "bob;iat=5", "deviceId": "d"})).await;
    faults.attached.reached().await;
    let renewing = connected.submit("renew", json!({"token": "bob;iat=6"})).await;
    connected.settle().await;
    let body = raw(json!({ "notBefore": 8 }));
    answer(house.service.backend().revoke_tokens("bob", Some(&body)).await);
    faults.attached.open();
    assert_eq!(coming.event("closing", 0).await["code"], "device_revoked");
    coming.closed().await;
    assert_eq!(coming.now("ready").len(), 0);
    // It had a good token, and has changed it for one that was revoked meanwhile.
    assert_eq!(connected.event("closing", 0).await["code"], "device_revoked");
    connected.closed().await;
    let renewed = |heard: &Heard| match heard {
        Heard::Ack(id, said) => *id == renewing && said["status"] == "ok",
        _ => false,
    };
    assert!(!connected.heard().iter().any(renewed));
    house.end().await;
}

#[tokio::test]
async fn devices_are_listed_and_revoked() {
    let house = House::new(Plan::default()).await;
    let phone = house.device("bob;iat=5", "phone").await;
    let backend = house.service.backend();
    let listed = answer(backend.devices("bob").await);
    assert_eq!(listed["devices"][0]["deviceId"], "phone");
    assert_eq!(listed["devices"][0]["sessions"].as_array().map(Vec::len), Some(1));
    assert_eq!(answer(backend.revoke_device("bob", "phone").await), json!({"status": "ok"}));
    assert_eq!(phone.event("closing", 0).await["code"], "device_revoked");
    phone.closed().await;
    assert_eq!(backend.revoke_device("bob", "phone").await, Err(Refusal::NotFound));
    assert!(backend.revoke_device("bob", &"x".repeat(65)).await.is_err());
    assert_eq!(answer(backend.devices("bob").await)["devices"], json!([]));
    house.end().await;
}

#[tokio::test]
async fn history_and_conversations_are_read_as_a_member() {
    let house = House::new(Plan::default()).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let keyed = json!({"toUserId": "bob", "content": 1, "clientId": "mine"});
    alice.call("private_message", keyed).await;
    bob.send("alice", 2).await;
    let backend = house.service.backend();
    let read = async |query: Value| {
        let page = backend.history("dm:alice:bob", Some(&raw(query))).await;
        page.map(|page| serde_json::from_str::<Value>(&page).expect("JSON"))
    };
    let page = read(json!({"after": 0})).await.expect("a page");
    assert_eq!((&page["covers"], &page["more"]), (&json!([1, 2]), &json!(false)));
    assert_eq!(page["messages"][0]["clientId"], "mine", "the first member is alice");
    let as_bob = read(json!({"as": "bob", "before": 2})).await.expect("a page");
    assert_eq!(as_bob["messages"][0].get("clientId"), None);
    assert_eq!(read(json!({"as": "eve"})).await, Err(Refusal::NotAMember));
    let over = read(json!({"limit": 201})).await.expect_err("refused").to_string();
    assert_eq!(over, "limit must be at most 200");
    assert!(read(json!({"befor": 2})).await.expect_err("refused").to_string().contains("befor"));
    assert_eq!(backend.history("dm:alice:eve", None).await, Err(Refusal::NotFound));
    assert!(backend.history("dm:bob:alice", None).await.is_err());
    let listed = answer(backend.conversations("bob", None).await);
    assert_eq!(
        (&listed["conversations"][0]["with"], &listed["cursor"]),
        (&json!("alice"), &Value::Null)
    );
    let odd = backend.conversations("bob", Some(&raw(json!({"cursor": "x"})))).await;
    assert!(odd.expect_err("refused").to_string().contains("cursor must be"));
    house.end().await;
}

#[tokio::test]
async fn writes_are_turned_away_once_the_service_drains() {
    let house = House::new(Plan::default()).await;
    let backend = house.service.backend();
    house.service.drain().await;
    let body = json!({"from": "a", "to": "b", "content": 1});
    assert_eq!(send(&backend, body, None).await, Err(Refusal::unavailable()));
    assert_eq!(backend.revoke_tokens("a", None).await, Err(Refusal::unavailable()));
    assert_eq!(backend.revoke_device("a", "d").await, Err(Refusal::unavailable()));
    assert_eq!(backend.unblock("a", "b").await, Err(Refusal::unavailable()));
    assert_eq!(answer(backend.devices("a").await)["devices"], json!([]));
    house.end().await;
}
