//! Users' own records: changed by the writer, all or none of a wish; read by kind, by place, and by
//! what changed since a position.
//!
//! `own_kind` counts what a user has of a kind, so that no change has to; `verify` holds it against
//! the records. Of the removed records of a kind the newest are remembered; time and position of the
//! newest that is not tell to whom the kind is as good as unknown. Values that are a user's own words
//! are sealed where contents are.

use std::collections::BTreeMap;

use parlor_chat::entry::Millis;
use parlor_chat::ids::{ConversationId, MessageId, Seq, UserId};
use parlor_chat::own::{
    OWN_MOVED_MAX, OWN_REMOVED_MAX, OwnChange, OwnChanged, OwnCommitted, OwnCursor, OwnKey,
    OwnKind, OwnMoved, OwnPage, OwnQuery, OwnRecord, OwnValue, OwnWish,
};
use parlor_chat::privacy::PrivacySetting;
use parlor_chat::store::{Mark, MarkKind, Origin, StoreError};
use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::commands::user_or_new;
use super::keys::Keys;
use super::mark_blocks;
use super::own_keys;
use super::queries::PAGE_BYTES_MAX;
use super::readers::Reader;
use super::regard;
use super::requests;
use super::rows::{self, Failure, bound, corrupt, nat};
use super::visible;

/// What a record is counted as beside its value.
const RECORD_BYTES: usize = 256;

/// The number of a kind in the file.
pub(crate) fn number(kind: OwnKind) -> i64 {
    match kind {
        OwnKind::Draft => 0,
        OwnKind::Star => 1,
        OwnKind::Muted => 2,
        OwnKind::Archived => 3,
        OwnKind::Unread => 4,
        OwnKind::Pinned => 5,
        OwnKind::Hidden => 6,
        OwnKind::Contact => 7,
        OwnKind::Privacy => 8,
        OwnKind::Schedule => 9,
        OwnKind::Request => 10,
    }
}

/// Whether records of a kind hold words of the user's.
fn is_sealed(kind: OwnKind) -> bool {
    matches!(kind, OwnKind::Draft | OwnKind::Contact | OwnKind::Schedule)
}

/// The columns [`record`] reads, in its order.
macro_rules! own_columns {
    () => {
        "key, value, sealed, at"
    };
}

/// A record as it lies in the file.
pub(crate) struct Found {
    pub(crate) value: Option<String>,
    pub(crate) sealed: Option<Vec<u8>>,
    pub(crate) at: i64,
}

/// Changes records inside the writer's transaction; gives besides the answer what is to be told.
pub(crate) fn change(
    conn: &Connection,
    keys: &mut Keys,
    change: &OwnChange,
) -> Result<(OwnChanged, OwnCommitted), Failure> {
    if let Some((conversation, seq)) = &change.about
        && !is_seen(conn, &change.user, conversation, *seq)?
    {
        return Err(StoreError::NotFound.into());
    }
    let mut done = OwnChanged { records: Vec::with_capacity(change.wishes.len()) };
    let mut told =
        OwnCommitted { user: change.user.clone(), origin: change.origin, records: Vec::new() };
    let known = rows::user_id(conn, &change.user)?;
    let mut changes = Vec::new();
    let mut at = bound(change.now.0);
    let mut more: BTreeMap<OwnKind, u64> = BTreeMap::new();
    for wish in &change.wishes {
        let found = match known {
            Some(user) => find(conn, user, wish.kind, &wish.key)?,
            None => None,
        };
        let before = match (&found, known) {
            (Some(found), Some(user)) => {
                opened(conn, keys, (user, &change.user), wish.kind, &wish.key, found)?
            }
            _ => None,
        };
        let old_at = found.as_ref().map_or(0, |found| found.at);
        if before == wish.value {
            at = at.max(old_at);
            done.records.push(as_record(wish, Millis(nat(old_at)?)));
            continue;
        }
        if wish.value.is_some() && before.is_none() {
            if wish.kind == OwnKind::Request {
                return Err(StoreError::NotFound.into());
            }
            *more.entry(wish.kind).or_default() += 1;
        }
        at = at.max(old_at + 1);
        changes.push((done.records.len(), found, before.is_some()));
        done.records.push(as_record(wish, Millis(0)));
    }
    for (kind, more) in more {
        let live = match known {
            Some(user) => live(conn, user, kind)?,
            None => 0,
        };
        if live + more > change.records_max as u64 {
            return Err(StoreError::TooManyRecords.into());
        }
    }
    if changes.is_empty() {
        return Ok((done, told));
    }
    let user = user_or_new(conn, &change.user)?;
    for (place, found, was_live) in changes {
        let record = &mut done.records[place];
        record.at = Millis(nat(at)?);
        put(conn, keys, (user, &change.user), record, found.as_ref(), was_live)?;
        if record.kind == OwnKind::Privacy && record.key == PrivacySetting::ReadReceipts.key() {
            let is_silent = !regard::has_read_receipts(conn, user)?;
            mark_blocks::silence(conn, user, is_silent)?;
        }
        told.records.push(record.clone());
    }
    Ok((done, told))
}

