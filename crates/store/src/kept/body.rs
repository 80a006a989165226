//! What an entry holds, as its row keeps it: a kind and a JSON text.
//!
//! Kinds 0 and 10 are messages, and kind 2 an edit of one, whose texts are the sender's own. The texts of
//! other kinds are made here, and files that are out there hold them: a name is never given another
//! meaning. The text of what is gone is `null`.

use std::collections::HashMap;
use std::sync::Arc;

use parlor_chat::app_event::{AppEvent, EventName};
use parlor_chat::around::{Act, Deed, Emoji};
use parlor_chat::entry::{Body, Content, Millis};
use parlor_chat::group::{
    Change, GroupName, GroupRules, GroupSettings, Joining, OpenTo, PastShown, Role, SettingsPatch,
};
use parlor_chat::ids::{Seq, UserId};
use parlor_chat::rules::Action;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::numbers::{int, nat};

/// The kind of a message.
pub(crate) const SAID: i64 = 0;
/// The kind of a change of the group.
pub(crate) const CHANGED: i64 = 1;

/// The kind of an edit of an earlier message.
pub(crate) const EDITED: i64 = 2;
/// The kind of the deletion of an earlier message.
pub(crate) const DELETED: i64 = 3;
const REACTED: i64 = 4;
const UNREACTED: i64 = 5;
/// The kind of the pinning of an earlier message.
pub(crate) const PINNED: i64 = 6;
const UNPINNED: i64 = 7;
/// The kind of an event of the app's own.
const APP: i64 = 8;
const TIMER_SET: i64 = 9;
/// The kind of a message that nobody but its sender may see.
pub(crate) const SHADOWED: i64 = 10;

/// The text of what holds nothing, and of what is gone.
pub(crate) const NOTHING: &str = "null";

/// The kind and text that a body is kept as.
pub(crate) fn encode(body: &Body) -> (i64, Arc<str>) {
    match body {
        Body::Said(content) => (SAID, content.0.clone()),
        Body::Gone => (SAID, NOTHING.into()),
        Body::Changed(change) => (CHANGED, change_json(change).to_string().into()),
        Body::Acted(act) => match &act.deed {
            Deed::Edited(Some(content)) => (EDITED, content.0.clone()),
            Deed::Edited(None) => (EDITED, NOTHING.into()),
            Deed::Deleted => (DELETED, NOTHING.into()),
            Deed::Reacted(emoji) => (REACTED, json!(emoji.as_str()).to_string().into()),
            Deed::Unreacted(emoji) => (UNREACTED, json!(emoji.as_str()).to_string().into()),
            Deed::Pinned => (PINNED, NOTHING.into()),
            Deed::Unpinned => (UNPINNED, NOTHING.into()),
        },
        // The data stay byte for byte; the name has nothing that is to be escaped.
        Body::App(AppEvent { name, data }) => {
            let text = format!("{{\"name\":\"{}\",\"data\":{}}}", name.as_str(), data.0);
            (APP, text.into())
        }
        Body::TimerSet(ms) => (TIMER_SET, json!(ms).to_string().into()),
    }
}

/// The seq of the entry that a body is about, as its row keeps it.
pub(crate) fn about(body: &Body) -> Option<i64> {
    match body {
        Body::Acted(act) => Some(int(act.on.0)),
        Body::Said(_) | Body::Gone | Body::Changed(_) | Body::App(_) | Body::TimerSet(_) => None,
    }
}

/// Whether an entry of a direct conversation may be by somebody who is not of it: the system deletes
/// anybody's messages.
pub(crate) fn may_be_of_anybody(kind: i64) -> bool {
    kind == DELETED
}

/// A body as its row keeps it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written<'a> {
    pub(crate) kind: i64,
    pub(crate) about: Option<i64>,
    pub(crate) text: &'a str,
    /// Whether its content was deleted, or has ended.
    pub(crate) is_gone: bool,
}

/// The body that a row keeps; `None` for what no version writes.
pub(crate) fn decode(written: &Written<'_>) -> Option<Body> {
    let Written { kind, about, text, is_gone } = *written;
    let content = || (!is_gone).then(|| Content(text.into()));
    let emoji = || Emoji::parse(&serde_json::from_str::<String>(text).ok()?).ok();
    let deed = match kind {
        SAID | SHADOWED => return Some(content().map_or(Body::Gone, Body::Said)),
        CHANGED => {
            let json: Value = serde_json::from_str(text).ok()?;
            return Some(Body::Changed(change(json.as_object()?)?));
        }
        APP => return Some(Body::App(app_event(text)?)),
        TIMER_SET => return serde_json::from_str(text).ok().map(Body::TimerSet),
        EDITED => Deed::Edited(content()),
        DELETED => Deed::Deleted,
        REACTED => Deed::Reacted(emoji()?),
        UNREACTED => Deed::Unreacted(emoji()?),
        PINNED => Deed::Pinned,
        UNPINNED => Deed::Unpinned,
        _ => return None,
    };
    Some(Body::Acted(Act { on: Seq(nat(about?).ok()?), deed }))
}

