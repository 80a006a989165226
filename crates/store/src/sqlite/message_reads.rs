//! What is read of what was done to messages: what has become of those of a page, and pins.
//!
//! A page costs what it holds: one range of an index tells which of its messages something was done
//! to, and only those are looked at further.

use std::collections::HashMap;
use std::sync::Arc;

use parlor_chat::around::port::{Pin, ThreadPage, ThreadQuery};
use parlor_chat::around::{Emoji, MessageState, Reaction};
use parlor_chat::entry::{Content, Entry, Millis};
use parlor_chat::ids::{ConversationId, Seq, UserId};
use parlor_chat::store::StoreError;

use super::message_state::{At, State};
use super::names::entry_columns;
use super::queries::{ENTRY_BYTES, PAGE_BYTES_MAX, Room, Wanted};
use super::readers::Reader;
use super::rows::{self, Failure, Place, Thread, bound, corrupt, nat};
use super::visible;

/// What a reaction is counted as in a page.
const REACTION_BYTES: usize = 96;

impl Reader {
    /// What has become of the messages of a page, which lie in one stretch or several. Newer contents
    /// may be larger, so the page is cut where it holds enough; the answer is whether it was.
    pub(crate) fn states(
        &mut self,
        thread: &Thread,
        user: i64,
        entries: &mut Vec<Arc<Entry>>,
    ) -> Result<(HashMap<Seq, MessageState>, bool), Failure> {
        let touched = self.touched(thread, entries)?;
        let mut states = HashMap::new();
        let mut bytes = 0;
        for at in 0..entries.len() {
            if bytes >= PAGE_BYTES_MAX {
                entries.truncate(at);
                return Ok((states, true));
            }
            let entry = &entries[at];
            bytes += entry.body.weight() + ENTRY_BYTES;
            let Some(state) = touched.get(&entry.seq).filter(|_| entry.body.is_message()) else {
                continue;
            };
            let state = self.state_of(thread, user, entry, *state)?;
            let edited = state.edited.as_ref().map_or(0, |(content, _)| content.0.len());
            bytes += edited + state.reactions.len() * REACTION_BYTES;
            states.insert(entry.seq, state);
        }
        Ok((states, false))
    }

    /// The rows of the messages of a page to which something was done. Stretches of a page that lie
    /// far apart are looked up each for itself.
    fn touched(
        &self,
        thread: &Thread,
        entries: &[Arc<Entry>],
    ) -> Result<HashMap<Seq, State>, Failure> {
        let sql = "SELECT seq, edits, pinned, replies FROM message_state \
                   WHERE conversation = ?1 AND seq BETWEEN ?2 AND ?3";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut touched = HashMap::new();
        for stretch in entries.chunk_by(|a, b| a.seq.0.abs_diff(b.seq.0) <= 1) {
            let (Some(first), Some(last)) = (stretch.first(), stretch.last()) else { continue };
            let (low, high) = (first.seq.min(last.seq), first.seq.max(last.seq));
            let mut rows = statement.query([thread.id, bound(low.0), bound(high.0)])?;
            while let Some(row) = rows.next()? {
                let (edits, pinned) = (nat(row.get(1)?)?, row.get(2)?);
                let state = State { edits, pinned, replies: nat(row.get(3)?)? };
                touched.insert(Seq(nat(row.get(0)?)?), state);
            }
        }
        Ok(touched)
    }

    /// What has become of a message that is there, as a user sees it.
    fn state_of(
        &mut self,
        thread: &Thread,
        user: i64,
        message: &Entry,
        state: State,
    ) -> Result<MessageState, Failure> {
        let at = At { conversation: thread.id, seq: bound(message.seq.0) };
        if message.body.said().is_none() {
            return Ok(MessageState { replies: state.replies, ..MessageState::default() });
        }
        Ok(MessageState {
            edited: match state.edits {
                0 => None,
                _ => self.newest_content(at, user, thread)?,
            },
            reactions: self.reactions(at, user, thread)?,
            pinned: state.pinned.is_some(),
            replies: state.replies,
        })
    }

