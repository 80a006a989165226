//! Who is let in, for how long, and what ends a session.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::client::Heard;
use crate::support::{Client, House, Plan};
use parlor_chat::limits::Limits;
use parlor_service::{Mode, Settings};
use serde_json::{Value, json};

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(since.as_millis()).expect("before year 584942417")
}

async fn refusal(house: &House, auth: Value) -> Value {
    let client = Client::open(house.address, auth).await;
    let refused = |heard: &Heard| match heard {
        Heard::Refused(said) => Some(said.clone()),
        _ => None,
    };
    client.wait(refused).await
}

fn development() -> Plan {
    let settings = Settings { mode: Mode::Development, ..Settings::default() };
    Plan { settings, ..Plan::default() }
}

#[tokio::test]
async fn ready_comes_first_and_says_who_and_what_holds() {
    let house = House::new(Plan::default()).await;
    let alice = house.device("alice", "phone").await;
    let heard = alice.heard();
    assert!(matches!(heard[0], Heard::Connected(_)));
    let Heard::Event(name, ready) = &heard[1] else { panic!("{heard:?}") };
    assert_eq!((name.as_str(), &ready["userId"]), ("ready", &json!("alice")));
    assert_eq!(ready["deviceId"], "phone");
    assert_eq!(ready["version"], "1");
    assert_eq!(ready["limits"]["contentBytes"], 65_536);
    let shared = Client::connect(house.address, json!({"token": "alice"})).await;
    let ready_shared = shared.event("ready", 0).await;
    assert_eq!(ready_shared["deviceId"], Value::Null);
    assert_eq!(ready_shared["epoch"], ready["epoch"]);
    house.end().await;
}

#[tokio::test]
async fn bad_tokens_and_devices_are_refused_with_their_code() {
    let house = House::new(Plan::default()).await;
    for (auth, code, said) in [
        (json!({}), "unauthorized", "token"),
        (json!({"token": null}), "unauthorized", "token"),
        (json!({"token": ""}), "unauthorized", "no user"),
        (json!({"token": "alice;nonsense"}), "unauthorized", "not a token"),
        (json!({"token": format!("alice;exp={}", now_ms() - 1)}), "token_expired", "expired"),
        (json!({"token": 5}), "invalid_argument", "token"),
        (json!({"token": "alice", "deviceId": ""}), "invalid_argument", "deviceId"),
        (json!({"token": "alice", "deviceId": "x".repeat(65)}), "invalid_argument", "deviceId"),
    ] {
        let said_all = refusal(&house, auth.clone()).await;
        assert_eq!(said_all["message"], code, "{auth}");
        assert_eq!(said_all["data"]["code"], code, "{auth}");
        assert!(said_all["data"]["error"].as_str().expect("a text").contains(said), "{said_all}");
    }
    house.end().await;
}

#[tokio::test]
async fn the_token_may_come_as_a_bearer_and_auth_has_precedence() {
    let house = House::new(Plan::default()).await;
    let bearer = Client::open_with(house.address, json!({"deviceId": "d"}), Some("alice")).await;
    assert_eq!(bearer.event("ready", 0).await["userId"], "alice");
    let both = Client::open_with(house.address, json!({"token": "bob"}), Some("alice")).await;
    assert_eq!(both.event("ready", 0).await["userId"], "bob");
    house.end().await;
}

#[tokio::test]
async fn the_stalest_connection_goes_and_not_the_new_one() {
    let limits = Limits { connections_per_user_max: 2, ..Limits::default() };
    let house = House::new(Plan {
        settings: Settings { limits, ..Settings::default() },
        ..Plan::default()
    })
    .await;
    let first = house.device("alice", "d1").await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let second = house.device("alice", "d2").await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    first.settle().await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let third = house.device("alice", "d3").await;
    assert_eq!(second.event("closing", 0).await["code"], "too_many_connections");
    second.closed().await;
    let bob = house.device("bob", "b").await;
    bob.send("alice", "x").await;
    first.event("private_message", 0).await;
    third.event("private_message", 0).await;
    assert_eq!(house.service.stats().replaced, 1);
    house.end().await;
}

#[tokio::test]
async fn a_token_that_ends_closes_the_connection_and_says_so() {
    let house = House::new(Plan::default()).await;
    let alice = house.device(&format!("alice;exp={}", now_ms() + 1_200), "a").await;
    let forever = house.device("alice", "b").await;
    assert_eq!(alice.event("closing", 0).await["code"], "token_expired");
    alice.closed().await;
    forever.settle().await;
    house.end().await;
}

#[tokio::test]
async fn a_renewed_token_keeps_the_connection() {
    let house = House::new(Plan::default()).await;
    let soon = now_ms() + 1_500;
    let alice = house.device(&format!("alice;exp={soon}"), "a").await;
    let doomed = house.device(&format!("alice;exp={soon}"), "b").await;
    let later = now_ms() + 600_000;
    let renewed = alice.call("renew", json!({"token": format!("alice;exp={later}")})).await;
    assert_eq!(renewed, json!({"status": "ok", "expiresAt": later}));
    for (token, code) in [
        (json!("bob"), "unauthorized"),
        (json!("alice;nonsense"), "unauthorized"),
        (json!(format!("alice;exp={}", now_ms() - 1)), "token_expired"),
        (json!(null), "invalid_argument"),
    ] {
        assert_eq!(alice.call("renew", json!({"token": token})).await["code"], code);
    }
    doomed.closed().await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    alice.settle().await;
    assert!(alice.now("closing").is_empty());
    house.end().await;
}

