//! Who may do what in a group, and who may come in.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::deeds::house;
use crate::support::groups::{code, history, made, said, say, seqs};

/// What each role may do to a member: the code, role by role (member, moderator, admin, owner).
#[tokio::test]
async fn rights_are_checked_by_the_durable_role() {
    let house = house().await;
    let mut people = Vec::new();
    for name in ["mem", "mod", "adm", "own"] {
        people.push(house.device(name, "d").await);
    }
    let owner = &people[3];
    let others: Vec<String> = (0..9).map(|n| format!("victim{n}")).collect();
    let members: Vec<&str> =
        ["mem", "mod", "adm"].into_iter().chain(others.iter().map(String::as_str)).collect();
    let group = made(owner, &members, json!({})).await;
    let set = |user: &str, role: &str| json!({"groupId": group, "userId": user, "role": role});
    for (user, role) in [("mod", "moderator"), ("adm", "admin"), ("victim8", "moderator")] {
        assert_eq!(code(owner, "group_role", set(user, role)).await, "ok");
    }
    let of = |user: &str| json!({"groupId": group, "userId": user});
    let (no, ok) = ("not_allowed", "ok");
    let table: Vec<(&str, Value, [&str; 4])> = vec![
        ("group_message", json!({"groupId": group, "content": 1}), [ok; 4]),
        ("group_members", json!({"groupId": group}), [ok; 4]),
        ("group_update", json!({"groupId": group, "name": "X"}), [no, no, ok, "unchanged"]),
        ("group_invites", json!({"groupId": group}), [no, no, ok, ok]),
        ("group_requests", json!({"groupId": group}), [no, no, ok, ok]),
        ("group_invite", json!({"groupId": group}), [no, no, ok, ok]),
        ("group_mute", of("victim0"), [no, ok, "unchanged", "unchanged"]),
        ("group_unmute", of("victim0"), [no, ok, "unchanged", "unchanged"]),
        ("group_mute", of("victim8"), [no, no, ok, "unchanged"]),
        ("group_mute", of("own"), [no, no, no, "invalid_argument"]),
        ("group_kick", of("adm"), [no, no, "invalid_argument", ok]),
        ("group_kick", of("victim1"), [no, ok, "not_a_member", "not_found"]),
        ("group_ban", of("victim2"), [no, ok, "not_a_member", "unchanged"]),
        ("group_unban", of("victim2"), [no, ok, "not_a_member", "unchanged"]),
        ("group_role", set("victim3", "moderator"), [no, no, "not_a_member", ok]),
        ("group_role", set("victim3", "owner"), [no, no, "not_a_member", ok]),
        ("group_delete", json!({"groupId": group}), [no, no, "not_a_member", no]),
    ];
    for (event, payload, expected) in table {
        for (who, expected) in people.iter().zip(expected) {
            assert_eq!(code(who, event, payload.clone()).await, expected, "{event} {payload}");
        }
    }
    // The one who gave it away is an admin now, and the new owner may end it.
    let info = owner.call("group_info", json!({"groupId": group})).await;
    assert_eq!((&info["role"], &info["ownerId"]), (&json!("admin"), &json!("victim3")));
    let new_owner = house.device("victim3", "d").await;
    assert_eq!(code(&new_owner, "group_leave", json!({"groupId": group})).await, "owner_must_stay");
    assert_eq!(code(&new_owner, "group_delete", json!({"groupId": group})).await, "ok");
    assert_eq!(say(owner, &group, "x").await["code"], "not_found");
    assert_eq!(code(owner, "group_info", json!({"groupId": group})).await, "not_found");
    assert_eq!(owner.call("groups", json!({})).await["groups"], json!([]));
    // What was said stays readable.
    assert!(!seqs(&history(owner, &group).await).is_empty());
    house.end().await;
}

#[tokio::test]
async fn settings_hold_from_the_entry_that_makes_them() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let group = made(&alice, &["bob"], json!({})).await;
    said(&bob, &group, 1).await;
    let set = |settings: Value| json!({"groupId": group, "settings": settings});
    assert_eq!(code(&alice, "group_update", set(json!({"post": "admins"}))).await, "ok");
    assert_eq!(say(&bob, &group, 2).await["code"], "not_allowed");
    said(&alice, &group, 3).await;
    assert_eq!(bob.event("entry", 1).await["settings"]["post"], "admins");
    let slow = json!({"post": "everyone", "slowModeSeconds": 60});
    assert_eq!(code(&alice, "group_update", set(slow)).await, "ok");
    said(&bob, &group, 4).await;
    let slowed = say(&bob, &group, 5).await;
    assert_eq!(slowed["code"], "slow_mode");
    let retry = slowed["retryAfterMs"].as_u64().expect("a time");
    assert!((1..=60_000).contains(&retry), "{retry}");
    said(&alice, &group, 6).await;
    said(&alice, &group, 7).await;
    let add = json!({"groupId": group, "userIds": ["carol"]});
    assert_eq!(code(&bob, "group_add", add.clone()).await, "not_allowed");
    assert_eq!(
        code(&alice, "group_update", set(json!({"add": "everyone", "membersMax": 2}))).await,
        "ok"
    );
    assert_eq!(code(&bob, "group_add", add.clone()).await, "group_full");
    assert_eq!(code(&alice, "group_update", set(json!({"membersMax": 3}))).await, "ok");
    assert_eq!(code(&bob, "group_add", add.clone()).await, "ok");
    assert_eq!(code(&bob, "group_add", add).await, "unchanged");
    house.end().await;
}

