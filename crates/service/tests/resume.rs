//! Devices that say how far they are: what they get, what they are told instead, and `sync`.

use std::time::Duration;

use crate::support;
use crate::support::{Client, House, Plan};
use parlor_chat::limits::Limits;
use parlor_service::Settings;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn plan(limits: Limits) -> Plan {
    let limits = Limits { connection_rate_burst: 10_000, user_rate_burst: 10_000, ..limits };
    Plan { settings: Settings { limits, ..Settings::default() }, ..Plan::default() }
}

async fn house() -> House {
    House::new(plan(Limits::default())).await
}

/// Where a device is that has just caught up.
async fn place(client: &Client) -> Value {
    let caught_up = client.event("caught_up", 0).await;
    json!({ "epoch": caught_up["epoch"], "pos": caught_up["pos"] })
}

async fn resuming(house: &House, user: &str, device: &str, resume: &Value) -> Client {
    let auth = json!({ "token": user, "deviceId": device, "resume": resume });
    Client::connect(house.address, auth).await
}

fn contents(messages: &[Value]) -> Vec<Value> {
    messages.iter().map(|message| message["content"].clone()).collect()
}

#[tokio::test]
async fn a_receipt_about_another_life_of_the_log_confirms_nothing() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let epoch = bob.event("ready", 0).await["epoch"].clone();
    let sent = alice.send("bob", "before").await;
    bob.event("private_message", 0).await;
    for event in ["delivered", "read"] {
        let stale = json!({ "messageId": sent["id"], "epoch": "1" });
        assert_eq!(bob.call(event, stale).await["code"], "not_found", "{event}");
    }
    let present = json!({ "messageId": sent["id"], "epoch": epoch });
    assert_eq!(bob.call("read", present).await["status"], "ok");
    // The only one that anybody hears of.
    assert_eq!(alice.event("read", 0).await["seq"], sent["seq"]);
    assert_eq!(alice.now("delivered").len(), 0);
}

#[tokio::test]
async fn a_device_that_resumes_gets_what_everyone_said_since_in_commit_order() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let carol = house.device("carol", "c").await;
    alice.send("bob", "had").await;
    bob.event("private_message", 0).await;
    let had = bob.now("private_message")[0]["pos"].clone();
    let resume = json!({ "epoch": place(&bob).await["epoch"], "pos": had });
    drop(bob);
    alice.send("bob", 1).await;
    carol.send("bob", 2).await;
    let laptop = house.device("bob", "laptop").await;
    laptop.send("alice", 3).await;
    alice.send("bob", 4).await;
    alice.send("carol", "of others").await;

    let bob = resuming(&house, "bob", "b", &resume).await;
    let messages = bob.now("private_message");
    assert_eq!(contents(&messages), [1, 2, 3, 4]);
    assert!(messages.is_sorted_by_key(|message| message["pos"].as_u64()));
    let caught_up = bob.event("caught_up", 0).await;
    assert_eq!(caught_up["pushed"], 4);
    assert_eq!(caught_up["epoch"], resume["epoch"]);
    assert!(caught_up["pos"].as_u64() >= messages[3]["pos"].as_u64());
    assert!(bob.now("snapshot").is_empty());
    alice.send("bob", "live").await;
    assert_eq!(bob.event("private_message", 4).await["content"], "live");
    house.end().await;
}

#[tokio::test]
async fn a_device_that_missed_nothing_gets_nothing() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    alice.send("bob", 1).await;
    let heard = bob.event("private_message", 0).await;
    let resume = json!({ "epoch": place(&bob).await["epoch"], "pos": heard["pos"] });
    drop(bob);
    let bob = resuming(&house, "bob", "b", &resume).await;
    assert!(bob.now("private_message").is_empty());
    assert_eq!(bob.event("caught_up", 0).await["pos"], heard["pos"]);
    house.end().await;
}

#[tokio::test]
async fn naming_a_position_confirms_what_came_up_to_it() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    bob.mute();
    alice.send("bob", 1).await;
    alice.send("bob", 2).await;
    let first = bob.event("private_message", 0).await;
    let resume = json!({ "epoch": place(&bob).await["epoch"], "pos": first["pos"] });
    drop(bob);
    let bob = resuming(&house, "bob", "b", &resume).await;
    bob.mute();
    assert_eq!(contents(&bob.now("private_message")), [2]);
    let receipt = alice.event("delivered", 0).await;
    assert_eq!((&receipt["userId"], &receipt["seq"]), (&json!("bob"), &json!(1)));
    drop(bob);
    let bob = house.device("bob", "b").await;
    assert_eq!(contents(&bob.now("private_message")), [2], "1 was confirmed");
    house.end().await;
}

