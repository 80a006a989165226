//! What every command about a user's own records has in common: one change, one answer, and the same
//! events whether a device hears of it at once or learns it when it comes back.

use std::sync::Arc;

use parlor_chat::limits::Limits;
use parlor_chat::own::{
    OwnChange, OwnCommitted, OwnCursor, OwnKey, OwnKind, OwnMoved, OwnPage, OwnQuery, OwnRecord,
    OwnWish,
};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::Pending;
use parlor_gateway::{Io, SocketId};

use crate::commands;
use crate::delivery::{NAMESPACE, room};
use crate::dispatch::{Caller, Work};
use crate::fields::Fields;
use crate::json::{Object, json_text};
use crate::records;
use crate::schedules;
use crate::service::Service;
use crate::session::Kind;
use crate::traces;

/// A change of the caller's records that is checked and charged; it is made at once, and told when it
/// is committed.
///
/// # Errors
/// [`Refusal`] when nothing can be written or the caller is too fast.
pub(crate) fn change(
    service: &Service,
    caller: &Caller<'_>,
    wishes: Vec<OwnWish>,
    records_max: usize,
) -> Result<OwnChange, Refusal> {
    service.accepts_writes()?;
    caller.charge(service)?;
    let (user, now) = (caller.user.clone(), caller.now);
    let origin = traces::origin(caller.socket.key().get());
    Ok(OwnChange { user, wishes, about: None, records_max, now, origin })
}

/// Makes a change; the answer says when the records changed.
pub(crate) fn submit(service: &Arc<Service>, change: OwnChange) -> Work {
    let changed = service.store.change_own(change);
    Work::Later(Box::pin(async move {
        let changed = changed.await.map_err(|error| of_store(&error))?;
        let at = changed.records.iter().map(|record| record.at.0).max().unwrap_or(0);
        Ok(records::ok_with().number("at", at).end())
    }))
}

/// Reads `{cursor?, limit?}` into a page of one kind of the caller's records.
///
/// # Errors
/// [`Refusal::InvalidArgument`] naming the field, or that the caller is too fast.
pub(crate) fn page(
    service: &Service,
    caller: &Caller<'_>,
    payload: commands::Payload<'_>,
    kind: OwnKind,
) -> Result<Pending<OwnPage>, Refusal> {
    let fields = Fields::parse(payload, ["cursor", "limit"])?;
    let after = match fields.text("cursor")? {
        None => None,
        Some(text) => Some(cursor(&text).ok_or_else(no_cursor)?),
    };
    let limit = limit(&fields, &service.settings.limits)?;
    caller.charge(service)?;
    Ok(service.store.own(OwnQuery { user: caller.user.clone(), kind, after, limit }))
}

/// How many records a page is to have.
///
/// # Errors
/// [`Refusal::InvalidArgument`].
pub(crate) fn limit<const N: usize>(
    fields: &Fields<'_, N>,
    limits: &Limits,
) -> Result<usize, Refusal> {
    commands::limit(fields, limits.records_limit_default, limits.records_limit_max)
}

/// What a cursor is refused with.
pub(crate) fn no_cursor() -> Refusal {
    Refusal::invalid("cursor", "must be one that the server gave")
}

/// The answer with a page of records.
pub(crate) fn listed(
    name: &str,
    lines: impl IntoIterator<Item = String>,
    next: Option<&OwnCursor>,
) -> String {
    let object = records::ok_with().list(name, lines);
    match next {
        Some(next) => object.text("cursor", &format!("{}.{}", next.at.0, next.key.as_str())).end(),
        None => object.raw("cursor", "null").end(),
    }
}

fn cursor(text: &str) -> Option<OwnCursor> {
    let (at, key) = text.split_once('.')?;
    let at = at.parse().ok().filter(|at| *at < 1 << 53)?;
    Some(OwnCursor { at: parlor_chat::entry::Millis(at), key: OwnKey::parse(key)? })
}

