//! Connection state recovery from the log, as a stock client goes through it.

use crate::support::client::Heard;
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

/// Connects and asks for recovery, with what an earlier connection left.
async fn open(house: &House, user: &str, left: Option<(Value, Option<String>)>) -> Client {
    let mut auth = json!({ "token": user, "deviceId": "d", "recovery": true });
    if let Some((pid, offset)) = left {
        auth["pid"] = pid;
        auth["offset"] = offset.map_or(Value::Null, Value::from);
    }
    let client = Client::connect(house.address, auth).await;
    client.event("ready", 0).await;
    client
}

fn contents(messages: &[Value]) -> Vec<Value> {
    messages.iter().map(|message| message["content"].clone()).collect()
}

/// What was heard before the CONNECT was answered.
fn before_the_answer(client: &Client) -> Vec<Heard> {
    let heard = client.heard();
    let answer = heard.iter().position(|heard| matches!(heard, Heard::Connected(_)));
    heard[..answer.expect("it is answered")].to_vec()
}

async fn is_recovered(client: &Client, left: &(Value, Option<String>), sid: &Value) -> bool {
    let answer = client.answered().await;
    let recovered = answer["pid"] == left.0;
    assert_eq!(client.event("ready", 0).await["recovered"], recovered);
    assert_eq!(answer["sid"] == *sid, recovered, "the id comes back with the pid");
    recovered
}

#[tokio::test]
async fn a_recovered_socket_has_its_id_and_hears_what_it_missed_before_the_answer() {
    let house = house().await;
    let alice = house.device("alice", "a").await;
    let bob = open(&house, "bob", None).await;
    assert_eq!(bob.event("ready", 0).await["recovered"], false);
    let sid = bob.answered().await["sid"].clone();
    alice.send("bob", "had").await;
    bob.event("private_message", 0).await;
    let left = bob.recovery().await;
    drop(bob);
    alice.send("bob", 1).await;
    alice.send("bob", 2).await;

    let bob = open(&house, "bob", Some(left.clone())).await;
    assert!(is_recovered(&bob, &left, &sid).await);
    let early: Vec<Value> = before_the_answer(&bob)
        .into_iter()
        .filter_map(|heard| match heard {
            Heard::Event(name, payload) if name == "private_message" => Some(payload),
            _ => None,
        })
        .collect();
    assert_eq!(contents(&early), [1, 2]);
    alice.send("bob", "live").await;
    assert_eq!(bob.event("private_message", 2).await["content"], "live");
    assert_eq!(house.service.stats().recovered, 1);
    house.end().await;
}

#[tokio::test]
async fn recovery_works_again_and_again_and_after_a_restart() {
    let data = tempfile::tempdir().expect("a directory");
    let mut house = House::on(data.path(), plan(Limits::default())).await;
    let bob = open(&house, "bob", None).await;
    let sid = bob.answered().await["sid"].clone();
    let mut left = bob.recovery().await;
    drop(bob);
    for round in 0..4 {
        if round % 2 == 1 {
            house.end().await;
            house = House::on(data.path(), plan(Limits::default())).await;
        }
        house.device("alice", "a").await.send("bob", round).await;
        let bob = open(&house, "bob", Some(left.clone())).await;
        assert!(is_recovered(&bob, &left, &sid).await, "round {round}");
        assert_eq!(contents(&bob.now("private_message")), [round]);
        left = bob.recovery().await;
    }
    house.end().await;
}

#[tokio::test]
async fn a_socket_that_is_still_open_elsewhere_is_taken_over() {
    let house = house().await;
    let alice = house.device("alice", "a").await;
    let half_open = open(&house, "bob", None).await;
    let sid = half_open.answered().await["sid"].clone();
    let left = half_open.recovery().await;
    let bob = open(&house, "bob", Some(left.clone())).await;
    assert!(is_recovered(&bob, &left, &sid).await);
    half_open.closed().await;
    assert!(half_open.now("closing").is_empty());
    let devices = alice.call("devices", json!({})).await;
    assert_eq!(devices["status"], "ok");
    let listed = bob.call("devices", json!({})).await;
    let sessions = listed["devices"][0]["sessions"].as_array().expect("a list");
    assert_eq!((sessions.len(), &sessions[0]["sessionId"]), (1, &sid));
    alice.send("bob", "live").await;
    bob.event("private_message", 0).await;
    house.end().await;
}

