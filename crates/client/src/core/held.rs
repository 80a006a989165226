//! What is held of one conversation.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use crate::error::Error;
use crate::message::{ChatMessage, MessageState};
use crate::outbox::OutboxItem;
use crate::protocol::{Message, Watermark};
use crate::target::Target;
use crate::timeline::Window;

/// What is being read of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// The newest page.
    Newest,
    /// The page before the window.
    Older,
    /// What is missing behind the window, up to this number.
    Hole(u64),
}

/// Who waits until something is read.
pub(crate) type Reader = oneshot::Sender<Result<(), Error>>;

/// What is known of a conversation, without its messages.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConversationView {
    /// Its id.
    pub id: String,
    /// Whom it is with.
    pub target: Target,
    /// The group's name, or the other user's id.
    pub name: String,
    /// How many members a group has.
    pub members: Option<u64>,
    /// The user's role in a group; `None` elsewhere, and for who is out.
    pub role: Option<String>,
    /// How many messages of others are behind what the user has read.
    pub unread: u64,
    /// How many of those in a group mention the user.
    pub mentions: u64,
    /// The newest message.
    pub last_message: Option<Arc<Message>>,
    /// How far the members are, where that is told.
    pub watermarks: Vec<Watermark>,
    /// Who types in it, the user aside. In larger groups only some are named.
    pub typing: Vec<String>,
}

/// One conversation.
#[derive(Debug)]
pub(crate) struct Held {
    pub(super) target: Target,
    pub(super) id: String,
    me: String,
    pub(super) window: Window,
    /// What is in the log and not in the window yet: shown as on its way, so that nothing is shown
    /// out of order.
    pub(super) acked: BTreeMap<u64, OutboxItem>,
    /// What is shown until everything was read anew.
    pub(super) stale: Option<Vec<Arc<Message>>>,
    /// Whether the app looks at it.
    pub(super) is_open: bool,
    pub(super) life: u64,
    pub(super) reading: Option<Reading>,
    pub(super) is_older_wanted: bool,
    pub(super) readers: Vec<Reader>,
    /// Whether a hole is being waited for to fill by itself.
    pub(super) is_patient: bool,
    /// The number up to which the app was told of messages as they came.
    pub(super) told: Option<u64>,
    pub(super) is_listed: bool,
    /// What it is sorted by: later first.
    pub(super) order: (u64, u64),
    pub(super) name: Option<String>,
    pub(super) members: Option<u64>,
    pub(super) role: Option<String>,
    /// The number up to which facts, unread messages and mentions are counted.
    pub(super) as_of: Option<u64>,
    pub(super) unread: u64,
    pub(super) mentions: u64,
    pub(super) last_message: Option<Arc<Message>>,
    pub(super) marks: HashMap<String, Watermark>,
    /// What this device was told to have.
    pub(super) delivered: u64,
    pub(super) typing: BTreeSet<String>,
    /// When the user was last said to type.
    pub(super) said_typing: Option<Instant>,
}

impl Held {
    pub(super) fn new(target: Target, me: &str) -> Self {
        Self {
            id: target.conversation_id(me),
            target,
            me: me.to_owned(),
            window: Window::new(me),
            acked: BTreeMap::new(),
            stale: None,
            is_open: false,
            life: 0,
            reading: None,
            is_older_wanted: false,
            readers: Vec::new(),
            is_patient: false,
            told: None,
            is_listed: false,
            order: (0, 0),
            name: None,
            members: None,
            role: None,
            as_of: None,
            unread: 0,
            mentions: 0,
            last_message: None,
            marks: HashMap::new(),
            delivered: 0,
            typing: BTreeSet::new(),
            said_typing: None,
        }
    }

    /// Its messages, oldest first: what is in the log, then what waits to be sent.
    pub(crate) fn messages(&self, waiting: &[OutboxItem], now: u64) -> Vec<ChatMessage> {
        let in_log: Vec<_> = match &self.stale {
            Some(stale) => stale.iter().collect(),
            None => self.window.messages().collect(),
        };
        let mut shown: Vec<_> = in_log.into_iter().map(|it| self.logged(it, now)).collect();
        let mut waits: Vec<_> = self.acked.values().chain(waiting).collect();
        waits.retain(|item| !shown.iter().rev().any(|known| known.key == item.client_id));
        waits.dedup_by(|one, other| one.client_id == other.client_id);
        shown.extend(waits.into_iter().map(|item| ChatMessage::waiting(item, &self.me)));
        shown
    }

    fn logged(&self, message: &Arc<Message>, now: u64) -> ChatMessage {
        let state = if message.from == self.me {
            self.receipt_of(message.seq)
        } else {
            MessageState::Received
        };
        let message = message.ended_by(now).map_or_else(|| Arc::clone(message), Arc::new);
        ChatMessage::logged(message, state)
    }

    /// How far one of the user's own messages got with everybody else.
    fn receipt_of(&self, seq: u64) -> MessageState {
        let mut others = self.marks.values().filter(|mark| mark.user_id != self.me).peekable();
        if others.peek().is_none() {
            return MessageState::Sent;
        }
        let (mut delivered, mut read) = (true, true);
        for mark in others {
            delivered &= mark.delivered >= seq;
            read &= mark.read >= seq;
        }
        match (read, delivered) {
            (true, _) => MessageState::Read,
            (_, true) => MessageState::Delivered,
            _ => MessageState::Sent,
        }
    }

