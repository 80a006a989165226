//! Payload to command, for reports and moderators: pure, as in [`crate::commands`].

use std::sync::Arc;

use parlor_chat::entry::Millis;
use parlor_chat::ids::{ClientId, ConversationId, MessageId, Seq, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::moderation::{Cause, Deed, NoticeId, ReportId, ReportState, Target};
use parlor_chat::refusal::Refusal;

use crate::commands::{Payload, limit};
use crate::fields::{Fields, required};

/// Longest reason of a report, in bytes: it is a word, not a text.
const REASON_BYTES_MAX: usize = 64;

/// Reports, or entries of the audit log, of a command that names no limit.
const PAGE_DEFAULT: usize = 50;

/// `report`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AskedReport {
    pub(super) target: Target,
    pub(super) reason: Arc<str>,
    pub(super) comment: Option<Arc<str>>,
    pub(super) client_id: Option<ClientId>,
}

/// Reads `{messageId | userId, reason, comment?, clientId?}`.
pub(super) fn report(payload: Payload<'_>, limits: &Limits) -> Result<AskedReport, Refusal> {
    let names = ["messageId", "userId", "reason", "comment", "clientId"];
    let fields = Fields::parse(payload, names)?;
    let message = fields.id("messageId", MessageId::parse)?;
    let target = match (message, fields.id("userId", UserId::parse)?) {
        (Some((conversation, seq)), None) => Target::Message(conversation, seq),
        (None, Some(user)) => Target::User(user),
        (None, None) => return Err(Refusal::invalid("messageId", "or userId is required")),
        (Some(_), Some(_)) => {
            return Err(Refusal::invalid("messageId", "or userId must be given, not both"));
        }
    };
    Ok(AskedReport {
        target,
        reason: required("reason", text(&fields, "reason", REASON_BYTES_MAX)?)?,
        comment: text(&fields, "comment", limits.moderation_text_bytes_max)?,
        client_id: fields.id("clientId", ClientId::parse)?,
    })
}

/// A text for people, from 1 byte to so many.
fn text<const N: usize>(
    fields: &Fields<'_, N>,
    name: &'static str,
    bytes_max: usize,
) -> Result<Option<Arc<str>>, Refusal> {
    let Some(text) = fields.text(name)? else { return Ok(None) };
    let bad = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.is_empty() || text.len() > bytes_max || text.contains(bad) {
        let rule = format!("must be 1 to {bytes_max} bytes without control characters");
        return Err(Refusal::invalid(name, rule));
    }
    Ok(Some(text.into()))
}

/// `reports` and `audit`: a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page<C> {
    pub(super) state: Option<ReportState>,
    pub(super) cursor: Option<C>,
    pub(super) limit: usize,
}

/// Reads `{state?, cursor?, limit?}`.
pub(super) fn reports(payload: Payload<'_>, limits: &Limits) -> Result<Page<ReportId>, Refusal> {
    let fields = Fields::parse(payload, ["state", "cursor", "limit"])?;
    let state = match fields.text("state")? {
        None => None,
        Some(word) => Some(ReportState::of(&word).ok_or_else(|| {
            Refusal::invalid("state", "must be open, taken, resolved or dismissed")
        })?),
    };
    let cursor = fields.id("cursor", ReportId::parse)?;
    Ok(Page { state, cursor, limit: page_limit(&fields, limits)? })
}

/// Reads `{cursor?, limit?}`.
pub(super) fn audit(payload: Payload<'_>, limits: &Limits) -> Result<Page<u64>, Refusal> {
    let fields = Fields::parse(payload, ["cursor", "limit"])?;
    let cursor = fields.id("cursor", ReportId::parse)?.map(|cursor| cursor.0);
    Ok(Page { state: None, cursor, limit: page_limit(&fields, limits)? })
}

fn page_limit<const N: usize>(fields: &Fields<'_, N>, limits: &Limits) -> Result<usize, Refusal> {
    let max = limits.moderation_page_max;
    limit(fields, PAGE_DEFAULT.min(max), max)
}

/// Reads `report_take`'s `{reportId}`.
pub(super) fn report_id(payload: Payload<'_>) -> Result<ReportId, Refusal> {
    let fields = Fields::parse(payload, ["reportId"])?;
    required("reportId", fields.id("reportId", ReportId::parse)?)
}

