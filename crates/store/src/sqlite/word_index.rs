//! The index of words: which messages it proposes for a word.
//!
//! It is a table of FTS5 without contents. A row is a message, and its terms are the words of the
//! message's text and of all its edits, each within its conversation, so that a search looks at nothing
//! but conversations of who searches. Which of these texts is the newest, and who may see it, is found
//! out on the message itself; so a term too many costs a look and shows nothing.
//!
//! ```text
//! 12.hello      a word in conversation 12
//! 12_9f86d081884c  a word there, of a content that is sealed: a keyed digest of it
//! 12~7          a message of user 7 there
//! ```
//!
//! The index has the log up to a position (`words_up_to`), which [`super::indexing`] moves on. What loses
//! its content, or goes for its age, loses its row in the same transaction ([`forget`]). The terms to be
//! removed are made anew from the log, and have to be those that were put in: another version of words
//! makes the index anew, and so does damage to it ([`is_damage`]), since all it holds is in the log.

use std::collections::BTreeSet;

use parlor_chat::search::words::{self, words};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, ffi};

use super::body;
use super::health;
use super::keys::ConversationKeys;
use super::message_state::At;
use super::names::{Names, entry_columns};
use super::rows::Failure;

pub(crate) use crate::kept::text::text_of;

/// Bytes of a keyed digest of a word that are kept.
const DIGEST_BYTES: usize = 6;

/// What the index holds of a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The message's position.
    position: i64,
    terms: BTreeSet<String>,
}

/// The term of a word of contents that are not sealed.
pub(crate) fn plain(conversation: i64, word: &str) -> String {
    format!("{conversation}.{word}")
}

/// The term of a word of contents that are.
pub(crate) fn blind(conversation: i64, word: &str, keys: &ConversationKeys) -> String {
    let digest = keys.words.digest(word.as_bytes());
    let digits: String = digest[..DIGEST_BYTES].iter().map(|b| format!("{b:02x}")).collect();
    format!("{conversation}_{digits}")
}

/// The term of what a user said.
pub(crate) fn said_by(conversation: i64, user: i64) -> String {
    format!("{conversation}~{user}")
}

/// Up to which position the log is in the index.
pub(crate) fn up_to(conn: &Connection) -> Result<i64, rusqlite::Error> {
    let sql = "SELECT value FROM meta WHERE key = 'words_up_to'";
    let found = conn.prepare_cached(sql)?.query_row((), |row| row.get(0)).optional()?;
    Ok(found.unwrap_or(0))
}

pub(crate) fn reached(conn: &Connection, position: i64) -> Result<(), rusqlite::Error> {
    let sql = "INSERT INTO meta (key, value) VALUES ('words_up_to', ?1) \
               ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    conn.prepare_cached(sql)?.execute([position])?;
    Ok(())
}

/// Empties an index that is not wanted, or was made of other words than today's; it is made anew from
/// the start of the log.
pub(crate) fn prepare(conn: &mut Connection, is_wanted: bool) -> Result<(), rusqlite::Error> {
    let today = words::version();
    let tx = conn.transaction()?;
    let sql = "SELECT value FROM meta WHERE key = 'words_version'";
    let made_of: Option<String> = tx.query_row(sql, (), |row| row.get(0)).optional()?;
    let is_of_today = is_wanted && made_of.as_ref() == Some(&today);
    if !is_of_today {
        if made_of.is_some() {
            empty(&tx)?;
        }
        tx.execute("DELETE FROM meta WHERE key IN ('words_up_to', 'words_version')", ())?;
        if is_wanted {
            let sql = "INSERT INTO meta (key, value) VALUES ('words_version', ?1)";
            tx.execute(sql, [today])?;
        }
    }
    tx.commit()
}

/// Empties the index, in the transaction that is open, leaving no copy in the file; it is made anew from
/// the start of the log.
pub(crate) fn empty(conn: &Connection) -> Result<(), rusqlite::Error> {
    conn.pragma_update(None, "secure_delete", true)?;
    let emptied = conn.execute("INSERT INTO word_index (word_index) VALUES ('delete-all')", ());
    let emptied = emptied.and_then(|_| flush(conn));
    conn.pragma_update(None, "secure_delete", "FAST")?;
    emptied?;
    conn.execute("DELETE FROM meta WHERE key = 'words_up_to'", ())?;
    Ok(())
}

/// Whether it is the index that is damaged, and nothing else that this says.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_CORRUPT_VTAB)
}

/// Says of an error met in the index that it is of the index, where it is damage.
pub(crate) fn met(error: rusqlite::Error) -> rusqlite::Error {
    if !health::is_damage(&error) {
        return error;
    }
    let what = format!("the index of words is damaged: {error}");
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT_VTAB), Some(what))
}

/// An entry that is next to come into the index.
#[derive(Debug)]
pub(crate) struct Next {
    pub(crate) position: i64,
    pub(crate) at: At,
    pub(crate) kind: i64,
    pub(crate) about: Option<i64>,
}

/// Why an entry did not come into the index.
#[derive(Debug)]
pub(crate) enum Untaken {
    /// It, or what belongs to it, cannot be read.
    Entry(Failure),
    /// The index cannot be written.
    Index(rusqlite::Error),
}

