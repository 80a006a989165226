//! How users stand to each other: what the writer minds in every append, what readers mind where they
//! tell how far somebody has read, and what the service asks for.

use parlor_chat::ids::UserId;
use parlor_chat::own::OwnKind;
use parlor_chat::privacy::{Audience, PrivacySetting, Regard};
use parlor_chat::refusal::Refusal;
use parlor_chat::requests::{Bounds, Reception, Standing, receive};
use parlor_chat::store::StoreError;
use rusqlite::{Connection, OptionalExtension};

use super::acts::refused;
use super::blocks;
use super::own;
use super::readers::Reader;
use super::requests;
use super::rows::{self, Failure, Place, Thread, nat};

/// As what `to` takes a message from `from`, whose name is `name`, or why not.
pub(crate) fn receives(
    conn: &Connection,
    thread: Option<&Thread>,
    (from, name): (Option<i64>, &UserId),
    to: i64,
    bounds: &Bounds,
) -> Result<Result<Reception, StoreError>, Failure> {
    if from == Some(to) {
        return Ok(Ok(Reception::Ordinary));
    }
    if let Some(from) = from
        && blocks::is_active(conn, to, from)?
    {
        return Ok(Err(StoreError::Blocked));
    }
    let messages = setting(conn, to, PrivacySetting::Messages)?;
    // What nobody but its sender sees began nothing.
    let head = thread.map(|thread| rows::head(conn, thread.id)).transpose()?;
    let is_new = head.is_none_or(|head| head.said == 0);
    let request = thread.map(|thread| requests::state(conn, thread.id, to)).transpose()?.flatten();
    let asks =
        is_new && setting(conn, to, PrivacySetting::MessageRequests)?.as_deref() == Some("true");
    // So it is with nearly all.
    if messages.is_none() && request.is_none() && !asks {
        return Ok(Ok(Reception::Ordinary));
    }
    let (has_written, said) = match (thread, from, head) {
        (Some(thread), Some(from), Some(head)) => {
            let by_others = |user| thread.by_others(conn, user, Place::default(), head);
            (by_others(from)? > 0, nat(by_others(to)?)?)
        }
        _ => (false, 0),
    };
    let standing = Standing {
        messages: messages.map_or(Audience::Everyone, |value| Audience::of_value(&value)),
        asks,
        is_contact: is_contact(conn, to, name)?,
        has_written,
        request,
        said,
        is_new,
        requests: if asks { own::live(conn, to, OwnKind::Request)? } else { 0 },
    };
    Ok(receive(&standing, bounds).map_err(|refusal| match refusal {
        Refusal::NotAccepted => StoreError::NotAccepted,
        refusal => refused(refusal),
    }))
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
