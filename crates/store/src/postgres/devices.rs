//! Devices and tokens: who may be here, and since when.
//!
//! A revoked device stays as a tombstone, so that older tokens do not open it; tombstones and devices
//! of one user are bounded.

use parlor_chat::entry::Millis;
use parlor_chat::ids::{DeviceId, UserId};
use parlor_chat::store::{AttachDevice, Device, Revoked, StoreError};

use super::conn::{Conn, Failure, params};
use super::moderation;
use super::turn::Turn;
use crate::kept::numbers::{bound, corrupt, int, nat};

/// `last_seen` of a device is written at most this often, so that most connects only read.
const LAST_SEEN_STEP_MS: u64 = 10 * 60 * 1_000;

/// Devices of one user that are gone and still named; the oldest beyond it become one floor.
const TOMBSTONES_MAX: i64 = 64;

/// A named device, as it is kept.
#[derive(Debug)]
struct Known {
    is_active: bool,
    last_seen: i64,
    revoked: Option<i64>,
}

impl Known {
    /// Whether a token issued then no longer opens it.
    fn refuses(&self, token_issued: Option<Millis>) -> bool {
        self.revoked
            .is_some_and(|revoked| token_issued.is_none_or(|issued| bound(issued.0) <= revoked))
    }

    fn seen_lately(&self, now: i64) -> bool {
        self.last_seen.saturating_add(int(LAST_SEEN_STEP_MS)) > now
    }
}

async fn known(conn: Conn<'_>, user: &UserId, name: &str) -> Result<Option<Known>, Failure> {
    let sql = "SELECT active, last_seen, revoked FROM device WHERE user_id = $1 AND name = $2";
    let Some(row) = conn.first(sql, params![user.as_str(), name]).await? else { return Ok(None) };
    let (is_active, last_seen, revoked) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    Ok(Some(Known { is_active, last_seen, revoked }))
}

/// Refuses a token that was issued before its user's floor, or does not say when, if there is one.
async fn check_token(
    conn: Conn<'_>,
    user: &UserId,
    token_issued: Option<Millis>,
) -> Result<(), Failure> {
    let sql = "SELECT not_before FROM token_floor WHERE user_id = $1";
    let Some(row) = conn.first(sql, params![user.as_str()]).await? else { return Ok(()) };
    let floor: i64 = row.try_get(0)?;
    match token_issued.is_none_or(|issued| bound(issued.0) < floor) {
        true => Err(StoreError::DeviceRevoked.into()),
        false => Ok(()),
    }
}

/// Whether a device may be here without a write: known, seen lately, its token good.
pub(crate) async fn is_known(conn: Conn<'_>, attach: &AttachDevice) -> Result<bool, Failure> {
    moderation::refuse(conn, &attach.user, attach.now).await?;
    check_token(conn, &attach.user, attach.token_issued).await?;
    if attach.device.is_shared() {
        return Ok(true);
    }
    let known = known(conn, &attach.user, attach.device.as_str()).await?;
    let Some(known) = known else { return Ok(false) };
    if known.refuses(attach.token_issued) {
        return Err(StoreError::DeviceRevoked.into());
    }
    Ok(known.is_active && known.seen_lately(bound(attach.now.0)))
}

/// Notes that a device is here.
pub(crate) async fn attach(turn: &mut Turn<'_>, attach: &AttachDevice) -> Result<(), Failure> {
    let (conn, user, name) = (turn.conn, &attach.user, attach.device.as_str());
    if is_known(conn, attach).await? {
        return Ok(());
    }
    let now = bound(attach.now.0);
    if known(conn, user, name).await?.is_some_and(|known| known.is_active) {
        let sql = "UPDATE device SET last_seen = $1 WHERE user_id = $2 AND name = $3";
        conn.execute(sql, params![now, user.as_str(), name]).await?;
        return Ok(());
    }
    // A token as old as a device that was folded opens none that is new. One that does not say when it
    // was issued is held to the tombstones that still have a name, or it could never open one.
    if attach.token_issued.is_some()
        && known(conn, user, "").await?.is_some_and(|it| it.refuses(attach.token_issued))
    {
        return Err(StoreError::DeviceRevoked.into());
    }
    make_room(conn, attach).await?;
    let sql = "INSERT INTO device (user_id, name, active, created, last_seen) \
               VALUES ($1, $2, true, $3, $3) ON CONFLICT (user_id, name) DO UPDATE \
               SET active = true, created = excluded.created, last_seen = excluded.last_seen";
    conn.execute(sql, params![user.as_str(), name, now]).await?;
    let sql = "INSERT INTO delivered (user_id, device, conversation, seq, at) \
               SELECT user_id, $2, conversation, delivered, delivered_at FROM member \
               WHERE user_id = $1 AND delivered > 0 ON CONFLICT DO NOTHING";
    conn.execute(sql, params![user.as_str(), name]).await?;
    Ok(())
}

