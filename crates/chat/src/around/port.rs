//! The port through which what is done to messages is kept: a part of what a backend of
//! [`crate::store::Store`] does.
//!
//! What holds there holds here: the call takes its place in the order of writes, together with
//! appends, and the future waits for the commit. **What is deleted is removed**: once a deletion is
//! committed, no row of the backend holds the message's content, nor that of any edit of it; its
//! place, its author, its time and its idempotency key stay.

use crate::entry::{Content, Entry, Millis};
use crate::ids::{ClientId, ConversationId, Seq, UserId};
use crate::limits::Limits;
use crate::rules::Screening;
use crate::search::port::Search;
use crate::store::{Append, Appended, Authority, Origin, Pending, Recipient};

use super::schedule::{ChangeSchedule, DuePage, Fire, Fired, ScheduleChanged};
use super::timer::SetTimer;
use super::{Emoji, MessageState};
use crate::app_event::EventName;

use std::collections::HashMap;
use std::sync::Arc;

/// Keeps what is done to messages, and finds them.
pub trait Around: Search {
    /// Does what [`super::decide::decide`] makes of a wish.
    fn change_message(&self, change: ChangeMessage) -> Pending<MessageChanged>;

    /// Appends a message that has something written on its outside, or an event of the app's own;
    /// without either, it is as [`crate::store::Store::append`].
    fn say(&self, say: Say) -> Pending<Appended>;

    /// Whether somebody may say something now, judged as an append is; nothing is kept.
    fn may_say(&self, speaker: Speaker) -> Pending<()>;

    /// The messages of a conversation that are pinned and that a member of it may see, the one that
    /// was pinned last first.
    fn pins(&self, user: UserId, conversation: ConversationId) -> Pending<Vec<Pin>>;

    /// The messages in the thread of one, oldest first, a page at a time, for a member who may see
    /// that one; those that they may see.
    fn thread(&self, query: ThreadQuery) -> Pending<ThreadPage>;

    /// Says how long the messages of a conversation stay from now on, if [`super::timer::decide`]
    /// lets it. A message takes what holds when it is committed; an edit ends with its message. Once
    /// a content has ended no read gives it, and soon no row of the backend holds it.
    fn set_timer(&self, change: SetTimer) -> Pending<MessageChanged>;

    /// Puts, changes or removes a message that is to be said later. It is a record of its user's
    /// ([`crate::own::OwnKind::Schedule`]), and told like any.
    fn change_schedule(&self, change: ChangeSchedule) -> Pending<ScheduleChanged>;

    /// Messages that are to be said by now, the one that was due first first.
    fn due(&self, now: Millis, limit: usize) -> Pending<DuePage>;

    /// Says a message that was to be said later, and removes its record, in one commit; so it is done
    /// once. Held to whatever an append is held to; one that is refused leaves all as it was.
    fn fire(&self, fire: Fire) -> Pending<Fired>;
}

/// What somebody wants to be done to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// To give it another content.
    Edit(Content),
    /// To remove its content for everyone.
    Delete,
    /// To react to it.
    React(Emoji),
    /// To take a reaction back.
    Unreact(Emoji),
    /// To hold it up to view.
    Pin,
    /// To end that.
    Unpin,
}

impl Wish {
    /// About how many bytes it holds.
    pub fn weight(&self) -> usize {
        match self {
            Self::Edit(content) => content.0.len(),
            _ => 64,
        }
    }
}

/// That a moderator of the server removes a message: any message, whenever and wherever. The audit log
/// says so in the same commit; the entry does not say who.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Removal {
    /// For the audit log.
    pub note: Option<Arc<str>>,
}

/// A wish about a message.
#[derive(Debug, Clone)]
pub struct ChangeMessage {
    /// Who wishes it, authenticated.
    pub by: UserId,
    /// By what right: by that of the system any message may be deleted.
    pub authority: Authority,
    /// In which conversation.
    pub conversation: ConversationId,
    /// About which entry of it, which must be a message.
    pub seq: Seq,
    /// What.
    pub wish: Wish,
    /// The idempotency key, among those of what its user says in the conversation. Only an edit needs
    /// one: the others do nothing when they are done already.
    pub client_id: Option<ClientId>,
    /// The time of the wish.
    pub now: Millis,
    /// Passed on to [`crate::store::Committed::origin`].
    pub origin: Origin,
    /// The bounds to judge by.
    pub limits: Limits,
    /// What the content rules say of an edit, if anything.
    pub screening: Option<Screening>,
    /// Whether it is a moderator of the server who deletes it, by that right alone.
    pub removal: Option<Removal>,
}

/// What became of a wish about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageChanged {
    /// An entry says so, now or since the key was used first.
    Committed {
        /// Its place.
        seq: Seq,
        /// Its time.
        ts: Millis,
        /// Whether it was there already, by its idempotency key.
        repeated: bool,
    },
    /// It was so already.
    Unchanged,
}

/// A wish to say something with something on its outside.
#[derive(Debug, Clone)]
pub struct Say {
    /// What to say.
    pub append: Append,
    /// By what right: by that of the system something may be said in any group.
    pub authority: Authority,
    /// What the content is data of, if this is an event of the app's own rather than a message.
    pub event: Option<EventName>,
    /// What the content rules say of it, if anything.
    pub screening: Option<Screening>,
    /// What it answers: a message of the same conversation that the sender may see.
    pub reply_to: Option<Seq>,
    /// In whose thread it is: a message of the same conversation that the sender may see, and that is
    /// in no thread itself.
    pub thread: Option<Seq>,
    /// Who is to notice it, members all of them.
    pub mentions: Vec<UserId>,
    /// Whether all members are to notice it.
    pub mentions_all: bool,
    /// Of which message it is a copy: one that the sender may see.
    pub forward_of: Option<(ConversationId, Seq)>,
    /// In groups of up to so many members anybody may mention all.
    pub mention_all_members_max: u64,
}

impl Say {
    /// A message with nothing on its outside.
    pub fn plain(append: Append) -> Self {
        Self {
            append,
            authority: Authority::User,
            event: None,
            screening: None,
            reply_to: None,
            thread: None,
            mentions: Vec::new(),
            mentions_all: false,
            forward_of: None,
            mention_all_members_max: 0,
        }
    }
}

/// Somebody who is about to say something.
#[derive(Debug, Clone)]
pub struct Speaker {
    /// Who, authenticated.
    pub from: UserId,
    /// By what right.
    pub authority: Authority,
    /// To whom.
    pub to: Recipient,
    /// When.
    pub now: Millis,
}

/// A pinned message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The message.
    pub message: Arc<Entry>,
    /// What has become of it.
    pub state: MessageState,
    /// Who pinned it.
    pub by: UserId,
    /// When.
    pub at: Millis,
}

/// Which part of a thread to read.
#[derive(Debug, Clone)]
pub struct ThreadQuery {
    /// Who asks.
    pub user: UserId,
    /// In which conversation.
    pub conversation: ConversationId,
    /// The message whose thread it is.
    pub root: Seq,
    /// After which message of it: [`ThreadPage::next`] of the page before.
    pub after: Seq,
    /// At most this many.
    pub limit: usize,
}

/// A page of a thread.
#[derive(Debug, Clone)]
pub struct ThreadPage {
    /// Messages, oldest first.
    pub messages: Vec<Arc<Entry>>,
    /// What has become of those to which something was done.
    pub states: HashMap<Seq, MessageState>,
    /// Where to go on, or `None` at the end.
    pub next: Option<Seq>,
}
