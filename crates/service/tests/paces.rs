//! How fast messages may come in a group, and how often a user may do what costs others, over sockets; and
//! what is counted of who tries more.

use crate::support::House;
use crate::support::deeds::{generous, made, outcome, plan, said};
use parlor_chat::limits::Limits;
use serde_json::json;

#[tokio::test]
async fn a_group_takes_so_many_messages_whoever_sends_them_and_the_order_holds() {
    let limits = Limits { group_rate_per_second: 1, group_rate_burst: 2, ..generous() };
    let house = House::new(plan(limits)).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let (group, other) = (made(&alice, &["bob"]).await, made(&alice, &["bob"]).await);
    said(&alice, &group, "one").await;
    said(&bob, &group, "two").await;
    let id = group.trim_start_matches("group:");
    let message = |content: &str| json!({"groupId": id, "content": content, "clientId": content});
    let late = bob.call("group_message", message("three")).await;
    assert_eq!(late["code"], "rate_limited");
    let wait = late["retryAfterMs"].as_u64().expect("a delay");
    assert!((1..=1_000).contains(&wait), "{wait}");
    assert_eq!(bob.call("group_message", message("four")).await["code"], "aborted");
    said(&alice, &other, "elsewhere").await;
    bob.send("alice", "beside it").await;
    tokio::time::sleep(std::time::Duration::from_millis(wait + 20)).await;
    assert_eq!(bob.call("group_message", message("four")).await["code"], "aborted");
    assert_eq!(bob.call("group_message", message("three")).await["status"], "sent");
    house.end().await;
}

#[tokio::test]
async fn who_may_not_write_in_a_group_takes_nothing_of_its_pace() {
    let limits = Limits { group_rate_per_second: 1, group_rate_burst: 2, ..generous() };
    let house = House::new(plan(limits)).await;
    let (alice, mallory) = (house.device("alice", "a").await, house.device("mallory", "m").await);
    let group = made(&alice, &["bob"]).await;
    let id = group.trim_start_matches("group:");
    let message = |key: &str| json!({"groupId": id, "content": key, "clientId": key});
    for n in 0..5 {
        let answer = mallory.call("group_message", message(&n.to_string())).await;
        assert_eq!(answer["code"], "not_a_member");
    }
    let first = alice.call("group_message", message("one")).await;
    assert_eq!(first["status"], "sent");
    let again = alice.call("group_message", message("one")).await;
    assert_eq!(again, first, "what is there costs nothing");
    assert_eq!(alice.call("group_message", message("two")).await["status"], "sent");
    assert_eq!(alice.call("group_message", message("three")).await["code"], "rate_limited");
    house.end().await;
}

#[tokio::test]
async fn what_costs_others_has_a_pace_of_its_own_at_its_edge() {
    let limits = Limits {
        group_creates_per_hour: 1,
        group_joins_per_hour: 1,
        reactions_per_minute: 2,
        reports_per_hour: 1,
        ..generous()
    };
    let house = House::new(plan(limits)).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let id = said(&alice, "bob", "x").await;
    made(&bob, &[]).await;
    let group = json!({"name": "Owls"});
    assert_eq!(outcome(&bob, "group_create", group).await, "rate_limited");
    let join = json!({"groupId": "none"});
    assert_eq!(outcome(&bob, "group_join", join.clone()).await, "not_found");
    assert_eq!(outcome(&bob, "group_join", join).await, "rate_limited");
    let react = |emoji: &str| json!({"messageId": id, "emoji": emoji});
    assert_eq!(outcome(&bob, "react", react("1")).await, "2");
    assert_eq!(outcome(&bob, "unreact", react("1")).await, "3");
    let late = bob.call("react", react("1")).await;
    assert_eq!(late["code"], "rate_limited");
    assert!(late["retryAfterMs"].as_u64().is_some_and(|ms| ms > 20_000 && ms <= 30_000), "{late}");
    assert_eq!(outcome(&alice, "react", react("1")).await, "4", "another user has another");
    let report = json!({"messageId": id, "reason": "spam"});
    assert_eq!(bob.call("report", report.clone()).await["status"], "ok");
    assert_eq!(bob.call("report", report).await["code"], "rate_limited");
    bob.call("block", json!({"userId": "alice"})).await;
    assert_eq!(outcome(&alice, "react", react("2")).await, "blocked");
    let stats = house.service.stats();
    let counted: Vec<_> = stats.suspicious().collect();
    assert!(
        counted.contains(&("too_fast", 4)) && counted.contains(&("not_welcome", 1)),
        "{counted:?}"
    );
    assert_eq!(stats.moderation.reports, 1);
    house.end().await;
}
