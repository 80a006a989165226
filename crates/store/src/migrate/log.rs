//! The log out of the source, a slice of positions at a time: entries, checked against their checksums and
//! opened, and the words that messages are found by.
//!
//! A slice is bounded by positions, not by rows, so that the target has no more rows in it either. The words
//! of a message are those of its text and of all its edits, wherever these are in the log; they belong to the
//! slice of the message.

use std::collections::BTreeSet;
use std::sync::Arc;

use parlor_chat::entry::Content;
use parlor_chat::search::words::words;
use rusqlite::Row;

use super::cells::{Cell, Cells, Kind, Sum};
use super::error::MigrateError;
use super::reading::Reading;
use crate::kept::text::text_of;
use crate::kept::{body, envelope};
use crate::postgres::entries::WORDS_MAX;
use crate::sqlite::names::{Checked, Kept, entry_columns};
use crate::sqlite::rows::{Thread, Who, bound, corrupt};

/// Positions of a slice.
pub(crate) const SLICE_POSITIONS: i64 = 1_000;

/// Bytes after which a slice ends early.
const SLICE_BYTES: usize = 4 << 20;

/// The columns of an entry in the target.
pub(crate) const ENTRY: [(&str, Kind); 17] = [
    ("conversation", Kind::Text),
    ("seq", Kind::Int),
    ("pos", Kind::Int),
    ("epoch", Kind::Int),
    ("ts", Kind::Int),
    ("sender", Kind::Text),
    ("client_id", Kind::Text),
    ("kind", Kind::Int),
    ("about", Kind::Int),
    ("content", Kind::Text),
    ("envelope", Kind::Text),
    ("expires", Kind::Int),
    ("gone", Kind::Int),
    ("said", Kind::Int),
    ("low_said", Kind::Int),
    ("shadow", Kind::Bool),
    ("moderated", Kind::Bool),
];

/// The columns of a message's words, which lie in the target as a `tsvector` and are a text on the way.
pub(crate) const WORDS: [(&str, Kind); 4] =
    [("conversation", Kind::Text), ("seq", Kind::Int), ("pos", Kind::Int), ("words", Kind::Text)];

/// Whether messages are found by their words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Search {
    On,
    Off,
}

/// Positions after one, up to and with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) after: i64,
    pub(crate) to: i64,
}

impl Range {
    /// Whether it has so many positions that rows in it must not be read all at once. Nothing is in such a
    /// range of the source.
    pub(crate) fn is_wide(self) -> bool {
        self.to.saturating_sub(self.after) > SLICE_POSITIONS
    }
}

/// What the source has in a range.
#[derive(Debug)]
pub(crate) struct Slice {
    pub(crate) range: Range,
    pub(crate) entries: Vec<Cells>,
    pub(crate) words: Vec<Cells>,
}

/// The checksums of a range's entries and words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sums {
    pub(crate) entries: Sum,
    pub(crate) words: Sum,
}

impl Slice {
    pub(crate) fn sums(&self) -> Sums {
        Sums { entries: Sum::of(&self.entries), words: Sum::of(&self.words) }
    }
}

