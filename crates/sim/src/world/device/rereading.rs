//! A device that was told to read everything anew: it asks for its conversations and their history,
//! page by page as far as each says that it covers, and keeps aside what is pushed meanwhile. At
//! the end it merges the two by seq. Until then its cursor stays behind.

use std::sync::Arc;

use parlor_chat::entry::Entry;
use parlor_chat::ids::{ConversationId, Seq};
use parlor_chat::resume::Cursor;
use parlor_chat::store::{HistoryPage, HistoryQuery, HistoryRange};

use super::Device;
use crate::world::message::{AckId, Conn, Up};
use crate::world::outside::Outside;

/// Messages of a page of history.
const HISTORY_PAGE: usize = 3;

/// Everything is being read anew, and what is pushed meanwhile is kept aside.
pub(super) struct Rereading {
    pub(super) list: AckId,
    pub(super) todo: Vec<ConversationId>,
    pub(super) under_way: Option<(AckId, ConversationId)>,
    pub(super) read: Vec<Arc<Entry>>,
    pub(super) aside: Vec<Arc<Entry>>,
    pub(super) cursor: Option<Cursor>,
}

impl Device {
    pub(super) fn listed(
        &mut self,
        out: &mut Outside,
        conn: Conn,
        ack: AckId,
        all: Vec<ConversationId>,
    ) {
        if let Some(rereading) = self.rereading.as_mut().filter(|reading| reading.list == ack) {
            rereading.todo = all;
            self.read_on(out, conn, None);
        }
    }

    pub(super) fn page(&mut self, out: &mut Outside, conn: Conn, ack: AckId, page: HistoryPage) {
        let Some(rereading) = &mut self.rereading else { return };
        let Some((_, conversation)) = rereading.under_way.take_if(|(asked, _)| *asked == ack)
        else {
            return;
        };
        rereading.read.extend(page.entries);
        let after = page.covers.filter(|_| page.more).map(|(_, to)| (conversation, to));
        self.read_on(out, conn, after);
    }

    /// Reads the next page of a conversation, or the next conversation; at the end merges what was
    /// read with what was pushed meanwhile.
    fn read_on(&mut self, out: &mut Outside, conn: Conn, after: Option<(ConversationId, Seq)>) {
        let ack = self.ack();
        let Some(rereading) = &mut self.rereading else { return };
        let next = after.or_else(|| {
            let conversation = rereading.todo.pop()?;
            let seqs = self.known.get(&conversation);
            let after = seqs.and_then(|seqs| seqs.last()).copied().unwrap_or_default();
            Some((conversation, after))
        });
        if let Some((conversation, after)) = next {
            rereading.under_way = Some((ack, conversation.clone()));
            let (user, limit) = (self.user.clone(), HISTORY_PAGE);
            let range = HistoryRange::After(after, None);
            let query = HistoryQuery { user, conversation, range, limit };
            return out.up(conn, Up::History { ack, query });
        }
        let Some(rereading) = self.rereading.take() else { return };
        let places = rereading.read.iter().map(|entry| (entry.conversation.clone(), entry.seq));
        self.reread.extend(places);
        for entry in rereading.read.iter().chain(&rereading.aside) {
            let known = self.known.get(&entry.conversation);
            let is_known = known.is_some_and(|seqs| seqs.contains(&entry.seq));
            // One's own were not pushed in their order, so they are no sightings.
            if !is_known && entry.from != self.user {
                self.saw(out, conn, entry);
            }
        }
        self.cursor = rereading.cursor;
        self.note(out, || "has read everything anew".into());
    }
}
