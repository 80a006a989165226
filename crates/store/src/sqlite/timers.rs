//! How long the messages of a conversation stay: what its newest entry about that says is kept with
//! it, since every append asks.

use parlor_chat::around::port::MessageChanged;
use parlor_chat::around::timer::{self, Decision, SetTimer};
use parlor_chat::entry::Body;
use parlor_chat::store::{Committed, StoreError};
use rusqlite::Connection;

use super::acts::{self, MessageDone, refused};
use super::commands::{Executor, Turn};
use super::entries::{Lasts, Next};
use super::rows::{Failure, bound, nat};
use super::suspensions;

/// After how many milliseconds new messages of a conversation end, if they do.
pub(crate) fn timer_ms(conn: &Connection, conversation: i64) -> Result<Option<u64>, Failure> {
    let sql = "SELECT timer_ms FROM conversation WHERE id = ?1";
    let ms: i64 = conn.prepare_cached(sql)?.query_row([conversation], |row| row.get(0))?;
    Ok(Some(nat(ms)?).filter(|ms| *ms > 0))
}

impl Executor {
    pub(crate) fn set_timer(
        &mut self,
        conn: &Connection,
        turn: &Turn<'_>,
        change: &SetTimer,
    ) -> Result<MessageDone, Failure> {
        if turn.moderated {
            suspensions::refuse(conn, &change.by, change.now)?;
        }
        let thread = self.thread(conn, &change.conversation)?.ok_or(StoreError::NotFound)?;
        let user = thread.member(conn, &change.by)?.ok_or(StoreError::NotFound)?;
        let standpoint =
            acts::standpoint(conn, &thread, (user, &change.by), &change.by, &self.requests)?;
        let held_ms = timer_ms(conn, thread.id)?;
        let decided = timer::decide(change, held_ms, &standpoint.place()).map_err(refused)?;
        let Decision::Commit(ms) = decided else {
            return Ok(MessageDone { changed: MessageChanged::Unchanged, committed: None });
        };
        let head = self.sound_head(conn, &thread, user)?;
        let next = Next {
            from: &change.by,
            sender: user,
            client_id: None,
            envelope: None,
            lasts: Lasts::Always,
            body: Body::TimerSet(ms),
            now: change.now,
        };
        let entry = self.insert(conn, turn, &thread, head, next)?;
        let sql = "UPDATE conversation SET timer_ms = ?2 WHERE id = ?1";
        conn.prepare_cached(sql)?.execute([thread.id, bound(ms.unwrap_or(0))])?;
        let changed = MessageChanged::Committed { seq: entry.seq, ts: entry.ts, repeated: false };
        Ok(MessageDone { changed, committed: Some(Committed { entry, origin: change.origin }) })
    }
}
