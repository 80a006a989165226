//! What a user has not read, over all conversations: computed from the log, like each one's own.

use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;
use parlor_chat::own::{OwnKey, OwnKind};
use parlor_chat::store::Badge;

use super::mark_blocks;
use super::own;
use super::readers::Reader;
use super::rows::{self, Failure, nat};
use super::says;

impl Reader {
    pub(crate) fn badge(&mut self, user: &UserId, now: Millis) -> Result<Badge, Failure> {
        let mut badge = Badge::default();
        let Some(user) = rows::user_id(&self.conn, user)? else { return Ok(badge) };
        let conversations: Vec<i64> = self
            .conn
            .prepare_cached(
                "SELECT conversation FROM member WHERE user = ?1 AND request IN (0, 3)",
            )?
            .query_map([user], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for conversation in conversations {
            let thread = self.names.thread(&self.conn, conversation)?;
            let read = mark_blocks::standing(&self.conn, conversation, user)?.read;
            badge.mentions += says::mentions_after(&self.conn, &thread, user, read)?;
            let key = OwnKey::conversation(&thread.conversation);
            if own::is_muted(&self.conn, user, &key, now)? {
                continue;
            }
            let unread = nat(self.others_after(&thread, user, read)?)?;
            badge.unread += unread;
            let is_marked = unread == 0 && own::has(&self.conn, user, OwnKind::Unread, &key)?;
            badge.conversations += u64::from(unread > 0 || is_marked);
        }
        Ok(badge)
    }
}