/// What the other devices of a user hear of a change: the name of an event and its object.
type Told = (&'static str, String);

/// Records as the events tell them. What changed together in one conversation is told together.
fn told(changed: &[OwnRecord]) -> Vec<Told> {
    let mut told: Vec<Told> = Vec::new();
    let mut rest = changed.iter().peekable();
    while let Some(record) = rest.next() {
        let mut same = vec![record];
        while let Some(next) = rest.next_if(|next| goes_with(record, next)) {
            same.push(next);
        }
        let (event, object) = as_event(&same);
        told.push((event, object.number("at", record.at.0).end()));
    }
    told
}

fn goes_with(one: &OwnRecord, other: &OwnRecord) -> bool {
    let setting = |record: &OwnRecord| setting_name(record.kind).is_some();
    let privacy = |record: &OwnRecord| record.kind == OwnKind::Privacy;
    let alike = (setting(one) && setting(other) && one.key == other.key)
        || (privacy(one) && privacy(other));
    // What is told has the time of each.
    alike && one.at == other.at
}

fn as_event(same: &[&OwnRecord]) -> (&'static str, Object) {
    let record = same[0];
    let (key, value) = (record.key.as_str(), record.value.as_ref().map(|value| &*value.0));
    let is_there = value.is_some();
    match record.kind {
        OwnKind::Draft => ("draft", draft(key, value.unwrap_or("null"))),
        OwnKind::Star => {
            ("starred", Object::new().text("messageId", key).flag("starred", is_there))
        }
        OwnKind::Hidden => {
            ("hidden", Object::new().text("messageId", key).flag("hidden", is_there))
        }
        OwnKind::Contact => {
            let object = contact(key, value.unwrap_or("null"));
            ("contact", object.flag("contact", is_there))
        }
        OwnKind::Muted | OwnKind::Archived | OwnKind::Unread | OwnKind::Pinned => {
            let object = Object::new().text("conversationId", key);
            ("conversation_settings", settings(object, same))
        }
        OwnKind::Schedule => ("schedule", schedules::described(record)),
        OwnKind::Request => {
            let object = Object::new().text("conversationId", key);
            ("request", object.raw("state", value.unwrap_or("null")))
        }
        OwnKind::Privacy => {
            let field = |object: Object, record: &&OwnRecord| {
                let value = record.value.as_ref().map_or("null", |value| &*value.0);
                object.raw(record.key.as_str(), value)
            };
            ("privacy", same.iter().fold(Object::new(), field))
        }
    }
}

/// A draft without its time.
pub(crate) fn draft(conversation: &str, content: &str) -> Object {
    Object::new().text("conversationId", conversation).raw("content", content)
}

/// A contact without what else is known; `name` is JSON.
pub(crate) fn contact(user: &str, name: &str) -> Object {
    Object::new().text("userId", user).raw("name", name)
}

/// The name of a conversation's setting in the protocol.
fn setting_name(kind: OwnKind) -> Option<&'static str> {
    match kind {
        OwnKind::Muted => Some("mutedUntil"),
        OwnKind::Archived => Some("archived"),
        OwnKind::Unread => Some("markedUnread"),
        OwnKind::Pinned => Some("pinned"),
        _ => None,
    }
}

/// Settings of a conversation; one that was taken back is as if it never was.
pub(crate) fn settings(object: Object, records: &[&OwnRecord]) -> Object {
    records.iter().fold(object, |object, record| {
        let Some(name) = setting_name(record.kind) else { return object };
        let unset = if record.kind == OwnKind::Muted { "0" } else { "false" };
        object.raw(name, record.value.as_ref().map_or(unset, |value| &*value.0))
    })
}

/// Tells the user's other sockets here what changed. Called by the delivery, in commit order.
pub(crate) fn tell(io: &Io, changed: &OwnCommitted, origin: Option<SocketId>) {
    for (event, object) in told(&changed.records) {
        let sockets = io.of(NAMESPACE).to(room(Kind::Standard, &changed.user));
        let sockets = match &origin {
            Some(origin) => sockets.except(origin.as_str()),
            None => sockets,
        };
        if let Err(error) = sockets.emit_raw(event, &records::alone(&object)) {
            tracing::debug!(%error, event, "publish: an own record was not told");
        }
    }
}

/// What a device that was away is told: the events that it missed, and what it has to read anew.
pub(crate) fn moved(object: Object, moved: &OwnMoved) -> Object {
    let events = told(&moved.records);
    let object = match events.is_empty() {
        true => object,
        false => {
            let event =
                |(event, data): Told| Object::new().text("event", event).raw("data", &data).end();
            object.list("own", events.into_iter().map(event))
        }
    };
    let mut commands: Vec<&str> = moved.reread.iter().map(|kind| reread_by(*kind)).collect();
    commands.dedup();
    match commands.is_empty() {
        true => object,
        false => object.list("reread", commands.into_iter().map(json_text)),
    }
}

/// The command that reads a kind.
fn reread_by(kind: OwnKind) -> &'static str {
    match kind {
        OwnKind::Draft => "drafts",
        OwnKind::Star => "starred",
        OwnKind::Muted | OwnKind::Archived | OwnKind::Unread | OwnKind::Pinned => "conversations",
        OwnKind::Hidden => "history",
        OwnKind::Contact => "contacts",
        OwnKind::Privacy => "privacy_get",
        OwnKind::Schedule => "schedules",
        OwnKind::Request => "requests",
    }
}

