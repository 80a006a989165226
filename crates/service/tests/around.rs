//! What is done to messages, over sockets: who hears of it, and what is read of it later.

use crate::support::deeds::{generous, house, made, outcome, plan, said};
use crate::support::{Client, House, Plan};
use parlor_chat::limits::Limits;
use parlor_service::{Mode, Settings};
use serde_json::{Value, json};

async fn history(who: &Client, conversation: &str) -> Value {
    who.call("history", json!({"conversationId": conversation, "after": 0})).await
}

/// The shape of an entry without what differs between runs.
fn shape(mut entry: Value) -> Value {
    let object = entry.as_object_mut().expect("an object");
    for name in ["ts", "pos", "id", "conversationId", "groupId"] {
        object.remove(name);
    }
    if let Some(at) = object.get_mut("editedAt") {
        assert!(at.as_u64().is_some_and(|at| at > 1_700_000_000_000));
        *at = json!("then");
    }
    entry
}

/// Does everything once to a message of alice's and checks who hears what.
async fn each_deed_is_heard(to: &str, event: &str) {
    let house = house().await;
    let (phone, laptop) =
        (house.device("alice", "phone").await, house.device("alice", "laptop").await);
    let bob = house.device("bob", "b").await;
    let conversation = match to {
        "group" => made(&phone, &["bob"]).await,
        _ => "dm:alice:bob".to_owned(),
    };
    let target = if to == "group" { conversation.as_str() } else { "bob" };
    let id = said(&phone, target, "one").await;
    bob.event(event, 0).await;
    let skip = bob.now("entry").len();
    let first: u64 = id.rsplit(':').next().and_then(|seq| seq.parse().ok()).expect("a seq");
    let deeds = [
        (&phone, "edit", json!({"content": "two"}), "message_edited"),
        (&phone, "react", json!({"emoji": "👍"}), "reaction_added"),
        (&phone, "unreact", json!({"emoji": "👍"}), "reaction_removed"),
        (&phone, "pin", json!({}), "message_pinned"),
        (&phone, "unpin", json!({}), "message_unpinned"),
        (&phone, "delete", json!({}), "message_deleted"),
    ];
    for (n, (who, event, extra, kind)) in deeds.into_iter().enumerate() {
        let mut payload = extra.clone();
        payload["messageId"] = json!(id);
        let answer = who.call(event, payload.clone()).await;
        assert_eq!((&answer["status"], &answer["messageId"]), (&json!("ok"), &json!(id)));
        assert_eq!(answer["seq"], json!(first + 1 + n as u64));
        assert_eq!(outcome(who, event, payload).await, "unchanged");
        for hears in [&laptop, &bob] {
            let heard = hears.event("entry", skip + n).await;
            assert_eq!((&heard["seq"], &heard["ts"]), (&answer["seq"], &answer["ts"]));
            assert_eq!(heard["id"], answer["id"]);
            assert_eq!(heard["conversationId"], json!(conversation));
            let mut expected = extra.clone();
            expected["kind"] = json!(kind);
            expected["messageId"] = json!(id);
            expected["by"] = json!("alice");
            expected["seq"] = answer["seq"].clone();
            assert_eq!(shape(heard), expected);
        }
    }
    phone.settle().await;
    assert!(phone.now("entry").is_empty(), "who did it has the answer");
    assert_eq!(bob.now(event).len(), 1, "none of it is a message");
    assert_eq!(bob.now("entry").len(), skip + 6);
}

#[tokio::test]
async fn each_deed_is_heard_by_all_others_of_a_direct_conversation() {
    each_deed_is_heard("bob", "private_message").await;
}

#[tokio::test]
async fn each_deed_is_heard_by_all_others_of_a_group() {
    each_deed_is_heard("group", "group_message").await;
}

