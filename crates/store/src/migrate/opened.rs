//! What the source has sealed and the target does not: own records, evidence of reports, and what
//! idempotency keys stand for.
//!
//! A key is remembered with a digest of what was wished, by which another wish under the same key is told
//! from a retry. In a sealed conversation that digest is keyed, and the target has no such key; so it is made
//! anew of the entry, where the entry is all that was wished. Where it is not (the content is gone, or
//! a rule changed it, or it forwards another message) the target keeps an empty digest: then whatever is
//! sent under the key counts as a retry, so that nothing is ever said twice.

use parlor_chat::around::Deed;
use parlor_chat::entry::{Body, Entry};
use rusqlite::{OptionalExtension, Row};

use super::cells::{Cell, Cells};
use super::error::MigrateError;
use super::reading::Reading;
use crate::kept::envelope::{event_outside, outside_of};
use crate::postgres::appends::digest;
use crate::sqlite::keys::ConversationKeys;
use crate::sqlite::names::entry_columns;
use crate::sqlite::rows::corrupt;
use crate::sqlite::{own_keys, reports};

/// Opens an own record.
pub(crate) fn record(
    reading: &mut Reading<'_>,
    row: &Row<'_>,
    cells: &mut Cells,
) -> Result<(), MigrateError> {
    let Some(sealed) = row.get::<_, Option<Vec<u8>>>(7)? else { return Ok(()) };
    reading.may_open()?;
    let (id, kind, key): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let user = reading.names.user(reading.conn, id)?;
    let what = || corrupt(format!("record {kind} {key} of {user}"));
    let sealer = reading.names.keys().find_own(reading.conn, (id, &user))?.ok_or_else(what)?;
    let opened = sealer.open(&own_keys::context(&user, kind, &key), &sealed).ok();
    let text = opened.and_then(|text| String::from_utf8(text).ok()).ok_or_else(what)?;
    cells[3] = Cell::Text(text);
    Ok(())
}

/// Opens the evidence of a report.
pub(crate) fn report(
    reading: &mut Reading<'_>,
    row: &Row<'_>,
    cells: &mut Cells,
) -> Result<(), MigrateError> {
    let Some(sealed) = row.get::<_, Option<Vec<u8>>>(15)? else { return Ok(()) };
    reading.may_open()?;
    let (id, conversation): (i64, i64) = (row.get(0)?, row.get(4)?);
    let thread = reading.names.thread(reading.conn, conversation)?;
    let context = reports::context(id, &thread.conversation);
    let opened = reading.names.open(reading.conn, &thread, &context, &sealed)?;
    let text = opened.ok_or_else(|| corrupt(format!("report {id}")))?;
    cells[9] = Cell::Text(text.to_string());
    Ok(())
}

/// Gives an idempotency key the digest that the target knows it by.
pub(crate) fn key(
    reading: &mut Reading<'_>,
    row: &Row<'_>,
    cells: &mut Cells,
) -> Result<(), MigrateError> {
    if !row.get::<_, bool>(6)? {
        return Ok(());
    }
    let (conversation, seq, known): (i64, i64, Vec<u8>) = (row.get(0)?, row.get(3)?, row.get(5)?);
    let conn = reading.conn;
    let thread = reading.names.thread(conn, conversation)?;
    let keys = reading.names.keys().find(conn, &thread)?;
    let keys = keys.ok_or_else(|| corrupt(format!("the key of {}", thread.conversation)))?;
    let sql = concat!(
        "SELECT ",
        entry_columns!(),
        " FROM entry e WHERE e.conversation = ?1 AND e.seq = ?2"
    );
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_row([conversation, seq], |row| {
        Ok(reading.names.entry(conn, row).map(|entry| anew(&entry, &keys, &known)))
    });
    let anew = found.optional()?.transpose()?.flatten();
    cells[5] = Cell::Bytes(anew.map_or_else(Vec::new, |digest| digest.to_vec()));
    Ok(())
}

/// The digest of what an entry was wished by, if that is what is known of it.
fn anew(entry: &Entry, keys: &ConversationKeys, known: &[u8]) -> Option<[u8; 16]> {
    let outside = entry.envelope.as_deref().and_then(outside_of);
    let wishes = match &entry.body {
        Body::Said(content) => {
            let outside = outside.map(|outside| [&*content.0, &outside].concat());
            [Some(content.0.to_string()), outside]
        }
        Body::App(event) => [Some([&*event.data.0, &event_outside(&event.name)].concat()), None],
        Body::Acted(act) => match &act.deed {
            Deed::Edited(Some(content)) => [Some(format!("edit {}\n{}", act.on, content.0)), None],
            _ => [None, None],
        },
        _ => [None, None],
    };
    // A key from before contents were sealed has the digest that the target makes.
    let is_known =
        |wish: &String| keys.digest.digest(wish.as_bytes()) == known || digest(wish) == known;
    wishes.into_iter().flatten().find(is_known).map(|wish| digest(&wish))
}
