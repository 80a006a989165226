//! The moments between reading the store and being live, one by one and on purpose.

use std::sync::Arc;
use std::time::Duration;

use crate::support::client::Heard;
use crate::support::faulty::{Faults, Faulty, Gate};
use crate::support::{Client, House, Plan};
use parlor_chat::limits::Limits;
use parlor_chat::store::{CommitSink, Committed};
use parlor_gateway::Config;
use parlor_service::Settings;
use serde_json::{Value, json};

fn seqs(messages: &[Value]) -> Vec<u64> {
    messages.iter().map(|message| message["seq"].as_u64().expect("a seq")).collect()
}

fn plan(hold_bytes_max: usize) -> (Plan, Arc<Faults>) {
    let faults = Arc::new(Faults::default());
    let given = Arc::clone(&faults);
    let limits =
        Limits { connection_rate_burst: 1_000, user_rate_burst: 1_000, ..Limits::default() };
    let plan = Plan {
        settings: Settings { limits, ..Settings::default() },
        gateway: Config {
            hold_bytes_max,
            ping_interval: Duration::from_secs(60),
            ..Config::default()
        },
        wrap: Box::new(move |store| Arc::new(Faulty { store, faults: given })),
        ..Plan::default()
    };
    (plan, faults)
}

async fn bob_is_live_with(house: &House, bob: &Client, count: u64) {
    assert_eq!(
        seqs(&bob.events("private_message", count as usize).await),
        (1..=count).collect::<Vec<_>>()
    );
    bob.event("caught_up", 0).await;
    let alice = house.device("alice", "later").await;
    alice.send("bob", "live").await;
    bob.settle().await;
    let heard = bob.events("private_message", count as usize + 1).await;
    assert_eq!(seqs(&heard), (1..=count + 1).collect::<Vec<_>>());
}

/// Bob has what was said before he came; the next was said after that was read, so that there is a
/// gap; it was read too, and waits at its gate.
async fn before_the_gap_is_closed(house: &House, faults: &Faults, alice: &Client) -> Client {
    alice.send("bob", "before").await;
    faults.first_page.close();
    faults.since.close();
    let bob = Client::open(house.address, json!({"token": "bob", "deviceId": "b"})).await;
    faults.first_page.reached().await;
    alice.send("bob", "in the gap").await;
    faults.first_page.open();
    faults.since.reached().await;
    bob
}

#[tokio::test]
async fn what_is_committed_after_the_last_read_waits_in_the_hold() {
    let (plan, faults) = plan(1 << 20);
    let house = House::new(plan).await;
    let alice = house.device("alice", "a").await;
    let bob = before_the_gap_is_closed(&house, &faults, &alice).await;
    for n in 0..50 {
        alice.send("bob", n).await;
    }
    bob.settle().await;
    assert_eq!(bob.now("private_message").len(), 1, "nothing live before it is caught up");
    faults.since.open();
    bob_is_live_with(&house, &bob, 52).await;
    assert_eq!(house.gateway().holds_overflowed, 0);
    house.end().await;
}

#[tokio::test]
async fn what_overflows_the_hold_is_read_from_the_store() {
    let (plan, faults) = plan(300);
    let house = House::new(plan).await;
    let alice = house.device("alice", "a").await;
    let bob = before_the_gap_is_closed(&house, &faults, &alice).await;
    for n in 0..50 {
        alice.send("bob", n).await;
    }
    faults.since.open();
    bob_is_live_with(&house, &bob, 52).await;
    assert_eq!(house.gateway().holds_overflowed, 1);
    house.end().await;
}

