//! Users' own records: changed all or none of a wish; read by kind, by place, and by what changed since
//! a position.
//!
//! `own_kind` counts what a user has of a kind, so that no change has to. Of the removed records of a
//! kind the newest are remembered; time and position of the newest that is not tell to whom the kind is
//! as good as unknown.

use std::collections::BTreeMap;

use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;
use parlor_chat::own::{
    OWN_MOVED_MAX, OWN_REMOVED_MAX, OwnChange, OwnChanged, OwnCommitted, OwnCursor, OwnKey,
    OwnKind, OwnMoved, OwnPage, OwnQuery, OwnRecord, OwnValue, OwnWish,
};
use parlor_chat::store::StoreError;
use tokio_postgres::Row;

use super::conn::{Conn, Failure, Param, params};
use super::reads::PAGE_BYTES_MAX;
use super::turn::Turn;
use super::{requests, threads, visible};
use crate::kept::numbers::{bound, corrupt, nat};

/// What a record is counted as beside its value.
const RECORD_BYTES: usize = 256;

/// The number of a kind in the tables.
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

/// A record as it lies in the table.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) value: Option<OwnValue>,
    pub(crate) at: i64,
}

/// Changes records; gives besides the answer what is to be told.
pub(crate) async fn change(
    turn: &mut Turn<'_>,
    change: &OwnChange,
) -> Result<(OwnChanged, OwnCommitted), Failure> {
    let (conn, user) = (turn.conn, &change.user);
    if let Some((conversation, seq)) = &change.about {
        let thread = threads::of_member(conn, conversation, user).await?;
        let seq = bound(seq.0);
        let sql = "SELECT 1 FROM entry WHERE conversation = $1 AND seq = $2 \
                   AND (NOT shadow OR sender = $3)";
        if !visible::may_see(conn, &thread, user, seq).await?
            || !conn.exists(sql, params![thread.id(), seq, user.as_str()]).await?
        {
            return Err(StoreError::NotFound.into());
        }
    }
    let mut done = OwnChanged { records: Vec::with_capacity(change.wishes.len()) };
    let mut told = OwnCommitted { user: user.clone(), origin: change.origin, records: Vec::new() };
    let places: Vec<(OwnKind, &OwnKey)> =
        change.wishes.iter().map(|wish| (wish.kind, &wish.key)).collect();
    let found = find_all(conn, user, &places).await?;
    let mut changes = Vec::new();
    let mut at = bound(change.now.0);
    let mut more: BTreeMap<OwnKind, u64> = BTreeMap::new();
    for (wish, found) in change.wishes.iter().zip(found) {
        let before = found.as_ref().and_then(|found| found.value.clone());
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
        changes.push((done.records.len(), found));
        done.records.push(as_record(wish, Millis(0)));
    }
    for (kind, more) in more {
        if live(conn, user, kind).await? + more > change.records_max as u64 {
            return Err(StoreError::TooManyRecords.into());
        }
    }
    for (place, found) in changes {
        let record = &mut done.records[place];
        record.at = Millis(nat(at)?);
        put(turn, user, record, found.as_ref(), None).await?;
        told.records.push(record.clone());
    }
    Ok((done, told))
}

fn as_record(wish: &OwnWish, at: Millis) -> OwnRecord {
    OwnRecord { kind: wish.kind, key: wish.key.clone(), value: wish.value.clone(), at }
}

/// Records at some places, in their order, removed ones too.
pub(crate) async fn find_all(
    conn: Conn<'_>,
    user: &UserId,
    places: &[(OwnKind, &OwnKey)],
) -> Result<Vec<Option<Found>>, Failure> {
    let (kinds, keys): (Vec<i64>, Vec<&str>) =
        places.iter().map(|(kind, key)| (number(*kind), key.as_str())).unzip();
    let sql = "SELECT o.value, o.at FROM unnest($2::bigint[], $3::text[]) WITH ORDINALITY \
               AS w (kind, key, n) LEFT JOIN own o ON o.user_id = $1 AND o.kind = w.kind \
               AND o.key = w.key ORDER BY w.n";
    let rows = conn.query(sql, params![user.as_str(), kinds, keys]).await?;
    let found = |row: &Row| -> Result<Option<Found>, Failure> {
        let Some(at) = row.try_get::<_, Option<i64>>(1)? else { return Ok(None) };
        Ok(Some(Found { value: value_of(row, 0)?, at }))
    };
    rows.iter().map(found).collect()
}

