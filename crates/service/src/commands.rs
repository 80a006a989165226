//! Payload to command: each event's fields, checked and turned into the domain's types.
//!
//! Pure functions from a payload (the event's first argument) to a value or a [`Refusal`] that
//! names the field. Nothing here knows who asks; that is the handlers' business.

use std::sync::Arc;

use parlor_chat::entry::{Content, Epoch, Millis, Position};
use parlor_chat::ids::{ClientId, ConversationId, DeviceId, GroupId, MessageId, Seq, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::refusal::Refusal;
use parlor_chat::resume::Cursor;
use parlor_chat::store::{ConversationsCursor, HistoryRange, Recipient};
use serde_json::value::RawValue;

use crate::around_commands::{self, Outside};
use crate::content::{self, ContentError};
use crate::fields::{Fields, required};

/// An event's first argument, if it has one.
pub(crate) type Payload<'a> = Option<&'a RawValue>;

/// A message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Send {
    pub(crate) to: Recipient,
    pub(crate) client_id: Option<ClientId>,
    pub(crate) content: Content,
    /// Whether the sending socket hears it too.
    pub(crate) echo: bool,
    /// What is to be written on its outside.
    pub(crate) outside: Outside,
    /// When it is to be said, if not now.
    pub(crate) send_at: Option<Millis>,
}

/// Reads `{toUserId, content, clientId?, replyTo?, thread?, forwardOf?, sendAt?}`.
pub(crate) fn send(payload: Payload<'_>, limits: &Limits) -> Result<Send, Refusal> {
    let fields = Fields::parse(
        payload,
        ["toUserId", "content", "clientId", "replyTo", "thread", "forwardOf", "sendAt"],
    )?;
    let to = required("toUserId", fields.id("toUserId", UserId::parse)?)?;
    let client_id = fields.id("clientId", ClientId::parse)?;
    let content = checked("content", required("content", fields.raw("content"))?, limits)?;
    let outside = around_commands::outside(&fields)?;
    let send_at = fields.number("sendAt", 0)?.map(Millis);
    Ok(Send { to: Recipient::User(to), client_id, content, echo: false, outside, send_at })
}

/// Reads `group_message`'s `{groupId, content, clientId?, echo?, replyTo?, thread?, forwardOf?, mentions?, sendAt?}`.
pub(crate) fn group_send(payload: Payload<'_>, limits: &Limits) -> Result<Send, Refusal> {
    let [reply, thread, forward] = ["replyTo", "thread", "forwardOf"];
    let names =
        ["groupId", "content", "clientId", "echo", reply, thread, forward, "mentions", "sendAt"];
    let fields = Fields::parse(payload, names)?;
    let to = Recipient::Group(required("groupId", fields.id("groupId", GroupId::parse)?)?);
    let client_id = fields.id("clientId", ClientId::parse)?;
    let content = checked("content", required("content", fields.raw("content"))?, limits)?;
    let echo = fields.flag("echo")?.unwrap_or(false);
    let outside = around_commands::outside(&fields)?;
    let outside = around_commands::mentions(outside, &fields, limits)?;
    let send_at = fields.number("sendAt", 0)?.map(Millis);
    Ok(Send { to, client_id, content, echo, outside, send_at })
}

/// Reads a message that was kept as one or the other was sent.
pub(crate) fn any_send(payload: Payload<'_>, limits: &Limits) -> Result<Send, Refusal> {
    match Fields::parse(payload, ["groupId"])?.raw("groupId") {
        Some(_) => group_send(payload, limits),
        None => send(payload, limits),
    }
}

/// Reads the simplest tutorial's `{to, message}`.
pub(crate) fn tutorial_send(payload: Payload<'_>, limits: &Limits) -> Result<Send, Refusal> {
    let fields = Fields::parse(payload, ["to", "message"])?;
    let to = required("to", fields.id("to", UserId::parse)?)?;
    let content = checked("message", required("message", fields.raw("message"))?, limits)?;
    let (outside, send_at) = (Outside::default(), None);
    Ok(Send { to: Recipient::User(to), client_id: None, content, echo: false, outside, send_at })
}

