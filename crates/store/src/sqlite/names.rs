//! Entries out of their rows: named, checked against their checksums, opened if they are sealed.
//!
//! Whatever is read as an entry passes [`Names::checked`]: a row that is not what was written becomes
//! an error that names it, and never an entry. What was looked up on the way is remembered, within a
//! bound.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use parlor_chat::entry::{Body, Entry, Epoch, Millis, Position};
use parlor_chat::ids::{ClientId, ConversationId, GroupId, Seq, UserId};
use parlor_chat::store::StoreError;
use rusqlite::{Connection, OptionalExtension, Row};

use super::body;
use super::envelope;
use super::keys::{Keyring, Keys};
use super::rows::{Failure, Place, Thread, Who, bound, corrupt, nat};
use super::sums::Facts;
use crate::kept::clock::Clock;

/// The columns [`Names::checked`] reads, in its order.
macro_rules! entry_columns {
    () => {
        "e.pos, e.conversation, e.seq, e.life, e.ts, e.sender, e.low_count, e.client_id, \
         e.content, e.sum, e.sealed, e.kind, e.said, e.about, e.envelope, e.gone, e.expires"
    };
}
pub(crate) use entry_columns;

/// An entry's row, found to be what was written.
#[derive(Debug)]
pub(crate) struct Checked<'a> {
    pub(crate) facts: Facts<'a>,
    pub(crate) content: Kept<'a>,
}

/// The content of an entry as it is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kept<'a> {
    Plain(&'a str),
    Sealed(&'a [u8]),
}

impl Kept<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(text) => text.as_bytes(),
            Self::Sealed(sealed) => sealed,
        }
    }
}

impl Checked<'_> {
    pub(crate) fn place(&self) -> Place {
        let Facts { seq, ts, low_count, said, .. } = self.facts;
        Place { seq, ts, low_count, said: said.unwrap_or(seq) }
    }
}

/// Integer names that a reader has already looked up.
#[derive(Debug)]
pub(crate) struct Names {
    clock: Clock,
    keys: Keys,
    threads: HashMap<i64, Arc<Thread>>,
    users: HashMap<i64, UserId>,
    epochs: HashMap<i64, Epoch>,
    /// Up to this position an entry may lack its checksum; `None` until it was read.
    sums_after: Option<i64>,
}

/// Looked-up conversations kept; at the bound all are dropped.
const THREADS_CACHED_MAX: usize = 8_192;
/// Looked-up senders in groups kept; at the bound all are dropped.
const USERS_CACHED_MAX: usize = 8_192;

impl Names {
    pub(crate) fn new(keyring: Option<Arc<Keyring>>, clock: Clock) -> Self {
        Self {
            clock,
            keys: Keys::new(keyring),
            threads: HashMap::new(),
            users: HashMap::new(),
            epochs: HashMap::new(),
            sums_after: None,
        }
    }

    /// The keys that were looked up.
    pub(crate) fn keys(&mut self) -> &mut Keys {
        &mut self.keys
    }

    /// Forgets what was looked up.
    pub(crate) fn forget(&mut self) {
        self.keys.forget();
        self.threads.clear();
        self.users.clear();
        self.epochs.clear();
        self.sums_after = None;
    }

