//! Messages that are said later, over sockets: kept for their user, said once, and judged then.

use crate::support::deeds::{generous, house, made, plan, said};
use crate::support::{Client, House, Plan};
use parlor_chat::limits::{DAY_MS, Limits};
use parlor_chat::rules::Action;
use parlor_service::Settings;
use parlor_service::rules::{Looked, Rule, Rules, Within};
use serde_json::{Value, json};

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("after 1970").as_millis() as u64
}

async fn later(who: &Client, content: &str, at: u64) -> String {
    let payload = json!({"toUserId": "bob", "content": content, "sendAt": at});
    let answer = who.call("private_message", payload).await;
    assert_eq!((&answer["status"], &answer["sendAt"]), (&json!("ok"), &json!(at)), "{answer}");
    answer["scheduleId"].as_str().expect("an id").to_owned()
}

async fn schedules(who: &Client) -> Vec<Value> {
    let page = who.call("schedules", json!({})).await;
    assert_eq!((&page["status"], &page["cursor"]), (&json!("ok"), &json!(null)), "{page}");
    page["schedules"].as_array().expect("a list").clone()
}

async fn log(who: &Client, conversation: &str) -> Vec<Value> {
    let payload = json!({"conversationId": conversation, "after": 0});
    who.call("history", payload).await["messages"].as_array().cloned().unwrap_or_default()
}

fn contents(log: &[Value]) -> Vec<&Value> {
    log.iter().map(|message| &message["content"]).collect()
}

#[tokio::test]
async fn a_message_is_said_at_its_time_and_heard_by_all_devices() {
    let house = house().await;
    let phone = house.device("alice", "phone").await;
    let laptop = house.device("alice", "laptop").await;
    let bob = house.device("bob", "b").await;
    let at = now() + 1_000;
    let payload = json!({"toUserId": "bob", "content": [1.50], "sendAt": at, "clientId": "k"});
    let answer = phone.call("private_message", payload.clone()).await;
    let id = answer["scheduleId"].clone();
    let kept = laptop.event("schedule", 0).await;
    let message = json!({"toUserId": "bob", "content": [1.50], "clientId": "k"});
    let expected = json!({"scheduleId": id, "scheduled": true, "message": message, "sendAt": at,
        "state": "pending", "at": answer["at"]});
    assert_eq!(kept, expected);
    assert_eq!(schedules(&laptop).await, [expected]);
    assert_eq!(phone.call("private_message", payload.clone()).await, answer, "a retry");
    let other = json!({"toUserId": "bob", "content": "y", "sendAt": at, "clientId": "k"});
    assert_eq!(phone.call("private_message", other).await["code"], "conflict");
    assert!(log(&bob, "dm:alice:bob").await.is_empty(), "nothing is said yet");

    let heard = bob.event("private_message", 0).await;
    assert_eq!((&heard["content"], &heard["seq"]), (&json!([1.50]), &json!(1)));
    assert!(heard["ts"].as_u64().is_some_and(|ts| ts >= at), "{heard}");
    assert!(heard.get("clientId").is_none());
    for own in [&phone, &laptop] {
        assert_eq!(own.event("private_message", 0).await["clientId"], "k");
    }
    let done = laptop.event("schedule", 1).await;
    assert_eq!((&done["scheduleId"], &done["scheduled"]), (&id, &json!(false)));
    assert_eq!(phone.event("schedule", 0).await, done, "it did not ask for that");
    assert!(schedules(&phone).await.is_empty());
    let again = phone.call("private_message", payload).await;
    assert_eq!((&again["status"], &again["scheduleId"]), (&json!("ok"), &id));
    let now_said = json!({"toUserId": "bob", "content": [1.50], "clientId": "k"});
    assert_eq!(phone.call("private_message", now_said).await["seq"], 1, "one key, one message");
    for command in ["schedule_cancel", "schedule_set"] {
        let payload = json!({"scheduleId": id, "sendAt": now()});
        assert_eq!(phone.call(command, payload).await["code"], "not_found");
    }
    assert_eq!(log(&bob, "dm:alice:bob").await.len(), 1);
}