/// Takes an entry into the index, which has all before it.
pub(crate) fn take(conn: &Connection, names: &mut Names, next: &Next) -> Result<(), Untaken> {
    let (at, before) = match (next.kind, next.about) {
        (body::SAID | body::SHADOWED, _) => (next.at, None),
        (body::EDITED, Some(about)) => {
            let at = At { seq: about, ..next.at };
            (at, line(conn, names, at, next.position - 1).map_err(Untaken::Entry)?)
        }
        _ => return Ok(()),
    };
    let behind = line(conn, names, at, next.position).map_err(Untaken::Entry)?;
    if before == behind {
        return Ok(());
    }
    let put_anew = || {
        before.as_ref().map_or(Ok(()), |line| remove(conn, line))?;
        behind.as_ref().map_or(Ok(()), |line| put(conn, line))
    };
    put_anew().map_err(Untaken::Index)
}

/// Takes a message out of the index; to be called while its content is there. Of one that is damaged
/// the terms are not known, and stay.
pub(crate) fn forget(conn: &Connection, names: &mut Names, at: At) -> Result<(), rusqlite::Error> {
    let up_to = up_to(conn)?;
    if up_to == 0 {
        return Ok(());
    }
    match line(conn, names, at, up_to) {
        Ok(Some(line)) => remove(conn, &line),
        Ok(None) | Err(Failure::Refused(_)) => Ok(()),
        Err(Failure::Engine(error)) => Err(error),
    }
}

/// As [`forget`], leaving no copy in the file.
pub(crate) fn forget_wholly(
    conn: &Connection,
    names: &mut Names,
    messages: &[At],
) -> Result<(), rusqlite::Error> {
    if messages.is_empty() {
        return Ok(());
    }
    conn.pragma_update(None, "secure_delete", true)?;
    let forgotten = messages.iter().try_for_each(|at| forget(conn, names, *at));
    let forgotten = forgotten.and_then(|()| flush(conn));
    conn.pragma_update(None, "secure_delete", "FAST")?;
    forgotten
}

/// Writes what the engine has gathered into its pages.
pub(crate) fn flush(conn: &Connection) -> Result<(), rusqlite::Error> {
    conn.execute_batch("SAVEPOINT words; RELEASE words").map_err(met)
}

/// What the index holds of a message if it has the log up to a position; nothing of one that has no
/// text, or whose own content was taken out. A content that has ended counts until it is taken out, so
/// that the time makes no difference to the terms.
fn line(conn: &Connection, names: &mut Names, at: At, up_to: i64) -> Result<Option<Line>, Failure> {
    let message = concat!(
        "SELECT ",
        entry_columns!(),
        " FROM entry e WHERE e.conversation = ?1 AND e.seq = ?2 AND e.pos <= ?3 AND e.kind IN (0, 10)"
    );
    let edits = concat!(
        "SELECT ",
        entry_columns!(),
        " FROM entry e WHERE e.conversation = ?1 AND e.about = ?2 AND e.pos <= ?3 AND e.kind = 2"
    );
    let params = [at.conversation, at.seq, up_to];
    let mut terms = BTreeSet::new();
    let (position, sender): (i64, i64) = {
        let mut statement = conn.prepare_cached(message)?;
        let mut rows = statement.query(params)?;
        let Some(row) = rows.next()? else { return Ok(None) };
        if row.get_ref(15)? != ValueRef::Null {
            return Ok(None);
        }
        add(conn, names, at.conversation, row, &mut terms)?;
        (row.get(0)?, row.get(5)?)
    };
    let mut statement = conn.prepare_cached(edits)?;
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        add(conn, names, at.conversation, row, &mut terms)?;
    }
    if terms.is_empty() {
        return Ok(None);
    }
    terms.insert(said_by(at.conversation, sender));
    Ok(Some(Line { position, terms }))
}

/// Adds the terms of the content in a row of [`entry_columns`].
fn add(
    conn: &Connection,
    names: &mut Names,
    conversation: i64,
    row: &Row<'_>,
    terms: &mut BTreeSet<String>,
) -> Result<(), Failure> {
    let body = names.held(conn, row)?;
    let content = body.said().or_else(|| body.edit());
    let Some(text) = content.and_then(text_of) else { return Ok(()) };
    let keys = match row.get_ref(10)? {
        ValueRef::Null => None,
        _ => {
            let thread = names.thread(conn, conversation)?;
            names.keys().find(conn, &thread)?
        }
    };
    terms.extend(words(&text).iter().map(|word| match &keys {
        None => plain(conversation, &word.text),
        Some(keys) => blind(conversation, &word.text, keys),
    }));
    Ok(())
}

fn put(conn: &Connection, line: &Line) -> Result<(), rusqlite::Error> {
    let sql = "INSERT INTO word_index (rowid, terms) VALUES (?1, ?2)";
    let put = conn.prepare_cached(sql).and_then(|mut it| it.execute((line.position, joined(line))));
    put.map(drop).map_err(met)
}

fn remove(conn: &Connection, line: &Line) -> Result<(), rusqlite::Error> {
    let sql = "INSERT INTO word_index (word_index, rowid, terms) VALUES ('delete', ?1, ?2)";
    let removed =
        conn.prepare_cached(sql).and_then(|mut it| it.execute((line.position, joined(line))));
    removed.map(drop).map_err(met)
}

fn joined(line: &Line) -> String {
    let mut text = String::with_capacity(line.terms.iter().map(|term| term.len() + 1).sum());
    for term in &line.terms {
        text.push_str(term);
        text.push(' ');
    }
    text
}
