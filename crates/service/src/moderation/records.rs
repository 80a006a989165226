//! What users and moderators see of reports, notices and the audit log, as JSON text.

use std::fmt::Write as _;

use parlor_chat::ids::MessageId;
use parlor_chat::moderation::{
    AuditPage, Audited, DeedKind, Filed, Notice, Report, Reporter, ReportsPage, Target,
};

use crate::json::Object;
use crate::records::ok_with;

/// The answer to `report`.
pub(super) fn filed(filed: &Filed) -> String {
    let id = filed.report.id.0.to_string();
    ok_with().text("reportId", &id).text("state", filed.report.state.name()).end()
}

/// A report as moderators see it, in answers and as the `report` event.
pub(super) fn report(report: &Report) -> String {
    let object = Object::sized(512)
        .text("reportId", &report.id.0.to_string())
        .text("state", report.state.name())
        .number("at", report.at.0)
        .text("accused", report.accused.as_str());
    let object = match &report.by {
        Reporter::User(user) => object.text("by", user.as_str()).text("reason", &report.reason),
        Reporter::Rule(rule) => object.raw("by", "null").text("rule", rule),
    };
    let object = match &report.target {
        Target::User(_) => object,
        Target::Message(conversation, seq) => object
            .text("messageId", MessageId::new(conversation, *seq).as_str())
            .text("conversationId", conversation.as_str())
            .number("seq", seq.0),
    };
    let object = match &report.content {
        Some(content) => object.raw("content", &content.0),
        None => object,
    };
    let object = text_if(object, "comment", report.comment.as_deref());
    let moderator = report.moderator.as_ref().map(|user| user.as_str());
    let object = text_if(object, "moderator", moderator);
    let object = object.number_if("movedAt", report.moved.map(|at| at.0));
    let object = text_if(object, "outcome", report.outcome.map(|kind| kind.name()));
    text_if(object, "note", report.note.as_deref()).end()
}

fn text_if(object: Object, name: &str, text: Option<&str>) -> Object {
    match text {
        Some(text) => object.text(name, text),
        None => object,
    }
}

/// The answer to `reports`.
pub(super) fn reports(page: &ReportsPage) -> String {
    let object = ok_with().list("reports", page.reports.iter().map(|it| report(it)));
    match page.next {
        Some(next) => object.text("cursor", &next.0.to_string()).end(),
        None => object.raw("cursor", "null").end(),
    }
}

/// The answer to `report_take`.
pub(super) fn taken(taken: &Report) -> String {
    ok_with().raw("report", &report(taken)).end()
}

/// The `notice` event.
pub(super) fn notice(notice: &Notice) -> String {
    Object::new()
        .text("noticeId", &notice.id.0.to_string())
        .text("text", &notice.text)
        .number("at", notice.at.0)
        .end()
}

/// The answer to `audit`.
pub(super) fn audit(page: &AuditPage) -> String {
    let object = ok_with().list("entries", page.entries.iter().map(audited));
    match page.entries.last().filter(|_| page.more) {
        Some(last) => object.text("cursor", &last.number.to_string()).end(),
        None => object.raw("cursor", "null").end(),
    }
}

fn audited(entry: &Audited) -> String {
    let mut hash = String::with_capacity(64);
    for byte in entry.hash {
        write!(hash, "{byte:02x}").expect("strings take all text");
    }
    let object = Object::sized(384)
        .number("number", entry.number)
        .number("at", entry.at.0)
        .text("by", entry.by.as_str())
        .text("action", entry.deed.name())
        .text("userId", entry.user.as_str());
    let report = entry.report.map(|report| report.0.to_string());
    let object = text_if(object, "reportId", report.as_deref());
    let object = object.number_if("until", entry.until.map(|until| until.0));
    let text = if entry.deed == DeedKind::Remove { "messageId" } else { "text" };
    let object = text_if(object, text, entry.text.as_deref());
    text_if(object, "note", entry.note.as_deref()).text("hash", &hash).end()
}