#[tokio::test]
async fn a_receipt_that_overflows_the_hold_is_told_all_the_same() {
    let (plan, faults) = plan(300);
    let house = House::new(plan).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let sent = bob.send("alice", 1).await;
    drop(bob);
    let bob = house.device("bob", "b").await;
    let caught_up = bob.event("caught_up", 0).await;
    drop(bob);
    faults.moved.close();
    let resume = json!({"epoch": caught_up["epoch"], "pos": caught_up["pos"]});
    let auth = json!({"token": "bob", "deviceId": "b", "resume": resume});
    let bob = Client::open(house.address, auth).await;
    faults.moved.reached().await;
    let read = json!({"conversationId": sent["conversationId"], "seq": 1});
    alice.call("read", read).await;
    for n in 0..10 {
        alice.send("bob", n).await;
    }
    faults.moved.open();
    bob.event("caught_up", 0).await;
    assert_eq!(house.gateway().holds_overflowed, 1);
    let moved = bob.now("moved").pop().expect("it resumes");
    let of_alice = &moved["conversations"][0]["watermarks"][0];
    assert_eq!((&of_alice["userId"], &of_alice["read"]), (&json!("alice"), &json!(1)));
    house.end().await;
}

#[tokio::test]
async fn a_device_that_cannot_close_the_gap_is_closed_so_that_it_resumes() {
    let (mut plan, faults) = plan(300);
    plan.settings.limits.catch_up_overflows_max = 0;
    let house = House::new(plan).await;
    let alice = house.device("alice", "a").await;
    let bob = before_the_gap_is_closed(&house, &faults, &alice).await;
    for n in 0..10 {
        alice.send("bob", n).await;
    }
    faults.since.open();
    assert_eq!(bob.event("closing", 0).await["code"], "overloaded");
    bob.closed().await;
    let again = house.device("bob", "b").await;
    assert_eq!(again.events("private_message", 12).await.len(), 12);
    house.end().await;
}

fn contents(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["content"].as_str().expect("a text")).collect()
}

#[tokio::test]
async fn what_the_user_says_elsewhere_meanwhile_is_heard_too() {
    let (plan, faults) = plan(1 << 20);
    let house = House::new(plan).await;
    let (alice, laptop) = (house.device("alice", "a").await, house.device("bob", "laptop").await);
    alice.send("bob", "before").await;
    faults.first_page.close();
    faults.since.close();
    let bob = Client::open(house.address, json!({"token": "bob", "deviceId": "b"})).await;
    faults.first_page.reached().await;
    laptop.send("alice", "own, in the gap").await;
    faults.first_page.open();
    faults.since.reached().await;
    laptop.send("alice", "own, in the hold").await;
    faults.since.open();
    bob.event("caught_up", 0).await;
    laptop.send("alice", "own, live").await;
    bob.settle().await;
    let heard = bob.now("private_message");
    assert_eq!(contents(&heard), ["before", "own, in the gap", "own, in the hold", "own, live"]);
    house.end().await;
}

#[tokio::test]
async fn what_a_connection_sends_while_it_catches_up_does_not_come_back_to_it() {
    for asks in [json!({}), json!({"recovery": true}), json!({"resume": true})] {
        let (plan, faults) = plan(1 << 20);
        let house = House::new(plan).await;
        let alice = house.device("alice", "a").await;
        alice.send("bob", "before").await;
        let epoch = alice.event("ready", 0).await["epoch"].clone();
        let mut auth = asks.clone();
        if asks["resume"] == true {
            auth["resume"] = json!({"epoch": epoch, "pos": 0});
        }
        (auth["token"], auth["deviceId"]) = (json!("bob"), json!("b"));
        let first = if asks["resume"] == true { &faults.since } else { &faults.first_page };
        first.close();
        let bob = Client::open(house.address, auth).await;
        first.reached().await;
        bob.send("alice", "own").await;
        alice.send("bob", "after").await;
        first.open();
        bob.event("caught_up", 0).await;
        bob.settle().await;
        assert_eq!(contents(&bob.now("private_message")), ["before", "after"], "{asks}");
        house.end().await;
    }
}

