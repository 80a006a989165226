//! A group's own rules over sockets: who sets them, what they hold back, and for how long.

use crate::support::deeds::{generous, made, outcome, plan, said};
use crate::support::{Client, House, Plan};
use parlor_chat::limits::Limits;
use parlor_chat::rules::Action;
use parlor_service::Settings;
use parlor_service::rules::{Looked, Rule, Rules, Within};
use serde_json::{Value, json};

async fn say(who: &Client, group: &str, content: &str) -> Value {
    let answer = who.call("group_message", json!({"groupId": group, "content": content})).await;
    match answer["status"].as_str() {
        Some("sent") if answer["masked"] == true => json!("masked"),
        Some("sent") => json!("sent"),
        _ => json!([answer["code"], answer["rule"]]),
    }
}

fn id(conversation: &str) -> &str {
    conversation.trim_start_matches("group:")
}

fn rules(group: &str, words: &[&str]) -> Value {
    json!({"groupId": group, "words": words})
}

#[tokio::test]
async fn only_admins_and_the_owner_set_and_read_them() {
    let house = House::new(plan(generous())).await;
    let names = ["owner", "admin", "mod", "member", "gone", "stranger"];
    let mut people = Vec::new();
    for name in names {
        people.push(house.device(name, "d").await);
    }
    let group = made(&people[0], &["admin", "mod", "member", "gone"]).await;
    let group = id(&group);
    for (user, role) in [("admin", "admin"), ("mod", "moderator")] {
        let payload = json!({"groupId": group, "userId": user, "role": role});
        assert_eq!(people[0].call("group_role", payload).await["status"], "ok");
    }
    people[4].call("group_leave", json!({"groupId": group})).await;
    let table = [
        ("owner", "6", "ok"),
        ("admin", "7", "ok"),
        ("mod", "not_allowed", "not_allowed"),
        ("member", "not_allowed", "not_allowed"),
        ("gone", "not_a_member", "not_found"),
        ("stranger", "not_a_member", "not_found"),
    ];
    assert_eq!(outcome(&people[0], "group_rules_set", rules(group, &["x"])).await, "5");
    for (who, (name, set, get)) in people.iter().zip(table) {
        let payload = rules(group, &[name]);
        assert_eq!(outcome(who, "group_rules_set", payload).await, set, "{name}");
        let read = who.call("group_rules", json!({"groupId": group})).await;
        let read = read["code"].as_str().unwrap_or("ok");
        assert_eq!(read, get, "{name}");
    }
    assert_eq!(outcome(&people[0], "group_rules_set", rules(group, &["admin"])).await, "unchanged");
    let read = people[0].call("group_rules", json!({"groupId": group})).await;
    assert_eq!((&read["words"], &read["action"]), (&json!(["admin"]), &json!("refuse")));
    house.end().await;
}

#[tokio::test]
async fn they_hold_in_that_group_alone_from_the_answer_on_and_after_a_restart() {
    let data = tempfile::tempdir().expect("a directory");
    let house = House::on(data.path(), plan(generous())).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let (group, other) = (made(&alice, &["bob"]).await, made(&alice, &["bob"]).await);
    let first = said(&bob, &group, "a heron").await;
    assert_eq!(
        outcome(&alice, "group_rules_set", rules(id(&group), &["Heron", "two words"])).await,
        "3"
    );
    let entry = bob.event("entry", 2).await;
    assert_eq!(
        (&entry["kind"], &entry["words"], &entry["action"]),
        (&json!("group_rules_set"), &json!(2), &json!("refuse"))
    );
    assert!(!entry.to_string().to_lowercase().contains("heron"), "no word is told");
    assert_eq!(say(&bob, id(&group), "A HERON!").await, json!(["content_refused", "group"]));
    assert_eq!(say(&alice, id(&group), "two words").await, json!(["content_refused", "group"]));
    assert_eq!(say(&bob, id(&group), "herons").await, "sent");
    assert_eq!(say(&bob, id(&other), "heron").await, "sent");
    bob.send("alice", "heron").await;
    let edit = json!({"messageId": first, "content": "the heron"});
    assert_eq!(outcome(&bob, "edit", edit.clone()).await, "content_refused");
    house.end().await;
    let house = House::on(data.path(), plan(generous())).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    assert_eq!(say(&bob, id(&group), "heron").await, json!(["content_refused", "group"]));
    let mask = json!({"groupId": id(&group), "words": ["heron"], "action": "mask"});
    assert_eq!(outcome(&alice, "group_rules_set", mask).await, "5");
    assert_eq!(say(&alice, id(&group), "heron").await, "masked");
    assert_eq!(bob.event("group_message", 0).await["content"], "*****");
    assert_eq!(outcome(&alice, "group_rules_set", rules(id(&group), &[])).await, "7");
    assert_eq!(outcome(&bob, "edit", edit).await, "8");
    assert_eq!(say(&alice, id(&group), "heron").await, "sent");
    let read = alice.call("group_rules", json!({"groupId": id(&group)})).await;
    assert_eq!(read["words"], json!([]));
    house.end().await;
}

