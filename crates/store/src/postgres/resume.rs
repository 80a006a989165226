//! What a device asks that says how far it is, or says nothing of itself: what it has not confirmed,
//! what came since, how much of it, what moved, and what it has thereby confirmed.
//!
//! Nothing was written for these answers when things moved: they are computed from the rows of the
//! user's own conversations and the positions of their entries.

use parlor_chat::entry::{Millis, Position};
use parlor_chat::ids::{ConversationId, DeviceId, Seq, UserId};
use parlor_chat::own::OwnMoved;
use parlor_chat::store::{
    Behind, MOVED_TOLD_WITHIN_MS, Moved, MovedPage, SincePage, UndeliveredCursor, UndeliveredPage,
    Whose,
};

use super::conn::{Failure, params};
use super::entries::entry_columns;
use super::listing::conversation_of;
use super::reads::{Reader, Room};
use super::visible::heard;
use super::{own, people};
use crate::kept::numbers::{bound, corrupt, nat};

/// A member's conversations, with the position of the newest entry that they may see, in which that entry
/// or a watermark moved since: any member's that they are told of. That the other read something is no
/// news to who has no read receipts, or of whom there are none: 8 is the kind of privacy. Nor is it what
/// the other does with a request that is not accepted.
const MOVED: &str = "\
    SELECT s.conversation, s.last, (SELECT e.seq FROM entry e \
        WHERE e.conversation = s.conversation AND e.pos = s.last) FROM standing s \
    LEFT JOIN member o ON o.conversation = s.conversation AND s.low IS NOT NULL \
        AND o.user_id = CASE WHEN s.low = s.user_id THEN s.high ELSE s.low END \
        AND o.request NOT IN (1, 2) \
    LEFT JOIN chat_group g ON g.conversation = s.conversation \
    CROSS JOIN LATERAL (SELECT NOT EXISTS (SELECT 1 FROM own p \
        WHERE p.user_id IN (s.user_id, o.user_id) AND p.kind = 8 AND p.key = 'readReceipts' \
        AND p.value = 'false') AS reads) t \
    WHERE s.user_id = $1 AND s.last IS NOT NULL AND (s.last > $2 OR $2 > 0 AND ( \
        greatest(s.moved, s.read_moved, coalesce(o.moved, 0), coalesce(g.marked, 0), \
            CASE WHEN t.reads THEN coalesce(o.read_moved, 0) ELSE 0 END) >= $2 \
        OR greatest(s.delivered_at, s.read_at, coalesce(o.delivered_at, 0), \
            coalesce(g.marked_at, 0), CASE WHEN t.reads THEN coalesce(o.read_at, 0) ELSE 0 END) \
            >= $3)) LIMIT $4";

/// The conversations of a user, from one on, with entries that a device has not had: up to where it has
/// them. The shared device, whose name is empty, has had what its user has. A direct one in which all
/// that is behind was said by the user has nothing to tell.
const BEHIND_DEVICE: &str = "\
    SELECT s.conversation, b.had FROM standing s \
    LEFT JOIN delivered d ON d.user_id = s.user_id AND d.device = $2 \
        AND d.conversation = s.conversation \
    CROSS JOIN LATERAL (SELECT greatest(s.before_heard, \
        CASE WHEN $2 = '' THEN s.delivered ELSE coalesce(d.seq, 0) END, \
        CASE WHEN s.conversation = $3 THEN $4 ELSE 0 END) AS had) b \
    WHERE s.user_id = $1 AND s.conversation >= $3 AND s.head > b.had \
    AND EXISTS (SELECT 1 FROM entry e WHERE e.conversation = s.conversation AND e.seq > b.had \
        AND e.seq <= s.head AND (e.sender <> $1 OR e.moderated)) \
    ORDER BY s.conversation";

/// Conversations of which entries are read together.
const BEHIND_AT_ONCE: usize = 16;

