//! From rows to the domain's types and back.
//!
//! Inside, users and conversations have integer names. A [`Thread`] is a conversation with both
//! of its names; the mapping never changes once committed, so it may be cached by whoever drops
//! the cache when a transaction is rolled back. Numbers are checked on their way in and out.

use std::collections::HashMap;
use std::sync::Arc;

use parlor_chat::entry::{Content, Entry, Epoch, Millis, Position};
use parlor_chat::ids::{ClientId, ConversationId, Seq, UserId};
use parlor_chat::store::StoreError;
use rusqlite::{Connection, OptionalExtension, Row};

use super::health;

/// Clients' numbers are doubles.
const NUMBER_MAX: u64 = (1 << 53) - 1;

/// Why one command, or the whole batch, cannot go on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// This command is refused; nothing was written for it.
    Refused(StoreError),
    /// The engine failed.
    Engine(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl Failure {
    /// What the caller is told.
    pub(crate) fn told(self) -> StoreError {
        match self {
            Self::Refused(error) => error,
            Self::Engine(error) => health::told(&error),
        }
    }
}

pub(crate) fn corrupt(what: impl Into<Arc<str>>) -> StoreError {
    StoreError::Corrupt { what: what.into() }
}

/// A number on its way into a row.
pub(crate) fn int(number: u64) -> i64 {
    assert!(number <= NUMBER_MAX, "numbers stay below 2^53");
    number as i64
}

/// A number from a caller that only compares: larger ones are as good as the largest.
pub(crate) fn bound(number: u64) -> i64 {
    number.min(NUMBER_MAX) as i64
}

/// A number out of a row.
pub(crate) fn nat(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number)
        .ok()
        .filter(|number| *number <= NUMBER_MAX)
        .ok_or_else(|| corrupt(format!("the number {number}")))
}

/// A direct conversation, inside and outside.
#[derive(Debug)]
pub(crate) struct Thread {
    pub(crate) id: i64,
    pub(crate) conversation: ConversationId,
    pub(crate) low: (i64, UserId),
    pub(crate) high: (i64, UserId),
}

impl Thread {
    /// The integer name of a member.
    pub(crate) fn member(&self, user: &UserId) -> Option<i64> {
        if *user == self.low.1 {
            Some(self.low.0)
        } else if *user == self.high.1 {
            Some(self.high.0)
        } else {
            None
        }
    }

    /// How many of the entries up to `seq`, of which `low_count` are by `low`, `user` did not say.
    pub(crate) fn by_others(&self, user: i64, seq: i64, low_count: i64) -> i64 {
        if self.low.0 == self.high.0 {
            0
        } else if user == self.low.0 {
            seq - low_count
        } else {
            low_count
        }
    }
}

/// The integer name of a user, if it has one.
pub(crate) fn user_id(conn: &Connection, user: &UserId) -> Result<Option<i64>, rusqlite::Error> {
    conn.prepare_cached("SELECT id FROM user WHERE name = ?1")?
        .query_row([user.as_str()], |row| row.get(0))
        .optional()
}

/// A conversation by its members' integer names.
pub(crate) fn conversation_id(
    conn: &Connection,
    low: i64,
    high: i64,
) -> Result<Option<i64>, rusqlite::Error> {
    conn.prepare_cached("SELECT id FROM conversation WHERE low = ?1 AND high = ?2")?
        .query_row([low, high], |row| row.get(0))
        .optional()
}

/// A conversation by its name, if it exists.
pub(crate) fn find_thread(
    conn: &Connection,
    conversation: &ConversationId,
) -> Result<Option<Thread>, rusqlite::Error> {
    let (low, high) = conversation.members();
    let Some(low_id) = user_id(conn, &low)? else { return Ok(None) };
    let high_id = if low == high { Some(low_id) } else { user_id(conn, &high)? };
    let Some(high_id) = high_id else { return Ok(None) };
    let id = conversation_id(conn, low_id, high_id)?;
    Ok(id.map(|id| Thread {
        id,
        conversation: conversation.clone(),
        low: (low_id, low),
        high: (high_id, high),
    }))
}

/// One entry's place: what is needed to append after it or to count up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub(crate) seq: i64,
    pub(crate) ts: i64,
    pub(crate) low_count: i64,
}

/// The newest entry of a conversation; all zero before the first.
pub(crate) fn head(conn: &Connection, conversation: i64) -> Result<Place, rusqlite::Error> {
    let sql = "SELECT seq, ts, low_count FROM entry WHERE conversation = ?1 \
               ORDER BY seq DESC LIMIT 1";
    let found = conn.prepare_cached(sql)?.query_row([conversation], place).optional()?;
    Ok(found.unwrap_or_default())
}

