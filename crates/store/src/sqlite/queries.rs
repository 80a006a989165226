//! What each read does, within one snapshot.
//!
//! Heads are found by descending the index, never counted. Reads for a user touch that user's
//! conversations only. What a device asks that says how far it is, is in `resume`.

use std::sync::Arc;

use parlor_chat::entry::{Entry, Millis, Position};
use parlor_chat::ids::{ConversationId, DeviceId, Seq, UserId};
use parlor_chat::requests::RequestState;
use parlor_chat::store::{
    AttachDevice, ConversationSummary, ConversationsCursor, ConversationsPage, Device, HistoryPage,
    HistoryQuery, HistoryRange, Placed, StoreError, UndeliveredCursor, UndeliveredPage, Watermarks,
};
use rusqlite::{Connection, OptionalExtension, Params};

use super::devices::{self, LAST_SEEN_STEP_MS};
use super::mark_blocks;
use super::names::entry_columns;
use super::own;
use super::readers::Reader;
use super::regard;
use super::requests;
use super::rows::{self, Failure, Place, Thread, Who, bound, corrupt, int, nat};
use super::says;
use super::suspensions;
use super::timers;
use super::tokens;
use super::visible::{self, Span, before_heard, heard};

/// Bytes of entries that one page holds, but for its first entry: what reads a page into memory,
/// and writes it into one answer, must not depend on how large messages are.
pub(crate) const PAGE_BYTES_MAX: usize = 256 * 1024;

/// A page of a member's conversations for which a condition holds, with the position of the newest
/// entry that the member may see.
macro_rules! listed {
    ($which:literal) => {
        concat!(
            "SELECT conversation, last FROM \
             (SELECT m.conversation, (SELECT pos FROM entry \
             WHERE conversation = m.conversation AND (m.left IS NULL OR seq <= m.left) \
             AND (shadow IS NULL OR sender = m.user) \
             ORDER BY seq DESC LIMIT 1) AS last FROM member m WHERE m.user = ?1 AND ",
            $which,
            ") WHERE last < ?2 ORDER BY last DESC LIMIT ?3"
        )
    };
}

/// What an entry is counted as beside its content.
pub(crate) const ENTRY_BYTES: usize = 512;

/// The integer name that no user has.
const NOBODY: i64 = 0;

/// How somebody reads a log.
struct Reading {
    user: i64,
    /// The stretches that they may see.
    spans: Vec<Span>,
    /// Who may have hidden something, if they have.
    hidden_from: Option<i64>,
}

