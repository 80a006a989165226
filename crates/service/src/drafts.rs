//! `draft_set` and `drafts`: what a user is writing, the same on all of the user's devices.

use std::sync::Arc;

use parlor_chat::ids::ConversationId;
use parlor_chat::own::{OwnKey, OwnKind};
use parlor_chat::refusal::{Refusal, of_store};

use crate::commands::{self, Payload};
use crate::dispatch::{Caller, Work};
use crate::fields::{Fields, required};
use crate::own;
use crate::receipts::is_a_member;
use crate::service::Service;

/// `draft_set {conversationId, content}`; `null` takes the draft away.
pub(crate) fn set(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let limits = &service.settings.limits;
    let fields = Fields::parse(payload, ["conversationId", "content"])?;
    let conversation = fields.id("conversationId", ConversationId::parse)?;
    let conversation = required("conversationId", conversation)?;
    let raw = required("content", fields.raw("content"))?;
    let content = commands::checked("content", raw, limits)?;
    is_a_member(caller.user, &conversation)?;
    let content = Some(&*content.0).filter(|content| *content != "null");
    let wish = own::wish(OwnKind::Draft, OwnKey::conversation(&conversation), content);
    let change = own::change(service, caller, vec![wish], limits.drafts_per_user_max)?;
    Ok(own::submit(service, change))
}

/// `drafts {cursor?, limit?}`, last changed first.
pub(crate) fn list(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let page = own::page(service, caller, payload, OwnKind::Draft)?;
    Ok(Work::Later(Box::pin(async move {
        let page = page.await.map_err(|error| of_store(&error))?;
        let lines = page.records.iter().map(|record| {
            let content = record.value.as_ref().map_or("null", |value| &*value.0);
            own::draft(record.key.as_str(), content).number("at", record.at.0).end()
        });
        Ok(own::listed("drafts", lines, page.next.as_ref()))
    })))
}
