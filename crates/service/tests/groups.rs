//! Groups over sockets: who hears what, and what is left of it for who was away.

use std::time::Duration;

use parlor_chat::limits::Limits;
use parlor_gateway::Config;
use parlor_service::Settings;
use serde_json::{Value, json};

use crate::support::deeds::{generous, house, plan};
use crate::support::groups::{code, history, made, said, say, seq, seqs};
use crate::support::{Client, House, Plan};

#[tokio::test]
async fn every_socket_of_every_member_hears_but_the_one_that_sent() {
    let house = house().await;
    let (phone, laptop) =
        (house.device("alice", "phone").await, house.device("alice", "laptop").await);
    let (bob, carol) = (house.device("bob", "b").await, house.device("carol", "c").await);
    let group = made(&phone, &["bob"], json!({})).await;
    let told = bob.event("entry", 0).await;
    assert_eq!(told["kind"], "group_created");
    assert_eq!(
        (&told["by"], &told["name"], &told["seq"]),
        (&json!("alice"), &json!("Owls"), &json!(1))
    );
    assert_eq!(told["settings"]["post"], "everyone");
    assert_eq!(laptop.event("entry", 0).await["groupId"], json!(group));
    let payload = json!({"groupId": group, "content": {"a": 1.5}, "clientId": "k"});
    let sent = phone.call("group_message", payload).await;
    for hears in [&laptop, &bob] {
        let heard = hears.event("group_message", 0).await;
        assert_eq!(
            (&heard["id"], &heard["seq"], &heard["ts"]),
            (&sent["id"], &json!(2), &sent["ts"])
        );
        assert_eq!(heard["groupId"], json!(group));
        assert_eq!(heard["conversationId"], json!(format!("group:{group}")));
        assert_eq!((&heard["from"], &heard["content"]), (&json!("alice"), &json!({"a": 1.5})));
        assert_eq!((heard.get("clientId"), heard.get("to")), (None, None));
    }
    let answer = say(&bob, &group, "back").await;
    assert_eq!(phone.event("group_message", 0).await["id"], answer["id"]);
    phone.settle().await;
    assert_eq!(phone.now("group_message").len(), 1);
    assert!(phone.now("entry").is_empty() && carol.now("entry").is_empty());
    assert!(carol.now("group_message").is_empty());
    house.end().await;
}

#[tokio::test]
async fn a_sender_who_asks_for_an_echo_gets_one() {
    let house = house().await;
    let alice = house.device("alice", "a").await;
    let group = made(&alice, &[], json!({})).await;
    let payload = json!({"groupId": group, "content": "hi", "echo": true});
    let answer = alice.call("group_message", payload).await;
    assert_eq!(alice.event("group_message", 0).await["id"], answer["id"]);
    house.end().await;
}

#[tokio::test]
async fn who_is_removed_hears_that_as_the_last_thing_and_reads_no_further() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let bob2 = house.device("bob", "b2").await;
    let group = made(&alice, &["bob", "carol"], json!({})).await;
    said(&alice, &group, "one").await;
    assert_eq!(code(&alice, "group_kick", json!({"groupId": group, "userId": "bob"})).await, "ok");
    said(&alice, &group, "two").await;
    // One whose entry comes behind all of that.
    alice.send("bob", "direct").await;
    for device in [&bob, &bob2] {
        device.event("private_message", 0).await;
        assert_eq!(device.now("group_message").len(), 1);
        let entries = device.now("entry");
        assert_eq!(entries.last().expect("the kick")["kind"], "member_kicked");
        assert_eq!(entries.last().expect("the kick")["userId"], "bob");
    }
    let page = history(&bob, &group).await;
    assert_eq!(seqs(&page), [1, 2, 3]);
    assert_eq!(page["covers"], json!([1, 3]), "the head is not told either");
    let line = &bob.call("conversations", json!({})).await["conversations"][1];
    assert_eq!(
        (&line["head"], &line["role"], &line["last"]["kind"]),
        (&json!(3), &Value::Null, &json!("member_kicked"))
    );
    assert_eq!(say(&bob, &group, "x").await["code"], "not_a_member");
    for event in ["group_members", "group_update", "group_invites", "group_leave"] {
        assert_eq!(code(&bob, event, json!({"groupId": group})).await, "not_a_member", "{event}");
    }
    assert_eq!(code(&bob, "typing", json!({"groupId": group})).await, "not_a_member");
    // Nor does a device that comes later.
    let bob3 = house.device("bob", "b3").await;
    said(&alice, &group, "three").await;
    alice.send("bob", "again").await;
    bob3.event("private_message", 0).await;
    bob3.settle().await;
    assert!(bob3.now("group_message").iter().all(|heard| heard["content"] != "three"));
    house.end().await;
}

