//! Says what is due: the one task that does, for all users.
//!
//! It asks the store what is due, hands each message to it in that order, and sleeps until the next
//! one is, or until one comes that may be due earlier. It keeps nothing: what was missed while the
//! server was down is due when it starts. What the moment refuses is noted in the record; what time
//! mends is put off.

use std::sync::Arc;
use std::time::Duration;

use parlor_chat::around::schedule::{ChangeSchedule, DueMessage, Expected, Fire, Fired, Scheduled};
use parlor_chat::entry::Millis;
use parlor_chat::ids::ClientId;
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::{Append, Origin, Pending, StoreError};
use tokio::sync::Notify;

use crate::clock;
use crate::hook::{self, Question};
use crate::rules::{Author, Screened};
use crate::screening::{self, Outcome};
use crate::service::Service;

use super::Stored;

/// Messages that are handed to the store at a time.
const ROUND_MAX: usize = 100;
/// Messages about which the app's hook is asked at a time.
const PREPARED_MAX: usize = 8;
/// How long it waits when the store cannot be read or written.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The least time for which a message is put off, in milliseconds.
const PUT_OFF_MS_MIN: u64 = 5_000;
/// How long it sleeps at most: the system's clock may be set.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Wakes the task when something may be due earlier than it knows.
#[derive(Debug, Default)]
pub(crate) struct Wake(Notify);

impl Wake {
    /// Has it look again.
    pub(crate) fn now(&self) {
        self.0.notify_one();
    }
}

/// Says what is due for as long as the service writes.
pub(crate) async fn run(service: Arc<Service>) {
    loop {
        let pause = tokio::select! {
            pause = round(&service) => pause.unwrap_or_else(|error| {
                tracing::warn!(%error, "messages that are due have to wait");
                RETRY_AFTER
            }),
            () = service.draining.cancelled() => return,
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = service.wake.0.notified() => {}
            () = service.draining.cancelled() => return,
        }
    }
}

/// A message that the store was given.
struct Given {
    due: DueMessage,
    outcome: Outcome,
    fired: Pending<Fired>,
}

/// Says what is due now; gives how long nothing more is.
async fn round(service: &Arc<Service>) -> Result<Duration, StoreError> {
    loop {
        let page = service.around.due(clock::now(), ROUND_MAX).await?;
        let mut given = Vec::with_capacity(page.messages.len());
        for some in page.messages.chunks(prepared_max(service)) {
            // Several at a time, since a hook takes its time; handed on in their order.
            let prepared: Vec<_> = some
                .iter()
                .map(|due| tokio::spawn(prepare(Arc::clone(service), due.clone())))
                .collect();
            for (due, prepared) in some.iter().zip(prepared) {
                match prepared.await.unwrap_or(Err(Refusal::Internal)) {
                    Ok((fire, outcome)) => {
                        let (due, fired) = (due.clone(), service.around.fire(fire));
                        given.push(Given { due, outcome, fired });
                    }
                    Err(refusal) => settle(service, due, &refusal).await?,
                }
            }
        }
        let mut said = 0;
        for Given { due, outcome, fired } in given {
            match fired.await {
                Ok(Fired::Superseded) => {}
                Ok(Fired::Said(appended)) => {
                    said += 1;
                    service.counters().sent.add(1);
                    outcome.tell(service, &appended.conversation, appended.seq).await;
                }
                Err(error @ (StoreError::Overloaded | StoreError::Unavailable { .. })) => {
                    return Err(error);
                }
                Err(error) => settle(service, &due, &of_store(&error)).await?,
            }
        }
        let Some(next) = page.next else { return Ok(LOOK_EVERY) };
        let left = next.0.saturating_sub(clock::now().0);
        if left > 0 {
            return Ok(Duration::from_millis(left).min(LOOK_EVERY));
        }
        // What stays as it is must not be tried all the time.
        if said == 0 {
            return Ok(RETRY_AFTER);
        }
    }
}

/// How many messages are prepared at a time: no more than the hook may be asked about.
fn prepared_max(service: &Service) -> usize {
    let asked_max = service.settings.hook.as_ref().map_or(PREPARED_MAX, |app| app.in_flight_max);
    asked_max.clamp(1, PREPARED_MAX)
}

/// Makes a message of what is due: as any, it is held to the content rules and the app's hook.
async fn prepare(service: Arc<Service>, due: DueMessage) -> Result<(Fire, Outcome), Refusal> {
    let (limits, now) = (&service.settings.limits, clock::now());
    let send = Stored::of(&due.record).ok_or(Refusal::Internal)?.send(limits)?;
    let id = &due.record.key;
    let own_key = || ClientId::parse(&format!("later-{}", id.as_str()));
    let client_id = match send.client_id {
        Some(key) => key,
        None => own_key().map_err(|_| Refusal::Internal)?,
    };
    let author = Author { user: &due.user, client_id: Some(&client_id), now };
    let conversation = send.to.conversation(&due.user);
    let group = conversation.group_id();
    let screened = screening::screen(&service, group.as_ref(), author, send.content);
    let append = Append {
        from: due.user.clone(),
        to: send.to,
        client_id: Some(client_id),
        content: screened.content.clone(),
        now,
        origin: Origin::default(),
    };
    let Screened { content, screening } = match &service.settings.hook {
        Some(app) if screened.screening.refused.is_none() => {
            let permit = Arc::clone(&service.questions).try_acquire_owned();
            let permit = permit.map_err(|_| Refusal::overloaded())?;
            let question = Question {
                user: append.from.clone(),
                to: append.to.clone(),
                conversation: append.conversation(),
                content: append.content.clone(),
                client_id: append.client_id.clone(),
                at: now,
            };
            hook::ask(&service, app, question, screened, permit).await?
        }
        _ => screened,
    };
    let outcome = Outcome::of(&screening);
    let append = Append { content, ..append };
    let screening = Some(screening).filter(|screening| !screening.is_nothing());
    let say = send.outside.around(append, screening, limits);
    Ok((Fire { id: id.clone(), at: due.record.at, say }, outcome))
}

/// Notes that a message could not be said, or puts it off if time mends that.
async fn settle(service: &Service, due: &DueMessage, refusal: &Refusal) -> Result<(), StoreError> {
    let (now, record) = (clock::now(), &due.record);
    let scheduled = match (refusal.retry_after_ms(), Stored::of(record)) {
        (Some(retry_ms), _) => {
            let due = Some(Millis(now.0.saturating_add(retry_ms.max(PUT_OFF_MS_MIN))));
            record.value.clone().map(|value| Scheduled { value, due })
        }
        (None, Some(stored)) => {
            let value = stored.failed(refusal.name()).value();
            Some(Scheduled { value, due: None })
        }
        // What a newer version wrote stays as it is.
        (None, None) => record.value.clone().map(|value| Scheduled { value, due: None }),
    };
    tracing::debug!(code = refusal.name(), "a message that was due was not said");
    let change = ChangeSchedule {
        user: due.user.clone(),
        id: record.key.clone(),
        expected: Expected::At(record.at),
        scheduled,
        records_max: service.settings.limits.schedules_per_user_max,
        now,
        origin: Origin::default(),
    };
    match service.around.change_schedule(change).await {
        Ok(_) | Err(StoreError::NotFound) => Ok(()),
        Err(error @ (StoreError::Overloaded | StoreError::Unavailable { .. })) => Err(error),
        Err(error) => {
            tracing::error!(%error, "a message that is due can be neither said nor given up");
            Ok(())
        }
    }
}
