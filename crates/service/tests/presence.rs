//! Presence over sockets: who is told, when, and how often.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::client::{Heard, PATIENCE};
use crate::support::faulty::{Faults, Faulty};
use crate::support::{Between, Client, House, Plan};
use parlor_chat::limits::Limits;
use parlor_chat::store::Store;
use parlor_service::{Mode, Settings};
use serde_json::{Value, json};

/// Longer than any test: within it nobody becomes offline.
const FOREVER_MS: u64 = 3_600_000;

fn with(limits: Limits) -> Plan {
    Plan { settings: Settings { limits, ..Settings::default() }, ..Plan::default() }
}

/// Windows as short as can be, so that what is told is told soon.
fn quick(presence_grace_ms: u64) -> Limits {
    Limits { presence_grace_ms, presence_gather_ms: 1, ..Limits::default() }
}

fn said(user: &str, online: bool) -> Value {
    json!({"userId": user, "online": online, "lastSeen": null})
}

fn refused(answer: &Value, code: &str, about: &str) {
    assert_eq!((&answer["status"], &answer["code"]), (&json!("error"), &json!(code)), "{answer}");
    assert!(answer["error"].as_str().expect("a text").contains(about), "{answer}");
}

async fn subscribe(client: &Client, users: &[&str]) -> Vec<Value> {
    let answer = client.call("presence_subscribe", json!({"userIds": users})).await;
    assert_eq!(answer["status"], "ok", "{answer}");
    answer["presence"].as_array().expect("a list").clone()
}

/// Waits until something holds of which nobody is told.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "not {what}");
}

/// Waits until so many sessions are left.
async fn sessions(house: &House, count: u64) {
    until("so many sessions", || house.service.stats().sessions == count).await;
}

/// Waits until so many packets are counted, which is right after they are on their way.
async fn told(house: &House, count: u64) {
    until("so many packets", || house.service.stats().presence_told >= count).await;
    assert_eq!(house.service.stats().presence_told, count);
}

#[tokio::test]
async fn subscribers_hear_who_comes_and_goes_and_nobody_hears_of_themself() {
    let house = House::new(with(quick(0))).await;
    let (alice, stranger) = (house.device("alice", "a").await, house.device("eve", "e").await);
    let known = subscribe(&alice, &["bob", "alice"]).await;
    assert_eq!(known[0], said("bob", false));
    let own = json!({"userId": "alice", "online": true, "lastSeen": null, "devices": 1, "deviceIds": ["a"]});
    assert_eq!(known[1], own);
    let bob = house.device("bob", "b").await;
    assert_eq!(alice.event("presence", 0).await, said("bob", true));
    let second = house.device("alice", "a2").await;
    drop(bob);
    let gone = alice.event("presence", 1).await;
    assert_eq!((&gone["userId"], &gone["online"]), (&json!("bob"), &json!(false)));
    assert!(gone["lastSeen"].as_u64().is_some_and(|at| at > 1_700_000_000_000), "{gone}");
    let asked = stranger.call("presence", json!({"userIds": ["bob"]})).await;
    assert_eq!(asked["presence"], json!([gone]));
    drop(second);
    sessions(&house, 2).await;
    let _bob = house.device("bob", "b").await;
    alice.event("presence", 2).await;
    assert_eq!(alice.now("presence").len(), 3);
    assert!(stranger.now("presence").is_empty());
    assert_eq!(house.service.stats().presence_subscriptions, 1);
    told(&house, 3).await;
    house.end().await;
}

#[tokio::test]
async fn a_return_within_the_grace_says_nothing_to_anybody() {
    let house = House::new(with(quick(FOREVER_MS))).await;
    let alice = house.device("alice", "a").await;
    let bob = house.device("bob", "b").await;
    assert_eq!(subscribe(&alice, &["bob", "carol"]).await[0]["online"], true);
    drop(bob);
    sessions(&house, 1).await;
    let asked = alice.call("presence", json!({"userIds": ["bob"]})).await;
    let in_grace = json!({"userId": "bob", "online": true, "lastSeen": null, "devices": 0});
    assert_eq!(asked["presence"], json!([in_grace]));
    let _bob = house.device("bob", "b").await;
    let _carol = house.device("carol", "c").await;
    // Told in the order of what is due: what bob did would have come before.
    assert_eq!(alice.event("presence", 0).await, said("carol", true));
    assert_eq!(alice.now("presence").len(), 1);
    house.end().await;
}