#[tokio::test]
async fn who_was_away_catches_up_from_joining_to_leaving() {
    let house = house().await;
    let alice = house.device("alice", "a").await;
    let group = made(&alice, &[], json!({})).await;
    said(&alice, &group, "before").await;
    let added = alice.call("group_add", json!({"groupId": group, "userIds": ["bob"]})).await;
    said(&alice, &group, "within").await;
    alice.call("group_kick", json!({"groupId": group, "userId": "bob"})).await;
    said(&alice, &group, "after").await;
    let bob = house.device("bob", "b").await;
    assert_eq!(added["seq"], 3);
    let heard: Vec<_> = bob.now("group_message").iter().map(|it| it["content"].clone()).collect();
    assert_eq!(heard, [json!("within")]);
    let kinds: Vec<_> = bob.now("entry").iter().map(|it| it["kind"].clone()).collect();
    assert_eq!(kinds, [json!("member_added"), json!("member_kicked")]);
    assert_eq!(seqs(&history(&bob, &group).await), [3, 4, 5]);
    // Once more in: nothing of the time between, and all from here on.
    alice.call("group_add", json!({"groupId": group, "userIds": ["bob"]})).await;
    said(&alice, &group, "again").await;
    assert_eq!(bob.event("group_message", 1).await["content"], "again");
    assert_eq!(seqs(&history(&bob, &group).await), [3, 4, 5, 7, 8]);
    let page = json!({"conversationId": format!("group:{group}"), "before": 8, "limit": 2});
    let page = bob.call("history", page).await;
    assert_eq!(
        (seqs(&page), &page["covers"], &page["more"]),
        (vec![5, 7], &json!([5, 7]), &json!(true))
    );
    house.end().await;
}

#[tokio::test]
async fn a_group_may_show_its_past_to_who_joins_and_pushes_none_of_it() {
    let house = house().await;
    let alice = house.device("alice", "a").await;
    let group = made(&alice, &[], json!({"history": "all", "join": "open"})).await;
    said(&alice, &group, "before").await;
    let bob = house.device("bob", "b").await;
    assert_eq!(code(&bob, "group_join", json!({"groupId": group})).await, "ok");
    assert_eq!(code(&bob, "group_join", json!({"groupId": group})).await, "unchanged");
    said(&alice, &group, "after").await;
    bob.event("group_message", 0).await;
    assert_eq!(bob.now("group_message").len(), 1);
    assert_eq!(seqs(&history(&bob, &group).await), [1, 2, 3, 4]);
    let line = &bob.call("conversations", json!({})).await["conversations"][0];
    assert_eq!(line["unread"], 1, "what was before counts as read");
    house.end().await;
}

#[tokio::test]
async fn making_a_group_twice_by_one_key_makes_one() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let make = |name: &str| json!({"name": name, "members": ["bob"], "clientId": "k"});
    let first = alice.call("group_create", make("Owls")).await;
    let second = alice.call("group_create", make("Owls")).await;
    assert_eq!(first, second);
    assert_eq!(code(&alice, "group_create", make("Bats")).await, "conflict");
    let other = bob.call("group_create", json!({"name": "Owls", "clientId": "k"})).await;
    assert_ne!(other["groupId"], first["groupId"], "keys are one's own");
    bob.settle().await;
    assert_eq!(bob.now("entry").len(), 1);
    house.end().await;
}

#[tokio::test]
async fn a_retry_of_what_was_kept_gets_its_first_answer_even_from_outside() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let group = made(&alice, &["bob"], json!({})).await;
    let payload = json!({"groupId": group, "content": "x", "clientId": "k"});
    let first = bob.call("group_message", payload.clone()).await;
    alice.call("group_kick", json!({"groupId": group, "userId": "bob"})).await;
    assert_eq!(bob.call("group_message", payload).await, first);
    let other = json!({"groupId": group, "content": "x", "clientId": "k2"});
    assert_eq!(code(&bob, "group_message", other).await, "not_a_member");
    house.end().await;
}

