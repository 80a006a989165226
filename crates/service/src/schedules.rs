//! Messages that are said later: a send with `sendAt` becomes a record of its user's own, is told to
//! the user's devices like any, and is said by [`timer`] when it is due.
//!
//! Whether it may be said is asked then, as of any message. A message that may not stays as a record
//! that says why, until it is changed or removed, or makes room for another.

mod stored;

mod timer;

use std::sync::Arc;

use parlor_chat::around::schedule::{
    ChangeSchedule, Expected, ScheduleChanged, Scheduled, may_be_said_at,
};
use parlor_chat::entry::Millis;
use parlor_chat::idempotency;
use parlor_chat::ids::ConversationId;
use parlor_chat::own::{OwnKey, OwnKind, OwnRecord, OwnValue};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::Recipient;

use crate::commands::{self, Payload, Send};
use crate::dispatch::{Caller, Work};
use crate::fields::{Fields, required};
use crate::new_ids::new_id;
use crate::own;
use crate::queries::failed;
use crate::records;
use crate::service::Service;
use crate::traces;

pub(crate) use stored::described;
pub(crate) use timer::{Wake, run};

use stored::Stored;

/// Times a change is tried whose record changes meanwhile.
const TRIES_MAX: usize = 4;

/// Keeps a message until it is to be said.
pub(crate) fn put(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    send: Send,
    at: Millis,
) -> Result<Work, Refusal> {
    let (limits, now) = (&service.settings.limits, caller.now);
    let stale = |key| idempotency::is_stale(key, now, limits.client_id_window_ms());
    if send.client_id.as_ref().is_some_and(stale) {
        return Err(Refusal::StaleClientId);
    }
    may_be_said_at(at, now, limits)?;
    let conversation = match &send.to {
        Recipient::User(to) => ConversationId::direct(caller.user, to),
        Recipient::Group(group) => ConversationId::group(group),
    };
    send.outside.fits(&conversation)?;
    let purpose = format!("parlor: message to be said in {conversation} by");
    let id = new_id(service, &purpose, caller.user, send.client_id.as_ref())?;
    let value = Stored::new(&send, at).value();
    let scheduled = Some(Scheduled { value: value.clone(), due: Some(at) });
    let change = change(service, caller, &id, Expected::New, scheduled)?;
    let (service, changed) = (Arc::clone(service), service.around.change_schedule(change));
    Ok(Work::Later(Box::pin(async move {
        match changed.await.map_err(failed)? {
            ScheduleChanged::Exists(record) => {
                let first = Stored::of(&record).ok_or(Refusal::Internal)?;
                match first.may_come_of(&value) {
                    true => Ok(answer(&id, first.send_at, Some(&record))),
                    false => Err(Refusal::Conflict),
                }
            }
            ScheduleChanged::Done(record) => {
                service.wake.now();
                Ok(answer(&id, at, Some(&record)))
            }
            ScheduleChanged::WasThere | ScheduleChanged::Superseded => Ok(answer(&id, at, None)),
        }
    })))
}

fn answer(id: &str, at: Millis, record: Option<&OwnRecord>) -> String {
    let object = records::ok_with().text("scheduleId", id).number("sendAt", at.0);
    object.number_if("at", record.map(|record| record.at.0)).end()
}

/// `schedules {cursor?, limit?}`, last changed first.
pub(crate) fn list(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let page = own::page(service, caller, payload, OwnKind::Schedule)?;
    Ok(Work::Later(Box::pin(async move {
        let page = page.await.map_err(|error| of_store(&error))?;
        let line = |record: &OwnRecord| described(record).number("at", record.at.0).end();
        Ok(own::listed("schedules", page.records.iter().map(line), page.next.as_ref()))
    })))
}

/// `schedule_cancel {scheduleId}`.
pub(crate) fn cancel(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let fields = Fields::parse(payload, ["scheduleId"])?;
    let id = required("scheduleId", fields.text("scheduleId")?)?;
    let change = change(service, caller, &id, Expected::There, None)?;
    let changed = service.around.change_schedule(change);
    Ok(Work::Later(Box::pin(async move {
        let object = records::ok_with().text("scheduleId", &id);
        Ok(match changed.await.map_err(failed)? {
            ScheduleChanged::Done(record) => object.number("at", record.at.0).end(),
            _ => object.end(),
        })
    })))
}

/// `schedule_set {scheduleId, sendAt?, content?}`; one that could not be said is to be said again.
pub(crate) fn set(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let limits = &service.settings.limits;
    let fields = Fields::parse(payload, ["scheduleId", "sendAt", "content"])?;
    let id = required("scheduleId", fields.text("scheduleId")?)?;
    let at = fields.number("sendAt", 0)?.map(Millis);
    let content = fields.raw("content").filter(|raw| raw.get() != "null");
    let content = content.map(|raw| commands::checked("content", raw, limits)).transpose()?;
    if at.is_none() && content.is_none() {
        return Err(Refusal::invalid("sendAt", "or content is required"));
    }
    if let Some(at) = at {
        may_be_said_at(at, caller.now, limits)?;
    }
    let change = change(service, caller, &id, Expected::There, None)?;
    let (service, key) = (Arc::clone(service), change.id.clone());
    Ok(Work::Later(Box::pin(async move {
        for _ in 0..TRIES_MAX {
            let places = vec![(OwnKind::Schedule, key.clone())];
            let found = service.store.own_at(change.user.clone(), places).await.map_err(failed)?;
            let record = found.first().ok_or(Refusal::NotFound)?;
            let was = Stored::of(record).ok_or(Refusal::Internal)?;
            let limits = &service.settings.limits;
            let now = was.changed(at, content.as_ref(), limits)?;
            let value = now.value();
            let scheduled = Some(Scheduled { value, due: Some(now.send_at) });
            let expected = Expected::At(record.at);
            let change = ChangeSchedule { expected, scheduled, ..change.clone() };
            let changed = service.around.change_schedule(change).await.map_err(failed)?;
            if let ScheduleChanged::Done(record) = changed {
                service.wake.now();
                return Ok(answer(&id, now.send_at, Some(&record)));
            }
        }
        Err(Refusal::overloaded())
    })))
}

/// A change of the caller's that is checked and charged.
fn change(
    service: &Service,
    caller: &Caller<'_>,
    id: &str,
    expected: Expected,
    scheduled: Option<Scheduled>,
) -> Result<ChangeSchedule, Refusal> {
    let id = OwnKey::parse(id).ok_or(Refusal::NotFound)?;
    service.accepts_writes()?;
    caller.charge(service)?;
    Ok(ChangeSchedule {
        user: caller.user.clone(),
        id,
        expected,
        scheduled,
        records_max: service.settings.limits.schedules_per_user_max,
        now: caller.now,
        origin: traces::origin(caller.socket.key().get()),
    })
}

/// A value as it is in a record.
fn text(value: Option<&OwnValue>) -> &str {
    value.map_or("null", |value| &value.0)
}
