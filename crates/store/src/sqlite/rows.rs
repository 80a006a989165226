//! From rows to the domain's types and back.
//!
//! Inside, users and conversations have integer names. A [`Thread`] is a conversation with both
//! of its names; the mapping never changes once committed, so it may be cached by whoever drops
//! the cache when a transaction is rolled back. Numbers are checked on their way in and out.

use parlor_chat::ids::{ConversationId, GroupId, UserId};
use parlor_chat::store::StoreError;
use rusqlite::{Connection, OptionalExtension, Row};

use super::health;

pub(crate) use crate::kept::numbers::{bound, corrupt, int, nat};

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

/// What a read or a write is about.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    User(UserId),
    Conversation(ConversationId),
    Watermarks,
    Audit,
    Groups,
    Due,
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(user) => write!(f, "something of user {user}"),
            Self::Conversation(conversation) => {
                write!(f, "something of conversation {conversation}")
            }
            Self::Watermarks => f.write_str("some watermarks"),
            Self::Audit => f.write_str("the audit log"),
            Self::Groups => f.write_str("the groups that have rules of their own"),
            Self::Due => f.write_str("what is to be said later"),
        }
    }
}

impl Failure {
    /// What the caller is told.
    pub(crate) fn told_of(self, subject: &Subject) -> StoreError {
        match self {
            Self::Refused(error) => error,
            Self::Engine(error) => subject.failed(&error),
        }
    }
}

impl Subject {
    /// What the caller is told of a failure of the engine.
    pub(crate) fn failed(&self, error: &rusqlite::Error) -> StoreError {
        match health::told(error) {
            StoreError::Corrupt { what } => corrupt(format!("{self}: {what}")),
            other => other,
        }
    }
}

/// A conversation, inside and outside.
#[derive(Debug)]
pub(crate) struct Thread {
    pub(crate) id: i64,
    pub(crate) conversation: ConversationId,
    pub(crate) who: Who,
}

/// Whose conversation it is.
#[derive(Debug)]
pub(crate) enum Who {
    /// Two members, in the byte order of their names.
    Pair { low: (i64, UserId), high: (i64, UserId) },
    /// The members of a group, who are not part of what a conversation is.
    Group,
}

impl Thread {
    /// The integer name of somebody who is a member, or was one.
    pub(crate) fn member(
        &self,
        conn: &Connection,
        user: &UserId,
    ) -> Result<Option<i64>, rusqlite::Error> {
        match &self.who {
            Who::Pair { low, .. } if *user == low.1 => Ok(Some(low.0)),
            Who::Pair { high, .. } if *user == high.1 => Ok(Some(high.0)),
            Who::Pair { .. } => Ok(None),
            Who::Group => {
                let sql = "SELECT m.user FROM user u JOIN member m ON m.user = u.id \
                           WHERE u.name = ?1 AND m.conversation = ?2";
                conn.prepare_cached(sql)?
                    .query_row((user.as_str(), self.id), |row| row.get(0))
                    .optional()
            }
        }
    }

    pub(crate) fn is_group(&self) -> bool {
        matches!(self.who, Who::Group)
    }

    /// Whether a user is the one whose entries `low_count` counts.
    pub(crate) fn is_low(&self, user: i64) -> bool {
        matches!(&self.who, Who::Pair { low, .. } if low.0 == user)
    }

    /// Whether a user is one of the two whose conversation it is; nobody is, of a group's.
    pub(crate) fn is_of_two(&self, user: i64) -> bool {
        matches!(&self.who, Who::Pair { low, high } if low.0 == user || high.0 == user)
    }

