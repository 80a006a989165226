//! What is sent reaches every device of the reader: in order, without a gap, once.

use std::time::Duration;

use crate::support::{Client, House, Plan};
use parlor_chat::limits::Limits;
use parlor_gateway::Config;
use parlor_service::Settings;
use serde_json::{Value, json};

/// Limits that no test client runs into.
fn generous() -> Limits {
    Limits {
        user_rate_burst: 1_000_000,
        user_rate_per_second: 1_000_000,
        connection_rate_burst: 1_000_000,
        connection_rate_per_second: 1_000_000,
        ..Limits::default()
    }
}

fn plan(limits: Limits) -> Plan {
    Plan { settings: Settings { limits, ..Settings::default() }, ..Plan::default() }
}

fn seqs(messages: &[Value]) -> Vec<u64> {
    messages.iter().map(|message| message["seq"].as_u64().expect("a seq")).collect()
}

async fn submit_all(client: &Client, to: &str, numbers: std::ops::Range<u64>) -> Vec<u64> {
    let mut ids = Vec::new();
    for n in numbers {
        ids.push(client.submit("private_message", json!({"toUserId": to, "content": n})).await);
    }
    ids
}

#[tokio::test]
async fn each_device_of_both_hears_and_the_sending_socket_does_not() {
    let house = House::new(Plan::default()).await;
    let (phone, laptop) =
        (house.device("alice", "phone").await, house.device("alice", "laptop").await);
    let (bob1, bob2) = (house.device("bob", "b1").await, house.device("bob", "b2").await);
    let payload = json!({"toUserId": "bob", "content": "hi", "clientId": "k-1"});
    let sent = phone.call("private_message", payload).await;
    for bob in [&bob1, &bob2] {
        let heard = bob.event("private_message", 0).await;
        assert_eq!((&heard["id"], heard.get("clientId")), (&sent["id"], None));
    }
    let own = laptop.event("private_message", 0).await;
    assert_eq!(
        (&own["id"], &own["clientId"], &own["to"]),
        (&sent["id"], &json!("k-1"), &json!("bob"))
    );
    phone.settle().await;
    assert!(phone.now("private_message").is_empty());
    house.end().await;
}

#[tokio::test]
async fn two_connections_of_one_device_both_hear() {
    let house = House::new(Plan::default()).await;
    let (one, two) = (house.device("bob", "b").await, house.device("bob", "b").await);
    let alice = house.device("alice", "a").await;
    alice.send("bob", "x").await;
    one.event("private_message", 0).await;
    two.event("private_message", 0).await;
    house.end().await;
}

#[tokio::test]
async fn a_note_to_oneself_reaches_the_other_devices_once() {
    let house = House::new(Plan::default()).await;
    let (phone, laptop) =
        (house.device("alice", "phone").await, house.device("alice", "laptop").await);
    let sent = phone.send("alice", "buy milk").await;
    assert_eq!(sent["conversationId"], "dm:alice:alice");
    laptop.event("private_message", 0).await;
    phone.send("alice", "and bread").await;
    laptop.event("private_message", 1).await;
    phone.settle().await;
    laptop.settle().await;
    assert_eq!(laptop.now("private_message").len(), 2);
    assert!(phone.now("private_message").is_empty());
    house.end().await;
}

#[tokio::test]
async fn who_was_offline_hears_in_order_and_before_anything_live() {
    let house = House::new(plan(Limits { catch_up_page_entries: 7, ..generous() })).await;
    let (alice, carol) = (house.device("alice", "a").await, house.device("carol", "c").await);
    for n in 0..25 {
        alice.send("bob", n).await;
        carol.send("bob", n).await;
    }
    let bob = Client::open(house.address, json!({"token": "bob", "deviceId": "b"})).await;
    bob.event("caught_up", 0).await;
    alice.send("bob", "live").await;
    let heard = bob.events("private_message", 51).await;
    for (from, count) in [("alice", 26), ("carol", 25)] {
        let of: Vec<Value> = heard.iter().filter(|it| it["from"] == from).cloned().collect();
        assert_eq!(seqs(&of), (1..=count).collect::<Vec<u64>>());
    }
    assert_eq!(heard[50]["content"], "live");
    let caught_up = bob.event("caught_up", 0).await;
    assert_eq!((&caught_up["pushed"], &caught_up["pos"]), (&json!(50), &json!(50)));
    house.end().await;
}

#[tokio::test]
async fn what_a_device_confirmed_is_not_pushed_again_and_the_rest_is() {
    let house = House::new(plan(generous())).await;
    let alice = house.device("alice", "a").await;
    for n in 0..10 {
        alice.send("bob", n).await;
    }
    let bob = house.device("bob", "b").await;
    assert_eq!(seqs(&bob.events("private_message", 10).await), (1..=10).collect::<Vec<u64>>());
    bob.mute();
    let answer = bob.call("delivered", json!({"conversationId": "dm:alice:bob", "seq": 6})).await;
    assert_eq!(answer["status"], "ok");
    drop(bob);
    let again = house.device("bob", "b").await;
    assert_eq!(seqs(&again.events("private_message", 4).await), vec![7, 8, 9, 10]);
    house.end().await;
}

