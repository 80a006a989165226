//! Sends: from `private_message` to a place in the log, and `typing`, which is never kept.
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
use parlor_chat::store::{Append, Appended, Origin, StoreError};
use parlor_gateway::Socket;

use crate::commands::{self, Payload, Send};
use crate::delivery::{NAMESPACE, room};
use crate::dispatch::{Answer, Caller, Work};
use crate::records;
use crate::rules::{Author, Screened};
use crate::screening::{self, Outcome};
use crate::service::Service;
use crate::session::{Kind, Session};

/// `private_message {toUserId, content, clientId?}`.
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

fn submit(service: &Arc<Service>, caller: &Caller<'_>, send: Send) -> Result<Work, Refusal> {
    let limits = &service.settings.limits;
    let (user, now) = (caller.user, caller.now);
    let stale = |key| idempotency::is_stale(key, now, limits.client_id_window_ms());
    if send.client_id.as_ref().is_some_and(stale) {
        return Err(Refusal::StaleClientId);
    }
    let conversation = ConversationId::direct(user, &send.to);
    let (send_key, order) = (send.client_id.clone(), service.next_order());
    let failed = Failed { service: Arc::clone(service), send_key, order, conversation };
    if let Err(refusal) = service.accepts_writes().and_then(|()| caller.charge(service)) {
        failed.note(caller.session, now, &refusal);
        return Err(refusal);
    }
    caller.session.admit(&failed.conversation, send.client_id.as_ref(), order, now)?;
    let origin = Origin(caller.socket.key().get());
    let Send { to, client_id, content } = send;
    let author = Author { user, client_id: client_id.as_ref(), now };
    let Screened { content, screening } = service.settings.rules.screen(author, content, limits);
    let outcome = Outcome::of(&screening);
    let append = Append { from: user.clone(), to, client_id, content, now, origin };
    let committed = screening::append(service, append, screening);
    let socket = caller.socket.clone();
    Ok(Work::Later(Box::pin(async move { failed.settle(&socket, committed.await, outcome).await })))
}

/// A send that may fail.
struct Failed {
    service: Arc<Service>,
    send_key: Option<parlor_chat::ids::ClientId>,
    order: Order,
    conversation: ConversationId,
}

impl Failed {
    /// What became of it: notes that for later sends, and makes the answer.
    async fn settle(
        self,
        socket: &Socket,
        committed: Result<Appended, StoreError>,
        outcome: Outcome,
    ) -> Answer {
        match committed {
            Ok(appended) => {
                if let Some(session) = socket.data::<Session>() {
                    session.settled(&self.conversation, self.send_key.as_ref());
                }
                let counters = self.service.counters();
                if appended.repeated {
                    counters.sent_again.add(1)
                } else {
                    counters.sent.add(1);
                    outcome.tell(&self.service, &appended).await;
                };
                Ok(records::sent(&appended, outcome.masked))
            }
            Err(error) => {
                let refusal = of_store(&error);
                if refusal == Refusal::Internal {
                    tracing::error!(%error, conversation = %self.conversation, "commit: failed");
                }
                if let Some(session) = socket.data::<Session>() {
                    self.note(session, crate::clock::now(), &refusal);
                }
                Err(refusal)
            }
        }
    }

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

/// `typing {toUserId, typing?}`: told to the other's sockets that can be written to at once.
pub(crate) fn typing(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let command = commands::typing(payload)?;
    caller.charge(service)?;
    let conversation = ConversationId::direct(caller.user, &command.to);
    let news = caller.session.typing_is_news(&conversation, command.typing, caller.now);
    if news && command.to != *caller.user && service.sessions().is_here(&command.to) {
        let said = records::alone(&records::typing(&conversation, caller.user, command.typing));
        let others = service.io().map(|io| io.of(NAMESPACE).to(room(Kind::Standard, &command.to)));
        if let Some(Err(error)) = others.map(|others| others.volatile().emit_raw("typing", &said)) {
            tracing::debug!(%error, "command: typing was not relayed");
        }
    }
    Ok(Work::Done(records::ok()))
}