#[tokio::test]
async fn only_who_asks_gets_offsets_and_each_event_that_counts_ends_in_one() {
    let house = house().await;
    let alice = house.device("alice", "a").await;
    alice.send("bob", "before").await;
    let (plain, bob) = (house.device("bob", "plain").await, open(&house, "bob", None).await);
    assert_eq!(contents(&bob.now("private_message")), ["before"]);
    assert_eq!(plain.recovery().await, (Value::Null, None));
    let first = bob.recovery().await.1.expect("caught_up has one");
    alice.send("bob", "live").await;
    bob.event("private_message", 1).await;
    plain.event("private_message", 1).await;
    let second = bob.recovery().await.1.expect("a message has one");
    assert_ne!(first, second);
    let epoch = bob.event("ready", 0).await["epoch"].clone();
    assert_eq!(second, format!("{}.2", epoch.as_str().expect("a text")));
    assert_eq!(plain.recovery().await.1, None);
    let answer = plain.answered().await;
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(1), "no pid: {answer}");
    house.end().await;
}

#[tokio::test]
async fn beyond_its_bounds_it_is_a_new_socket_that_resumes() {
    let limits = Limits { recovery_entries_max: 2, resume_entries_max: 3, ..Limits::default() };
    let house = House::new(plan(limits)).await;
    let alice = house.device("alice", "a").await;
    let bob = open(&house, "bob", None).await;
    let sid = bob.answered().await["sid"].clone();
    let left = bob.recovery().await;
    drop(bob);
    for (missed, recovered) in [(2, true), (3, false), (4, false)] {
        while alice.call("sync", json!({"epoch": "1", "pos": 0})).await["pos"] != missed {
            alice.send("bob", "more").await;
        }
        let bob = open(&house, "bob", Some(left.clone())).await;
        assert_eq!(is_recovered(&bob, &left, &sid).await, recovered, "{missed} missed");
        let pushed = if missed <= 3 { missed as usize } else { 0 };
        assert_eq!(bob.now("private_message").len(), pushed);
        assert_eq!(bob.now("snapshot").len(), usize::from(missed > 3));
    }
    house.end().await;
}

#[tokio::test]
async fn what_was_missed_too_long_ago_is_not_recovered_but_resumed() {
    let house = House::new(plan(Limits { recovery_age_max_ms: 0, ..Limits::default() })).await;
    let alice = house.device("alice", "a").await;
    let bob = open(&house, "bob", None).await;
    let sid = bob.answered().await["sid"].clone();
    let left = bob.recovery().await;
    drop(bob);
    let bob = open(&house, "bob", Some(left.clone())).await;
    assert!(is_recovered(&bob, &left, &sid).await, "nothing was missed");
    drop(bob);
    let sent = alice.send("bob", 1).await["ts"].as_u64().expect("a time");
    let now = || {
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970");
        since.as_millis() as u64
    };
    while now() <= sent {
        tokio::task::yield_now().await;
    }
    let bob = open(&house, "bob", Some(left.clone())).await;
    assert!(!is_recovered(&bob, &left, &sid).await);
    assert_eq!(contents(&bob.now("private_message")), [1]);
    house.end().await;
}