    pub(crate) fn view(&self) -> ConversationView {
        let other = match &self.target {
            Target::User(id) | Target::Group(id) => id,
        };
        let last = self.last_message.as_ref();
        let mut watermarks: Vec<_> = self.marks.values().cloned().collect();
        watermarks.sort_by(|one, other| one.user_id.cmp(&other.user_id));
        ConversationView {
            id: self.id.clone(),
            target: self.target.clone(),
            name: self.name.clone().unwrap_or_else(|| other.clone()),
            members: self.members,
            role: self.role.clone(),
            unread: self.unread,
            mentions: self.mentions,
            last_message: last.map(|it| self.window.message(&it.id).unwrap_or(it).clone()),
            watermarks,
            typing: self.typing.iter().cloned().collect(),
        }
    }

    /// Whether older messages are to be had.
    pub(crate) fn has_older(&self) -> bool {
        !self.window.is_placed() || !self.window.is_at_start()
    }

    /// Whether something of it is being read.
    pub(crate) fn is_reading(&self) -> bool {
        self.reading.is_some() || self.window.missing() > 0
    }

    /// The newest number that is known.
    pub(crate) fn head(&self) -> u64 {
        self.window.head().max(self.as_of.unwrap_or(0))
    }

    pub(super) fn read_to(&self) -> u64 {
        self.marks.get(&self.me).map_or(0, |mark| mark.read)
    }

    /// Takes marks that may be behind, or ahead of, what is known: they only ever grow.
    pub(super) fn take_marks<'a>(&mut self, marks: impl IntoIterator<Item = &'a Watermark>) {
        for mark in marks {
            let known = self.marks.entry(mark.user_id.clone()).or_insert_with(|| mark.clone());
            // Who has read it has it.
            known.delivered = known.delivered.max(mark.delivered).max(mark.read);
            known.read = known.read.max(mark.read);
        }
    }

    /// What others have said behind this number; `None` if not all of that is known.
    fn others(&self, seq: u64) -> Option<Vec<&Message>> {
        let behind = self.window.after(seq)?;
        Some(
            behind
                .filter_map(|entry| match entry {
                    crate::protocol::LogEntry::Message(message) => Some(&**message),
                    crate::protocol::LogEntry::Entry(_) => None,
                })
                .filter(|message| message.from != self.me)
                .collect(),
        )
    }

    pub(super) fn is_mention(&self, message: &Message) -> bool {
        !message.deleted && message.mentions.iter().any(|who| *who == self.me || who == "@all")
    }

    /// So many were unread when the log went up to `head`. `false` if what came since is not all
    /// here, so that the list has to be read again.
    pub(super) fn counted(
        &mut self,
        head: u64,
        unread: u64,
        mentions: Option<u64>,
        marks: &[Watermark],
    ) -> bool {
        let before = self.read_to();
        self.take_marks(marks);
        let since = self.others(head);
        let is_known = since.is_some();
        let since = since.unwrap_or_default();
        let (more, mentioned) =
            (since.len() as u64, since.iter().filter(|it| self.is_mention(it)).count() as u64);
        self.as_of = self.as_of.max(Some(head));
        self.unread = unread + more;
        if let Some(mentions) = mentions {
            self.mentions = mentions + mentioned;
        }
        // The server may not know yet what was read here.
        let told = marks.iter().find(|mark| mark.user_id == self.me).map_or(0, |mark| mark.read);
        let is_counted = before <= told || self.recount();
        is_known && is_counted
    }

    /// Counts what is unread anew. `false` if what is here does not tell.
    pub(super) fn recount(&mut self) -> bool {
        let is_all_here = self.window.to() >= self.as_of.unwrap_or(0);
        let unread = match self.read_to() >= self.head() {
            true => Some(Vec::new()),
            false if is_all_here => self.others(self.read_to()),
            false => None,
        };
        let Some(unread) = unread else { return false };
        let (count, mentions) =
            (unread.len() as u64, unread.iter().filter(|it| self.is_mention(it)).count() as u64);
        (self.unread, self.mentions) = (count, mentions);
        true
    }

    /// What is known of the log is no good any more. Gives the target if it has to be read anew.
    pub(super) fn reset(&mut self) -> Option<Target> {
        if self.window.is_placed() {
            self.stale = Some(self.window.messages().cloned().collect());
        }
        self.window = Window::new(&self.me);
        self.life += 1;
        self.acked.clear();
        self.reading = None;
        self.is_patient = false;
        self.told = None;
        self.is_listed = false;
        self.as_of = None;
        self.last_message = None;
        self.marks.clear();
        self.order = (0, 0);
        self.delivered = 0;
        self.typing.clear();
        let is_wanted = self.is_open || !self.readers.is_empty();
        is_wanted.then(|| self.target.clone())
    }

    /// The connection is gone: who types is not known.
    pub(super) fn lost(&mut self) {
        self.typing.clear();
        self.said_typing = None;
        self.is_patient = false;
    }

    /// Gives up the messages of a conversation that nobody looks at. They are read again when somebody does.
    pub(super) fn forget_messages(&mut self) {
        let head = self.window.head();
        self.window = Window::new(&self.me);
        self.window.head_is(head);
        self.stale = None;
    }
}