#[tokio::test]
async fn history_shows_what_has_become_of_each_message_also_after_a_restart() {
    let data = tempfile::tempdir().expect("a directory");
    let house = House::on(data.path(), plan(generous())).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let edited = said(&alice, "bob", "one").await;
    let deleted = said(&alice, "bob", "secret").await;
    said(&bob, "alice", "plain").await;
    for content in ["two", "three"] {
        outcome(&alice, "edit", json!({"messageId": edited, "content": content})).await;
    }
    for (who, emoji) in [(&bob, "👍"), (&alice, "👍"), (&bob, "🎉")] {
        outcome(who, "react", json!({"messageId": edited, "emoji": emoji})).await;
    }
    outcome(&bob, "pin", json!({"messageId": edited})).await;
    outcome(&alice, "delete", json!({"messageId": deleted})).await;
    let check = async |who: &Client, mine: [bool; 2]| {
        let page = history(who, "dm:alice:bob").await;
        let messages: Vec<_> =
            page["messages"].as_array().expect("a list").iter().cloned().map(shape).collect();
        let reactions = json!([
            {"emoji": "👍", "count": 2, "mine": mine[0]},
            {"emoji": "🎉", "count": 1, "mine": mine[1]},
        ]);
        let expected = [
            json!({"seq": 1, "from": "alice", "to": "bob", "content": "three", "editedAt": "then",
                "reactions": reactions, "pinned": true}),
            json!({"seq": 2, "from": "alice", "to": "bob", "deleted": true}),
            json!({"seq": 3, "from": "bob", "to": "alice", "content": "plain"}),
        ];
        assert_eq!(messages, expected);
        assert_eq!(page["head"], json!(10), "all that is shown above came up to it");
        let kinds: Vec<_> = page["entries"].as_array().expect("a list").iter().collect();
        assert_eq!(kinds.len(), 7);
        assert_eq!(kinds[0]["content"], "two", "each edit stays while the message does");
        assert!(!page.to_string().contains("secret"));
        let pins = who.call("pins", json!({"conversationId": "dm:alice:bob"})).await;
        assert_eq!(pins["pins"].as_array().map(Vec::len), Some(1));
        let pin = &pins["pins"][0];
        assert_eq!((&pin["by"], &pin["message"]["content"]), (&json!("bob"), &json!("three")));
        assert!(pin["at"].is_u64());
        let list = who.call("conversations", json!({})).await;
        let line = &list["conversations"][0];
        assert_eq!((&line["head"], &line["last"]["kind"]), (&json!(10), &json!("message_deleted")));
        assert_eq!(line["message"]["content"], "plain");
        assert_eq!(line.get("mentions"), None, "a direct conversation has none");
    };
    check(&alice, [true, false]).await;
    check(&bob, [true, true]).await;
    let unread = alice.call("conversations", json!({})).await;
    assert_eq!(unread["conversations"][0]["unread"], 1, "deeds are not unread");
    drop((alice, bob));
    house.end().await;
    let house = House::on(data.path(), plan(generous())).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    check(&alice, [true, false]).await;
    check(&bob, [true, true]).await;
    house.end().await;
}

#[tokio::test]
async fn who_was_away_hears_what_was_done_and_nothing_of_what_is_gone() {
    let house = house().await;
    let alice = house.device("alice", "a").await;
    let bob = house.device("bob", "b").await;
    let group = made(&alice, &["bob"]).await;
    said(&alice, "bob", "here").await;
    let live = bob.event("private_message", 0).await;
    bob.call("delivered", json!({"messageId": live["id"]})).await;
    drop(bob);
    let direct = said(&alice, "bob", "secret").await;
    let in_group = said(&alice, &group, "secret").await;
    for id in [&direct, &in_group] {
        outcome(&alice, "edit", json!({"messageId": id, "content": "secret too"})).await;
        outcome(&alice, "delete", json!({"messageId": id})).await;
    }
    let first = live["id"].as_str().expect("an id");
    outcome(&alice, "react", json!({"messageId": first, "emoji": "👍"})).await;
    for auth in [
        json!({"token": "bob", "deviceId": "b"}),
        json!({"token": "bob", "deviceId": "c", "resume": {"pos": live["pos"], "epoch": epoch(&alice).await}}),
    ] {
        let bob = Client::connect(house.address, auth).await;
        let gone = bob.now("private_message").into_iter().next_back().expect("it was pushed");
        let expected = json!({"seq": 2, "from": "alice", "to": "bob", "deleted": true});
        assert_eq!(shape(gone), expected);
        let gone = bob.now("group_message").into_iter().next().expect("it was pushed");
        assert_eq!(shape(gone), json!({"seq": 2, "from": "alice", "deleted": true}));
        let kinds: Vec<_> = bob
            .now("entry")
            .iter()
            .map(|entry| entry["kind"].as_str().map(str::to_owned))
            .collect();
        let count = |kind: &str| kinds.iter().flatten().filter(|of| *of == kind).count();
        assert_eq!((count("message_edited"), count("message_deleted")), (2, 2));
        assert_eq!(count("reaction_added"), 1);
        assert!(!format!("{:?}", bob.heard()).contains("secret"));
    }
}