    /// The newest content of an edited message, for who left a group the newest of their time.
    fn newest_content(
        &mut self,
        at: At,
        user: i64,
        thread: &Thread,
    ) -> Result<Option<(Content, Millis)>, Failure> {
        let last = match thread.is_group() {
            true => visible::head(&self.conn, thread, user)?.seq,
            false => i64::MAX,
        };
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry e WHERE e.conversation = ?1 AND e.about = ?2 AND e.kind = 2 \
             AND e.seq <= ?3 ORDER BY e.seq DESC"
        );
        let one = Wanted::by(user, 1);
        let found =
            self.entries(sql, [at.conversation, at.seq, last], one, &mut Room::default())?;
        Ok(found.first().and_then(|edit| Some((edit.body.edit()?.clone(), edit.ts))))
    }

    fn reactions(&self, at: At, user: i64, thread: &Thread) -> Result<Vec<Reaction>, Failure> {
        let sql = "SELECT c.emoji, c.users, EXISTS (SELECT 1 FROM reaction r \
                   WHERE r.conversation = c.conversation AND r.seq = c.seq AND r.user = ?3 \
                   AND r.emoji = c.emoji) FROM reaction_count c \
                   WHERE c.conversation = ?1 AND c.seq = ?2 ORDER BY c.since";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query([at.conversation, at.seq, user])?;
        let mut reactions = Vec::new();
        while let Some(row) = rows.next()? {
            let emoji: String = row.get(0)?;
            let what = || corrupt(format!("a reaction in {}", thread.conversation));
            reactions.push(Reaction {
                emoji: Emoji::parse(&emoji).map_err(|_| what())?,
                count: nat(row.get(1)?)?,
                mine: row.get(2)?,
            });
        }
        Ok(reactions)
    }

    /// The newest message of a conversation that a user may see, and what has become of it; nothing if
    /// they hide it.
    pub(crate) fn newest_message(
        &mut self,
        thread: &Thread,
        user: i64,
        room: &mut Room,
    ) -> Result<Option<(Arc<Entry>, MessageState)>, Failure> {
        let head = visible::head(&self.conn, thread, user)?;
        let Some(seq) = self.last_said(thread.id, head)? else { return Ok(None) };
        if thread.is_group() && !visible::may_see(&self.conn, thread.id, user, seq)? {
            return Ok(None);
        }
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry e WHERE e.conversation = ?1 AND e.seq = ?2"
        );
        let one = Wanted { hidden_from: Some(user), ..Wanted::by(user, 1) };
        let mut found = self.entries(sql, [thread.id, seq], one, room)?;
        let (mut states, _) = self.states(thread, user, &mut found)?;
        let Some(message) = found.pop() else { return Ok(None) };
        let state = states.remove(&message.seq).unwrap_or_default();
        Ok(Some((message, state)))
    }

    /// The seq of the last message up to a place. How many there are up to each entry never falls, so
    /// it is searched for: from the place back in steps that double, then by halves.
    fn last_said(&self, conversation: i64, head: Place) -> Result<Option<i64>, Failure> {
        let said_at = |seq: i64| -> Result<i64, Failure> {
            let place = rows::place_at(&self.conn, conversation, seq)?;
            let what = || corrupt(format!("entry {seq} of conversation {conversation}"));
            Ok(place.ok_or_else(what)?.said)
        };
        if head.said == said_at(0)? {
            return Ok(None);
        }
        let (mut high, mut step) = (head.seq, 1);
        let mut low = (high - step).max(0);
        while said_at(low)? == head.said {
            high = low;
            step *= 2;
            low = (high - step).max(0);
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if said_at(middle)? == head.said {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(Some(high))
    }

    pub(crate) fn pins(
        &mut self,
        user: &UserId,
        conversation: &ConversationId,
    ) -> Result<Vec<Pin>, Failure> {
        let thread = rows::find_thread(&self.conn, conversation)?.ok_or(StoreError::NotFound)?;
        let user = thread.member(&self.conn, user)?.ok_or(StoreError::NotFound)?;
        let found: Vec<(i64, i64)> = {
            let sql = "SELECT seq, pinned FROM message_state \
                       WHERE conversation = ?1 AND pinned IS NOT NULL ORDER BY pinned DESC";
            let mut statement = self.conn.prepare_cached(sql)?;
            let rows = statement.query_map([thread.id], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry e WHERE e.conversation = ?1 AND e.seq = ?2"
        );
        let one = Wanted { hidden_from: Some(user), ..Wanted::by(user, 1) };
        let mut room = Room::default();
        let mut pins = Vec::new();
        for (seq, pinned) in found {
            let is_seen = !thread.is_group()
                || visible::may_see(&self.conn, thread.id, user, seq)?
                    && visible::may_see(&self.conn, thread.id, user, pinned)?;
            if !is_seen {
                continue;
            }
            let mut message = self.entries(sql, [thread.id, seq], one, &mut room)?;
            if room.is_full {
                break;
            }
            let any = Wanted::by(user, 1);
            let by = self.entries(sql, [thread.id, pinned], any, &mut Room::default())?;
            let (mut states, _) = self.states(&thread, user, &mut message)?;
            let message = message.pop().filter(|message| message.body.said().is_some());
            let (Some(message), Some(by)) = (message, by.first()) else { continue };
            let state = states.remove(&message.seq).unwrap_or_default();
            room.take(state.edited.as_ref().map_or(0, |(content, _)| content.0.len()));
            pins.push(Pin { message, state, by: by.from.clone(), at: by.ts });
        }
        Ok(pins)
    }

    /// A page of the thread of a message.
    pub(crate) fn thread_of(&mut self, query: &ThreadQuery) -> Result<ThreadPage, Failure> {
        let thread = rows::find_thread(&self.conn, &query.conversation)?;
        let thread = thread.ok_or(StoreError::NotFound)?;
        let user = thread.member(&self.conn, &query.user)?.ok_or(StoreError::NotFound)?;
        let root = bound(query.root.0);
        let is_seen = !thread.is_group() || visible::may_see(&self.conn, thread.id, user, root)?;
        let sql = "SELECT 1 FROM entry WHERE conversation = ?1 AND seq = ?2 \
                   AND (kind = 0 OR kind = 10 AND sender = ?3)";
        if !is_seen || !self.conn.prepare_cached(sql)?.exists([thread.id, root, user])? {
            return Err(StoreError::NotFound.into());
        }
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry e WHERE e.conversation = ?1 AND e.about = ?2 AND e.kind = 0 \
             AND e.about IS NOT NULL AND e.seq > ?3 AND e.seq < ?4 ORDER BY e.seq"
        );
        let mut room = Room::default();
        let mut messages = Vec::new();
        let wanted = query.limit.saturating_add(1);
        for span in visible::spans(&self.conn, &thread, user)? {
            if messages.len() >= wanted || room.is_full {
                break;
            }
            let after = bound(query.after.0).max(span.from - 1);
            let params = (thread.id, root, after, span.to.saturating_add(1));
            let left = Wanted::by(user, wanted - messages.len());
            let wanted = Wanted { hidden_from: Some(user), ..left };
            messages.append(&mut self.entries(sql, params, wanted, &mut room)?);
        }
        let more = messages.len() > query.limit || room.is_full;
        messages.truncate(query.limit);
        let (states, was_cut) = self.states(&thread, user, &mut messages)?;
        let last = messages.last().map(|last| last.seq);
        Ok(ThreadPage { messages, states, next: last.filter(|_| more || was_cut) })
    }
}
