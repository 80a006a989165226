//! What is read of what was done to messages: pins and threads.

use parlor_chat::around::port::{Pin, ThreadPage, ThreadQuery};
use parlor_chat::entry::Millis;
use parlor_chat::ids::{ConversationId, UserId};
use parlor_chat::store::StoreError;

use super::conn::{Failure, params};
use super::entries::entry_columns;
use super::reads::{Reader, Room, weight};
use super::threads;
use super::visible::{self, seen, shown};
use crate::kept::numbers::{bound, corrupt, nat};

impl Reader<'_> {
    /// The pinned messages of a conversation that a member may see, the one pinned last first.
    pub(crate) async fn pins(
        &self,
        user: &UserId,
        conversation: &ConversationId,
    ) -> Result<Vec<Pin>, Failure> {
        let thread = threads::of_member(self.conn, conversation, user).await?;
        // Both the message and its pinning have to lie where the member may see.
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            ", p.sender, p.ts FROM message_state s \
             JOIN member m ON m.conversation = s.conversation AND m.user_id = $1 \
             JOIN entry e ON e.conversation = s.conversation AND e.seq = s.seq \
             JOIN LATERAL (SELECT * FROM entry q WHERE q.conversation = s.conversation \
             AND q.seq = s.pinned) p ON (NOT p.shadow OR p.sender = $1) \
             WHERE s.conversation = $2 AND s.pinned IS NOT NULL \
             AND (NOT e.shadow OR e.sender = $1) AND ",
            seen!(),
            " AND ((p.seq >= m.seen_from AND (m.ended IS NULL OR p.seq <= m.ended)) \
             OR EXISTS (SELECT 1 FROM past_member b WHERE b.user_id = m.user_id \
             AND b.conversation = m.conversation AND p.seq BETWEEN b.seen_from AND b.ended)) AND ",
            shown!(),
            " ORDER BY s.pinned DESC"
        );
        let rows = self.conn.query(sql, params![user.as_str(), thread.id()]).await?;
        let mut room = Room::default();
        let messages = room.entries(&rows, self.clock)?;
        let mut states = self.states(Some(user), &messages).await?;
        let mut pins = Vec::new();
        let mut bytes = 0;
        for (row, message) in rows.iter().zip(messages) {
            if message.body.said().is_none() {
                continue;
            }
            let at = (message.conversation.clone(), message.seq);
            let state = states.remove(&at).unwrap_or_default();
            let by = UserId::parse(row.try_get(13)?);
            let by = by.map_err(|_| corrupt(format!("a pin in {conversation}")))?;
            bytes += message.body.weight() + weight(&state);
            if bytes > super::reads::PAGE_BYTES_MAX && !pins.is_empty() {
                break;
            }
            pins.push(Pin { message, state, by, at: Millis(nat(row.try_get(14)?)?) });
        }
        Ok(pins)
    }

    /// A page of the thread of a message.
    pub(crate) async fn thread_of(&self, query: &ThreadQuery) -> Result<ThreadPage, Failure> {
        let user = &query.user;
        let thread = threads::of_member(self.conn, &query.conversation, user).await?;
        let root = bound(query.root.0);
        let sql = "SELECT 1 FROM entry WHERE conversation = $1 AND seq = $2 \
                   AND (kind = 0 OR kind = 10 AND sender = $3)";
        if !visible::may_see(self.conn, &thread, user, root).await?
            || !self.conn.exists(sql, params![thread.id(), root, user.as_str()]).await?
        {
            return Err(StoreError::NotFound.into());
        }
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM member m JOIN entry e ON e.conversation = m.conversation \
             WHERE m.user_id = $1 AND m.conversation = $2 AND e.about = $3 AND e.kind = 0 \
             AND e.seq > $4 AND ",
            seen!(),
            " AND ",
            shown!(),
            " ORDER BY e.seq LIMIT $5"
        );
        let (after, wanted) = (bound(query.after.0), bound(query.limit as u64) + 1);
        let place = params![user.as_str(), thread.id(), root, after, wanted];
        let rows = self.conn.query(sql, place).await?;
        let mut room = Room::default();
        let mut messages = room.entries(&rows, self.clock)?;
        let more = messages.len() > query.limit || room.is_full;
        messages.truncate(query.limit);
        let (states, was_cut) = self.page_states(Some(user), &mut messages).await?;
        let last = messages.last().map(|last| last.seq);
        Ok(ThreadPage { messages, states, next: last.filter(|_| more || was_cut) })
    }
}
