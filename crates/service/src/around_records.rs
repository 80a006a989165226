//! What clients see of what was done to messages, and of what is on their outside, as JSON text.

use parlor_chat::around::port::{MessageChanged, Pin, ThreadPage};
use parlor_chat::around::{Act, Deed, Envelope, MessageState};
use parlor_chat::entry::Entry;
use parlor_chat::ids::{ConversationId, MessageId, Seq, UserId};

use crate::around_commands::ALL;
use crate::json::{Object, push_text};
use crate::records::{entry_now, ok_with, text};

/// What a deed adds to the entry that says so, its kind first.
pub(crate) fn act(object: Object, entry: &Entry, act: &Act) -> Object {
    let on = MessageId::new(&entry.conversation, act.on);
    let kind = |kind: &str| object.text("kind", kind).text("messageId", on.as_str());
    match &act.deed {
        Deed::Edited(Some(content)) => kind("message_edited").raw("content", &content.0),
        Deed::Edited(None) => kind("message_edited").flag(gone(entry), true),
        Deed::Deleted => kind("message_deleted"),
        Deed::Reacted(emoji) => kind("reaction_added").text("emoji", emoji.as_str()),
        Deed::Unreacted(emoji) => kind("reaction_removed").text("emoji", emoji.as_str()),
        Deed::Pinned => kind("message_pinned"),
        Deed::Unpinned => kind("message_unpinned"),
    }
}

/// To whom a message is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shows {
    /// To its sender.
    Sender,
    /// To somebody else.
    Recipient,
}

/// The name of what took a content away.
pub(crate) fn gone(entry: &Entry) -> &'static str {
    match entry.expires {
        Some(_) => "expired",
        None => "deleted",
    }
}

/// A time in whole seconds, `null` for none.
pub(crate) fn seconds(object: Object, name: &str, ms: Option<u64>) -> Object {
    match ms {
        Some(ms) => object.number(name, ms / 1_000),
        None => object.raw(name, "null"),
    }
}

/// What is written on the outside of a message.
pub(crate) fn envelope(
    object: Object,
    conversation: &ConversationId,
    envelope: &Envelope,
    shows: Shows,
) -> Object {
    let object = match &envelope.reply_to {
        Some(reply) => {
            let to = Object::new()
                .text("messageId", MessageId::new(conversation, reply.seq).as_str())
                .number("seq", reply.seq.0)
                .text("from", reply.from.as_str())
                .end();
            object.raw("replyTo", &to)
        }
        None => object,
    };
    let object = match envelope.thread {
        Some(root) => object.text("thread", MessageId::new(conversation, root).as_str()),
        None => object,
    };
    let mut all = String::new();
    push_text(&mut all, ALL);
    let all = envelope.mentions_all.then_some(all);
    let object = match envelope.mentions.is_empty() && all.is_none() {
        true => object,
        false => object.list("mentions", envelope.mentions.iter().map(text).chain(all)),
    };
    let object = match envelope.forwarded {
        true => object.flag("forwarded", true),
        false => object,
    };
    let object = match envelope.moderated {
        true => object.flag("moderated", true),
        false => object,
    };
    match envelope.request && shows == Shows::Recipient {
        true => object.flag("request", true),
        false => object,
    }
}

/// What has become of a message, beside its content.
pub(crate) fn state(object: Object, state: &MessageState) -> Object {
    let object = object.number_if("editedAt", state.edited.as_ref().map(|(_, at)| at.0));
    let reactions = state.reactions.iter().map(|reaction| {
        Object::new()
            .text("emoji", reaction.emoji.as_str())
            .number("count", reaction.count)
            .flag("mine", reaction.mine)
            .end()
    });
    let object = match state.reactions.is_empty() {
        true => object,
        false => object.list("reactions", reactions),
    };
    let object = match state.pinned {
        true => object.flag("pinned", true),
        false => object,
    };
    object.number_if("threadCount", Some(state.replies).filter(|replies| *replies > 0))
}

/// About how many bytes of JSON that is.
pub(crate) fn weight(state: &MessageState) -> usize {
    let content = state.edited.as_ref().map_or(0, |(content, _)| content.0.len());
    64 + content + 80 * state.reactions.len()
}

/// The answer to a command that does something to a message.
pub(crate) fn changed(conversation: &ConversationId, on: Seq, changed: &MessageChanged) -> String {
    let object = ok_with()
        .text("conversationId", conversation.as_str())
        .text("messageId", MessageId::new(conversation, on).as_str());
    match changed {
        MessageChanged::Committed { seq, ts, .. } => object
            .text("id", MessageId::new(conversation, *seq).as_str())
            .number("seq", seq.0)
            .number("ts", ts.0)
            .end(),
        MessageChanged::Unchanged => object.flag("unchanged", true).end(),
    }
}

/// The answer to `pins`.
pub(crate) fn pins(pins: &[Pin], viewer: &UserId) -> String {
    let lines = pins.iter().map(|pin| {
        Object::sized(256)
            .raw("message", &entry_now(&pin.message, Some(viewer), Some(&pin.state)))
            .text("by", pin.by.as_str())
            .number("at", pin.at.0)
            .end()
    });
    ok_with().list("pins", lines).end()
}

/// The answer to `thread`.
pub(crate) fn thread(page: &ThreadPage, viewer: &UserId) -> String {
    let messages = page
        .messages
        .iter()
        .map(|message| entry_now(message, Some(viewer), page.states.get(&message.seq)));
    let object = ok_with().list("messages", messages);
    match page.next {
        Some(next) => object.text("cursor", &next.0.to_string()).end(),
        None => object.raw("cursor", "null").end(),
    }
}
