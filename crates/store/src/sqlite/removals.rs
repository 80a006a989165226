//! Messages that moderators of the server remove, as the writer does it: the deletion is the next entry of
//! the log, in the name of the message's author and marked as what it is, and the audit log says who did
//! it, in the same transaction.

use std::sync::Arc;

use parlor_chat::around::decide::{Decision, remove};
use parlor_chat::around::port::{ChangeMessage, MessageChanged, Removal};
use parlor_chat::around::{Act, Envelope};
use parlor_chat::entry::Body;
use parlor_chat::ids::MessageId;
use parlor_chat::moderation::DeedKind;
use parlor_chat::store::{Committed, StoreError};
use rusqlite::Connection;

use super::acts::{MessageDone, empty};
use super::audit::{self, Doing};
use super::commands::{Executor, Turn};
use super::entries::{Lasts, Next};
use super::groups;
use super::message_state::{self, At};
use super::rows::{self, Failure};
use super::word_index;

impl Executor {
    pub(crate) fn remove_message(
        &mut self,
        conn: &Connection,
        turn: &Turn<'_>,
        change: &ChangeMessage,
        removal: &Removal,
    ) -> Result<MessageDone, Failure> {
        let thread = self.thread(conn, &change.conversation)?.ok_or(StoreError::NotFound)?;
        if thread.is_group() && groups::group_row(conn, thread.id)?.is_deleted {
            return Err(StoreError::NotFound.into());
        }
        let at = At { conversation: thread.id, seq: rows::bound(change.seq.0) };
        let (author, message) = self.any_message(conn, at)?;
        let Decision::Commit(deed) = remove(message.body.said()) else {
            return Ok(MessageDone { changed: MessageChanged::Unchanged, committed: None });
        };
        let head = self.sound_head(conn, &thread, author)?;
        let seq = head.0.seq + 1;
        let emptied = self.contents_of(conn, &thread, at, seq)?;
        let shadow = message.is_shadowed();
        let envelope = Envelope { moderated: true, shadow, ..Envelope::default() };
        let next = Next {
            from: &message.from,
            sender: author,
            client_id: None,
            envelope: Some(Arc::new(envelope)),
            lasts: Lasts::Always,
            body: Body::Acted(Act { on: change.seq, deed: deed.clone() }),
            now: change.now,
        };
        let entry = self.insert(conn, turn, &thread, head, next)?;
        let sql = "SELECT 1 FROM entry WHERE conversation = ?1 AND seq = ?2";
        if conn.prepare_cached(sql)?.exists([thread.id, at.seq])? {
            word_index::forget_wholly(conn, &mut self.names, &[at])?;
            empty(conn, &emptied)?;
            message_state::follow(conn, at, author, &deed, seq)?;
        }
        let message_id = MessageId::new(&change.conversation, change.seq);
        audit::append(
            conn,
            &Doing {
                at: change.now,
                by: &change.by,
                deed: DeedKind::Remove,
                user: &message.from,
                report: None,
                until: None,
                text: Some(message_id.as_str()),
                note: removal.note.as_deref(),
                client_id: None,
            },
        )?;
        let changed = MessageChanged::Committed { seq: entry.seq, ts: entry.ts, repeated: false };
        Ok(MessageDone { changed, committed: Some(Committed { entry, origin: change.origin }) })
    }
}
