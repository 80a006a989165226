//! From event to answer: what every command has in common.
//!
//! A handler turns an event into [`Work`]. What is done at once is answered at once; what waits
//! for the store moves, with the event's place among those in flight, into a task. Every event
//! that asks for an answer gets exactly one, whatever becomes of it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;
use parlor_chat::refusal::Refusal;
use parlor_chat::store::Mark;
use parlor_gateway::{Ack, Event, Socket};

use crate::clock;
use crate::commands::Payload;
use crate::paces::Action;
use crate::records;
use crate::service::Service;
use crate::session::Session;
use crate::traces::{self, Begun};

/// An answer's JSON, or why there is none.
pub(crate) type Answer = Result<String, Refusal>;

/// What a command comes to.
pub(crate) enum Work {
    /// This answer.
    Done(String),
    /// An answer later. The future's first poll takes place within the handler.
    Later(Pin<Box<dyn Future<Output = Answer> + Send>>),
    /// A watermark to gather; answered once it is stored.
    Mark(Mark),
}

/// Who sends a command, and when.
pub(crate) struct Caller<'a> {
    pub(crate) socket: &'a Socket,
    pub(crate) session: &'a Session,
    pub(crate) user: &'a UserId,
    pub(crate) now: Millis,
}

impl Caller<'_> {
    /// Takes the command out of the connection's and the user's allowance.
    ///
    /// # Errors
    /// [`Refusal::RateLimited`].
    pub(crate) fn charge(&self, service: &Service) -> Result<(), Refusal> {
        self.charge_as(service, 1)
    }

    /// Takes the command out of both allowances, and out of what the user may do of its kind.
    ///
    /// # Errors
    /// [`Refusal::RateLimited`].
    pub(crate) fn charge_for(&self, service: &Service, action: Action) -> Result<(), Refusal> {
        self.charge(service)?;
        service.paces.act(self.user, action, self.now)
    }

    /// Takes a command that costs as much as several out of both allowances.
    ///
    /// # Errors
    /// [`Refusal::RateLimited`].
    pub(crate) fn charge_as(&self, service: &Service, commands: u32) -> Result<(), Refusal> {
        let (user, now) = (self.user, self.now);
        let charged = self
            .session
            .charge(&service.connection_rate, now, commands)
            .and_then(|()| service.sessions().charge(user, &service.user_rate, now, commands));
        charged.map_err(|fast| Refusal::RateLimited { retry_after_ms: fast.retry_after_ms })
    }
}

/// The right to answer an event. Holds the event's place among those in flight until then.
#[derive(Debug)]
pub(crate) struct Reply {
    ack: Option<Ack>,
    /// Kept for its place when no answer is asked for.
    _event: Option<Event>,
    /// What it answers, if that is traced; it ends with this.
    begun: Option<Box<Begun>>,
}

impl Reply {
    fn to(mut event: Event, begun: Option<Box<Begun>>) -> Self {
        let ack = event.take_ack();
        let _event = ack.is_none().then_some(event);
        Self { ack, _event, begun }
    }

    /// Gives up the event's place at once if no answer is asked for.
    pub(crate) fn if_awaited(self) -> Option<Self> {
        self.ack.is_some().then_some(self)
    }

    /// Answers.
    pub(crate) fn send(mut self, service: &Service, answer: &Answer) {
        let answering = self.begun.as_ref().map(|_| Instant::now());
        if let Err(refusal) = answer {
            if let Some(begun) = &mut self.begun {
                begun.fail(refusal.name());
            }
            service.counters().refused(refusal.code());
            if matches!(refusal, Refusal::ContentRefused { .. }) {
                service.counters().moderation.refused_by_rule.add(1);
            }
            tracing::debug!(code = refusal.name(), "command: refused");
        }
        let Some(ack) = self.ack else { return };
        let object = match answer {
            Ok(object) => records::alone(object),
            Err(refusal) => records::alone(&records::error(refusal)),
        };
        if let Err(error) = ack.send_raw(&object) {
            tracing::warn!(%error, "command: an answer was not sent");
        }
        if let (Some(begun), Some(answering)) = (&self.begun, answering) {
            begun.answered(answering);
        }
    }
}

/// A command of a user.
pub(crate) type Command = fn(&Arc<Service>, &Caller<'_>, Payload<'_>) -> Result<Work, Refusal>;

/// Runs a command for the user of a socket.
pub(crate) fn run(
    service: &Arc<Service>,
    (name, command): (&'static str, Command),
    socket: &Socket,
    event: Event,
) {
    let begun = service.traces().begin(name);
    let work = prepare(service, socket, &event).and_then(|(session, now)| {
        let user = session.user().ok_or(Refusal::NotRegistered)?;
        let _command = tracing::debug_span!("command", name, conn = %socket.id(), %user).entered();
        traces::within(begun.as_ref().map(|it| it.of()), || {
            command(service, &Caller { socket, session, user, now }, event.arg(0))
        })
    });
    finish(service, work, event, begun);
}

/// What holds for every event: it comes from a session, which was heard, and has no attachments.
pub(crate) fn prepare<'a>(
    service: &Service,
    socket: &'a Socket,
    event: &Event,
) -> Result<(&'a Session, Millis), Refusal> {
    service.counters().commands.add(1);
    let session = socket.data::<Session>().ok_or_else(Refusal::unavailable)?;
    let now = clock::now();
    session.hear(now);
    if event.attachments().is_empty() {
        Ok((session, now))
    } else {
        Err(Refusal::invalid("payload", "must be without binary attachments"))
    }
}

/// Sees to the answer.
pub(crate) fn finish(
    service: &Arc<Service>,
    work: Result<Work, Refusal>,
    event: Event,
    begun: Option<Box<Begun>>,
) {
    let of = begun.as_ref().map(|it| it.of());
    let reply = Reply::to(event, begun);
    match work {
        Ok(Work::Done(object)) => reply.send(service, &Ok(object)),
        Ok(Work::Mark(mark)) => service.receipts.mark(service, mark, reply),
        Err(refusal) => reply.send(service, &Err(refusal)),
        Ok(Work::Later(answer)) => {
            let mut answer = match of {
                Some(of) => Box::pin(traces::follow(of, answer)),
                None => answer,
            };
            let mut at_once = Context::from_waker(Waker::noop());
            match answer.as_mut().poll(&mut at_once) {
                Poll::Ready(answer) => reply.send(service, &answer),
                Poll::Pending => {
                    let service = Arc::clone(service);
                    service.clone().tasks.spawn(async move {
                        let answer = answer.await;
                        reply.send(&service, &answer);
                    });
                }
            }
        }
    }
}
