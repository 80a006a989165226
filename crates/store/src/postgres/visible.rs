//! What a member may see of a conversation, and what it is told of by itself.
//!
//! Of a direct conversation that is all of it. Of a group's it is what lies between joining and
//! leaving, both included; and, where the group shows its past to who joins, what was before, which
//! is read but never pushed. Who left and came back has several such spans.

use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;

use super::conn::{Conn, Failure, params};
use super::threads::Thread;

/// The condition that an entry `e` is pushed to the member of row `m`.
macro_rules! heard {
    () => {
        "((e.seq >= m.joined AND (m.ended IS NULL OR e.seq <= m.ended)) \
         OR EXISTS (SELECT 1 FROM past_member p WHERE p.user_id = m.user_id \
         AND p.conversation = m.conversation AND e.seq BETWEEN p.joined AND p.ended))"
    };
}
pub(crate) use heard;

/// The condition that an entry `e` may be seen by the member of row `m`.
macro_rules! seen {
    () => {
        "((e.seq >= m.seen_from AND (m.ended IS NULL OR e.seq <= m.ended)) \
         OR EXISTS (SELECT 1 FROM past_member p WHERE p.user_id = m.user_id \
         AND p.conversation = m.conversation AND e.seq BETWEEN p.seen_from AND p.ended))"
    };
}
pub(crate) use seen;

/// The condition that the user of parameter `$1` does not hide an entry `e`; 6 is the kind of what is
/// hidden.
macro_rules! shown {
    () => {
        "NOT EXISTS (SELECT 1 FROM own h WHERE h.user_id = $1 AND h.kind = 6 \
         AND h.key = e.conversation || ':' || e.seq AND h.value IS NOT NULL)"
    };
}
pub(crate) use shown;

/// A stretch of a log that a member may see: first and last seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

/// All of a log.
pub(crate) const WHOLE: Span = Span { from: 1, to: i64::MAX };

/// The stretches that somebody may see, in order, none of them within another.
pub(crate) async fn spans(
    conn: Conn<'_>,
    thread: &Thread,
    user: &UserId,
) -> Result<Vec<Span>, Failure> {
    if !thread.is_group() {
        return Ok(vec![WHOLE]);
    }
    let sql = "SELECT seen_from, ended FROM past_member WHERE conversation = $1 AND user_id = $2 \
               UNION ALL SELECT seen_from, coalesce(ended, $3) FROM member \
               WHERE conversation = $1 AND user_id = $2 ORDER BY 1, 2";
    let rows = conn.query(sql, params![thread.id(), user.as_str(), i64::MAX]).await?;
    let mut spans: Vec<Span> = Vec::with_capacity(rows.len());
    for row in rows {
        let span = Span { from: row.try_get(0)?, to: row.try_get(1)? };
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
pub(crate) async fn before_time(
    conn: Conn<'_>,
    thread: &Thread,
    spans: &[Span],
    since: Millis,
) -> Result<i64, Failure> {
    // Times never decrease: everything up to `earlier` is before it, and from `later` on nothing is.
    let sql = "WITH RECURSIVE search (earlier, later) AS (SELECT 0::bigint, $3::bigint UNION ALL \
               SELECT CASE WHEN look.late THEN s.earlier ELSE look.middle END, \
               CASE WHEN look.late THEN look.middle ELSE s.later END FROM search s \
               CROSS JOIN LATERAL (SELECT (s.earlier + s.later) / 2 AS middle, coalesce( \
               (SELECT e.ts >= $2 FROM entry e WHERE e.conversation = $1 \
               AND e.seq <= (s.earlier + s.later) / 2 ORDER BY e.seq DESC LIMIT 1), false) AS late \
               ) look WHERE s.later - s.earlier > 1) SELECT min(later) FROM search";
    let since = i64::try_from(since.0).unwrap_or(i64::MAX);
    let rows = conn.query(sql, params![thread.id(), since, thread.head + 1]).await?;
    let later: i64 = rows.first().map_or(Ok(i64::MAX), |row| row.try_get(0))?;
    let shown = spans.iter().find(|span| span.to >= later);
    Ok(shown.map_or(i64::MAX - 1, |span| span.from.max(later) - 1))
}

/// Whether somebody may see the place of an entry, whether or not it is there.
pub(crate) async fn may_see(
    conn: Conn<'_>,
    thread: &Thread,
    user: &UserId,
    seq: i64,
) -> Result<bool, Failure> {
    if !thread.is_group() {
        return Ok(thread.is_of_two(user));
    }
    let sql = "SELECT 1 FROM member WHERE conversation = $1 AND user_id = $2 \
               AND seen_from <= $3 AND (ended IS NULL OR ended >= $3) \
               UNION ALL SELECT 1 FROM past_member WHERE conversation = $1 AND user_id = $2 \
               AND seen_from <= $3 AND ended >= $3";
    Ok(conn.exists(sql, params![thread.id(), user.as_str(), seq]).await?)
}

/// The seq of the newest entry that somebody may see.
pub(crate) async fn head(conn: Conn<'_>, thread: &Thread, user: &UserId) -> Result<i64, Failure> {
    if !thread.is_group() {
        return Ok(thread.head);
    }
    let sql = "SELECT ended FROM member WHERE conversation = $1 AND user_id = $2";
    let row = conn.first(sql, params![thread.id(), user.as_str()]).await?;
    let ended = row.map(|row| row.try_get::<_, Option<i64>>(0)).transpose()?.flatten();
    Ok(ended.unwrap_or(thread.head))
}