impl Reader {
    /// Whether a device may be here without a write: known, seen lately, its token good.
    pub(crate) fn device_is_known(
        &mut self,
        attach: &AttachDevice,
        moderated: bool,
    ) -> Result<bool, Failure> {
        if moderated {
            suspensions::refuse(&self.conn, &attach.user, attach.now)?;
        }
        let Some(user) = rows::user_id(&self.conn, &attach.user)? else {
            return Ok(attach.device.is_shared());
        };
        tokens::check(&self.conn, user, attach.token_issued)?;
        if attach.device.is_shared() {
            return Ok(true);
        }
        let Some(known) = devices::device_row(&self.conn, user, &attach.device)? else {
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

    pub(crate) fn last_seen(&mut self, user: &UserId) -> Result<Option<Millis>, Failure> {
        let Some(user) = rows::user_id(&self.conn, user)? else { return Ok(None) };
        let sql = "SELECT max(last_seen) FROM device WHERE user = ?1 AND name <> ''";
        let seen: Option<i64> =
            self.conn.prepare_cached(sql)?.query_row([user], |row| row.get(0))?;
        Ok(seen.map(nat).transpose()?.map(Millis))
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
        let asker = user;
        let Some(user) = rows::user_id(&self.conn, user)? else { return Ok(page) };
        let device = if device.is_shared() {
            None
        } else {
            devices::device_row(&self.conn, user, device)?.filter(|d| d.active).map(|d| d.id)
        };
        let resumed = match after {
            None => None,
            Some(after) => rows::find_thread(&self.conn, &after.conversation)?
                .map(|thread| (thread.id, bound(after.seq.0))),
        };
        for (conversation, delivered) in self.behind_device(user, device, resumed.map(|r| r.0))? {
            let mut had = delivered;
            if let Some((at, seq)) = resumed
                && at == conversation
            {
                had = had.max(seq);
            }
            let thread = self.names.thread(&self.conn, conversation)?;
            if self.has_only_own_messages(&thread, user, had)? {
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
                " FROM member m CROSS JOIN entry e ON e.conversation = m.conversation \
                 WHERE m.user = ?3 AND m.conversation = ?1 AND e.seq > ?2 AND ",
                heard!(),
                " ORDER BY e.seq"
            );
            let wanted =
                Wanted { others_than: Some(asker), ..Wanted::by(user, room.saturating_add(1)) };
            let params = (conversation, had, user);
            let mut entries = self.entries(sql, params, wanted, &mut room_bytes)?;
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

    pub(crate) fn history(&mut self, query: &HistoryQuery) -> Result<HistoryPage, Failure> {
        let thread = rows::find_thread(&self.conn, &query.conversation)?;
        let thread = thread.ok_or(StoreError::NotFound)?;
        let user = thread.member(&self.conn, &query.user)?.ok_or(StoreError::NotFound)?;
        let spans = visible::spans(&self.conn, &thread, user)?;
        let hides = own::hides_any(&self.conn, user, &query.conversation)?;
        let reading = Reading { user, spans, hidden_from: hides.then_some(user) };
        self.piece(&thread, reading, query.range, query.limit)
    }

    /// A piece of a log as nobody in particular reads it, who may see all of it.
    pub(crate) fn whole(
        &mut self,
        conversation: &ConversationId,
        range: HistoryRange,
        limit: usize,
    ) -> Result<HistoryPage, Failure> {
        let thread = rows::find_thread(&self.conn, conversation)?.ok_or(StoreError::NotFound)?;
        let spans = vec![Span { from: 1, to: i64::MAX }];
        self.piece(&thread, Reading { user: NOBODY, spans, hidden_from: None }, range, limit)
    }

    fn piece(
        &mut self,
        thread: &Thread,
        reading: Reading,
        range: HistoryRange,
        limit: usize,
    ) -> Result<HistoryPage, Failure> {
        let Reading { user, mut spans, hidden_from } = reading;
        let (newest_first, after, before) = match range {
            HistoryRange::Before(before) => (true, 0, before),
            HistoryRange::After(after, before) => (false, bound(after.0), before),
            HistoryRange::At(since) => {
                (false, visible::before_time(&self.conn, thread.id, &spans, since)?, None)
            }
        };
        let mut room = Room::default();
        let mut entries = Vec::new();
        let wanted = limit.saturating_add(1);
        if newest_first {
            spans.reverse();
        }
        for span in spans {
            if entries.len() >= wanted || room.is_full {
                break;
            }
            let sql = if newest_first {
                concat!(
                    "SELECT ",
                    entry_columns!(),
                    " FROM entry e WHERE e.conversation = ?1 AND e.seq > ?2 AND e.seq < ?3 \
                     ORDER BY e.seq DESC"
                )
            } else {
                concat!(
                    "SELECT ",
                    entry_columns!(),
                    " FROM entry e WHERE e.conversation = ?1 AND e.seq > ?2 AND e.seq < ?3 \
                     ORDER BY e.seq"
                )
            };
            let after = after.max(span.from - 1);
            let before = before.map_or(i64::MAX, |before| bound(before.0));
            let before = before.min(span.to.saturating_add(1));
            let wanted = Wanted { hidden_from, ..Wanted::by(user, wanted - entries.len()) };
            let params = (thread.id, after, before);
            entries.append(&mut self.entries(sql, params, wanted, &mut room)?);
        }
        let more = entries.len() > limit || room.is_full;
        entries.truncate(limit);
        let (states, was_cut) = self.states(thread, user, &mut entries)?;
        let more = more || was_cut;
        let head = visible::head(&self.conn, thread, user)?;
        let covers = covers(newest_first, after, before, &entries, more, head)?;
        Ok(HistoryPage { entries, more, covers, head: Seq(nat(head.seq)?), states })
    }

    pub(crate) fn entries_at(
        &mut self,
        user: &UserId,
        places: &[(ConversationId, Seq)],
    ) -> Result<Vec<Option<Placed>>, Failure> {
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry e WHERE e.conversation = ?1 AND e.seq = ?2"
        );
        let (mut found, mut room) = (Vec::with_capacity(places.len()), Room::default());
        for (conversation, seq) in places {
            if !visible::is_readable(&self.conn, conversation, user, bound(seq.0))? {
                found.push(None);
                continue;
            }
            let Some(thread) = rows::find_thread(&self.conn, conversation)? else { continue };
            let viewer = thread.member(&self.conn, user)?.ok_or(StoreError::NotFound)?;
            let one = Wanted::by(viewer, 1);
            let mut entry = self.entries(sql, (thread.id, bound(seq.0)), one, &mut room)?;
            if room.is_full {
                break;
            }
            let (mut states, _) = self.states(&thread, viewer, &mut entry)?;
            found.push(entry.pop().map(|entry| {
                let state = states.remove(&entry.seq).unwrap_or_default();
                room.take(state.edited.as_ref().map_or(0, |(content, _)| content.0.len()));
                Placed { entry, state }
            }));
        }
        Ok(found)
    }

    pub(crate) fn conversations(
        &mut self,
        user: &UserId,
        shelf: Shelf,
        cursor: Option<ConversationsCursor>,
        limit: usize,
    ) -> Result<ConversationsPage, Failure> {
        let mut page = ConversationsPage { conversations: Vec::new(), next: None };
        let Some(user) = rows::user_id(&self.conn, user)? else { return Ok(page) };
        let before = cursor.map_or(i64::MAX, |cursor| bound(cursor.0.0));
        let sql = match shelf {
            Shelf::Ordinary => listed!("m.request IN (0, 3)"),
            Shelf::Requests => listed!("m.request = 1"),
        };
        let mut found: Vec<(i64, i64)> = {
            let mut statement = self.conn.prepare_cached(sql)?;
            let rows = statement.query_map((user, before, bound(limit as u64) + 1), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
            rows.collect::<Result<_, _>>()?
        };
        let mut more = found.len() > limit;
        found.truncate(limit);
        let mut room = Room::default();
        for (conversation, last) in &found {
            let thread = self.names.thread(&self.conn, *conversation)?;
            let read = mark_blocks::standing(&self.conn, *conversation, user)?.read;
            let sql = concat!("SELECT ", entry_columns!(), " FROM entry e WHERE e.pos = ?1");
            let one = Wanted::by(user, 1);
            let mut last = self.entries(sql, [*last], one, &mut room)?;
            if room.is_full {
                more = true;
                break;
            }
            let last = last
                .pop()
                .ok_or_else(|| corrupt(format!("the head of conversation {conversation}")))?;
            let message = match last.body.is_message() {
                true => None,
                false => self.newest_message(&thread, user, &mut room)?,
            };
            page.conversations.push(ConversationSummary {
                conversation: thread.conversation.clone(),
                head: last.seq,
                unread: nat(self.others_after(&thread, user, read)?)?,
                mentions: says::mentions_after(&self.conn, &thread, user, read)?,
                timer_ms: timers::timer_ms(&self.conn, thread.id)?,
                last,
                message,
                watermarks: self.watermarks(&thread, user)?,
                group: match thread.is_group() {
                    true => Some(self.group_line(&thread, user)?),
                    false => None,
                },
            });
        }
        if more {
            page.next = page.conversations.last().map(|c| ConversationsCursor(c.last.position));
        }
        Ok(page)
    }

    /// The conversations of a user, from `from` on, with entries that the device has not had; the
    /// shared device (`None`) has had what its user has.
    pub(crate) fn behind_device(
        &self,
        user: i64,
        device: Option<i64>,
        from: Option<i64>,
    ) -> Result<Vec<(i64, i64)>, Failure> {
        let sql = concat!(
            "SELECT m.conversation, max(",
            before_heard!(),
            ", CASE WHEN ?3 IS NULL THEN m.delivered ELSE coalesce((SELECT d.seq \
             FROM delivered d WHERE d.device = ?3 AND d.conversation = m.conversation), 0) \
             END) AS had, min(coalesce(m.left, ?4), (SELECT max(e.seq) FROM entry e \
             WHERE e.conversation = m.conversation)) AS head, m.slot \
             FROM member m WHERE m.user = ?1 AND m.conversation >= ?2 \
             ORDER BY m.conversation"
        );
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query((user, from.unwrap_or(0), device, i64::MAX))?;
        let mut behind = Vec::new();
        while let Some(row) = rows.next()? {
            let (conversation, mut had, head): (i64, i64, Option<i64>) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            if head.is_none_or(|head| head <= had) {
                continue;
            }
            if row.get::<_, i64>(3)? > 0 {
                let standing = mark_blocks::standing(&self.conn, conversation, user)?;
                had = had.max(device.map_or(standing.delivered, |it| standing.of_device(it)));
            }
            if head.is_some_and(|head| head > had) {
                behind.push((conversation, had));
            }
        }
        Ok(behind)
    }

    /// How many entries by others than `user` are after `seq`.
    pub(crate) fn others_after(
        &self,
        thread: &Thread,
        user: i64,
        seq: i64,
    ) -> Result<i64, Failure> {
        let head = visible::head(&self.conn, thread, user)?;
        if seq >= head.seq {
            return Ok(0);
        }
        let from = rows::place_at(&self.conn, thread.id, seq)?
            .ok_or_else(|| corrupt(format!("a watermark in conversation {}", thread.id)))?;
        Ok(thread.by_others(&self.conn, user, from, head)?)
    }

    /// Whether all that is after `seq` of a direct conversation are messages that the user said: then
    /// there is nothing to be told. Of a group it is never known without looking.
    fn has_only_own_messages(&self, thread: &Thread, user: i64, seq: i64) -> Result<bool, Failure> {
        if thread.is_group() || self.others_after(thread, user, seq)? > 0 {
            return Ok(false);
        }
        let head = rows::head(&self.conn, thread.id)?;
        let from = rows::place_at(&self.conn, thread.id, seq)?
            .ok_or_else(|| corrupt(format!("a watermark in conversation {}", thread.id)))?;
        Ok(head.said - from.said == head.seq - from.seq)
    }

    pub(crate) fn head_position(&self) -> Result<Position, Failure> {
        Ok(Position(nat(rows::head_position(&self.conn)?)?))
    }

    /// The wanted ones of the entries that a statement finds, for as long as there is room for
    /// them. Which are wanted is told from entries found whole, not by the statement: a damaged
    /// one must not pass for one that nobody asked for.
    pub(crate) fn entries(
        &mut self,
        sql: &str,
        params: impl Params,
        wanted: Wanted<'_>,
        room: &mut Room,
    ) -> Result<Vec<Arc<Entry>>, Failure> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut entries = Vec::new();
        while entries.len() < wanted.entries
            && let Some(row) = rows.next()?
        {
            let (sender, entry): (i64, _) = (row.get(5)?, self.names.entry(&self.conn, row)?);
            if entry.is_shadowed() && sender != wanted.viewer {
                continue;
            }
            if wanted.others_than.is_some_and(|user| *user == entry.from) && !entry.is_moderated() {
                continue;
            }
            if let Some(user) = wanted.hidden_from
                && own::is_hidden(&self.conn, user, &entry.id())?
            {
                continue;
            }
            if !room.has_some() {
                break;
            }
            room.taken_bytes += entry.body.weight() + ENTRY_BYTES;
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// The seqs that a page speaks for: up to its last entry if there are more, else to the end of the
/// range.
fn covers(
    newest_first: bool,
    after: i64,
    before: Option<Seq>,
    entries: &[Arc<Entry>],
    more: bool,
    head: Place,
) -> Result<Option<(Seq, Seq)>, Failure> {
    let head = nat(head.seq)?;
    let last = entries.last().filter(|_| more).map(|last| last.seq.0);
    let to = before.map_or(head, |before| head.min(before.0.saturating_sub(1)));
    let (from, to) = match newest_first {
        true => (last.unwrap_or(1), to),
        false => (nat(after)?.saturating_add(1), last.unwrap_or(to)),
    };
    Ok((from <= to).then_some((Seq(from), Seq(to))))
}

/// Which of a user's conversations are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shelf {
    /// Those that are no request, or an accepted one.
    Ordinary,
    /// Requests that are not decided.
    Requests,
}

/// Which entries a read gives, and how many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// By whom: not those that somebody else alone may see.
    pub(crate) viewer: i64,
    /// Not those that this user said; what a moderator did in the user's name is news to them.
    pub(crate) others_than: Option<&'a UserId>,
    /// Not those that this user hides.
    pub(crate) hidden_from: Option<i64>,
    /// At most so many.
    pub(crate) entries: usize,
}

impl Wanted<'_> {
    /// Whichever a user may see.
    pub(crate) fn by(viewer: i64, entries: usize) -> Self {
        Self { viewer, others_than: None, hidden_from: None, entries }
    }
}

/// How much of a page is taken.
#[derive(Debug, Default)]
pub(crate) struct Room {
    taken_bytes: usize,
    /// Whether an entry was left out for want of room.
    pub(crate) is_full: bool,
}

impl Room {
    /// Takes up room beside the entries.
    pub(crate) fn take(&mut self, bytes: usize) {
        self.taken_bytes += bytes;
    }

    /// Whether the next entry has room; if not, it is noted that there was one.
    fn has_some(&mut self) -> bool {
        self.is_full |= self.taken_bytes >= PAGE_BYTES_MAX;
        !self.is_full
    }
}

impl Reader {
    /// How far the members of a conversation are, as one of them may see it.
    pub(crate) fn watermarks(
        &self,
        thread: &Thread,
        viewer: i64,
    ) -> Result<Vec<Watermarks>, Failure> {
        match &thread.who {
            Who::Pair { low, high } => of_pair(&self.conn, thread, (low, high), viewer),
            Who::Group => self.watermarks_of_group(thread, viewer),
        }
    }
}

fn of_pair(
    conn: &Connection,
    thread: &Thread,
    (low, high): (&(i64, UserId), &(i64, UserId)),
    viewer: i64,
) -> Result<Vec<Watermarks>, Failure> {
    let tells = regard::has_read_receipts(conn, low.0)? && regard::has_read_receipts(conn, high.0)?;
    let of = |(id, user): &(i64, UserId)| -> Result<Watermarks, Failure> {
        let sql =
            "SELECT delivered, read, request FROM member WHERE user = ?1 AND conversation = ?2";
        let found: Option<(i64, i64, i64)> = conn
            .prepare_cached(sql)?
            .query_row([*id, thread.id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let (delivered, read, request) =
            found.ok_or_else(|| corrupt(format!("the members of conversation {}", thread.id)))?;
        if *id != viewer && requests::of_number(request).is_some_and(RequestState::hides) {
            return Ok(Watermarks { user: user.clone(), delivered: Seq(0), read: Seq(0) });
        }
        Ok(Watermarks {
            user: user.clone(),
            delivered: Seq(nat(delivered)?),
            read: if tells || *id == viewer { Seq(nat(read)?) } else { Seq(0) },
        })
    };
    let mut both = vec![of(low)?];
    if low.0 != high.0 {
        both.push(of(high)?);
    }
    Ok(both)
}