#[tokio::test]
async fn unread_and_receipts_are_what_the_log_implies() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let carol = house.device("carol", "c").await;
    let group = made(&alice, &["bob", "carol"], json!({})).await;
    let conversation = format!("group:{group}");
    for n in 0..3 {
        said(&alice, &group, n).await;
        said(&bob, &group, n).await;
    }
    alice.call("group_add", json!({"groupId": group, "userIds": ["dave"]})).await;
    let unread = async |who: &Client| {
        who.call("conversations", json!({})).await["conversations"][0]["unread"].clone()
    };
    assert_eq!(
        (unread(&alice).await, unread(&bob).await, unread(&carol).await),
        (json!(3), json!(3), json!(6))
    );
    let read = |seq: u64| json!({"conversationId": conversation, "seq": seq});
    // Entries: 1 made, 2 a, 3 b, 4 a, 5 b, 6 a, 7 b, 8 added.
    assert_eq!(code(&carol, "read", read(5)).await, "ok");
    assert_eq!(unread(&carol).await, json!(2));
    for hears in [&alice, &bob] {
        let told = hears.event("read", 0).await;
        assert_eq!((&told["userId"], &told["seq"]), (&json!("carol"), &json!(5)));
    }
    assert_eq!(code(&alice, "read", read(9)).await, "not_found");
    assert_eq!(code(&alice, "read", read(3)).await, "ok");
    assert_eq!(unread(&alice).await, json!(2));
    let page = alice.call("receipts", json!({"conversationId": conversation, "seq": 4})).await;
    let read_by: Vec<_> = page["receipts"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|line| line["read"] == true)
        .map(|line| line["userId"].clone())
        .collect();
    assert_eq!(read_by, [json!("carol")]);
    let first = json!({"conversationId": conversation, "seq": 3, "limit": 1});
    let first = alice.call("receipts", first).await;
    assert_eq!(first["receipts"].as_array().map(Vec::len), Some(1));
    assert!(first["cursor"].is_string(), "{first}");
    assert_eq!(
        code(&alice, "receipts", json!({"conversationId": conversation, "seq": 99})).await,
        "not_found"
    );
    assert_eq!(
        code(&alice, "receipts", json!({"conversationId": "dm:alice:bob", "seq": 1})).await,
        "invalid_argument"
    );
    house.end().await;
}

#[tokio::test]
async fn what_a_device_proved_to_have_does_not_come_again() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let group = made(&alice, &["bob"], json!({})).await;
    said(&alice, &group, "one").await;
    bob.event("group_message", 0).await;
    bob.pings(2).await;
    let conversation = format!("group:{group}");
    // The proof is on its way to the store.
    loop {
        let line = alice.call("receipts", json!({"conversationId": conversation, "seq": 2})).await;
        if line["receipts"].as_array().is_some_and(|all| all.iter().any(|it| it["userId"] == "bob"))
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(bob);
    said(&alice, &group, "two").await;
    let bob = house.device("bob", "b").await;
    let heard: Vec<_> = bob.now("group_message").iter().map(|it| it["content"].clone()).collect();
    assert_eq!(heard, [json!("two")]);
    house.end().await;
}

#[tokio::test]
async fn a_position_and_a_recovery_bring_back_what_groups_said() {
    let house = house().await;
    let alice = house.device("alice", "a").await;
    let auth = json!({"token": "bob", "deviceId": "b", "recovery": true});
    let mut bob = Client::connect(house.address, auth.clone()).await;
    let group = made(&alice, &["bob"], json!({})).await;
    said(&alice, &group, "one").await;
    bob.event("group_message", 0).await;
    let (pid, offset) = bob.recovery().await;
    bob.cut().await;
    said(&alice, &group, "two").await;
    alice.call("group_update", json!({"groupId": group, "name": "Bats"})).await;
    let mut again = auth;
    again["pid"] = pid;
    again["offset"] = json!(offset.expect("it keeps one"));
    let bob = Client::connect(house.address, again).await;
    assert_eq!(bob.event("ready", 0).await["recovered"], true);
    assert_eq!(
        bob.now("group_message").iter().map(|it| it["content"].clone()).collect::<Vec<_>>(),
        [json!("two")]
    );
    assert_eq!(bob.now("entry")[0]["name"], "Bats");
    said(&alice, &group, "three").await;
    bob.event("group_message", 1).await;
    let at = bob.event("caught_up", 0).await;
    let cursor = json!({"epoch": at["epoch"], "pos": at["pos"]});
    let moved = bob.call("sync", cursor.clone()).await;
    assert_eq!(moved["conversations"][0]["groupId"], json!(group));
    let resumed = json!({"token": "bob", "deviceId": "b2", "resume": cursor});
    let other = Client::connect(house.address, resumed).await;
    assert_eq!(other.event("group_message", 0).await["content"], "three");
    house.end().await;
}