#[tokio::test]
async fn it_is_changed_cancelled_and_private() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let far = now() + DAY_MS;
    let (one, two) = (later(&alice, "one", far).await, later(&alice, "two", far).await);
    assert!(schedules(&bob).await.is_empty());
    for command in ["schedule_cancel", "schedule_set"] {
        let payload = json!({"scheduleId": one, "content": "mine"});
        assert_eq!(bob.call(command, payload).await["code"], "not_found");
    }
    let page = alice.call("schedules", json!({"limit": 1})).await;
    let rest = alice.call("schedules", json!({"limit": 1, "cursor": page["cursor"]})).await;
    let ids: Vec<_> =
        [&page, &rest].map(|page| page["schedules"][0]["scheduleId"].clone()).to_vec();
    assert_eq!(ids, [json!(two), json!(one)]);
    let set = alice.call("schedule_set", json!({"scheduleId": one, "content": "changed"})).await;
    assert_eq!((&set["status"], &set["sendAt"]), (&json!("ok"), &json!(far)));
    assert_eq!(alice.call("schedule_cancel", json!({"scheduleId": two})).await["status"], "ok");
    let left = schedules(&alice).await;
    assert_eq!((left.len(), &left[0]["message"]["content"]), (1, &json!("changed")));
    let soon = alice.call("schedule_set", json!({"scheduleId": one, "sendAt": now()})).await;
    assert_eq!(soon["status"], "ok");
    assert_eq!(bob.event("private_message", 0).await["content"], "changed");
    bob.settle().await;
    assert_eq!(bob.now("private_message").len(), 1);
}

#[tokio::test]
async fn what_is_wrong_is_named_before_anything_is_kept() {
    let limits = Limits { schedules_per_user_max: 1, ..generous() };
    let house = House::new(plan(limits)).await;
    let alice = house.device("alice", "a").await;
    for (payload, expected) in [
        (
            json!({"toUserId": "bob", "content": "x", "sendAt": 1_700_000_000}),
            "sendAt must be a time to come, in milliseconds",
        ),
        (
            json!({"toUserId": "bob", "content": "x", "sendAt": now() + 366 * DAY_MS}),
            "sendAt must lie at most 365 days ahead",
        ),
        (
            json!({"toUserId": "bob", "content": "x", "sendAt": "soon"}),
            "sendAt must be a whole number from 0",
        ),
        (json!({"toUserId": "bob", "sendAt": now()}), "content is required"),
        (
            json!({"toUserId": "bob", "content": "x", "sendAt": now(), "replyTo": "dm:alice:carol:1"}),
            "replyTo must be a message of this conversation",
        ),
    ] {
        let answer = alice.call("private_message", payload).await;
        assert_eq!(answer["code"], "invalid_argument");
        assert_eq!(answer["error"], expected);
    }
    assert!(schedules(&alice).await.is_empty());
    let id = later(&alice, "x", now() + 365 * DAY_MS - 10_000).await;
    let full = json!({"toUserId": "bob", "content": "y", "sendAt": now() + DAY_MS});
    assert_eq!(alice.call("private_message", full).await["code"], "too_many_records");
    let nothing = alice.call("schedule_set", json!({"scheduleId": id})).await;
    assert_eq!(nothing["error"], "sendAt or content is required");
}

#[tokio::test]
async fn what_may_not_be_said_then_fails_and_may_be_said_later() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    bob.call("block", json!({"userId": "alice"})).await;
    let id = later(&alice, "hello", now()).await;
    let failed = alice.event("schedule", 0).await;
    assert_eq!(
        (&failed["state"], &failed["code"]),
        (&json!("failed"), &json!("blocked")),
        "{failed}"
    );
    assert_eq!(failed["message"]["content"], "hello");
    assert_eq!(schedules(&alice).await, [failed]);
    bob.call("unblock", json!({"userId": "alice"})).await;
    alice.call("schedule_set", json!({"scheduleId": id, "sendAt": now()})).await;
    assert_eq!(bob.event("private_message", 0).await["content"], "hello");

    let group = made(&alice, &["bob"]).await;
    let group_id = group.trim_start_matches("group:");
    let payload = json!({"groupId": group_id, "content": "from within", "sendAt": now() + 700});
    let answer = bob.call("group_message", payload).await;
    assert_eq!(answer["status"], "ok", "{answer}");
    alice.call("group_kick", json!({"groupId": group_id, "userId": "bob"})).await;
    let failed = bob.event("schedule", 0).await;
    assert_eq!((&failed["state"], &failed["code"]), (&json!("failed"), &json!("not_a_member")));
    assert!(log(&alice, &group).await.is_empty());
}