/// The entry at `seq`; all zero for 0, `None` where there is none.
pub(crate) fn place_at(
    conn: &Connection,
    conversation: i64,
    seq: i64,
) -> Result<Option<Place>, rusqlite::Error> {
    if seq == 0 {
        return Ok(Some(Place::default()));
    }
    let sql = "SELECT seq, ts, low_count FROM entry WHERE conversation = ?1 AND seq = ?2";
    conn.prepare_cached(sql)?.query_row([conversation, seq], place).optional()
}

fn place(row: &Row<'_>) -> Result<Place, rusqlite::Error> {
    Ok(Place { seq: row.get(0)?, ts: row.get(1)?, low_count: row.get(2)? })
}

/// The columns [`Names::entry`] reads, in its order.
macro_rules! entry_columns {
    () => {
        "e.pos, e.conversation, e.seq, e.life, e.ts, e.sender, e.client_id, e.content"
    };
}
pub(crate) use entry_columns;

/// Integer names that a reader has already looked up.
#[derive(Debug, Default)]
pub(crate) struct Names {
    threads: HashMap<i64, Arc<Thread>>,
    epochs: HashMap<i64, Epoch>,
}

/// Looked-up conversations kept; at the bound all are dropped.
const THREADS_CACHED_MAX: usize = 8_192;

impl Names {
    /// The conversation of an integer name that some row holds.
    pub(crate) fn thread(&mut self, conn: &Connection, id: i64) -> Result<Arc<Thread>, Failure> {
        if let Some(thread) = self.threads.get(&id) {
            return Ok(thread.clone());
        }
        let sql = "SELECT c.low, l.name, c.high, h.name FROM conversation c \
                   JOIN user l ON l.id = c.low JOIN user h ON h.id = c.high WHERE c.id = ?1";
        let found = conn
            .prepare_cached(sql)?
            .query_row([id], |row| {
                Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get::<_, String>(3)?))
            })
            .optional()?;
        let what = || corrupt(format!("conversation {id}"));
        let (low_id, low, high_id, high) = found.ok_or_else(what)?;
        let low = UserId::parse(&low).map_err(|_| what())?;
        let high = UserId::parse(&high).map_err(|_| what())?;
        let conversation = ConversationId::direct(&low, &high);
        let thread =
            Arc::new(Thread { id, conversation, low: (low_id, low), high: (high_id, high) });
        if self.threads.len() >= THREADS_CACHED_MAX {
            self.threads.clear();
        }
        self.threads.insert(id, thread.clone());
        Ok(thread)
    }

    fn epoch(&mut self, conn: &Connection, life: i64) -> Result<Epoch, Failure> {
        if let Some(epoch) = self.epochs.get(&life) {
            return Ok(*epoch);
        }
        let found: Option<i64> = conn
            .prepare_cached("SELECT epoch FROM life WHERE id = ?1")?
            .query_row([life], |row| row.get(0))
            .optional()?;
        let epoch = Epoch(nat(found.ok_or_else(|| corrupt(format!("life {life}")))?)?);
        self.epochs.insert(life, epoch);
        Ok(epoch)
    }

    /// Reads an entry from a row of [`entry_columns`].
    pub(crate) fn entry(
        &mut self,
        conn: &Connection,
        row: &Row<'_>,
    ) -> Result<Arc<Entry>, Failure> {
        let thread = self.thread(conn, row.get(1)?)?;
        let epoch = self.epoch(conn, row.get(3)?)?;
        let position = nat(row.get(0)?)?;
        let sender: i64 = row.get(5)?;
        let (from, to) = if sender == thread.low.0 {
            (thread.low.1.clone(), thread.high.1.clone())
        } else if sender == thread.high.0 {
            (thread.high.1.clone(), thread.low.1.clone())
        } else {
            return Err(corrupt(format!("the sender of entry {position}")).into());
        };
        let client_id = match row.get_ref(6)?.as_str_or_null() {
            Ok(None) => None,
            Ok(Some(text)) => ClientId::parse(text)
                .ok()
                .map(Some)
                .ok_or_else(|| corrupt(format!("the client id of entry {position}")))?,
            Err(error) => return Err(rusqlite::Error::from(error).into()),
        };
        let content = row.get_ref(7)?.as_str().map_err(rusqlite::Error::from)?;
        Ok(Arc::new(Entry {
            conversation: thread.conversation.clone(),
            seq: Seq(nat(row.get(2)?)?),
            position: Position(position),
            epoch,
            ts: Millis(nat(row.get(4)?)?),
            from,
            to,
            client_id,
            content: Content(content.into()),
        }))
    }
}