#[tokio::test]
async fn groups_outlive_the_server() {
    let data = tempfile::tempdir().expect("a directory");
    let house = House::on(data.path(), plan(generous())).await;
    let alice = house.device("alice", "a").await;
    let group = made(&alice, &["bob"], json!({})).await;
    said(&alice, &group, "one").await;
    house.end().await;
    let house = House::on(data.path(), plan(generous())).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    assert_eq!(bob.event("group_message", 0).await["content"], "one");
    assert_eq!(said(&alice, &group, "two").await, 3);
    assert_eq!(bob.event("group_message", 1).await["content"], "two");
    let listed = bob.call("groups", json!({})).await;
    assert_eq!(listed["groups"][0]["name"], "Owls");
    assert_eq!(
        (&listed["groups"][0]["members"], &listed["groups"][0]["role"]),
        (&json!(2), &json!("member"))
    );
    house.end().await;
}

#[tokio::test]
async fn members_come_in_pages_and_each_once() {
    let house = house().await;
    let alice = house.device("alice", "a").await;
    let names: Vec<String> = (0..25).map(|n| format!("user{n}")).collect();
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    let group = made(&alice, &members, json!({})).await;
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let page = json!({"groupId": group, "limit": 10, "cursor": cursor});
        let page = alice.call("group_members", page).await;
        assert_eq!(page["count"], 26);
        let lines = page["members"].as_array().expect("a list");
        assert!(lines.len() <= 10);
        seen.extend(lines.iter().map(|line| line["userId"].as_str().expect("an id").to_owned()));
        cursor = page["cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen.len(), 26);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 26);
    house.end().await;
}

#[tokio::test]
async fn limits_hold_at_their_edges() {
    let limits = Limits {
        group_members_max: 4,
        group_add_max: 2,
        groups_per_user_max: 2,
        invites_per_group_max: 1,
        requests_per_group_max: 1,
        ..generous()
    };
    let house = House::new(plan(limits)).await;
    let alice = house.device("alice", "a").await;
    let create = |members: &[&str]| json!({"name": "x", "members": members});
    assert_eq!(code(&alice, "group_create", create(&["b", "c", "d"])).await, "invalid_argument");
    let group = made(&alice, &["b", "c"], json!({"join": "request"})).await;
    let add = |users: &[&str]| json!({"groupId": group, "userIds": users});
    assert_eq!(code(&alice, "group_add", add(&["d", "e"])).await, "group_full");
    assert_eq!(code(&alice, "group_add", add(&["d"])).await, "ok");
    assert_eq!(code(&alice, "group_create", create(&[])).await, "ok");
    assert_eq!(code(&alice, "group_create", create(&[])).await, "too_many_groups");
    let bob = house.device("b", "b").await;
    assert_eq!(code(&bob, "group_create", create(&["alice"])).await, "too_many_groups");
    let invite = json!({"groupId": group});
    assert_eq!(code(&alice, "group_invite", invite.clone()).await, "ok");
    assert_eq!(code(&alice, "group_invite", invite.clone()).await, "too_many_invites");
    let (one, two) = (house.device("one", "d").await, house.device("two", "d").await);
    assert_eq!(code(&one, "group_join", invite.clone()).await, "ok");
    assert_eq!(code(&one, "group_join", invite.clone()).await, "ok", "it waits already");
    assert_eq!(code(&two, "group_join", invite).await, "group_full");
    let settings = json!({"groupId": group, "settings": {"membersMax": 5}});
    assert_eq!(code(&alice, "group_update", settings).await, "invalid_argument");
    house.end().await;
}

#[tokio::test]
async fn who_blocks_somebody_is_not_brought_into_their_groups() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    assert_eq!(code(&bob, "block", json!({"userId": "alice"})).await, "ok");
    let create = json!({"name": "x", "members": ["bob"]});
    assert_eq!(code(&alice, "group_create", create).await, "blocked");
    let group = made(&alice, &[], json!({})).await;
    let add = json!({"groupId": group, "userIds": ["bob"]});
    assert_eq!(code(&alice, "group_add", add).await, "blocked");
    house.end().await;
}

#[tokio::test]
async fn typing_goes_to_the_others_of_a_group() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let group = made(&alice, &["bob"], json!({})).await;
    bob.event("entry", 0).await;
    assert_eq!(code(&alice, "typing", json!({"groupId": group})).await, "ok");
    let told = bob.event("typing", 0).await;
    assert_eq!(
        (&told["userId"], &told["groupId"], &told["typing"]),
        (&json!("alice"), &json!(group), &json!(true))
    );
    alice.settle().await;
    assert!(alice.now("typing").is_empty());
    house.end().await;
}

