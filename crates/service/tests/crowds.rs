//! Groups in which many are, over sockets: who is told what of receipts, typing and presence, how often,
//! and what an answer to `read` is worth.

use std::time::{Duration, Instant};

use crate::support;
use crate::support::{Client, House, Plan};
use parlor_chat::limits::Limits;
use parlor_service::Settings;
use serde_json::{Value, json};

/// Milliseconds between two packets of a kind.
const GATHER_MS: u64 = 400;

/// More than three are many.
fn limits() -> Limits {
    Limits {
        receipts_members_max: 3,
        crowd_gather_ms: GATHER_MS,
        presence_grace_ms: 300,
        user_rate_burst: 1_000_000,
        user_rate_per_second: 1_000_000,
        connection_rate_burst: 1_000_000,
        connection_rate_per_second: 1_000_000,
        ..Limits::default()
    }
}

fn plan(limits: Limits) -> Plan {
    // No ping says by its answer what was received.
    let gateway =
        parlor_gateway::Config { ping_interval: Duration::from_secs(60), ..Default::default() };
    Plan { settings: Settings { limits, ..Settings::default() }, gateway, ..Plan::default() }
}

async fn house() -> House {
    House::new(plan(limits())).await
}

async fn ok(who: &Client, event: &str, payload: Value) -> Value {
    let answer = who.call(event, payload).await;
    assert_eq!(answer["status"], "ok", "{event}: {answer}");
    answer
}

async fn code(who: &Client, event: &str, payload: Value) -> String {
    let answer = who.call(event, payload).await;
    answer["code"].as_str().unwrap_or("ok").to_owned()
}

/// Makes a group of the caller and these.
async fn made(owner: &Client, members: &[&str]) -> String {
    let answer = ok(owner, "group_create", json!({"name": "Owls", "members": members})).await;
    answer["groupId"].as_str().expect("an id").to_owned()
}

async fn said(who: &Client, group: &str) -> u64 {
    let answer = who.call("group_message", json!({"groupId": group, "content": "x"})).await;
    answer["seq"].as_u64().expect("a seq")
}

fn of(group: &str) -> Value {
    json!({"conversationId": format!("group:{group}")})
}

fn at(group: &str, seq: u64) -> Value {
    json!({"conversationId": format!("group:{group}"), "seq": seq})
}

async fn opened(who: &Client, group: &str) {
    ok(who, "conversation_open", of(group)).await;
}

/// Waits until the last packet of a kind is one.
async fn last(who: &Client, event: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    let mut count = 1;
    loop {
        let heard = who.events(event, count).await;
        if let Some(it) = heard.last().filter(|it| is_it(it)) {
            return it.clone();
        }
        count = heard.len() + 1;
    }
}

fn counted(seq: u64, delivered: u64, read: u64) -> Value {
    json!([{"seq": seq, "delivered": delivered, "read": read}])
}

/// Waits as long as anything that is gathered may take.
async fn gathered() {
    tokio::time::sleep(Duration::from_millis(2 * GATHER_MS)).await;
}

#[tokio::test]
async fn up_to_the_bound_each_is_told_and_above_it_counts() {
    let house = house().await;
    let [a, b, c, d] = house_of(&house, ["a", "b", "c", "d"]).await;
    let group = made(&a, &["b", "c"]).await;
    let seq = said(&a, &group).await;
    ok(&b, "read", at(&group, seq)).await;
    for hears in [&a, &c] {
        let told = hears.event("read", 0).await;
        assert_eq!((&told["userId"], &told["seq"]), (&json!("b"), &json!(seq)));
    }
    ok(&b, "typing", json!({"groupId": group})).await;
    assert_eq!(c.event("typing", 0).await["userId"], "b");
    ok(&b, "typing", json!({"groupId": group, "typing": false})).await;
    assert_eq!(c.event("typing", 1).await["typing"], false);
    // One more, and they are many.
    ok(&a, "group_add", json!({"groupId": group, "userIds": ["d"]})).await;
    opened(&d, &group).await;
    let seq = said(&a, &group).await;
    ok(&b, "read", at(&group, seq)).await;
    for hears in [&a, &d] {
        let told = last(hears, "receipts", |it| it["counts"][0]["read"] == 1).await;
        assert_eq!(told["groupId"], json!(group));
        assert_eq!(told["conversationId"], json!(format!("group:{group}")));
        assert_eq!(told["counts"], counted(seq, 1, 1));
    }
    ok(&b, "typing", json!({"groupId": group})).await;
    let expected = json!({"conversationId": format!("group:{group}"), "groupId": group, "count": 1,
        "userIds": ["b"]});
    assert_eq!(last(&d, "typing", |it| it["count"] == 1).await, expected);
    ok(&b, "typing", json!({"groupId": group, "typing": false})).await;
    assert_eq!(last(&d, "typing", |it| it["count"] == 0).await["userIds"], json!([]));
    gathered().await;
    for (who, event, count) in [
        (&a, "read", 1),
        (&c, "read", 1),
        (&c, "typing", 2),
        (&c, "receipts", 0),
        (&a, "typing", 2),
    ] {
        assert_eq!(who.now(event).len(), count, "{event}");
    }
    house.end().await;
}

