//! What is done to messages, over sockets: who may do it, how often and how late, and what is said of
//! bad wishes.

use std::time::Duration;

use crate::support::House;
use crate::support::deeds::{generous, house, made, outcome, plan, said};
use parlor_chat::limits::Limits;
use serde_json::{Value, json};

#[tokio::test]
async fn what_is_wrong_with_a_wish_is_named() {
    let limits = Limits { content_bytes_max: 10, ..generous() };
    let house = House::new(plan(limits)).await;
    let (alice, _bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let id = said(&alice, "bob", "one").await;
    let deed = outcome(&alice, "react", json!({"messageId": id, "emoji": "👍"})).await;
    assert_eq!(deed, "2");
    let with = |mut extra: Value| {
        extra["messageId"] = json!(id);
        extra
    };
    for (event, payload, code, named) in [
        ("edit", json!({}), "invalid_argument", "messageId is required"),
        ("edit", with(json!({})), "invalid_argument", "content is required"),
        ("edit", with(json!({"content": "123456789"})), "too_large", "10 bytes"),
        ("edit", with(json!({"content": 1, "clientId": ""})), "invalid_argument", "clientId"),
        ("delete", json!({"messageId": 7}), "invalid_argument", "messageId must be a string"),
        ("delete", json!({"messageId": "7"}), "invalid_argument", "messageId must be an id"),
        ("delete", json!({"messageId": "dm:alice:bob:2"}), "not_found", "no such"),
        ("delete", json!({"messageId": "dm:alice:bob:9"}), "not_found", "no such"),
        ("delete", json!({"messageId": "dm:bob:carol:1"}), "not_a_member", "not a member"),
        ("delete", json!({"messageId": "group:none:1"}), "not_found", "no such"),
        ("react", with(json!({})), "invalid_argument", "emoji is required"),
        ("react", with(json!({"emoji": ""})), "invalid_argument", "emoji must be 1 to 32"),
        ("react", with(json!({"emoji": "x".repeat(33)})), "invalid_argument", "emoji must be"),
        ("unreact", with(json!({"emoji": 1})), "invalid_argument", "emoji must be a string"),
        ("pin", json!("x"), "invalid_argument", "payload must be an object"),
        ("unpin", json!({}), "invalid_argument", "messageId is required"),
        ("pins", json!({}), "invalid_argument", "conversationId is required"),
        ("pins", json!({"conversationId": "dm:bob:carol"}), "not_a_member", "not a member"),
        ("pins", json!({"conversationId": "dm:alice:zoe"}), "not_found", "no such"),
    ] {
        let answer = alice.call(event, payload.clone()).await;
        assert_eq!(
            (&answer["status"], &answer["code"]),
            (&json!("error"), &json!(code)),
            "{payload}"
        );
        let error = answer["error"].as_str().expect("a text");
        assert!(error.contains(named), "{event} {payload}: {error}");
    }
    assert_eq!(outcome(&alice, "react", with(json!({"emoji": "x".repeat(32)}))).await, "3");
    assert_eq!(outcome(&alice, "edit", with(json!({"content": "12345678"}))).await, "4");
}

#[tokio::test]
async fn limits_hold_at_their_edges() {
    let limits = Limits {
        reactions_per_user_max: 2,
        reactions_per_message_max: 3,
        pins_max: 1,
        edits_per_message_max: 2,
        mentions_max: 2,
        ..generous()
    };
    let house = House::new(plan(limits)).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let (one, two) = (said(&alice, "bob", "one").await, said(&alice, "bob", "two").await);
    let react = |emoji: &str| json!({"messageId": one, "emoji": emoji});
    assert_eq!(outcome(&alice, "react", react("1")).await, "3");
    assert_eq!(outcome(&alice, "react", react("2")).await, "4");
    assert_eq!(outcome(&alice, "react", react("3")).await, "too_many_reactions");
    assert_eq!(outcome(&bob, "react", react("3")).await, "5");
    assert_eq!(outcome(&bob, "react", react("4")).await, "too_many_reactions");
    assert_eq!(outcome(&bob, "react", react("1")).await, "6");
    assert_eq!(outcome(&alice, "pin", json!({"messageId": one})).await, "7");
    assert_eq!(outcome(&bob, "pin", json!({"messageId": two})).await, "too_many_pins");
    assert_eq!(outcome(&bob, "unpin", json!({"messageId": one})).await, "8");
    assert_eq!(outcome(&bob, "pin", json!({"messageId": two})).await, "9");
    for (content, expected) in [("a", "10"), ("b", "11"), ("c", "too_many_edits")] {
        let edit = json!({"messageId": one, "content": content});
        assert_eq!(outcome(&alice, "edit", edit).await, expected);
    }
    let group = made(&alice, &["bob", "carol"]).await;
    let group = group.trim_start_matches("group:");
    let mention = |users: &[&str]| json!({"groupId": group, "content": 1, "mentions": users});
    let sent = alice.call("group_message", mention(&["bob", "carol"])).await;
    assert_eq!(sent["status"], "sent");
    let refused = alice.call("group_message", mention(&["bob", "carol", "@all"])).await;
    assert_eq!(refused["error"], "mentions must be at most 2 user ids");
}

#[tokio::test]
async fn time_runs_out_for_edits_and_deletions() {
    let limits = Limits { edit_window_ms: 0, delete_window_ms: 0, ..generous() };
    let house = House::new(plan(limits)).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let group = made(&alice, &["bob"]).await;
    let (direct, in_group) = (said(&bob, "alice", "x").await, said(&bob, &group, "x").await);
    tokio::time::sleep(Duration::from_millis(5)).await;
    for id in [&direct, &in_group] {
        let edit = json!({"messageId": id, "content": "y"});
        assert_eq!(outcome(&bob, "edit", edit).await, "too_late");
        assert_eq!(outcome(&bob, "delete", json!({"messageId": id})).await, "too_late");
    }
    assert_eq!(outcome(&alice, "delete", json!({"messageId": direct})).await, "not_allowed");
    assert_eq!(outcome(&alice, "delete", json!({"messageId": in_group})).await, "3");
}

/// What a recipient makes of the sender, by which commands, and what the sender's deeds and messages
/// get for it.
#[tokio::test]
async fn whose_messages_are_not_taken_may_only_take_back() {
    let declined = json!({"conversationId": "dm:alice:bob"});
    let asks = ("privacy_set", json!({"messageRequests": true}));
    for (before, after, code) in [
        (vec![], vec![("block", json!({"userId": "alice"}))], "blocked"),
        (vec![], vec![("privacy_set", json!({"messages": "nobody"}))], "not_accepted"),
        (vec![], vec![("privacy_set", json!({"messages": "contacts"}))], "not_accepted"),
        (vec![asks.clone()], vec![], "request_pending"),
        (vec![asks], vec![("request_decline", declined)], "not_accepted"),
    ] {
        let house = House::new(plan(Limits { request_messages_max: 1, ..generous() })).await;
        let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
        for (event, payload) in before {
            assert_eq!(bob.call(event, payload).await["status"], "ok");
        }
        let id = said(&alice, "bob", "x").await;
        for (event, payload) in after {
            assert_eq!(bob.call(event, payload).await["status"], "ok");
        }
        for (event, payload) in [
            ("private_message", json!({"toUserId": "bob", "content": "y"})),
            ("edit", json!({"messageId": id, "content": "y"})),
            ("react", json!({"messageId": id, "emoji": "👍"})),
            ("unreact", json!({"messageId": id, "emoji": "👍"})),
            ("pin", json!({"messageId": id})),
            ("unpin", json!({"messageId": id})),
        ] {
            assert_eq!(outcome(&alice, event, payload).await, code, "{event}");
        }
        assert_eq!(outcome(&bob, "react", json!({"messageId": id, "emoji": "👍"})).await, "2");
        assert_eq!(outcome(&alice, "delete", json!({"messageId": id})).await, "3");
        assert_eq!(bob.event("entry", 0).await["kind"], "message_deleted");
        house.end().await;
    }
}

#[tokio::test]
async fn in_a_group_rights_are_those_of_the_role_and_none_of_who_is_out() {
    let house = house().await;
    let owner = house.device("owner", "o").await;
    let (moderator, member) = (house.device("mod", "m").await, house.device("member", "e").await);
    let conversation = made(&owner, &["mod", "member"]).await;
    let group = conversation.trim_start_matches("group:");
    let role = json!({"groupId": group, "userId": "mod", "role": "moderator"});
    owner.call("group_role", role).await;
    let by_owner = said(&owner, &conversation, "o").await;
    let by_mod = said(&moderator, &conversation, "m").await;
    let by_member = said(&member, &conversation, "e").await;
    let delete = |id: &str| json!({"messageId": id});
    for (who, event, id, expected) in [
        (&member, "delete", &by_owner, "not_allowed"),
        (&member, "delete", &by_mod, "not_allowed"),
        (&member, "pin", &by_member, "not_allowed"),
        (&member, "unpin", &by_member, "not_allowed"),
        (&moderator, "delete", &by_owner, "not_allowed"),
        (&moderator, "pin", &by_owner, "6"),
        (&owner, "unpin", &by_owner, "7"),
        (&moderator, "delete", &by_member, "8"),
        (&member, "delete", &by_member, "unchanged"),
        (&owner, "delete", &by_mod, "9"),
    ] {
        assert_eq!(outcome(who, event, delete(id)).await, expected, "{event} {id}");
    }
    let edit = json!({"messageId": by_owner, "content": "forged"});
    assert_eq!(outcome(&moderator, "edit", edit).await, "not_allowed");
    let last = said(&member, &conversation, "last").await;
    moderator.call("group_mute", json!({"groupId": group, "userId": "member"})).await;
    let react = json!({"messageId": by_owner, "emoji": "👍"});
    assert_eq!(outcome(&member, "react", react.clone()).await, "muted");
    assert_eq!(outcome(&member, "delete", delete(&last)).await, "12");
    moderator.call("group_kick", json!({"groupId": group, "userId": "member"})).await;
    assert_eq!(outcome(&member, "react", react.clone()).await, "not_a_member");
    assert_eq!(outcome(&member, "delete", delete(&by_member)).await, "not_a_member");
    let stranger = house.device("stranger", "s").await;
    assert_eq!(outcome(&stranger, "react", react.clone()).await, "not_found");
    assert_eq!(outcome(&owner, "react", react).await, "14");
    member.settle().await;
    let heard = member.now("entry");
    assert_eq!(heard.last().map(|entry| entry["kind"].clone()), Some(json!("member_kicked")));
}
