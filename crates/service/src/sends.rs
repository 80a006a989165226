//! Sends: from `private_message` to a place in the log.
//!
//! A send is checked, charged, held against earlier failures on its conversation, and handed to
//! the store, all within its handler: the call to the store takes its place in the order. The
//! answer comes with the commit. A refusal that a retry can mend is noted, so that later sends of
//! the connection in that conversation do not overtake it.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use parlor_chat::aborts::Order;
use parlor_chat::entry::Millis;
use parlor_chat::idempotency;
use parlor_chat::ids::{ConversationId, UserId};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::{Append, Appended, StoreError};
use parlor_gateway::Socket;

use crate::around_commands::Outside;
use crate::commands::{self, Payload, Send};
use crate::dispatch::{Answer, Caller, Work};
use crate::hook::{self, AppHook, Question};
use crate::paces::Taken;
use crate::records;
use crate::rules::{Author, Screened};
use crate::schedules;
use crate::screening::{self, Outcome};
use crate::service::Service;
use crate::session::{Kind, Session};
use crate::traces;
use crate::typing::{self, Target};

/// `private_message {toUserId, content, clientId?, replyTo?, thread?, forwardOf?, sendAt?}`.
pub(crate) fn private_message(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    send(service, caller, commands::send(payload, &service.settings.limits)?)
}