async fn house_of<const N: usize>(house: &House, names: [&str; N]) -> [Client; N] {
    let mut clients = Vec::new();
    for name in names {
        clients.push(house.device(name, "1").await);
    }
    clients.try_into().unwrap_or_else(|_| unreachable!("as many as names"))
}

#[tokio::test]
async fn sixty_four_are_told_of_each_other_and_sixty_five_are_counted() {
    let mut limits = limits();
    limits.receipts_members_max = Limits::default().receipts_members_max;
    let house = House::new(plan(limits)).await;
    let [a, b, c] = house_of(&house, ["a", "b", "c"]).await;
    let mut names: Vec<String> = (0..61).map(|n| format!("u{n}")).collect();
    names.extend(["b".to_owned(), "c".to_owned()]);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let group = made(&a, &names).await;
    let seq = said(&a, &group).await;
    ok(&b, "read", at(&group, seq)).await;
    assert_eq!(a.event("read", 0).await["userId"], "b");
    assert_eq!(c.event("read", 0).await["userId"], "b");
    ok(&a, "group_add", json!({"groupId": group, "userIds": ["u61"]})).await;
    let seq = said(&a, &group).await;
    ok(&b, "read", at(&group, seq)).await;
    assert_eq!(last(&a, "receipts", |_| true).await["counts"], counted(seq, 1, 1));
    let mine = c.call("conversations", json!({})).await;
    let marks = mine["conversations"][0]["watermarks"].as_array().expect("marks").len();
    assert_eq!((marks, c.now("read").len(), c.now("receipts").len()), (1, 1, 0));
    // And back again.
    ok(&a, "group_kick", json!({"groupId": group, "userId": "u61"})).await;
    let seq = said(&a, &group).await;
    ok(&b, "read", at(&group, seq)).await;
    assert_eq!(
        a.event("read", 1).await["userId"],
        "b",
        "also the first, of which many seemed to be"
    );
    ok(&c, "read", at(&group, seq)).await;
    assert_eq!(a.event("read", 2).await["userId"], "c");
    house.end().await;
}

#[tokio::test]
async fn many_readers_are_few_packets_and_the_last_is_the_truth() {
    const READERS: usize = 24;
    let house = house().await;
    let [author, viewer] = house_of(&house, ["author", "viewer"]).await;
    let names: Vec<String> = (0..READERS).map(|n| format!("u{n}")).collect();
    let mut members: Vec<&str> = names.iter().map(String::as_str).collect();
    members.push("viewer");
    let group = made(&author, &members).await;
    opened(&viewer, &group).await;
    let mut readers = Vec::new();
    for name in &names {
        readers.push(house.device(name, "1").await);
    }
    let seq = said(&author, &group).await;
    let before = house.service.stats().crowd_told;
    let started = Instant::now();
    let answers: Vec<_> = futures_util::future::join_all(
        readers.iter().map(|reader| ok(reader, "read", at(&group, seq))),
    )
    .await;
    assert_eq!(answers.len(), READERS);
    let all = |it: &Value| it["counts"] == counted(seq, READERS as u64, READERS as u64);
    last(&author, "receipts", all).await;
    last(&viewer, "receipts", all).await;
    let intervals = started.elapsed().as_millis() as u64 / GATHER_MS + 2;
    gathered().await;
    for hears in [&author, &viewer] {
        let told = hears.now("receipts").len() as u64;
        assert!(told <= intervals, "{told} packets in {intervals} intervals");
    }
    // Presence and typing of who has it open aside: two who are told, however many read.
    let told = house.service.stats().crowd_told - before;
    println!("members={} readers={READERS} packets={told}", READERS + 2);
    assert!(told <= 2 * intervals + intervals, "{told} packets");
    for reader in &readers {
        assert!(reader.now("receipts").is_empty() && reader.now("read").is_empty());
    }
    house.end().await;
}

