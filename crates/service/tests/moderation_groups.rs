//! What moderation is to groups: their messages are screened, reported and barred like direct ones.

use crate::support::{Client, House, Plan};
use parlor_chat::rules::Action;
use parlor_service::Settings;
use parlor_service::rules::{Looked, Rule, Rules, Within};
use serde_json::{Value, json};

fn words(id: &str, action: Action) -> Rule {
    let looked_for = Looked::Words { words: vec![id.to_owned()], within: Within::WholeWords };
    Rule { id: id.to_owned(), action, looked_for }
}

async fn house() -> House {
    let rules = [("no", Action::Refuse), ("bad", Action::Mask), ("odd", Action::Flag)];
    let rules = Rules::new(rules.map(|(id, action)| words(id, action)).into());
    let settings = Settings { rules: rules.expect("they compile"), ..Settings::default() };
    House::new(Plan { settings, ..Plan::default() }).await
}

async fn made(owner: &Client, members: &[&str]) -> String {
    let payload = json!({"name": "Owls", "members": members});
    let answer = owner.call("group_create", payload).await;
    assert_eq!(answer["status"], "ok", "{answer}");
    answer["groupId"].as_str().expect("an id").to_owned()
}

async fn say(who: &Client, group: &str, content: &str) -> Value {
    let payload = json!({"groupId": group, "content": content, "clientId": content});
    who.call("group_message", payload).await
}

#[tokio::test]
async fn content_rules_hold_in_groups() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a1").await, house.device("bob", "b1").await);
    let mo = house.device("mo;role=moderator", "m1").await;
    let group = made(&alice, &["bob"]).await;
    assert_eq!(say(&alice, &group, "no").await["rule"], "no");
    let masked = say(&alice, &group, "bad").await;
    assert_eq!((&masked["status"], &masked["masked"]), (&json!("sent"), &json!(true)));
    assert_eq!(say(&alice, &group, "bad").await, masked);
    assert_eq!(bob.event("group_message", 0).await["content"], "***");
    let odd = say(&alice, &group, "odd").await;
    let report = mo.event("report", 0).await;
    assert_eq!((&report["rule"], &report["messageId"]), (&json!("odd"), &odd["id"]));
    assert_eq!(report["content"], "odd");
    house.end().await;
}

#[tokio::test]
async fn a_message_of_a_group_is_reported_by_who_may_see_it_and_by_nobody_else() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a1").await, house.device("bob", "b1").await);
    let carol = house.device("carol", "c1").await;
    let group = made(&alice, &["bob"]).await;
    let before = say(&alice, &group, "one").await["id"].clone();
    let report = |id: &Value| json!({"messageId": id, "reason": "spam"});
    assert_eq!(carol.call("report", report(&before)).await["code"], "not_found");
    assert_eq!(bob.call("report", report(&before)).await["status"], "ok");
    let change = json!(format!("group:{group}:1"));
    assert_eq!(bob.call("report", report(&change)).await["code"], "not_found", "no message");
    let kick = json!({"groupId": group, "userId": "bob"});
    assert_eq!(alice.call("group_kick", kick).await["status"], "ok");
    let after = say(&alice, &group, "two").await["id"].clone();
    assert_eq!(bob.call("report", report(&after)).await["code"], "not_found");
    house.end().await;
}

#[tokio::test]
async fn a_suspended_member_says_nothing_in_a_group() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a1").await, house.device("bob", "b1").await);
    let mo = house.device("mo;role=moderator", "m1").await;
    let group = made(&alice, &["bob"]).await;
    assert_eq!(say(&bob, &group, "one").await["seq"], 2);
    let mut sent = Vec::new();
    mo.emit("suspend", json!({"userId": "bob", "reason": "spam"})).await;
    for n in 0..20 {
        let payload = json!({"groupId": group, "content": n, "clientId": format!("k{n}")});
        sent.push(bob.submit("group_message", payload).await);
    }
    let again = mo.call("suspend", json!({"userId": "bob", "reason": "spam"})).await;
    assert_eq!(again["status"], "ok");
    bob.closed().await;
    let read = json!({"conversationId": format!("group:{group}"), "after": 0, "limit": 100});
    let before = alice.call("history", read.clone()).await;
    alice.settle().await;
    assert_eq!(alice.call("history", read).await, before);
    assert_eq!(say(&alice, &group, "on").await["status"], "sent");
    house.end().await;
}
