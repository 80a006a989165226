//! Whom a user keeps from writing to them: changed by the writer, checked by it at every append, so
//! that no append commits after the block that forbids it.

use parlor_chat::ids::UserId;
use parlor_chat::store::{Block, Blocked, Blocks, StoreError};
use rusqlite::{Connection, OptionalExtension};

use super::commands::user_or_new;
use super::readers::Reader;
use super::rows::{self, Failure, bound, corrupt, nat};

/// Changes a block inside the writer's transaction.
pub(crate) fn change(conn: &Connection, block: &Block) -> Result<Blocked, Failure> {
    let (user, other) = (rows::user_id(conn, &block.user)?, rows::user_id(conn, &block.other)?);
    let known = match (user, other) {
        (Some(user), Some(other)) => is_active(conn, user, other)?,
        _ => false,
    };
    if known == block.blocked {
        return Ok(Blocked::Unchanged);
    }
    let (user, other) = (user_or_new(conn, &block.user)?, user_or_new(conn, &block.other)?);
    if block.blocked {
        let sql = "SELECT count(*) FROM block WHERE user = ?1 AND active = 1";
        let active: i64 = conn.prepare_cached(sql)?.query_row([user], |row| row.get(0))?;
        if nat(active)? >= block.blocks_max as u64 {
            return Err(StoreError::TooManyBlocks.into());
        }
    }
    let sql = "INSERT INTO block (user, other, active, at, moved) \
               VALUES (?1, ?2, ?3, ?4, (SELECT coalesce(max(pos), 0) FROM entry)) \
               ON CONFLICT (user, other) DO UPDATE \
               SET active = excluded.active, at = excluded.at, moved = excluded.moved";
    conn.prepare_cached(sql)?.execute((user, other, block.blocked, bound(block.now.0)))?;
    // Of those that were lifted the one that moved last says enough.
    let sql = "DELETE FROM block WHERE user = ?1 AND active = 0 AND other <> ?2";
    conn.prepare_cached(sql)?.execute([user, other])?;
    Ok(Blocked::Changed)
}

/// Whether `user` keeps `other` out.
pub(crate) fn is_active(conn: &Connection, user: i64, other: i64) -> Result<bool, rusqlite::Error> {
    let sql = "SELECT active FROM block WHERE user = ?1 AND other = ?2";
    let active = conn.prepare_cached(sql)?.query_row([user, other], |row| row.get(0)).optional()?;
    Ok(active.unwrap_or(false))
}

impl Reader {
    pub(crate) fn blocks(&mut self, user: &UserId) -> Result<Blocks, Failure> {
        match rows::user_id(&self.conn, user)? {
            Some(user) => self.blocks_of(user),
            None => Ok(Blocks { users: Vec::new() }),
        }
    }

    fn blocks_of(&self, user: i64) -> Result<Blocks, Failure> {
        let mut blocks = Blocks { users: Vec::new() };
        let sql = "SELECT u.name FROM block b JOIN user u ON u.id = b.other \
                   WHERE b.user = ?1 AND b.active = 1 ORDER BY CAST(u.name AS BLOB)";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query([user])?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            let other =
                UserId::parse(&name).map_err(|_| corrupt(format!("a block of user {user}")))?;
            blocks.users.push(other);
        }
        Ok(blocks)
    }

    /// A user's blocks, if one changed at or after a position, or since a time.
    pub(crate) fn blocks_if_moved(
        &self,
        user: i64,
        position: i64,
        time: i64,
    ) -> Result<Option<Blocks>, Failure> {
        let sql = "SELECT 1 FROM block WHERE user = ?1 AND (moved >= ?2 OR at >= ?3)";
        let moved = self.conn.prepare_cached(sql)?.exists([user, position, time])?;
        moved.then(|| self.blocks_of(user)).transpose()
    }
}
