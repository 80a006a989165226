//! Where is searched, and which message is to be looked at next.
//!
//! Conversations take their turns by their newest entry; the index is asked for a conversation's
//! candidates when it is its turn, a few at a time. Only positions are asked for between which there may
//! be what is wanted.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::ops::Range;

use parlor_chat::entry::Millis;
use parlor_chat::refusal::Refusal;
use parlor_chat::search::port::SearchQuery;
use parlor_chat::store::StoreError;
use rusqlite::{CachedStatement, OptionalExtension};

use super::readers::Reader;
use super::rows::{self, Failure, Thread, bound};
use super::{visible, word_index};

/// Positions that are looked through because they are not in the index yet.
const UNINDEXED_MAX: i64 = 16_384;

/// So many bytes of contents among them; what is beyond is not.
const UNINDEXED_BYTES_MAX: i64 = 32 << 20;

/// Conversations listed at a time.
const LISTED_AT_ONCE: i64 = 256;

/// Candidates asked of a conversation at first, and at most; four times as many each time.
const CANDIDATES_MIN: i64 = 16;
const CANDIDATES_MAX: i64 = 1_024;

/// Where is searched.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) user: i64,
    /// Whose messages alone are wanted.
    from: Option<i64>,
    /// The index is asked up to here, what is above is looked through.
    indexed: i64,
    /// Above this it is still to be looked through; `None` once it was.
    looked_through: Option<i64>,
    /// Whether some of the log is in neither.
    pub(crate) is_indexing: bool,
    /// Messages from here on are not wanted.
    pub(crate) top: i64,
    listed: Listed,
    /// Conversations whose turns are still to come, until all are listed.
    conversations: HashMap<i64, i64>,
    pub(crate) turns: BinaryHeap<Turn>,
    asked: HashMap<i64, Asked>,
}

/// Which of the user's conversations are known, in the order of their integer names.
#[derive(Debug, Clone, Copy)]
enum Listed {
    UpTo(i64),
    All,
}

/// What comes next; the one at the highest position first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) position: i64,
    pub(crate) conversation: i64,
    pub(crate) what: What,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The index is to be asked; nothing of the conversation is above the position.
    Conversation,
    /// A message that the index proposes.
    Proposed,
    /// A message, or the message of an edit, that is not in the index yet.
    Unindexed,
}

impl Ord for Turn {
    fn cmp(&self, other: &Self) -> Ordering {
        self.position.cmp(&other.position)
    }
}

impl PartialOrd for Turn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A conversation of which the index was asked.
#[derive(Debug)]
struct Asked {
    /// In FTS5's language, made of nothing but terms.
    wanted: String,
    /// Positions that are still to be asked about.
    left: Range<i64>,
    candidates: VecDeque<i64>,
    ask_for: i64,
}

impl Scope {
    /// Finds out who searches for what; `None` if there is nothing to find.
    pub(crate) fn begin(reader: &Reader, query: &SearchQuery) -> Result<Option<Self>, Failure> {
        let conn = &reader.conn;
        let head = rows::head_position(conn)?;
        let after = query.after.map(|after| bound(after.0.0));
        let top = after.unwrap_or(i64::MAX).min(head + 1);
        let (user, only) = match &query.conversation {
            Some(conversation) => {
                let thread = rows::find_thread(conn, conversation)?.ok_or(StoreError::NotFound)?;
                let user = thread.member(conn, &query.user)?.ok_or(StoreError::NotFound)?;
                (Some(user), Some(thread.id))
            }
            None => (rows::user_id(conn, &query.user)?, None),
        };
        let Some(user) = user else { return Ok(None) };
        let from = match &query.from {
            None => None,
            Some(from) => match rows::user_id(conn, from)? {
                Some(from) => Some(from),
                None => return Ok(None),
            },
        };
        let indexed = word_index::up_to(conn)?;
        let looked_through = indexed.max(head - UNINDEXED_MAX);
        let listed = match only {
            Some(_) => Listed::All,
            None => Listed::UpTo(0),
        };
        Ok(Some(Self {
            user,
            from,
            indexed,
            looked_through: Some(looked_through),
            is_indexing: looked_through > indexed,
            top,
            listed,
            conversations: only.into_iter().map(|only| (only, top - 1)).collect(),
            turns: BinaryHeap::new(),
            asked: HashMap::new(),
        }))
    }