/// Removes what a read mark ends: that its user has marked the conversation as unread.
pub(crate) fn read(conn: &Connection, mark: &Mark) -> Result<Option<OwnCommitted>, Failure> {
    let (MarkKind::Read(_), true) = (&mark.kind, mark.seq.0 > 0) else { return Ok(None) };
    let Some(user) = rows::user_id(conn, &mark.user)? else { return Ok(None) };
    let key = OwnKey::conversation(&mark.conversation);
    let found = find(conn, user, OwnKind::Unread, &key)?;
    let Some(found) = found.filter(|found| found.value.is_some()) else { return Ok(None) };
    let at = Millis(nat(bound(mark.now.0).max(found.at + 1))?);
    let record = OwnRecord { kind: OwnKind::Unread, key, value: None, at };
    // A kind that is never sealed needs no keys.
    put_plain(conn, user, &record, None, Some(&found), true)?;
    Ok(Some(OwnCommitted { user: mark.user.clone(), origin: Origin::of(0), records: vec![record] }))
}

fn is_seen(
    conn: &Connection,
    user: &UserId,
    conversation: &ConversationId,
    seq: Seq,
) -> Result<bool, Failure> {
    if !visible::is_readable(conn, conversation, user, bound(seq.0))? {
        return Ok(false);
    }
    let Some(thread) = rows::find_thread(conn, conversation)? else { return Ok(false) };
    let user = thread.member(conn, user)?;
    let sql = "SELECT 1 FROM entry WHERE conversation = ?1 AND seq = ?2 \
               AND (shadow IS NULL OR sender = ?3)";
    Ok(conn.prepare_cached(sql)?.exists((thread.id, bound(seq.0), user))?)
}

fn as_record(wish: &OwnWish, at: Millis) -> OwnRecord {
    OwnRecord { kind: wish.kind, key: wish.key.clone(), value: wish.value.clone(), at }
}

pub(crate) fn find(
    conn: &Connection,
    user: i64,
    kind: OwnKind,
    key: &OwnKey,
) -> Result<Option<Found>, rusqlite::Error> {
    let sql = "SELECT value, sealed, at FROM own WHERE user = ?1 AND kind = ?2 AND key = ?3";
    conn.prepare_cached(sql)?
        .query_row((user, number(kind), key.as_str()), |row| {
            Ok(Found { value: row.get(0)?, sealed: row.get(1)?, at: row.get(2)? })
        })
        .optional()
}

/// Whether a user has a record.
pub(crate) fn has(
    conn: &Connection,
    user: i64,
    kind: OwnKind,
    key: &OwnKey,
) -> Result<bool, rusqlite::Error> {
    Ok(find(conn, user, kind, key)?.is_some_and(|found| found.value.is_some()))
}

/// Whether a user has muted a conversation.
pub(crate) fn is_muted(
    conn: &Connection,
    user: i64,
    key: &OwnKey,
    now: Millis,
) -> Result<bool, rusqlite::Error> {
    let until = find(conn, user, OwnKind::Muted, key)?.and_then(|found| found.value);
    Ok(until.and_then(|until| until.parse().ok()).is_some_and(|until: u64| until > now.0))
}

/// Whether a user hides a message.
pub(crate) fn is_hidden(
    conn: &Connection,
    user: i64,
    message: &MessageId,
) -> Result<bool, rusqlite::Error> {
    let sql = "SELECT 1 FROM own WHERE user = ?1 AND kind = ?2 AND key = ?3 \
               AND value IS NOT NULL";
    let hidden = number(OwnKind::Hidden);
    conn.prepare_cached(sql)?.exists((user, hidden, message.as_str()))
}

/// Whether a user hides any message of a conversation.
pub(crate) fn hides_any(
    conn: &Connection,
    user: i64,
    conversation: &ConversationId,
) -> Result<bool, rusqlite::Error> {
    // The ids of its messages are its own, a colon and a number.
    let (from, to) = (format!("{conversation}:"), format!("{conversation};"));
    let sql = "SELECT 1 FROM own WHERE user = ?1 AND kind = ?2 AND key > ?3 AND key < ?4 \
               AND value IS NOT NULL LIMIT 1";
    conn.prepare_cached(sql)?.exists((user, number(OwnKind::Hidden), from, to))
}

