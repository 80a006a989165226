//! A user's conversations, each as a line of a list: what is new in them, and how far their members are.

use std::collections::HashMap;
use std::sync::Arc;

use parlor_chat::around::MessageState;
use parlor_chat::entry::{Entry, Millis};
use parlor_chat::group::GroupName;
use parlor_chat::ids::{ConversationId, Seq, UserId};
use parlor_chat::requests::RequestState;
use parlor_chat::store::{
    Badge, ConversationSummary, ConversationsCursor, ConversationsPage, GroupLine, Watermarks,
};
use tokio_postgres::Row;

use super::conn::{Failure, params};
use super::entries::entry_columns;
use super::group_rows::role_of;
use super::people;
use super::reads::{Reader, Room};
use super::requests;
use super::visible::{seen, shown};
use crate::kept::numbers::{bound, corrupt, nat};

/// Which of a user's conversations are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shelf {
    /// Those that are no request, or an accepted one.
    Ordinary,
    /// Requests that are not decided.
    Requests,
}

/// What a member's own row says of a conversation.
pub(crate) struct Line {
    pub(crate) unread: u64,
    pub(crate) mentions: u64,
    pub(crate) timer_ms: Option<u64>,
    pub(crate) watermarks: Vec<Watermarks>,
    pub(crate) group: Option<GroupLine>,
}

/// The newest messages of some conversations, and what has become of them.
type Messages = HashMap<ConversationId, (Arc<Entry>, MessageState)>;