#[tokio::test]
async fn a_pong_confirms_what_was_pushed_before_its_ping() {
    let house = House::new(plan(generous())).await;
    let alice = house.device("alice", "a").await;
    for n in 0..5 {
        alice.send("bob", n).await;
    }
    let bob = house.device("bob", "b").await;
    for n in 5..10 {
        alice.send("bob", n).await;
    }
    bob.events("private_message", 10).await;
    bob.pings(2).await;
    // Bob's devices have it all, so Alice is told.
    let told = alice.event("delivered", 0).await;
    assert_eq!(told["userId"], "bob");
    drop(bob);
    let again = house.device("bob", "b").await;
    assert!(again.now("private_message").is_empty(), "{:?}", again.now("private_message"));
    house.end().await;
}

#[tokio::test]
async fn a_pong_confirms_what_an_earlier_life_of_the_server_kept() {
    let data = tempfile::tempdir().expect("a directory");
    let first = House::on(data.path(), plan(generous())).await;
    let alice = first.device("alice", "a").await;
    alice.send("bob", "before").await;
    first.end().await;
    let house = House::on(data.path(), plan(generous())).await;
    let bob = house.device("bob", "b").await;
    bob.event("private_message", 0).await;
    bob.pings(3).await;
    drop(bob);
    let again = house.device("bob", "b").await;
    assert!(again.now("private_message").is_empty());
    house.end().await;
}

#[tokio::test]
async fn an_unconfirmed_message_is_pushed_again() {
    let gateway = Config { ping_interval: Duration::from_secs(60), ..Config::default() };
    let house = House::new(Plan { gateway, ..plan(generous()) }).await;
    let alice = house.device("alice", "a").await;
    let bob = house.device("bob", "b").await;
    let sent = alice.send("bob", "x").await;
    bob.event("private_message", 0).await;
    drop(bob);
    let again = house.device("bob", "b").await;
    assert_eq!(again.event("private_message", 0).await["id"], sent["id"]);
    house.end().await;
}

#[tokio::test]
async fn a_new_device_starts_where_its_user_is() {
    let house = House::new(plan(generous())).await;
    let alice = house.device("alice", "a").await;
    alice.send("bob", "old").await;
    let bob = house.device("bob", "b1").await;
    let answer = bob.call("delivered", json!({"conversationId": "dm:alice:bob", "seq": 1})).await;
    assert_eq!(answer["status"], "ok");
    alice.send("bob", "new").await;
    let second = house.device("bob", "b2").await;
    assert_eq!(seqs(&second.events("private_message", 1).await), vec![2]);
    house.end().await;
}

#[tokio::test]
async fn sends_of_one_connection_commit_in_the_order_sent() {
    let house = House::new(plan(generous())).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let ids = submit_all(&alice, "bob", 0..500).await;
    for (n, id) in ids.into_iter().enumerate() {
        assert_eq!(alice.answer(id).await["seq"], n as u64 + 1);
    }
    let heard = bob.events("private_message", 500).await;
    let contents: Vec<u64> = heard.iter().filter_map(|it| it["content"].as_u64()).collect();
    assert_eq!(contents, (0..500).collect::<Vec<u64>>());
    house.end().await;
}

#[tokio::test]
async fn a_retry_gets_the_first_answer_and_is_heard_once() {
    let house = House::new(Plan::default()).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let payload = json!({"toUserId": "bob", "content": {"x": 1}, "clientId": "k"});
    let first = alice.call("private_message", payload.clone()).await;
    let again = alice.call("private_message", payload).await;
    assert_eq!(first, again);
    let other = json!({"toUserId": "bob", "content": {"x": 2}, "clientId": "k"});
    let conflict = alice.call("private_message", other).await;
    assert_eq!(conflict["code"], "conflict", "{conflict}");
    let elsewhere = json!({"toUserId": "carol", "content": {"x": 2}, "clientId": "k"});
    assert_eq!(alice.call("private_message", elsewhere).await["status"], "sent");
    alice.send("bob", "after").await;
    let heard = bob.events("private_message", 2).await;
    assert_eq!(seqs(&heard), vec![1, 2]);
    house.end().await;
}

#[tokio::test]
async fn receipts_are_told_to_all_devices_of_the_sender() {
    let house = House::new(Plan::default()).await;
    let (phone, laptop) =
        (house.device("alice", "phone").await, house.device("alice", "laptop").await);
    let bob = house.device("bob", "b").await;
    let sent = phone.send("bob", "x").await;
    let place = json!({"conversationId": sent["conversationId"], "userId": "bob", "seq": 1, "messageId": sent["id"]});
    bob.call("delivered", json!({"messageId": sent["id"]})).await;
    for alice in [&phone, &laptop] {
        assert_eq!(alice.event("delivered", 0).await, place);
    }
    bob.call("read", json!({"messageId": sent["id"]})).await;
    for alice in [&phone, &laptop] {
        assert_eq!(alice.event("read", 0).await, place);
    }
    bob.call("read", json!({"messageId": sent["id"]})).await;
    phone.settle().await;
    assert_eq!(phone.now("read").len(), 1, "a mark that does not move is not told");
    house.end().await;
}

