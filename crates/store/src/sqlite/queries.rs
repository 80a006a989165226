//! What each read does, within one snapshot.
//!
//! Heads are found by descending the index, never counted. Reads for a user touch that user's
//! conversations only; `since` walks the newest entries instead where they are few.

use std::sync::Arc;

use parlor_chat::entry::{Entry, Millis, Position};
use parlor_chat::ids::{DeviceId, Seq, UserId};
use parlor_chat::store::{
    AttachDevice, ConversationSummary, ConversationsCursor, ConversationsPage, Device, HistoryPage,
    HistoryQuery, HistoryRange, SincePage, StoreError, UndeliveredCursor, UndeliveredPage,
    Watermarks,
};
use rusqlite::{Connection, OptionalExtension, Params};

use super::commands::{self, LAST_SEEN_STEP_MS};
use super::readers::Reader;
use super::rows::{self, Failure, Place, Thread, bound, corrupt, entry_columns, int, nat};

/// Bytes of entries that one page holds, but for its first entry: what reads a page into memory,
/// and writes it into one answer, must not depend on how large messages are.
pub(crate) const PAGE_BYTES_MAX: usize = 256 * 1024;

/// What an entry is counted as beside its content.
const ENTRY_BYTES: usize = 512;

/// Up to so many newest entries of all users are walked rather than one user's conversations.
const WALK_ENTRIES_MAX: i64 = 512;

impl Reader {
    /// Whether a device may be here without a write: known, seen lately, its token good.
    pub(crate) fn device_is_known(&mut self, attach: &AttachDevice) -> Result<bool, Failure> {
        let Some(user) = rows::user_id(&self.conn, &attach.user)? else { return Ok(false) };
        let Some(known) = commands::device_row(&self.conn, user, &attach.device)? else {
            return Ok(false);
        };
        if known.refuses(attach.token_issued) {
            return Err(StoreError::DeviceRevoked.into());
        }
        let seen_lately =
            known.last_seen.saturating_add(int(LAST_SEEN_STEP_MS)) > bound(attach.now.0);
        Ok(known.active && seen_lately)
    }