#[tokio::test]
async fn they_stand_besides_those_of_the_server() {
    let looked_for =
        |word: &str| Looked::Words { words: vec![word.into()], within: Within::WholeWords };
    let rule = |id: &str, action| Rule { id: id.into(), action, looked_for: looked_for(id) };
    let all = Rules::new(vec![rule("never", Action::Refuse), rule("hush", Action::Mask)]);
    let settings =
        Settings { rules: all.expect("they compile"), limits: generous(), ..Settings::default() };
    let house = House::new(Plan { settings, ..Plan::default() }).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let group = made(&alice, &["bob"]).await;
    let mask = json!({"groupId": id(&group), "words": ["heron", "never"], "action": "mask"});
    assert_eq!(outcome(&alice, "group_rules_set", mask).await, "2");
    assert_eq!(say(&alice, id(&group), "never").await, json!(["content_refused", "never"]));
    let both = json!({"groupId": id(&group), "content": "hush heron", "clientId": "k"});
    let sent = alice.call("group_message", both.clone()).await;
    assert_eq!(sent["masked"], true);
    assert_eq!(bob.event("group_message", 0).await["content"], "**** *****");
    assert_eq!(outcome(&alice, "group_rules_set", rules(id(&group), &["heron"])).await, "4");
    let mut again = alice.call("group_message", both).await;
    again["masked"] = json!(true);
    assert_eq!(again, sent, "a retry gets the first answer");
    house.end().await;
}

#[tokio::test]
async fn their_bounds_hold_at_their_edges_and_bad_fields_are_named() {
    let limits = Limits { group_words_max: 2, ruled_groups_max: 1, ..generous() };
    let house = House::new(plan(limits)).await;
    let alice = house.device("alice", "a").await;
    let (one, two) = (made(&alice, &[]).await, made(&alice, &[]).await);
    for (payload, named) in [
        (json!({"words": []}), "groupId"),
        (json!({"groupId": id(&one)}), "words"),
        (json!({"groupId": id(&one), "words": "x"}), "words"),
        (json!({"groupId": id(&one), "words": ["x", "y", "z"]}), "words"),
        (json!({"groupId": id(&one), "words": ["x", 1]}), "words"),
        (json!({"groupId": id(&one), "words": ["\u{200b}"]}), "words"),
        (json!({"groupId": id(&one), "words": ["x".repeat(65)]}), "words"),
        (json!({"groupId": id(&one), "words": ["x"], "action": "flag"}), "action"),
        (json!({"groupId": id(&one), "words": ["x"], "action": 1}), "action"),
    ] {
        let answer = alice.call("group_rules_set", payload.clone()).await;
        assert_eq!(answer["code"], "invalid_argument", "{payload}");
        assert!(answer["error"].as_str().expect("a text").contains(named), "{answer}");
    }
    let longest = "x".repeat(64);
    assert_eq!(outcome(&alice, "group_rules_set", rules(id(&one), &["x", &longest])).await, "2");
    assert_eq!(outcome(&alice, "group_rules_set", rules(id(&two), &["x"])).await, "too_many_rules");
    assert_eq!(outcome(&alice, "group_rules_set", rules(id(&one), &["y"])).await, "3");
    assert_eq!(outcome(&alice, "group_delete", json!({"groupId": id(&one)})).await, "4");
    assert_eq!(outcome(&alice, "group_rules_set", rules(id(&two), &["x"])).await, "2");
    house.end().await;
}