#[tokio::test]
async fn a_member_sees_who_of_the_group_is_online() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let (bob2, eve) = (house.device("bob", "b2").await, house.device("eve", "e").await);
    let group = made(&alice, &["bob", "carol", "dave"], json!({})).await;
    let dave = house.device("dave", "d").await;
    assert_eq!(code(&dave, "privacy_set", json!({"online": "nobody"})).await, "ok");
    bob2.event("entry", 0).await;
    let page = alice.call("presence", json!({"groupId": group})).await;
    assert_eq!((&page["online"], &page["count"]), (&json!(["alice", "bob"]), &json!(3)));
    let first = alice.call("presence", json!({"groupId": group, "limit": 1})).await;
    assert_eq!((&first["online"], &first["cursor"]), (&json!(["alice"]), &json!("alice")));
    let rest = json!({"groupId": group, "cursor": first["cursor"]});
    assert_eq!(alice.call("presence", rest).await["online"], json!(["bob"]));
    assert_eq!(code(&eve, "presence", json!({"groupId": group})).await, "not_a_member");
    drop((bob, bob2));
    loop {
        if alice.call("presence", json!({"groupId": group})).await["count"] == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    house.end().await;
}

/// Messages, kicks and additions race each other on several shards: whoever hears a message was in at
/// its place in the log, and hears all of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memberships_that_change_under_load_leak_nothing_and_lose_nothing() {
    let gateway = Config { ping_interval: Duration::from_millis(200), ..Config::default() };
    let settings = Settings { limits: generous(), ..Settings::default() };
    let house = House::new(Plan { settings, gateway, shards: 2, ..Plan::default() }).await;
    let owner = house.device("owner", "d").await;
    let talker = house.device("talker", "d").await;
    let names = ["bob", "carol"];
    let group = made(&owner, &["talker"], json!({})).await;
    talker.event("entry", 0).await;
    let mut people = Vec::new();
    for name in names {
        people.push(house.device(name, "one").await);
    }
    let talks = async {
        for n in 0..400 {
            said(&talker, &group, n).await;
        }
    };
    let changes = async {
        for round in 0..40 {
            for name in names {
                let add = json!({"groupId": group, "userIds": [name]});
                assert_eq!(code(&owner, "group_add", add).await, "ok", "{round}");
            }
            for name in names {
                let kick = json!({"groupId": group, "userId": name});
                assert_eq!(code(&owner, "group_kick", kick).await, "ok", "{round}");
            }
        }
    };
    // Devices that connect and go while their user comes and goes.
    let comings = async {
        let mut later = Vec::new();
        for n in 0..12 {
            later.push(house.device(names[n % 2], &format!("later{n}")).await);
        }
        later
    };
    let ((), (), later) = tokio::join!(talks, changes, comings);
    let (mut spans, mut log) = (vec![Vec::new(); names.len()], Vec::new());
    let mut after = 0;
    loop {
        let page =
            json!({"conversationId": format!("group:{group}"), "after": after, "limit": 200});
        let page = owner.call("history", page).await;
        log.extend(page["messages"].as_array().expect("a list").iter().filter_map(seq));
        for entry in page["entries"].as_array().into_iter().flatten() {
            for (at, name) in names.iter().enumerate() {
                let seq = seq(entry).expect("a seq");
                if entry["userIds"] == json!([name]) {
                    spans[at].push((seq, u64::MAX));
                } else if entry["userId"] == json!(name) {
                    spans[at].last_mut().expect("it was in").1 = seq;
                }
            }
        }
        after = page["covers"][1].as_u64().expect("it covers something");
        if page["more"] == false {
            break;
        }
    }
    for client in people.iter().chain(&later) {
        client.settle().await;
    }
    let within =
        |at: usize, seq: u64| spans[at].iter().any(|(from, to)| (*from..=*to).contains(&seq));
    for (at, bob) in people.iter().enumerate() {
        let heard: Vec<u64> = bob.now("group_message").iter().filter_map(seq).collect();
        let expected: Vec<u64> = log.iter().copied().filter(|seq| within(at, *seq)).collect();
        assert_eq!(heard, expected, "{}", names[at]);
    }
    for (n, client) in later.iter().enumerate() {
        let heard: Vec<u64> = client.now("group_message").iter().filter_map(seq).collect();
        assert!(heard.windows(2).all(|pair| pair[0] < pair[1]), "in order, each once: {heard:?}");
        assert!(heard.iter().all(|seq| within(n % 2, *seq)), "nothing from outside: {heard:?}");
        let from = heard.first().copied().unwrap_or(u64::MAX);
        let expected = log.iter().filter(|seq| **seq >= from && within(n % 2, **seq)).count();
        assert_eq!(heard.len(), expected, "nothing is missing behind the first");
    }
    house.end().await;
}