#[tokio::test]
async fn an_answered_read_is_stored_and_counts_at_once() {
    let data = tempfile::tempdir().expect("a directory");
    let house = House::on(data.path(), plan(limits())).await;
    let [a, b] = house_of(&house, ["a", "b"]).await;
    let group = made(&a, &["b", "c", "d"]).await;
    for _ in 0..5 {
        said(&a, &group).await;
    }
    let unread = async |who: &Client| {
        let page = who.call("conversations", json!({})).await;
        page["conversations"][0]["unread"].as_u64().expect("a number")
    };
    for seq in 2..=6 {
        ok(&b, "read", at(&group, seq)).await;
        assert_eq!(unread(&b).await, 6 - seq);
    }
    // As a crash right after the answer would leave it.
    let crashed = tempfile::tempdir().expect("a directory");
    for file in std::fs::read_dir(data.path()).expect("its files") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), crashed.path().join(file.file_name())).expect("it is copied");
    }
    let after = House::on(crashed.path(), plan(limits())).await;
    let again = after.device("b", "1").await;
    assert_eq!(unread(&again).await, 0);
    assert_eq!(again.event("caught_up", 0).await["pushed"], 0);
    after.end().await;
    house.end().await;
}

#[tokio::test]
async fn what_is_gathered_is_stored_when_the_server_ends() {
    let data = tempfile::tempdir().expect("a directory");
    let limits = Limits { crowd_gather_ms: 60_000, ..limits() };
    let house = House::on(data.path(), plan(limits.clone())).await;
    let [a, b, c] = house_of(&house, ["a", "b", "c"]).await;
    let group = made(&a, &["b", "c", "d"]).await;
    let seq = said(&a, &group).await;
    // The first two are stored at once: of the one it is not known yet that there are many.
    ok(&b, "delivered", at(&group, seq)).await;
    ok(&b, "read", at(&group, seq)).await;
    let waits = c.submit("read", at(&group, seq)).await;
    c.settle().await;
    let asks = a.submit("receipts", at(&group, seq)).await;
    a.settle().await;
    let began = Instant::now();
    house.service.close();
    assert_eq!(c.answer(waits).await["status"], "ok");
    assert_eq!(a.answer(asks).await["status"], "ok");
    ok(&c, "read", at(&group, seq)).await;
    assert!(began.elapsed() < Duration::from_secs(20), "nothing waits for the minute to be over");
    house.end().await;
    let house = House::on(data.path(), plan(limits)).await;
    let a = house.device("a", "1").await;
    let receipts = ok(&a, "receipts", at(&group, seq)).await;
    let of = |name: &str| {
        let lines = receipts["receipts"].as_array().expect("a list");
        lines.iter().find(|line| line["userId"] == name).map(|line| line["read"] == true)
    };
    assert_eq!((of("b"), of("c"), of("d")), (Some(true), Some(true), None));
    house.end().await;
}

#[tokio::test]
async fn receipts_speak_of_what_is_gathered_too() {
    let house = house().await;
    let [a, b, c, d] = house_of(&house, ["a", "b", "c", "d"]).await;
    let group = made(&a, &["b", "c", "d", "e"]).await;
    let seq = said(&a, &group).await;
    ok(&b, "delivered", at(&group, seq)).await;
    for round in 0..4 {
        let seq = said(&a, &group).await;
        ok(&b, "delivered", at(&group, seq)).await;
        c.emit("read", at(&group, seq)).await;
        d.emit("delivered", at(&group, seq)).await;
        c.settle().await;
        d.settle().await;
        let (mut lines, mut cursor, mut pages) = (Vec::new(), Value::Null, 0);
        loop {
            let mut payload = at(&group, seq);
            payload["limit"] = json!(2);
            payload["cursor"] = cursor;
            let page = ok(&a, "receipts", payload).await;
            let page_lines = page["receipts"].as_array().expect("a list").clone();
            lines.extend(page_lines.iter().map(|it| (it["userId"].clone(), it["read"].clone())));
            cursor = page["cursor"].clone();
            pages += 1;
            if cursor.is_null() {
                break;
            }
        }
        lines.sort_by_key(|(user, _)| user.to_string());
        let expected = [("b", false), ("c", true), ("d", false)];
        let expected = expected.map(|(user, read)| (json!(user), json!(read)));
        assert_eq!((lines, pages), (expected.to_vec(), 2), "round {round}");
    }
    house.end().await;
}

