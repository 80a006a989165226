//! Whether somebody may say something somewhere: what the writer asks in every append, and a reader
//! for what is said and not kept.

use parlor_chat::around::port::Speaker;
use parlor_chat::entry::Millis;
use parlor_chat::ids::{ConversationId, UserId};
use parlor_chat::store::{Authority, Recipient, StoreError};
use rusqlite::Connection;

use super::readers::Reader;
use super::rows::{self, Failure, Thread};
use super::{groups, regard, suspensions};

/// Somebody who says something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Speaking<'a> {
    pub(crate) by: (&'a UserId, Authority),
    pub(crate) to: &'a Recipient,
    pub(crate) now: Millis,
}

impl Speaking<'_> {
    /// Why they may not; `moderated` is whether anybody may be suspended.
    pub(crate) fn barred(
        &self,
        conn: &Connection,
        thread: Option<&Thread>,
        moderated: bool,
    ) -> Result<Option<StoreError>, Failure> {
        let (from, authority) = self.by;
        let from_id = rows::user_id(conn, from)?;
        if let Some(user) = from_id.filter(|_| moderated && authority == Authority::User)
            && let Some(suspension) = suspensions::find(conn, user, self.now)?
        {
            return Ok(Some(StoreError::Suspended { until: suspension.until }));
        }
        match (self.to, thread) {
            (Recipient::User(to), thread) => match rows::user_id(conn, to)? {
                Some(to) => regard::refuses(conn, thread, (from_id, from), to),
                None => Ok(None),
            },
            (Recipient::Group(_), Some(thread)) => {
                Ok(groups::may_post(conn, thread, self.by, self.now)?.err())
            }
            (Recipient::Group(_), None) => Ok(Some(StoreError::NotFound)),
        }
    }
}

impl Reader {
    pub(crate) fn may_say(
        &mut self,
        speaker: &Speaker,
        conversation: &ConversationId,
        moderated: bool,
    ) -> Result<(), Failure> {
        let Speaker { from, authority, to, now } = speaker;
        let thread = rows::find_thread(&self.conn, conversation)?;
        let speaking = Speaking { by: (from, *authority), to, now: *now };
        match speaking.barred(&self.conn, thread.as_ref(), moderated)? {
            Some(why) => Err(why.into()),
            None => Ok(()),
        }
    }
}
