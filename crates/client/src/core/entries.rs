//! Entries of the log as they come: pushed, of this client's own doing, or seen for the first time in
//! what was read back.

use std::sync::Arc;

use super::Core;
use crate::outbox::OutboxItem;
use crate::protocol::{Deed, Entry, LogEntry, Message, Moved, Sent};
use crate::target::Target;
use crate::update::News;

impl Core {
    /// Takes an entry that was pushed.
    pub(super) fn pushed(&mut self, entry: LogEntry) {
        let Some(target) = self.named(entry.conversation_id()) else { return };
        let is_unnamed =
            matches!(&entry, LogEntry::Message(it) if it.from == self.me && it.client_id.is_none());
        let may_be_waiting = is_unnamed && self.outbox.has_waiting(&target);
        let held = self.held(&target);
        if let Some(told) = held.told {
            held.window.place(told);
        }
        // Groups hear one's own messages without their keys, also what waits here: the history has
        // the key.
        if may_be_waiting {
            held.window.head_is(entry.seq());
            if !held.window.is_placed() {
                self.read_newest(&target);
            }
        } else {
            let news = held.window.push(entry);
            self.seen(&target, news);
        }
        self.settle(&target);
    }

    /// A message of the outbox is in the log.
    pub(super) fn sent(&mut self, item: OutboxItem, sent: &Sent) {
        self.clock.is_now(sent.ts);
        let me = self.me.clone();
        let target = item.target.clone();
        let held = self.held(&target);
        held.is_listed = true;
        if held.window.covers(sent.seq) {
            self.settle(&target);
            return;
        }
        if let Some(told) = held.told {
            held.window.place(told);
        }
        // What it is on the outside, or what has become of its content, the server knows alone.
        let is_known = item.more.is_empty() && !sent.masked;
        held.acked.insert(sent.seq, item.clone());
        if is_known {
            let message = LogEntry::Message(Arc::new(as_logged(item, sent, me)));
            let news = held.window.push(message);
            self.seen(&target, news);
        } else {
            held.window.head_is(sent.seq);
            if !held.window.is_placed() {
                self.read_newest(&target);
            }
        }
        self.settle(&target);
    }

    /// A conversation moved while the client was away.
    pub(super) fn has_moved(&mut self, line: Moved) {
        let Some(target) = self.named(&line.conversation_id) else { return };
        let held = self.held(&target);
        let is_listed = held.is_listed;
        let is_counted = held.counted(line.head, line.unread, None, &line.watermarks);
        held.order.0 = held.order.0.max(line.pos);
        if let Some(told) = held.told {
            held.window.place(told);
        }
        held.window.head_is(line.head);
        if !is_listed || !is_counted {
            self.refresh();
        }
        self.settle(&target);
    }

    /// Entries are seen for the first time, in the order of the log.
    pub(super) fn seen(&mut self, target: &Target, entries: Vec<LogEntry>) {
        if entries.is_empty() {
            return;
        }
        for entry in entries {
            let seq = entry.seq();
            let held = self.held(target);
            let as_of = held.as_of;
            let is_new = as_of.is_none_or(|as_of| seq > as_of);
            let is_first_told = held.told.is_none_or(|told| seq > told);
            held.told = held.told.max(Some(seq));
            // Between what was counted and this there are entries that nobody has counted.
            let is_gap = is_new && as_of.is_none_or(|as_of| seq > as_of + 1);
            match &entry {
                LogEntry::Message(message) => self.said(target, message, is_new, is_first_told),
                LogEntry::Entry(entry) if is_new => self.happened(target, entry),
                LogEntry::Entry(_) => {}
            }
            if is_new {
                let held = self.held(target);
                held.as_of = Some(seq);
                let bump = if entry.pos() == 0 { held.order.1 + 1 } else { 0 };
                held.order = (held.order.0.max(entry.pos()), bump);
            }
            if is_gap {
                self.refresh();
            }
        }
        let held = self.held(target);
        if !std::mem::replace(&mut held.is_listed, true) {
            self.refresh();
        }
    }

    fn said(&mut self, target: &Target, message: &Arc<Message>, is_new: bool, is_first_told: bool) {
        let me = self.me.clone();
        let held = self.held(target);
        if held.last_message.as_ref().is_none_or(|last| message.seq >= last.seq) {
            held.last_message = Some(Arc::clone(message));
        }
        if message.from == me {
            if let Some(client_id) = &message.client_id {
                self.is_in_log(client_id, message);
            }
            return;
        }
        held.typing.remove(&message.from);
        if is_new && message.seq > held.read_to() {
            held.unread += 1;
            if held.is_mention(message) {
                held.mentions += 1;
            }
        }
        self.clock.was_at(message.ts);
        self.has(target, message.seq);
        if is_first_told {
            self.tell(News::Message(target.clone(), Arc::clone(message)));
        }
    }

    fn happened(&mut self, target: &Target, entry: &Entry) {
        let me = self.me.clone();
        let held = self.held(target);
        let mut brings_in = false;
        match &entry.deed {
            Deed::GroupCreated { name, .. } => {
                held.name = Some(name.clone());
                held.role = Some(if entry.by == me { "owner" } else { "member" }.to_owned());
                brings_in = true;
            }
            Deed::GroupUpdated { name: Some(name) } => held.name = Some(name.clone()),
            Deed::MemberAdded { user_ids } => {
                held.members = held.members.map(|members| members + user_ids.len() as u64);
                brings_in = user_ids.contains(&me);
            }
            Deed::MemberJoined => {
                held.members = held.members.map(|members| members + 1);
                brings_in = entry.by == me;
            }
            Deed::MemberLeft if entry.by == me => held.role = None,
            Deed::MemberKicked { user_id } | Deed::MemberBanned { user_id } if *user_id == me => {
                held.role = None;
            }
            Deed::MemberLeft | Deed::MemberKicked { .. } | Deed::MemberBanned { .. } => {
                held.members = held.members.map(|members| members.saturating_sub(1));
            }
            Deed::RoleChanged { user_id, role } if *user_id == me => held.role = Some(role.clone()),
            // What was deleted mentions nobody, though it stays unread.
            Deed::MessageDeleted { .. } => drop(held.recount()),
            _ => {}
        }
        // There is more to know than the entry says.
        if brings_in {
            self.refresh();
        }
    }
}

/// A message of one's own as the log has it.
fn as_logged(item: OutboxItem, sent: &Sent, me: String) -> Message {
    let (to, group_id) = match item.target {
        Target::User(user) => (Some(user), None),
        Target::Group(group) => (None, Some(group)),
    };
    Message {
        id: sent.id.clone(),
        conversation_id: sent.conversation_id.clone(),
        group_id,
        seq: sent.seq,
        from: me,
        to,
        content: Some(item.content),
        ts: sent.ts,
        pos: 0,
        client_id: Some(item.client_id),
        deleted: false,
        expired: false,
        expires_at: sent.expires_at,
        edited_at: None,
        reply_to: None,
        thread: None,
        thread_count: 0,
        forwarded: false,
        mentions: Vec::new(),
        reactions: Vec::new(),
        pinned: false,
        request: false,
    }
}