#[tokio::test]
async fn opening_is_for_members_bounded_and_ends_with_what_it_needs() {
    let house = House::new(plan(Limits { open_conversations_max: 2, ..limits() })).await;
    let [a, b, x] = house_of(&house, ["a", "b", "x"]).await;
    let group = made(&a, &["b", "c", "d"]).await;
    let other = made(&a, &["b", "c", "d"]).await;
    assert_eq!(code(&x, "conversation_open", of(&group)).await, "not_a_member");
    assert_eq!(code(&x, "conversation_open", of("none")).await, "not_a_member");
    let direct = json!({"conversationId": "dm:a:b"});
    assert_eq!(code(&x, "conversation_open", direct.clone()).await, "not_a_member");
    for payload in [json!({}), json!({"conversationId": 7}), json!({"conversationId": "dm:b:a"})] {
        assert_eq!(code(&a, "conversation_open", payload.clone()).await, "invalid_argument");
        assert_eq!(code(&a, "conversation_close", payload).await, "invalid_argument");
    }
    for payload in [of(&group), direct, of(&group)] {
        assert_eq!(code(&b, "conversation_open", payload).await, "ok");
    }
    assert_eq!(code(&b, "conversation_open", of(&other)).await, "too_many_open");
    ok(&b, "conversation_close", json!({"conversationId": "dm:a:b"})).await;
    ok(&b, "conversation_close", json!({"conversationId": "dm:a:b"})).await;
    opened(&b, &other).await;
    // Who is removed hears nothing more, and has it not open after coming back.
    ok(&a, "group_kick", json!({"groupId": group, "userId": "b"})).await;
    assert_eq!(code(&b, "conversation_open", of(&group)).await, "not_a_member");
    ok(&a, "group_add", json!({"groupId": group, "userIds": ["b"]})).await;
    gathered().await;
    let before = b.now("typing").len();
    ok(&a, "typing", json!({"groupId": group})).await;
    gathered().await;
    assert_eq!(b.now("typing").len(), before);
    ok(&a, "typing", json!({"groupId": other})).await;
    let told = last(&b, "typing", |it| it["groupId"] == json!(other)).await;
    assert_eq!(told["userIds"], json!(["a"]));
    // Closed is closed.
    ok(&b, "conversation_close", of(&other)).await;
    ok(&a, "typing", json!({"groupId": other, "typing": false})).await;
    gathered().await;
    assert_eq!(b.now("typing").last(), Some(&told));
    house.end().await;
}

#[tokio::test]
async fn who_has_it_open_hears_how_many_are_here_behind_a_grace() {
    let house = house().await;
    let [a, b] = house_of(&house, ["a", "b"]).await;
    let group = made(&a, &["b", "c", "d", "e"]).await;
    opened(&a, &group).await;
    let counts = |who: &Client| -> Vec<u64> {
        who.now("presence").iter().filter_map(|it| it["count"].as_u64()).collect()
    };
    let expected =
        json!({"conversationId": format!("group:{group}"), "groupId": group, "count": 2});
    assert_eq!(last(&a, "presence", |it| it["count"] == 2).await, expected);
    let c = house.device("c", "1").await;
    let d = house.device("d", "1").await;
    last(&a, "presence", |it| it["count"] == 4).await;
    // Who comes back in time was never gone.
    drop(c);
    while house.service.stats().sessions > 3 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let answer = ok(&a, "presence", json!({"groupId": group})).await;
    assert_eq!(answer["count"], 4, "{answer}");
    let before = counts(&a);
    let c = house.device("c", "2").await;
    gathered().await;
    assert_eq!(counts(&a), before);
    drop((c, d));
    last(&a, "presence", |it| it["count"] == 2).await;
    ok(&a, "group_kick", json!({"groupId": group, "userId": "b"})).await;
    last(&a, "presence", |it| it["count"] == 1).await;
    assert!(b.now("presence").is_empty());
    house.end().await;
}

