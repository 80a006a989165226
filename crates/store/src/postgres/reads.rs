//! What the reads of a log have in common: pages of entries, and what has become of their messages.

use std::collections::HashMap;
use std::sync::Arc;

use parlor_chat::around::{Emoji, MessageState, Reaction};
use parlor_chat::entry::{Content, Entry, Millis, Position};
use parlor_chat::ids::{ConversationId, Seq, UserId};
use parlor_chat::order::Page;
use parlor_chat::store::{HistoryPage, HistoryQuery, HistoryRange, Placed, StoreError};
use tokio_postgres::Row;

use super::conn::{Conn, Failure, params};
use super::entries::{entry, entry_columns};
use super::following::Following;
use super::threads::{self, Thread};
use super::visible::{self, Span, WHOLE, seen, shown};
use crate::kept::clock::Clock;
use crate::kept::numbers::{bound, corrupt, int, nat};

/// Bytes of entries that one page holds, but for its first entry: what reads a page into memory,
/// and writes it into one answer, must not depend on how large messages are.
pub(crate) const PAGE_BYTES_MAX: usize = 256 * 1024;

/// What an entry is counted as beside its content.
pub(crate) const ENTRY_BYTES: usize = 512;

/// What a reaction is counted as in a page.
const REACTION_BYTES: usize = 96;

/// How a read looks at the log: by which connection and which clock.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) conn: Conn<'a>,
    /// Is told how far the log goes, unless a replica is read.
    pub(crate) following: Option<&'a Following>,
    pub(crate) clock: Clock,
    pub(crate) receipts_members_max: u64,
}

/// How much of a page is taken.
#[derive(Debug, Default)]
pub(crate) struct Room {
    taken_bytes: usize,
    /// Whether something was left out for want of room.
    pub(crate) is_full: bool,
}

impl Room {
    /// The entries of some rows, for as long as there is room for them.
    pub(crate) fn entries(
        &mut self,
        rows: &[Row],
        clock: Clock,
    ) -> Result<Vec<Arc<Entry>>, Failure> {
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            if self.taken_bytes >= PAGE_BYTES_MAX {
                self.is_full = true;
                break;
            }
            let entry = entry(row, clock)?;
            self.taken_bytes += entry.body.weight() + ENTRY_BYTES;
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// A message by its place.
pub(crate) type At = (ConversationId, Seq);

/// What has become of messages to which something was done.
pub(crate) type States = HashMap<At, MessageState>;

impl Reader<'_> {
    /// The position of the newest entry that this read may see: all up to it are visible.
    pub(crate) async fn head_position(&self) -> Result<Position, Failure> {
        let position = self.conn.number("SELECT position FROM counter", params![]).await?;
        let position = nat(position)?;
        self.following.inspect(|it| it.seen(position));
        Ok(Position(position))
    }

    /// The whole log after a position, at most so many positions of it.
    pub(crate) async fn log(self, after: u64, positions_max: u64) -> Result<Page, Failure> {
        let head = self.head_position().await?.0.max(after);
        let up_to = head.min(after + positions_max);
        if up_to == after {
            return Ok(Page { entries: Vec::new(), up_to, head });
        }
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry e WHERE e.pos > $1 AND e.pos <= $2 ORDER BY e.pos"
        );
        let rows = self.conn.query(sql, params![bound(after), bound(up_to)]).await?;
        let mut room = Room::default();
        let entries = room.entries(&rows, self.clock)?;
        let last = entries.last().filter(|_| room.is_full).map(|last| last.position.0);
        Ok(Page { entries, up_to: last.unwrap_or(up_to), head })
    }