#[tokio::test]
async fn several_sessions_are_one_user_and_devices_are_counted() {
    let house = House::new(with(quick(0))).await;
    let alice = house.device("alice", "a").await;
    let (phone, laptop) = (house.device("bob", "phone").await, house.device("bob", "laptop").await);
    let shared = Client::connect(house.address, json!({"token": "bob"})).await;
    let again = house.device("bob", "phone").await;
    assert_eq!(subscribe(&alice, &["bob"]).await[0]["devices"], 3);
    let own = phone.call("presence", json!({"userIds": ["bob"]})).await;
    assert_eq!(own["presence"][0]["deviceIds"], json!([null, "laptop", "phone"]));
    drop((phone, laptop, shared));
    sessions(&house, 2).await;
    assert_eq!(subscribe(&alice, &["bob"]).await[0]["devices"], 1);
    drop(again);
    assert_eq!(alice.event("presence", 0).await["online"], false);
    assert_eq!(alice.now("presence").len(), 1);
    house.end().await;
}

#[tokio::test]
async fn subscriptions_end_when_asked_and_with_their_session() {
    let house = House::new(with(quick(FOREVER_MS))).await;
    let alice = house.device("alice", "a").await;
    let other = house.device("alice", "a2").await;
    subscribe(&alice, &["bob", "carol"]).await;
    subscribe(&other, &["bob"]).await;
    assert_eq!(house.service.stats().presence_subscriptions, 3);
    let answer = alice.call("presence_unsubscribe", json!({"userIds": ["bob", "nobody"]})).await;
    assert_eq!(answer, json!({"status": "ok"}));
    let (_bob, _carol) = (house.device("bob", "b").await, house.device("carol", "c").await);
    assert_eq!(other.event("presence", 0).await, said("bob", true));
    assert_eq!(alice.event("presence", 0).await, said("carol", true));
    assert_eq!(alice.now("presence").len(), 1);
    drop(alice);
    sessions(&house, 3).await;
    assert_eq!(house.service.stats().presence_subscriptions, 1);
    let back = house.device("alice", "a").await;
    let _dave = house.device("dave", "d").await;
    back.settle().await;
    assert!(back.now("presence").is_empty());
    house.end().await;
}

#[tokio::test]
async fn bad_lists_and_too_many_are_refused_by_name_at_their_edges() {
    let limits = Limits { presence_users_max: 2, presence_subscriptions_max: 3, ..quick(0) };
    let house = House::new(with(limits)).await;
    let alice = house.device("alice", "a").await;
    for command in ["presence", "presence_subscribe", "presence_unsubscribe"] {
        for (payload, about) in [
            (json!({}), "userIds is required"),
            (json!({"userIds": "bob"}), "userIds must be an array of 1 to 2 strings"),
            (json!({"userIds": []}), "userIds must be an array of 1 to 2 strings"),
            (json!({"userIds": ["1", "2", "3"]}), "userIds must be an array of 1 to 2 strings"),
            (json!({"userIds": ["bob", ""]}), "userIds must be strings of 1 to 128 bytes"),
            (json!([]), "payload must be an object"),
        ] {
            refused(&alice.call(command, payload).await, "invalid_argument", about);
        }
    }
    subscribe(&alice, &["1", "2"]).await;
    subscribe(&alice, &["2", "3"]).await;
    // Oneself is not subscribed to.
    subscribe(&alice, &["alice", "1"]).await;
    let over = alice.call("presence_subscribe", json!({"userIds": ["3", "4"]})).await;
    refused(&over, "too_many_subscriptions", "as many users as allowed");
    alice.call("presence_unsubscribe", json!({"userIds": ["1"]})).await;
    subscribe(&alice, &["3", "4"]).await;
    assert_eq!(house.service.stats().presence_subscriptions, 3);
    house.end().await;
}

#[tokio::test]
async fn who_is_blocked_sees_somebody_who_is_never_there() {
    let house = House::new(with(quick(0))).await;
    let (bob, mallory) = (house.device("bob", "b").await, house.device("mallory", "m").await);
    let alice = house.device("alice", "a").await;
    assert_eq!(subscribe(&mallory, &["bob"]).await[0]["online"], true);
    subscribe(&alice, &["bob"]).await;
    assert_eq!(bob.call("block", json!({"userId": "mallory"})).await["status"], "ok");
    assert_eq!(mallory.event("presence", 0).await, said("bob", false));
    let asked = mallory.call("presence", json!({"userIds": ["bob"]})).await;
    assert_eq!(asked["presence"], json!([said("bob", false)]));
    drop(bob);
    let gone = alice.event("presence", 0).await;
    assert!(gone["lastSeen"].is_u64(), "{gone}");
    let asked = mallory.call("presence", json!({"userIds": ["bob"]})).await;
    assert_eq!(asked["presence"], json!([said("bob", false)]), "nor since when");
    let bob = house.device("bob", "b").await;
    assert_eq!(alice.event("presence", 1).await, said("bob", true));
    assert_eq!(subscribe(&mallory, &["bob"]).await, [said("bob", false)]);
    assert_eq!(bob.call("unblock", json!({"userId": "mallory"})).await["status"], "ok");
    assert_eq!(mallory.event("presence", 1).await, said("bob", true));
    assert_eq!((mallory.now("presence").len(), alice.now("presence").len()), (2, 2));
    // The one who blocks sees the other as before.
    assert_eq!(subscribe(&bob, &["mallory"]).await[0]["online"], true);
    house.end().await;
}