#[tokio::test]
async fn no_position_is_told_before_what_it_stands_for() {
    let (mut plan, faults) = plan(1 << 20);
    plan.settings.limits.position_interval_ms = 20;
    let house = House::new(plan).await;
    let alice = house.device("alice", "a").await;
    let caught_up = alice.event("caught_up", 0).await;
    let resume = json!({"epoch": caught_up["epoch"], "pos": caught_up["pos"]});
    let resuming = |user: &str| json!({"token": user, "deviceId": "d", "resume": resume});
    let carol = Client::connect(house.address, resuming("carol")).await;
    faults.since.close();
    let bob = Client::open(house.address, resuming("bob")).await;
    faults.since.reached().await;
    alice.send("bob", "not pushed yet").await;
    alice.send("carol", "pushed").await;
    carol.event("position", 0).await;
    bob.settle().await;
    assert!(bob.now("position").is_empty() && bob.now("private_message").is_empty());
    faults.since.open();
    bob.event("private_message", 0).await;
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovered_socket_is_greeted_before_it_is_live_however_busy_its_shard() {
    let (plan, faults) = plan(1 << 20);
    let house = House::new(plan).await;
    let alice = house.device("alice", "a").await;
    let mut auth = json!({"token": "bob", "deviceId": "b", "recovery": true});
    let bob = Client::connect(house.address, auth.clone()).await;
    let (pid, offset) = bob.recovery().await;
    drop(bob);
    (auth["pid"], auth["offset"]) = (pid, json!(offset));
    faults.since.close();
    let bob = Client::open(house.address, auth).await;
    faults.since.reached().await;
    alice.send("bob", "in the gap").await;
    faults.moved.close();
    faults.since.open();
    faults.moved.reached().await;
    // Broadcast before it is read, and read beyond what had been broadcast at the join.
    alice.send("bob", "meanwhile").await;
    faults.stalls.store(true, std::sync::atomic::Ordering::SeqCst);
    faults.moved.open();
    bob.event("caught_up", 0).await;
    bob.event("ready", 0).await;
    let order: Vec<_> = bob
        .heard()
        .into_iter()
        .filter_map(|heard| match heard {
            Heard::Connected(_) => Some("connected".to_owned()),
            Heard::Event(name, _) if name != "moved" => Some(name),
            _ => None,
        })
        .collect();
    let expected = ["private_message", "private_message", "connected", "ready", "caught_up"];
    assert_eq!(order, expected);
    house.end().await;
}

#[tokio::test]
async fn of_two_recoveries_of_a_socket_the_one_that_came_last_lives() {
    let (mut plan, faults) = plan(1 << 20);
    plan.shards = 3;
    let house = House::new(plan).await;
    let alice = house.device("alice", "a").await;
    let mut auth = json!({"token": "bob", "deviceId": "b", "recovery": true});
    let bob = Client::connect(house.address, auth.clone()).await;
    let (pid, offset) = bob.recovery().await;
    drop(bob);
    (auth["pid"], auth["offset"]) = (pid, json!(offset));
    faults.first_behind.close();
    // Its client has given up on it, but the server cannot know.
    let given_up = Client::open(house.address, auth.clone()).await;
    faults.first_behind.reached().await;
    let bob = Client::connect(house.address, auth).await;
    faults.first_behind.open();
    given_up.closed().await;
    alice.send("bob", "live").await;
    assert_eq!(bob.event("private_message", 0).await["content"], "live");
    bob.settle().await;
    assert!(!given_up.heard().iter().any(|heard| matches!(heard, Heard::Connected(_))));
    house.end().await;
}

#[tokio::test]
async fn a_socket_that_is_not_answered_hears_nothing_of_its_end() {
    let (plan, faults) = plan(1 << 20);
    let house = House::new(plan).await;
    let (alice, laptop) = (house.device("alice", "a").await, house.device("bob", "laptop").await);
    let mut auth = json!({"token": "bob", "deviceId": "b", "recovery": true});
    let bob = Client::connect(house.address, auth.clone()).await;
    let (pid, offset) = bob.recovery().await;
    drop(bob);
    alice.send("bob", "missed").await;
    (auth["pid"], auth["offset"]) = (pid, json!(offset));
    faults.since.close();
    let bob = Client::open(house.address, auth).await;
    faults.since.reached().await;
    // Stock clients keep what comes before the answer, and hear it when they are connected again.
    laptop.call("device_revoke", json!({"deviceId": "b"})).await;
    bob.closed().await;
    assert!(bob.now("closing").is_empty());
    assert!(bob.heard().contains(&Heard::Disconnected));
    house.end().await;
}

/// Bob's first page of two is out, the second waits at its gate.
async fn between_two_pages() -> (House, Arc<Faults>, Client) {
    let (mut plan, faults) = plan(1 << 20);
    plan.settings.limits.catch_up_page_entries = 1;
    plan.gateway.ping_interval = Duration::from_millis(100);
    let house = House::new(plan).await;
    let alice = house.device("alice", "a").await;
    alice.send("bob", 1).await;
    alice.send("bob", 2).await;
    faults.second_page.close();
    let bob = Client::open(house.address, json!({"token": "bob", "deviceId": "b"})).await;
    bob.event("private_message", 0).await;
    faults.second_page.reached().await;
    (house, faults, bob)
}

#[tokio::test]
async fn a_pong_to_a_ping_between_two_pages_does_not_confirm_the_second() {
    let (house, faults, bob) = between_two_pages().await;
    bob.mute();
    bob.pings(1).await;
    faults.second_page.open();
    bob.event("caught_up", 0).await;
    // The answer to the ping of before is late, and the last thing that is heard of Bob.
    bob.unmute().await;
    bob.settle().await;
    drop(bob);
    let again = house.device("bob", "b").await;
    let pushed = again.now("private_message");
    assert!(seqs(&pushed).contains(&2), "{pushed:?}");
    house.end().await;
}

#[tokio::test]
async fn a_pong_while_catching_up_does_not_keep_a_later_one_from_confirming() {
    let (house, faults, bob) = between_two_pages().await;
    bob.pings(3).await;
    faults.second_page.open();
    bob.event("caught_up", 0).await;
    bob.pings(3).await;
    drop(bob);
    let again = house.device("bob", "b").await;
    assert!(again.now("private_message").is_empty());
    house.end().await;
}

/// Lets commits be told when the test says so.
struct LateSink {
    sink: Arc<dyn CommitSink>,
    gate: Arc<Gate>,
    runtime: tokio::runtime::Handle,
}

impl CommitSink for LateSink {
    fn committed(&self, batch: &[Committed]) {
        self.runtime.block_on(self.gate.pass());
        self.sink.committed(batch);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_before_it_was_told_does_not_come_twice() {
    let gate = Arc::new(Gate::default());
    let (given, runtime) = (Arc::clone(&gate), tokio::runtime::Handle::current());
    let (plan, _) = plan(1 << 20);
    let sink = Box::new(move |sink| Arc::new(LateSink { sink, gate: given, runtime }) as Arc<_>);
    let house = House::new(Plan { sink, ..plan }).await;
    let alice = house.device("alice", "a").await;
    gate.close();
    let sent =
        alice.submit("private_message", json!({"toUserId": "bob", "content": "on its way"})).await;
    gate.reached().await;
    // A new device would wait for the writer, which waits at the gate; the shared one need not.
    let bob = Client::open(house.address, json!({"token": "bob"})).await;
    bob.event("private_message", 0).await;
    bob.settle().await;
    assert!(
        !bob.heard().iter().any(|it| matches!(it, Heard::Event(name, _) if name == "caught_up"))
    );
    gate.open();
    assert_eq!(alice.answer(sent).await["status"], "sent");
    bob_is_live_with(&house, &bob, 1).await;
    house.end().await;
}