pub(crate) async fn find(
    conn: Conn<'_>,
    user: &UserId,
    kind: OwnKind,
    key: &OwnKey,
) -> Result<Option<Found>, Failure> {
    Ok(find_all(conn, user, &[(kind, key)]).await?.into_iter().next().flatten())
}

fn value_of(row: &Row, at: usize) -> Result<Option<OwnValue>, Failure> {
    Ok(row.try_get::<_, Option<&str>>(at)?.map(OwnValue::of))
}

pub(crate) async fn live(conn: Conn<'_>, user: &UserId, kind: OwnKind) -> Result<u64, Failure> {
    let sql = "SELECT live FROM own_kind WHERE user_id = $1 AND kind = $2";
    Ok(nat(conn.number(sql, params![user.as_str(), number(kind)]).await?)?)
}

/// Writes a record, and counts it; `due` is when it is to be said, if that is what it is about.
pub(crate) async fn put(
    turn: &mut Turn<'_>,
    user: &UserId,
    record: &OwnRecord,
    found: Option<&Found>,
    due: Option<Millis>,
) -> Result<(), Failure> {
    let (kind, key) = (number(record.kind), record.key.as_str());
    let (position, conn) = (turn.position().await?, turn.conn);
    let was_live = found.is_some_and(|found| found.value.is_some());
    let sql = "INSERT INTO own (user_id, kind, key, value, at, moved, due) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) \
               ON CONFLICT (user_id, kind, key) DO UPDATE SET value = excluded.value, \
               at = excluded.at, moved = excluded.moved, due = excluded.due";
    let value = record.value.as_ref().map(|value| &*value.0);
    let (at, due) = (bound(record.at.0), due.map(|due| bound(due.0)));
    conn.execute(sql, params![user.as_str(), kind, key, value, at, position, due]).await?;
    if record.kind == OwnKind::Request {
        requests::follow(turn, user, record).await?;
    }
    let is_live = record.value.is_some();
    let live = i64::from(is_live) - i64::from(was_live);
    let removed = i64::from(!is_live) - i64::from(found.is_some() && !was_live);
    let sql = "INSERT INTO own_kind AS k (user_id, kind, live, removed) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (user_id, kind) DO UPDATE SET live = k.live + excluded.live, \
               removed = k.removed + excluded.removed RETURNING removed";
    let removed = conn.number(sql, params![user.as_str(), kind, live, removed]).await?;
    if nat(removed)? > OWN_REMOVED_MAX as u64 {
        // The one that was removed first is forgotten.
        let sql = "WITH oldest AS (DELETE FROM own WHERE user_id = $1 AND kind = $2 AND key = \
                   (SELECT key FROM own WHERE user_id = $1 AND kind = $2 AND value IS NULL \
                   ORDER BY at LIMIT 1) RETURNING at, moved) \
                   UPDATE own_kind k SET removed = k.removed - 1, \
                   forgotten_at = greatest(k.forgotten_at, oldest.at), \
                   forgotten_moved = greatest(k.forgotten_moved, oldest.moved) \
                   FROM oldest WHERE k.user_id = $1 AND k.kind = $2";
        conn.execute(sql, params![user.as_str(), kind]).await?;
    }
    Ok(())
}

