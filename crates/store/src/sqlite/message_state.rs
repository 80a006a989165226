//! What has become of messages: rows that follow the entries that say what was done to them.
//!
//! A message to which nothing was done has no row. Contents are not kept here: the newest one is that
//! of the newest edit, found by an index. Emojis are, in plain, as the names of users are.

use parlor_chat::around::decide::Reactions;
use parlor_chat::around::{Deed, Emoji};
use rusqlite::{Connection, OptionalExtension};

use super::rows::{Failure, nat};

/// What a message's row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct State {
    /// How often it was edited.
    pub(crate) edits: u64,
    /// The seq of the entry that pinned it.
    pub(crate) pinned: Option<i64>,
    /// How many messages are in its thread.
    pub(crate) replies: u64,
}

/// A message, by its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) conversation: i64,
    pub(crate) seq: i64,
}

/// What the row of a message says; nothing was done to one that has none.
pub(crate) fn state(conn: &Connection, at: At) -> Result<State, Failure> {
    let sql = "SELECT edits, pinned, replies FROM message_state \
               WHERE conversation = ?1 AND seq = ?2";
    let found: Option<(i64, Option<i64>, i64)> = conn
        .prepare_cached(sql)?
        .query_row([at.conversation, at.seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((edits, pinned, replies)) = found else { return Ok(State::default()) };
    Ok(State { edits: nat(edits)?, pinned, replies: nat(replies)? })
}

/// How many messages of a conversation are pinned, as a user may see it.
pub(crate) fn pins(conn: &Connection, conversation: i64, user: i64) -> Result<u64, Failure> {
    let sql = "SELECT count(*) FROM message_state s \
               JOIN entry e ON e.conversation = s.conversation AND e.seq = s.seq \
               WHERE s.conversation = ?1 AND s.pinned IS NOT NULL \
               AND (e.shadow IS NULL OR e.sender = ?2)";
    let count: i64 = conn.prepare_cached(sql)?.query_row([conversation, user], |row| row.get(0))?;
    Ok(nat(count)?)
}

/// The reactions to a message, seen from one user and one emoji.
pub(crate) fn reactions(
    conn: &Connection,
    at: At,
    user: i64,
    emoji: &Emoji,
) -> Result<Reactions, Failure> {
    let emoji = emoji.as_str();
    let kinds: (i64, i64) = conn
        .prepare_cached(
            "SELECT count(*), coalesce(sum(users) FILTER (WHERE emoji = ?3), 0) \
             FROM reaction_count WHERE conversation = ?1 AND seq = ?2",
        )?
        .query_row((at.conversation, at.seq, emoji), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let own: (i64, i64) = conn
        .prepare_cached(
            "SELECT count(*), count(*) FILTER (WHERE emoji = ?4) \
             FROM reaction WHERE conversation = ?1 AND seq = ?2 AND user = ?3",
        )?
        .query_row((at.conversation, at.seq, user, emoji), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Reactions {
        kinds: nat(kinds.0)?,
        alike: nat(kinds.1)?,
        own: nat(own.0)?,
        is_mine: own.1 > 0,
    })
}

/// Lets the rows of a message follow a deed of `user` that is the entry at `seq`.
pub(crate) fn follow(
    conn: &Connection,
    at: At,
    user: i64,
    deed: &Deed,
    seq: i64,
) -> Result<(), rusqlite::Error> {
    if *deed == Deed::Deleted {
        return delete(conn, at);
    }
    let sql = "INSERT INTO message_state (conversation, seq) VALUES (?1, ?2) \
               ON CONFLICT DO NOTHING";
    conn.prepare_cached(sql)?.execute([at.conversation, at.seq])?;
    match deed {
        Deed::Edited(_) => {
            let sql = "UPDATE message_state SET edits = edits + 1 \
                       WHERE conversation = ?1 AND seq = ?2";
            conn.prepare_cached(sql)?.execute([at.conversation, at.seq])?;
        }
        Deed::Pinned => pin(conn, at, Some(seq))?,
        Deed::Unpinned => pin(conn, at, None)?,
        Deed::Reacted(emoji) => {
            let sql = "INSERT INTO reaction (conversation, seq, user, emoji) \
                       VALUES (?1, ?2, ?3, ?4)";
            let emoji = emoji.as_str();
            conn.prepare_cached(sql)?.execute((at.conversation, at.seq, user, emoji))?;
            let sql = "INSERT INTO reaction_count (conversation, seq, emoji, users, since) \
                       VALUES (?1, ?2, ?3, 1, ?4) ON CONFLICT DO UPDATE SET users = users + 1";
            conn.prepare_cached(sql)?.execute((at.conversation, at.seq, emoji, seq))?;
        }
        Deed::Unreacted(emoji) => {
            let emoji = emoji.as_str();
            let sql = "DELETE FROM reaction \
                       WHERE conversation = ?1 AND seq = ?2 AND user = ?3 AND emoji = ?4";
            conn.prepare_cached(sql)?.execute((at.conversation, at.seq, user, emoji))?;
            let sql = "UPDATE reaction_count SET users = users - 1 \
                       WHERE conversation = ?1 AND seq = ?2 AND emoji = ?3";
            conn.prepare_cached(sql)?.execute((at.conversation, at.seq, emoji))?;
            let sql = "DELETE FROM reaction_count \
                       WHERE conversation = ?1 AND seq = ?2 AND emoji = ?3 AND users <= 0";
            conn.prepare_cached(sql)?.execute((at.conversation, at.seq, emoji))?;
        }
        Deed::Deleted => {}
    }
    Ok(())
}

fn pin(conn: &Connection, at: At, pinned: Option<i64>) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE message_state SET pinned = ?3 WHERE conversation = ?1 AND seq = ?2";
    conn.prepare_cached(sql)?.execute((at.conversation, at.seq, pinned))?;
    Ok(())
}

/// Notes whom a message mentions, by their integer names; 0 for all.
pub(crate) fn mention(
    conn: &Connection,
    at: At,
    users: impl IntoIterator<Item = i64>,
) -> Result<(), rusqlite::Error> {
    let sql = "INSERT INTO mention (conversation, user, seq) VALUES (?1, ?2, ?3) \
               ON CONFLICT DO NOTHING";
    for user in users {
        conn.prepare_cached(sql)?.execute([at.conversation, user, at.seq])?;
    }
    Ok(())
}

/// Notes that a message is in the thread of another, if that is still there.
pub(crate) fn replied(conn: &Connection, root: At) -> Result<(), rusqlite::Error> {
    let sql = "INSERT INTO message_state (conversation, seq, replies) \
               SELECT conversation, seq, 1 FROM entry WHERE conversation = ?1 AND seq = ?2 \
               ON CONFLICT DO UPDATE SET replies = replies + 1";
    conn.prepare_cached(sql)?.execute([root.conversation, root.seq])?;
    Ok(())
}

/// Removes what was done to a message whose content goes; its thread stays.
pub(crate) fn delete(conn: &Connection, at: At) -> Result<(), rusqlite::Error> {
    let sql = "SELECT replies FROM message_state WHERE conversation = ?1 AND seq = ?2";
    let replies: Option<i64> = conn
        .prepare_cached(sql)?
        .query_row([at.conversation, at.seq], |row| row.get(0))
        .optional()?;
    forget(conn, at.conversation, at.seq)?;
    if let Some(replies) = replies.filter(|replies| *replies > 0) {
        let sql = "INSERT INTO message_state (conversation, seq, replies) VALUES (?1, ?2, ?3)";
        conn.prepare_cached(sql)?.execute([at.conversation, at.seq, replies])?;
    }
    Ok(())
}

/// Removes all that is kept about a message beside its entry.
pub(crate) fn forget(
    conn: &Connection,
    conversation: i64,
    seq: i64,
) -> Result<(), rusqlite::Error> {
    let sql = "DELETE FROM message_state WHERE conversation = ?1 AND seq = ?2";
    if conn.prepare_cached(sql)?.execute([conversation, seq])? > 0 {
        for sql in [
            "DELETE FROM reaction WHERE conversation = ?1 AND seq = ?2",
            "DELETE FROM reaction_count WHERE conversation = ?1 AND seq = ?2",
        ] {
            conn.prepare_cached(sql)?.execute([conversation, seq])?;
        }
    }
    let sql = "DELETE FROM mention WHERE conversation = ?1 AND seq = ?2";
    conn.prepare_cached(sql)?.execute([conversation, seq])?;
    Ok(())
}
