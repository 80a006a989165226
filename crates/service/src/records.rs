//! What clients see: every event and answer of the protocol, as JSON text.
//!
//! This is version [`PROTOCOL_VERSION`] of the event protocol as `docs/protocol.md` describes
//! it. Fields may be added within a version; none is renamed, removed or given another meaning.

use parlor_chat::around::MessageState;
use parlor_chat::entry::{Body, Entry, Epoch, Millis};
use parlor_chat::ids::{ConversationId, MessageId, Seq, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::own::OwnRecord;
use parlor_chat::refusal::Refusal;
use parlor_chat::resume::{Cursor, Reason};
use parlor_chat::store::{
    Appended, Blocks, ConversationSummary, ConversationsPage, Device, HistoryPage, MovedPage,
    Watermarks,
};

use parlor_gateway::SocketId;

use crate::around_records::{self, Shows};
use crate::conversation_settings;
use crate::group_records;
use crate::json::{Object, push_text};
use crate::own;
use crate::session::{Session, Start};

/// The version of the event protocol, as given in `ready`.
pub(crate) const PROTOCOL_VERSION: &str = "1";

/// Bytes of a message's JSON beside its ids and content.
const MESSAGE_FRAME_BYTES: usize = 128;

/// An entry as `viewer` may see it, or as anybody may: the sender's own idempotency key is for the
/// sender alone.
pub(crate) fn entry(entry: &Entry, viewer: Option<&UserId>) -> String {
    entry_now(entry, viewer, None)
}

/// The same, with what has become of it if it is a message.
pub(crate) fn entry_now(
    entry: &Entry,
    viewer: Option<&UserId>,
    state: Option<&MessageState>,
) -> String {
    entry_with(entry, viewer, state).end()
}

/// The same, to go on with.
pub(crate) fn entry_with(
    entry: &Entry,
    viewer: Option<&UserId>,
    state: Option<&MessageState>,
) -> Object {
    let conversation = entry.conversation.as_str();
    let to = entry.to.as_ref().map_or("", UserId::as_str);
    let bytes = MESSAGE_FRAME_BYTES
        + 2 * conversation.len()
        + entry.from.as_str().len()
        + to.len()
        + entry.body.weight()
        + entry.envelope.as_ref().map_or(0, |envelope| envelope.weight() + conversation.len())
        + state.map_or(0, around_records::weight);
    let object = Object::sized(bytes).text("id", entry.id().as_str());
    let object = match entry.conversation.group_id() {
        Some(group) => object.text("groupId", group.as_str()),
        None => object,
    };
    let object = object.text("conversationId", conversation).number("seq", entry.seq.0);
    let object = match &entry.body {
        Body::Said(content) => {
            let object = object.text("from", entry.from.as_str());
            let object = if to.is_empty() { object } else { object.text("to", to) };
            let newest = state.and_then(|state| state.edited.as_ref());
            object.raw("content", newest.map_or(&content.0, |(content, _)| &content.0))
        }
        Body::Gone => {
            let object = object.text("from", entry.from.as_str());
            let object = if to.is_empty() { object } else { object.text("to", to) };
            object.flag(around_records::gone(entry), true)
        }
        Body::Acted(act) => around_records::act(object.text("by", entry.from.as_str()), entry, act),
        Body::TimerSet(ms) => {
            let object = object.text("by", entry.from.as_str()).text("kind", "timer");
            around_records::seconds(object, "seconds", *ms)
        }
        Body::Changed(change) => {
            group_records::change(object.text("by", entry.from.as_str()), change)
        }
        Body::App(event) => {
            let object = object.text("by", entry.from.as_str()).text("kind", "app_event");
            object.text("name", event.name.as_str()).raw("data", &event.data.0)
        }
    };
    let object = match &entry.envelope {
        Some(envelope) => {
            let shows = match viewer == Some(&entry.from) {
                true => Shows::Sender,
                false => Shows::Recipient,
            };
            around_records::envelope(object, &entry.conversation, envelope, shows)
        }
        None => object,
    };
    let object = match state {
        Some(state) => around_records::state(object, state),
        None => object,
    };
    let object = object.number_if("expiresAt", entry.expires.map(|at| at.0));
    let object = object.number("ts", entry.ts.0).number("pos", entry.position.0);
    match &entry.client_id {
        Some(client_id) if viewer == Some(&entry.from) && !client_id.is_of_backend() => {
            object.text("clientId", client_id.as_str())
        }
        _ => object,
    }
}

/// A message as the simplest tutorial's sockets hear it.
pub(crate) fn tutorial_message(entry: &Entry) -> String {
    let said = entry.body.said().map_or("null", |content| &content.0);
    Object::new().text("from", entry.from.as_str()).raw("message", said).end()
}

/// The only element of an array, as events and acks carry it.
pub(crate) fn alone(object: &str) -> String {
    let mut out = String::with_capacity(object.len() + 2);
    out.push('[');
    out.push_str(object);
    out.push(']');
    out
}

/// The answer to a send, and whether what was kept is something else than what was sent.
pub(crate) fn sent(appended: &Appended, masked: bool) -> String {
    let object = Object::new()
        .text("status", "sent")
        .text("id", MessageId::new(&appended.conversation, appended.seq).as_str())
        .text("conversationId", appended.conversation.as_str())
        .number("seq", appended.seq.0)
        .number("ts", appended.ts.0)
        .number_if("expiresAt", appended.expires.map(|at| at.0));
    if masked { object.flag("masked", true).end() } else { object.end() }
}

/// The answer to a command that has nothing to tell.
pub(crate) fn ok() -> String {
    ok_with().end()
}

/// The beginning of the answer to a command.
pub(crate) fn ok_with() -> Object {
    Object::new().text("status", "ok")
}

fn refused(object: Object, refusal: &Refusal) -> String {
    let object = object
        .text("code", refusal.name())
        .text("error", &refusal.to_string())
        .number_if("until", refusal.until().map(|until| until.0))
        .number_if("retryAfterMs", refusal.retry_after_ms());
    match refusal {
        Refusal::ContentRefused { rule, .. } => object.text("rule", rule).end(),
        _ => object.end(),
    }
}

/// The answer to a command that is refused.
pub(crate) fn error(refusal: &Refusal) -> String {
    refused(Object::new().text("status", "error"), refusal)
}

/// The `data` of a `connect_error`, and the `closing` event before the server ends a connection.
pub(crate) fn reason(refusal: &Refusal) -> String {
    refused(Object::new(), refusal)
}

/// The `ready` event.
pub(crate) fn ready(session: &Session, user: &UserId, epoch: Epoch, limits: &Limits) -> String {
    let bounds = Object::sized(384)
        .number("contentBytes", limits.content_bytes_max as u64)
        .number("contentDepth", limits.content_depth_max as u64)
        .number("commandsInFlight", limits.commands_in_flight_max as u64)
        .number("historyLimit", limits.history_limit_max as u64)
        .number("conversationsLimit", limits.conversations_limit_max as u64)
        .number("devices", limits.devices_per_user_max as u64)
        .number("clientIdWindowDays", u64::from(limits.client_id_window_days))
        .number("presenceUsers", limits.presence_users_max as u64)
        .number("presenceSubscriptions", limits.presence_subscriptions_max as u64)
        .number("typingExpiresMs", limits.typing_expires_ms)
        .number("receiptsMembers", limits.receipts_members_max)
        .number("openConversations", limits.open_conversations_max as u64)
        .end();
    let object = Object::sized(512).text("userId", user.as_str());
    let device = session.device();
    let object = match device.is_shared() {
        true => object.raw("deviceId", "null"),
        false => object.text("deviceId", device.as_str()),
    };
    let object = match session.recoverable {
        true => object.flag("recovered", matches!(session.start(), Start::Recover(_))),
        false => object,
    };
    object
        .text("epoch", &epoch.0.to_string())
        .raw("limits", &bounds)
        .text("version", PROTOCOL_VERSION)
        .end()
}

/// The `caught_up` event: what the device had not had was pushed, and from now on it is live.
pub(crate) fn caught_up(pushed: usize, at: Cursor) -> String {
    place(Object::new().number("pushed", pushed as u64), at).end()
}

/// The `snapshot` event: the device has to read everything anew.
pub(crate) fn snapshot(reason: Reason, from: Cursor) -> String {
    place(Object::new().text("reason", reason.as_str()), from).end()
}

/// The `position` event: everything up to here was pushed.
pub(crate) fn position(at: Cursor) -> String {
    place(Object::new(), at).end()
}

fn place(object: Object, at: Cursor) -> Object {
    object.text("epoch", &at.epoch.0.to_string()).number("pos", at.position.0)
}

/// The answer to `sync` when a snapshot is due.
pub(crate) fn synced_snapshot(reason: Reason, from: Cursor) -> String {
    place(ok_with().flag("snapshot", true).text("reason", reason.as_str()), from).end()
}

/// The answer to `sync`: what moved.
pub(crate) fn synced(moved: &MovedPage, at: Cursor, viewer: &UserId) -> String {
    place(what_moved(ok_with().flag("snapshot", false), moved, viewer), at).end()
}

/// The `moved` event: what a device that resumes has missed beside messages.
pub(crate) fn moved(moved: &MovedPage, viewer: &UserId) -> String {
    what_moved(Object::new(), moved, viewer).flag("more", moved.more).end()
}

fn what_moved(object: Object, moved: &MovedPage, viewer: &UserId) -> Object {
    let lines = moved.conversations.iter().map(|moved| {
        whose(Object::sized(256), &moved.conversation, viewer)
            .number("head", moved.head.0)
            .number("pos", moved.position.0)
            .number("unread", moved.unread)
            .list("watermarks", moved.watermarks.iter().map(watermarks))
            .end()
    });
    let object = object.list("conversations", lines);
    let object = match &moved.blocks {
        Some(blocks) => object.list("blocked", blocks.users.iter().map(text)),
        None => object,
    };
    own::moved(object, &moved.own)
}

/// The answer to `blocked`.
pub(crate) fn blocks(blocks: &Blocks) -> String {
    ok_with().list("blocked", blocks.users.iter().map(text)).end()
}

/// The `blocked` event: another of the user's devices has blocked somebody, or no longer does.
pub(crate) fn blocked(other: &UserId, blocked: bool) -> String {
    Object::new().text("userId", other.as_str()).flag("blocked", blocked).end()
}

/// A user id as a JSON string.
pub(crate) fn text(user: &UserId) -> String {
    let mut out = String::with_capacity(user.as_str().len() + 2);
    push_text(&mut out, user.as_str());
    out
}

/// The `delivered` and `read` events that tell how far a member is.
pub(crate) fn receipt(conversation: &ConversationId, user: &UserId, seq: Seq) -> String {
    Object::new()
        .text("conversationId", conversation.as_str())
        .text("userId", user.as_str())
        .number("seq", seq.0)
        .text("messageId", MessageId::new(conversation, seq).as_str())
        .end()
}

/// The `typing` event.
pub(crate) fn typing(conversation: &ConversationId, user: &UserId, typing: bool) -> String {
    let object = Object::new().text("conversationId", conversation.as_str());
    let object = match conversation.group_id() {
        Some(group) => object.text("groupId", group.as_str()),
        None => object,
    };
    object.text("userId", user.as_str()).flag("typing", typing).end()
}

/// The answer to `history`.
pub(crate) fn history(page: &HistoryPage, viewer: Option<&UserId>) -> String {
    let (messages, others): (Vec<&Entry>, Vec<&Entry>) =
        page.entries.iter().map(AsRef::as_ref).partition(|entry| entry.body.is_message());
    let line = |entry: &Entry| entry_now(entry, viewer, page.states.get(&entry.seq));
    let object = ok_with().list("messages", messages.into_iter().map(line));
    let object = match others.is_empty() {
        true => object,
        false => object.list("entries", others.into_iter().map(line)),
    };
    let object = object.flag("more", page.more).raw("covers", &covers(page.covers));
    object.number("head", page.head.0).end()
}

fn covers(covers: Option<(Seq, Seq)>) -> String {
    match covers {
        Some((from, to)) => format!("[{from},{to}]"),
        None => "null".to_owned(),
    }
}

/// The answer to `conversations`. The cursor is text: clients hand it back and look no further.
pub(crate) fn conversations(
    page: &ConversationsPage,
    settings: &[OwnRecord],
    viewer: &UserId,
) -> String {
    let lines = page.conversations.iter().map(|line| conversation(line, settings, viewer));
    let object = ok_with().list("conversations", lines);
    match page.next {
        Some(cursor) => object.text("cursor", &cursor.0.0.to_string()).end(),
        None => object.raw("cursor", "null").end(),
    }
}

fn conversation(line: &ConversationSummary, settings: &[OwnRecord], viewer: &UserId) -> String {
    let object = whose(Object::sized(512), &line.conversation, viewer);
    let object = match &line.group {
        Some(group) => {
            group_records::described(object, group.name.as_str(), group.members, group.role)
        }
        None => object,
    };
    let object = match &line.message {
        Some((message, state)) => {
            object.raw("message", &entry_now(message, Some(viewer), Some(state)))
        }
        None => object,
    };
    let object = object
        .number("head", line.head.0)
        .number("unread", line.unread)
        .number_if("mentions", line.group.as_ref().map(|_| line.mentions))
        .number_if("timerSeconds", line.timer_ms.map(|ms| ms / 1_000))
        .raw("last", &entry(&line.last, Some(viewer)))
        .list("watermarks", line.watermarks.iter().map(watermarks));
    match conversation_settings::of_one(settings, &line.conversation) {
        Some(settings) => object.raw("settings", &settings).end(),
        None => object.end(),
    }
}

/// Names a conversation: a direct one by the other member as well, a group's by the group.
fn whose(object: Object, conversation: &ConversationId, viewer: &UserId) -> Object {
    let object = object.text("conversationId", conversation.as_str());
    match (conversation.direct_members(), conversation.group_id()) {
        (Some((low, high)), _) => {
            object.text("with", if low == *viewer { high.as_str() } else { low.as_str() })
        }
        (None, Some(group)) => object.text("groupId", group.as_str()),
        (None, None) => object,
    }
}

fn watermarks(marks: &Watermarks) -> String {
    Object::new()
        .text("userId", marks.user.as_str())
        .number("delivered", marks.delivered.0)
        .number("read", marks.read.0)
        .end()
}

/// The answer to `renew`.
pub(crate) fn renewed(expires: Option<Millis>) -> String {
    match expires {
        Some(expires) => ok_with().number("expiresAt", expires.0).end(),
        None => ok_with().raw("expiresAt", "null").end(),
    }
}

/// The answer to `register`.
pub(crate) fn registered(user: &UserId) -> String {
    ok_with().text("userId", user.as_str()).end()
}

/// One of a user's devices in the answer to `devices`.
pub(crate) struct DeviceLine<'a> {
    pub(crate) device: &'a Device,
    pub(crate) current: bool,
    /// The public socket ids of its sessions, with the time since when they are here.
    pub(crate) sessions: Vec<(SocketId, Millis)>,
}

