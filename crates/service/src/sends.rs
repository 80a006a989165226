//! Sends: from `private_message` to a place in the log.
//!
//! A send is checked, charged, held against earlier failures on its conversation, and handed to
//! the store, all within its handler: the call to the store takes its place in the order. The
//! answer comes with the commit. A refusal that a retry can mend is noted, so that later sends of
//! the connection in that conversation do not overtake it.

use std::sync::Arc;

use parlor_chat::aborts::Order;
use parlor_chat::entry::Millis;
use parlor_chat::idempotency;
use parlor_chat::ids::ConversationId;
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::{Append, Origin};

use crate::commands::{self, Payload, Send};
use crate::dispatch::{Caller, Work};
use crate::records;
use crate::service::Service;
use crate::session::{Kind, Session};
use crate::typing::Target;

/// `private_message {toUserId, content, clientId?, replyTo?, thread?, forwardOf?}`.
pub(crate) fn private_message(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let send = commands::send(payload, &service.settings.limits)?;
    submit(service, caller, send)
}

/// The simplest tutorial's `private message {to, message}`.
pub(crate) fn tutorial_message(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    if caller.session.kind != Kind::Tutorial {
        return Err(Refusal::UnknownEvent);
    }
    let send = commands::tutorial_send(payload, &service.settings.limits)?;
    submit(service, caller, send)
}

/// Hands a message to the store.
pub(crate) fn submit(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    send: Send,
) -> Result<Work, Refusal> {
    let limits = &service.settings.limits;
    let (user, now) = (caller.user, caller.now);
    let stale = |key| idempotency::is_stale(key, now, limits.client_id_window_ms());
    if send.client_id.as_ref().is_some_and(stale) {
        return Err(Refusal::StaleClientId);
    }
    let Send { to, client_id, content, echo, outside } = send;
    // Nobody's connection is left out of the broadcast if its sender wants to hear it.
    let origin = if echo { Origin::default() } else { Origin(caller.socket.key().get()) };
    let append = Append { from: user.clone(), to, client_id, content, now, origin };
    let conversation = append.conversation();
    outside.fits(&conversation)?;
    let (send_key, order) = (append.client_id.clone(), service.next_order());
    let failed = Failed { service: Arc::clone(service), send_key, order, conversation };
    if let Err(refusal) = service.accepts_writes().and_then(|()| caller.charge(service)) {
        failed.note(caller.session, now, &refusal);
        return Err(refusal);
    }
    let (sender, typed) = (user.clone(), Target::from(append.to.clone()));
    caller.session.admit(&failed.conversation, append.client_id.as_ref(), order, now)?;
    let committed = match outside.is_blank() {
        true => service.store.append(append),
        false => service.around.say(outside.around(append, limits)),
    };
    let socket = caller.socket.clone();
    Ok(Work::Later(Box::pin(async move {
        match committed.await {
            Ok(appended) => {
                if let Some(session) = socket.data::<Session>() {
                    session.settled(&failed.conversation, failed.send_key.as_ref());
                }
                let counters = failed.service.counters();
                if appended.repeated {
                    counters.sent_again.add(1);
                } else {
                    counters.sent.add(1);
                    let service = &failed.service;
                    service.typing.sent(service.sessions(), &sender, &typed);
                }
                Ok(records::sent(&appended))
            }
            Err(error) => {
                let refusal = of_store(&error);
                if refusal == Refusal::Internal {
                    tracing::error!(%error, conversation = %failed.conversation, "commit: failed");
                }
                if let Some(session) = socket.data::<Session>() {
                    failed.note(session, crate::clock::now(), &refusal);
                }
                Err(refusal)
            }
        }
    })))
}

/// A send that may fail.
struct Failed {
    service: Arc<Service>,
    send_key: Option<parlor_chat::ids::ClientId>,
    order: Order,
    conversation: ConversationId,
}

impl Failed {
    /// Later sends wait for its retry, unless a retry cannot help.
    fn note(&self, session: &Session, now: Millis, refusal: &Refusal) {
        let (limits, key) = (&self.service.settings.limits, self.send_key.as_ref());
        match refusal.retry_after_ms() {
            Some(_) => {
                session.failed(&self.conversation, key, self.order, now, refusal, limits);
            }
            None => session.settled(&self.conversation, key),
        }
    }
}
