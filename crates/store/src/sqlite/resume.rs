//! What a device asks that says how far it is: what came since, how much of it, what moved, and
//! what it has thereby confirmed.
//!
//! Nothing was written for these answers when things moved: they are computed from the positions
//! of the newest entries of the user's own conversations, found by descending the index from each
//! head; or, where few entries came at all, by walking those.

use std::sync::Arc;

use parlor_chat::entry::{Entry, Millis, Position};
use parlor_chat::ids::{ConversationId, DeviceId, Seq, UserId};
use parlor_chat::own::OwnMoved;
use parlor_chat::store::{Behind, MOVED_TOLD_WITHIN_MS, Moved, MovedPage, SincePage, Whose};

use rusqlite::OptionalExtension;

use super::devices;
use super::mark_blocks;
use super::names::entry_columns;
use super::queries::{Room, Wanted};
use super::readers::Reader;
use super::regard;
use super::rows::{self, Failure, bound, nat};
use super::visible::{self, before_heard, heard};

/// Up to so many newest entries of all users are walked rather than one user's conversations, and no more than so
/// many for each of these: that is what looking into one costs.
const WALK_ENTRIES_MAX: i64 = 512;
const WALK_ENTRIES_PER_CONVERSATION: i64 = 8;

/// A member's conversations, with the position of the newest entry that they may see, and position and
/// time of the newest move of a watermark: of any member's that they are told of. That the other read
/// something is none to who has no read receipts (`?4` is whether the member has), or of whom there are
/// none: 8 is the kind of privacy. Nor is it one what the other does with a request that is not accepted.
const MOVED: &str = "\
    SELECT conversation, last, last > ?2 OR (?2 > 0 AND (moved >= ?2 OR at >= ?3)), slot FROM ( \
        SELECT conversation, last, slot, \
            max(moved, iif(tells, others_read, 0)) AS moved, \
            max(at, iif(tells, others_read_at, 0)) AS at FROM ( \
            SELECT m.conversation, m.slot, \
                max(m.moved, m.read_moved, coalesce(o.moved, 0), coalesce(g.marked, 0)) AS moved, \
                max(m.delivered_at, m.read_at, coalesce(o.delivered_at, 0), \
                    coalesce(g.marked_at, 0)) AS at, \
                coalesce(o.read_moved, 0) AS others_read, coalesce(o.read_at, 0) AS others_read_at, \
                ?4 AND NOT EXISTS (SELECT 1 FROM own WHERE user = o.user AND kind = 8 \
                    AND key = 'readReceipts' AND value = 'false') AS tells, \
                (SELECT pos FROM entry WHERE conversation = m.conversation \
                 AND (m.left IS NULL OR seq <= m.left) AND (shadow IS NULL OR sender = m.user) \
                 ORDER BY seq DESC LIMIT 1) AS last \
            FROM member m JOIN conversation c ON c.id = m.conversation \
            LEFT JOIN member o ON o.conversation = c.id \
                AND o.user = CASE WHEN c.low = m.user THEN c.high ELSE c.low END \
                AND o.request NOT IN (1, 2) \
            LEFT JOIN chat_group g ON g.conversation = c.id \
            WHERE m.user = ?1)) WHERE last IS NOT NULL";

impl Reader {
    pub(crate) fn since(
        &mut self,
        user: &UserId,
        after: Position,
        whose: Whose,
        limit: usize,
    ) -> Result<SincePage, Failure> {
        let as_of = self.head_position()?;
        let mut page = SincePage { entries: Vec::new(), more: false, as_of };
        let after = bound(after.0);
        if bound(as_of.0) <= after {
            return Ok(page);
        }
        let others_than = (whose == Whose::Others).then_some(user);
        let Some(user) = rows::user_id(&self.conn, user)? else { return Ok(page) };
        let wanted = Wanted { others_than, ..Wanted::by(user, limit.saturating_add(1)) };
        let mut room = Room::default();
        page.entries = if self.is_short_walk(user, bound(as_of.0) - after)? {
            let sql = concat!(
                "SELECT ",
                entry_columns!(),
                " FROM entry e \
                 CROSS JOIN member m ON m.user = ?2 AND m.conversation = e.conversation \
                 WHERE e.pos > ?1 AND ",
                heard!(),
                " ORDER BY e.pos"
            );
            self.entries(sql, (after, user), wanted, &mut room)?
        } else {
            self.since_by_conversation(user, after, wanted, &mut room)?
        };
        page.more = page.entries.len() > limit || room.is_full;
        page.entries.truncate(limit);
        Ok(page)
    }

    /// Whether it takes less to walk so many newest entries than to look into each of a user's conversations.
    fn is_short_walk(&self, user: i64, entries: i64) -> Result<bool, rusqlite::Error> {
        if entries > WALK_ENTRIES_MAX {
            return Ok(false);
        }
        let skipped = (entries - 1) / WALK_ENTRIES_PER_CONVERSATION;
        let sql = "SELECT EXISTS (SELECT 1 FROM member WHERE user = ?1 LIMIT 1 OFFSET ?2)";
        self.conn.prepare_cached(sql)?.query_row((user, skipped), |row| row.get(0))
    }