impl DeviceLine<'_> {
    /// The line as JSON; the device shared by connections that name none has the id `null`.
    pub(crate) fn json(&self) -> String {
        let object = match self.device.device.is_shared() {
            true => Object::new().raw("deviceId", "null"),
            false => Object::new().text("deviceId", self.device.device.as_str()),
        };
        let sessions = self.sessions.iter().map(|(id, since)| {
            Object::new().text("sessionId", id.as_str()).number("connectedAt", since.0).end()
        });
        object
            .number("createdAt", self.device.created.0)
            .number("lastSeenAt", self.device.last_seen.0)
            .flag("current", self.current)
            .list("sessions", sessions)
            .end()
    }
}

#[cfg(test)]
mod tests {
    use parlor_chat::entry::{Content, Position};
    use parlor_chat::ids::{ClientId, DeviceId};
    use parlor_chat::own::OwnMoved;
    use parlor_chat::store::Moved;

    use super::*;

    fn user(text: &str) -> UserId {
        UserId::parse(text).expect("an id in a test")
    }

    fn entry() -> Entry {
        let (from, to) = (user("alice"), user("b:ob"));
        Entry {
            conversation: ConversationId::direct(&from, &to),
            seq: Seq(3),
            position: Position(9),
            epoch: Epoch(1),
            ts: Millis(1_700_000_000_000),
            from,
            to: Some(to),
            client_id: Some(ClientId::parse("k1").expect("an id in a test")),
            envelope: None,
            expires: None,
            body: Body::Said(Content(r#"{ "a": 1.50 }"#.into())),
        }
    }

    #[test]
    fn a_message_keeps_the_bytes_of_its_content_and_hides_the_key_from_others() {
        let text = super::entry(&entry(), Some(&user("b:ob")));
        assert_eq!(
            text,
            r#"{"id":"dm:alice:b%3Aob:3","conversationId":"dm:alice:b%3Aob","seq":3,"from":"alice","to":"b:ob","content":{ "a": 1.50 },"ts":1700000000000,"pos":9}"#
        );
        assert!(super::entry(&entry(), Some(&user("alice"))).ends_with(r#","clientId":"k1"}"#));
    }

    #[test]
    fn a_refusal_is_told_with_its_delay_where_there_is_one() {
        assert_eq!(
            error(&Refusal::RateLimited { retry_after_ms: 40 }),
            r#"{"status":"error","code":"rate_limited","error":"the user, the connection, the group or the API key is faster than allowed","retryAfterMs":40}"#
        );
        assert!(!reason(&Refusal::TokenExpired).contains("retryAfterMs"));
    }

    #[test]
    fn ready_names_the_device_or_says_that_it_is_shared() {
        let limits = Limits::default();
        let session = |device| Session::new(user("a"), device, None, Millis(1));
        let device = DeviceId::parse("phone").expect("an id in a test");
        let named = ready(&session(device), &user("a"), Epoch(u64::MAX), &limits);
        assert!(named.contains(r#""deviceId":"phone","epoch":"18446744073709551615""#), "{named}");
        assert!(!named.contains("recovered"));
        let shared = session(DeviceId::shared()).recoverable();
        let shared = ready(&shared, &user("a"), Epoch(1), &limits);
        assert!(shared.contains(r#""recovered":false"#), "{shared}");
        assert!(shared.contains(r#""deviceId":null"#) && shared.contains(r#""version":"1""#));
    }

    #[test]
    fn everything_is_json() {
        let page = HistoryPage {
            entries: vec![entry().into(), entry().into()],
            more: true,
            covers: Some((Seq(3), Seq(3))),
            head: Seq(3),
            states: Default::default(),
        };
        let line = ConversationSummary {
            conversation: entry().conversation,
            head: Seq(3),
            unread: 1,
            last: entry().into(),
            message: Some((entry().into(), MessageState::default())),
            mentions: 0,
            timer_ms: None,
            group: None,
            watermarks: vec![Watermarks { user: user("alice"), delivered: Seq(1), read: Seq(0) }],
        };
        let list = ConversationsPage { conversations: vec![line], next: None };
        let at = Cursor { epoch: Epoch(1), position: Position(9) };
        let somebody = Blocks { users: vec![user("q\"x")] };
        let page_of_moved = MovedPage {
            conversations: vec![Moved {
                conversation: entry().conversation,
                head: Seq(3),
                position: Position(9),
                unread: 0,
                watermarks: Vec::new(),
            }],
            more: false,
            blocks: Some(somebody.clone()),
            own: OwnMoved::default(),
            as_of: Position(9),
        };
        for text in [
            history(&page, Some(&user("alice"))),
            conversations(&list, &[], &user("alice")),
            typing(&entry().conversation, &user("q\"x"), true),
            receipt(&entry().conversation, &user("alice"), Seq(2)),
            tutorial_message(&entry()),
            caught_up(3, at),
            snapshot(Reason::TooFar, at),
            position(at),
            synced_snapshot(Reason::Epoch, at),
            synced(&page_of_moved, at, &user("alice")),
            moved(&page_of_moved, &user("alice")),
            blocks(&somebody),
            blocked(&user("q\"x"), true),
            renewed(None),
        ] {
            serde_json::from_str::<serde_json::Value>(&text).expect(&text);
        }
    }
}
