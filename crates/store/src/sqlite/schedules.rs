//! Messages that are to be said later: their users' own records, with the time beside them at which
//! they are due.

use parlor_chat::around::schedule::{
    ChangeSchedule, DueMessage, DuePage, Expected, Fire, ScheduleChanged,
};
use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;
use parlor_chat::own::{OwnCommitted, OwnKey, OwnKind, OwnRecord};
use parlor_chat::store::{Origin, StoreError};
use rusqlite::{Connection, OptionalExtension, ffi};

use super::commands::{AppendDone, Executor, Turn, user_or_new};
use super::own::{self, Found};
use super::queries::PAGE_BYTES_MAX;
use super::readers::Reader;
use super::rows::{self, Failure, bound, nat};

const SCHEDULE: OwnKind = OwnKind::Schedule;

/// What a change came to, and what is to be told of it.
pub(crate) type ChangeDone = (ScheduleChanged, Vec<OwnCommitted>);

/// What was said, and what is to be told beside.
pub(crate) struct FireDone {
    pub(crate) append: AppendDone,
    pub(crate) removed: OwnCommitted,
}

impl Executor {
    pub(crate) fn change_schedule(
        &mut self,
        conn: &Connection,
        change: &ChangeSchedule,
    ) -> Result<ChangeDone, Failure> {
        let (_, keys) = self.names_and_keys();
        let user = match rows::user_id(conn, &change.user)? {
            Some(user) => user,
            None if change.expected == Expected::New => user_or_new(conn, &change.user)?,
            None => return Err(StoreError::NotFound.into()),
        };
        let named = (user, &change.user);
        let found = own::find(conn, user, SCHEDULE, &change.id)?;
        let is_there = found.as_ref().is_some_and(|found| found.value.is_some());
        let mut told = Vec::new();
        match (change.expected, &found) {
            (Expected::New, Some(found)) if is_there => {
                let value = own::opened(conn, keys, named, SCHEDULE, &change.id, found)?;
                let record = record(&change.id, value, found.at)?;
                return Ok((ScheduleChanged::Exists(record), told));
            }
            (Expected::New, Some(_)) => return Ok((ScheduleChanged::WasThere, told)),
            (Expected::New, None) => {}
            _ if !is_there => return Err(StoreError::NotFound.into()),
            (Expected::At(at), Some(found)) if found.at != bound(at.0) => {
                return Ok((ScheduleChanged::Superseded, told));
            }
            _ => {}
        }
        if found.is_none() && own::live(conn, user, SCHEDULE)? >= change.records_max as u64 {
            told.push(make_room(conn, named, change)?);
        }
        let at = bound(change.now.0).max(found.as_ref().map_or(0, |found| found.at + 1));
        let value = change.scheduled.as_ref().map(|scheduled| scheduled.value.clone());
        let record = record(&change.id, value, at)?;
        own::put(conn, keys, named, &record, found.as_ref(), is_there)?;
        if let Some(due) = change.scheduled.as_ref().and_then(|scheduled| scheduled.due) {
            let sql = "UPDATE own SET due = ?4 WHERE user = ?1 AND kind = ?2 AND key = ?3";
            let place = (user, own::number(SCHEDULE), change.id.as_str(), bound(due.0));
            conn.prepare_cached(sql)?.execute(place)?;
        }
        told.push(committed(&change.user, change.origin, record.clone()));
        Ok((ScheduleChanged::Done(record), told))
    }

    /// Says a message that was to be said later, and removes its record; `None` if that is not what it
    /// was.
    pub(crate) fn fire(
        &mut self,
        conn: &Connection,
        turn: &Turn<'_>,
        fire: &Fire,
    ) -> Result<Option<FireDone>, Failure> {
        let append = &fire.say.append;
        let Some(user) = rows::user_id(conn, &append.from)? else { return Ok(None) };
        let is_due = "SELECT 1 FROM own WHERE user = ?1 AND kind = ?2 AND key = ?3 AND at = ?4 \
                      AND due IS NOT NULL AND value IS NOT NULL";
        let place = (user, own::number(SCHEDULE), fire.id.as_str(), bound(fire.at.0));
        if !conn.prepare_cached(is_due)?.exists(place)? {
            return Ok(None);
        }
        let screening = fire.say.screening.as_ref();
        let done = self.append(conn, turn, append, Some(&fire.say), screening)?;
        // From here on nothing may be refused: the message is there.
        let removed = remove(conn, (user, &append.from), &fire.id, append.now, append.origin);
        let removed = removed.map_err(unsound)?;
        Ok(Some(FireDone { append: done, removed }))
    }
}