#[tokio::test]
async fn a_thousand_comings_are_a_packet_an_interval_for_each_that_has_it_open() {
    const COMINGS: usize = 60;
    let house = house().await;
    let [a, b] = house_of(&house, ["a", "b"]).await;
    let names: Vec<String> = (0..COMINGS).map(|n| format!("u{n}")).collect();
    let mut members: Vec<&str> = names.iter().map(String::as_str).collect();
    members.push("b");
    let group = made(&a, &members).await;
    opened(&a, &group).await;
    last(&a, "presence", |it| it["count"] == 2).await;
    let (before, started) = (house.service.stats().crowd_told, Instant::now());
    let mut here = Vec::new();
    for name in &names {
        here.push(house.device(name, "1").await);
    }
    last(&a, "presence", |it| it["count"] == 2 + COMINGS as u64).await;
    drop(here);
    last(&a, "presence", |it| it["count"] == 2).await;
    let intervals = started.elapsed().as_millis() as u64 / GATHER_MS + 2;
    let told = house.service.stats().crowd_told - before;
    println!("comings and goings={} packets={told} subscriptions=1", 2 * COMINGS);
    assert!(told <= intervals, "{told} packets in {intervals} intervals");
    assert!(b.now("presence").is_empty());
    house.end().await;
}

#[tokio::test]
async fn who_types_is_counted_without_oneself_and_ends_with_the_message() {
    let house = house().await;
    let [a, b, c] = house_of(&house, ["a", "b", "c"]).await;
    let group = made(&a, &["b", "c", "d"]).await;
    opened(&a, &group).await;
    opened(&b, &group).await;
    ok(&b, "typing", json!({"groupId": group})).await;
    last(&a, "typing", |it| it["userIds"] == json!(["b"])).await;
    ok(&c, "typing", json!({"groupId": group})).await;
    let both = last(&a, "typing", |it| it["count"] == 2).await;
    assert_eq!(both["userIds"], json!(["b", "c"]));
    last(&b, "typing", |it| it["userIds"] == json!(["c"])).await;
    assert!(b.now("typing").iter().all(|it| it["userIds"] != json!(["b"])));
    // Who opens it later learns of it.
    let late = house.device("d", "1").await;
    opened(&late, &group).await;
    last(&late, "typing", |it| it["count"] == 2).await;
    said(&b, &group).await;
    last(&a, "typing", |it| it["userIds"] == json!(["c"])).await;
    drop(c);
    last(&a, "typing", |it| it["count"] == 0).await;
    last(&late, "typing", |it| it["count"] == 0).await;
    house.end().await;
}

#[tokio::test]
async fn privacy_holds_for_counts() {
    let house = house().await;
    let [a, b, c, d] = house_of(&house, ["a", "b", "c", "d"]).await;
    let group = made(&a, &["b", "c", "d"]).await;
    for who in [&b, &d] {
        ok(who, "privacy_set", json!({"readReceipts": false})).await;
    }
    opened(&d, &group).await;
    let seq = said(&a, &group).await;
    ok(&b, "read", at(&group, seq)).await;
    ok(&c, "read", at(&group, seq)).await;
    let told = last(&a, "receipts", |it| it["counts"][0]["delivered"] == 2).await;
    assert_eq!(told["counts"], counted(seq, 2, 1));
    let told = last(&d, "receipts", |it| it["counts"][0]["delivered"] == 2).await;
    assert_eq!(told["counts"], counted(seq, 2, 0));
    let lines = async |who: &Client| {
        let page = ok(who, "receipts", at(&group, seq)).await;
        let lines = page["receipts"].as_array().expect("a list").clone();
        lines.iter().map(|it| (it["userId"].clone(), it["read"].clone())).collect::<Vec<_>>()
    };
    let read = |b: bool, c: bool| vec![(json!("b"), json!(b)), (json!("c"), json!(c))];
    assert_eq!(lines(&a).await, read(false, true));
    assert_eq!(lines(&d).await, read(false, false));
    ok(&b, "privacy_set", json!({"readReceipts": true})).await;
    assert_eq!(lines(&a).await, read(true, true));
    house.end().await;
}

#[tokio::test]
async fn in_a_small_group_the_reader_decides_whether_it_is_told() {
    let house = house().await;
    let [a, b] = house_of(&house, ["a", "b"]).await;
    let laptop = house.device("b", "2").await;
    let group = made(&a, &["b"]).await;
    ok(&b, "privacy_set", json!({"readReceipts": false})).await;
    let seq = said(&a, &group).await;
    ok(&b, "read", at(&group, seq)).await;
    assert_eq!(laptop.event("read", 0).await["seq"], seq);
    assert_eq!(a.event("delivered", 0).await["userId"], "b");
    a.settle().await;
    assert!(a.now("read").is_empty());
    let page = ok(&a, "conversations", json!({})).await;
    let marks = page["conversations"][0]["watermarks"].as_array().expect("marks").clone();
    let bobs = marks.iter().find(|it| it["userId"] == "b").expect("of b");
    assert_eq!((&bobs["delivered"], &bobs["read"]), (&json!(seq), &json!(0)));
    house.end().await;
}