#[tokio::test]
async fn mutes_and_bans_hold_until_their_time_or_their_end() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let group = made(&alice, &["bob"], json!({"join": "open"})).await;
    let of = json!({"groupId": group, "userId": "bob"});
    let briefly = json!({"groupId": group, "userId": "bob", "forSeconds": 1});
    assert_eq!(code(&alice, "group_mute", briefly.clone()).await, "ok");
    let muted = say(&bob, &group, 1).await;
    assert_eq!(muted["code"], "muted");
    assert!(muted["until"].as_u64().is_some(), "{muted}");
    while say(&bob, &group, 1).await["status"] != "sent" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(code(&alice, "group_mute", of.clone()).await, "ok");
    assert_eq!(say(&bob, &group, 2).await.get("until"), None, "for good");
    assert_eq!(code(&alice, "group_unmute", of.clone()).await, "ok");
    said(&bob, &group, 2).await;
    assert_eq!(code(&alice, "group_ban", of.clone()).await, "ok");
    assert_eq!(say(&bob, &group, 3).await["code"], "not_a_member");
    let join = json!({"groupId": group});
    assert_eq!(code(&bob, "group_join", join.clone()).await, "banned");
    let add = json!({"groupId": group, "userIds": ["bob"]});
    assert_eq!(code(&alice, "group_add", add).await, "banned");
    assert_eq!(code(&alice, "group_unban", of).await, "ok");
    assert_eq!(code(&bob, "group_join", join.clone()).await, "ok");
    assert_eq!(code(&alice, "group_ban", briefly).await, "ok");
    while code(&bob, "group_join", join.clone()).await != "ok" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    said(&bob, &group, 4).await;
    house.end().await;
}

#[tokio::test]
async fn invites_let_in_as_many_as_they_say() {
    let house = house().await;
    let alice = house.device("alice", "a").await;
    let group = made(&alice, &[], json!({})).await;
    let made = alice.call("group_invite", json!({"groupId": group, "uses": 1})).await;
    let invite = made["invite"].as_str().expect("a code");
    assert_eq!((invite.len(), &made["uses"]), (26, &json!(1)));
    let with = |code: &str| json!({"groupId": group, "invite": code});
    let (bob, carol) = (house.device("bob", "b").await, house.device("carol", "c").await);
    assert_eq!(code(&bob, "group_join", json!({"groupId": group})).await, "not_found");
    assert_eq!(code(&bob, "group_info", json!({"groupId": group})).await, "not_found");
    assert_eq!(code(&bob, "group_join", with("zzz")).await, "not_found");
    assert_eq!(code(&bob, "group_join", with(invite)).await, "ok");
    assert_eq!(alice.event("entry", 0).await["kind"], "member_joined");
    assert_eq!(code(&carol, "group_join", with(invite)).await, "not_found");
    let another = alice.call("group_invite", json!({"groupId": group})).await;
    let another = another["invite"].as_str().expect("a code");
    let listed = alice.call("group_invites", json!({"groupId": group})).await;
    assert_eq!(listed["invites"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed["invites"][0]["invite"], json!(another));
    assert_eq!(code(&alice, "group_invite_revoke", with(another)).await, "ok");
    assert_eq!(code(&alice, "group_invite_revoke", with(another)).await, "not_found");
    assert_eq!(code(&carol, "group_join", with(another)).await, "not_found");
    let briefly = json!({"groupId": group, "forSeconds": 1});
    let over =
        alice.call("group_invite", briefly).await["invite"].as_str().expect("a code").to_owned();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(code(&carol, "group_join", with(&over)).await, "not_found");
    house.end().await;
}

#[tokio::test]
async fn a_request_waits_until_somebody_who_may_lets_it_in() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let group = made(&alice, &["carol"], json!({"join": "request"})).await;
    let asked = bob.call("group_join", json!({"groupId": group})).await;
    assert_eq!((&asked["status"], &asked["requested"]), (&json!("ok"), &json!(true)));
    assert_eq!(alice.event("group_request", 0).await["userId"], "bob");
    let carol = house.device("carol", "c").await;
    assert_eq!(code(&carol, "group_requests", json!({"groupId": group})).await, "not_allowed");
    let waiting = alice.call("group_requests", json!({"groupId": group})).await;
    assert_eq!(waiting["requests"][0]["userId"], "bob");
    let of = json!({"groupId": group, "userId": "bob"});
    assert_eq!(code(&alice, "group_deny", of.clone()).await, "ok");
    assert_eq!(code(&alice, "group_deny", of).await, "not_found");
    assert_eq!(say(&bob, &group, 1).await["code"], "not_a_member");
    bob.call("group_join", json!({"groupId": group})).await;
    let add = json!({"groupId": group, "userIds": ["bob"]});
    assert_eq!(code(&alice, "group_add", add).await, "ok");
    assert_eq!(bob.event("entry", 0).await["kind"], "member_added");
    said(&bob, &group, 1).await;
    let waiting = alice.call("group_requests", json!({"groupId": group})).await;
    assert_eq!(waiting["requests"], json!([]));
    house.end().await;
}