#[tokio::test]
async fn privacy_says_who_sees_and_a_change_of_it_is_told() {
    let house = House::new(with(quick(FOREVER_MS))).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    assert_eq!(subscribe(&alice, &["bob"]).await[0]["online"], true);
    bob.call("privacy_set", json!({"online": "contacts", "lastSeen": "nobody"})).await;
    let told = alice.event("presence", 0).await;
    assert_eq!((&told["online"], &told["lastSeen"]), (&json!(false), &Value::Null));
    let once = alice.call("presence", json!({"userIds": ["bob"]})).await;
    assert_eq!(once["presence"][0]["online"], false);
    bob.call("contact_add", json!({"userId": "alice"})).await;
    assert_eq!(alice.event("presence", 1).await["online"], true);
    house.end().await;
}

#[tokio::test]
async fn last_seen_survives_a_restart_as_the_last_connect_of_a_device() {
    let data = tempfile::tempdir().expect("a directory");
    let house = House::on(data.path(), with(quick(0))).await;
    let (_bob, alice) = (house.device("bob", "b").await, house.device("alice", "a").await);
    let _shared = Client::connect(house.address, json!({"token": "carol"})).await;
    let devices = _bob.call("devices", json!({})).await;
    let connected = devices["devices"][0]["lastSeenAt"].clone();
    assert!(connected.is_u64(), "{devices}");
    drop(alice);
    house.end().await;
    let house = House::on(data.path(), with(quick(0))).await;
    let alice = house.device("alice", "a").await;
    let known = subscribe(&alice, &["bob", "carol", "nobody"]).await;
    assert_eq!(known[0], json!({"userId": "bob", "online": false, "lastSeen": connected}));
    assert_eq!(known[1..], [said("carol", false), said("nobody", false)]);
    house.end().await;
}

/// A house whose store fails as told, and which remembers nothing of who may see whom.
async fn forgetful(faults: &Arc<Faults>) -> House {
    let faults = Arc::clone(faults);
    let limits = Limits { visibility_remembered_max: 0, ..quick(0) };
    let wrap: Between<dyn Store> = Box::new(move |store| Arc::new(Faulty { store, faults }));
    House::new(Plan { wrap, ..with(limits) }).await
}

#[tokio::test]
async fn what_the_store_cannot_say_subscribes_to_nobody() {
    let faults = Arc::new(Faults::default());
    let house = forgetful(&faults).await;
    let alice = house.device("alice", "a").await;
    faults.blocks.store(1, Ordering::SeqCst);
    let answer = alice.call("presence_subscribe", json!({"userIds": ["bob"]})).await;
    refused(&answer, "unavailable", "");
    assert_eq!(house.service.stats().presence_subscriptions, 0);
    subscribe(&alice, &["bob"]).await;
    house.end().await;
}

#[tokio::test]
async fn who_may_see_a_change_is_asked_until_the_store_says_so() {
    let faults = Arc::new(Faults::default());
    let house = forgetful(&faults).await;
    let alice = house.device("alice", "a").await;
    subscribe(&alice, &["bob"]).await;
    faults.blocks.store(2, Ordering::SeqCst);
    let _bob = house.device("bob", "b").await;
    assert_eq!(alice.event("presence", 0).await, said("bob", true));
    assert_eq!(faults.blocks.load(Ordering::SeqCst), 0);
    house.end().await;
}

#[tokio::test]
async fn that_users_leave_a_server_which_goes_down_is_nobodys_news() {
    let house = House::new(with(quick(0))).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let carol = house.device("carol", "c").await;
    subscribe(&alice, &["bob", "carol"]).await;
    drop(carol);
    alice.event("presence", 0).await;
    house.service.close();
    drop(bob);
    sessions(&house, 1).await;
    let asked = alice.call("presence", json!({"userIds": ["bob"]})).await;
    assert_eq!(asked["presence"][0]["online"], false);
    house.service.drain().await;
    alice.settle().await;
    assert_eq!(alice.now("presence").len(), 1);
    house.end().await;
}

