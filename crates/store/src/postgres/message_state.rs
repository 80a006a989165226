//! What has become of messages: rows that follow the entries that say what was done to them.
//!
//! A message to which nothing was done has no row. Contents are not kept here: the newest one is that
//! of the newest edit, found by an index.

use parlor_chat::around::decide::Reactions;
use parlor_chat::around::{Deed, Emoji};
use parlor_chat::ids::{ConversationId, UserId};

use super::conn::{Conn, Failure, params};
use crate::kept::numbers::nat;

/// What a message's row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct State {
    /// How often it was edited.
    pub(crate) edits: u64,
    /// The seq of the entry that pinned it.
    pub(crate) pinned: Option<i64>,
}

/// What the row of a message says; nothing was done to one that has none.
pub(crate) async fn state(
    conn: Conn<'_>,
    conversation: &ConversationId,
    seq: i64,
) -> Result<State, Failure> {
    let sql = "SELECT edits, pinned FROM message_state WHERE conversation = $1 AND seq = $2";
    match conn.first(sql, params![conversation.as_str(), seq]).await? {
        None => Ok(State::default()),
        Some(row) => Ok(State { edits: nat(row.try_get(0)?)?, pinned: row.try_get(1)? }),
    }
}

/// How many messages of a conversation are pinned, as a user may see it.
pub(crate) async fn pins(
    conn: Conn<'_>,
    conversation: &ConversationId,
    user: &UserId,
) -> Result<u64, Failure> {
    let sql = "SELECT count(*) FROM message_state s \
               JOIN entry e ON e.conversation = s.conversation AND e.seq = s.seq \
               WHERE s.conversation = $1 AND s.pinned IS NOT NULL \
               AND (NOT e.shadow OR e.sender = $2)";
    Ok(nat(conn.number(sql, params![conversation.as_str(), user.as_str()]).await?)?)
}

/// The reactions to a message, seen from one user and one emoji.
pub(crate) async fn reactions(
    conn: Conn<'_>,
    conversation: &ConversationId,
    seq: i64,
    user: &UserId,
    emoji: &Emoji,
) -> Result<Reactions, Failure> {
    let sql = "SELECT count(DISTINCT emoji), count(*) FILTER (WHERE emoji = $4), \
               count(*) FILTER (WHERE user_id = $3), \
               count(*) FILTER (WHERE user_id = $3 AND emoji = $4) \
               FROM reaction WHERE conversation = $1 AND seq = $2";
    let place = params![conversation.as_str(), seq, user.as_str(), emoji.as_str()];
    let Some(row) = conn.first(sql, place).await? else { return Ok(Reactions::default()) };
    Ok(Reactions {
        kinds: nat(row.try_get(0)?)?,
        alike: nat(row.try_get(1)?)?,
        own: nat(row.try_get(2)?)?,
        is_mine: row.try_get::<_, i64>(3)? > 0,
    })
}

/// Lets the rows of a message follow a deed of `user` that is the entry at `by`.
pub(crate) async fn follow(
    conn: Conn<'_>,
    conversation: &ConversationId,
    seq: i64,
    user: &UserId,
    deed: &Deed,
    by: i64,
) -> Result<(), Failure> {
    let of = conversation.as_str();
    if *deed == Deed::Deleted {
        return delete(conn, of, &[seq]).await;
    }
    let sql = "INSERT INTO message_state AS s (conversation, seq, edits, pinned) \
               VALUES ($1, $2, $3, $4) ON CONFLICT (conversation, seq) DO UPDATE \
               SET edits = s.edits + excluded.edits, \
               pinned = CASE WHEN $5 THEN excluded.pinned ELSE s.pinned END";
    let edits = i64::from(matches!(deed, Deed::Edited(_)));
    let pinned = matches!(deed, Deed::Pinned).then_some(by);
    let is_pin = matches!(deed, Deed::Pinned | Deed::Unpinned);
    conn.execute(sql, params![of, seq, edits, pinned, is_pin]).await?;
    match deed {
        Deed::Reacted(emoji) => {
            let sql = "INSERT INTO reaction (conversation, seq, emoji, user_id, since) \
                       VALUES ($1, $2, $3, $4, coalesce((SELECT min(since) FROM reaction \
                       WHERE conversation = $1 AND seq = $2 AND emoji = $3), $5)) \
                       ON CONFLICT DO NOTHING";
            conn.execute(sql, params![of, seq, emoji.as_str(), user.as_str(), by]).await?;
        }
        Deed::Unreacted(emoji) => {
            let sql = "DELETE FROM reaction WHERE conversation = $1 AND seq = $2 AND emoji = $3 \
                       AND user_id = $4";
            conn.execute(sql, params![of, seq, emoji.as_str(), user.as_str()]).await?;
        }
        Deed::Edited(_) | Deed::Pinned | Deed::Unpinned | Deed::Deleted => {}
    }
    Ok(())
}

/// Notes that a message is in the thread of another, if that is still there.
pub(crate) async fn replied(
    conn: Conn<'_>,
    conversation: &ConversationId,
    root: i64,
) -> Result<(), Failure> {
    let sql = "INSERT INTO message_state AS s (conversation, seq, replies) \
               SELECT conversation, seq, 1 FROM entry WHERE conversation = $1 AND seq = $2 \
               ON CONFLICT (conversation, seq) DO UPDATE SET replies = s.replies + 1";
    conn.execute(sql, params![conversation.as_str(), root]).await?;
    Ok(())
}

/// Removes what was done to messages whose contents go, and their words; their threads stay.
pub(crate) async fn delete(conn: Conn<'_>, of: &str, seqs: &[i64]) -> Result<(), Failure> {
    let seqs = seqs.to_vec();
    for sql in [
        "DELETE FROM message_words WHERE conversation = $1 AND seq = ANY ($2)",
        "DELETE FROM mention WHERE conversation = $1 AND seq = ANY ($2)",
        "DELETE FROM reaction WHERE conversation = $1 AND seq = ANY ($2)",
        "UPDATE message_state SET edits = 0, pinned = NULL \
         WHERE conversation = $1 AND seq = ANY ($2)",
        "DELETE FROM message_state WHERE conversation = $1 AND seq = ANY ($2) AND replies = 0",
    ] {
        conn.execute(sql, params![of, seqs]).await?;
    }
    Ok(())
}