/// A page of the records of one kind.
pub(crate) async fn page(conn: Conn<'_>, query: &OwnQuery) -> Result<OwnPage, Failure> {
    let (at, key) = match &query.after {
        Some(after) => (bound(after.at.0), after.key.as_str()),
        None => (i64::MAX, ""),
    };
    let sql = "SELECT key, value, at FROM own WHERE user_id = $1 AND kind = $2 \
               AND value IS NOT NULL AND (at, key) < ($3, $4) ORDER BY at DESC, key DESC LIMIT $5";
    let wanted = bound(query.limit as u64) + 1;
    let params = params![query.user.as_str(), number(query.kind), at, key, wanted];
    let (mut records, full) = records(conn, query.kind, sql, params).await?;
    let more = full || records.len() > query.limit;
    records.truncate(query.limit);
    let last = records.last().filter(|_| more);
    let next = last.map(|last| OwnCursor { at: last.at, key: last.key.clone() });
    Ok(OwnPage { records, next })
}

/// Those of some records that are there.
pub(crate) async fn at(
    conn: Conn<'_>,
    user: &UserId,
    places: &[(OwnKind, OwnKey)],
) -> Result<Vec<OwnRecord>, Failure> {
    let asked: Vec<(OwnKind, &OwnKey)> = places.iter().map(|(kind, key)| (*kind, key)).collect();
    let found = find_all(conn, user, &asked).await?;
    let mut records = Vec::new();
    for ((kind, key), found) in places.iter().zip(found) {
        if let Some(Found { value: Some(value), at }) = found {
            let (key, at) = (key.clone(), Millis(nat(at)?));
            records.push(OwnRecord { kind: *kind, key, value: Some(value), at });
        }
    }
    Ok(records)
}

/// What changed at or after a position, or since a time.
pub(crate) async fn moved(
    conn: Conn<'_>,
    user: &UserId,
    position: i64,
    time: i64,
) -> Result<OwnMoved, Failure> {
    let mut moved = OwnMoved::default();
    let sql = "SELECT kind, forgotten_moved >= $2 OR forgotten_at >= $3 FROM own_kind \
               WHERE user_id = $1";
    let mut kinds: BTreeMap<i64, bool> = BTreeMap::new();
    for row in conn.query(sql, params![user.as_str(), position, time]).await? {
        kinds.insert(row.try_get(0)?, row.try_get(1)?);
    }
    for kind in OwnKind::ALL {
        let Some(is_forgotten) = kinds.get(&number(kind)) else { continue };
        if *is_forgotten {
            moved.reread.push(kind);
            continue;
        }
        let sql = "SELECT key, value, at FROM own WHERE user_id = $1 AND kind = $2 \
                   AND (moved >= $3 OR at >= $4) ORDER BY at, key LIMIT $5";
        let wanted = bound(OWN_MOVED_MAX as u64) + 1;
        let params = params![user.as_str(), number(kind), position, time, wanted];
        let (mut records, full) = records(conn, kind, sql, params).await?;
        if full || records.len() > OWN_MOVED_MAX {
            moved.reread.push(kind);
        } else {
            moved.records.append(&mut records);
        }
    }
    Ok(moved)
}

/// The records that a statement finds, for as long as there is room, and whether it ran out.
async fn records(
    conn: Conn<'_>,
    kind: OwnKind,
    sql: &str,
    params: &[&dyn Param],
) -> Result<(Vec<OwnRecord>, bool), Failure> {
    let (mut records, mut taken_bytes) = (Vec::new(), 0);
    for row in conn.query(sql, params).await? {
        if taken_bytes >= PAGE_BYTES_MAX {
            return Ok((records, true));
        }
        let key = OwnKey::parse(row.try_get(0)?);
        let key = key.ok_or_else(|| corrupt("the key of a user's record"))?;
        let value = value_of(&row, 1)?;
        taken_bytes += RECORD_BYTES + value.as_ref().map_or(0, |value| value.0.len());
        records.push(OwnRecord { kind, key, value, at: Millis(nat(row.try_get(2)?)?) });
    }
    Ok((records, false))
}
