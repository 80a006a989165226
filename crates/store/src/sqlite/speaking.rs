//! Whether somebody may say something somewhere: what the writer asks in every append, and a reader
//! for what is said and not kept.

use parlor_chat::around::port::Speaker;
use parlor_chat::entry::Millis;
use parlor_chat::ids::{ConversationId, UserId};
use parlor_chat::requests::{Bounds, Reception, allow_deed};
use parlor_chat::store::{Authority, Recipient, StoreError};
use rusqlite::Connection;

use super::acts::refused;
use super::readers::Reader;
use super::rows::{self, Failure, Thread};
use super::{groups, regard, suspensions};

/// Somebody who says something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Speaking<'a> {
    pub(crate) by: (&'a UserId, Authority),
    pub(crate) to: &'a Recipient,
    pub(crate) now: Millis,
    /// Whether it is an event of the app's own rather than a message.
    pub(crate) is_event: bool,
}

impl Speaking<'_> {
    /// As what it is taken, or why they may not; `moderated` is whether anybody may be suspended.
    pub(crate) fn reception(
        &self,
        conn: &Connection,
        thread: Option<&Thread>,
        moderated: bool,
        bounds: &Bounds,
    ) -> Result<Result<Reception, StoreError>, Failure> {
        let (from, authority) = self.by;
        let from_id = rows::user_id(conn, from)?;
        if let Some(user) = from_id.filter(|_| moderated && authority == Authority::User)
            && let Some(suspension) = suspensions::find(conn, user, self.now)?
        {
            return Ok(Err(StoreError::Suspended { until: suspension.until }));
        }
        let reception = match (self.to, thread) {
            (Recipient::User(to), thread) => match rows::user_id(conn, to)? {
                Some(to) => regard::receives(conn, thread, (from_id, from), to, bounds)?,
                None => Ok(Reception::Ordinary),
            },
            (Recipient::Group(_), Some(thread)) => {
                groups::may_post(conn, thread, self.by, self.now)?.map(|()| Reception::Ordinary)
            }
            (Recipient::Group(_), None) => Err(StoreError::NotFound),
        };
        // A request is made of messages.
        Ok(reception.and_then(|reception| match self.is_event {
            true => allow_deed(reception).map(|()| reception).map_err(refused),
            false => Ok(reception),
        }))
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
        let by = (from, *authority);
        let speaking = Speaking { by, to, now: *now, is_event: true };
        let bounds = self.requests;
        match speaking.reception(&self.conn, thread.as_ref(), moderated, &bounds)? {
            Err(why) => Err(why.into()),
            Ok(_) => Ok(()),
        }
    }
}
