//! Since when a user's tokens must have been issued: raised by the writer, looked at whenever a
//! device is attached, the shared one included. One row for each user whose tokens were ever
//! revoked.

use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;
use parlor_chat::store::{AttachDevice, StoreError};
use rusqlite::{Connection, OptionalExtension};

use super::commands::user_or_new;
use super::readers::Reader;
use super::rows::{self, Failure, bound, nat};

/// Raises a user's floor inside the writer's transaction; gives the one that holds from now on.
pub(crate) fn revoke(
    conn: &Connection,
    user: &UserId,
    not_before: Millis,
) -> Result<Millis, Failure> {
    let user = user_or_new(conn, user)?;
    let sql = "INSERT INTO token_floor (user, not_before) VALUES (?1, ?2) ON CONFLICT (user) \
               DO UPDATE SET not_before = max(not_before, excluded.not_before) \
               RETURNING not_before";
    let holds: i64 =
        conn.prepare_cached(sql)?.query_row((user, bound(not_before.0)), |row| row.get(0))?;
    Ok(Millis(nat(holds)?))
}

/// Refuses a token that was issued before its user's floor, or does not say when, if there is one.
pub(crate) fn check(
    conn: &Connection,
    user: i64,
    token_issued: Option<Millis>,
) -> Result<(), Failure> {
    let sql = "SELECT not_before FROM token_floor WHERE user = ?1";
    let floor: Option<i64> =
        conn.prepare_cached(sql)?.query_row([user], |row| row.get(0)).optional()?;
    match floor {
        Some(floor) if token_issued.is_none_or(|issued| bound(issued.0) < floor) => {
            Err(StoreError::DeviceRevoked.into())
        }
        _ => Ok(()),
    }
}

impl Reader {
    /// Refuses the shared device to a token that was revoked.
    pub(crate) fn shared_device(&mut self, attach: &AttachDevice) -> Result<(), Failure> {
        match rows::user_id(&self.conn, &attach.user)? {
            Some(user) => check(&self.conn, user, attach.token_issued),
            None => Ok(()),
        }
    }
}
