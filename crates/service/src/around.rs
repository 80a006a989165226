//! What is done to messages, in direct and group conversations alike.
//!
//! The rules are chat's and are asked by the store inside the commit; here a command is read, charged
//! and handed on, and its answer told. Others hear of it as of any entry (`delivery`).

use std::pin::Pin;
use std::sync::Arc;

use parlor_chat::around::port::{ChangeMessage, MessageChanged, ThreadQuery, Wish};
use parlor_chat::idempotency;
use parlor_chat::refusal::Refusal;
use parlor_chat::rules::Refused;
use parlor_chat::store::{Authority, Recipient};

use crate::around_commands::{self as read, About};
use crate::around_records as records;
use crate::commands::Payload;
use crate::dispatch::{Answer, Caller, Work};
use crate::hook::{self, AppHook, Question};
use crate::paces::Action;
use crate::queries::failed;
use crate::receipts::is_a_member;
use crate::rules::{Author, Screened};
use crate::screening::{self, Outcome};
use crate::service::Service;
use crate::traces;

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
    match wish {
        Wish::React(_) | Wish::Unreact(_) => caller.charge_for(service, Action::React)?,
        _ => caller.charge(service)?,
    }
    let change = ChangeMessage {
        by: caller.user.clone(),
        authority: Authority::User,
        conversation,
        seq,
        wish,
        client_id,
        now,
        origin: traces::origin(caller.socket.key().get()),
        limits: limits.clone(),
        screening: None,
        removal: None,
    };
    let change = match change.wish.clone() {
        Wish::Edit(content) => {
            let author =
                Author { user: &change.by, client_id: change.client_id.as_ref(), now: change.now };
            let group = change.conversation.group_id();
            let screened = screening::screen(service, group.as_ref(), author, content);
            match &service.settings.hook {
                Some(app) if screened.screening.refused.is_none() => {
                    return asked(service, app.clone(), change, screened);
                }
                _ => edited(change, screened)?,
            }
        }
        _ => change,
    };
    Ok(Work::Later(submit(service, change)))
}

/// Hands a deed to the store, at the call; its answer, and what moderators are to be told, come with the
/// commit.
pub(crate) fn submit(
    service: &Arc<Service>,
    change: ChangeMessage,
) -> Pin<Box<dyn Future<Output = Answer> + Send>> {
    let service = Arc::clone(service);
    let outcome = change.screening.as_ref().map(Outcome::of).unwrap_or_default();
    let (conversation, seq) = (change.conversation.clone(), change.seq);
    let changed = service.around.change_message(change);
    Box::pin(async move {
        let changed = changed.await.map_err(failed)?;
        if let MessageChanged::Committed { repeated: false, .. } = changed {
            outcome.tell(&service, &conversation, seq).await;
        }
        Ok(records::changed(&conversation, seq, &changed))
    })
}

/// An edit whose content was looked at.
pub(crate) fn edited(change: ChangeMessage, screened: Screened) -> Result<ChangeMessage, Refusal> {
    let Screened { content, screening } = screened;
    if let Some(Refused { rule, reason }) = screening.refused {
        return Err(Refusal::ContentRefused { rule, reason });
    }
    let screening = Some(screening).filter(|screening| !screening.is_nothing());
    Ok(ChangeMessage { wish: Wish::Edit(content), screening, ..change })
}

/// An edit about which the app's hook is asked first; edits wait for nobody's turn.
fn asked(
    service: &Arc<Service>,
    app: AppHook,
    change: ChangeMessage,
    screened: Screened,
) -> Result<Work, Refusal> {
    let permit = hook::permit(service)?;
    let conversation = change.conversation.clone();
    let to = Recipient::in_conversation(&change.by, &conversation).ok_or(Refusal::NotFound)?;
    let question = Question {
        user: change.by.clone(),
        to,
        conversation,
        content: screened.content.clone(),
        client_id: change.client_id.clone(),
        at: change.now,
    };
    let service = Arc::clone(service);
    Ok(Work::Later(Box::pin(async move {
        let screened = hook::ask(&service, &app, question, screened, permit).await?;
        submit(&service, edited(change, screened)?).await
    })))
}