pub(crate) fn live(conn: &Connection, user: i64, kind: OwnKind) -> Result<u64, Failure> {
    let sql = "SELECT live FROM own_kind WHERE user = ?1 AND kind = ?2";
    let live: Option<i64> =
        conn.prepare_cached(sql)?.query_row([user, number(kind)], |row| row.get(0)).optional()?;
    Ok(nat(live.unwrap_or(0))?)
}

/// Writes a record, and counts it.
pub(crate) fn put(
    conn: &Connection,
    keys: &mut Keys,
    (user, name): (i64, &UserId),
    record: &OwnRecord,
    found: Option<&Found>,
    was_live: bool,
) -> Result<(), Failure> {
    let sealed = match &record.value {
        Some(value) if is_sealed(record.kind) => {
            let context = own_keys::context(name, number(record.kind), record.key.as_str());
            let sealer = keys.find_or_make_own(conn, (user, name))?;
            sealer.map(|sealer| sealer.seal(&context, value.0.as_bytes()))
        }
        _ => None,
    };
    put_plain(conn, user, record, sealed, found, was_live)
}

/// The same, of one that is sealed already or is never.
pub(crate) fn put_plain(
    conn: &Connection,
    user: i64,
    record: &OwnRecord,
    sealed: Option<Vec<u8>>,
    found: Option<&Found>,
    was_live: bool,
) -> Result<(), Failure> {
    let kind = number(record.kind);
    let value = record.value.as_ref().map(|value| if sealed.is_some() { "" } else { &*value.0 });
    let sql = "INSERT INTO own (user, kind, key, value, sealed, at, moved) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, (SELECT coalesce(max(pos), 0) FROM entry)) \
               ON CONFLICT (user, kind, key) DO UPDATE SET value = excluded.value, \
               sealed = excluded.sealed, at = excluded.at, moved = excluded.moved, due = NULL";
    let at = bound(record.at.0);
    conn.prepare_cached(sql)?.execute((user, kind, record.key.as_str(), value, sealed, at))?;
    if record.kind == OwnKind::Request {
        requests::follow(conn, user, record)?;
    }
    let is_live = record.value.is_some();
    let live = i64::from(is_live) - i64::from(was_live);
    let removed = i64::from(!is_live) - i64::from(found.is_some() && !was_live);
    let sql = "INSERT INTO own_kind (user, kind, live, removed) VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT (user, kind) DO UPDATE \
               SET live = live + excluded.live, removed = removed + excluded.removed \
               RETURNING removed";
    let removed: i64 =
        conn.prepare_cached(sql)?.query_row((user, kind, live, removed), |row| row.get(0))?;
    if nat(removed)? > OWN_REMOVED_MAX as u64 {
        forget_oldest(conn, user, kind)?;
    }
    Ok(())
}