    /// The conversation of an integer name that some row holds.
    pub(crate) fn thread(&mut self, conn: &Connection, id: i64) -> Result<Arc<Thread>, Failure> {
        if let Some(thread) = self.threads.get(&id) {
            return Ok(thread.clone());
        }
        let sql = "SELECT c.low, l.name, c.high, h.name, g.name FROM conversation c \
                   LEFT JOIN user l ON l.id = c.low LEFT JOIN user h ON h.id = c.high \
                   LEFT JOIN chat_group g ON g.conversation = c.id WHERE c.id = ?1";
        type Found = (Option<i64>, Option<String>, Option<i64>, Option<String>, Option<String>);
        let found: Option<Found> = conn
            .prepare_cached(sql)?
            .query_row([id], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })
            .optional()?;
        let what = || corrupt(format!("conversation {id}"));
        let user = |name: &str| UserId::parse(name).map_err(|_| what());
        let thread = match found.ok_or_else(what)? {
            (Some(low_id), Some(low), Some(high_id), Some(high), None) => {
                let (low, high) = (user(&low)?, user(&high)?);
                let conversation = ConversationId::direct(&low, &high);
                let who = Who::Pair { low: (low_id, low), high: (high_id, high) };
                Thread { id, conversation, who }
            }
            (None, None, None, None, Some(group)) => {
                let group = GroupId::parse(&group).map_err(|_| what())?;
                Thread { id, conversation: ConversationId::group(&group), who: Who::Group }
            }
            _ => return Err(what().into()),
        };
        let thread = Arc::new(thread);
        if self.threads.len() >= THREADS_CACHED_MAX {
            self.threads.clear();
        }
        self.threads.insert(id, thread.clone());
        Ok(thread)
    }

    /// The user of an integer name that some row holds.
    pub(crate) fn user(&mut self, conn: &Connection, id: i64) -> Result<UserId, Failure> {
        if let Some(user) = self.users.get(&id) {
            return Ok(user.clone());
        }
        let name: Option<String> = conn
            .prepare_cached("SELECT name FROM user WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        let user = name.and_then(|name| UserId::parse(&name).ok());
        let user = user.ok_or_else(|| corrupt(format!("user {id}")))?;
        if self.users.len() >= USERS_CACHED_MAX {
            self.users.clear();
        }
        self.users.insert(id, user.clone());
        Ok(user)
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

    fn may_lack_sum(&mut self, conn: &Connection, position: i64) -> Result<bool, Failure> {
        let after = match self.sums_after {
            Some(after) => after,
            None => conn
                .prepare_cached("SELECT value FROM meta WHERE key = 'sums_after'")?
                .query_row((), |row| row.get(0))
                .optional()?
                .unwrap_or(0),
        };
        self.sums_after = Some(after);
        Ok(position <= after)
    }

    /// Whether a row of [`entry_columns`] may lack its checksum, and does.
    pub(crate) fn lacks_sum(&self, row: &Row<'_>) -> bool {
        let position = row.get(0).unwrap_or(i64::MAX);
        let sum = row.get::<_, Option<i64>>(9);
        self.sums_after.is_some_and(|after| position <= after) && matches!(sum, Ok(None))
    }

    /// The conversation of the entry in a row of [`entry_columns`].
    fn thread_of(&mut self, conn: &Connection, row: &Row<'_>) -> Result<Arc<Thread>, Failure> {
        match row.get(1) {
            Ok(id) => self.thread(conn, id).map_err(|failure| named(row, None, failure)),
            Err(error) => Err(bad(row, None, &error.to_string())),
        }
    }

    /// Reads an entry from a row of [`entry_columns`].
    pub(crate) fn entry(
        &mut self,
        conn: &Connection,
        row: &Row<'_>,
    ) -> Result<Arc<Entry>, Failure> {
        let thread = self.thread_of(conn, row)?;
        let checked = self.checked(conn, &thread, row)?;
        let facts = &checked.facts;
        let (from, to) = match (&thread.who, &facts.sender) {
            (Who::Pair { .. }, Some(sender)) => (sender.clone(), None),
            (Who::Pair { low, high }, _) if facts.by_low => (low.1.clone(), Some(high.1.clone())),
            (Who::Pair { low, high }, _) => (high.1.clone(), Some(low.1.clone())),
            (Who::Group, Some(sender)) => (sender.clone(), None),
            (Who::Group, None) => return Err(bad(row, Some(&thread), "it has no sender")),
        };
        let client_id = facts.client_id.map(ClientId::stored).transpose();
        Ok(Arc::new(Entry {
            conversation: thread.conversation.clone(),
            seq: Seq(nat(facts.seq)?),
            position: Position(nat(facts.position)?),
            epoch: Epoch(facts.epoch),
            ts: Millis(nat(facts.ts)?),
            from,
            to,
            client_id: client_id.map_err(|_| bad(row, Some(&thread), "its client id is none"))?,
            envelope: match facts.envelope {
                Some(text) => Some(Arc::new(envelope::decode(text).ok_or_else(|| {
                    bad(row, Some(&thread), "what is on its outside is of no known kind")
                })?)),
                None => None,
            },
            expires: match facts.gone {
                Some(gone) if gone != facts.seq => None,
                _ => facts.expires.map(nat).transpose()?.map(Millis),
            },
            body: self.body(conn, &thread, &checked, row)?,
        }))
    }

    /// What a checked entry holds, opened if it is sealed; nothing that has ended by now.
    fn body(
        &mut self,
        conn: &Connection,
        thread: &Thread,
        checked: &Checked<'_>,
        row: &Row<'_>,
    ) -> Result<Body, Failure> {
        let expires = checked.facts.expires;
        if expires.is_some_and(|at| at <= bound(self.clock.now().0)) {
            return decoded(thread, checked, row, (body::NOTHING, true));
        }
        self.opened(conn, thread, checked, row)
    }

    /// What the entry in a row of [`entry_columns`] holds in the file, ended or not.
    pub(crate) fn held(&mut self, conn: &Connection, row: &Row<'_>) -> Result<Body, Failure> {
        let thread = self.thread_of(conn, row)?;
        let checked = self.checked(conn, &thread, row)?;
        self.opened(conn, &thread, &checked, row)
    }

    fn opened(
        &mut self,
        conn: &Connection,
        thread: &Thread,
        checked: &Checked<'_>,
        row: &Row<'_>,
    ) -> Result<Body, Failure> {
        let text = self.text(conn, thread, checked, row)?;
        decoded(thread, checked, row, (&text, checked.facts.gone.is_some()))
    }

    /// The text of a checked entry, as it was before it was sealed.
    pub(crate) fn text<'a>(
        &mut self,
        conn: &Connection,
        thread: &Thread,
        checked: &Checked<'a>,
        row: &Row<'_>,
    ) -> Result<Cow<'a, str>, Failure> {
        let sealed = match checked.content {
            Kept::Plain(text) => return Ok(Cow::Borrowed(text)),
            Kept::Sealed(sealed) => sealed,
        };
        let keys = self.keys.find(conn, thread)?;
        let keys = keys.ok_or_else(|| bad(row, Some(thread), "its key is not there"))?;
        let opened = keys.content.open(&checked.facts.context(), sealed).ok();
        let text = opened.and_then(|opened| String::from_utf8(opened).ok());
        let text = text.ok_or_else(|| bad(row, Some(thread), "its content cannot be opened"))?;
        Ok(Cow::Owned(text))
    }

    /// Opens what was sealed by a conversation's keys to another context than an entry's; `None` if
    /// it cannot be opened.
    pub(crate) fn open(
        &mut self,
        conn: &Connection,
        thread: &Thread,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Option<Arc<str>>, Failure> {
        let Some(keys) = self.keys.find(conn, thread)? else { return Ok(None) };
        let opened = keys.content.open(context, sealed).ok();
        Ok(opened.and_then(|opened| String::from_utf8(opened).ok()).map(Into::into))
    }

    /// Checks the entry in a row of [`entry_columns`] as far as that needs no key.
    pub(crate) fn check(&mut self, conn: &Connection, row: &Row<'_>) -> Result<IsSealed, Failure> {
        let thread = self.thread_of(conn, row)?;
        match self.checked(conn, &thread, row)?.content {
            Kept::Plain(_) => Ok(IsSealed::No),
            Kept::Sealed(_) => Ok(IsSealed::Yes),
        }
    }

    /// Checks the entry in a row of [`entry_columns`] against its checksum.
    pub(crate) fn checked<'a>(
        &mut self,
        conn: &Connection,
        thread: &'a Thread,
        row: &'a Row<'_>,
    ) -> Result<Checked<'a>, Failure> {
        let (read, sender, sum) = match fields(thread, row) {
            Ok(fields) => fields,
            Err(error) => return Err(bad(row, Some(thread), &error.to_string())),
        };
        let life = row.get(3).map_err(|error| bad(row, Some(thread), &error.to_string()))?;
        let by_low = thread.is_low(sender);
        let sender = match &thread.who {
            Who::Pair { .. } if thread.is_of_two(sender) => None,
            Who::Pair { .. } if !body::may_be_of_anybody(read.facts.kind) => {
                return Err(bad(row, Some(thread), "its sender is no member"));
            }
            Who::Pair { .. } | Who::Group => {
                let user = self.user(conn, sender);
                Some(user.map_err(|failure| named(row, Some(thread), failure))?)
            }
        };
        let epoch = self.epoch(conn, life).map_err(|failure| named(row, Some(thread), failure))?.0;
        let facts = Facts { epoch, by_low, sender, ..read.facts };
        let matches = match sum {
            Some(sum) => sum == facts.sum(read.content.bytes()),
            None => self.may_lack_sum(conn, facts.position)?,
        };
        if !matches {
            return Err(bad(row, Some(thread), "its checksum does not match"));
        }
        Ok(Checked { facts, content: read.content })
    }
}

