//! The user's conversations, those that moved last first.

use std::time::Duration;

use serde_json::{Value, json};
use tracing::warn;

use super::held::Reader;
use super::reads::Wish;
use super::{ConversationView, Core, Timer};
use crate::error::Error;
use crate::protocol::{ConversationsPage, LogEntry, Summary};
use crate::update::News;

const PAGE_CONVERSATIONS: u64 = 50;
/// Reasons to read the list are gathered for so long.
const REFRESH_GATHER: Duration = Duration::from_millis(100);

/// How far the list was read.
#[derive(Debug, Default)]
pub(super) struct List {
    /// Where the next page begins; `None` at the end, or before the first.
    cursor: Option<String>,
    was_read: bool,
    is_refresh_due: bool,
    readers: Vec<Reader>,
    /// Tells readings apart from those before all was read anew.
    pub(super) life: u64,
}

impl List {
    /// The connection is gone, and with it the timer.
    pub(super) fn lost(&mut self) {
        self.is_refresh_due = false;
    }
}

impl Core {
    /// The list as far as it was read, and whether there is more.
    pub(crate) fn conversations(&self) -> (Vec<ConversationView>, bool) {
        let mut listed: Vec<_> = self.held.values().filter(|held| held.is_listed).collect();
        listed.sort_by_key(|held| std::cmp::Reverse(held.order));
        let has_more = self.list.cursor.is_some() || !self.list.was_read;
        (listed.into_iter().map(|held| held.view()).collect(), has_more)
    }

    /// Reads the next page, or the first if there is none yet.
    pub(crate) fn load_more(&mut self, reader: Reader) {
        if self.list.was_read && self.list.cursor.is_none() {
            let _ = reader.send(Ok(()));
            return;
        }
        self.list.readers.push(reader);
        self.wish(if self.list.was_read { Wish::MoreOfList } else { Wish::List });
    }

    /// Reads the first page again, soon.
    pub(super) fn refresh(&mut self) {
        if self.is_ready && !std::mem::replace(&mut self.list.is_refresh_due, true) {
            self.after(REFRESH_GATHER, Timer::Refresh);
        }
    }

    pub(super) fn refresh_now(&mut self) {
        self.list.is_refresh_due = false;
        self.wish(Wish::List);
    }

    pub(super) fn list_question(&self, is_more: bool) -> Value {
        let mut question = json!({ "limit": PAGE_CONVERSATIONS });
        if let Some(cursor) = self.list.cursor.as_ref().filter(|_| is_more) {
            question["cursor"] = cursor.as_str().into();
        }
        question
    }

    pub(super) fn list_answered(
        &mut self,
        life: u64,
        is_more: bool,
        outcome: Result<Value, Error>,
    ) {
        if life != self.list.life {
            // All is to be read anew since.
            self.wish(Wish::List);
            return;
        }
        let page = match outcome {
            Ok(answer) => match self.understood::<ConversationsPage>(answer, "conversations") {
                Some(page) => Ok(page),
                None => return,
            },
            Err(error) => Err(error),
        };
        let outcome = page.map(|page| {
            for line in page.conversations {
                self.described(line);
            }
            // A refresh reads the beginning of what was read further already.
            if is_more || !self.list.was_read {
                self.list.cursor = page.cursor;
            }
            self.list.was_read = true;
        });
        if let Err(error) = &outcome {
            warn!(%error, "the list is refused");
        }
        for reader in std::mem::take(&mut self.list.readers) {
            let _ = reader.send(outcome.clone());
        }
        self.sync_list_read(outcome);
        self.tell(News::List);
    }

    fn described(&mut self, line: Summary) {
        let Some(target) = self.named(&line.conversation_id) else { return };
        let held = self.held(&target);
        held.is_listed = true;
        // What came since the list was read says more of these.
        if held.as_of.is_none_or(|as_of| line.head >= as_of) {
            held.name = line.name;
            held.members = line.members;
            held.role = line.role;
        }
        held.order = (held.order.0.max(line.last.pos()), 0);
        let last = match line.last {
            LogEntry::Message(message) => Some(message),
            LogEntry::Entry(_) => None,
        };
        let known = held.last_message.as_ref().map_or(0, |last| last.seq);
        if let Some(message) = line.message.or(last).filter(|message| message.seq >= known) {
            held.last_message = Some(message);
        }
        // From here on the app is told of what is said in it.
        if held.told.is_none() && !held.window.is_placed() {
            held.told = Some(line.head);
        }
        if let Some(told) = held.told.filter(|told| *told < line.head) {
            held.window.place(told);
        }
        held.window.head_is(line.head);
        if !held.counted(line.head, line.unread, Some(line.mentions), &line.watermarks) {
            self.refresh();
        }
        self.has(&target, line.head);
        self.settle(&target);
    }
}
