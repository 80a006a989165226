//! Content rules, over sockets: what is refused, masked and flagged, and what a retry gets.

use crate::support::{Client, House, Plan};
use parlor_chat::rules::Action;
use parlor_service::Settings;
use parlor_service::rules::{FloodBound, Looked, Rule, Rules, Within};
use serde_json::{Value, json};

fn words(id: &str, action: Action, word: &str) -> Rule {
    let looked_for = Looked::Words { words: vec![word.to_owned()], within: Within::WholeWords };
    Rule { id: id.to_owned(), action, looked_for }
}

fn plan(rules: Vec<Rule>) -> Plan {
    let rules = Rules::new(rules).expect("they compile");
    Plan { settings: Settings { rules, ..Settings::default() }, ..Plan::default() }
}

fn message(content: Value, key: &str) -> Value {
    json!({"toUserId": "bob", "content": content, "clientId": key})
}

async fn both(house: &House) -> (Client, Client) {
    (house.device("alice", "a1").await, house.device("bob", "b1").await)
}

#[tokio::test]
async fn a_refused_message_names_the_rule_and_is_kept_nowhere() {
    let house = House::new(plan(vec![words("no-slurs", Action::Refuse, "bad")])).await;
    let (alice, bob) = both(&house).await;
    for payload in
        [message(json!({"text": "BAD"}), "k"), json!({"toUserId": "bob", "content": "bad"})]
    {
        let answer = alice.call("private_message", payload).await;
        let expected = json!({
            "status": "error", "code": "content_refused", "rule": "no-slurs",
            "error": "the content is refused by the rule no-slurs",
        });
        assert_eq!(answer, expected, "for good, and without the word");
    }
    // What comes behind it is not held up by it.
    assert_eq!(alice.send("bob", "good").await["seq"], 1);
    assert_eq!(bob.event("private_message", 0).await["content"], "good");
    let stats = house.service.stats().moderation;
    assert_eq!((stats.refused_by_rule, stats.masked, stats.flagged), (2, 0, 0));
    house.end().await;
}

#[tokio::test]
async fn a_masked_message_is_heard_masked_and_its_retry_is_known() {
    let house = House::new(plan(vec![words("mask", Action::Mask, "bad")])).await;
    let (alice, bob) = both(&house).await;
    let second = house.device("alice", "a2").await;
    let sent = alice.call("private_message", message(json!({"bad": "so bad"}), "k")).await;
    assert_eq!((&sent["status"], &sent["masked"]), (&json!("sent"), &json!(true)));
    for client in [&bob, &second] {
        let heard = client.event("private_message", 0).await;
        assert_eq!(heard["content"], json!({"bad": "so ***"}));
    }
    assert_eq!(alice.call("private_message", message(json!({"bad": "so bad"}), "k")).await, sent);
    let other = alice.call("private_message", message(json!({"bad": "so ***"}), "k")).await;
    assert_eq!(other["code"], "conflict", "it is not what was sent");
    let plain = alice.call("private_message", message(json!("fine"), "l")).await;
    assert_eq!(plain.get("masked"), None);
    assert_eq!(house.service.stats().moderation.masked, 1);
    house.end().await;
}

#[tokio::test]
async fn a_retry_is_answered_like_the_first_time_whatever_the_rules_are_now() {
    let data = tempfile::tempdir().expect("a directory");
    let masks = || vec![words("mask", Action::Mask, "bad")];
    let refuses = || vec![words("refuse", Action::Refuse, "bad")];
    let mut first = None;
    for rules in [masks(), refuses(), Vec::new()] {
        let house = House::on(data.path(), plan(rules)).await;
        let alice = house.device("alice", "a1").await;
        let sent = alice.call("private_message", message(json!("bad"), "k")).await;
        let place = (sent["id"].clone(), sent["seq"].clone(), sent["ts"].clone());
        assert_eq!(sent["status"], "sent", "{sent}");
        assert_eq!(*first.get_or_insert_with(|| place.clone()), place);
        house.end().await;
    }
}