#[tokio::test]
async fn a_position_that_is_no_good_gets_a_snapshot_and_what_comes_later() {
    let house = House::new(plan(Limits { resume_entries_max: 3, ..Limits::default() })).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let start = place(&bob).await;
    drop(bob);
    for n in 0..4 {
        alice.send("bob", n).await;
    }
    let with = |epoch: &str, pos: u64| json!({ "epoch": epoch, "pos": pos });
    let epoch = start["epoch"].as_str().expect("a text").to_owned();
    let cases = [
        (start.clone(), "too_far"),
        (with("1", 0), "epoch"),
        (with(&epoch, 999), "ahead"),
        (with("1", 999), "epoch"),
    ];
    for (n, (resume, reason)) in cases.into_iter().enumerate() {
        let bob = resuming(&house, "bob", "b", &resume).await;
        let snapshot = bob.event("snapshot", 0).await;
        assert_eq!(snapshot["reason"], reason);
        assert_eq!(snapshot["epoch"].as_str(), Some(&*epoch));
        assert!(bob.now("private_message").is_empty(), "no part is pushed");
        assert!(bob.now("moved").is_empty());
        let list = bob.call("conversations", json!({})).await;
        assert_eq!(list["conversations"][0]["head"], 4 + n);
        alice.send("bob", "live").await;
        assert_eq!(bob.event("private_message", 0).await["content"], "live");
    }
    // Three since are not too far.
    let bob = house.device("bob", "other").await;
    let here = place(&bob).await;
    drop(bob);
    for n in 0..3 {
        alice.send("bob", n).await;
    }
    let bob = resuming(&house, "bob", "other", &here).await;
    assert_eq!(bob.now("private_message").len(), 3);
    assert_eq!((house.service.stats().snapshots, house.service.stats().resumed), (4, 1));
    house.end().await;
}

#[tokio::test]
async fn a_pong_confirms_nothing_of_what_a_snapshot_left_to_be_read() {
    let house = House::new(plan(Limits { resume_entries_max: 3, ..Limits::default() })).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let start = place(&bob).await;
    drop(bob);
    for n in 0..4 {
        alice.send("bob", n).await;
    }
    let bob = resuming(&house, "bob", "b", &start).await;
    bob.event("snapshot", 0).await;
    alice.send("bob", "live").await;
    bob.event("private_message", 0).await;
    bob.pings(2).await;
    drop(bob);
    let again = house.device("bob", "b").await;
    assert_eq!(again.now("private_message").len(), 5, "it had read nothing yet");
    house.end().await;
}

#[tokio::test]
async fn receipts_and_blocks_missed_while_away_come_with_what_moved() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let sent = alice.send("bob", 1).await;
    bob.event("private_message", 0).await;
    drop(alice);
    let alice = house.device("alice", "a").await;
    let resume = place(&alice).await;
    drop(alice);
    let read = json!({ "conversationId": sent["conversationId"], "seq": 1 });
    assert_eq!(bob.call("read", read).await["status"], "ok");
    let laptop = house.device("alice", "laptop").await;
    assert_eq!(laptop.call("block", json!({ "userId": "mallory" })).await["status"], "ok");

    let alice = resuming(&house, "alice", "a", &resume).await;
    let moved = alice.event("moved", 0).await;
    assert_eq!(moved["more"], false);
    assert_eq!(moved["blocked"], json!(["mallory"]));
    let line = &moved["conversations"][0];
    assert_eq!(
        (&line["with"], &line["head"], &line["unread"]),
        (&json!("bob"), &json!(1), &json!(0))
    );
    assert_eq!(line["watermarks"][1], json!({ "userId": "bob", "delivered": 1, "read": 1 }));
    house.end().await;
}

