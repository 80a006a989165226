//! Messages that are to be said later: their users' own records, with the time beside them at which
//! they are due.

use parlor_chat::around::schedule::{
    ChangeSchedule, DueMessage, DuePage, Expected, Fire, Fired, ScheduleChanged,
};
use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;
use parlor_chat::own::{OwnCommitted, OwnKey, OwnKind, OwnRecord, OwnValue};
use parlor_chat::store::{Origin, StoreError};

use super::appends::Spoken;
use super::conn::{Conn, Failure, params};
use super::own;
use super::reads::PAGE_BYTES_MAX;
use super::turn::Turn;
use crate::kept::numbers::{bound, corrupt, nat};

const SCHEDULE: OwnKind = OwnKind::Schedule;

/// Puts, changes or removes a message that is to be said later.
pub(crate) async fn change(
    turn: &mut Turn<'_>,
    change: &ChangeSchedule,
) -> Result<ScheduleChanged, Failure> {
    let (conn, user) = (turn.conn, &change.user);
    let found = own::find(conn, user, SCHEDULE, &change.id).await?;
    let value = found.as_ref().and_then(|found| found.value.clone());
    match (change.expected, &found) {
        (Expected::New, Some(found)) => {
            return Ok(match value {
                Some(value) => ScheduleChanged::Exists(record(&change.id, Some(value), found.at)?),
                None => ScheduleChanged::WasThere,
            });
        }
        (Expected::New, None) => {}
        _ if value.is_none() => return Err(StoreError::NotFound.into()),
        (Expected::At(at), Some(found)) if found.at != bound(at.0) => {
            return Ok(ScheduleChanged::Superseded);
        }
        _ => {}
    }
    if found.is_none() && own::live(conn, user, SCHEDULE).await? >= change.records_max as u64 {
        let told = make_room(turn, change).await?;
        turn.work.own.push(told);
    }
    let at = bound(change.now.0).max(found.as_ref().map_or(0, |found| found.at + 1));
    let value = change.scheduled.as_ref().map(|scheduled| scheduled.value.clone());
    let due = change.scheduled.as_ref().and_then(|scheduled| scheduled.due);
    let record = record(&change.id, value, at)?;
    own::put(turn, user, &record, found.as_ref(), due).await?;
    turn.work.own.push(committed(user, change.origin, record.clone()));
    Ok(ScheduleChanged::Done(record))
}

/// Says a message that was to be said later, and removes its record, if that is what it was.
pub(crate) async fn fire(turn: &mut Turn<'_>, fire: &Fire) -> Result<Fired, Failure> {
    let append = &fire.say.append;
    let is_due = "SELECT 1 FROM own WHERE user_id = $1 AND kind = $2 AND key = $3 AND at = $4 \
                  AND due IS NOT NULL AND value IS NOT NULL";
    let (kind, at) = (own::number(SCHEDULE), bound(fire.at.0));
    let place = params![append.from.as_str(), kind, fire.id.as_str(), at];
    if !turn.conn.exists(is_due, place).await? {
        return Ok(Fired::Superseded);
    }
    let spoken =
        Spoken { append, outside: Some(&fire.say), screening: fire.say.screening.as_ref() };
    let said = turn.say(&[spoken]).await?.into_iter().next();
    let appended = turn.work.told(said.ok_or(StoreError::NotFound)?, append.origin)?;
    let told = remove(turn, &append.from, &fire.id, append.now, append.origin).await?;
    turn.work.own.push(told);
    Ok(Fired::Said(appended))
}

/// Removes the record that was due no more first, so that there is room for a new one.
async fn make_room(turn: &mut Turn<'_>, change: &ChangeSchedule) -> Result<OwnCommitted, Failure> {
    let sql = "SELECT key FROM own WHERE user_id = $1 AND kind = $2 AND value IS NOT NULL \
               AND due IS NULL ORDER BY at LIMIT 1";
    let place = params![change.user.as_str(), own::number(SCHEDULE)];
    let oldest = turn.conn.first(sql, place).await?.ok_or(StoreError::TooManyRecords)?;
    let oldest = OwnKey::parse(oldest.try_get(0)?).ok_or(StoreError::TooManyRecords)?;
    remove(turn, &change.user, &oldest, change.now, Origin::default()).await
}

/// Removes a record that is there.
async fn remove(
    turn: &mut Turn<'_>,
    user: &UserId,
    key: &OwnKey,
    now: Millis,
    origin: Origin,
) -> Result<OwnCommitted, Failure> {
    let found = own::find(turn.conn, user, SCHEDULE, key).await?;
    let at = bound(now.0).max(found.as_ref().map_or(0, |found| found.at + 1));
    let record = record(key, None, at)?;
    own::put(turn, user, &record, found.as_ref(), None).await?;
    Ok(committed(user, origin, record))
}

fn record(key: &OwnKey, value: Option<OwnValue>, at: i64) -> Result<OwnRecord, StoreError> {
    Ok(OwnRecord { kind: SCHEDULE, key: key.clone(), value, at: Millis(nat(at)?) })
}

fn committed(user: &UserId, origin: Origin, record: OwnRecord) -> OwnCommitted {
    OwnCommitted { user: user.clone(), origin, records: vec![record] }
}

/// What is to be said by a time.
pub(crate) async fn due(conn: Conn<'_>, now: Millis, limit: usize) -> Result<DuePage, Failure> {
    let sql = "SELECT user_id, key, value, at, due FROM own \
               WHERE due IS NOT NULL AND value IS NOT NULL ORDER BY due, at LIMIT $1";
    let (mut page, mut taken_bytes) = (DuePage::default(), 0);
    for row in conn.query(sql, params![bound(limit as u64) + 1]).await? {
        let due: i64 = row.try_get(4)?;
        if due > bound(now.0) {
            page.next = Some(Millis(nat(due)?));
            break;
        }
        if page.messages.len() >= limit || taken_bytes >= PAGE_BYTES_MAX {
            page.next = Some(now);
            break;
        }
        let (name, key, value): (&str, &str, &str) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let what = || corrupt(format!("a message of user {name} that is due"));
        let user = UserId::parse(name).map_err(|_| what())?;
        let key = OwnKey::parse(key).ok_or_else(what)?;
        taken_bytes += value.len();
        let record = record(&key, Some(OwnValue::of(value)), row.try_get(3)?)?;
        page.messages.push(DueMessage { user, record, due: Millis(nat(due)?) });
    }
    Ok(page)
}