/// A checked entry's body of its text.
fn decoded(
    thread: &Thread,
    checked: &Checked<'_>,
    row: &Row<'_>,
    (text, is_gone): (&str, bool),
) -> Result<Body, Failure> {
    let Facts { kind, about, .. } = checked.facts;
    let written = body::Written { kind, about, text, is_gone };
    body::decode(&written).ok_or_else(|| bad(row, Some(thread), "it is of no known kind"))
}

/// Whether an entry's content is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IsSealed {
    Yes,
    No,
}

/// What a row says, but for its epoch; its sender and its checksum.
fn fields<'a>(
    thread: &'a Thread,
    row: &'a Row<'_>,
) -> Result<(Checked<'a>, i64, Option<i64>), rusqlite::Error> {
    let facts = Facts {
        position: row.get(0)?,
        conversation: thread.conversation.as_str(),
        seq: row.get(2)?,
        epoch: 0,
        ts: row.get(4)?,
        by_low: false,
        low_count: row.get(6)?,
        client_id: row.get_ref(7)?.as_str_or_null()?,
        kind: row.get(11)?,
        said: row.get(12)?,
        sender: None,
        about: row.get(13)?,
        envelope: row.get_ref(14)?.as_str_or_null()?,
        gone: row.get(15)?,
        expires: row.get(16)?,
    };
    let content = match row.get_ref(10)?.as_blob_or_null()? {
        Some(sealed) => Kept::Sealed(sealed),
        None => Kept::Plain(row.get_ref(8)?.as_str()?),
    };
    Ok((Checked { facts, content }, row.get(5)?, row.get(9)?))
}

/// Names a row that is not what was written.
fn bad(row: &Row<'_>, thread: Option<&Thread>, why: &str) -> Failure {
    let number = |column: usize| row.get::<_, i64>(column).map_or("?".into(), |n| n.to_string());
    let conversation = match thread {
        Some(thread) => thread.conversation.to_string(),
        None => number(1),
    };
    let (position, seq) = (number(0), number(2));
    corrupt(format!("entry {position}, seq {seq} of conversation {conversation}: {why}")).into()
}

/// Names the row at which something it refers to was found missing.
fn named(row: &Row<'_>, thread: Option<&Thread>, failure: Failure) -> Failure {
    match failure {
        Failure::Refused(StoreError::Corrupt { what }) => {
            bad(row, thread, &format!("{what} is not there or not whole"))
        }
        other => other,
    }
}