#[tokio::test]
async fn counts_of_what_was_before_are_not_for_who_came_later() {
    let house = house().await;
    let [a, b, c, d] = house_of(&house, ["a", "b", "c", "d"]).await;
    let group = made(&a, &["b", "c", "x"]).await;
    let early = said(&a, &group).await;
    ok(&a, "group_add", json!({"groupId": group, "userIds": ["d"]})).await;
    opened(&d, &group).await;
    opened(&c, &group).await;
    let late = said(&a, &group).await;
    ok(&b, "read", at(&group, late)).await;
    let told = last(&c, "receipts", |_| true).await;
    let both = json!([{"seq": early, "delivered": 1, "read": 1}, {"seq": late, "delivered": 1, "read": 1}]);
    assert_eq!(told["counts"], both);
    assert_eq!(last(&d, "receipts", |_| true).await["counts"], counted(late, 1, 1));
    assert_eq!(code(&d, "receipts", at(&group, early)).await, "not_found");
    house.end().await;
}

#[tokio::test]
async fn ones_other_devices_hear_what_one_reads() {
    let house = house().await;
    let [a, b] = house_of(&house, ["a", "b"]).await;
    let laptop = house.device("b", "2").await;
    let group = made(&a, &["b", "c", "d"]).await;
    for n in 0..3 {
        let seq = said(&a, &group).await;
        ok(&b, "read", at(&group, seq)).await;
        assert_eq!(laptop.event("read", n).await["seq"], seq);
    }
    assert!(a.now("read").is_empty());
    house.end().await;
}

#[tokio::test]
async fn more_marks_than_are_gathered_are_stored_at_once() {
    let limits = Limits { crowd_marks_max: 2, crowd_gather_ms: 60_000, ..limits() };
    let house = House::new(plan(limits)).await;
    let [a, b, c, d, e] = house_of(&house, ["a", "b", "c", "d", "e"]).await;
    let group = made(&a, &["b", "c", "d", "e"]).await;
    let seq = said(&a, &group).await;
    ok(&b, "delivered", at(&group, seq)).await;
    ok(&b, "read", at(&group, seq)).await;
    // One waits for the minute to be over, two do not.
    let first = c.submit("read", at(&group, seq)).await;
    c.settle().await;
    let second = d.submit("read", at(&group, seq)).await;
    assert_eq!(c.answer(first).await["status"], "ok");
    assert_eq!(d.answer(second).await["status"], "ok");
    let waits = e.submit("read", at(&group, seq)).await;
    e.settle().await;
    assert!(!e.heard().contains(&support::client::Heard::Ack(waits, json!({"status": "ok"}))));
    house.end().await;
}

#[tokio::test]
async fn a_badge_counts_everything_but_muted_conversations() {
    let house = house().await;
    let [a, b] = house_of(&house, ["a", "b"]).await;
    let group = made(&a, &["b", "c", "d"]).await;
    said(&a, &group).await;
    let mention = json!({"groupId": group, "content": "x", "mentions": ["b"]});
    assert_eq!(a.call("group_message", mention).await["status"], "sent");
    a.send("b", "1").await;
    let badge = async || {
        let answer = ok(&b, "badge", json!({})).await;
        ["unread", "mentions", "conversations"].map(|name| answer[name].as_u64().expect("a number"))
    };
    assert_eq!(badge().await, [3, 1, 2]);
    let set = |conversation: &str, field: &str, value: Value| {
        let mut payload = json!({"conversationId": conversation});
        payload[field] = value;
        payload
    };
    let of_group = format!("group:{group}");
    ok(&b, "conversation_set", set(&of_group, "mutedUntil", json!(1u64 << 50))).await;
    assert_eq!(badge().await, [1, 1, 1]);
    ok(&b, "conversation_set", set(&of_group, "mutedUntil", json!(1))).await;
    assert_eq!(badge().await, [3, 1, 2], "it is over");
    ok(&b, "read", at(&group, 3)).await;
    assert_eq!(badge().await, [1, 0, 1]);
    ok(&b, "conversation_set", set(&of_group, "markedUnread", json!(true))).await;
    assert_eq!(badge().await, [1, 0, 2]);
    house.end().await;
}