#[tokio::test]
async fn a_flagged_message_is_heard_and_waits_for_moderators() {
    let house = House::new(plan(vec![words("odd-words", Action::Flag, "odd")])).await;
    let (alice, bob) = both(&house).await;
    let mo = house.device("mo;role=moderator", "m1").await;
    let sent = alice.call("private_message", message(json!("odd"), "k")).await;
    assert_eq!(sent.get("masked"), None, "its sender is told nothing");
    assert_eq!(bob.event("private_message", 0).await["content"], "odd");
    let heard = mo.event("report", 0).await;
    let expected = json!({
        "reportId": "1", "state": "open", "at": sent["ts"], "accused": "alice", "by": null,
        "rule": "odd-words", "messageId": sent["id"], "conversationId": "dm:alice:bob", "seq": 1,
        "content": "odd",
    });
    assert_eq!(heard, expected);
    alice.call("private_message", message(json!("odd"), "k")).await;
    let listed = mo.call("reports", json!({})).await;
    assert_eq!(listed["reports"], json!([expected]), "a retry is flagged no more");
    assert_eq!(house.service.stats().moderation.flagged, 1);
    house.end().await;
}

#[tokio::test]
async fn the_same_again_and_again_is_refused_and_something_else_is_not() {
    let bound = FloodBound { repeats_max: 2, window_ms: 60_000 };
    let rule =
        Rule { id: "flood".into(), action: Action::Refuse, looked_for: Looked::Flood(bound) };
    let house = House::new(plan(vec![rule])).await;
    let (alice, bob) = both(&house).await;
    for key in ["k", "k", "l", "l"] {
        let sent = alice.call("private_message", message(json!("buy"), key)).await;
        assert_eq!(sent["status"], "sent", "{key}");
    }
    let other = json!({"toUserId": "carol", "content": "buy", "clientId": "m"});
    assert_eq!(alice.call("private_message", other).await["rule"], "flood");
    let retry = alice.call("private_message", message(json!("buy"), "k")).await;
    assert_eq!(retry["status"], "sent", "a retry is no repeat");
    alice.send("bob", "something else").await;
    bob.send("alice", "buy").await;
    house.end().await;
}

#[tokio::test]
async fn pipelined_messages_keep_their_order_around_refused_ones() {
    let house = House::new(plan(vec![words("r", Action::Refuse, "bad")])).await;
    let (alice, bob) = both(&house).await;
    let mut answers = Vec::new();
    for n in 0..40 {
        let content = if n % 3 == 0 { json!("bad") } else { json!(n) };
        answers.push(alice.submit("private_message", message(content, &format!("k{n}"))).await);
    }
    for (n, id) in answers.into_iter().enumerate() {
        let answer = alice.answer(id).await;
        let expected = if n % 3 == 0 { "error" } else { "sent" };
        assert_eq!(answer["status"], expected, "{answer}");
    }
    let heard = bob.events("private_message", 26).await;
    let heard: Vec<_> = heard.iter().map(|it| it["content"].clone()).collect();
    let expected: Vec<_> = (0..40).filter(|n| n % 3 != 0).map(|n| json!(n)).collect();
    assert_eq!(heard, expected);
    house.end().await;
}

#[tokio::test]
async fn replies_and_edits_are_held_to_the_rules_too() {
    let rules = vec![words("no-slurs", Action::Refuse, "vile"), words("mask", Action::Mask, "bad")];
    let house = House::new(plan(rules)).await;
    let (alice, bob) = both(&house).await;
    let id = bob.send("alice", "hello").await["id"].clone();
    let reply = |content: &str, key: &str| json!({"toUserId": "bob", "content": content, "replyTo": id, "clientId": key});
    let refused = alice.call("private_message", reply("vile", "k1")).await;
    assert_eq!(refused["code"], "content_refused");
    let masked = alice.call("private_message", reply("bad", "k2")).await;
    assert_eq!((&masked["status"], &masked["masked"]), (&json!("sent"), &json!(true)));
    let heard = bob.event("private_message", 0).await;
    assert_eq!((&heard["content"], &heard["replyTo"]["messageId"]), (&json!("***"), &id));
    assert_eq!(alice.call("private_message", reply("bad", "k2")).await["id"], masked["id"]);
    let own = alice.send("bob", "good").await["id"].clone();
    let edit = |content: &str| json!({"messageId": own, "content": content});
    assert_eq!(alice.call("edit", edit("vile")).await["code"], "content_refused");
    assert_eq!(alice.call("edit", edit("so bad")).await["status"], "ok");
    let page = bob.call("history", json!({"conversationId": "dm:alice:bob", "limit": 9})).await;
    let messages = page["messages"].as_array().expect("a list");
    let edited = messages.iter().find(|message| message["id"] == own).expect("it is there");
    assert_eq!(edited["content"], "so ***");
    house.end().await;
}
