//! What goes by itself: contents that have ended, entries that are too old, keys whose time is over. A few
//! of each at a time, by whichever node comes first.
//!
//! Entries are walked in the order of arrival behind a mark kept in `meta`. One that is too old goes,
//! unless it is the newest of its conversation: that one stays, since the next seq and time are made
//! from it, and goes with the append that succeeds it. So what is kept of a conversation is always its
//! end, from the seq that `conversation.first` names.

use std::collections::BTreeMap;

use parlor_chat::entry::Millis;
use parlor_chat::idempotency::SKEW_MS;
use parlor_chat::ids::ConversationId;

use super::conn::{Conn, Failure, params};
use super::listing::conversation_of;
use super::locks::Locks;
use super::message_state;
use super::turn::Turn;
use crate::kept::numbers::bound;

/// Entries, contents and keys that one slice looks at.
const SLICE: i64 = 512;

/// Up to where entries were looked at, and for which age: in `meta`.
pub(crate) const REMOVED_UP_TO: &str = "removed_up_to";
pub(crate) const REMOVED_AGE: &str = "removed_age_ms";

/// Held by the node that does it ("upkeep" as a number).
const LOCK: i64 = 0x7570_6b65_6570;

/// Whether there is more to do at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    Nothing,
    More,
}

/// What a slice did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) left: Left,
    /// Contents taken out because they have ended, and entries removed for their age.
    pub(crate) expired: u64,
    pub(crate) removed: u64,
}

/// One slice, in a transaction of its own.
pub(crate) async fn slice(turn: &mut Turn<'_>) -> Result<Done, Failure> {
    let conn = turn.conn;
    if !conn.exists("SELECT 1 WHERE pg_try_advisory_xact_lock($1)", params![LOCK]).await? {
        return Ok(Done { left: Left::Nothing, expired: 0, removed: 0 });
    }
    let now = turn.now();
    let ended = ended(conn, now).await?;
    let old = match turn.config.retention_ms {
        Some(age_ms) => Some(too_old(conn, now, age_ms).await?),
        None => None,
    };
    let mut locks = Locks::default();
    ended.keys().for_each(|of| locks.conversation(of));
    if let Some(old) = &old {
        old.last.keys().for_each(|of| locks.conversation(of));
    }
    locks.take(conn).await?;
    let mut emptied = 0;
    for (of, seqs) in &ended {
        emptied += seqs.len() as i64;
        empty(conn, of, seqs).await?;
    }
    let mut removed = 0;
    if let Some(old) = &old {
        for (of, up_to) in &old.last {
            removed += remove(conn, of.as_str(), *up_to).await?;
        }
        note(conn, REMOVED_UP_TO, old.considered).await?;
        note(conn, REMOVED_AGE, bound(turn.config.retention_ms.unwrap_or(0))).await?;
    }
    let forgotten = forget_keys(turn, now).await?;
    let is_more = old.is_some_and(|old| old.is_more) || emptied >= SLICE || forgotten >= SLICE;
    let left = if is_more { Left::More } else { Left::Nothing };
    Ok(Done { left, expired: emptied.cast_unsigned(), removed })
}

/// Messages, and edits of some, whose contents have ended and are still there: each conversation's, with
/// whether it is a message.
async fn ended(
    conn: Conn<'_>,
    now: Millis,
) -> Result<BTreeMap<ConversationId, Vec<(i64, bool)>>, Failure> {
    let sql = "SELECT conversation, seq, kind IN (0, 10) FROM entry \
               WHERE expires IS NOT NULL AND gone IS NULL AND expires <= $1 \
               ORDER BY expires LIMIT $2";
    let mut ended: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in conn.query(sql, params![bound(now.0), SLICE]).await? {
        let at = (row.try_get(1)?, row.try_get(2)?);
        ended.entry(conversation_of(&row, 0)?).or_default().push(at);
    }
    Ok(ended)
}

/// Takes contents out. Each goes by itself, and names itself as what deleted it.
async fn empty(conn: Conn<'_>, of: &ConversationId, ended: &[(i64, bool)]) -> Result<(), Failure> {
    let seqs: Vec<i64> = ended.iter().map(|(seq, _)| *seq).collect();
    let sql = "UPDATE entry SET content = 'null', gone = seq \
               WHERE conversation = $1 AND seq = ANY ($2) AND gone IS NULL";
    conn.execute(sql, params![of.as_str(), seqs]).await?;
    let messages: Vec<i64> =
        ended.iter().filter(|(_, is_message)| *is_message).map(|(seq, _)| *seq).collect();
    message_state::delete(conn, of.as_str(), &messages).await
}