/// Says a message, now or later.
pub(crate) fn send(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    send: Send,
) -> Result<Work, Refusal> {
    match send.send_at {
        None => submit(service, caller, send),
        Some(at) => schedules::put(service, caller, send, at),
    }
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
fn submit(service: &Arc<Service>, caller: &Caller<'_>, send: Send) -> Result<Work, Refusal> {
    let limits = &service.settings.limits;
    let (user, now) = (caller.user, caller.now);
    let stale = |key| idempotency::is_stale(key, now, limits.client_id_window_ms());
    if send.client_id.as_ref().is_some_and(stale) {
        return Err(Refusal::StaleClientId);
    }
    let Send { to, client_id, content, echo, outside, send_at: _ } = send;
    let connection = caller.socket.key().get();
    // Nobody's connection is left out of the broadcast if its sender wants to hear it.
    let origin = traces::origin(if echo { 0 } else { connection });
    let append = Append { from: user.clone(), to, client_id, content, now, origin };
    let conversation = append.conversation();
    outside.fits(&conversation)?;
    let (send_key, order) = (append.client_id.clone(), service.next_order());
    let mut failed = Failed {
        service: Arc::clone(service),
        connection,
        user: user.clone(),
        typed: (!outside.is_of_event()).then(|| Target::from(append.to.clone())),
        send_key,
        order,
        conversation,
        taken: None,
    };
    if let Err(refusal) = service.accepts_writes().and_then(|()| caller.charge(service)) {
        failed.note(caller.session, now, &refusal);
        return Err(refusal);
    }
    caller.session.admit(&failed.conversation, append.client_id.as_ref(), order, now)?;
    let author = Author { user, client_id: append.client_id.as_ref(), now };
    let group = failed.conversation.group_id();
    if let Some(group) = &group {
        let taken = service.paces.message(group, now);
        failed.taken = taken.inspect_err(|refusal| failed.note(caller.session, now, refusal))?;
    }
    let screened = match outside.is_of_event() {
        true => Screened::untouched(append.content.clone()),
        false => screening::screen(service, group.as_ref(), author, append.content.clone()),
    };
    let Screened { content, screening } = match &service.settings.hook {
        // What a rule refuses needs no second opinion.
        Some(app) if screened.screening.refused.is_none() => {
            let append = Append { content: screened.content.clone(), ..append };
            return asked(caller, app.clone(), append, outside, screened, failed);
        }
        _ => screened,
    };
    let outcome = Outcome::of(&screening);
    let append = Append { content, ..append };
    let committed = screening::append(service, append, outside, screening);
    let socket = caller.socket.clone();
    Ok(Work::Later(Box::pin(async move { failed.settle(&socket, committed.await, outcome).await })))
}

/// A send where the app has a hook: it takes its place in line here, and in the order of the store when
/// it is in front and the hook's answer is there. About an event of the app's own the hook is not asked.
fn asked(
    caller: &Caller<'_>,
    app: AppHook,
    append: Append,
    outside: Outside,
    screened: Screened,
    failed: Failed,
) -> Result<Work, Refusal> {
    let service = Arc::clone(&failed.service);
    let permit = match outside.is_of_event() {
        true => None,
        false => Some(hook::permit(&service).inspect_err(|refusal| {
            failed.note(caller.session, caller.now, refusal);
        })?),
    };
    let (key, order) = (append.client_id.as_ref(), failed.order);
    let mut place = service.lines.stand(failed.connection, &failed.conversation, order, key);
    let socket = caller.socket.clone();
    let question = Question {
        user: append.from.clone(),
        to: append.to.clone(),
        conversation: failed.conversation.clone(),
        content: append.content.clone(),
        client_id: append.client_id.clone(),
        at: append.now,
    };
    Ok(Work::Later(Box::pin(async move {
        let answer = match permit {
            None => Ok(screened),
            Some(permit) => tokio::select! {
                answer = hook::ask(&service, &app, question, screened, permit) => answer,
                refusal = place.aborted() => return Err(refusal),
            },
        };
        place.in_front().await?;
        let session = socket.data::<Session>().ok_or_else(Refusal::unavailable)?;
        let Screened { content, screening } = answer.inspect_err(|refusal| {
            failed.note(session, crate::clock::now(), refusal);
        })?;
        let (now, key) = (crate::clock::now(), failed.send_key.as_ref());
        session.admit(&failed.conversation, key, failed.order, now).inspect_err(|_| {
            failed.abort_behind(session, now);
        })?;
        let outcome = Outcome::of(&screening);
        let append = Append { content, origin: traces::again(append.origin), ..append };
        let mut committed = screening::append(&service, append, outside, screening);
        // What is refused at once is noted before the next one goes on.
        let at_once = poll_fn(|cx| Poll::Ready(committed.as_mut().poll(cx))).await;
        if let Poll::Ready(committed) = at_once {
            let answer = failed.settle(&socket, committed, outcome).await;
            drop(place);
            return answer;
        }
        drop(place);
        failed.settle(&socket, committed.await, outcome).await
    })))
}

/// A send that may fail.
struct Failed {
    service: Arc<Service>,
    connection: u64,
    user: UserId,
    /// Where the user may have been typing, if this is what they typed.
    typed: Option<Target>,
    send_key: Option<parlor_chat::ids::ClientId>,
    order: Order,
    conversation: ConversationId,
    /// Of what its group may have.
    taken: Option<Taken>,
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
                    if let Some(taken) = self.taken {
                        taken.keep();
                    }
                    let service = &self.service;
                    if outcome.shadowed {
                        // No message tells the others that it is over.
                        typing::gone(service, socket.key());
                    } else if let Some(typed) = &self.typed {
                        service.typing.sent(service, &self.user, typed);
                    }
                    outcome.tell(service, &appended.conversation, appended.seq).await;
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

    /// Aborts those that stand in line behind it.
    fn abort_behind(&self, session: &Session, now: Millis) {
        if self.service.settings.hook.is_some() {
            let (line, limits) =
                ((self.connection, &self.conversation), &self.service.settings.limits);
            self.service.lines.fail(line, self.order, session, now, limits);
        }
    }

    /// Later sends wait for its retry, unless a retry cannot help.
    fn note(&self, session: &Session, now: Millis, refusal: &Refusal) {
        let (limits, key) = (&self.service.settings.limits, self.send_key.as_ref());
        match refusal.retry_after_ms() {
            Some(_) => {
                session.failed(&self.conversation, key, self.order, now, refusal, limits);
                self.abort_behind(session, now);
            }
            None => session.settled(&self.conversation, key),
        }
    }
}