impl Reader<'_> {
    /// What others said that a device has not confirmed.
    pub(crate) async fn undelivered(
        &self,
        user: &UserId,
        device: &DeviceId,
        after: Option<&UndeliveredCursor>,
        limit: usize,
    ) -> Result<UndeliveredPage, Failure> {
        let as_of = self.head_position().await?;
        let mut page = UndeliveredPage { entries: Vec::new(), next: None, as_of };
        let (from, had) = match after {
            Some(after) => (after.conversation.as_str(), bound(after.seq.0)),
            None => ("", 0),
        };
        let device = self.known_device(user, device).await?;
        let behind = params![user.as_str(), device, from, had];
        let rows = self.conn.query(BEHIND_DEVICE, behind).await?;
        let mut room = Room::default();
        let wanted = limit.saturating_add(1);
        for some in rows.chunks(BEHIND_AT_ONCE) {
            let left = bound((wanted - page.entries.len()) as u64);
            let (mut of, mut had): (Vec<&str>, Vec<i64>) = (Vec::new(), Vec::new());
            for row in some {
                of.push(row.try_get(0)?);
                had.push(row.try_get(1)?);
            }
            let sql = concat!(
                "SELECT ",
                entry_columns!(),
                " FROM unnest($2::text[], $3::bigint[]) AS w (conversation, had) \
                 JOIN member m ON m.conversation = w.conversation AND m.user_id = $1 \
                 CROSS JOIN LATERAL (SELECT * FROM entry e WHERE e.conversation = w.conversation \
                 AND e.seq > w.had AND (e.sender <> $1 OR e.moderated) \
                 AND (NOT e.shadow OR e.sender = $1) AND ",
                heard!(),
                " ORDER BY e.seq LIMIT $4) e ORDER BY e.conversation, e.seq LIMIT $4"
            );
            let rows = self.conn.query(sql, params![user.as_str(), of, had, left]).await?;
            page.entries.append(&mut room.entries(&rows, self.clock)?);
            if page.entries.len() >= wanted || room.is_full {
                break;
            }
        }
        let more = page.entries.len() > limit || room.is_full;
        page.entries.truncate(limit);
        page.next = page.entries.last().filter(|_| more).map(|last| UndeliveredCursor {
            conversation: last.conversation.clone(),
            seq: last.seq,
        });
        Ok(page)
    }

    /// The name of a device that is there; else it is as far as its user.
    async fn known_device<'a>(
        &self,
        user: &UserId,
        device: &'a DeviceId,
    ) -> Result<&'a str, Failure> {
        let sql = "SELECT 1 FROM device WHERE user_id = $1 AND name = $2 AND active";
        let is_there = !device.is_shared()
            && self.conn.exists(sql, params![user.as_str(), device.as_str()]).await?;
        Ok(if is_there { device.as_str() } else { "" })
    }

    /// Entries in the user's conversations committed after a position, in commit order.
    pub(crate) async fn since(
        &self,
        user: &UserId,
        after: Position,
        whose: Whose,
        limit: usize,
    ) -> Result<SincePage, Failure> {
        let as_of = self.head_position().await?;
        let mut page = SincePage { entries: Vec::new(), more: false, as_of };
        let after = bound(after.0);
        if bound(as_of.0) <= after {
            return Ok(page);
        }
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM member m CROSS JOIN LATERAL (SELECT * FROM entry e \
             WHERE e.conversation = m.conversation AND e.pos > $2 \
             AND ($3 OR e.sender <> $1 OR e.moderated) AND (NOT e.shadow OR e.sender = $1) AND ",
            heard!(),
            " ORDER BY e.pos LIMIT $4) e WHERE m.user_id = $1 ORDER BY e.pos LIMIT $4"
        );
        let (everyone, wanted) = (whose == Whose::Everyone, bound(limit as u64) + 1);
        let rows = self.conn.query(sql, params![user.as_str(), after, everyone, wanted]).await?;
        let mut room = Room::default();
        page.entries = room.entries(&rows, self.clock)?;
        page.more = page.entries.len() > limit || room.is_full;
        page.entries.truncate(limit);
        Ok(page)
    }

    /// How many entries [`Reader::since`] would give in all.
    pub(crate) async fn behind(
        &self,
        user: &UserId,
        after: Position,
        whose: Whose,
        entries_max: usize,
    ) -> Result<Behind, Failure> {
        let as_of = self.head_position().await?;
        let mut behind = Behind { entries: 0, oldest: None, as_of };
        let after = bound(after.0);
        if bound(as_of.0) <= after {
            return Ok(behind);
        }
        let sql = concat!(
            "SELECT count(*), min(n.ts) FROM (SELECT e.ts FROM member m \
             CROSS JOIN LATERAL (SELECT e.ts, e.pos FROM entry e \
             WHERE e.conversation = m.conversation AND e.pos > $2 \
             AND ($3 OR e.sender <> $1 OR e.moderated) AND (NOT e.shadow OR e.sender = $1) AND ",
            heard!(),
            " ORDER BY e.pos LIMIT $4) e WHERE m.user_id = $1 ORDER BY e.pos LIMIT $4) n"
        );
        let (everyone, wanted) = (whose == Whose::Everyone, bound(entries_max as u64) + 1);
        let found = self.conn.first(sql, params![user.as_str(), after, everyone, wanted]).await?;
        if let Some(row) = found {
            behind.entries = usize::try_from(row.try_get::<_, i64>(0)?).unwrap_or(0);
            let oldest: Option<i64> = row.try_get(1)?;
            behind.oldest = oldest.map(nat).transpose()?.map(Millis);
        }
        Ok(behind)
    }

    /// What moved since a position.
    pub(crate) async fn moved(
        &self,
        user: &UserId,
        after: Position,
        limit: usize,
    ) -> Result<MovedPage, Failure> {
        let as_of = self.head_position().await?;
        let after = bound(after.0);
        let told = self.told_at(after).await?;
        let mut page = MovedPage {
            conversations: Vec::new(),
            more: false,
            blocks: people::blocks_if_moved(self.conn, user, after, told).await?,
            own: OwnMoved::default(),
            as_of,
        };
        page.own = own::moved(self.conn, user, after, told).await?;
        let wanted = bound(limit as u64) + 1;
        let rows = self.conn.query(MOVED, params![user.as_str(), after, told, wanted]).await?;
        page.more = rows.len() > limit;
        let mut found = Vec::new();
        for row in rows.iter().take(limit) {
            found.push((conversation_of(row, 0)?, row.try_get(1)?, row.try_get(2)?));
        }
        let of: Vec<&ConversationId> = found.iter().map(|(of, ..)| of).collect();
        let mut lines = self.lines(user, &of).await?;
        for (conversation, last, head) in found {
            let what = || corrupt(format!("the members of {conversation}"));
            let line = lines.remove(&conversation).ok_or_else(what)?;
            page.conversations.push(Moved {
                head: Seq(nat(head)?),
                position: Position(nat(last)?),
                unread: line.unread,
                watermarks: line.watermarks,
                conversation,
            });
        }
        Ok(page)
    }

    /// The time up to which all news had been told when the entry at a position was.
    async fn told_at(&self, position: i64) -> Result<i64, Failure> {
        // Near the position it is found by its range; one further back is found all the same.
        for range in [1_024, i64::MAX] {
            let sql = "SELECT e.ts FROM entry e WHERE e.pos <= $1 AND e.pos > $2 \
                       ORDER BY e.pos DESC LIMIT 1";
            let from = position.saturating_sub(range);
            if let Some(row) = self.conn.first(sql, params![position, from]).await? {
                let ts: i64 = row.try_get(0)?;
                return Ok(ts.saturating_sub(bound(MOVED_TOLD_WITHIN_MS)));
            }
            if from <= 0 {
                break;
            }
        }
        Ok(i64::MAX)
    }

    /// What a device that has everything up to a position has not confirmed yet.
    pub(crate) async fn received(
        &self,
        user: &UserId,
        device: &DeviceId,
        up_to: Position,
        limit: usize,
    ) -> Result<Vec<(ConversationId, Seq)>, Failure> {
        let exists = "SELECT 1 FROM device WHERE user_id = $1 AND name = $2";
        if !device.is_shared()
            && !self.conn.exists(exists, params![user.as_str(), device.as_str()]).await?
        {
            return Ok(Vec::new());
        }
        let sql = "SELECT s.conversation, r.seq FROM standing s \
                   LEFT JOIN delivered d ON d.user_id = s.user_id AND d.device = $2 \
                   AND d.conversation = s.conversation \
                   CROSS JOIN LATERAL (SELECT greatest(s.before_heard, CASE WHEN $2 = '' \
                   THEN s.delivered ELSE coalesce(d.seq, 0) END) AS had) b \
                   CROSS JOIN LATERAL (SELECT least(e.seq, s.head) AS seq FROM entry e \
                   WHERE e.conversation = s.conversation AND e.pos <= $3 \
                   ORDER BY e.pos DESC LIMIT 1) r \
                   WHERE s.user_id = $1 AND s.head > b.had AND r.seq > b.had \
                   ORDER BY s.conversation LIMIT $4";
        let (up_to, limit) = (bound(up_to.0), bound(limit as u64));
        let params = params![user.as_str(), device.as_str(), up_to, limit];
        let mut received = Vec::new();
        for row in self.conn.query(sql, params).await? {
            received.push((conversation_of(&row, 0)?, Seq(nat(row.try_get(1)?)?)));
        }
        Ok(received)
    }
}
