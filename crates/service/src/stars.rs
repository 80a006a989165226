//! `star`, `unstar`, `starred`: messages that a user wants to find again; and `hide`, `unhide`: those
//! that a user does not want to see.

use std::sync::Arc;

use parlor_chat::ids::{ConversationId, MessageId, Seq, UserId};
use parlor_chat::own::{OwnCursor, OwnKey, OwnKind, OwnRecord};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::Placed;

use crate::commands::Payload;
use crate::dispatch::{Caller, Work};
use crate::fields::{Fields, required};
use crate::json::Object;
use crate::own;
use crate::receipts::is_a_member;
use crate::records;
use crate::service::Service;

/// `star {messageId}`.
pub(crate) fn star(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let records_max = service.settings.limits.stars_per_user_max;
    set(service, caller, payload, OwnKind::Star, Some(records_max))
}

/// `unstar {messageId}`.
pub(crate) fn unstar(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    set(service, caller, payload, OwnKind::Star, None)
}

/// `hide {messageId}`: the message is left out of this user's history from now on.
pub(crate) fn hide(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let records_max = service.settings.limits.hidden_per_user_max;
    set(service, caller, payload, OwnKind::Hidden, Some(records_max))
}

/// `unhide {messageId}`.
pub(crate) fn unhide(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    set(service, caller, payload, OwnKind::Hidden, None)
}

/// Puts a mark on a message, of which there may be so many; or takes it off.
fn set(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
    kind: OwnKind,
    records_max: Option<usize>,
) -> Result<Work, Refusal> {
    let fields = Fields::parse(payload, ["messageId"])?;
    let place = required("messageId", fields.id("messageId", MessageId::parse)?)?;
    is_a_member(caller.user, &place.0)?;
    let key = OwnKey::message(&MessageId::new(&place.0, place.1));
    let wish = own::wish(kind, key, records_max.map(|_| "true"));
    let mut change = own::change(service, caller, vec![wish], records_max.unwrap_or(0))?;
    // A message that is not there any more can still lose its mark.
    change.about = records_max.map(|_| place);
    Ok(own::submit(service, change))
}

/// `starred {cursor?, limit?}`, starred last first; each with its message as it is now, if it can
/// still be read.
pub(crate) fn list(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let page = own::page(service, caller, payload, OwnKind::Star)?;
    let (service, user) = (Arc::clone(service), caller.user.clone());
    Ok(Work::Later(Box::pin(async move {
        let mut page = page.await.map_err(|error| of_store(&error))?;
        page.records.retain(|record| place(record).is_some());
        let places = page.records.iter().filter_map(place).collect();
        let entries = service.store.entries_at(user.clone(), places).await;
        let entries = entries.map_err(|error| of_store(&error))?;
        if entries.len() < page.records.len() {
            page.records.truncate(entries.len());
            let last = page.records.last();
            page.next = last.map(|last| OwnCursor { at: last.at, key: last.key.clone() });
        }
        let lines = page.records.iter().zip(&entries);
        let lines = lines.map(|(record, entry)| line(record, entry.as_ref(), &user));
        Ok(own::listed("starred", lines, page.next.as_ref()))
    })))
}

fn place(record: &OwnRecord) -> Option<(ConversationId, Seq)> {
    MessageId::parse(record.key.as_str()).ok()
}

fn line(record: &OwnRecord, found: Option<&Placed>, viewer: &UserId) -> String {
    let now = |found: &Placed| records::entry_now(&found.entry, Some(viewer), Some(&found.state));
    let message = found.map(now);
    Object::new()
        .text("messageId", record.key.as_str())
        .number("at", record.at.0)
        .raw("message", message.as_deref().unwrap_or("null"))
        .end()
}
