//! What the simulated store holds once it is durable: conversations, watermarks, devices, blocks.
//!
//! The semantics of chat's store port, as plainly as they can be written: whole logs in memory,
//! everything counted anew at each question. [`writes`] change it within one commit, [`reads`] see
//! it between two. Pure: it knows no time, no crash, no other node; those are in
//! [`super::disk`]. The port's contract suite is run against it (through [`super::port`]), so that
//! what passes here would pass against a real backend.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::world::members::Members;
use parlor_chat::entry::{Entry, Epoch, Millis, Position};
use parlor_chat::ids::{ClientId, ConversationId, DeviceId, Seq, UserId};
use parlor_chat::own::OwnCommitted;

use super::planted::Planted;

mod own;
mod reads;
mod requests;
mod writes;

pub(crate) use writes::GroupAppend;

/// Bytes of entries that one page holds, but for its first entry.
const PAGE_BYTES_MAX: usize = 256 * 1024;
/// What an entry is counted as beside its content.
const ENTRY_BYTES: usize = 512;

/// Everything that was committed.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    epoch: Epoch,
    position: Position,
    talks: BTreeMap<ConversationId, Talk>,
    devices: BTreeMap<(UserId, DeviceId), DeviceRow>,
    blocks: BTreeMap<UserId, BTreeMap<UserId, BlockRow>>,
    own: BTreeMap<UserId, own::Own>,
    people: BTreeMap<UserId, own::Person>,
    /// Times in which somebody was kept out, for the checker: heads of the conversation.
    barred: Vec<Barred>,
    token_floors: BTreeMap<UserId, Millis>,
    /// Records that the last append changed.
    told: Vec<OwnCommitted>,
    planted: Option<Planted>,
}

/// A time in which one user kept another out of their conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Barred {
    /// Who was kept out.
    pub(crate) other: UserId,
    /// Of which conversation.
    pub(crate) conversation: ConversationId,
    /// Its head when the block was committed.
    pub(crate) after: Seq,
    /// Its head when the block was lifted.
    pub(crate) until: Option<Seq>,
}

#[derive(Debug, Clone)]
struct Talk {
    entries: Vec<Arc<Entry>>,
    keys: BTreeMap<(UserId, ClientId), Key>,
    marks: BTreeMap<UserId, UserMark>,
    had: BTreeMap<(UserId, DeviceId), Seq>,
    who: Who,
}

/// Whose conversation it is.
#[derive(Debug, Clone)]
enum Who {
    Direct(UserId, UserId),
    Group(Members),
}

#[derive(Debug, Clone, Copy)]
struct Key {
    at: usize,
    used: Millis,
}

#[derive(Debug, Clone, Copy, Default)]
struct UserMark {
    delivered: Seq,
    read: Seq,
    /// When and after what the delivered one moved.
    moved: Position,
    at: Millis,
    /// When and after what the read one did.
    read_moved: Position,
    read_at: Millis,
}

#[derive(Debug, Clone)]
struct DeviceRow {
    active: bool,
    created: Millis,
    last_seen: Millis,
    revoked: Option<Millis>,
    /// The order in which devices came, for those seen at the same time.
    number: u64,
}

#[derive(Debug, Clone)]
struct BlockRow {
    active: bool,
    moved: Position,
    at: Millis,
}

impl Ledger {
    /// An empty one.
    pub(crate) fn new(epoch: Epoch, planted: Option<Planted>) -> Self {
        Self {
            epoch,
            position: Position(0),
            talks: BTreeMap::new(),
            devices: BTreeMap::new(),
            blocks: BTreeMap::new(),
            own: BTreeMap::new(),
            people: BTreeMap::new(),
            barred: Vec::new(),
            token_floors: BTreeMap::new(),
            told: Vec::new(),
            planted,
        }
    }

    /// The life of the log.
    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The position of the newest entry.
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// Each conversation's whole log, for the checker and for copies.
    pub(crate) fn logs(&self) -> impl Iterator<Item = (&ConversationId, &[Arc<Entry>])> {
        self.talks.iter().map(|(conversation, talk)| (conversation, &talk.entries[..]))
    }

    /// The times in which somebody was kept out.
    pub(crate) fn barred(&self) -> &[Barred] {
        &self.barred
    }

    /// The newest seq of a conversation.
    pub(crate) fn head(&self, conversation: &ConversationId) -> Seq {
        self.talks.get(conversation).map_or(Seq(0), Talk::head)
    }

    /// Takes that so many entries were committed elsewhere which are removed by now: they have left no
    /// row, only their positions.
    pub(crate) fn remove(&mut self, entries: u64) {
        self.position.0 += entries;
    }

    /// Begins another life, as a restore does.
    pub(crate) fn begin_life(&mut self, epoch: Epoch) {
        self.epoch = epoch;
    }

    fn plants(&self, fault: Planted) -> bool {
        self.planted == Some(fault)
    }
}

impl Talk {
    fn new(who: Who) -> Self {
        Self {
            entries: Vec::new(),
            keys: BTreeMap::new(),
            marks: BTreeMap::new(),
            had: BTreeMap::new(),
            who,
        }
    }

    fn head(&self) -> Seq {
        self.entries.last().map_or(Seq(0), |last| last.seq)
    }

    fn has_seq(&self, seq: Seq) -> bool {
        self.after(Seq(seq.0.saturating_sub(1))).first().is_some_and(|entry| entry.seq == seq)
    }

    /// The entries above a seq.
    fn after(&self, seq: Seq) -> &[Arc<Entry>] {
        let from = self.entries.partition_point(|entry| entry.seq <= seq);
        &self.entries[from..]
    }

    /// Whether a user belongs or ever belonged.
    fn knows(&self, user: &UserId) -> bool {
        match &self.who {
            Who::Direct(low, high) => user == low || user == high,
            Who::Group(members) => members.knows(user),
        }
    }

    fn may_see(&self, user: &UserId, seq: Seq) -> bool {
        match &self.who {
            Who::Direct(low, high) => user == low || user == high,
            Who::Group(members) => members.may_see(user, seq),
        }
    }

    /// The entries above a seq that others than `user` put in and `user` may see.
    fn others_after<'a>(
        &'a self,
        user: &'a UserId,
        seq: Seq,
    ) -> impl Iterator<Item = &'a Arc<Entry>> {
        let theirs =
            move |entry: &&Arc<Entry>| entry.from != *user && self.may_see(user, entry.seq);
        self.after(seq).iter().filter(theirs)
    }

    fn mark(&self, user: &UserId) -> UserMark {
        self.marks.get(user).copied().unwrap_or_default()
    }

    /// The members, as a list of conversations shows them.
    fn shown(&self) -> Vec<UserId> {
        match &self.who {
            Who::Direct(low, high) if low == high => vec![low.clone()],
            Who::Direct(low, high) => vec![low.clone(), high.clone()],
            Who::Group(_) => self.marks.keys().cloned().collect(),
        }
    }
}