/// Forgets the removed record of a kind that was removed first.
fn forget_oldest(conn: &Connection, user: i64, kind: i64) -> Result<(), Failure> {
    let sql = "SELECT key, at, moved FROM own WHERE user = ?1 AND kind = ?2 AND value IS NULL \
               ORDER BY at LIMIT 1";
    let (key, at, moved): (String, i64, i64) = conn
        .prepare_cached(sql)?
        .query_row([user, kind], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let sql = "DELETE FROM own WHERE user = ?1 AND kind = ?2 AND key = ?3";
    conn.prepare_cached(sql)?.execute((user, kind, key))?;
    let sql = "UPDATE own_kind SET removed = removed - 1, forgotten_at = max(forgotten_at, ?3), \
               forgotten_moved = max(forgotten_moved, ?4) WHERE user = ?1 AND kind = ?2";
    conn.prepare_cached(sql)?.execute([user, kind, at, moved])?;
    Ok(())
}

/// A record's value, opened if it is sealed; `None` if it is removed.
pub(crate) fn opened(
    conn: &Connection,
    keys: &mut Keys,
    user: (i64, &UserId),
    kind: OwnKind,
    key: &OwnKey,
    found: &Found,
) -> Result<Option<OwnValue>, Failure> {
    let (Some(value), Some(sealed)) = (&found.value, &found.sealed) else {
        return Ok(found.value.as_deref().map(OwnValue::of));
    };
    let what = || corrupt(format!("record {} {} of {}", number(kind), key.as_str(), user.1));
    let sealer = keys.find_own(conn, user)?.ok_or_else(what)?;
    let context = own_keys::context(user.1, number(kind), key.as_str());
    let text = sealer.open(&context, sealed).ok().and_then(|text| String::from_utf8(text).ok());
    let text = text.filter(|_| value.is_empty()).ok_or_else(what)?;
    Ok(Some(OwnValue::of(&text)))
}

impl Reader {
    pub(crate) fn own(&mut self, query: &OwnQuery) -> Result<OwnPage, Failure> {
        let mut page = OwnPage { records: Vec::new(), next: None };
        let Some(user) = rows::user_id(&self.conn, &query.user)? else { return Ok(page) };
        let user = (user, &query.user);
        let wanted = bound(query.limit as u64) + 1;
        let (at, key) = match &query.after {
            Some(after) => (bound(after.at.0), after.key.as_str()),
            None => (i64::MAX, ""),
        };
        let sql = concat!(
            "SELECT ",
            own_columns!(),
            " FROM own WHERE user = ?1 AND kind = ?2 AND value IS NOT NULL \
             AND (at, key) < (?3, ?4) ORDER BY at DESC, key DESC LIMIT ?5"
        );
        let params = (user.0, number(query.kind), at, key, wanted);
        let (mut records, full) = self.records(user, query.kind, sql, params)?;
        let more = full || records.len() > query.limit;
        records.truncate(query.limit);
        if more {
            page.next = records.last().map(|last| OwnCursor { at: last.at, key: last.key.clone() });
        }
        page.records = records;
        Ok(page)
    }

    pub(crate) fn own_at(
        &mut self,
        name: &UserId,
        places: &[(OwnKind, OwnKey)],
    ) -> Result<Vec<OwnRecord>, Failure> {
        let mut records = Vec::new();
        let Some(user) = rows::user_id(&self.conn, name)? else { return Ok(records) };
        for (kind, key) in places {
            let Some(found) = find(&self.conn, user, *kind, key)? else { continue };
            let keys = self.names.keys();
            let value = opened(&self.conn, keys, (user, name), *kind, key, &found)?;
            if value.is_some() {
                let at = Millis(nat(found.at)?);
                records.push(OwnRecord { kind: *kind, key: key.clone(), value, at });
            }
        }
        Ok(records)
    }

    /// What changed at or after a position, or since a time.
    pub(crate) fn own_moved(
        &mut self,
        user: (i64, &UserId),
        position: i64,
        time: i64,
    ) -> Result<OwnMoved, Failure> {
        let mut moved = OwnMoved::default();
        let sql = "SELECT kind, forgotten_moved >= ?2 OR forgotten_at >= ?3 FROM own_kind \
                   WHERE user = ?1";
        let kinds: BTreeMap<i64, bool> = self
            .conn
            .prepare_cached(sql)?
            .query_map([user.0, position, time], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for kind in OwnKind::ALL {
            let Some(is_forgotten) = kinds.get(&number(kind)) else { continue };
            if *is_forgotten {
                moved.reread.push(kind);
                continue;
            }
            let sql = concat!(
                "SELECT ",
                own_columns!(),
                " FROM own WHERE user = ?1 AND kind = ?2 AND moved >= ?3 UNION SELECT ",
                own_columns!(),
                " FROM own WHERE user = ?1 AND kind = ?2 AND at >= ?4 ORDER BY 4, 1 LIMIT ?5"
            );
            let params = (user.0, number(kind), position, time, bound(OWN_MOVED_MAX as u64) + 1);
            let (mut records, full) = self.records(user, kind, sql, params)?;
            if full || records.len() > OWN_MOVED_MAX {
                moved.reread.push(kind);
            } else {
                moved.records.append(&mut records);
            }
        }
        Ok(moved)
    }

    /// The records that a statement finds, for as long as there is room, and whether it ran out.
    fn records(
        &mut self,
        user: (i64, &UserId),
        kind: OwnKind,
        sql: &str,
        params: impl Params,
    ) -> Result<(Vec<OwnRecord>, bool), Failure> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let (mut records, mut taken_bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            if taken_bytes >= PAGE_BYTES_MAX {
                return Ok((records, true));
            }
            let (key, found) = record(row)?;
            let keys = self.names.keys();
            let value = opened(&self.conn, keys, user, kind, &key, &found)?;
            taken_bytes += RECORD_BYTES + value.as_ref().map_or(0, |value| value.0.len());
            records.push(OwnRecord { kind, key, value, at: Millis(nat(found.at)?) });
        }
        Ok((records, false))
    }
}

fn record(row: &Row<'_>) -> Result<(OwnKey, Found), Failure> {
    let key: String = row.get(0)?;
    let key = OwnKey::parse(&key).ok_or_else(|| corrupt("the key of a user's record"))?;
    Ok((key, Found { value: row.get(1)?, sealed: row.get(2)?, at: row.get(3)? }))
}