    /// Goes on finding out where to search; whether it is through.
    pub(crate) fn list(&mut self, reader: &Reader) -> Result<bool, Failure> {
        if let Listed::UpTo(after) = self.listed {
            self.listed = self.list_some(reader, after)?;
            return Ok(false);
        }
        if let Some(above) = self.looked_through.take() {
            self.unindexed(reader, above)?;
            let what = |(conversation, position)| Turn {
                position,
                conversation,
                what: What::Conversation,
            };
            self.turns.extend(std::mem::take(&mut self.conversations).into_iter().map(what));
        }
        Ok(true)
    }

    /// Adds some conversations of the user, each with a position above which it has nothing.
    fn list_some(&mut self, reader: &Reader, after: i64) -> Result<Listed, Failure> {
        let sql = "SELECT m.conversation, (SELECT pos FROM entry \
                   WHERE conversation = m.conversation AND (m.left IS NULL OR seq <= m.left) \
                   ORDER BY seq DESC LIMIT 1) FROM member m \
                   WHERE m.user = ?1 AND m.conversation > ?2 ORDER BY m.conversation LIMIT ?3";
        let mut statement = reader.conn.prepare_cached(sql)?;
        let mut rows = statement.query([self.user, after, LISTED_AT_ONCE])?;
        let (mut last, mut count) = (after, 0);
        while let Some(row) = rows.next()? {
            (last, count) = (row.get(0)?, count + 1);
            if let Some(newest) = row.get::<_, Option<i64>>(1)? {
                self.conversations.insert(last, newest.min(self.top - 1));
            }
        }
        Ok(if count < LISTED_AT_ONCE { Listed::All } else { Listed::UpTo(last) })
    }

    /// Asks the index of a conversation.
    pub(crate) fn ask(
        &mut self,
        reader: &mut Reader,
        query: &SearchQuery,
        conversation: i64,
    ) -> Result<(), Failure> {
        let thread = reader.names.thread(&reader.conn, conversation)?;
        let keys = reader.names.keys().find(&reader.conn, &thread)?;
        let mut wanted = Vec::new();
        for phrase in query.query.phrases() {
            let last = phrase.words.len() - 1;
            for (at, word) in phrase.words.iter().enumerate() {
                let plain = word_index::plain(conversation, word);
                let goes_on = if phrase.is_beginning && at == last { "*" } else { "" };
                wanted.push(match &keys {
                    None => format!("\"{plain}\"{goes_on}"),
                    Some(keys) => {
                        let blind = word_index::blind(conversation, word, keys);
                        format!("(\"{plain}\"{goes_on} OR \"{blind}\")")
                    }
                });
            }
        }
        if let Some(from) = self.from {
            wanted.push(format!("\"{}\"", word_index::said_by(conversation, from)));
        }
        let left = self.positions(reader, query, &thread)?;
        let candidates = VecDeque::new();
        let wanted = wanted.join(" AND ");
        let asked = Asked { wanted, left, candidates, ask_for: CANDIDATES_MIN };
        self.asked.insert(conversation, asked);
        self.next_of(reader, conversation)
    }

