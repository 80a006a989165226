//! `requests`, `request_accept`, `request_decline`: what strangers wrote first to a user who wants to be
//! asked, and what the user decides. What a request is, and what its sender may, the store minds in each
//! commit.

use std::sync::Arc;

use parlor_chat::ids::ConversationId;
use parlor_chat::own::{OwnKey, OwnKind, OwnWish};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::requests::RequestState;

use crate::commands::{self, Payload};
use crate::conversation_settings;
use crate::dispatch::{Caller, Work};
use crate::fields::{Fields, required};
use crate::own;
use crate::receipts::is_a_member;
use crate::records;
use crate::service::Service;

/// `requests {cursor?, limit?}`: those that are not decided.
pub(crate) fn list(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let command = commands::conversations(payload, &service.settings.limits)?;
    caller.charge(service)?;
    let user = caller.user.clone();
    let page = service.store.message_requests(user.clone(), command.cursor, command.limit);
    let service = Arc::clone(service);
    Ok(Work::Later(Box::pin(async move {
        let page = page.await.map_err(|error| of_store(&error))?;
        let settings = conversation_settings::of_page(&service, &user, &page).await;
        let settings = settings.map_err(|error| of_store(&error))?;
        Ok(records::conversations(&page, &settings, &user))
    })))
}

/// `request_accept {conversationId}`.
pub(crate) fn accept(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    decide(service, caller, payload, RequestState::Accepted)
}

/// `request_decline {conversationId}`.
pub(crate) fn decline(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    decide(service, caller, payload, RequestState::Declined)
}

fn decide(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
    state: RequestState,
) -> Result<Work, Refusal> {
    let fields = Fields::parse(payload, ["conversationId"])?;
    let conversation = fields.id("conversationId", ConversationId::parse)?;
    let conversation = required("conversationId", conversation)?;
    is_a_member(caller.user, &conversation)?;
    let key = OwnKey::conversation(&conversation);
    let wish = OwnWish { kind: OwnKind::Request, key, value: Some(state.value()) };
    // Whoever decides needs no room: the request is there.
    let change = own::change(service, caller, vec![wish], usize::MAX)?;
    Ok(own::submit(service, change))
}