/// Reads `notice_confirm`'s `{noticeId}`.
pub(super) fn notice_id(payload: Payload<'_>) -> Result<NoticeId, Refusal> {
    let fields = Fields::parse(payload, ["noticeId"])?;
    required("noticeId", fields.id("noticeId", NoticeId::parse)?)
}

/// A message that is to be removed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Removal {
    pub(super) conversation: ConversationId,
    pub(super) seq: Seq,
    pub(super) note: Option<Arc<str>>,
}

/// Reads `message_remove`'s `{messageId, note?}`.
pub(super) fn removal(payload: Payload<'_>, limits: &Limits) -> Result<Removal, Refusal> {
    let fields = Fields::parse(payload, ["messageId", "note"])?;
    let (conversation, seq) = required("messageId", fields.id("messageId", MessageId::parse)?)?;
    let note = text(&fields, "note", limits.moderation_text_bytes_max)?;
    Ok(Removal { conversation, seq, note })
}

/// What a moderator wants done.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) cause: Cause,
    pub(super) deed: Deed,
    pub(super) note: Option<Arc<str>>,
    pub(super) client_id: Option<ClientId>,
}

/// Reads `{reportId, action, text?, reason?, until?, note?}`: `text` goes with `warn`, `reason` and
/// `until` with `suspend`.
pub(super) fn resolve(
    payload: Payload<'_>,
    limits: &Limits,
    now: Millis,
) -> Result<Asked, Refusal> {
    let names = ["reportId", "action", "text", "reason", "until", "note"];
    let fields = Fields::parse(payload, names)?;
    let report = required("reportId", fields.id("reportId", ReportId::parse)?)?;
    let action = required("action", fields.text("action")?)?;
    let deed = match action.as_str() {
        "dismiss" => Deed::Dismiss,
        "resolve" => Deed::Resolve,
        "warn" => warning(&fields, limits)?,
        "suspend" => suspension(&fields, limits, now)?,
        _ => {
            return Err(Refusal::invalid("action", "must be dismiss, resolve, warn or suspend"));
        }
    };
    let note = text(&fields, "note", limits.moderation_text_bytes_max)?;
    Ok(Asked { cause: Cause::Report(report), deed, note, client_id: None })
}

fn warning<const N: usize>(fields: &Fields<'_, N>, limits: &Limits) -> Result<Deed, Refusal> {
    let said = text(fields, "text", limits.moderation_text_bytes_max)?;
    Ok(Deed::Warn { text: required("text", said)? })
}

fn suspension<const N: usize>(
    fields: &Fields<'_, N>,
    limits: &Limits,
    now: Millis,
) -> Result<Deed, Refusal> {
    let reason = text(fields, "reason", limits.moderation_text_bytes_max)?;
    let until = fields.number("until", 0)?.map(Millis);
    if until.is_some_and(|until| until <= now) {
        return Err(Refusal::invalid("until", "must be in the future"));
    }
    Ok(Deed::Suspend { until, reason: required("reason", reason)? })
}

/// Reads `{userId, text, note?, clientId?}`.
pub(super) fn warn(payload: Payload<'_>, limits: &Limits) -> Result<Asked, Refusal> {
    let fields = Fields::parse(payload, ["userId", "text", "note", "clientId"])?;
    let cause = of_user(&fields)?;
    let deed = warning(&fields, limits)?;
    let note = text(&fields, "note", limits.moderation_text_bytes_max)?;
    Ok(Asked { cause, deed, note, client_id: fields.id("clientId", ClientId::parse)? })
}

/// Reads `{userId, reason, until?, note?}`.
pub(super) fn suspend(
    payload: Payload<'_>,
    limits: &Limits,
    now: Millis,
) -> Result<Asked, Refusal> {
    let fields = Fields::parse(payload, ["userId", "reason", "until", "note"])?;
    let cause = of_user(&fields)?;
    let deed = suspension(&fields, limits, now)?;
    let note = text(&fields, "note", limits.moderation_text_bytes_max)?;
    Ok(Asked { cause, deed, note, client_id: None })
}

/// Reads `{userId, note?}`.
pub(super) fn unsuspend(payload: Payload<'_>, limits: &Limits) -> Result<Asked, Refusal> {
    let fields = Fields::parse(payload, ["userId", "note"])?;
    let cause = of_user(&fields)?;
    let note = text(&fields, "note", limits.moderation_text_bytes_max)?;
    Ok(Asked { cause, deed: Deed::Unsuspend, note, client_id: None })
}

