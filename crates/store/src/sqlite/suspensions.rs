//! Who is suspended, and what users are told by moderators.
//!
//! A suspension is looked at by every append and every attach of a device, inside the writer's
//! transaction or in a read before it; as long as nobody was ever suspended, neither costs a query.

use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;
use parlor_chat::moderation::{Notice, NoticeId, Suspension};
use parlor_chat::store::StoreError;
use rusqlite::{Connection, OptionalExtension};

use super::readers::Reader;
use super::rows::{self, Failure, bound, int, nat};

/// Whether anybody is suspended, or was told something that is not confirmed.
pub(crate) fn any(conn: &Connection) -> Result<bool, rusqlite::Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM suspension) OR EXISTS (SELECT 1 FROM notice)";
    conn.query_row(sql, (), |row| row.get(0))
}

/// A user's suspension, if it holds at that time.
pub(crate) fn find(
    conn: &Connection,
    user: i64,
    now: Millis,
) -> Result<Option<Suspension>, Failure> {
    let sql = "SELECT until, reason FROM suspension WHERE user = ?1 \
               AND (until IS NULL OR until > ?2)";
    let found: Option<(Option<i64>, String)> = conn
        .prepare_cached(sql)?
        .query_row([user, bound(now.0)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((until, reason)) = found else { return Ok(None) };
    let until = until.map(nat).transpose()?.map(Millis);
    Ok(Some(Suspension { until, reason: reason.into() }))
}

/// Refuses what a suspended user does.
pub(crate) fn refuse(conn: &Connection, user: &UserId, now: Millis) -> Result<(), Failure> {
    let Some(user) = rows::user_id(conn, user)? else { return Ok(()) };
    match find(conn, user, now)? {
        None => Ok(()),
        Some(suspension) => Err(StoreError::Suspended { until: suspension.until }.into()),
    }
}

/// Suspends a user from now on, in place of an earlier suspension.
pub(crate) fn set(
    conn: &Connection,
    user: i64,
    suspension: &Suspension,
) -> Result<(), rusqlite::Error> {
    let sql = "INSERT INTO suspension (user, until, reason) VALUES (?1, ?2, ?3) \
               ON CONFLICT (user) DO UPDATE SET until = excluded.until, reason = excluded.reason";
    let until = suspension.until.map(|until| int(until.0));
    conn.prepare_cached(sql)?.execute((user, until, &*suspension.reason))?;
    Ok(())
}

/// Ends a user's suspension.
pub(crate) fn lift(conn: &Connection, user: i64) -> Result<(), rusqlite::Error> {
    conn.prepare_cached("DELETE FROM suspension WHERE user = ?1")?.execute([user])?;
    Ok(())
}

/// Keeps what a user is told until it is confirmed; of more than `notices_max` the oldest go.
pub(crate) fn tell(
    conn: &Connection,
    user: i64,
    notice: &Notice,
    notices_max: usize,
) -> Result<(), rusqlite::Error> {
    let sql = "INSERT INTO notice (id, user, at, text) VALUES (?1, ?2, ?3, ?4)";
    let (id, at) = (int(notice.id.0), int(notice.at.0));
    conn.prepare_cached(sql)?.execute((id, user, at, &*notice.text))?;
    let sql = "DELETE FROM notice WHERE id IN \
               (SELECT id FROM notice WHERE user = ?1 ORDER BY id DESC LIMIT -1 OFFSET ?2)";
    let kept = i64::try_from(notices_max.max(1)).unwrap_or(i64::MAX);
    conn.prepare_cached(sql)?.execute([user, kept])?;
    Ok(())
}

/// Forgets what a user has confirmed.
pub(crate) fn confirm(conn: &Connection, user: &UserId, up_to: NoticeId) -> Result<(), Failure> {
    let Some(user) = rows::user_id(conn, user)? else { return Ok(()) };
    let sql = "DELETE FROM notice WHERE user = ?1 AND id <= ?2";
    conn.prepare_cached(sql)?.execute([user, bound(up_to.0)])?;
    Ok(())
}

impl Reader {
    pub(crate) fn suspension(
        &mut self,
        user: &UserId,
        now: Millis,
    ) -> Result<Option<Suspension>, Failure> {
        match rows::user_id(&self.conn, user)? {
            Some(user) => find(&self.conn, user, now),
            None => Ok(None),
        }
    }

    pub(crate) fn notices(&mut self, user: &UserId) -> Result<Vec<Notice>, Failure> {
        let Some(user) = rows::user_id(&self.conn, user)? else { return Ok(Vec::new()) };
        let sql = "SELECT id, at, text FROM notice WHERE user = ?1 ORDER BY id";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query([user])?;
        let mut notices = Vec::new();
        while let Some(row) = rows.next()? {
            let text: String = row.get(2)?;
            let (id, at) = (NoticeId(nat(row.get(0)?)?), Millis(nat(row.get(1)?)?));
            notices.push(Notice { id, at, text: text.into() });
        }
        Ok(notices)
    }
}
