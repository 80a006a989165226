//! What a run observed, as plain records. Nothing here judges.
//!
//! Records are appended in the order in which the observer learned of them; for one device that is
//! the order in which they happened.

use std::collections::{BTreeMap, BTreeSet};

/// One device of one user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceName {
    /// The user.
    pub user: String,
    /// The device id it gives at connect.
    pub device: String,
}

/// A message a device wants to send; resending it does not make another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Who sends.
    pub by: DeviceName,
    /// The idempotency key, unique in the run.
    pub client_id: String,
    /// The conversation it goes to.
    pub conversation: String,
    /// Its text, unique in the run.
    pub content: String,
}

/// An ack with status `sent`, as its sender got it; a retry can get several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acked {
    /// Which send.
    pub client_id: String,
    /// The message id told.
    pub id: String,
    /// The seq told.
    pub seq: u64,
    /// The time told.
    pub ts: u64,
}

/// A message that a device was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Who saw it.
    pub by: DeviceName,
    /// On which of its connections, counted from 1.
    pub connection: u32,
    /// What the device got.
    pub message: Message,
}

/// A message as clients see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// Its conversation.
    pub conversation: String,
    /// Its place there.
    pub seq: u64,
    /// Who said it.
    pub from: String,
    /// What was said.
    pub content: String,
    /// When.
    pub ts: u64,
}

/// What the server says of one conversation to one of its members at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Who asked.
    pub user: String,
    /// The conversation.
    pub conversation: String,
    /// The newest seq.
    pub head: u64,
    /// Unread, as the server computes it.
    pub unread: u64,
    /// The asker's own read watermark.
    pub read: u64,
    /// How far each member is, as the asker is told.
    pub watermarks: Vec<Watermark>,
}

/// How far one member is in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    /// The member.
    pub user: String,
    /// Up to here it was delivered.
    pub delivered: u64,
    /// Up to here it was read.
    pub read: u64,
}

/// Which watermark a receipt is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// `delivered`.
    Delivered,
    /// `read`.
    Read,
}

/// A receipt: a user says, or is said, to be so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Which one.
    pub receipt: Receipt,
    /// Whose.
    pub user: String,
    /// In which conversation.
    pub conversation: String,
    /// Up to where.
    pub seq: u64,
}

/// An entry that changes who is in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// This user is in from this entry on.
    Joined(String),
    /// This user is out after this entry.
    Left(String),
}

/// What a group's log says of the group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupLog {
    /// Its entries that are no messages, and whom each brings in or puts out.
    pub changes: BTreeMap<u64, Vec<Change>>,
    /// Whether who joins may read what was before.
    pub shows_past: bool,
    /// Whether those entries count as unread, as what is said does.
    pub counts_changes: bool,
}

/// A change of a group that somebody wishes; asking again does not make another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wished {
    /// What it is known by in the run.
    pub key: String,
    /// Who wishes it.
    pub by: String,
    /// Of which group's conversation.
    pub conversation: String,
    /// What the entry says that it becomes.
    pub content: String,
}

/// What an entry does that edits a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The message's seq.
    pub of: u64,
    /// Its content from now on.
    pub content: String,
}

/// An answer that names the entry which a wish became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Which wish.
    pub key: String,
    /// The entry's id.
    pub id: String,
    /// Its seq.
    pub seq: u64,
    /// Its time.
    pub ts: u64,
}

/// Who is in a group at the end, as it tells its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// The group's conversation.
    pub conversation: String,
    /// Who is in it.
    pub members: BTreeSet<String>,
}

/// What `history` gives one user of a group's log at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBack {
    /// Who reads.
    pub user: String,
    /// Of which conversation.
    pub conversation: String,
    /// The entries given.
    pub seqs: BTreeSet<u64>,
}

/// Which members have an entry of a group's log at the end, as `receipts` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Having {
    /// The conversation.
    pub conversation: String,
    /// Which entry.
    pub seq: u64,
    /// Who has it, and whether they have read it.
    pub members: BTreeMap<String, bool>,
}

/// A time in which a user was kept out of a direct conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Barred {
    /// Who.
    pub other: String,
    /// Of which conversation.
    pub conversation: String,
    /// Its newest seq when the block was committed.
    pub after: u64,
    /// Its newest seq when the block was lifted.
    pub until: Option<u64>,
}

/// A program with the SDK said that it is live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Which.
    pub by: DeviceName,
    /// One of its conversations.
    pub conversation: String,
    /// The newest message that it showed there.
    pub shown: u64,
    /// Up to here everything had been acknowledged before it began to connect.
    pub due: u64,
}

/// What such a program shows of a conversation at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Which.
    pub by: DeviceName,
    /// The conversation.
    pub conversation: String,
    /// Each message that is in the log and what it says now, in the order in which they are shown.
    pub messages: Vec<(u64, String)>,
    /// How many it says are unread.
    pub unread: u64,
}

/// Everything observed in one run.
#[derive(Debug, Default)]
pub struct History {
    /// Every device that took part, from before the first send.
    pub devices: Vec<DeviceName>,
    /// Each distinct message, in the order each device first sent them.
    pub sent: Vec<Sent>,
    /// Each ack that said `sent`.
    pub acked: Vec<Acked>,
    /// Each push.
    pub seen: Vec<Seen>,
    /// Devices of which it was observed what a program with the SDK shows: messages alone, and not
    /// what else is in a log.
    pub apps: BTreeSet<DeviceName>,
    /// Each time that one of them said it is live.
    pub live: Vec<Live>,
    /// What they show at the end.
    pub shown: Vec<Shown>,
    /// Each receipt that a device gave.
    pub given: Vec<Mark>,
    /// Those of them that the server acknowledged.
    pub kept: Vec<Mark>,
    /// Each receipt that a device was told of somebody else.
    pub told: Vec<Mark>,
    /// Per conversation, its log as `history` tells it at the end, oldest first.
    pub log: BTreeMap<String, Vec<Message>>,
    /// What `conversations` says at the end.
    pub summaries: Vec<Summary>,
    /// What each group's log says of it. A conversation that is not here is a direct one.
    pub groups: BTreeMap<String, GroupLog>,
    /// Per conversation, its entries that edit messages. They count as unread for nobody.
    pub edits: BTreeMap<String, BTreeMap<u64, Edit>>,
    /// What messages that were edited are told as at the end, by id, where that was asked. Their
    /// logs have what was said at first.
    pub now: Option<BTreeMap<String, String>>,
    /// Each change of a group that somebody wished.
    pub wished: Vec<Wished>,
    /// Each answer that named the entry which a wish became.
    pub changed: Vec<Changed>,
    /// Who is in each group at the end.
    pub rosters: Vec<Roster>,
    /// What some users read of groups at the end.
    pub read_back: Vec<ReadBack>,
    /// Who has some entries at the end.
    pub having: Vec<Having>,
    /// Who was kept out of what.
    pub barred: Vec<Barred>,
    /// Sends that were refused for good, whether or not their sender heard of it. One that is sent
    /// again is judged anew, and has no place in the order of its device any more.
    pub refused: Vec<String>,
    /// What devices still wait for at the end, though nothing breaks any more.
    pub pending: Vec<String>,
}