/// One wish.
pub(crate) fn wish(kind: OwnKind, key: OwnKey, json: Option<&str>) -> OwnWish {
    OwnWish { kind, key, value: json.map(parlor_chat::own::OwnValue::of) }
}

#[cfg(test)]
mod tests {
    use parlor_chat::entry::Millis;
    use parlor_chat::own::OwnValue;

    use super::*;

    fn record(kind: OwnKind, key: &str, json: Option<&str>, at: u64) -> OwnRecord {
        let key = OwnKey::parse(key).expect("a key in a test");
        OwnRecord { kind, key, value: json.map(OwnValue::of), at: Millis(at) }
    }

    #[test]
    fn each_kind_is_told_by_its_event_and_settings_of_one_conversation_together() {
        let told = told(&[
            record(OwnKind::Draft, "dm:a:b", Some("[1.0]"), 1),
            record(OwnKind::Draft, "dm:a:c", None, 2),
            record(OwnKind::Star, "dm:a:b:1", Some("true"), 3),
            record(OwnKind::Muted, "dm:a:b", Some("7"), 4),
            record(OwnKind::Archived, "dm:a:b", None, 4),
            record(OwnKind::Pinned, "dm:a:b", Some("true"), 5),
            record(OwnKind::Unread, "dm:a:c", Some("true"), 6),
            record(OwnKind::Contact, "c", Some("\"Cy\""), 7),
            record(OwnKind::Contact, "d", None, 8),
            record(OwnKind::Privacy, "messages", Some("\"nobody\""), 9),
            record(OwnKind::Privacy, "readReceipts", Some("false"), 9),
            record(OwnKind::Hidden, "dm:a:b:1", Some("true"), 9),
            record(OwnKind::Schedule, "s1", None, 10),
            record(OwnKind::Request, "dm:a:b", Some("\"pending\""), 10),
            record(OwnKind::Request, "dm:a:b", None, 11),
        ]);
        let expected = [
            ("draft", r#"{"conversationId":"dm:a:b","content":[1.0],"at":1}"#),
            ("draft", r#"{"conversationId":"dm:a:c","content":null,"at":2}"#),
            ("starred", r#"{"messageId":"dm:a:b:1","starred":true,"at":3}"#),
            (
                "conversation_settings",
                r#"{"conversationId":"dm:a:b","mutedUntil":7,"archived":false,"at":4}"#,
            ),
            ("conversation_settings", r#"{"conversationId":"dm:a:b","pinned":true,"at":5}"#),
            ("conversation_settings", r#"{"conversationId":"dm:a:c","markedUnread":true,"at":6}"#),
            ("contact", r#"{"userId":"c","name":"Cy","contact":true,"at":7}"#),
            ("contact", r#"{"userId":"d","name":null,"contact":false,"at":8}"#),
            ("privacy", r#"{"messages":"nobody","readReceipts":false,"at":9}"#),
            ("hidden", r#"{"messageId":"dm:a:b:1","hidden":true,"at":9}"#),
            ("schedule", r#"{"scheduleId":"s1","scheduled":false,"at":10}"#),
            ("request", r#"{"conversationId":"dm:a:b","state":"pending","at":10}"#),
            ("request", r#"{"conversationId":"dm:a:b","state":null,"at":11}"#),
        ];
        assert_eq!(told, expected.map(|(event, json)| (event, json.to_owned())));
    }

    #[test]
    fn what_moved_names_commands_once_and_nothing_when_there_is_nothing() {
        assert_eq!(moved(Object::new(), &OwnMoved::default()).end(), "{}");
        let reread = vec![OwnKind::Draft, OwnKind::Muted, OwnKind::Pinned];
        let records = vec![record(OwnKind::Star, "m", None, 1)];
        let told = moved(Object::new(), &OwnMoved { records, reread }).end();
        assert_eq!(
            told,
            r#"{"own":[{"event":"starred","data":{"messageId":"m","starred":false,"at":1}}],"reread":["drafts","conversations"]}"#
        );
    }

    #[test]
    fn a_cursor_is_one_that_was_given() {
        let given =
            OwnCursor { at: Millis(17), key: OwnKey::parse("dm:a.b:c").expect("a key in a test") };
        let answer = listed("x", [], Some(&given));
        assert_eq!(answer, r#"{"status":"ok","x":[],"cursor":"17.dm:a.b:c"}"#);
        assert_eq!(cursor("17.dm:a.b:c"), Some(given));
        for text in ["", "17", "17.", "x.k", ".k", "9007199254740992.k"] {
            assert_eq!(cursor(text), None, "{text}");
        }
    }
}