impl Reader<'_> {
    /// A user's conversations, most recently moved first.
    pub(crate) async fn conversations(
        &self,
        user: &UserId,
        shelf: Shelf,
        cursor: Option<ConversationsCursor>,
        limit: usize,
    ) -> Result<ConversationsPage, Failure> {
        let before = cursor.map_or(i64::MAX, |cursor| bound(cursor.0.0));
        let requests: Vec<i64> = match shelf {
            Shelf::Ordinary => vec![0, 3],
            Shelf::Requests => vec![1],
        };
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM (SELECT s.conversation, s.last FROM standing s WHERE s.user_id = $1 \
             AND s.request = ANY ($2) AND s.last < $3 ORDER BY s.last DESC LIMIT $4) l \
             JOIN entry e ON e.conversation = l.conversation AND e.pos = l.last \
             ORDER BY e.pos DESC"
        );
        let wanted = bound(limit as u64) + 1;
        let rows = self.conn.query(sql, params![user.as_str(), requests, before, wanted]).await?;
        let mut room = Room::default();
        let mut lasts = room.entries(&rows, self.clock)?;
        let more = lasts.len() > limit || room.is_full;
        lasts.truncate(limit);
        let of: Vec<&ConversationId> = lasts.iter().map(|last| &last.conversation).collect();
        let mut lines = self.lines(user, &of).await?;
        let others: Vec<&ConversationId> = lasts
            .iter()
            .filter(|last| !last.body.is_message())
            .map(|last| &last.conversation)
            .collect();
        let mut messages = self.newest_messages(user, &others).await?;
        let mut page = ConversationsPage { conversations: Vec::new(), next: None };
        for last in lasts {
            let what = || corrupt(format!("the members of {}", last.conversation));
            let line = lines.remove(&last.conversation).ok_or_else(what)?;
            page.conversations.push(ConversationSummary {
                conversation: last.conversation.clone(),
                head: last.seq,
                unread: line.unread,
                mentions: line.mentions,
                timer_ms: line.timer_ms,
                message: messages.remove(&last.conversation),
                watermarks: line.watermarks,
                group: line.group,
                last,
            });
        }
        if more {
            page.next = page.conversations.last().map(|c| ConversationsCursor(c.last.position));
        }
        Ok(page)
    }

    /// What a list says of some of a user's conversations.
    pub(crate) async fn lines(
        &self,
        user: &UserId,
        conversations: &[&ConversationId],
    ) -> Result<HashMap<ConversationId, Line>, Failure> {
        let mut lines = HashMap::new();
        if conversations.is_empty() {
            return Ok(lines);
        }
        let of: Vec<&str> = conversations.iter().map(|it| it.as_str()).collect();
        let sql = "SELECT s.conversation, s.unread, s.mentions, s.timer_ms, g.title, \
                   g.members, CASE WHEN g.deleted = 0 AND s.ended IS NULL THEN s.role END \
                   FROM standing s LEFT JOIN chat_group g ON g.conversation = s.conversation \
                   WHERE s.user_id = $1 AND s.conversation = ANY ($2)";
        let rows = self.conn.query(sql, params![user.as_str(), of]).await?;
        for row in &rows {
            let conversation = conversation_of(row, 0)?;
            let line = Line {
                unread: nat(row.try_get(1)?)?,
                mentions: nat(row.try_get(2)?)?,
                timer_ms: Some(nat(row.try_get(3)?)?).filter(|ms| *ms > 0),
                watermarks: Vec::new(),
                group: group_line(row, 4)?,
            };
            lines.insert(conversation, line);
        }
        self.watermarks(user, &of, &mut lines).await?;
        Ok(lines)
    }

    /// How far the members of conversations are, as one of them may see it; of large groups only the
    /// viewer.
    async fn watermarks(
        &self,
        viewer: &UserId,
        of: &[&str],
        lines: &mut HashMap<ConversationId, Line>,
    ) -> Result<(), Failure> {
        let sql = "SELECT m.conversation, m.user_id, m.delivered, m.read, m.request \
                   FROM member m LEFT JOIN chat_group g ON g.conversation = m.conversation \
                   WHERE m.conversation = ANY ($1) AND (m.user_id = $2 \
                   OR m.ended IS NULL AND coalesce(g.members, 0) <= $3) \
                   ORDER BY m.conversation, m.slot, m.user_id";
        let members_max = bound(self.receipts_members_max);
        let of = of.to_vec();
        let rows = self.conn.query(sql, params![of, viewer.as_str(), members_max]).await?;
        let mut users = Vec::with_capacity(rows.len());
        for row in &rows {
            let name: &str = row.try_get(1)?;
            users.push(UserId::parse(name).map_err(|_| corrupt(format!("user {name}")))?);
        }
        let mut asked: Vec<&UserId> = users.iter().collect();
        asked.push(viewer);
        let silent = people::silent(self.conn, &asked).await?;
        let hears_reads = !silent.contains(viewer.as_str());
        for (row, user) in rows.iter().zip(&users) {
            let conversation = conversation_of(row, 0)?;
            let is_own = user == viewer;
            let request: i64 = row.try_get(4)?;
            let hides = requests::of_number(request).is_some_and(RequestState::hides);
            let (mut delivered, mut read) = (row.try_get(2)?, row.try_get(3)?);
            if !is_own && hides {
                (delivered, read) = (0, 0);
            }
            if !is_own && (!hears_reads || silent.contains(user.as_str())) {
                read = 0;
            }
            let (user, delivered) = (user.clone(), Seq(nat(delivered)?));
            let marks = Watermarks { user, delivered, read: Seq(nat(read)?) };
            if let Some(line) = lines.get_mut(&conversation) {
                line.watermarks.push(marks);
            }
        }
        Ok(())
    }

    /// The newest message of each of some conversations that a user may see; nothing where they hide it.
    async fn newest_messages(
        &self,
        user: &UserId,
        conversations: &[&ConversationId],
    ) -> Result<Messages, Failure> {
        let mut messages = HashMap::new();
        if conversations.is_empty() {
            return Ok(messages);
        }
        let of: Vec<&str> = conversations.iter().map(|it| it.as_str()).collect();
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM standing m CROSS JOIN LATERAL (SELECT * FROM entry n \
             WHERE n.conversation = m.conversation AND n.seq <= m.head AND n.kind = 0 \
             ORDER BY n.seq DESC LIMIT 1) e \
             WHERE m.user_id = $1 AND m.conversation = ANY ($2) AND ",
            seen!(),
            " AND ",
            shown!()
        );
        let rows = self.conn.query(sql, params![user.as_str(), of]).await?;
        let found = Room::default().entries(&rows, self.clock)?;
        let mut states = self.states(Some(user), &found).await?;
        for message in found {
            let at = (message.conversation.clone(), message.seq);
            let state = states.remove(&at).unwrap_or_default();
            messages.insert(at.0, (message, state));
        }
        Ok(messages)
    }

    /// What a user has not read, over all conversations.
    pub(crate) async fn badge(&self, user: &UserId, now: Millis) -> Result<Badge, Failure> {
        // 2 is the kind of what is muted, 4 of what is marked as unread.
        let sql = "SELECT s.unread, s.mentions, \
                   (SELECT o.value FROM own o WHERE o.user_id = $1 AND o.kind = 2 \
                   AND o.key = s.conversation), \
                   EXISTS (SELECT 1 FROM own o WHERE o.user_id = $1 AND o.kind = 4 \
                   AND o.key = s.conversation AND o.value IS NOT NULL) \
                   FROM standing s WHERE s.user_id = $1 AND s.request IN (0, 3)";
        let mut badge = Badge::default();
        for row in self.conn.query(sql, params![user.as_str()]).await? {
            badge.mentions += nat(row.try_get(1)?)?;
            let until: Option<&str> = row.try_get(2)?;
            let until: Option<u64> = until.and_then(|until| until.parse().ok());
            if until.is_some_and(|until| until > now.0) {
                continue;
            }
            let unread = nat(row.try_get(0)?)?;
            badge.unread += unread;
            badge.conversations += u64::from(unread > 0 || row.try_get(3)?);
        }
        Ok(badge)
    }
}

/// The conversation that a column names.
pub(crate) fn conversation_of(row: &Row, at: usize) -> Result<ConversationId, Failure> {
    let name: &str = row.try_get(at)?;
    let what = || corrupt(format!("conversation {name}"));
    Ok(ConversationId::parse(name).map_err(|_| what())?)
}

/// What is to be known of a group, out of title, members and role; `None` where there is none.
pub(crate) fn group_line(row: &Row, at: usize) -> Result<Option<GroupLine>, Failure> {
    let Some(title) = row.try_get::<_, Option<&str>>(at)? else { return Ok(None) };
    let role: Option<i64> = row.try_get(at + 2)?;
    Ok(Some(GroupLine {
        name: GroupName::parse(title).map_err(|_| corrupt("the name of a group"))?,
        members: nat(row.try_get(at + 1)?)?,
        role: role.map(role_of).transpose()?,
    }))
}