fn app_event(text: &str) -> Option<AppEvent> {
    let kept: HashMap<&str, &RawValue> = serde_json::from_str(text).ok()?;
    let name = EventName::parse(serde_json::from_str(kept.get("name")?.get()).ok()?).ok()?;
    Some(AppEvent { name, data: Content(kept.get("data")?.get().into()) })
}

fn change_json(change: &Change) -> Value {
    match change {
        Change::Created { name, settings, members } => json!({
            "did": "created",
            "name": name.as_str(),
            "settings": settings_json(settings),
            "members": names(members),
        }),
        Change::Updated { name, settings } => json!({
            "did": "updated",
            "name": name.as_ref().map(GroupName::as_str),
            "settings": settings.as_ref().map(settings_json),
        }),
        Change::Deleted => json!({ "did": "deleted" }),
        Change::Added(added) => json!({ "did": "added", "users": names(added) }),
        Change::Joined => json!({ "did": "joined" }),
        Change::Left => json!({ "did": "left" }),
        Change::Kicked(user) => json!({ "did": "kicked", "user": user.as_str() }),
        Change::Banned(user, until) => {
            json!({ "did": "banned", "user": user.as_str(), "until": until.0 })
        }
        Change::Unbanned(user) => json!({ "did": "unbanned", "user": user.as_str() }),
        Change::Muted(user, until) => {
            json!({ "did": "muted", "user": user.as_str(), "until": until.0 })
        }
        Change::Unmuted(user) => json!({ "did": "unmuted", "user": user.as_str() }),
        Change::RoleSet(user, role) => {
            json!({ "did": "role", "user": user.as_str(), "role": role.name() })
        }
        Change::RulesSet(rules) => {
            json!({ "did": "rules", "rules": rules.as_ref().map(rules_json) })
        }
    }
}

fn names(users: &[UserId]) -> Vec<&str> {
    users.iter().map(UserId::as_str).collect()
}

fn change(json: &Map<String, Value>) -> Option<Change> {
    let text = |name: &str| json.get(name).and_then(Value::as_str);
    let user = || UserId::parse(text("user")?).ok();
    let until = || json.get("until").and_then(Value::as_u64).map(Millis);
    let users = |name: &str| -> Option<Vec<UserId>> {
        let users = json.get(name)?.as_array()?.iter();
        users.map(|user| UserId::parse(user.as_str()?).ok()).collect()
    };
    let name = || text("name").map(GroupName::parse).transpose().ok();
    let settings = || match json.get("settings") {
        None | Some(Value::Null) => Some(None),
        Some(json) => settings(json).map(Some),
    };
    Some(match text("did")? {
        "created" => {
            Change::Created { name: name()??, settings: settings()??, members: users("members")? }
        }
        "updated" => Change::Updated { name: name()?, settings: settings()? },
        "deleted" => Change::Deleted,
        "added" => Change::Added(users("users")?),
        "joined" => Change::Joined,
        "left" => Change::Left,
        "kicked" => Change::Kicked(user()?),
        "banned" => Change::Banned(user()?, until()?),
        "unbanned" => Change::Unbanned(user()?),
        "muted" => Change::Muted(user()?, until()?),
        "unmuted" => Change::Unmuted(user()?),
        "role" => Change::RoleSet(user()?, Role::named(text("role")?)?),
        "rules" => Change::RulesSet(match json.get("rules")? {
            Value::Null => None,
            json => Some(rules(json)?),
        }),
        _ => return None,
    })
}

fn rules_json(rules: &GroupRules) -> Value {
    let words: Vec<&str> = rules.words.iter().map(|word| &**word).collect();
    json!({ "action": rules.action.name(), "words": words })
}

fn rules(json: &Value) -> Option<GroupRules> {
    let words = json.get("words")?.as_array()?.iter();
    let words = words.map(|word| word.as_str().map(Arc::from)).collect::<Option<_>>()?;
    Some(GroupRules { words, action: Action::of(json.get("action")?.as_str()?)? })
}

/// A group's own rules as the text of a column.
pub(crate) fn rules_text(rules: &GroupRules) -> String {
    rules_json(rules).to_string()
}

/// A group's own rules out of the text of a column; `None` for what no version writes.
pub(crate) fn rules_of(text: &str) -> Option<GroupRules> {
    rules(&serde_json::from_str(text).ok()?)
}

const OPEN_TO: [(OpenTo, &str); 2] = [(OpenTo::Everyone, "everyone"), (OpenTo::Admins, "admins")];
const JOINING: [(Joining, &str); 3] =
    [(Joining::Invite, "invite"), (Joining::Request, "request"), (Joining::Open, "open")];
const PAST: [(PastShown, &str); 2] = [(PastShown::FromJoin, "join"), (PastShown::All, "all")];

