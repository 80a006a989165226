//! What content rules leave to its sender's eyes alone, over sockets; and flagged edits.

use crate::support::deeds::{generous, made, outcome, said};
use crate::support::{Client, House, Plan};
use parlor_chat::rules::Action;
use parlor_service::Settings;
use parlor_service::rules::{Looked, Rule, Rules, Within};
use serde_json::{Value, json};

fn words(id: &str, action: Action) -> Rule {
    let looked_for = Looked::Words { words: vec![id.to_owned()], within: Within::WholeWords };
    Rule { id: id.to_owned(), action, looked_for }
}

fn plan() -> Plan {
    let rules = vec![words("spam", Action::Shadow), words("odd", Action::Flag)];
    let rules = Rules::new(rules).expect("they compile");
    let settings = Settings { rules, limits: generous(), ..Settings::default() };
    Plan { settings, ..Plan::default() }
}

async fn history(client: &Client, conversation: &str) -> Value {
    client.call("history", json!({"conversationId": conversation, "after": 0})).await
}

fn contents(page: &Value) -> Vec<&str> {
    let messages = page["messages"].as_array().expect("a list");
    messages.iter().map(|message| message["content"].as_str().expect("a text")).collect()
}

#[tokio::test]
async fn a_shadowed_message_is_seen_on_its_senders_devices_alone_and_by_moderators() {
    let data = tempfile::tempdir().expect("a directory");
    let house = House::on(data.path(), plan()).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let (tablet, mo) =
        (house.device("alice", "t").await, house.device("mo;role=moderator", "m").await);
    let group = made(&alice, &["bob"]).await;
    let at = bob.call("sync", json!({"epoch": "0", "pos": 0})).await;
    let places =
        [("bob", "private_message", "toUserId"), (group.as_str(), "group_message", "groupId")];
    for (n, (to, event, field)) in places.into_iter().enumerate() {
        let place = if to == "bob" { "dm:alice:bob" } else { to };
        alice.call("typing", json!({field: to.trim_start_matches("group:")})).await;
        bob.event("typing", 2 * n).await;
        let payload = json!({field: to.trim_start_matches("group:"), "content": "buy spam"});
        let sent = alice.call(event, payload).await;
        assert_eq!(sent["status"], "sent", "{sent}");
        assert_eq!(sent.get("masked"), None);
        let report = mo.event("report", n).await;
        assert_eq!(report["messageId"], sent["id"]);
        assert_eq!((&report["rule"], &report["content"]), (&json!("spam"), &json!("buy spam")));
        assert_eq!(tablet.event(event, 0).await["content"], "buy spam");
        for (command, payload) in [
            ("react", json!({"messageId": sent["id"], "emoji": "👍"})),
            ("pin", json!({"messageId": sent["id"]})),
        ] {
            assert_eq!(outcome(&bob, command, payload).await, "not_found");
        }
        let report = bob.call("report", json!({"messageId": sent["id"], "reason": "x"})).await;
        assert_eq!(report["code"], "not_found");
        said(&alice, to, "hello").await;
        let heard = bob.event(event, 0).await;
        assert_eq!(
            (&heard["content"], heard["seq"].as_u64()),
            (&json!("hello"), sent["seq"].as_u64().map(|seq| seq + 1))
        );
        assert_eq!(contents(&history(&alice, place).await), ["buy spam", "hello"]);
        let page = history(&bob, place).await;
        assert_eq!(contents(&page), ["hello"]);
        let gap = json!({"conversationId": place, "after": 0, "before": heard["seq"]});
        assert_eq!(bob.call("history", gap).await["covers"], json!([1, sent["seq"]]));
    }
    let typing = bob.now("typing");
    let told: Vec<_> = typing.iter().map(|it| it["typing"].as_bool().expect("a flag")).collect();
    assert_eq!(told, [true, false, true, false], "no message tells that it is over");
    house.end().await;
    let house = House::on(data.path(), plan()).await;
    let resume = json!({"token": "bob", "deviceId": "b", "resume": {"epoch": at["epoch"], "pos": at["pos"]}});
    let bob = Client::connect(house.address, resume).await;
    let new = house.device("bob", "new").await;
    for client in [&bob, &new] {
        let lines = client.call("conversations", json!({})).await;
        let lines = lines["conversations"].as_array().expect("a list").clone();
        assert!(lines.iter().all(|line| line["unread"] == 1 && line["last"]["content"] == "hello"));
        let pushed = [client.now("private_message"), client.now("group_message")].concat();
        assert!(pushed.iter().all(|message| message["content"] == "hello"), "{pushed:?}");
    }
    let alice = house.device("alice", "new").await;
    assert_eq!(contents(&history(&alice, &group).await), ["buy spam", "hello"]);
    house.end().await;
}

#[tokio::test]
async fn a_flagged_edit_comes_before_the_moderators_and_a_shadowed_one_before_nobody_else() {
    let house = House::new(plan()).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let mo = house.device("mo;role=moderator", "m").await;
    let id = said(&alice, "bob", "fine").await;
    let edit = |content: &str| json!({"messageId": id, "content": content, "clientId": content});
    assert_eq!(outcome(&alice, "edit", edit("odd")).await, "2");
    let report = mo.event("report", 0).await;
    assert_eq!((&report["messageId"], &report["content"]), (&json!(id), &json!("odd")));
    assert_eq!(bob.event("entry", 0).await["content"], "odd");
    assert_eq!(outcome(&alice, "edit", edit("spam")).await, "3");
    assert_eq!(outcome(&alice, "edit", edit("spam")).await, "3");
    assert_eq!(mo.event("report", 1).await["content"], "spam");
    assert_eq!(contents(&history(&alice, "dm:alice:bob").await), ["spam"]);
    assert_eq!(contents(&history(&bob, "dm:alice:bob").await), ["odd"]);
    assert_eq!(outcome(&alice, "edit", edit("good")).await, "4");
    assert_eq!(bob.event("entry", 1).await["content"], "good");
    let queue = mo.call("reports", json!({})).await;
    assert_eq!(queue["reports"].as_array().map(Vec::len), Some(2));
    let stats = house.service.stats().moderation;
    assert_eq!((stats.shadowed, stats.flagged), (1, 2), "a retry is no other one");
    house.end().await;
}
