//! What entries do to the messages that they are about. Pure functions: each gives a new message.

use std::sync::Arc;

use crate::protocol::{Deed, Entry, LogEntry, Message, Reaction};

/// The message that an entry is about, by id; `None` if it is about none.
pub(super) fn about(entry: &LogEntry) -> Option<&str> {
    match entry {
        LogEntry::Message(message) => message.thread.as_deref(),
        LogEntry::Entry(entry) => match &entry.deed {
            Deed::MessageEdited { message_id, .. }
            | Deed::MessageDeleted { message_id }
            | Deed::ReactionAdded { message_id, .. }
            | Deed::ReactionRemoved { message_id, .. }
            | Deed::MessagePinned { message_id }
            | Deed::MessageUnpinned { message_id } => Some(message_id),
            _ => None,
        },
    }
}

/// The message after an entry that is about it. `me` is who looks at it.
pub(super) fn after(message: &Arc<Message>, entry: &LogEntry, me: &str) -> Arc<Message> {
    match entry {
        LogEntry::Message(_) => {
            let mut next = Message::clone(message);
            next.thread_count += 1;
            Arc::new(next)
        }
        LogEntry::Entry(entry) if !message.deleted && !message.expired => {
            Arc::new(changed(message, entry, me))
        }
        LogEntry::Entry(_) => Arc::clone(message),
    }
}

fn changed(message: &Message, entry: &Entry, me: &str) -> Message {
    let mut next = message.clone();
    match &entry.deed {
        // An edit of what was deleted later comes without its content.
        Deed::MessageEdited { content: Some(content), .. } => {
            next.content = Some(content.clone());
            next.edited_at = Some(entry.ts);
        }
        Deed::MessageDeleted { .. } => next = Message { deleted: true, ..next.emptied() },
        Deed::ReactionAdded { emoji, .. } => react(&mut next.reactions, emoji, entry.by == me),
        Deed::ReactionRemoved { emoji, .. } => {
            unreact(&mut next.reactions, emoji, entry.by == me);
        }
        Deed::MessagePinned { .. } => next.pinned = true,
        Deed::MessageUnpinned { .. } => next.pinned = false,
        _ => {}
    }
    next
}

fn react(reactions: &mut Vec<Reaction>, emoji: &str, mine: bool) {
    match reactions.iter_mut().find(|known| known.emoji == emoji) {
        Some(known) => {
            known.count += 1;
            known.mine |= mine;
        }
        None => reactions.push(Reaction { emoji: emoji.to_owned(), count: 1, mine }),
    }
}

fn unreact(reactions: &mut Vec<Reaction>, emoji: &str, mine: bool) {
    if let Some(known) = reactions.iter_mut().find(|known| known.emoji == emoji) {
        known.count = known.count.saturating_sub(1);
        known.mine &= !mine;
    }
    reactions.retain(|known| known.count > 0);
}