    /// What has become of the messages of a page, as a user sees it (nobody in particular: `None`).
    pub(crate) async fn states(
        &self,
        user: Option<&UserId>,
        entries: &[Arc<Entry>],
    ) -> Result<States, Failure> {
        let messages: Vec<&Arc<Entry>> =
            entries.iter().filter(|entry| entry.body.is_message()).collect();
        let mut states = States::new();
        if messages.is_empty() {
            return Ok(states);
        }
        let of: Vec<&str> = messages.iter().map(|it| it.conversation.as_str()).collect();
        let seq: Vec<i64> = messages.iter().map(|it| int(it.seq.0)).collect();
        let name = user.map_or("", UserId::as_str);
        // The newest content is, for who left a group, the newest of their time.
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            ", w.n, s.pinned IS NOT NULL, s.replies \
             FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS w (conversation, seq, n) \
             JOIN message_state s ON s.conversation = w.conversation AND s.seq = w.seq \
             LEFT JOIN member m ON m.conversation = w.conversation AND m.user_id = $3 \
             LEFT JOIN LATERAL (SELECT * FROM entry d WHERE d.conversation = w.conversation \
             AND d.about = w.seq AND d.kind = 2 AND d.seq <= coalesce(m.ended, $4) \
             AND (NOT d.shadow OR d.sender = $3) ORDER BY d.seq DESC LIMIT 1) e ON s.edits > 0"
        );
        let mut touched = Vec::new();
        for row in self.conn.query(sql, params![of, seq, name, i64::MAX]).await? {
            let place = usize::try_from(row.try_get::<_, i64>(13)? - 1).ok();
            let Some(message) = place.and_then(|place| messages.get(place)) else { continue };
            let replies = nat(row.try_get(15)?)?;
            let mut state = MessageState { replies, ..MessageState::default() };
            if message.body.said().is_some() {
                state.pinned = row.try_get(14)?;
                if row.try_get::<_, Option<&str>>(0)?.is_some() {
                    let edit = entry(&row, self.clock)?;
                    state.edited = edit.body.edit().map(|content| (content.clone(), edit.ts));
                }
                touched.push(*message);
            }
            states.insert((message.conversation.clone(), message.seq), state);
        }
        self.reactions(name, &touched, &mut states).await?;
        Ok(states)
    }

    async fn reactions(
        &self,
        user: &str,
        messages: &[&Arc<Entry>],
        states: &mut States,
    ) -> Result<(), Failure> {
        if messages.is_empty() {
            return Ok(());
        }
        let of: Vec<&str> = messages.iter().map(|it| it.conversation.as_str()).collect();
        let seq: Vec<i64> = messages.iter().map(|it| int(it.seq.0)).collect();
        let sql = "SELECT w.n, r.emoji, count(*), bool_or(r.user_id = $3) \
                   FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS w (conversation, seq, n) \
                   JOIN reaction r ON r.conversation = w.conversation AND r.seq = w.seq \
                   GROUP BY w.n, r.emoji ORDER BY w.n, min(r.since)";
        for row in self.conn.query(sql, params![of, seq, user]).await? {
            let place = usize::try_from(row.try_get::<_, i64>(0)? - 1).ok();
            let Some(message) = place.and_then(|place| messages.get(place)) else { continue };
            let what = || corrupt(format!("a reaction in {}", message.conversation));
            let reaction = Reaction {
                emoji: Emoji::parse(row.try_get(1)?).map_err(|_| what())?,
                count: nat(row.try_get(2)?)?,
                mine: row.try_get(3)?,
            };
            let at = (message.conversation.clone(), message.seq);
            states.entry(at).or_default().reactions.push(reaction);
        }
        Ok(())
    }

    /// The states of a page of one log. Newer contents may be larger, so the page is cut where it holds
    /// enough; the answer is whether it was.
    pub(crate) async fn page_states(
        &self,
        user: Option<&UserId>,
        entries: &mut Vec<Arc<Entry>>,
    ) -> Result<(HashMap<Seq, MessageState>, bool), Failure> {
        let mut found = self.states(user, entries).await?;
        let (mut states, mut bytes) = (HashMap::new(), 0);
        for at in 0..entries.len() {
            if bytes >= PAGE_BYTES_MAX {
                entries.truncate(at);
                return Ok((states, true));
            }
            let entry = &entries[at];
            bytes += entry.body.weight() + ENTRY_BYTES;
            if let Some(state) = found.remove(&(entry.conversation.clone(), entry.seq)) {
                bytes += weight(&state);
                states.insert(entry.seq, state);
            }
        }
        Ok((states, false))
    }

    /// A piece of a conversation's log, for a member of it.
    pub(crate) async fn history(&self, query: &HistoryQuery) -> Result<HistoryPage, Failure> {
        let user = &query.user;
        let thread = threads::of_member(self.conn, &query.conversation, user).await?;
        let spans = visible::spans(self.conn, &thread, user).await?;
        let head = visible::head(self.conn, &thread, user).await?;
        self.piece(&thread, Some(user), (spans, head), query.range, query.limit).await
    }

    /// A piece of a log as nobody in particular reads it, who may see all of it.
    pub(crate) async fn whole(
        &self,
        conversation: &ConversationId,
        range: HistoryRange,
        limit: usize,
    ) -> Result<HistoryPage, Failure> {
        let thread = threads::find(self.conn, conversation).await?.ok_or(StoreError::NotFound)?;
        let seen = (vec![WHOLE], thread.head);
        self.piece(&thread, None, seen, range, limit).await
    }

    async fn piece(
        &self,
        thread: &Thread,
        user: Option<&UserId>,
        (mut spans, head): (Vec<Span>, i64),
        range: HistoryRange,
        limit: usize,
    ) -> Result<HistoryPage, Failure> {
        let backwards = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry e WHERE e.conversation = $2 AND e.seq > $3 AND e.seq < $4 \
             AND (NOT e.shadow OR e.sender = $1) AND ",
            shown!(),
            " ORDER BY e.seq DESC LIMIT $5"
        );
        let forwards = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry e WHERE e.conversation = $2 AND e.seq > $3 AND e.seq < $4 \
             AND (NOT e.shadow OR e.sender = $1) AND ",
            shown!(),
            " ORDER BY e.seq LIMIT $5"
        );
        let (newest_first, after, before) = match range {
            HistoryRange::Before(before) => (true, 0, before),
            HistoryRange::After(after, before) => (false, bound(after.0), before),
            HistoryRange::At(since) => {
                (false, visible::before_time(self.conn, thread, &spans, since).await?, None)
            }
        };
        let sql = if newest_first { backwards } else { forwards };
        if newest_first {
            spans.reverse();
        }
        let name = user.map_or("", UserId::as_str);
        let (mut room, mut entries) = (Room::default(), Vec::new());
        let wanted = limit.saturating_add(1);
        for span in spans {
            if entries.len() >= wanted || room.is_full {
                break;
            }
            let after = after.max(span.from - 1);
            let before = before.map_or(i64::MAX, |before| bound(before.0));
            let before = before.min(span.to.saturating_add(1));
            let left = bound((wanted - entries.len()) as u64);
            let rows =
                self.conn.query(sql, params![name, thread.id(), after, before, left]).await?;
            entries.append(&mut room.entries(&rows, self.clock)?);
        }
        let more = entries.len() > limit || room.is_full;
        entries.truncate(limit);
        let (states, was_cut) = self.page_states(user, &mut entries).await?;
        let (more, head) = (more || was_cut, nat(head)?);
        let last = entries.last().filter(|_| more).map(|last| last.seq.0);
        let to = before.map_or(head, |before| head.min(before.0.saturating_sub(1)));
        // Up to its last entry if there are more, else to the end of the range.
        let (from, to) = match newest_first {
            true => (last.unwrap_or(1), to),
            false => (nat(after)?.saturating_add(1), last.unwrap_or(to)),
        };
        let covers = (from <= to).then_some((Seq(from), Seq(to)));
        Ok(HistoryPage { entries, more, covers, head: Seq(head), states })
    }

    /// Entries at some places, as a user may see them.
    pub(crate) async fn entries_at(
        &self,
        user: &UserId,
        places: &[(ConversationId, Seq)],
    ) -> Result<Vec<Option<Placed>>, Failure> {
        let of: Vec<&str> = places.iter().map(|place| place.0.as_str()).collect();
        let seq: Vec<i64> = places.iter().map(|place| bound(place.1.0)).collect();
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            ", w.n FROM unnest($2::text[], $3::bigint[]) WITH ORDINALITY \
             AS w (conversation, seq, n) \
             JOIN member m ON m.conversation = w.conversation AND m.user_id = $1 \
             JOIN entry e ON e.conversation = w.conversation AND e.seq = w.seq \
             WHERE (NOT e.shadow OR e.sender = $1) AND ",
            seen!(),
            " ORDER BY w.n"
        );
        let rows = self.conn.query(sql, params![user.as_str(), of, seq]).await?;
        let mut room = Room::default();
        let entries = room.entries(&rows, self.clock)?;
        let states = self.states(Some(user), &entries).await?;
        let mut found = HashMap::new();
        for (row, entry) in rows.iter().zip(&entries) {
            found.insert(row.try_get::<_, i64>(13)? - 1, entry.clone());
        }
        let mut placed = Vec::with_capacity(places.len());
        let mut bytes = 0;
        for place in 0..places.len() as i64 {
            let Some(entry) = found.remove(&place) else {
                // What comes behind the last for which there was room is to be asked for again.
                if room.is_full && found.is_empty() {
                    break;
                }
                placed.push(None);
                continue;
            };
            if bytes >= PAGE_BYTES_MAX {
                break;
            }
            // One message may be asked for twice.
            let at = (entry.conversation.clone(), entry.seq);
            let state = states.get(&at).cloned().unwrap_or_default();
            bytes += entry.body.weight() + ENTRY_BYTES + weight(&state);
            placed.push(Some(Placed { entry, state }));
        }
        Ok(placed)
    }
}

/// About how many bytes a state holds.
pub(crate) fn weight(state: &MessageState) -> usize {
    let content = |edited: &(Content, Millis)| edited.0.0.len();
    state.edited.as_ref().map_or(0, content) + state.reactions.len() * REACTION_BYTES
}
