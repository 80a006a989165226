//! What each write about devices does inside the writer's transaction.
//!
//! A revoked device stays as a tombstone, so that older tokens do not open it; tombstones and devices
//! of one user are bounded.

use parlor_chat::entry::Millis;
use parlor_chat::ids::{DeviceId, UserId};
use parlor_chat::store::{AttachDevice, Revoked, StoreError};
use rusqlite::{Connection, OptionalExtension};

use super::commands::user_or_new;
use super::mark_blocks;
use super::rows::{self, Failure, int, nat};
use super::tokens;

/// `last_seen` of a device is written at most this often, so that most connects only read.
pub(crate) const LAST_SEEN_STEP_MS: u64 = 10 * 60 * 1_000;

/// Devices of one user that are gone and still named; the oldest beyond it become one floor.
const TOMBSTONES_MAX: i64 = 64;

/// Notes that a device is here.
pub(crate) fn attach(conn: &Connection, attach: &AttachDevice) -> Result<(), Failure> {
    let user = rows::user_id(conn, &attach.user)?;
    if let Some(user) = user {
        tokens::check(conn, user, attach.token_issued)?;
    }
    if attach.device.is_shared() {
        return Ok(());
    }
    let now = rows::bound(attach.now.0);
    let known = match user {
        None => None,
        Some(user) => device_row(conn, user, &attach.device)?,
    };
    if known.as_ref().is_some_and(|known| known.refuses(attach.token_issued)) {
        return Err(StoreError::DeviceRevoked.into());
    }
    if let Some(known) = known.as_ref().filter(|known| known.active) {
        if known.last_seen.saturating_add(int(LAST_SEEN_STEP_MS)) <= now {
            conn.prepare_cached("UPDATE device SET last_seen = ?1 WHERE id = ?2")?
                .execute((now, known.id))?;
        }
        return Ok(());
    }
    if let Some(user) = user {
        if is_below_floor(conn, user, attach.token_issued)? {
            return Err(StoreError::DeviceRevoked.into());
        }
        make_room(conn, user, attach)?;
    } else if attach.devices_max == 0 {
        return Err(StoreError::TooManyDevices.into());
    }
    let user = user_or_new(conn, &attach.user)?;
    let sql = "INSERT INTO device (user, name, active, created, last_seen) \
               VALUES (?1, ?2, 1, ?3, ?3) ON CONFLICT (user, name) DO UPDATE \
               SET active = 1, created = excluded.created, last_seen = excluded.last_seen \
               RETURNING id";
    let device: i64 = conn
        .prepare_cached(sql)?
        .query_row((user, attach.device.as_str(), now), |row| row.get(0))?;
    let sql = "INSERT INTO delivered (device, conversation, seq, at) \
               SELECT ?1, conversation, delivered, delivered_at FROM member \
               WHERE user = ?2 AND delivered > 0";
    conn.prepare_cached(sql)?.execute([device, user])?;
    mark_blocks::start_device(conn, user, device)
}

/// Ends a device.
pub(crate) fn revoke(
    conn: &Connection,
    user: &UserId,
    device: &DeviceId,
    now: Millis,
) -> Result<Revoked, Failure> {
    let Some(user) = rows::user_id(conn, user)? else { return Ok(Revoked::NotFound) };
    let Some(known) = device_row(conn, user, device)?.filter(|known| known.active) else {
        return Ok(Revoked::NotFound);
    };
    conn.prepare_cached("UPDATE device SET active = 0, revoked = ?1 WHERE id = ?2")?
        .execute((rows::bound(now.0), known.id))?;
    conn.prepare_cached("DELETE FROM delivered WHERE device = ?1")?.execute([known.id])?;
    fold_tombstones(conn, user)?;
    Ok(Revoked::Done)
}

/// Moves a named device's own watermark, if the device is still there.
pub(crate) fn mark(
    conn: &Connection,
    user: i64,
    device: &DeviceId,
    conversation: i64,
    seq: i64,
    at: i64,
) -> Result<(), Failure> {
    let Some(known) = device_row(conn, user, device)?.filter(|known| known.active) else {
        return Ok(());
    };
    let sql = "INSERT INTO delivered (device, conversation, seq, at) VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT (device, conversation) DO UPDATE \
               SET seq = excluded.seq, at = excluded.at WHERE excluded.seq > seq";
    conn.prepare_cached(sql)?.execute((known.id, conversation, seq, at))?;
    Ok(())
}