/// Sees to it that the user may have one more device: the one not seen for longest goes, if it
/// has been idle for long enough.
async fn make_room(conn: Conn<'_>, attach: &AttachDevice) -> Result<(), Failure> {
    let user = attach.user.as_str();
    let sql = "SELECT count(*) FROM device WHERE user_id = $1 AND active";
    if nat(conn.number(sql, params![user]).await?)? < attach.devices_max as u64 {
        return Ok(());
    }
    let sql = "SELECT name, last_seen FROM device WHERE user_id = $1 AND active \
               ORDER BY last_seen LIMIT 1";
    let idle_since = bound(attach.now.0) - bound(attach.idle_expiry_ms);
    if let Some(row) = conn.first(sql, params![user]).await?
        && row.try_get::<_, i64>(1)? < idle_since
    {
        // A tombstone keeps refusing the tokens that it refused.
        end(conn, &attach.user, row.try_get(0)?, None).await?;
        return Ok(());
    }
    Err(StoreError::TooManyDevices.into())
}

/// Ends a device.
pub(crate) async fn revoke(
    turn: &mut Turn<'_>,
    user: &UserId,
    device: &DeviceId,
    now: Millis,
) -> Result<Revoked, Failure> {
    let is_active = |known: Known| known.is_active;
    if !known(turn.conn, user, device.as_str()).await?.is_some_and(is_active) {
        return Ok(Revoked::NotFound);
    }
    end(turn.conn, user, device.as_str(), Some(bound(now.0))).await?;
    Ok(Revoked::Done)
}

/// Makes a tombstone of a device. Of more than [`TOMBSTONES_MAX`] the oldest are folded into one without
/// a name, which stands for all devices that are not known.
async fn end(
    conn: Conn<'_>,
    user: &UserId,
    name: &str,
    revoked: Option<i64>,
) -> Result<(), Failure> {
    let sql = "UPDATE device SET active = false, revoked = coalesce($3, revoked) \
               WHERE user_id = $1 AND name = $2";
    conn.execute(sql, params![user.as_str(), name, revoked]).await?;
    let sql = "DELETE FROM delivered WHERE user_id = $1 AND device = $2";
    conn.execute(sql, params![user.as_str(), name]).await?;
    let sql = "WITH folded AS (DELETE FROM device WHERE user_id = $1 AND name IN \
               (SELECT name FROM device WHERE user_id = $1 AND NOT active AND name <> '' \
               ORDER BY revoked DESC NULLS LAST OFFSET $2) RETURNING revoked, created) \
               INSERT INTO device AS d (user_id, name, active, created, last_seen, revoked) \
               SELECT $1, '', false, max(created), max(created), max(revoked) FROM folded \
               HAVING max(revoked) IS NOT NULL ON CONFLICT (user_id, name) DO UPDATE \
               SET revoked = greatest(d.revoked, excluded.revoked)";
    conn.execute(sql, params![user.as_str(), TOMBSTONES_MAX]).await?;
    Ok(())
}

/// A user's devices, most recently seen first.
pub(crate) async fn devices(conn: Conn<'_>, user: &UserId) -> Result<Vec<Device>, Failure> {
    let sql = "SELECT name, created, last_seen FROM device WHERE user_id = $1 AND active \
               ORDER BY last_seen DESC, created DESC, name";
    let mut devices = Vec::new();
    for row in conn.query(sql, params![user.as_str()]).await? {
        let what = || corrupt(format!("a device of user {user}"));
        devices.push(Device {
            device: DeviceId::parse(row.try_get(0)?).map_err(|_| what())?,
            created: Millis(nat(row.try_get(1)?)?),
            last_seen: Millis(nat(row.try_get(2)?)?),
        });
    }
    Ok(devices)
}

/// When a user was last seen on a named device.
pub(crate) async fn last_seen(conn: Conn<'_>, user: &UserId) -> Result<Option<Millis>, Failure> {
    let sql = "SELECT max(last_seen) FROM device WHERE user_id = $1 AND name <> ''";
    let row = conn.first(sql, params![user.as_str()]).await?;
    let seen = row.map(|row| row.try_get::<_, Option<i64>>(0)).transpose()?.flatten();
    Ok(seen.map(nat).transpose()?.map(Millis))
}

/// Raises the time before which a user's tokens are refused; gives the one that holds from now on.
pub(crate) async fn revoke_tokens(
    turn: &mut Turn<'_>,
    user: &UserId,
    not_before: Millis,
) -> Result<Millis, Failure> {
    let sql = "INSERT INTO token_floor AS f (user_id, not_before) VALUES ($1, $2) \
               ON CONFLICT (user_id) DO UPDATE \
               SET not_before = greatest(f.not_before, excluded.not_before) RETURNING not_before";
    let holds = turn.conn.number(sql, params![user.as_str(), bound(not_before.0)]).await?;
    Ok(Millis(nat(holds)?))
}