    /// Between which positions there may be what is wanted of a conversation and in the index.
    fn positions(
        &self,
        reader: &Reader,
        query: &SearchQuery,
        thread: &Thread,
    ) -> Result<Range<i64>, Failure> {
        let conn = &reader.conn;
        let spans = visible::spans(conn, thread, self.user)?;
        let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return Ok(0..0) };
        let from: Option<i64> = conn
            .prepare_cached(
                "SELECT pos FROM entry WHERE conversation = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1",
            )?
            .query_row([thread.id, first.from], |row| row.get(0))
            .optional()?;
        let Some(from) = from else { return Ok(0..0) };
        let last = match query.before {
            None => last.to,
            Some(before) => last.to.min(last_before(reader, thread.id, before)?),
        };
        let to: Option<i64> = conn
            .prepare_cached(
                "SELECT pos FROM entry WHERE conversation = ?1 AND seq <= ?2 \
                 ORDER BY seq DESC LIMIT 1",
            )?
            .query_row([thread.id, last], |row| row.get(0))
            .optional()?;
        Ok(from..to.map_or(0, |to| to + 1).min(self.top).min(self.indexed + 1))
    }

    /// Queues the messages that are, or have edits, above a position.
    fn unindexed(&mut self, reader: &Reader, above: i64) -> Result<(), Failure> {
        // Not by an index of kinds: it is a stretch of the table. What a long content is costs reading.
        let sql = "SELECT e.conversation, CASE WHEN e.kind <> 2 THEN e.pos ELSE (SELECT m.pos \
                   FROM entry m WHERE m.conversation = e.conversation AND m.seq = e.about) END, \
                   length(e.content) + coalesce(length(e.sealed), 0) FROM entry e \
                   WHERE e.pos > ?1 AND +e.kind IN (0, 2, 10) AND e.gone IS NULL ORDER BY e.pos DESC";
        let mut statement = reader.conn.prepare_cached(sql)?;
        let mut rows = statement.query([above])?;
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let (conversation, position): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
            if let Some(position) = position.filter(|position| *position < self.top)
                && self.conversations.contains_key(&conversation)
            {
                self.turns.push(Turn { position, conversation, what: What::Unindexed });
            }
            bytes += row.get::<_, i64>(2)?;
            if bytes > UNINDEXED_BYTES_MAX {
                self.is_indexing = true;
                break;
            }
        }
        Ok(())
    }

    /// Queues the next candidate of a conversation, asking the index for more where it has to.
    pub(crate) fn next_of(&mut self, reader: &Reader, conversation: i64) -> Result<(), Failure> {
        let Some(asked) = self.asked.get_mut(&conversation) else { return Ok(()) };
        if asked.candidates.is_empty() && !asked.left.is_empty() {
            let sql = "SELECT rowid FROM word_index WHERE word_index MATCH ?1 \
                       AND rowid >= ?2 AND rowid < ?3 ORDER BY rowid DESC LIMIT ?4";
            let Range { start, end } = asked.left;
            let proposed = |mut statement: CachedStatement<'_>| {
                let params = (&asked.wanted, start, end, asked.ask_for);
                statement.query_map(params, |row| row.get(0))?.collect()
            };
            asked.candidates =
                reader.conn.prepare_cached(sql).and_then(proposed).map_err(word_index::met)?;
            let is_all = (asked.candidates.len() as i64) < asked.ask_for;
            let last = asked.candidates.back().copied().filter(|_| !is_all);
            asked.left = start..last.unwrap_or(start);
            asked.ask_for = (asked.ask_for * 4).min(CANDIDATES_MAX);
        }
        match asked.candidates.pop_front() {
            Some(position) => {
                self.turns.push(Turn { position, conversation, what: What::Proposed });
            }
            None => drop(self.asked.remove(&conversation)),
        }
        Ok(())
    }
}

/// The seq of the last entry of a conversation before a time; 0 if there is none. Times never fall, so
/// it is searched for by halves.
fn last_before(reader: &Reader, conversation: i64, before: Millis) -> Result<i64, Failure> {
    let before = bound(before.0);
    let sql = "SELECT first, (SELECT max(seq) FROM entry WHERE conversation = ?1) \
               FROM conversation WHERE id = ?1";
    let (first, head): (i64, Option<i64>) = reader
        .conn
        .prepare_cached(sql)?
        .query_row([conversation], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (mut low, mut high) = (first - 1, head.unwrap_or(0) + 1);
    let mut statement =
        reader.conn.prepare_cached("SELECT ts FROM entry WHERE conversation = ?1 AND seq = ?2")?;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let ts: Option<i64> =
            statement.query_row([conversation, middle], |row| row.get(0)).optional()?;
        if ts.is_some_and(|ts| ts >= before) { high = middle } else { low = middle }
    }
    Ok(low)
}

/// What a search is refused with whose bounds are too narrow for it.
pub(crate) fn too_broad() -> StoreError {
    StoreError::Refused(Box::new(Refusal::SearchTooBroad))
}