    /// How many of the messages after one place and up to another `user` did not say.
    pub(crate) fn by_others(
        &self,
        conn: &Connection,
        user: i64,
        from: Place,
        to: Place,
    ) -> Result<i64, rusqlite::Error> {
        let said = to.said - from.said;
        match &self.who {
            Who::Pair { low, high } if low.0 == high.0 => Ok(0),
            Who::Pair { low, .. } if low.0 == user => Ok(said - (to.low_count - from.low_count)),
            Who::Pair { .. } => Ok(to.low_count - from.low_count),
            Who::Group if said == 0 => Ok(0),
            Who::Group => {
                let sql = "SELECT count(*) FROM entry WHERE low_count < 0 AND kind = 0 \
                           AND conversation = ?1 AND sender = ?2 AND seq > ?3 AND seq <= ?4";
                let own: i64 = conn
                    .prepare_cached(sql)?
                    .query_row([self.id, user, from.seq, to.seq], |row| row.get(0))?;
                Ok(said - own)
            }
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
    let named = |id, who| Thread { id, conversation: conversation.clone(), who };
    let Some((low, high)) = conversation.direct_members() else {
        let id = conversation.group_id().map(|group| group_conversation(conn, &group));
        return Ok(id.transpose()?.flatten().map(|id| named(id, Who::Group)));
    };
    let Some(low_id) = user_id(conn, &low)? else { return Ok(None) };
    let high_id = if low == high { Some(low_id) } else { user_id(conn, &high)? };
    let Some(high_id) = high_id else { return Ok(None) };
    let id = conversation_id(conn, low_id, high_id)?;
    Ok(id.map(|id| named(id, Who::Pair { low: (low_id, low), high: (high_id, high) })))
}

/// The conversation of a group, if there is one of that id.
fn group_conversation(conn: &Connection, group: &GroupId) -> Result<Option<i64>, rusqlite::Error> {
    conn.prepare_cached("SELECT conversation FROM chat_group WHERE name = ?1")?
        .query_row([group.as_str()], |row| row.get(0))
        .optional()
}

/// One entry's place: what is needed to append after it or to count up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub(crate) seq: i64,
    pub(crate) ts: i64,
    pub(crate) low_count: i64,
    /// How many of the entries up to it are messages.
    pub(crate) said: i64,
}

/// The newest entry of a conversation; all zero before the first.
pub(crate) fn head(conn: &Connection, conversation: i64) -> Result<Place, rusqlite::Error> {
    let sql = "SELECT seq, ts, low_count, coalesce(said, seq) FROM entry WHERE conversation = ?1 \
               ORDER BY seq DESC LIMIT 1";
    let found = conn.prepare_cached(sql)?.query_row([conversation], place).optional()?;
    Ok(found.unwrap_or_default())
}

/// The entry at `seq`; all zero for 0, `None` where there is none. For one that was removed, and
/// for 0 where some were, it is the last that was removed, of which all but its time is known.
pub(crate) fn place_at(
    conn: &Connection,
    conversation: i64,
    seq: i64,
) -> Result<Option<Place>, rusqlite::Error> {
    let sql = "SELECT seq, ts, low_count, coalesce(said, seq) FROM entry \
               WHERE conversation = ?1 AND seq = ?2";
    let found = conn.prepare_cached(sql)?.query_row([conversation, seq], place).optional()?;
    if found.is_some() {
        return Ok(found);
    }
    let sql = "SELECT e.seq - 1, 0, e.low_count - coalesce(e.kind = 0 AND e.sender = c.low, 0), \
               coalesce(e.said, e.seq) - (e.kind = 0) FROM conversation c \
               JOIN entry e ON e.conversation = c.id AND e.seq = c.first \
               WHERE c.id = ?1 AND c.first > ?2 AND c.first > 1";
    let removed = conn.prepare_cached(sql)?.query_row([conversation, seq], place).optional()?;
    Ok(removed.or((seq == 0).then(Place::default)))
}

fn place(row: &Row<'_>) -> Result<Place, rusqlite::Error> {
    Ok(Place { seq: row.get(0)?, ts: row.get(1)?, low_count: row.get(2)?, said: row.get(3)? })
}

/// The position of the newest entry of all; 0 before the first.
pub(crate) fn head_position(conn: &Connection) -> Result<i64, rusqlite::Error> {
    conn.prepare_cached("SELECT coalesce(max(pos), 0) FROM entry")?.query_row((), |row| row.get(0))
}