    pub(crate) fn devices(&mut self, user: &UserId) -> Result<Vec<Device>, Failure> {
        let Some(user) = rows::user_id(&self.conn, user)? else { return Ok(Vec::new()) };
        let sql = "SELECT name, created, last_seen FROM device WHERE user = ?1 AND active = 1 \
                   ORDER BY last_seen DESC, id DESC";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query([user])?;
        let mut devices = Vec::new();
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            devices.push(Device {
                device: DeviceId::parse(&name)
                    .map_err(|_| corrupt(format!("a device of user {user}")))?,
                created: Millis(nat(row.get(1)?)?),
                last_seen: Millis(nat(row.get(2)?)?),
            });
        }
        Ok(devices)
    }

    pub(crate) fn undelivered(
        &mut self,
        user: &UserId,
        device: &DeviceId,
        after: Option<&UndeliveredCursor>,
        limit: usize,
    ) -> Result<UndeliveredPage, Failure> {
        let as_of = self.head_position()?;
        let mut page = UndeliveredPage { entries: Vec::new(), next: None, as_of };
        let mut room_bytes = Room::default();
        let Some(user) = rows::user_id(&self.conn, user)? else { return Ok(page) };
        let device = if device.is_shared() {
            None
        } else {
            commands::device_row(&self.conn, user, device)?.filter(|d| d.active).map(|d| d.id)
        };
        let resumed = match after {
            None => None,
            Some(after) => rows::find_thread(&self.conn, &after.conversation)?
                .map(|thread| (thread.id, bound(after.seq.0))),
        };
        for (conversation, delivered) in self.behind(user, device, resumed.map(|r| r.0))? {
            let mut had = delivered;
            if let Some((at, seq)) = resumed
                && at == conversation
            {
                had = had.max(seq);
            }
            let thread = self.names.thread(&self.conn, conversation)?;
            if self.others_after(&thread, user, had)? == 0 {
                continue;
            }
            if page.entries.len() >= limit {
                page.next = page.entries.last().map(|last| UndeliveredCursor {
                    conversation: last.conversation.clone(),
                    seq: last.seq,
                });
                return Ok(page);
            }
            let room = limit - page.entries.len();
            let sql = concat!(
                "SELECT ",
                entry_columns!(),
                " FROM entry e \
                 WHERE e.conversation = ?1 AND e.seq > ?2 AND e.sender <> ?3 \
                 ORDER BY e.seq LIMIT ?4"
            );
            let mut entries = self.entries(
                sql,
                (conversation, had, user, bound(room as u64) + 1),
                &mut room_bytes,
            )?;
            let more = entries.len() > room || room_bytes.is_full;
            entries.truncate(room);
            page.entries.append(&mut entries);
            if more {
                page.next = page.entries.last().map(|last| UndeliveredCursor {
                    conversation: last.conversation.clone(),
                    seq: last.seq,
                });
                return Ok(page);
            }
        }
        Ok(page)
    }

    pub(crate) fn since(
        &mut self,
        user: &UserId,
        after: Position,
        limit: usize,
    ) -> Result<SincePage, Failure> {
        let as_of = self.head_position()?;
        let mut page = SincePage { entries: Vec::new(), more: false, as_of };
        let after = bound(after.0);
        if bound(as_of.0) <= after {
            return Ok(page);
        }
        let Some(user) = rows::user_id(&self.conn, user)? else { return Ok(page) };
        let wanted = bound(limit as u64) + 1;
        let mut room = Room::default();
        page.entries = if bound(as_of.0) - after <= WALK_ENTRIES_MAX {
            let sql = concat!(
                "SELECT ",
                entry_columns!(),
                " FROM entry e \
                 CROSS JOIN conversation c ON c.id = e.conversation \
                 WHERE e.pos > ?1 AND (c.low = ?2 OR c.high = ?2) AND e.sender <> ?2 \
                 ORDER BY e.pos LIMIT ?3"
            );
            self.entries(sql, (after, user, wanted), &mut room)?
        } else {
            self.since_by_conversation(user, after, limit.saturating_add(1), &mut room)?
        };
        page.more = page.entries.len() > limit || room.is_full;
        page.entries.truncate(limit);
        Ok(page)
    }

    pub(crate) fn history(&mut self, query: &HistoryQuery) -> Result<HistoryPage, Failure> {
        let thread = rows::find_thread(&self.conn, &query.conversation)?
            .filter(|thread| thread.member(&query.user).is_some())
            .ok_or(StoreError::NotFound)?;
        let wanted = bound(query.limit as u64) + 1;
        let mut room = Room::default();
        let mut entries = match query.range {
            HistoryRange::Before(before) => {
                let sql = concat!(
                    "SELECT ",
                    entry_columns!(),
                    " FROM entry e \
                     WHERE e.conversation = ?1 AND e.seq < ?2 ORDER BY e.seq DESC LIMIT ?3"
                );
                let before = before.map_or(i64::MAX, |before| bound(before.0));
                self.entries(sql, (thread.id, before, wanted), &mut room)?
            }
            HistoryRange::After(after) => {
                let sql = concat!(
                    "SELECT ",
                    entry_columns!(),
                    " FROM entry e \
                     WHERE e.conversation = ?1 AND e.seq > ?2 ORDER BY e.seq LIMIT ?3"
                );
                self.entries(sql, (thread.id, bound(after.0), wanted), &mut room)?
            }
        };
        let more = entries.len() > query.limit || room.is_full;
        entries.truncate(query.limit);
        Ok(HistoryPage { entries, more })
    }

    pub(crate) fn conversations(
        &mut self,
        user: &UserId,
        cursor: Option<ConversationsCursor>,
        limit: usize,
    ) -> Result<ConversationsPage, Failure> {
        let mut page = ConversationsPage { conversations: Vec::new(), next: None };
        let Some(user) = rows::user_id(&self.conn, user)? else { return Ok(page) };
        let before = cursor.map_or(i64::MAX, |cursor| bound(cursor.0.0));
        let sql = "SELECT conversation, read, last FROM \
                   (SELECT m.conversation, m.read, (SELECT pos FROM entry \
                   WHERE conversation = m.conversation ORDER BY seq DESC LIMIT 1) AS last \
                   FROM member m WHERE m.user = ?1) \
                   WHERE last < ?2 ORDER BY last DESC LIMIT ?3";
        let mut found: Vec<(i64, i64, i64)> = {
            let mut statement = self.conn.prepare_cached(sql)?;
            let rows = statement.query_map((user, before, bound(limit as u64) + 1), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
            rows.collect::<Result<_, _>>()?
        };
        let mut more = found.len() > limit;
        found.truncate(limit);
        let mut room = Room::default();
        for (conversation, read, last) in &found {
            let thread = self.names.thread(&self.conn, *conversation)?;
            let sql = concat!("SELECT ", entry_columns!(), " FROM entry e WHERE e.pos = ?1");
            let mut last = self.entries(sql, [*last], &mut room)?;
            if room.is_full {
                more = true;
                break;
            }
            let last = last
                .pop()
                .ok_or_else(|| corrupt(format!("the head of conversation {conversation}")))?;
            page.conversations.push(ConversationSummary {
                conversation: thread.conversation.clone(),
                head: last.seq,
                unread: nat(self.others_after(&thread, user, *read)?)?,
                last,
                watermarks: watermarks(&self.conn, &thread)?,
            });
        }
        if more {
            page.next = page.conversations.last().map(|c| ConversationsCursor(c.last.position));
        }
        Ok(page)
    }

    /// At most `wanted` entries by others after a position, found from each conversation's head
    /// downwards.
    fn since_by_conversation(
        &mut self,
        user: i64,
        after: i64,
        wanted: usize,
        room: &mut Room,
    ) -> Result<Vec<Arc<Entry>>, Failure> {
        let mut positions = Vec::new();
        {
            let sql = "SELECT conversation FROM member WHERE user = ?1";
            let mut members = self.conn.prepare_cached(sql)?;
            let sql = "SELECT pos FROM entry WHERE conversation = ?1 ORDER BY seq DESC";
            let mut downwards = self.conn.prepare_cached(sql)?;
            let mut conversations = members.query([user])?;
            while let Some(row) = conversations.next()? {
                let mut rows = downwards.query([row.get::<_, i64>(0)?])?;
                while let Some(row) = rows.next()? {
                    let position: i64 = row.get(0)?;
                    if position <= after {
                        break;
                    }
                    positions.push(position);
                }
            }
        }
        positions.sort_unstable();
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry e WHERE e.pos = ?1 AND e.sender <> ?2"
        );
        let mut entries = Vec::new();
        for position in positions {
            entries.append(&mut self.entries(sql, [position, user], room)?);
            if entries.len() >= wanted || room.is_full {
                break;
            }
        }
        Ok(entries)
    }

    /// The conversations of a user, from `from` on, with entries that the device has not had; the
    /// shared device (`None`) has had what its user has.
    fn behind(
        &self,
        user: i64,
        device: Option<i64>,
        from: Option<i64>,
    ) -> Result<Vec<(i64, i64)>, Failure> {
        let sql = "SELECT m.conversation, \
                   CASE WHEN ?3 IS NULL THEN m.delivered ELSE coalesce((SELECT d.seq \
                   FROM delivered d WHERE d.device = ?3 AND d.conversation = m.conversation), 0) \
                   END AS had, (SELECT max(e.seq) FROM entry e \
                   WHERE e.conversation = m.conversation) AS head \
                   FROM member m WHERE m.user = ?1 AND m.conversation >= ?2 \
                   ORDER BY m.conversation";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query((user, from.unwrap_or(0), device))?;
        let mut behind = Vec::new();
        while let Some(row) = rows.next()? {
            let (conversation, had, head): (i64, i64, Option<i64>) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            if head.is_some_and(|head| head > had) {
                behind.push((conversation, had));
            }
        }
        Ok(behind)
    }

    /// How many entries by others than `user` are after `seq`.
    fn others_after(&self, thread: &Thread, user: i64, seq: i64) -> Result<i64, Failure> {
        let head = rows::head(&self.conn, thread.id)?;
        if seq >= head.seq {
            return Ok(0);
        }
        let from = rows::place_at(&self.conn, thread.id, seq)?
            .ok_or_else(|| corrupt(format!("a watermark in conversation {}", thread.id)))?;
        let others = |place: Place| thread.by_others(user, place.seq, place.low_count);
        Ok(others(head) - others(from))
    }

    fn head_position(&self) -> Result<Position, Failure> {
        let sql = "SELECT coalesce(max(pos), 0) FROM entry";
        Ok(Position(nat(self.conn.prepare_cached(sql)?.query_row((), |row| row.get(0))?)?))
    }

    /// The entries that a statement finds, for as long as there is room for them.
    fn entries(
        &mut self,
        sql: &str,
        params: impl Params,
        room: &mut Room,
    ) -> Result<Vec<Arc<Entry>>, Failure> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            if !room.has_some() {
                break;
            }
            let entry = self.names.entry(&self.conn, row)?;
            room.taken_bytes += entry.content.0.len() + ENTRY_BYTES;
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// How much of a page is taken.
#[derive(Debug, Default)]
struct Room {
    taken_bytes: usize,
    /// Whether an entry was left out for want of room.
    is_full: bool,
}

impl Room {
    /// Whether the next entry has room; if not, it is noted that there was one.
    fn has_some(&mut self) -> bool {
        self.is_full |= self.taken_bytes >= PAGE_BYTES_MAX;
        !self.is_full
    }
}

fn watermarks(conn: &Connection, thread: &Thread) -> Result<Vec<Watermarks>, Failure> {
    let of = |(id, user): &(i64, UserId)| -> Result<Watermarks, Failure> {
        let sql = "SELECT delivered, read FROM member WHERE user = ?1 AND conversation = ?2";
        let found: Option<(i64, i64)> = conn
            .prepare_cached(sql)?
            .query_row([*id, thread.id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (delivered, read) =
            found.ok_or_else(|| corrupt(format!("the members of conversation {}", thread.id)))?;
        Ok(Watermarks {
            user: user.clone(),
            delivered: Seq(nat(delivered)?),
            read: Seq(nat(read)?),
        })
    };
    let mut both = vec![of(&thread.low)?];
    if thread.low.0 != thread.high.0 {
        both.push(of(&thread.high)?);
    }
    Ok(both)
}