#[tokio::test]
async fn slow_mode_puts_off_and_the_outside_comes_along() {
    let house = house().await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let group = made(&alice, &["bob"]).await;
    let group_id = group.trim_start_matches("group:");
    let answered = said(&alice, &group, "question").await;
    let reply = json!({"groupId": group_id, "content": "answer", "replyTo": answered,
        "mentions": ["alice"], "sendAt": now()});
    bob.call("group_message", reply).await;
    let heard = alice.event("group_message", 0).await;
    assert_eq!((&heard["from"], &heard["replyTo"]["messageId"]), (&json!("bob"), &json!(answered)));
    assert_eq!(heard["mentions"], json!(["alice"]));
    let settings = json!({"groupId": group_id, "settings": {"slowModeSeconds": 60}});
    assert_eq!(alice.call("group_update", settings).await["status"], "ok");
    said(&bob, &group, "now slow").await;
    let at = now();
    bob.call("group_message", json!({"groupId": group_id, "content": "soon", "sendAt": at})).await;
    // That it was put off is heard: it has another time now, and is to be said as before.
    let put_off = bob.event("schedule", 1).await;
    assert_eq!(
        (&put_off["state"], &put_off["sendAt"]),
        (&json!("pending"), &json!(at)),
        "{put_off}"
    );
    assert_eq!(schedules(&bob).await.len(), 1);
}

#[tokio::test]
async fn content_rules_are_asked_when_it_is_said() {
    let rule = |id: &str, action, word: &str| Rule {
        id: id.to_owned(),
        action,
        looked_for: Looked::Words { words: vec![word.to_owned()], within: Within::WholeWords },
    };
    let rules = vec![rule("rude", Action::Mask, "drat"), rule("worse", Action::Refuse, "blast")];
    let rules = Rules::new(rules).expect("they compile");
    let settings = Settings { limits: generous(), rules, ..Settings::default() };
    let house = House::new(Plan { settings, ..Plan::default() }).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    later(&alice, "drat it", now()).await;
    assert_eq!(bob.event("private_message", 0).await["content"], "**** it");
    later(&alice, "blast it", now()).await;
    let failed = alice.event("schedule", 1).await;
    assert_eq!(failed["code"], "content_refused", "{failed}");
}

#[tokio::test]
async fn what_was_missed_is_said_at_the_start_once_and_in_order() {
    let data = tempfile::tempdir().expect("a directory");
    let house = House::on(data.path(), plan(generous())).await;
    let alice = house.device("alice", "a").await;
    let at = now() + 1_500;
    for n in [3, 1, 2] {
        later(&alice, &n.to_string(), at + n).await;
    }
    house.end().await;
    while now() <= at + 3 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for _ in 0..2 {
        let house = House::on(data.path(), plan(generous())).await;
        let bob = house.device("bob", "b").await;
        bob.events("private_message", 3).await;
        let log = log(&bob, "dm:alice:bob").await;
        assert_eq!(contents(&log), ["1", "2", "3"]);
        let alice = house.device("alice", "a").await;
        assert!(schedules(&alice).await.is_empty());
        house.end().await;
    }
}

#[tokio::test]
async fn many_that_are_due_at_once_are_all_said_in_order() {
    let limits = Limits { schedules_per_user_max: 300, ..generous() };
    let house = House::new(plan(limits)).await;
    let (alice, bob) = (house.device("alice", "a").await, house.device("bob", "b").await);
    let at = now() + 2_000;
    for n in 0..250u64 {
        later(&alice, &n.to_string(), at + n).await;
    }
    let heard = bob.events("private_message", 250).await;
    let texts: Vec<_> = heard.iter().map(|it| it["content"].as_str().unwrap_or("")).collect();
    let expected: Vec<_> = (0..250).map(|n: u64| n.to_string()).collect();
    assert_eq!(texts, expected);
}