/// Removes the record that was due no more first, so that there is room for a new one.
fn make_room(
    conn: &Connection,
    user: (i64, &UserId),
    change: &ChangeSchedule,
) -> Result<OwnCommitted, Failure> {
    let sql = "SELECT key FROM own WHERE user = ?1 AND kind = ?2 AND value IS NOT NULL \
               AND due IS NULL ORDER BY at LIMIT 1";
    let oldest: Option<String> = conn
        .prepare_cached(sql)?
        .query_row([user.0, own::number(SCHEDULE)], |row| row.get(0))
        .optional()?;
    let oldest = oldest.and_then(|key| OwnKey::parse(&key));
    let oldest = oldest.ok_or(StoreError::TooManyRecords)?;
    remove(conn, user, &oldest, change.now, Origin::default())
}

/// Removes a record that is there.
fn remove(
    conn: &Connection,
    (user, name): (i64, &UserId),
    key: &OwnKey,
    now: Millis,
    origin: Origin,
) -> Result<OwnCommitted, Failure> {
    let found = own::find(conn, user, SCHEDULE, key)?;
    let at = bound(now.0).max(found.as_ref().map_or(0, |found| found.at + 1));
    let record = record(key, None, at)?;
    own::put_plain(conn, user, &record, None, found.as_ref(), true)?;
    Ok(committed(name, origin, record))
}

fn record(
    key: &OwnKey,
    value: Option<parlor_chat::own::OwnValue>,
    at: i64,
) -> Result<OwnRecord, StoreError> {
    Ok(OwnRecord { kind: SCHEDULE, key: key.clone(), value, at: Millis(nat(at)?) })
}

fn committed(user: &UserId, origin: Origin, record: OwnRecord) -> OwnCommitted {
    OwnCommitted { user: user.clone(), origin, records: vec![record] }
}

/// Rows that contradict each other, as damage by which the whole transaction is rolled back.
fn unsound(failure: Failure) -> rusqlite::Error {
    match failure {
        Failure::Engine(error) => error,
        Failure::Refused(error) => rusqlite::Error::SqliteFailure(
            ffi::Error::new(ffi::SQLITE_CORRUPT),
            Some(error.to_string()),
        ),
    }
}

impl Reader {
    /// What is to be said by a time; and what of it cannot be read, which is passed over.
    pub(crate) fn due(
        &mut self,
        now: Millis,
        limit: usize,
    ) -> Result<(DuePage, Vec<String>), Failure> {
        let sql = "SELECT o.user, u.name, o.key, o.value, o.sealed, o.at, o.due FROM own o \
                   LEFT JOIN user u ON u.id = o.user WHERE o.due IS NOT NULL AND o.value IS NOT NULL \
                   ORDER BY o.due, o.at";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(())?;
        let (mut page, mut damage, mut taken_bytes) = (DuePage::default(), Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let due: i64 = row.get(6)?;
            if due > bound(now.0) {
                page.next = Some(Millis(nat(due)?));
                break;
            }
            if page.messages.len() >= limit || taken_bytes >= PAGE_BYTES_MAX {
                page.next = Some(now);
                break;
            }
            let (user, name, key): (i64, Option<String>, String) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            let found = Found { value: row.get(3)?, sealed: row.get(4)?, at: row.get(5)? };
            let name = name.and_then(|name| UserId::parse(&name).ok());
            let (Some(name), Some(key)) = (name, OwnKey::parse(&key)) else {
                damage.push(format!("a message of user {user} that is due"));
                continue;
            };
            let keys = self.names.keys();
            match own::opened(&self.conn, keys, (user, &name), SCHEDULE, &key, &found) {
                Ok(value) => {
                    taken_bytes += value.as_ref().map_or(0, |value| value.0.len());
                    let (record, due) = (record(&key, value, found.at)?, Millis(nat(due)?));
                    page.messages.push(DueMessage { user: name, record, due });
                }
                Err(Failure::Engine(error)) => return Err(error.into()),
                Err(Failure::Refused(error)) => damage.push(error.to_string()),
            }
        }
        Ok((page, damage))
    }
}
