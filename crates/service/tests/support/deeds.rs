//! Messages and what is done to them, for tests of that.

use parlor_chat::limits::Limits;
use parlor_service::Settings;
use serde_json::{Value, json};

use super::{Client, House, Plan};

/// Limits that no test client runs into.
pub(crate) fn generous() -> Limits {
    Limits {
        user_rate_burst: 1_000_000,
        user_rate_per_second: 1_000_000,
        connection_rate_burst: 1_000_000,
        connection_rate_per_second: 1_000_000,
        ..Limits::default()
    }
}

pub(crate) fn plan(limits: Limits) -> Plan {
    Plan { settings: Settings { limits, ..Settings::default() }, ..Plan::default() }
}

pub(crate) async fn house() -> House {
    House::new(plan(generous())).await
}

/// Sends to a user, or to a group; the message's id.
pub(crate) async fn said(who: &Client, to: &str, content: &str) -> String {
    let (event, field) = match to.strip_prefix("group:") {
        Some(_) => ("group_message", "groupId"),
        None => ("private_message", "toUserId"),
    };
    let to = to.strip_prefix("group:").unwrap_or(to);
    let answer = who.call(event, json!({field: to, "content": content})).await;
    assert_eq!(answer["status"], "sent", "{answer}");
    answer["id"].as_str().expect("an id").to_owned()
}

/// Makes a group; its conversation's id.
pub(crate) async fn made(owner: &Client, members: &[&str]) -> String {
    let payload = json!({"name": "Owls", "members": members});
    let answer = owner.call("group_create", payload).await;
    answer["conversationId"].as_str().expect("an id").to_owned()
}

/// A command's outcome in a word: the seq of its entry, `unchanged`, or the code of the refusal.
pub(crate) async fn outcome(who: &Client, event: &str, payload: Value) -> String {
    let answer = who.call(event, payload).await;
    match (answer["status"].as_str(), answer["seq"].as_u64()) {
        (Some("error"), _) => answer["code"].as_str().expect("a code").to_owned(),
        (Some("ok"), Some(seq)) => seq.to_string(),
        (Some("ok"), None) if answer["unchanged"] == true => "unchanged".to_owned(),
        _ => panic!("{answer}"),
    }
}