#[tokio::test]
async fn a_pid_is_good_for_its_own_user_and_device_alone() {
    let house = house().await;
    let bob = open(&house, "bob", None).await;
    let sid = bob.answered().await["sid"].clone();
    let left = bob.recovery().await;
    drop(bob);
    let carol = open(&house, "carol", Some(left.clone())).await;
    assert!(!is_recovered(&carol, &left, &sid).await);
    let auth = json!({
        "token": "bob", "deviceId": "other", "recovery": true, "pid": left.0, "offset": left.1,
    });
    let other = Client::connect(house.address, auth).await;
    assert!(!is_recovered(&other, &left, &sid).await);
    for (pid, offset) in [("forged", left.1.as_deref()), ("", None), ("é", Some("1.1"))] {
        let left = (json!(pid), offset.map(str::to_owned));
        let bob = open(&house, "bob", Some(left.clone())).await;
        assert!(!is_recovered(&bob, &left, &sid).await, "{pid}");
    }
    for offset in [None, Some("x".to_owned()), Some("1.0".to_owned())] {
        let left = (left.0.clone(), offset);
        let bob = open(&house, "bob", Some(left.clone())).await;
        assert!(!is_recovered(&bob, &left, &sid).await, "{left:?}");
    }
    house.end().await;
}

#[tokio::test]
async fn an_offset_of_another_user_or_device_confirms_nothing() {
    let house = house().await;
    let alice = house.device("alice", "a").await;
    let bob = open(&house, "bob", None).await;
    bob.mute();
    alice.send("carol", "for carol").await;
    alice.send("bob", "for bob").await;
    bob.event("private_message", 0).await;
    // Stock clients keep both over a sign-out: only the token is replaced.
    let left = bob.recovery().await;
    drop(bob);
    let carol = open(&house, "carol", Some(left.clone())).await;
    assert_eq!(contents(&carol.now("private_message")), ["for carol"]);
    let auth = json!({
        "token": "bob", "deviceId": "other", "recovery": true, "pid": left.0, "offset": left.1,
    });
    let other = Client::connect(house.address, auth).await;
    assert_eq!(contents(&other.now("private_message")), ["for bob"]);
    house.end().await;
}

#[tokio::test]
async fn a_recovery_costs_no_other_connection_its_place() {
    let mut plan = plan(Limits::default());
    plan.settings.limits.connections_per_user_max = 2;
    let house = House::new(plan).await;
    let quiet = house.device("bob", "quiet").await;
    quiet.mute();
    let half_open = open(&house, "bob", None).await;
    let left = half_open.recovery().await;
    let sid = half_open.answered().await["sid"].clone();
    half_open.settle().await;
    let bob = open(&house, "bob", Some(left.clone())).await;
    assert!(is_recovered(&bob, &left, &sid).await);
    half_open.closed().await;
    quiet.settle().await;
    assert!(quiet.now("closing").is_empty());
    house.end().await;
}

#[tokio::test]
async fn token_and_device_are_checked_again() {
    let house = house().await;
    let bob = open(&house, "bob;iat=5", None).await;
    let left = bob.recovery().await;
    let laptop = house.device("bob;iat=5", "laptop").await;
    laptop.call("device_revoke", json!({ "deviceId": "d" })).await;
    bob.closed().await;
    let auth = |token: &str| {
        json!({
            "token": token, "deviceId": "d", "recovery": true, "pid": left.0, "offset": left.1,
        })
    };
    for (token, code) in [("bob;iat=5", "device_revoked"), ("bob;exp=5", "token_expired")] {
        let refused = Client::open(house.address, auth(token)).await;
        let error = refused.wait(|heard| match heard {
            Heard::Refused(error) => Some(error.clone()),
            _ => None,
        });
        assert_eq!(error.await["message"], code);
    }
    house.end().await;
}

#[tokio::test]
async fn what_the_user_said_elsewhere_while_away_is_among_what_was_missed() {
    let house = house().await;
    let (alice, laptop) = (house.device("alice", "a").await, house.device("bob", "laptop").await);
    let bob = open(&house, "bob", None).await;
    let sid = bob.answered().await["sid"].clone();
    let left = bob.recovery().await;
    drop(bob);
    alice.send("bob", 1).await;
    laptop.send("alice", 2).await;
    alice.send("bob", 3).await;
    let bob = open(&house, "bob", Some(left.clone())).await;
    assert!(is_recovered(&bob, &left, &sid).await);
    assert_eq!(contents(&bob.now("private_message")), [1, 2, 3]);
    house.end().await;
}
