//! What is done to messages, in direct and group conversations alike.
//!
//! The rules are chat's and are asked by the store inside the commit; here a command is read, charged
//! and handed on, and its answer told. Others hear of it as of any entry (`delivery`).

use std::sync::Arc;

use parlor_chat::around::port::{ChangeMessage, ThreadQuery, Wish};
use parlor_chat::idempotency;
use parlor_chat::refusal::Refusal;
use parlor_chat::store::Origin;

use crate::around_commands::{self as read, About};
use crate::around_records as records;
use crate::commands::Payload;
use crate::dispatch::{Caller, Work};
use crate::queries::failed;
use crate::receipts::is_a_member;
use crate::service::Service;

/// `edit {messageId, content, clientId?}`.
pub(crate) fn edit(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    change(service, caller, read::edit(payload, &service.settings.limits)?)
}

/// `delete {messageId}`, for everyone.
pub(crate) fn delete(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    change(service, caller, read::alone(payload, Wish::Delete)?)
}

/// `react {messageId, emoji}`.
pub(crate) fn react(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    change(service, caller, read::emoji(payload, Wish::React)?)
}

/// `unreact {messageId, emoji}`.
pub(crate) fn unreact(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    change(service, caller, read::emoji(payload, Wish::Unreact)?)
}

/// `pin {messageId}`.
pub(crate) fn pin(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    change(service, caller, read::alone(payload, Wish::Pin)?)
}

/// `unpin {messageId}`.
pub(crate) fn unpin(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    change(service, caller, read::alone(payload, Wish::Unpin)?)
}

/// `pins {conversationId}`.
pub(crate) fn pins(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let conversation = read::conversation(payload)?;
    is_a_member(caller.user, &conversation)?;
    caller.charge(service)?;
    let user = caller.user.clone();
    let pins = service.around.pins(user.clone(), conversation);
    Ok(Work::Later(Box::pin(async move { Ok(records::pins(&pins.await.map_err(failed)?, &user)) })))
}

/// `thread {messageId, cursor?, limit?}`.
pub(crate) fn thread(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let part = read::thread(payload, &service.settings.limits)?;
    let read::ThreadPart { root: (conversation, root), after, limit } = part;
    is_a_member(caller.user, &conversation)?;
    caller.charge(service)?;
    let user = caller.user.clone();
    let query = ThreadQuery { user: user.clone(), conversation, root, after, limit };
    let page = service.around.thread(query);
    Ok(Work::Later(Box::pin(
        async move { Ok(records::thread(&page.await.map_err(failed)?, &user)) },
    )))
}

fn change(service: &Arc<Service>, caller: &Caller<'_>, about: About) -> Result<Work, Refusal> {
    let About { message: (conversation, seq), wish, client_id } = about;
    let (limits, now) = (&service.settings.limits, caller.now);
    let stale = |key| idempotency::is_stale(key, now, limits.client_id_window_ms());
    if client_id.as_ref().is_some_and(stale) {
        return Err(Refusal::StaleClientId);
    }
    is_a_member(caller.user, &conversation)?;
    service.accepts_writes()?;
    caller.charge(service)?;
    let changed = service.around.change_message(ChangeMessage {
        by: caller.user.clone(),
        conversation: conversation.clone(),
        seq,
        wish,
        client_id,
        now,
        origin: Origin(caller.socket.key().get()),
        limits: limits.clone(),
    });
    Ok(Work::Later(Box::pin(async move {
        Ok(records::changed(&conversation, seq, &changed.await.map_err(failed)?))
    })))
}