#[tokio::test]
async fn receipts_that_ask_for_no_answer_are_gathered_and_told() {
    let house = House::new(Plan::default()).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    for n in 0..20 {
        alice.send("bob", n).await;
    }
    for message in bob.events("private_message", 20).await {
        bob.emit("delivered", json!({"messageId": message["id"]})).await;
    }
    let told = async {
        while alice.now("delivered").last().is_none_or(|told| told["seq"] != 20) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), told).await.expect("told up to the last");
    house.end().await;
}

#[tokio::test]
async fn own_devices_raise_no_receipt() {
    let house = House::new(Plan::default()).await;
    let (phone, laptop) =
        (house.device("alice", "phone").await, house.device("alice", "laptop").await);
    let bob = house.device("bob", "b").await;
    let sent = phone.send("bob", "x").await;
    laptop.event("private_message", 0).await;
    assert_eq!(laptop.call("delivered", json!({"messageId": sent["id"]})).await["status"], "ok");
    assert_eq!(laptop.call("read", json!({"messageId": sent["id"]})).await["status"], "ok");
    bob.settle().await;
    bob.pings(1).await;
    assert!(bob.now("delivered").is_empty() && bob.now("read").is_empty());
    house.end().await;
}

async fn catch_up_under_fire(plan: Plan, before: u64, during: u64) {
    let house = House::new(plan).await;
    let alice = house.device("alice", "a").await;
    let mut ids = submit_all(&alice, "bob", 0..before).await;
    let (address, sending) = (house.address, async {
        ids.extend(submit_all(&alice, "bob", before..before + during).await);
        for id in ids {
            assert_eq!(alice.answer(id).await["status"], "sent");
        }
    });
    let connecting = async {
        let mut devices = Vec::new();
        for n in 0..8 {
            tokio::time::sleep(Duration::from_millis(n * 7)).await;
            devices.push(
                Client::open(address, json!({"token": "bob", "deviceId": format!("b{n}")})).await,
            );
        }
        devices
    };
    let ((), devices) = tokio::join!(sending, connecting);
    for bob in devices {
        let heard = bob.events("private_message", (before + during) as usize).await;
        assert_eq!(seqs(&heard), (1..=before + during).collect::<Vec<u64>>());
        bob.event("caught_up", 0).await;
        bob.settle().await;
        assert_eq!(bob.now("private_message").len() as u64, before + during);
    }
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn catching_up_while_messages_keep_coming_has_no_gap_and_no_repeat() {
    let gateway = Config { ping_interval: Duration::from_secs(60), ..Config::default() };
    let limits = Limits { catch_up_page_entries: 20, ..generous() };
    catch_up_under_fire(Plan { gateway, ..plan(limits) }, 200, 1_500).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn catching_up_with_a_tiny_hold_buffer_has_no_gap_and_no_repeat() {
    let gateway =
        Config { ping_interval: Duration::from_secs(60), hold_bytes_max: 300, ..Config::default() };
    let limits = Limits { catch_up_page_entries: 20, catch_up_overflows_max: 10_000, ..generous() };
    catch_up_under_fire(Plan { gateway, ..plan(limits) }, 100, 1_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn catching_up_on_two_shards_has_no_gap_and_no_repeat() {
    let gateway = Config { ping_interval: Duration::from_secs(60), ..Config::default() };
    let limits = Limits { catch_up_page_entries: 20, ..generous() };
    catch_up_under_fire(Plan { gateway, shards: 2, ..plan(limits) }, 100, 800).await;
}

#[tokio::test]
async fn a_backlog_of_large_messages_is_delivered_and_read_back() {
    const MESSAGES: u64 = 60;
    let house = House::new(plan(generous())).await;
    let alice = house.device("alice", "a").await;
    let large = "x".repeat(60_000);
    for n in 0..MESSAGES {
        let payload = json!({"toUserId": "bob", "content": format!("{n}{large}")});
        assert_eq!(alice.call("private_message", payload).await["status"], "sent");
    }
    // 3.6 MB: more than a connection's queue holds.
    let bob = house.device("bob", "b").await;
    let heard = bob.events("private_message", MESSAGES as usize).await;
    assert_eq!(seqs(&heard), (1..=MESSAGES).collect::<Vec<_>>());
    let (mut read, mut more) = (Vec::new(), true);
    while more {
        let after = read.last().copied().unwrap_or(0);
        let query = json!({"conversationId": "dm:alice:bob", "after": after, "limit": 200});
        let page = bob.call("history", query).await;
        read.extend(seqs(page["messages"].as_array().expect("a list")));
        more = page["more"] == true;
    }
    assert_eq!(read, (1..=MESSAGES).collect::<Vec<_>>());
    house.end().await;
}
