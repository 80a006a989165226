//! Groups, as far as the simulation has them before the store's port does: what a group is called,
//! and how a change of membership is written as an entry. Who may do and see what is decided by
//! `members`.
//!
//! A group is named like a note to oneself of a user that nobody can be, so that the port's types
//! carry it. Its entries' content begins with `+` or `-` and a user's name for a change, and with
//! anything else for what is said.

use parlor_chat::entry::Entry;
use parlor_chat::group::{Change, Gone};
use parlor_chat::ids::{ConversationId, UserId};

/// What a group's user id begins with.
const MARK: &str = "~group";

/// The user that stands for a group.
pub(crate) fn group_user(number: usize) -> UserId {
    UserId::parse(&format!("{MARK}{number}")).expect("short and plain")
}

/// The conversation of a group.
pub(crate) fn group_id(number: usize) -> ConversationId {
    let user = group_user(number);
    ConversationId::direct(&user, &user)
}

/// Whether a conversation is a group's.
pub(crate) fn is_group(conversation: &ConversationId) -> bool {
    conversation.as_str().contains(MARK)
}

/// What an entry says; everything here is said.
pub(crate) fn text_of(entry: &Entry) -> &str {
    entry.body.said().map_or("", |content| &content.0)
}

/// The content of an entry by which somebody brings one in or puts one out; `key` makes it unique.
pub(crate) fn written(change: &Change, by: &UserId, key: &str) -> String {
    match (change.joined(by).next(), change.left(by)) {
        (Some(user), _) => format!("+{user} {key}"),
        (None, Gone::One(user)) => format!("-{user} {key}"),
        (None, Gone::Nobody | Gone::Everybody) => key.to_owned(),
    }
}

/// The change that an entry's content says, if it is one.
pub(crate) fn change_of(content: &str) -> Option<Change> {
    let user = |rest: &str| UserId::parse(rest.split(' ').next()?).ok();
    if let Some(rest) = content.strip_prefix('+') {
        user(rest).map(|user| Change::Added(vec![user]))
    } else if let Some(rest) = content.strip_prefix('-') {
        user(rest).map(Change::Kicked)
    } else {
        None
    }
}