/// The content of a field, if it may be kept as it is.
pub(crate) fn checked(
    name: &'static str,
    raw: &RawValue,
    limits: &Limits,
) -> Result<Content, Refusal> {
    let (text, bytes_max) = (raw.get(), limits.content_bytes_max);
    let rule = match content::check(text, bytes_max, limits.content_depth_max) {
        Ok(()) => return Ok(Content(Arc::from(text))),
        Err(ContentError::TooLarge { limit, .. }) => return Err(Refusal::TooLarge { limit }),
        Err(ContentError::TooDeep { limit }) => format!("must be nested at most {limit} deep"),
        Err(ContentError::ControlCharacter { .. }) => {
            "must be without control characters other than \\n, \\r and \\t".to_owned()
        }
        Err(ContentError::LoneSurrogate { .. }) => "must be without lone surrogates".to_owned(),
        Err(ContentError::Malformed { .. }) => "must be JSON".to_owned(),
    };
    Err(Refusal::invalid(name, rule))
}

/// `delivered` and `read`: up to where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UpTo {
    pub(crate) conversation: ConversationId,
    pub(crate) seq: Seq,
    /// Of which life of the log, if the client says so.
    pub(crate) epoch: Option<Epoch>,
}

/// Reads `{messageId}` or `{conversationId, seq}`, either with an `epoch`.
pub(crate) fn up_to(payload: Payload<'_>) -> Result<UpTo, Refusal> {
    let fields = Fields::parse(payload, ["messageId", "conversationId", "seq", "epoch"])?;
    let epoch = fields.text("epoch")?.as_deref().map(epoch).transpose()?;
    if let Some((conversation, seq)) = fields.id("messageId", MessageId::parse)? {
        return Ok(UpTo { conversation, seq, epoch });
    }
    let missing = || Refusal::invalid("messageId", "or conversationId and seq are required");
    let conversation = fields.id("conversationId", ConversationId::parse)?.ok_or_else(missing)?;
    let seq = Seq(required("seq", fields.number("seq", 1)?)?);
    Ok(UpTo { conversation, seq, epoch })
}

/// `typing`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Typing {
    pub(crate) to: Recipient,
    pub(crate) typing: bool,
}

/// Reads `{toUserId or groupId, typing?}`; without `typing` it is true.
pub(crate) fn typing(payload: Payload<'_>) -> Result<Typing, Refusal> {
    let fields = Fields::parse(payload, ["toUserId", "groupId", "typing"])?;
    let to = match fields.id("groupId", GroupId::parse)? {
        Some(group) => Recipient::Group(group),
        None => Recipient::User(required("toUserId", fields.id("toUserId", UserId::parse)?)?),
    };
    Ok(Typing { to, typing: fields.flag("typing")?.unwrap_or(true) })
}

/// `history`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) conversation: ConversationId,
    pub(crate) range: HistoryRange,
    pub(crate) limit: usize,
}

/// Reads `{conversationId, before?, after?, at?, limit?}`.
pub(crate) fn history(payload: Payload<'_>, limits: &Limits) -> Result<History, Refusal> {
    let fields = Fields::parse(payload, ["conversationId", "before", "after", "at", "limit"])?;
    let conversation = fields.id("conversationId", ConversationId::parse)?;
    let conversation = required("conversationId", conversation)?;
    let range = range(&fields)?;
    let limit = limit(&fields, limits.history_limit_default, limits.history_limit_max)?;
    Ok(History { conversation, range, limit })
}

/// Reads `{before?, after?}` or `{at}`.
pub(crate) fn range<const N: usize>(fields: &Fields<'_, N>) -> Result<HistoryRange, Refusal> {
    match (fields.number("before", 1)?, fields.number("after", 0)?, fields.number("at", 0)?) {
        (None, None, Some(at)) => Ok(HistoryRange::At(Millis(at))),
        (_, _, Some(_)) => Err(Refusal::invalid("at", "must be without before and after")),
        (before, None, None) => Ok(HistoryRange::Before(before.map(Seq))),
        (before, Some(after), None) => Ok(HistoryRange::After(Seq(after), before.map(Seq))),
    }
}

/// `conversations`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Conversations {
    pub(crate) cursor: Option<ConversationsCursor>,
    pub(crate) limit: usize,
}