/// A named device, as it is kept.
#[derive(Debug)]
pub(crate) struct DeviceRow {
    pub(crate) id: i64,
    pub(crate) active: bool,
    pub(crate) last_seen: i64,
    revoked: Option<i64>,
}

impl DeviceRow {
    /// Whether a token issued then no longer opens it.
    pub(crate) fn refuses(&self, token_issued: Option<Millis>) -> bool {
        self.revoked.is_some_and(|revoked| {
            token_issued.is_none_or(|issued| rows::bound(issued.0) <= revoked)
        })
    }
}

pub(crate) fn device_row(
    conn: &Connection,
    user: i64,
    device: &DeviceId,
) -> Result<Option<DeviceRow>, rusqlite::Error> {
    let sql = "SELECT id, active, last_seen, revoked FROM device WHERE user = ?1 AND name = ?2";
    conn.prepare_cached(sql)?
        .query_row((user, device.as_str()), |row| {
            Ok(DeviceRow {
                id: row.get(0)?,
                active: row.get(1)?,
                last_seen: row.get(2)?,
                revoked: row.get(3)?,
            })
        })
        .optional()
}

/// Keeps a user's tombstones to [`TOMBSTONES_MAX`]. The oldest beyond it are folded into one
/// without a name, which stands for all devices that are not known: tokens as old as what was
/// folded open none of them.
fn fold_tombstones(conn: &Connection, user: i64) -> Result<(), rusqlite::Error> {
    let sql = "SELECT id, revoked, created FROM device \
               WHERE user = ?1 AND active = 0 AND name <> '' \
               ORDER BY revoked DESC LIMIT -1 OFFSET ?2";
    let folded: Vec<(i64, Option<i64>, i64)> = conn
        .prepare_cached(sql)?
        .query_map([user, TOMBSTONES_MAX], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (id, revoked, created) in folded {
        conn.prepare_cached("DELETE FROM device WHERE id = ?1")?.execute([id])?;
        let Some(revoked) = revoked else { continue };
        let sql = "INSERT INTO device (user, name, active, created, last_seen, revoked) \
                   VALUES (?1, '', 0, ?2, ?2, ?3) ON CONFLICT (user, name) DO UPDATE \
                   SET revoked = max(revoked, excluded.revoked)";
        conn.prepare_cached(sql)?.execute([user, created, revoked])?;
    }
    Ok(())
}

/// Whether a token is as old as a device that was folded. One that does not say when it was
/// issued is held to the tombstones that still have a name, or it could never open a new device.
fn is_below_floor(
    conn: &Connection,
    user: i64,
    token_issued: Option<Millis>,
) -> Result<bool, rusqlite::Error> {
    let Some(issued) = token_issued else { return Ok(false) };
    let floor = device_row(conn, user, &DeviceId::shared())?;
    Ok(floor.is_some_and(|floor| floor.refuses(Some(issued))))
}

/// Sees to it that the user may have one more device: the one not seen for longest goes, if it
/// has been idle for long enough.
fn make_room(conn: &Connection, user: i64, attach: &AttachDevice) -> Result<(), Failure> {
    let sql = "SELECT count(*) FROM device WHERE user = ?1 AND active = 1";
    let devices: i64 = conn.prepare_cached(sql)?.query_row([user], |row| row.get(0))?;
    if nat(devices)? < attach.devices_max as u64 {
        return Ok(());
    }
    let sql = "SELECT id, last_seen FROM device WHERE user = ?1 AND active = 1 \
               ORDER BY last_seen LIMIT 1";
    let stalest: Option<(i64, i64)> = conn
        .prepare_cached(sql)?
        .query_row([user], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let idle_since = rows::bound(attach.now.0) - rows::bound(attach.idle_expiry_ms);
    match stalest {
        Some((id, last_seen)) if last_seen < idle_since => {
            conn.prepare_cached("DELETE FROM delivered WHERE device = ?1")?.execute([id])?;
            // A tombstone keeps refusing the tokens that it refused.
            conn.prepare_cached("UPDATE device SET active = 0 WHERE id = ?1")?.execute([id])?;
            Ok(fold_tombstones(conn, user)?)
        }
        _ => Err(StoreError::TooManyDevices.into()),
    }
}