fn named<T: Copy + PartialEq>(table: &[(T, &'static str)], value: T) -> &'static str {
    table.iter().find(|(of, _)| *of == value).expect("every value has a name").1
}

fn of_name<T: Copy>(table: &[(T, &str)], name: Option<&Value>) -> Option<T> {
    let name = name?.as_str()?;
    table.iter().find(|(_, of)| *of == name).map(|(value, _)| *value)
}

fn settings_json(settings: &GroupSettings) -> Value {
    json!({
        "post": named(&OPEN_TO, settings.post),
        "add": named(&OPEN_TO, settings.add),
        "join": named(&JOINING, settings.join),
        "slow_mode_ms": settings.slow_mode_ms,
        "members_max": settings.members_max,
        "past": named(&PAST, settings.past),
    })
}

fn settings(json: &Value) -> Option<GroupSettings> {
    Some(GroupSettings {
        post: of_name(&OPEN_TO, json.get("post"))?,
        add: of_name(&OPEN_TO, json.get("add"))?,
        join: of_name(&JOINING, json.get("join"))?,
        slow_mode_ms: json.get("slow_mode_ms")?.as_u64()?,
        members_max: json.get("members_max")?.as_u64()?,
        past: of_name(&PAST, json.get("past"))?,
    })
}

/// What a group was wished to be made as, as a text; files hold digests of it.
pub(crate) fn wish_text(name: &GroupName, patch: &SettingsPatch, members: &[UserId]) -> String {
    json!({
        "name": name.as_str(),
        "post": patch.post.map(|post| named(&OPEN_TO, post)),
        "add": patch.add.map(|add| named(&OPEN_TO, add)),
        "join": patch.join.map(|join| named(&JOINING, join)),
        "slow_mode_ms": patch.slow_mode_ms,
        "members_max": patch.members_max,
        "past": patch.past.map(|past| named(&PAST, past)),
        "members": names(members),
    })
    .to_string()
}

/// Settings as the text of a column.
pub(crate) fn settings_text(settings: &GroupSettings) -> String {
    settings_json(settings).to_string()
}

/// Settings out of the text of a column; `None` for what no version writes.
pub(crate) fn settings_of(text: &str) -> Option<GroupSettings> {
    settings(&serde_json::from_str(text).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comes_back(body: Body, is_gone: bool) {
        let (kind, text) = encode(&body);
        let written = Written { kind, about: about(&body), text: &text, is_gone };
        assert_eq!(decode(&written), Some(body), "{text}");
    }

    #[test]
    fn every_body_comes_back_as_it_was() {
        let user = |name: &str| UserId::parse(name).expect("an id in a test");
        let name = GroupName::parse("Owls \"&\" <friends>").expect("a name in a test");
        let settings = GroupSettings {
            post: OpenTo::Admins,
            add: OpenTo::Everyone,
            join: Joining::Request,
            slow_mode_ms: 7,
            members_max: 9,
            past: PastShown::All,
        };
        for change in [
            Change::Created {
                name: name.clone(), settings, members: vec![user("a"), user("é\"")]
            },
            Change::Updated { name: Some(name), settings: None },
            Change::Updated { name: None, settings: Some(settings) },
            Change::Deleted,
            Change::Added(vec![user("b")]),
            Change::Joined,
            Change::Left,
            Change::Kicked(user("b")),
            Change::Banned(user("b"), parlor_chat::group::FOREVER),
            Change::Unbanned(user("b")),
            Change::Muted(user("b"), Millis(5)),
            Change::Unmuted(user("b")),
            Change::RoleSet(user("b"), Role::Owner),
            Change::RulesSet(None),
            Change::RulesSet(Some(GroupRules {
                words: vec!["é\"".into(), "two words".into()],
                action: Action::Mask,
            })),
        ] {
            comes_back(Body::Changed(change), false);
        }
        let emoji = Emoji::parse("\"👍\"").expect("an emoji in a test");
        for deed in [
            Deed::Edited(Some(Content("[1, 2]".into()))),
            Deed::Deleted,
            Deed::Reacted(emoji.clone()),
            Deed::Unreacted(emoji),
            Deed::Pinned,
            Deed::Unpinned,
        ] {
            comes_back(Body::Acted(Act { on: Seq(7), deed }), false);
        }
        comes_back(Body::Acted(Act { on: Seq(7), deed: Deed::Edited(None) }), true);
        let name = EventName::parse("poll.vote").expect("a name in a test");
        for data in ["null", "{ \"data\": 1.0,\n\"x\": \"\\u00e9 \"}", "[1e400]"] {
            comes_back(
                Body::App(AppEvent { name: name.clone(), data: Content(data.into()) }),
                false,
            );
        }
        comes_back(Body::Gone, true);
        comes_back(Body::TimerSet(Some(5_000)), false);
        comes_back(Body::TimerSet(None), false);
        let said = Body::Said(Content("{ \"x\": 1.0 }".into()));
        assert_eq!(encode(&said), (SAID, "{ \"x\": 1.0 }".into()));
        comes_back(said, false);
        let unknown = Written { kind: 99, about: None, text: "{}", is_gone: false };
        assert_eq!(decode(&unknown), None);
        let flew = Written { kind: CHANGED, text: r#"{"did":"flew"}"#, ..unknown };
        assert_eq!(decode(&flew), None);
        let about_nothing = Written { kind: PINNED, text: NOTHING, ..unknown };
        assert_eq!(decode(&about_nothing), None);
    }
}