/// Reads `{cursor?, limit?}`.
pub(crate) fn conversations(
    payload: Payload<'_>,
    limits: &Limits,
) -> Result<Conversations, Refusal> {
    let fields = Fields::parse(payload, ["cursor", "limit"])?;
    let cursor = match fields.text("cursor")? {
        None => None,
        Some(text) => Some(
            text.parse()
                .map(|position| ConversationsCursor(Position(position)))
                .map_err(|_| Refusal::invalid("cursor", "must be one that the server gave"))?,
        ),
    };
    let limit = limit(&fields, limits.conversations_limit_default, limits.conversations_limit_max)?;
    Ok(Conversations { cursor, limit })
}

/// How many lines a page is to have.
pub(crate) fn limit<const N: usize>(
    fields: &Fields<'_, N>,
    default: usize,
    max: usize,
) -> Result<usize, Refusal> {
    match fields.number("limit", 1)? {
        None => Ok(default),
        Some(limit) => match usize::try_from(limit) {
            Ok(limit) if limit <= max => Ok(limit),
            _ => Err(Refusal::invalid("limit", format!("must be at most {max}"))),
        },
    }
}

/// Reads `device_revoke`'s `{deviceId}`.
pub(crate) fn device(payload: Payload<'_>) -> Result<DeviceId, Refusal> {
    let fields = Fields::parse(payload, ["deviceId"])?;
    required("deviceId", fields.id("deviceId", DeviceId::parse)?)
}

/// Reads `renew`'s `{token}`.
pub(crate) fn token(payload: Payload<'_>) -> Result<String, Refusal> {
    let fields = Fields::parse(payload, ["token"])?;
    required("token", fields.text("token")?)
}

/// `block` and `unblock`: whom.
pub(crate) fn other_user(payload: Payload<'_>) -> Result<UserId, Refusal> {
    let fields = Fields::parse(payload, ["userId"])?;
    required("userId", fields.id("userId", UserId::parse)?)
}

/// Reads `sync`'s `{epoch, pos}`, which is also what `auth.resume` is.
pub(crate) fn cursor(payload: Payload<'_>) -> Result<Cursor, Refusal> {
    let fields = Fields::parse(payload, ["epoch", "pos"])?;
    let epoch = epoch(&required("epoch", fields.text("epoch")?)?)?;
    let position = required("pos", fields.number("pos", 0)?)?;
    Ok(Cursor { epoch, position: Position(position) })
}

fn epoch(text: &str) -> Result<Epoch, Refusal> {
    let wrong = |_| Refusal::invalid("epoch", "must be one that the server gave, as text");
    text.parse().map(Epoch).map_err(wrong)
}

/// What a client says of itself when it connects.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) token: Option<String>,
    pub(crate) device: Option<DeviceId>,
    /// How far it is, if it says so.
    pub(crate) resume: Option<Cursor>,
    /// That it wants to be recoverable, if it does.
    pub(crate) recovery: Option<Recovery>,
}

/// What a stock client adds when it was recoverable before; of no meaning until it is checked.
#[derive(Debug, PartialEq, Eq, Default)]
pub(crate) struct Recovery {
    pub(crate) pid: Option<String>,
    pub(crate) offset: Option<String>,
}

/// Reads the handshake's `{token?, deviceId?, resume?, recovery?, pid?, offset?}`.
pub(crate) fn hello(auth: Payload<'_>) -> Result<Hello, Refusal> {
    let names = ["token", "deviceId", "resume", "recovery", "pid", "offset"];
    let fields = Fields::parse(auth, names)?;
    let device = fields.id("deviceId", DeviceId::parse)?;
    let resume = fields.raw("resume").filter(|raw| raw.get() != "null");
    let resume = resume.map(|raw| cursor(Some(raw))).transpose().map_err(within("resume"))?;
    let recovery = match fields.flag("recovery")? {
        Some(true) => Some(Recovery { pid: fields.text("pid")?, offset: fields.text("offset")? }),
        Some(false) | None => None,
    };
    Ok(Hello { token: fields.text("token")?, device, resume, recovery })
}

/// Names the field that holds the one which is refused.
pub(crate) fn within(name: &'static str) -> impl Fn(Refusal) -> Refusal {
    move |refusal| match refusal {
        Refusal::InvalidArgument { field, reason } if field == "payload" => {
            Refusal::invalid(name, reason)
        }
        Refusal::InvalidArgument { field, reason } => {
            Refusal::invalid(format!("{name}.{field}"), reason)
        }
        other => other,
    }
}