#[tokio::test]
async fn devices_lists_devices_and_their_sessions() {
    let house = House::new(Plan::default()).await;
    let phone = house.device("alice", "phone").await;
    let _laptop = house.device("alice", "laptop").await;
    let answer = phone.call("devices", json!({})).await;
    let devices = answer["devices"].as_array().expect("devices");
    assert_eq!(devices.len(), 2, "{answer}");
    for device in devices {
        assert_eq!(device["current"], device["deviceId"] == "phone");
        assert_eq!(device["sessions"].as_array().map(Vec::len), Some(1));
        assert_eq!(device["sessions"][0]["sessionId"].as_str().map(str::len), Some(20));
    }
    house.end().await;
}

#[tokio::test]
async fn a_revoked_device_is_closed_at_once_and_stays_closed_to_its_token() {
    let house = House::new(Plan::default()).await;
    let token = format!("alice;iat={}", now_ms());
    let (phone, laptop) =
        (house.device(&token, "phone").await, house.device(&token, "laptop").await);
    let answer = phone.call("device_revoke", json!({"deviceId": "tablet"})).await;
    assert_eq!(answer["code"], "not_found", "{answer}");
    let answer = phone.call("device_revoke", json!({})).await;
    assert_eq!(answer["code"], "invalid_argument", "{answer}");
    let answer = phone.call("device_revoke", json!({"deviceId": "laptop"})).await;
    assert_eq!(answer, json!({"status": "ok"}));
    assert_eq!(laptop.event("closing", 0).await["code"], "device_revoked");
    laptop.closed().await;
    let again = refusal(&house, json!({"token": token, "deviceId": "laptop"})).await;
    assert_eq!(again["message"], "device_revoked", "{again}");
    phone.settle().await;
    tokio::time::sleep(Duration::from_millis(2)).await;
    house.device(&format!("alice;iat={}", now_ms()), "laptop").await;
    let own = phone.call("device_revoke", json!({"deviceId": "phone"})).await;
    assert_eq!(own, json!({"status": "ok"}));
    phone.closed().await;
    house.end().await;
}

#[tokio::test]
async fn too_many_devices_are_refused_at_their_edge() {
    let limits = Limits { devices_per_user_max: 2, ..Limits::default() };
    let house = House::new(Plan {
        settings: Settings { limits, ..Settings::default() },
        ..Plan::default()
    })
    .await;
    let _two = (house.device("alice", "d1").await, house.device("alice", "d2").await);
    let _known = house.device("alice", "d1").await;
    let refused = refusal(&house, json!({"token": "alice", "deviceId": "d3"})).await;
    assert_eq!(refused["message"], "too_many_devices");
    house.end().await;
}

#[tokio::test]
async fn without_a_token_a_developer_registers_once_and_chats_by_the_tutorial() {
    let house = House::new(development()).await;
    let open = async || {
        let client = Client::open(house.address, json!({})).await;
        client.wait(|heard| matches!(heard, Heard::Connected(_)).then_some(())).await;
        client
    };
    let (ann, ben) = (open().await, open().await);
    let early = ann.call("private message", json!({"to": "ben", "message": "x"})).await;
    assert_eq!(early["code"], "not_registered", "{early}");
    assert_eq!(ann.call("history", json!({})).await["code"], "not_registered");
    let registered = ann.call("register", json!("ann")).await;
    assert_eq!(registered, json!({"status": "ok", "userId": "ann"}));
    assert_eq!(ann.call("register", json!("eve")).await["code"], "already_registered");
    ben.emit("register", json!("ben")).await;
    ben.emit("private message", json!({"to": "ann", "message": "right behind"})).await;
    let heard = ann.event("private message", 0).await;
    assert_eq!(heard, json!({"from": "ben", "message": "right behind"}));
    let modern = house.device("carol", "c").await;
    let sent = ann.call("private message", json!({"to": "carol", "message": "hello"})).await;
    assert_eq!(sent["status"], "sent", "{sent}");
    let heard = modern.event("private_message", 0).await;
    assert_eq!((&heard["from"], &heard["content"]), (&json!("ann"), &json!("hello")));
    modern.send("ann", "hello back").await;
    assert_eq!(
        ann.event("private message", 1).await,
        json!({"from": "carol", "message": "hello back"})
    );
    assert!(ann.now("private_message").is_empty());
    house.end().await;
}

#[tokio::test]
async fn a_tutorial_user_who_was_away_hears_it_on_registering() {
    let house = House::new(development()).await;
    let carol = house.device("carol", "c").await;
    carol.send("ann", "are you there?").await;
    let ann = Client::open(house.address, json!({})).await;
    ann.wait(|heard| matches!(heard, Heard::Connected(_)).then_some(())).await;
    ann.emit("register", json!({"userId": "ann"})).await;
    let heard = ann.event("private message", 0).await;
    assert_eq!(heard, json!({"from": "carol", "message": "are you there?"}));
    house.end().await;
}

#[tokio::test]
async fn in_production_nobody_comes_in_without_a_token() {
    let house = House::new(Plan::default()).await;
    assert_eq!(refusal(&house, json!({})).await["message"], "unauthorized");
    let alice = house.device("alice", "a").await;
    assert_eq!(alice.call("register", json!("eve")).await["code"], "unknown_event");
    house.end().await;
}

#[tokio::test]
async fn gone_sessions_are_forgotten() {
    let house = House::new(Plan::default()).await;
    let alice = house.device("alice", "a").await;
    assert_eq!(house.service.stats().sessions, 1);
    drop(alice);
    let gone = async {
        while house.service.stats().sessions > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("forgotten");
    house.end().await;
}