    pub(crate) fn behind(
        &mut self,
        user: &UserId,
        after: Position,
        whose: Whose,
        entries_max: usize,
    ) -> Result<Behind, Failure> {
        let as_of = self.head_position()?;
        let mut behind = Behind { entries: 0, oldest: None, as_of };
        let after = bound(after.0);
        if bound(as_of.0) <= after {
            return Ok(behind);
        }
        let Some(user) = rows::user_id(&self.conn, user)? else { return Ok(behind) };
        let wanted = bound(entries_max as u64) + 1;
        let sql = concat!(
            "SELECT count(*), min(ts) FROM (SELECT e.ts FROM member m \
             CROSS JOIN entry e ON e.conversation = m.conversation \
             WHERE m.user = ?4 AND m.conversation = ?1 AND e.seq > ?2 \
             AND (?3 OR e.sender <> ?4) AND (e.shadow IS NULL OR e.sender = ?4) AND ",
            heard!(),
            " ORDER BY e.seq LIMIT ?5)"
        );
        let everyone = whose == Whose::Everyone;
        for (conversation, before_heard) in self.conversations_of(user)? {
            let from = self.seq_at(conversation, after)?.max(before_heard);
            let left = wanted - bound(behind.entries as u64);
            let (here, oldest): (i64, Option<i64>) = self
                .conn
                .prepare_cached(sql)?
                .query_row((conversation, from, everyone, user, left), |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            behind.entries += usize::try_from(here).unwrap_or(0);
            if let Some(ts) = oldest {
                let ts = Millis(nat(ts)?);
                behind.oldest = Some(behind.oldest.map_or(ts, |oldest| oldest.min(ts)));
            }
            if behind.entries > entries_max {
                break;
            }
        }
        Ok(behind)
    }

    pub(crate) fn moved(
        &mut self,
        user: &UserId,
        after: Position,
        limit: usize,
    ) -> Result<MovedPage, Failure> {
        let as_of = self.head_position()?;
        let mut page = MovedPage {
            conversations: Vec::new(),
            more: false,
            blocks: None,
            own: OwnMoved::default(),
            as_of,
        };
        let name = user;
        let Some(user) = rows::user_id(&self.conn, user)? else { return Ok(page) };
        let after = bound(after.0);
        let told = self.told_at(after)?;
        page.blocks = self.blocks_if_moved(user, after, told)?;
        page.own = self.own_moved((user, name), after, told)?;
        let found = self.moved_conversations(user, after, told, limit.saturating_add(1))?;
        page.more = found.len() > limit;
        for (conversation, last) in found.into_iter().take(limit) {
            let thread = self.names.thread(&self.conn, conversation)?;
            let read = mark_blocks::standing(&self.conn, conversation, user)?.read;
            page.conversations.push(Moved {
                conversation: thread.conversation.clone(),
                head: Seq(nat(self.seq_of(last)?)?),
                position: Position(nat(last)?),
                unread: nat(self.others_after(&thread, user, read)?)?,
                watermarks: self.watermarks(&thread, user)?,
            });
        }
        Ok(page)
    }

    /// At most so many of a user's conversations that moved, with the positions of their newest
    /// entries. Marks of one's own that moved in a group are in its blocks.
    fn moved_conversations(
        &self,
        user: i64,
        after: i64,
        told: i64,
        limit: usize,
    ) -> Result<Vec<(i64, i64)>, Failure> {
        let mut found = Vec::new();
        let mut statement = self.conn.prepare_cached(MOVED)?;
        let tells = regard::has_read_receipts(&self.conn, user)?;
        let mut rows = statement.query((user, after, told, tells))?;
        while found.len() < limit
            && let Some(row) = rows.next()?
        {
            let (conversation, slot): (i64, i64) = (row.get(0)?, row.get(3)?);
            let mut has_moved: bool = row.get(2)?;
            if !has_moved && slot > 0 && after > 0 {
                let own = mark_blocks::standing(&self.conn, conversation, user)?;
                has_moved = own.moved.max(own.read_moved) >= after
                    || own.delivered_at.max(own.read_at) >= told;
            }
            if has_moved {
                found.push((conversation, row.get(1)?));
            }
        }
        Ok(found)
    }

    pub(crate) fn received(
        &mut self,
        user: &UserId,
        device: &DeviceId,
        up_to: Position,
        limit: usize,
    ) -> Result<Vec<(ConversationId, Seq)>, Failure> {
        let mut received = Vec::new();
        let Some(user) = rows::user_id(&self.conn, user)? else { return Ok(received) };
        let device = if device.is_shared() {
            None
        } else {
            let Some(known) = devices::device_row(&self.conn, user, device)? else {
                return Ok(received);
            };
            Some(known.id)
        };
        for (conversation, had) in self.behind_device(user, device, None)? {
            if received.len() >= limit {
                break;
            }
            let seq = self.seq_at(conversation, bound(up_to.0))?;
            let thread = self.names.thread(&self.conn, conversation)?;
            let seq = match thread.is_group() {
                true => seq.min(visible::head(&self.conn, &thread, user)?.seq),
                false => seq,
            };
            if seq > had {
                received.push((thread.conversation.clone(), Seq(nat(seq)?)));
            }
        }
        Ok(received)
    }

    /// The seq of the entry at a position.
    fn seq_of(&self, position: i64) -> Result<i64, rusqlite::Error> {
        let sql = "SELECT seq FROM entry WHERE pos = ?1";
        self.conn.prepare_cached(sql)?.query_row([position], |row| row.get(0))
    }

    /// The time up to which all news had been told when the entry at a position was.
    fn told_at(&self, position: i64) -> Result<i64, rusqlite::Error> {
        let sql = "SELECT ts FROM entry WHERE pos <= ?1 ORDER BY pos DESC LIMIT 1";
        let ts =
            self.conn.prepare_cached(sql)?.query_row([position], |row| row.get(0)).optional()?;
        Ok(ts.map_or(i64::MAX, |ts: i64| ts.saturating_sub(bound(MOVED_TOLD_WITHIN_MS))))
    }

    /// A user's conversations, with the seq before the first entry that was ever pushed to them.
    fn conversations_of(&self, user: i64) -> Result<Vec<(i64, i64)>, rusqlite::Error> {
        let sql =
            concat!("SELECT m.conversation, ", before_heard!(), " FROM member m WHERE m.user = ?1");
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        self.conn.prepare_cached(sql)?.query_map([user], row)?.collect()
    }

    /// The seq of the newest entry that is kept of a conversation at or before a position; 0 if
    /// there is none.
    ///
    /// Positions rise with seq, so it is searched for: from the head in steps that double, then by
    /// halves. However far back it is, that takes few looks.
    fn seq_at(&self, conversation: i64, position: i64) -> Result<i64, rusqlite::Error> {
        let sql = "SELECT pos FROM entry WHERE conversation = ?1 AND seq = ?2";
        let mut look = self.conn.prepare_cached(sql)?;
        let mut position_of = |seq: i64| -> Result<Option<i64>, rusqlite::Error> {
            look.query_row([conversation, seq], |row| row.get(0)).optional()
        };
        let mut above = rows::head(&self.conn, conversation)?.seq + 1;
        let mut step = 1;
        // What retention has removed counts as earlier: it lies before all that is kept.
        let is_later = |found: Option<i64>| found.is_some_and(|found| found > position);
        while above > step && is_later(position_of(above - step)?) {
            above -= step;
            step *= 2;
        }
        let mut below = (above - step).max(0);
        while above - below > 1 {
            let middle = below + (above - below) / 2;
            if is_later(position_of(middle)?) {
                above = middle;
            } else {
                below = middle;
            }
        }
        Ok(if position_of(below)?.is_some() { below } else { 0 })
    }

    /// The positions of the first entries after one in a user's conversations, in order.
    fn positions_since(
        &self,
        user: i64,
        after: i64,
        positions_max: usize,
    ) -> Result<Vec<i64>, rusqlite::Error> {
        let mut positions = Vec::new();
        let sql = concat!(
            "SELECT e.pos FROM member m CROSS JOIN entry e ON e.conversation = m.conversation \
             WHERE m.user = ?4 AND m.conversation = ?1 AND e.seq > ?2 AND ",
            heard!(),
            " ORDER BY e.seq LIMIT ?3"
        );
        let mut upwards = self.conn.prepare_cached(sql)?;
        for (conversation, before_heard) in self.conversations_of(user)? {
            let from = self.seq_at(conversation, after)?.max(before_heard);
            let params = (conversation, from, bound(positions_max as u64), user);
            for position in upwards.query_map(params, |row| row.get(0))? {
                positions.push(position?);
            }
        }
        positions.sort_unstable();
        positions.truncate(positions_max);
        Ok(positions)
    }

    /// The wanted entries after a position, looked for in each of a user's conversations. Who said
    /// one is believed only once it is read and found sound, so this goes on until there are enough.
    fn since_by_conversation(
        &mut self,
        user: i64,
        mut after: i64,
        wanted: Wanted<'_>,
        room: &mut Room,
    ) -> Result<Vec<Arc<Entry>>, Failure> {
        let sql = concat!("SELECT ", entry_columns!(), " FROM entry e WHERE e.pos = ?1");
        let mut entries = Vec::new();
        loop {
            let positions = self.positions_since(user, after, wanted.entries)?;
            for position in &positions {
                entries.append(&mut self.entries(sql, [*position], wanted, room)?);
                if entries.len() >= wanted.entries || room.is_full {
                    return Ok(entries);
                }
            }
            match positions.last() {
                Some(last) if positions.len() == wanted.entries => after = *last,
                _ => return Ok(entries),
            }
        }
    }
}
