//! How users stand to each other: what the writer minds in every append, what readers mind where they
//! tell how far somebody has read, and what the service asks for.

use parlor_chat::ids::UserId;
use parlor_chat::own::OwnKind;
use parlor_chat::privacy::{Audience, Privacy, PrivacySetting, Regard};
use parlor_chat::store::StoreError;
use rusqlite::{Connection, OptionalExtension};

use super::blocks;
use super::own;
use super::readers::Reader;
use super::rows::{self, Failure, Place, Thread};

/// Why `to` takes no message from `from`, if so; `name` is that of `from`.
pub(crate) fn refuses(
    conn: &Connection,
    thread: Option<&Thread>,
    (from, name): (Option<i64>, &UserId),
    to: i64,
) -> Result<Option<StoreError>, Failure> {
    if from == Some(to) {
        return Ok(None);
    }
    if let Some(from) = from
        && blocks::is_active(conn, to, from)?
    {
        return Ok(Some(StoreError::Blocked));
    }
    let messages = match setting(conn, to, PrivacySetting::Messages)? {
        None => return Ok(None),
        Some(value) => Audience::of_value(&value),
    };
    let has_written = match (thread, from) {
        (Some(thread), Some(from)) => {
            let head = rows::head(conn, thread.id)?;
            thread.by_others(conn, from, Place::default(), head)? > 0
        }
        _ => false,
    };
    let accepts = Privacy::accepts(messages, is_contact(conn, to, name)?, has_written);
    Ok((!accepts).then_some(StoreError::NotAccepted))
}

/// Whether a user's read marks are told to others, and those of others to the user.
pub(crate) fn has_read_receipts(conn: &Connection, user: i64) -> Result<bool, rusqlite::Error> {
    let value = setting(conn, user, PrivacySetting::ReadReceipts)?;
    Ok(value.as_deref() != Some("false"))
}

fn setting(
    conn: &Connection,
    user: i64,
    setting: PrivacySetting,
) -> Result<Option<String>, rusqlite::Error> {
    let sql = "SELECT value FROM own WHERE user = ?1 AND kind = ?2 AND key = ?3";
    let found: Option<Option<String>> = conn
        .prepare_cached(sql)?
        .query_row((user, own::number(OwnKind::Privacy), setting.name()), |row| row.get(0))
        .optional()?;
    Ok(found.flatten())
}

fn is_contact(conn: &Connection, user: i64, other: &UserId) -> Result<bool, rusqlite::Error> {
    let sql = "SELECT 1 FROM own WHERE user = ?1 AND kind = ?2 AND key = ?3 \
               AND value IS NOT NULL";
    let contact = own::number(OwnKind::Contact);
    conn.prepare_cached(sql)?.exists((user, contact, other.as_str()))
}

impl Reader {
    pub(crate) fn regard(&mut self, user: &UserId, other: &UserId) -> Result<Regard, Failure> {
        let mut regard = Regard::default();
        let Some(user) = rows::user_id(&self.conn, user)? else { return Ok(regard) };
        for name in PrivacySetting::ALL {
            if let Some(value) = setting(&self.conn, user, name)? {
                regard.privacy.take(name.name(), &value);
            }
        }
        regard.is_contact = is_contact(&self.conn, user, other)?;
        if let Some(other) = rows::user_id(&self.conn, other)? {
            regard.keeps_out = blocks::is_active(&self.conn, user, other)?;
        }
        Ok(regard)
    }
}