/// An HTTP request on a connection of its own; gives the body of the answer.
async fn http(house: &House, query: &str, post: Option<&str>) -> String {
    let (method, body) = post.map_or(("GET", ""), |body| ("POST", body));
    let request = format!(
        "{method} /socket.io/?EIO=4&transport=polling{query} HTTP/1.1\r\nHost: a\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(house.address).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer.split_once("\r\n\r\n").expect("a body").1.to_owned()
}

#[tokio::test]
async fn what_moved_may_be_more_than_the_queue_of_who_is_slow_to_poll() {
    let mut plan = plan(Limits::default());
    plan.gateway.output_bytes_max = 8_000;
    let house = House::new(plan).await;
    let bob = house.device("bob", "b").await;
    let mut resume = place(&bob).await;
    for n in 0..40 {
        bob.send(&format!("peer-{n}"), n).await;
    }
    resume["pos"] = json!(20);
    let open = http(&house, "", None).await;
    let open: Value = serde_json::from_str(&open[1..]).expect("a handshake");
    let sid = format!("&sid={}", open["sid"].as_str().expect("a sid"));
    let auth = json!({ "token": "bob", "resume": resume });
    assert_eq!(http(&house, &sid, Some(&format!("40{auth}"))).await, "ok");
    // All that goes out before the next poll waits together.
    while house.service.stats().resumed == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..10 {
        bob.settle().await;
    }
    let mut heard = String::new();
    while !heard.contains("caught_up") {
        let polled = http(&house, &sid, None).await;
        assert!(polled.starts_with(['2', '4']), "{polled}");
        heard += &polled;
        if polled.starts_with('2') {
            http(&house, &sid, Some("3")).await;
        }
    }
    assert!(heard.contains("peer-39") && heard.contains(r#"["moved""#));
    house.end().await;
}

#[tokio::test]
async fn sync_names_what_moved_in_one_round_trip() {
    let house = House::new(plan(Limits { sync_conversations_max: 3, ..Limits::default() })).await;
    let alice = house.device("alice", "a").await;
    for peer in ["b", "c", "d"] {
        alice.send(peer, "old").await;
    }
    let bob = house.device("b", "b").await;
    let here = place(&bob).await;
    let nothing = alice.call("sync", here.clone()).await;
    assert_eq!((&nothing["snapshot"], &nothing["conversations"]), (&json!(false), &json!([])));
    assert_eq!(nothing["pos"], here["pos"]);
    bob.send("alice", "new").await;
    let moved = alice.call("sync", here.clone()).await;
    assert_eq!(moved["conversations"].as_array().map(Vec::len), Some(1));
    let line = &moved["conversations"][0];
    assert_eq!((&line["conversationId"], &line["head"]), (&json!("dm:alice:b"), &json!(2)));
    assert_eq!(line["unread"], 1);

    let start = json!({ "epoch": here["epoch"], "pos": 0 });
    let all = alice.call("sync", start.clone()).await;
    assert_eq!(all["conversations"].as_array().map(Vec::len), Some(3));
    alice.send("e", "one more").await;
    let too_far = alice.call("sync", start).await;
    assert_eq!((&too_far["snapshot"], &too_far["reason"]), (&json!(true), &json!("too_far")));
    assert_eq!(too_far["conversations"], Value::Null, "no part is told");
    let other = alice.call("sync", json!({ "epoch": "1", "pos": 0 })).await;
    assert_eq!((&other["snapshot"], &other["reason"]), (&json!(true), &json!("epoch")));
    let ahead = alice.call("sync", json!({ "epoch": here["epoch"], "pos": 999 })).await;
    assert_eq!((&ahead["snapshot"], &ahead["reason"]), (&json!(true), &json!("ahead")));
    let wrong = alice.call("sync", json!({ "epoch": here["epoch"] })).await;
    assert_eq!(wrong["error"], "pos is required");
    house.end().await;
}

#[tokio::test]
async fn a_gap_is_filled_by_a_history_that_says_what_it_covers() {
    let house = house().await;
    let alice = house.device("alice", "a").await;
    for n in 1..=9 {
        alice.send("bob", n).await;
    }
    let gap = json!({ "conversationId": "dm:alice:bob", "after": 2, "before": 6, "limit": 2 });
    let page = alice.call("history", gap).await;
    assert_eq!(contents(page["messages"].as_array().expect("a page")), [3, 4]);
    assert_eq!((&page["more"], &page["covers"]), (&json!(true), &json!([3, 4])));
    let rest = json!({ "conversationId": "dm:alice:bob", "after": 4, "before": 6 });
    let page = alice.call("history", rest).await;
    assert_eq!((&page["more"], &page["covers"]), (&json!(false), &json!([5, 5])));
    let none = json!({ "conversationId": "dm:alice:bob", "after": 9 });
    assert_eq!(alice.call("history", none).await["covers"], Value::Null);
    house.end().await;
}

#[tokio::test]
async fn who_keeps_a_position_is_told_the_newest_when_nothing_more_is_said() {
    let limits = Limits { position_interval_ms: 50, ..Limits::default() };
    let house = House::new(plan(limits)).await;
    let (alice, plain) = (house.device("alice", "a").await, house.device("bob", "plain").await);
    let bob = resuming(&house, "bob", "b", &place(&plain).await).await;
    alice.send("bob", 1).await;
    let heard = bob.event("private_message", 0).await;
    let told = bob.event("position", 0).await;
    assert_eq!((&told["pos"], &told["epoch"]), (&heard["pos"], &place(&bob).await["epoch"]));
    alice.send("bob", 2).await;
    let second = bob.event("position", 1).await;
    assert_eq!(second["pos"], bob.event("private_message", 1).await["pos"]);
    assert!(plain.now("position").is_empty(), "a stock client hears nothing new");
    assert_eq!(bob.now("position").len(), 2, "it is told once");
    house.end().await;
}

#[tokio::test]
async fn a_blocked_sender_is_refused_and_other_devices_learn_of_it() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let tablet = house.device("bob", "tablet").await;
    assert_eq!(bob.call("block", json!({ "userId": "alice" })).await["status"], "ok");
    assert_eq!(bob.call("block", json!({ "userId": "alice" })).await["status"], "ok");
    let told = tablet.event("blocked", 0).await;
    assert_eq!(told, json!({ "userId": "alice", "blocked": true }));
    let refused = alice.call("private_message", json!({ "toUserId": "bob", "content": 1 })).await;
    assert_eq!(refused["code"], "blocked");
    bob.send("alice", "still").await;
    assert_eq!(bob.call("blocked", json!({})).await["blocked"], json!(["alice"]));
    assert_eq!(bob.call("unblock", json!({ "userId": "alice" })).await["status"], "ok");
    assert_eq!(tablet.event("blocked", 1).await["blocked"], false);
    assert_eq!(tablet.now("blocked").len(), 2, "what changes nothing is not told");
    alice.send("bob", "again").await;
    let own = bob.call("block", json!({ "userId": "bob" })).await;
    assert_eq!(own["error"], "userId must be another user");
    house.end().await;
}

#[tokio::test]
async fn ones_own_other_devices_hear_that_something_was_read() {
    let house = house().await;
    let (alice, phone) = (house.device("alice", "a").await, house.device("bob", "phone").await);
    let laptop = house.device("bob", "laptop").await;
    let sent = alice.send("bob", 1).await;
    phone.event("private_message", 0).await;
    let read = json!({ "conversationId": sent["conversationId"], "seq": 1 });
    phone.call("read", read).await;
    assert_eq!(laptop.event("read", 0).await["userId"], "bob");
    assert_eq!(alice.event("read", 0).await["userId"], "bob");
    house.end().await;
}

#[tokio::test]
async fn who_finds_no_place_among_the_waiting_is_told_when_to_come_back() {
    let limits = Limits { resumes_in_flight_max: 1, resumes_waiting_max: 0, ..Limits::default() };
    let faults = std::sync::Arc::new(support::faulty::Faults::default());
    let given = std::sync::Arc::clone(&faults);
    let wrapped = Plan {
        wrap: Box::new(move |store| {
            std::sync::Arc::new(support::faulty::Faulty { store, faults: given })
        }),
        ..plan(limits)
    };
    let house = House::new(wrapped).await;
    faults.first_page.close();
    let bob = Client::open(house.address, json!({ "token": "bob" })).await;
    faults.first_page.reached().await;
    let carol = Client::open(house.address, json!({ "token": "carol" })).await;
    let closing = carol.event("closing", 0).await;
    assert_eq!(closing["code"], "overloaded");
    let retry_after_ms = closing["retryAfterMs"].as_u64().expect("a time");
    assert!((1_000..=3_000).contains(&retry_after_ms));
    tokio::time::timeout(Duration::from_secs(5), carol.closed()).await.expect("it is closed");
    faults.first_page.open();
    bob.event("caught_up", 0).await;
    house.end().await;
}