fn of_user<const N: usize>(fields: &Fields<'_, N>) -> Result<Cause, Refusal> {
    Ok(Cause::User(required("userId", fields.id("userId", UserId::parse)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Payload<'_> {
        Some(serde_json::from_str(json).expect("valid JSON in a test"))
    }

    fn said<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
        result.expect_err("refused").to_string()
    }

    #[test]
    fn a_report_is_of_a_message_or_of_a_user() {
        let limits = Limits { moderation_text_bytes_max: 5, ..Limits::default() };
        let read = |json: &str| report(raw(json), &limits);
        let of_message = read(r#"{"messageId":"dm:a:b:2","reason":"spam","comment":"again"}"#);
        assert!(matches!(of_message.expect("fits").target, Target::Message(_, seq) if seq.0 == 2));
        assert!(read(r#"{"userId":"a","reason":"spam"}"#).is_ok());
        for (json, expected) in [
            (r#"{"reason":"x"}"#, "messageId or userId is required"),
            (r#"{"messageId":"dm:a:b:2","userId":"a","reason":"x"}"#, "not both"),
            (r#"{"messageId":"x","reason":"x"}"#, "messageId must be"),
            (r#"{"userId":"a"}"#, "reason is required"),
            (r#"{"userId":"a","reason":""}"#, "reason must be 1 to 64 bytes"),
            (r#"{"userId":"a","reason":"\u0007"}"#, "reason must be 1 to 64 bytes"),
            (r#"{"userId":"a","reason":"x","comment":"123456"}"#, "comment must be 1 to 5 bytes"),
            (r#"{"userId":"a","reason":"x","clientId":"é"}"#, "clientId must be"),
        ] {
            assert!(said(read(json)).contains(expected), "{json}: {}", said(read(json)));
        }
        for (length, fits) in [(64, true), (65, false)] {
            let json = format!(r#"{{"userId":"a","reason":"{}"}}"#, "r".repeat(length));
            assert_eq!(read(&json).is_ok(), fits, "{length}");
        }
    }

    #[test]
    fn an_action_names_what_goes_with_it() {
        let limits = Limits::default();
        let read = |json| resolve(raw(json), &limits, Millis(10));
        let suspend = read(r#"{"reportId":"3","action":"suspend","reason":"spam","until":11}"#);
        let reason = "spam".into();
        assert_eq!(suspend.expect("fits").deed, Deed::Suspend { until: Some(Millis(11)), reason });
        for (json, expected) in [
            (r#"{"action":"dismiss"}"#, "reportId is required"),
            (r#"{"reportId":"x","action":"dismiss"}"#, "reportId must be one that the server gave"),
            (r#"{"reportId":"3"}"#, "action is required"),
            (r#"{"reportId":"3","action":"delete"}"#, "action must be dismiss"),
            (r#"{"reportId":"3","action":"warn"}"#, "text is required"),
            (r#"{"reportId":"3","action":"suspend"}"#, "reason is required"),
            (
                r#"{"reportId":"3","action":"suspend","reason":"x","until":10}"#,
                "until must be in the future",
            ),
        ] {
            assert!(said(read(json)).contains(expected), "{json}: {}", said(read(json)));
        }
    }

    #[test]
    fn pages_are_bounded_and_name_a_known_state() {
        let limits = Limits { moderation_page_max: 10, ..Limits::default() };
        let read = |json| reports(raw(json), &limits);
        let page = read(r#"{"state":"taken","cursor":"7","limit":10}"#).expect("fits");
        let state = Some(ReportState::Taken);
        assert_eq!(page, Page { state, cursor: Some(ReportId(7)), limit: 10 });
        assert_eq!(read("{}").expect("fits").limit, 10);
        assert!(said(read(r#"{"limit":11}"#)).contains("limit must be at most 10"));
        assert!(said(read(r#"{"state":"new"}"#)).contains("state must be"));
        assert!(said(read(r#"{"cursor":"x"}"#)).contains("cursor must be"));
        assert!(said(audit(raw(r#"{"cursor":"-1"}"#), &limits)).contains("cursor must be"));
    }
}