async fn epoch(who: &Client) -> Value {
    who.event("caught_up", 0).await["epoch"].clone()
}

#[tokio::test]
async fn an_edit_is_done_once_under_its_key_and_shows_the_key_to_its_author() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let id = said(&alice, "bob", "one").await;
    let edit = |content: &str| json!({"messageId": id, "content": content, "clientId": "k"});
    assert_eq!(outcome(&alice, "edit", edit("two")).await, "2");
    assert_eq!(outcome(&alice, "edit", edit("two")).await, "2");
    assert_eq!(outcome(&alice, "edit", edit("three")).await, "conflict");
    assert_eq!(bob.event("entry", 0).await.get("clientId"), None);
    bob.settle().await;
    assert_eq!(bob.now("entry").len(), 1);
    assert_eq!(history(&alice, "dm:alice:bob").await["entries"][0]["clientId"], "k");
    let old = "00000000-0001-7000-8000-000000000000";
    let stale = json!({"messageId": id, "content": "x", "clientId": old});
    assert_eq!(outcome(&alice, "edit", stale).await, "stale_client_id");
}

#[tokio::test]
async fn a_reply_and_a_forward_say_what_they_are() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let carol = house.device("carol", "c").await;
    let id = said(&alice, "bob", "question").await;
    let reply = json!({"toUserId": "alice", "content": "answer", "replyTo": id, "clientId": "k"});
    let sent = bob.call("private_message", reply.clone()).await;
    assert_eq!(sent["status"], "sent", "{sent}");
    let again = bob.call("private_message", reply).await;
    assert_eq!((&again["id"], &again["ts"]), (&sent["id"], &sent["ts"]));
    let heard = alice.event("private_message", 0).await;
    let expected = json!({"messageId": id, "seq": 1, "from": "alice"});
    assert_eq!(heard["replyTo"], expected);
    assert_eq!(history(&bob, "dm:alice:bob").await["messages"][1]["replyTo"], expected);
    let forward = |of: &str| json!({"toUserId": "carol", "content": "question", "forwardOf": of});
    assert_eq!(bob.call("private_message", forward(&id)).await["status"], "sent");
    let heard = carol.event("private_message", 0).await;
    assert_eq!(heard["forwarded"], true);
    assert!(!heard.to_string().contains("dm:alice:bob"), "where it is from is not told");
    let group = made(&alice, &["bob"]).await;
    let in_group = said(&alice, &group, "hidden").await;
    for (who, payload, expected) in [
        (&carol, forward(&id), "forwardOf must be a message that the user may see"),
        (&carol, forward(&in_group), "forwardOf must be a message that the user may see"),
        (
            &bob,
            json!({"toUserId": "carol", "content": 1, "replyTo": id}),
            "replyTo must be a message of this conversation",
        ),
        (
            &bob,
            json!({"toUserId": "alice", "content": 1, "replyTo": "dm:alice:bob:7"}),
            "replyTo must be a message of this conversation",
        ),
        (
            &bob,
            json!({"toUserId": "alice", "content": 1, "replyTo": 7}),
            "replyTo must be a string",
        ),
    ] {
        let answer = who.call("private_message", payload).await;
        assert_eq!(
            (&answer["code"], &answer["error"]),
            (&json!("invalid_argument"), &json!(expected))
        );
    }
    outcome(&alice, "delete", json!({"messageId": id})).await;
    let late = json!({"toUserId": "alice", "content": "answer", "replyTo": id});
    assert_eq!(bob.call("private_message", late).await["code"], "message_deleted");
}

