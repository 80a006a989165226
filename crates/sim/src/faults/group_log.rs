//! Entries of a group's log that are no messages, as the history has them: as a text, with a mark
//! that no message of a run begins with. Read from what clients get, from the file's own JSON, and
//! folded into what the checker asks.

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::editing;
use crate::history::{Change, GroupLog, Message};

/// What the text of a change begins with.
const MARK: &str = "change ";
/// What an entry says besides its place, as clients get it.
const FIELDS: [&str; 7] = ["kind", "name", "settings", "userIds", "userId", "role", "until"];

/// Whether a conversation is a group's.
pub(super) fn is_group(conversation: &str) -> bool {
    conversation.starts_with("group:")
}

/// The text of a change that is given as clients get it; other fields are passed over.
pub(super) fn content(entry: &Value) -> String {
    let said = FIELDS.iter().filter_map(|field| Some(((*field).into(), entry.get(field)?.clone())));
    format!("{MARK}{}", Value::Object(said.collect()))
}

/// Reads an `entry` as clients get it.
///
/// # Errors
/// When a field is missing.
pub(super) fn entry(value: &Value) -> Result<Message> {
    let text = |field: &str| {
        let found = value[field].as_str().map(str::to_owned);
        found.with_context(|| format!("an entry without {field}: {value}"))
    };
    let number = |field: &str| {
        value[field].as_u64().with_context(|| format!("an entry without {field}: {value}"))
    };
    let content = match text("kind")?.as_str() {
        "message_edited" => editing::text(&text("messageId")?, &text("content")?),
        _ => content(value),
    };
    Ok(Message {
        id: text("id")?,
        conversation: text("conversationId")?,
        seq: number("seq")?,
        from: text("by")?,
        content,
        ts: number("ts")?,
    })
}

/// The text of a change that a file holds.
///
/// # Errors
/// When it is none that the run makes.
pub(super) fn stored(text: &str) -> Result<String> {
    let stored: Map<String, Value> = serde_json::from_str(text)?;
    let field = |name: &str| stored.get(name).filter(|value| !value.is_null()).cloned();
    let did = stored.get("did").and_then(Value::as_str).context("a change without did")?;
    let kind = match did {
        "created" => "group_created",
        "updated" => "group_updated",
        "added" => "member_added",
        "kicked" => "member_kicked",
        other => bail!("nobody {other} anything in this run"),
    };
    let mut entry = Map::from_iter([("kind".to_owned(), json!(kind))]);
    let mut put = |name: &str, value: Option<Value>| {
        entry.extend(value.map(|value| (name.to_owned(), value)));
    };
    put("name", field("name"));
    put("userId", field("user"));
    put("userIds", field("users").or_else(|| field("members")));
    if let Some(how) = field("settings") {
        let slow = how["slow_mode_ms"].as_u64().context("settings without slow_mode_ms")?;
        let settings = json!({
            "post": how["post"], "add": how["add"], "join": how["join"],
            "slowModeSeconds": slow / 1000, "membersMax": how["members_max"],
            "history": how["past"],
        });
        put("settings", Some(settings));
    }
    Ok(content(&Value::Object(entry)))
}

/// What a group's log says of the group.
pub(super) fn group_log(log: &[Message]) -> GroupLog {
    let mut group = GroupLog::default();
    for message in log {
        let Some(text) = message.content.strip_prefix(MARK) else { continue };
        let said: Value = serde_json::from_str(text).unwrap_or_default();
        let name = |value: &Value| value.as_str().map(str::to_owned);
        let users = said["userIds"].as_array().into_iter().flatten().filter_map(name);
        let by = || Some(message.from.clone());
        let (joined, left): (Vec<String>, Option<String>) = match said["kind"].as_str() {
            Some("group_created") => {
                group.shows_past = said["settings"]["history"] == "all";
                (by().into_iter().chain(users).collect(), None)
            }
            Some("member_added") => (users.collect(), None),
            Some("member_joined") => (vec![message.from.clone()], None),
            Some("member_left") => (Vec::new(), by()),
            Some("member_kicked" | "member_banned") => (Vec::new(), name(&said["userId"])),
            _ => (Vec::new(), None),
        };
        let joined = joined.into_iter().map(Change::Joined);
        let changes = joined.chain(left.map(Change::Left)).collect();
        group.changes.insert(message.seq, changes);
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry_of(seq: u64, mut more: Value) -> Message {
        let conversation = "group:g";
        let place = json!({
            "id": format!("{conversation}:{seq}"), "conversationId": conversation, "groupId": "g",
            "seq": seq, "by": "o", "ts": 5, "pos": 9,
        });
        more.as_object_mut().expect("an object").extend(place.as_object().expect("one").clone());
        entry(&more).expect("whole")
    }

    #[test]
    fn what_clients_get_and_what_the_file_holds_are_one_text() {
        let settings = json!({
            "post": "everyone", "add": "admins", "join": "invite", "slowModeSeconds": 2,
            "membersMax": 9, "history": "all",
        });
        let kept = r#"{"post":"everyone","add":"admins","join":"invite","slow_mode_ms":2000,
            "members_max":9,"past":"all"}"#;
        for (told, stored_as) in [
            (
                json!({ "kind": "group_created", "name": "N", "settings": settings,
                    "userIds": ["a"] }),
                format!(r#"{{"did":"created","name":"N","settings":{kept},"members":["a"]}}"#),
            ),
            (
                json!({ "kind": "group_updated", "name": "N" }),
                r#"{"did":"updated","name":"N","settings":null}"#.to_owned(),
            ),
            (
                json!({ "kind": "member_added", "userIds": ["a", "b"] }),
                r#"{"did":"added","users":["a","b"]}"#.to_owned(),
            ),
            (
                json!({ "kind": "member_kicked", "userId": "a" }),
                r#"{"did":"kicked","user":"a"}"#.to_owned(),
            ),
        ] {
            assert_eq!(entry_of(1, told).content, stored(&stored_as).expect("known"));
        }
        assert!(stored(r#"{"did":"flew"}"#).is_err());
        assert!(entry(&json!({ "kind": "member_left" })).is_err());
    }

    #[test]
    fn who_came_and_went_is_read_from_the_texts() {
        let created = json!({ "kind": "group_created", "userIds": ["a"],
            "settings": { "history": "all" } });
        let mut log: Vec<Message> = (1..)
            .zip([
                created,
                json!({ "kind": "member_added", "userIds": ["b", "c"] }),
                json!({ "kind": "member_kicked", "userId": "b" }),
                json!({ "kind": "group_updated", "name": "N" }),
                json!({ "kind": "member_left" }),
            ])
            .map(|(seq, more)| entry_of(seq, more))
            .collect();
        log.push(Message { content: "said".into(), seq: 6, ..log[0].clone() });
        let group = group_log(&log);
        let joined = |user: &str| Change::Joined(user.into());
        let left = |user: &str| Change::Left(user.into());
        assert!(group.shows_past && !group.counts_changes);
        let expected = [
            (1, vec![joined("o"), joined("a")]),
            (2, vec![joined("b"), joined("c")]),
            (3, vec![left("b")]),
            (4, vec![]),
            (5, vec![left("o")]),
        ];
        assert_eq!(group.changes, expected.into());
    }
}