/// Reads `register`'s payload: a user id, or an object with one in `userId`.
pub(crate) fn register(payload: Payload<'_>) -> Result<UserId, Refusal> {
    let invalid = |error: parlor_chat::ids::InvalidId| {
        Refusal::invalid("userId", format!("must be {}", error.rule))
    };
    match payload.and_then(crate::fields::text_of) {
        Some(text) => UserId::parse(&text).map_err(invalid),
        None => {
            let fields = Fields::parse(payload, ["userId"])?;
            required("userId", fields.id("userId", UserId::parse)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw(json: &str) -> Payload<'_> {
        Some(serde_json::from_str(json).expect("valid JSON in a test"))
    }

    fn said<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
        let refusal = result.expect_err("refused");
        format!("{}: {refusal}", refusal.name())
    }

    #[test]
    fn a_send_keeps_the_bytes_of_its_content() {
        let limits = Limits::default();
        let parsed =
            send(raw(r#"{"toUserId":"b","content":{ "x": 1.0 },"clientId":"k"}"#), &limits);
        let parsed = parsed.expect("fits");
        assert_eq!(&*parsed.content.0, r#"{ "x": 1.0 }"#);
        assert_eq!(parsed.client_id.expect("given").as_str(), "k");
        assert!(send(raw(r#"{"toUserId":"b","content":null}"#), &limits).is_ok());
    }

    #[test]
    fn a_send_names_what_is_wrong() {
        let limits = Limits { content_bytes_max: 10, ..Limits::default() };
        for (json, expected) in [
            (r#"{}"#, "invalid_argument: toUserId is required"),
            (r#"{"toUserId":"b"}"#, "invalid_argument: content is required"),
            (
                r#"{"toUserId":"","content":1}"#,
                "invalid_argument: toUserId must be 1 to 128 bytes without control characters",
            ),
            (
                r#"{"toUserId":"b","content":1,"clientId":"é"}"#,
                "invalid_argument: clientId must be 1 to 64 printable ASCII characters",
            ),
            (
                r#"{"toUserId":"b","content":"123456789"}"#,
                "too_large: the content is larger than 10 bytes",
            ),
            (
                r#"{"toUserId":"b","content":"\u0000"}"#,
                "invalid_argument: content must be without control characters other than \\n, \\r and \\t",
            ),
            (
                r#"{"toUserId":"b","content":"\ud800"}"#,
                "invalid_argument: content must be without lone surrogates",
            ),
            (r#""x""#, "invalid_argument: payload must be an object"),
        ] {
            assert_eq!(said(send(raw(json), &limits)), expected, "{json}");
        }
    }

    #[test]
    fn receipts_take_a_message_or_a_place() {
        let by_id = up_to(raw(r#"{"messageId":"dm:a:b:7"}"#)).expect("fits");
        let by_place = up_to(raw(r#"{"conversationId":"dm:a:b","seq":7}"#)).expect("fits");
        assert_eq!(by_id, by_place);
        assert_eq!(
            said(up_to(None)),
            "invalid_argument: messageId or conversationId and seq are required"
        );
        let named = up_to(raw(r#"{"messageId":"dm:a:b:7","epoch":"9"}"#)).expect("fits");
        assert_eq!(named, UpTo { epoch: Some(Epoch(9)), ..by_id });
        assert!(
            said(up_to(raw(r#"{"messageId":"dm:a:b:7","epoch":"x"}"#))).contains("epoch must be")
        );
        assert!(said(up_to(raw(r#"{"messageId":"dm:a:b:0"}"#))).contains("messageId must be"));
        assert!(
            said(up_to(raw(r#"{"conversationId":"dm:b:a","seq":1}"#)))
                .contains("conversationId must be")
        );
        assert!(said(up_to(raw(r#"{"conversationId":"dm:a:b","seq":0}"#))).contains("seq must be"));
    }

    #[test]
    fn history_reads_from_one_end_within_its_limit() {
        let limits = Limits::default();
        let read = |json| history(raw(json), &limits);
        let newest = read(r#"{"conversationId":"dm:a:b"}"#).expect("fits");
        assert_eq!((newest.range, newest.limit), (HistoryRange::Before(None), 50));
        let oldest = read(r#"{"conversationId":"dm:a:b","after":0,"limit":200}"#).expect("fits");
        assert_eq!((oldest.range, oldest.limit), (HistoryRange::After(Seq(0), None), 200));
        assert!(
            said(read(r#"{"conversationId":"dm:a:b","limit":201}"#))
                .contains("limit must be at most 200")
        );
        assert!(said(read(r#"{"conversationId":"dm:a:b","limit":0}"#)).contains("limit must be"));
        let gap = read(r#"{"conversationId":"dm:a:b","before":9,"after":4}"#).expect("fits");
        assert_eq!(gap.range, HistoryRange::After(Seq(4), Some(Seq(9))));
        let since = read(r#"{"conversationId":"dm:a:b","at":0}"#).expect("fits");
        assert_eq!(since.range, HistoryRange::At(Millis(0)));
        assert!(
            said(read(r#"{"conversationId":"dm:a:b","at":9,"before":4}"#)).contains("at must be")
        );
    }

    #[test]
    fn a_cursor_is_one_that_was_given() {
        let limits = Limits::default();
        let page = conversations(raw(r#"{"cursor":"12"}"#), &limits).expect("fits");
        assert_eq!(page.cursor, Some(ConversationsCursor(Position(12))));
        assert!(said(conversations(raw(r#"{"cursor":"x"}"#), &limits)).contains("cursor"));
    }

    #[test]
    fn a_position_has_its_epoch_as_text() {
        let read = |json| cursor(raw(json));
        let expected = Cursor { epoch: Epoch(u64::MAX), position: Position(7) };
        assert_eq!(read(r#"{"epoch":"18446744073709551615","pos":7}"#), Ok(expected));
        assert!(said(read(r#"{"pos":7}"#)).contains("epoch is required"));
        assert!(said(read(r#"{"epoch":"x","pos":7}"#)).contains("epoch must be"));
        assert!(said(read(r#"{"epoch":"1"}"#)).contains("pos is required"));
        assert!(said(read(r#"{"epoch":"1","pos":-1}"#)).contains("pos must be"));
    }

    #[test]
    fn a_handshake_names_what_is_wrong_with_its_position() {
        assert_eq!(hello(raw(r#"{"resume":null}"#)).expect("fits").resume, None);
        assert!(hello(raw(r#"{"resume":{"epoch":"1","pos":0}}"#)).expect("fits").resume.is_some());
        assert!(said(hello(raw(r#"{"resume":{"epoch":"1"}}"#))).contains("resume.pos is required"));
        assert!(said(hello(raw(r#"{"resume":7}"#))).contains("resume must be"));
    }

    #[test]
    fn pid_and_offset_are_looked_at_only_if_recovery_is_asked_for() {
        let read = |json| hello(raw(json)).expect("fits").recovery;
        assert_eq!(read(r#"{"pid":"p","offset":7}"#), None);
        assert_eq!(read(r#"{"recovery":false,"pid":"p"}"#), None);
        assert_eq!(read(r#"{"recovery":true}"#), Some(Recovery::default()));
        let both = Recovery { pid: Some("p".into()), offset: Some("o".into()) };
        assert_eq!(read(r#"{"recovery":true,"pid":"p","offset":"o"}"#), Some(both));
        assert!(said(hello(raw(r#"{"recovery":1}"#))).contains("recovery must be"));
    }

    #[test]
    fn register_takes_a_name_or_an_object() {
        assert_eq!(register(raw(r#""alice""#)), register(raw(r#"{"userId":"alice"}"#)));
        assert!(said(register(raw("5"))).contains("payload"));
        assert!(said(register(raw(r#""""#))).contains("userId"));
    }

    proptest! {
        #[test]
        fn any_payload_gets_an_answer(json in r#"\{("(toUserId|content|clientId|messageId|conversationId|seq|before|after|limit|cursor|token|deviceId|to|message|typing|userId|epoch|pos|resume|recovery|pid|offset)":("[^"\\\x00-\x1f]{0,9}"|"dm:[a-c%:]{1,6}"|-?[0-9]{1,20}|true|null|\[[0-9]?\]),?){0,3}\}|"[a-z]{0,3}"|[0-9]|null"#) {
            let Ok(payload) = serde_json::from_str::<&RawValue>(&json) else { return Ok(()) };
            let (payload, limits) = (Some(payload), Limits::default());
            let _ = (send(payload, &limits), tutorial_send(payload, &limits), up_to(payload));
            let _ = (typing(payload), history(payload, &limits), conversations(payload, &limits));
            let _ = (device(payload), token(payload), hello(payload), register(payload));
            let _ = (cursor(payload), other_user(payload));
        }
    }
}