#[tokio::test]
async fn a_thread_hangs_on_its_first_message() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let root = said(&alice, "bob", "root").await;
    for n in 0..3 {
        let reply = json!({"toUserId": "alice", "content": n, "thread": root});
        assert_eq!(bob.call("private_message", reply).await["status"], "sent");
    }
    assert_eq!(alice.event("private_message", 2).await["thread"], json!(root));
    assert_eq!(history(&alice, "dm:alice:bob").await["messages"][0]["threadCount"], 3);
    let page = alice.call("thread", json!({"messageId": root, "limit": 2})).await;
    let contents = |page: &Value| {
        let messages = page["messages"].as_array().expect("a list").iter();
        messages.map(|message| message["content"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(contents(&page), [json!(0), json!(1)]);
    let rest = json!({"messageId": root, "limit": 2, "cursor": page["cursor"]});
    let rest = alice.call("thread", rest).await;
    assert_eq!((contents(&rest), &rest["cursor"]), (vec![json!(2)], &Value::Null));
    for (event, payload, code, error) in [
        ("thread", json!({}), "invalid_argument", "messageId is required"),
        ("thread", json!({"messageId": root, "cursor": "x"}), "invalid_argument", "cursor must be"),
        ("thread", json!({"messageId": root, "limit": 0}), "invalid_argument", "limit must be"),
        ("thread", json!({"messageId": "dm:alice:bob:9"}), "not_found", "no such"),
        (
            "private_message",
            json!({"toUserId": "bob", "content": 1, "thread": "dm:alice:zoe:1"}),
            "invalid_argument",
            "thread must be a message of this conversation",
        ),
        (
            "private_message",
            json!({"toUserId": "bob", "content": 1, "thread": "dm:alice:bob:2"}),
            "invalid_argument",
            "thread must be a message that is in no thread",
        ),
    ] {
        let answer = alice.call(event, payload).await;
        assert_eq!(answer["code"], code, "{answer}");
        assert!(answer["error"].as_str().is_some_and(|text| text.contains(error)), "{answer}");
    }
}

#[tokio::test]
async fn mentions_are_told_and_counted_until_they_are_read() {
    let limits = Limits { mention_all_members_max: 2, ..generous() };
    let house = House::new(plan(limits)).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let carol = house.device("carol", "c").await;
    let conversation = made(&alice, &["bob", "carol"]).await;
    let group = conversation.trim_start_matches("group:");
    let mention = |users: Value| json!({"groupId": group, "content": 1, "mentions": users});
    let counts = async |who: &Client| {
        let list = who.call("conversations", json!({})).await;
        let line = &list["conversations"][0];
        (line["unread"].as_u64(), line["mentions"].as_u64())
    };
    assert_eq!(alice.call("group_message", mention(json!(["bob"]))).await["status"], "sent");
    assert_eq!(bob.event("group_message", 0).await["mentions"], json!(["bob"]));
    assert_eq!(alice.call("group_message", mention(json!(["@all"]))).await["status"], "sent");
    assert_eq!(carol.event("group_message", 1).await["mentions"], json!(["@all"]));
    said(&alice, &conversation, "nobody").await;
    assert_eq!(counts(&bob).await, (Some(3), Some(2)));
    assert_eq!(counts(&carol).await, (Some(3), Some(1)));
    assert_eq!(counts(&alice).await, (Some(0), Some(0)));
    bob.call("read", json!({"conversationId": conversation, "seq": 2})).await;
    assert_eq!(counts(&bob).await, (Some(2), Some(1)));
    bob.call("read", json!({"conversationId": conversation, "seq": 4})).await;
    assert_eq!(counts(&bob).await, (Some(0), Some(0)));
    let refused = async |who: &Client, users: Value| {
        let answer = who.call("group_message", mention(users)).await;
        (answer["code"].clone(), answer["error"].clone())
    };
    assert_eq!(refused(&bob, json!(["@all"])).await.0, "not_allowed");
    let (code, error) = refused(&bob, json!(["zoe"])).await;
    assert_eq!(
        (code, error),
        (json!("invalid_argument"), json!("mentions must be members of the group"))
    );
    assert_eq!(refused(&bob, json!("carol")).await.0, "invalid_argument");
}

#[tokio::test]
async fn the_simplest_tutorials_sockets_hear_only_what_is_said() {
    let settings = Settings { limits: generous(), mode: Mode::Development, ..Settings::default() };
    let house = House::new(Plan { settings, ..Plan::default() }).await;
    let simple = Client::open(house.address, json!({})).await;
    simple.answered().await;
    simple.call("register", json!("bob")).await;
    let alice = house.device("alice", "a").await;
    let id = said(&alice, "bob", "one").await;
    outcome(&alice, "edit", json!({"messageId": id, "content": "two"})).await;
    said(&alice, "bob", "three").await;
    let heard = simple.events("private message", 2).await;
    assert_eq!((&heard[0]["message"], &heard[1]["message"]), (&json!("one"), &json!("three")));
    assert!(simple.now("entry").is_empty());
}