impl Reading<'_> {
    /// The position of the newest entry.
    pub(crate) fn head(&self) -> Result<i64, MigrateError> {
        Ok(crate::sqlite::rows::head_position(self.conn)?)
    }

    /// The next slice after a position, up to another at most. One that spans more than
    /// [`SLICE_POSITIONS`] has no entries.
    pub(crate) fn slice(
        &mut self,
        after: i64,
        up_to: i64,
        search: Search,
    ) -> Result<Slice, MigrateError> {
        let conn = self.conn;
        let next: Option<i64> = conn
            .prepare_cached("SELECT min(pos) FROM entry WHERE pos > ?1 AND pos <= ?2")?
            .query_row([after, up_to], |row| row.get(0))?;
        let mut range = Range { after, to: up_to.min(after.saturating_add(SLICE_POSITIONS)) };
        let (mut entries, mut found_words) = (Vec::new(), Vec::new());
        let before_next = next.map_or(up_to, |next| next - 1);
        if before_next > range.to {
            range.to = before_next;
            return Ok(Slice { range, entries, words: found_words });
        }
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry e WHERE e.pos > ?1 AND e.pos <= ?2 ORDER BY e.pos"
        );
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query([range.after, range.to])?;
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let (cells, message) = self.entry(row)?;
            bytes += cells.iter().map(Cell::weight).sum::<usize>();
            if let Some(message) = message.filter(|_| search == Search::On) {
                found_words.extend(self.words(row, &message, &cells)?);
            }
            entries.push(cells);
            if bytes >= SLICE_BYTES {
                range.to = row.get(0)?;
                break;
            }
        }
        Ok(Slice { range, entries, words: found_words })
    }

    /// An entry, and what it says if it is a message that is there.
    fn entry(&mut self, row: &Row<'_>) -> Result<(Cells, Option<Content>), MigrateError> {
        let conn = self.conn;
        let thread = self.names.thread(conn, row.get(1)?)?;
        let checked = self.names.checked(conn, &thread, row)?;
        if let Kept::Sealed(_) = checked.content {
            self.may_open()?;
        }
        let text = self.names.text(conn, &thread, &checked, row)?;
        let facts = &checked.facts;
        let what = || corrupt(format!("entry {} of {}", facts.seq, thread.conversation));
        let outside = match facts.envelope {
            Some(text) => Some(envelope::decode(text).ok_or_else(what)?),
            None => None,
        };
        let is = |flag: Option<bool>| Cell::Bool(flag.unwrap_or(false));
        let is_message = matches!(facts.kind, body::SAID | body::SHADOWED) && facts.gone.is_none();
        let message = is_message.then(|| Content(Arc::from(&*text)));
        let cells = vec![
            Cell::Text(thread.conversation.to_string()),
            Cell::Int(facts.seq),
            Cell::Int(facts.position),
            Cell::Int(bound(facts.epoch)),
            Cell::Int(facts.ts),
            Cell::Text(sender(&thread, &checked).ok_or_else(what)?.to_owned()),
            Cell::text(facts.client_id),
            Cell::Int(facts.kind),
            Cell::int(facts.about),
            Cell::Text(text.into_owned()),
            Cell::text(facts.envelope),
            Cell::int(facts.expires),
            Cell::int(facts.gone),
            Cell::Int(facts.said.unwrap_or(facts.seq)),
            Cell::Int(facts.low_count),
            is(outside.as_ref().map(|outside| outside.shadow)),
            is(outside.as_ref().map(|outside| outside.moderated)),
        ];
        Ok((cells, message))
    }

    /// The words of a message and of its edits, if it has any.
    fn words(
        &mut self,
        row: &Row<'_>,
        message: &Content,
        cells: &Cells,
    ) -> Result<Option<Cells>, MigrateError> {
        let (conversation, seq): (i64, i64) = (row.get(1)?, row.get(2)?);
        let mut found = BTreeSet::new();
        let mut is_too_many = false;
        let mut add = |content: &Content| {
            let of: BTreeSet<String> = text_of(content)
                .map(|text| words(&text).into_iter().map(|word| word.text).collect())
                .unwrap_or_default();
            is_too_many |= of.len() > WORDS_MAX;
            found.extend(of);
        };
        add(message);
        let conn = self.conn;
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry e WHERE e.conversation = ?1 AND e.about = ?2 AND e.kind = 2 \
             AND e.gone IS NULL"
        );
        let mut statement = conn.prepare_cached(sql)?;
        let mut edits = statement.query([conversation, seq])?;
        while let Some(edit) = edits.next()? {
            let thread = self.names.thread(conn, conversation)?;
            let checked = self.names.checked(conn, &thread, edit)?;
            let text = self.names.text(conn, &thread, &checked, edit)?;
            add(&Content(Arc::from(&*text)));
        }
        if found.is_empty() {
            return Ok(None);
        }
        let is_too_many = is_too_many || found.len() > WORDS_MAX;
        let joined = found.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        let words = if is_too_many { Cell::Null } else { Cell::Text(joined) };
        let mut place = cells[..3].to_vec();
        place.push(words);
        Ok(Some(place))
    }
}

/// Who said an entry.
fn sender<'a>(thread: &'a Thread, checked: &'a Checked<'_>) -> Option<&'a str> {
    let facts = &checked.facts;
    let of_two = match &thread.who {
        Who::Pair { low, .. } if facts.by_low => Some(&low.1),
        Who::Pair { high, .. } => Some(&high.1),
        Who::Group => None,
    };
    facts.sender.as_ref().or(of_two).map(|user| user.as_str())
}