/// N users, each watched by W sockets, all of whom lose their connections and come back.
#[tokio::test]
async fn a_storm_tells_as_much_as_subscriptions_warrant() {
    const USERS: usize = 40;
    const WATCHERS: usize = 5;
    let names: Vec<String> = (0..USERS).map(|n| format!("user{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let online = async |house: &House| {
        let mut clients = Vec::new();
        for name in &names {
            clients.push(house.device(name, "d").await);
        }
        clients
    };
    let watchers = async |house: &House| {
        let mut clients = Vec::new();
        for n in 0..WATCHERS {
            let client = house.device(&format!("watcher{n}"), "d").await;
            let known = subscribe(&client, &names).await;
            assert!(known.iter().all(|line| line["online"] == true));
            subscribe(&client, &["last"]).await;
            clients.push(client);
        }
        clients
    };

    let house = House::new(with(quick(FOREVER_MS))).await;
    let users = online(&house).await;
    let watching = watchers(&house).await;
    drop(users);
    sessions(&house, WATCHERS as u64).await;
    let _users = online(&house).await;
    let _last = house.device("last", "d").await;
    for watcher in &watching {
        assert_eq!(watcher.event("presence", 0).await, said("last", true));
        assert_eq!(watcher.now("presence").len(), 1, "nothing within the grace but of the last");
    }
    told(&house, WATCHERS as u64).await;
    house.end().await;

    let house = House::new(with(Limits { presence_gather_ms: 50, ..quick(20) })).await;
    let users = online(&house).await;
    let watching = watchers(&house).await;
    drop(users);
    for watcher in &watching {
        let heard = watcher.events("presence", USERS).await;
        assert!(heard.iter().all(|said| said["online"] == false));
    }
    let _users = online(&house).await;
    let _last = house.device("last", "d").await;
    for watcher in &watching {
        let heard = watcher.events("presence", 2 * USERS + 1).await;
        assert_eq!(heard.len(), 2 * USERS + 1);
        for name in &names {
            let of = heard.iter().filter(|said| said["userId"] == **name);
            let states: Vec<_> = of.map(|said| said["online"] == true).collect();
            assert_eq!(states, [false, true], "{name}");
        }
    }
    told(&house, (WATCHERS * (2 * USERS + 1)) as u64).await;
    house.end().await;
}

/// What a client knows by the order in which it hears answers and events, whatever raced.
#[tokio::test]
async fn no_event_overtakes_an_answer_and_none_repeats_what_is_known() {
    let limits = Limits { presence_gather_ms: 0, ..quick(0) };
    // No bound on rates.
    let settings = Settings { limits, mode: Mode::Development, ..Settings::default() };
    let house = House::new(Plan { shards: 2, settings, ..Plan::default() }).await;
    let alice = house.device("alice", "a").await;
    let flips = async {
        while alice.now("presence").len() < 50 {
            let bob = house.device("bob", "b").await;
            bob.raw("41").await;
        }
    };
    let asks = async {
        loop {
            let mut asked = Vec::new();
            for _ in 0..20 {
                let payload = json!({"userIds": ["bob"]});
                asked.push(alice.submit("presence_subscribe", payload).await);
            }
            for id in asked {
                alice.answer(id).await;
            }
        }
    };
    tokio::select! {
        () = flips => {}
        () = asks => {}
    }
    let _bob = house.device("bob", "b").await;
    subscribe(&alice, &["bob", "marker"]).await;
    let known = || {
        let mut known = None;
        for heard in alice.heard() {
            known = match heard {
                Heard::Ack(_, answer) if answer["presence"].is_array() => {
                    answer["presence"][0]["online"].as_bool()
                }
                Heard::Event(name, said) if name == "presence" && said["userId"] == "bob" => {
                    assert_ne!(known, said["online"].as_bool(), "{:#?}", alice.heard());
                    said["online"].as_bool()
                }
                _ => known,
            };
        }
        known
    };
    until("told the truth", || known() == Some(true)).await;
    let _marker = house.device("marker", "m").await;
    let is_marker = |said: &Value| said["userId"] == "marker";
    until("told of the marker", || alice.now("presence").iter().any(is_marker)).await;
    assert_eq!(known(), Some(true), "the last that is heard is the truth");
    house.end().await;
}
