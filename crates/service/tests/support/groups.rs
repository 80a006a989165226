//! What is done in groups, for tests of that.

use serde_json::{Value, json};

use super::Client;

/// Makes a group; its id.
pub(crate) async fn made(owner: &Client, members: &[&str], settings: Value) -> String {
    let payload = json!({"name": "Owls", "members": members, "settings": settings});
    let answer = owner.call("group_create", payload).await;
    assert_eq!(answer["status"], "ok", "{answer}");
    assert_eq!(answer["seq"], 1);
    answer["groupId"].as_str().expect("an id").to_owned()
}

pub(crate) async fn say(who: &Client, group: &str, content: impl Into<Value>) -> Value {
    let payload = json!({"groupId": group, "content": content.into()});
    who.call("group_message", payload).await
}

pub(crate) async fn said(who: &Client, group: &str, content: impl Into<Value>) -> u64 {
    let answer = say(who, group, content).await;
    assert_eq!(answer["status"], "sent", "{answer}");
    answer["seq"].as_u64().expect("a seq")
}

pub(crate) async fn code(who: &Client, event: &str, payload: Value) -> String {
    let answer = who.call(event, payload).await;
    match answer["status"].as_str() {
        Some("error") => answer["code"].as_str().expect("a code").to_owned(),
        _ if answer["unchanged"] == true => "unchanged".to_owned(),
        _ => "ok".to_owned(),
    }
}

pub(crate) async fn history(who: &Client, group: &str) -> Value {
    let conversation = format!("group:{group}");
    who.call("history", json!({"conversationId": conversation, "after": 0})).await
}

/// The seqs of messages and other entries in a page of history, in order.
pub(crate) fn seqs(page: &Value) -> Vec<u64> {
    let of = |name: &str| page[name].as_array().cloned().unwrap_or_default();
    let mut seqs: Vec<u64> = of("messages").iter().chain(&of("entries")).filter_map(seq).collect();
    seqs.sort_unstable();
    seqs
}

pub(crate) fn seq(entry: &Value) -> Option<u64> {
    entry["seq"].as_u64()
}
