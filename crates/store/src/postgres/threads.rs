//! Conversations as a transaction knows them: whose they are, and what the next entry goes on from.

use std::collections::HashMap;

use parlor_chat::ids::{ConversationId, Seq, UserId};
use parlor_chat::store::StoreError;
use tokio_postgres::Row;

use super::conn::{Conn, Failure, params};
use crate::kept::numbers::nat;

/// Whose conversation it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// Two members, in the byte order of their names.
    Pair { low: UserId, high: UserId },
    /// The members of a group.
    Group,
}

/// A conversation, as far as its row says.
#[derive(Debug, Clone)]
pub(crate) struct Thread {
    pub(crate) conversation: ConversationId,
    pub(crate) who: Who,
    /// The seq of the newest entry, its time, and how many messages there were up to it.
    pub(crate) head: i64,
    pub(crate) head_ts: i64,
    pub(crate) said: i64,
    /// How many of them the lower member said.
    pub(crate) low_said: i64,
    /// The seq of the first entry that is kept, and what was said before it.
    pub(crate) first: i64,
    pub(crate) gone_said: i64,
    pub(crate) gone_low_said: i64,
    /// After how many milliseconds new messages end; 0 for never.
    pub(crate) timer_ms: i64,
    /// Whether it has no row yet.
    pub(crate) is_new: bool,
    /// Up to here entries go, since they are too old and were succeeded.
    pub(crate) superseded: Option<i64>,
}

impl Thread {
    /// One that begins now.
    pub(crate) fn begin(conversation: ConversationId) -> Result<Self, StoreError> {
        let who = match (conversation.direct_members(), conversation.group_id()) {
            (Some((low, high)), _) => Who::Pair { low, high },
            (None, Some(_)) => Who::Group,
            (None, None) => return Err(StoreError::NotFound),
        };
        Ok(Self {
            conversation,
            who,
            head: 0,
            head_ts: 0,
            said: 0,
            low_said: 0,
            first: 1,
            gone_said: 0,
            gone_low_said: 0,
            timer_ms: 0,
            is_new: true,
            superseded: None,
        })
    }

    fn of(conversation: ConversationId, row: &Row) -> Result<Self, Failure> {
        let get = |column: usize| row.try_get::<_, i64>(column);
        Ok(Self {
            head: get(1)?,
            head_ts: get(2)?,
            said: get(3)?,
            low_said: get(4)?,
            first: get(5)?,
            gone_said: get(6)?,
            gone_low_said: get(7)?,
            timer_ms: get(8)?,
            is_new: false,
            ..Self::begin(conversation)?
        })
    }

    pub(crate) fn is_group(&self) -> bool {
        self.who == Who::Group
    }

    pub(crate) fn id(&self) -> &str {
        self.conversation.as_str()
    }

    /// Whether a user is one of the two whose conversation it is; nobody is, of a group's.
    pub(crate) fn is_of_two(&self, user: &UserId) -> bool {
        matches!(&self.who, Who::Pair { low, high } if low == user || high == user)
    }

    /// How many messages a user said in a direct conversation.
    pub(crate) fn said_by(&self, user: &UserId) -> i64 {
        match &self.who {
            Who::Pair { low, .. } if low == user => self.low_said,
            Who::Pair { high, .. } if high == user => self.said - self.low_said,
            Who::Pair { .. } | Who::Group => 0,
        }
    }

    /// After how many milliseconds new messages end, if they do.
    pub(crate) fn timer(&self) -> Result<Option<u64>, StoreError> {
        Ok(Some(nat(self.timer_ms)?).filter(|ms| *ms > 0))
    }

    /// Whether somebody is a member, or was one.
    pub(crate) async fn has(&self, conn: Conn<'_>, user: &UserId) -> Result<bool, Failure> {
        if !self.is_group() {
            return Ok(self.is_of_two(user));
        }
        let sql = "SELECT 1 FROM member WHERE conversation = $1 AND user_id = $2";
        Ok(conn.exists(sql, params![self.id(), user.as_str()]).await?)
    }

    /// The seq of the newest entry, as clients have it.
    pub(crate) fn head_seq(&self) -> Result<Seq, StoreError> {
        Ok(Seq(nat(self.head)?))
    }
}

/// The conversations of some names that are there.
pub(crate) async fn find_all(
    conn: Conn<'_>,
    conversations: &[&ConversationId],
) -> Result<HashMap<ConversationId, Thread>, Failure> {
    let ids: Vec<&str> = conversations.iter().map(|it| it.as_str()).collect();
    let sql = "SELECT id, head, head_ts, said, low_said, first, gone_said, gone_low_said, timer_ms \
               FROM conversation WHERE id = ANY ($1)";
    let mut found = HashMap::new();
    let rows = conn.query(sql, params![ids]).await?;
    for row in &rows {
        let id: &str = row.try_get(0)?;
        if let Some(conversation) = conversations.iter().find(|it| it.as_str() == id) {
            found.insert((*conversation).clone(), Thread::of((*conversation).clone(), row)?);
        }
    }
    Ok(found)
}

/// A conversation, if it is there.
pub(crate) async fn find(
    conn: Conn<'_>,
    conversation: &ConversationId,
) -> Result<Option<Thread>, Failure> {
    Ok(find_all(conn, &[conversation]).await?.remove(conversation))
}

/// A conversation that somebody is a member of, or was.
pub(crate) async fn of_member(
    conn: Conn<'_>,
    conversation: &ConversationId,
    user: &UserId,
) -> Result<Thread, Failure> {
    let thread = find(conn, conversation).await?.ok_or(StoreError::NotFound)?;
    match thread.has(conn, user).await? {
        true => Ok(thread),
        false => Err(StoreError::NotFound.into()),
    }
}
