//! What a member may see of a conversation, and what it is told of by itself.
//!
//! Of a direct conversation that is all of it. Of a group's it is what lies between joining and
//! leaving, both included; and, where the group shows its past to who joins, what was before, which
//! is read but never pushed. Who left and came back has several such spans.

use parlor_chat::entry::Millis;
use parlor_chat::ids::{ConversationId, UserId};
use rusqlite::{Connection, OptionalExtension};

use super::rows::{self, Failure, Place, Thread, corrupt};

/// The condition that an entry `e` is pushed to the member of row `m`.
macro_rules! heard {
    () => {
        "((e.seq >= m.joined AND (m.left IS NULL OR e.seq <= m.left)) \
         OR EXISTS (SELECT 1 FROM past_member p WHERE p.user = m.user \
         AND p.conversation = m.conversation AND e.seq BETWEEN p.joined AND p.left))"
    };
}
pub(crate) use heard;

/// The seq before the first entry that was ever pushed to the member of row `m`.
macro_rules! before_heard {
    () => {
        "max(0, coalesce((SELECT min(p.joined) FROM past_member p WHERE p.user = m.user \
         AND p.conversation = m.conversation), m.joined) - 1)"
    };
}
pub(crate) use before_heard;

/// A stretch of a log that a member may see: first and last seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

/// The stretches that somebody may see, in order, none of them within another.
pub(crate) fn spans(
    conn: &Connection,
    thread: &Thread,
    user: i64,
) -> Result<Vec<Span>, rusqlite::Error> {
    if !thread.is_group() {
        return Ok(vec![Span { from: 1, to: i64::MAX }]);
    }
    let sql = "SELECT seen_from, left FROM past_member WHERE user = ?1 AND conversation = ?2 \
               UNION ALL SELECT seen_from, coalesce(left, ?3) FROM member \
               WHERE user = ?1 AND conversation = ?2";
    let mut found: Vec<Span> = conn
        .prepare_cached(sql)?
        .query_map((user, thread.id, i64::MAX), |row| {
            Ok(Span { from: row.get(0)?, to: row.get(1)? })
        })?
        .collect::<Result<_, _>>()?;
    found.sort_unstable_by_key(|span| (span.from, span.to));
    let mut spans: Vec<Span> = Vec::with_capacity(found.len());
    for span in found {
        match spans.last_mut() {
            // One that came back to a past that is shown sees what it had not seen, too.
            Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
            _ => spans.push(span),
        }
    }
    Ok(spans)
}

/// The number before the first entry of a time or later that lies in one of these stretches; one that
/// nothing is behind where there is none.
pub(crate) fn before_time(
    conn: &Connection,
    conversation: i64,
    spans: &[Span],
    since: Millis,
) -> Result<i64, rusqlite::Error> {
    let since = i64::try_from(since.0).unwrap_or(i64::MAX);
    let sql = "SELECT seq, ts FROM entry WHERE conversation = ?1 AND seq <= ?2 \
               ORDER BY seq DESC LIMIT 1";
    let mut at_or_below = conn.prepare_cached(sql)?;
    let mut look = |seq: i64| {
        at_or_below
            .query_row([conversation, seq], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })
            .optional()
    };
    // Times never decrease: everything up to `earlier` is before it, and from `later` on nothing is.
    let (mut earlier, mut later) = (0, look(i64::MAX)?.map_or(1, |(head, _)| head + 1));
    while later - earlier > 1 {
        let middle = earlier + (later - earlier) / 2;
        match look(middle)? {
            Some((seq, ts)) if ts >= since => later = seq,
            _ => earlier = middle,
        }
    }
    let shown = spans.iter().find(|span| span.to >= later);
    Ok(shown.map_or(i64::MAX - 1, |span| span.from.max(later) - 1))
}

/// Whether somebody may see an entry of a group.
pub(crate) fn may_see(
    conn: &Connection,
    conversation: i64,
    user: i64,
    seq: i64,
) -> Result<bool, rusqlite::Error> {
    let sql = "SELECT 1 FROM member WHERE user = ?1 AND conversation = ?2 \
               AND seen_from <= ?3 AND (left IS NULL OR left >= ?3) \
               UNION ALL SELECT 1 FROM past_member WHERE user = ?1 AND conversation = ?2 \
               AND seen_from <= ?3 AND left >= ?3";
    conn.prepare_cached(sql)?.exists([user, conversation, seq])
}

/// Whether somebody may read the place of an entry in a conversation, whether or not it is there.
pub(crate) fn is_readable(
    conn: &Connection,
    conversation: &ConversationId,
    user: &UserId,
    seq: i64,
) -> Result<bool, rusqlite::Error> {
    let Some(thread) = rows::find_thread(conn, conversation)? else { return Ok(false) };
    match thread.member(conn, user)? {
        None => Ok(false),
        Some(user) => Ok(!thread.is_group() || may_see(conn, thread.id, user, seq)?),
    }
}

/// The newest entry that somebody may see; all zero where there is none.
pub(crate) fn head(conn: &Connection, thread: &Thread, user: i64) -> Result<Place, Failure> {
    if thread.is_group() {
        let left = conn
            .prepare_cached("SELECT left FROM member WHERE user = ?1 AND conversation = ?2")?
            .query_row([user, thread.id], |row| row.get::<_, Option<i64>>(0))
            .optional()?;
        if let Some(left) = left.flatten() {
            let last = rows::place_at(conn, thread.id, left)?;
            let what = || corrupt(format!("the last entry of a member of {}", thread.conversation));
            return Ok(last.ok_or_else(what)?);
        }
    }
    Ok(rows::head(conn, thread.id)?)
}