/// What is to be removed for its age.
struct TooOld {
    /// The last entry that goes of each conversation.
    last: BTreeMap<ConversationId, i64>,
    considered: i64,
    is_more: bool,
}

async fn too_old(conn: Conn<'_>, now: Millis, age_ms: u64) -> Result<TooOld, Failure> {
    // Under another age other entries are too old: the walk begins again.
    let is_same_age = noted(conn, REMOVED_AGE).await? == bound(age_ms);
    let start = if is_same_age { noted(conn, REMOVED_UP_TO).await? } else { 0 };
    let end = start + SLICE;
    let sql = "SELECT e.conversation, e.seq, e.pos, e.ts < $3, c.head FROM entry e \
               JOIN conversation c ON c.id = e.conversation \
               WHERE e.pos > $1 AND e.pos <= $2 ORDER BY e.pos";
    let before = bound(now.0.saturating_sub(age_ms));
    let rows = conn.query(sql, params![start, end, before]).await?;
    let head = conn.number("SELECT position FROM counter", params![]).await?;
    // What was committed before an entry that is too old is so too, even if a clock that once ran
    // ahead gave it a time to come.
    let mut old = 0;
    for (at, row) in rows.iter().enumerate() {
        if row.try_get(3)? {
            old = at + 1;
        }
    }
    let mut last = BTreeMap::new();
    for row in &rows[..old] {
        let (seq, head): (i64, i64) = (row.try_get(1)?, row.try_get(4)?);
        if seq < head {
            last.insert(conversation_of(row, 0)?, seq);
        }
    }
    let considered = match rows.get(..old).and_then(<[_]>::last) {
        _ if old == rows.len() => end.min(head),
        Some(row) => row.try_get(2)?,
        None => start,
    };
    Ok(TooOld { last, considered, is_more: considered == end })
}

/// Removes the entries of a conversation up to one, which has another behind it; gives how many.
pub(crate) async fn remove(conn: Conn<'_>, of: &str, up_to: i64) -> Result<u64, Failure> {
    let sql = "UPDATE conversation c SET first = e.seq + 1, gone_said = e.said, \
               gone_low_said = greatest(e.low_said, 0) FROM entry e \
               WHERE c.id = $1 AND e.conversation = $1 AND e.seq = $2";
    conn.execute(sql, params![of, up_to]).await?;
    for sql in [
        "DELETE FROM message_words WHERE conversation = $1 AND seq <= $2",
        "DELETE FROM mention WHERE conversation = $1 AND seq <= $2",
        "DELETE FROM reaction WHERE conversation = $1 AND seq <= $2",
        "DELETE FROM message_state WHERE conversation = $1 AND seq <= $2",
    ] {
        conn.execute(sql, params![of, up_to]).await?;
    }
    let sql = "DELETE FROM entry WHERE conversation = $1 AND seq <= $2";
    Ok(conn.execute(sql, params![of, up_to]).await?)
}

/// Forgets idempotency keys whose time is over; gives how many.
async fn forget_keys(turn: &Turn<'_>, now: Millis) -> Result<i64, Failure> {
    let kept_ms = turn.config.client_id_window_ms.saturating_add(SKEW_MS);
    let before = bound(now.0.saturating_sub(kept_ms));
    let sql = "DELETE FROM idempotency WHERE (conversation, sender, client_id) IN \
               (SELECT conversation, sender, client_id FROM idempotency WHERE ts < $1 LIMIT $2)";
    let forgotten = turn.conn.execute(sql, params![before, SLICE]).await?;
    Ok(bound(forgotten))
}

async fn noted(conn: Conn<'_>, key: &str) -> Result<i64, Failure> {
    let row = conn.first("SELECT value FROM meta WHERE key = $1", params![key]).await?;
    let value: Option<Vec<u8>> = row.map(|row| row.try_get(0)).transpose()?;
    let value = value.and_then(|value| value.try_into().ok());
    Ok(value.map_or(0, i64::from_be_bytes))
}

/// Keeps a number in `meta`.
pub(crate) async fn note(
    conn: Conn<'_>,
    key: &str,
    value: i64,
) -> Result<(), tokio_postgres::Error> {
    let sql = "INSERT INTO meta (key, value) VALUES ($1, $2) \
               ON CONFLICT (key) DO UPDATE SET value = excluded.value \
               WHERE meta.value <> excluded.value";
    conn.execute(sql, params![key, &value.to_be_bytes()[..]]).await?;
    Ok(())
}
