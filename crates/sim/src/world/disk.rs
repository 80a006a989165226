//! The store with time: writes wait for a batch, a batch for its sync, answers for their way back.
//!
//! What is synced is the [`Ledger`], and it alone is visible to reads. A batch is of one node, which is
//! told what it would commit before it is synced; batches of all nodes are synced one behind the
//! other, as transactions that take positions are. A crash loses the queue and
//! the batch that is being synced; what was synced stays, whether or not its answer got out. A
//! copy is a ledger put aside; a restore takes it back and begins another life.

use std::collections::VecDeque;

use parlor_chat::entry::{Epoch, Position};
use parlor_chat::ids::{ConversationId, DeviceId, Seq, UserId};
use parlor_chat::order::Page;
use parlor_chat::refusal::Refusal;
use parlor_chat::store::{
    Append, Appended, AttachDevice, Behind, Block, Committed, HistoryPage, HistoryQuery, Mark,
    Marked, SincePage, StoreError, UndeliveredCursor, UndeliveredPage, Whose,
};

use super::ledger::{GroupAppend, Ledger};
use super::planted::Planted;

/// Writes of one batch.
const BATCH_MAX: usize = 8;

/// Names a question to the store within one life of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(pub u64);

/// Who asks the store: a node in one of its lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asker {
    /// Which node.
    pub(crate) node: usize,
    /// In which of its lives.
    pub(crate) life: u32,
}

/// A write.
#[derive(Debug, Clone)]
pub(crate) enum Write {
    /// To a direct conversation; the seq is the planted fault's.
    Append(Append, Option<Seq>),
    /// To a group.
    Group(GroupAppend),
    /// Watermarks.
    Mark(Vec<Mark>),
    /// A device.
    Attach(AttachDevice),
    /// A block.
    Block(Block),
}

/// What a write came to.
#[derive(Debug, Clone)]
pub(crate) enum Written {
    /// An append.
    Appended(Result<Appended, Refusal>),
    /// Watermarks.
    Marked(Vec<Marked>),
    /// Anything else.
    Done(Result<(), Refusal>),
    /// The store failed: nobody knows whether it is kept.
    Unknown,
}

/// A read.
#[derive(Debug, Clone)]
pub(crate) enum Read {
    /// What a device has not confirmed.
    Undelivered(UserId, DeviceId, Option<UndeliveredCursor>, usize),
    /// What others said since a position.
    Since(UserId, Position, usize),
    /// How much that is.
    Behind(UserId, Position, usize),
    /// What a device at a position has confirmed.
    Received(UserId, DeviceId, Position),
    /// A piece of the whole log, for a node that follows it: so many positions.
    Log(u64, u64),
    /// For a user.
    History(HistoryQuery),
    /// For a user.
    List(UserId),
}

/// What a read saw.
#[derive(Debug, Clone)]
pub(crate) enum Saw {
    /// See [`Read::Undelivered`].
    Undelivered(UndeliveredPage),
    /// See [`Read::Since`].
    Since(SincePage),
    /// See [`Read::Behind`].
    Behind(Behind),
    /// See [`Read::Received`].
    Received(Vec<(ConversationId, Seq)>),
    /// See [`Read::Log`].
    Log(Page),
    /// See [`Read::History`].
    History(Result<HistoryPage, StoreError>),
    /// See [`Read::List`].
    List(Vec<ConversationId>),
    /// The store is down.
    Failed,
}

/// A batch that was synced: what to tell its node.
#[derive(Debug)]
pub(crate) struct Told {
    /// The new entries, in commit order.
    pub(crate) entries: Vec<Committed>,
    /// The answers.
    pub(crate) answers: Vec<(Ticket, Written)>,
}

/// A batch that is about to be synced.
#[derive(Debug)]
pub(crate) struct Begun {
    /// Whose it is.
    pub(crate) asker: Asker,
    /// What it would commit.
    pub(crate) expected: Vec<Committed>,
    /// What the planted fault answers already.
    pub(crate) early: Vec<(Ticket, Written)>,
}

type Queued = (Asker, Ticket, Write);

/// A batch on its way: what it would make of the ledger, and what is told then.
#[derive(Debug)]
struct Syncing {
    batch: Vec<Queued>,
    ledger: Ledger,
    asker: Asker,
    told: Told,
}

/// The store of a world.
#[derive(Debug)]
pub(crate) struct Disk {
    ledger: Ledger,
    copy: Option<Ledger>,
    queue: VecDeque<Queued>,
    queue_max: usize,
    syncing: Option<Syncing>,
    /// Counts crashes, so that a sync from before one is none.
    life: u32,
    up: bool,
    /// Sends that were judged and refused, for the checker: their answer may get lost.
    refused: Vec<String>,
    planted: Option<Planted>,
}

impl Disk {
    /// An empty one that queues at most so many writes.
    pub(crate) fn new(queue_max: usize, planted: Option<Planted>) -> Self {
        Self {
            ledger: Ledger::new(Epoch(1), planted),
            copy: None,
            queue: VecDeque::new(),
            queue_max,
            syncing: None,
            life: 0,
            up: true,
            refused: Vec::new(),
            planted,
        }
    }

    /// What is synced.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// To set the world up before it begins.
    pub(crate) fn ledger_mut(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// Whether it answers.
    pub(crate) fn is_up(&self) -> bool {
        self.up
    }

    /// Which of its lives it is in.
    pub(crate) fn life(&self) -> u32 {
        self.life
    }

    /// Takes a write's place in the order; true asks for a sync to be begun.
    ///
    /// # Errors
    /// When it is down or its queue is full.
    pub(crate) fn submit(
        &mut self,
        asker: Asker,
        ticket: Ticket,
        write: Write,
    ) -> Result<bool, StoreError> {
        if !self.up {
            return Err(StoreError::Unavailable { reason: "it is down".into() });
        }
        if self.queue.len() >= self.queue_max {
            return Err(StoreError::Overloaded);
        }
        self.queue.push_back((asker, ticket, write));
        Ok(self.syncing.is_none())
    }

    /// Takes a batch to sync, if there is something and none is under way: what the node that is next has
    /// queued. Before it `removed` entries were committed of which nothing is left but their positions.
    pub(crate) fn begin(&mut self, removed: u64) -> Option<Begun> {
        if !self.up || self.syncing.is_some() {
            return None;
        }
        let asker = self.queue.front()?.0;
        let (mut batch, mut others) = (Vec::new(), VecDeque::new());
        for queued in self.queue.drain(..) {
            match queued.0 == asker && batch.len() < BATCH_MAX {
                true => batch.push(queued),
                false => others.push_back(queued),
            }
        }
        self.queue = others;
        let mut ledger = self.ledger.clone();
        ledger.remove(removed);
        let mut told = apply(&mut ledger, &batch);
        let expected = told.entries.clone();
        let early = match self.planted {
            Some(Planted::AckBeforeCommit) => std::mem::take(&mut told.answers),
            _ => Vec::new(),
        };
        self.syncing = Some(Syncing { batch, ledger, asker, told });
        Some(Begun { asker, expected, early })
    }

    /// The batch is synced: it is there, and its answers go out.
    pub(crate) fn synced(&mut self) -> Option<(Asker, Told)> {
        let Syncing { batch, ledger, asker, told } = self.syncing.take()?;
        self.ledger = ledger;
        for (ticket, written) in &told.answers {
            if matches!(written, Written::Appended(Err(_))) {
                let key = batch.iter().find(|queued| queued.1 == *ticket);
                self.refused.extend(key.and_then(|queued| key_of(&queued.2)));
            }
        }
        Some((asker, told))
    }

    /// Sends that were judged and refused.
    pub(crate) fn refused(&self) -> &[String] {
        &self.refused
    }

    /// Dies: what was not synced is gone. Gives those whose questions it will not answer.
    pub(crate) fn crash(&mut self) -> Vec<(Asker, Ticket)> {
        self.up = false;
        self.life += 1;
        let syncing = self.syncing.take().map(|it| it.batch).unwrap_or_default();
        let lost = syncing.into_iter().chain(self.queue.drain(..));
        lost.map(|(asker, ticket, _)| (asker, ticket)).collect()
    }

    /// Is back.
    pub(crate) fn start(&mut self) {
        self.up = true;
    }

    /// Puts a copy aside.
    pub(crate) fn copy(&mut self) {
        self.copy = Some(self.ledger.clone());
    }

    /// Whether there is a copy to restore.
    pub(crate) fn has_copy(&self) -> bool {
        self.copy.is_some()
    }

    /// Takes the copy in place of what there is, in another life.
    pub(crate) fn restore(&mut self) {
        if let Some(copy) = &self.copy {
            let epoch = Epoch(self.ledger.epoch().0 + 1);
            self.ledger = copy.clone();
            self.ledger.begin_life(epoch);
        }
    }

    /// Reads what is synced.
    pub(crate) fn read(&self, read: &Read) -> Saw {
        if !self.up {
            return Saw::Failed;
        }
        let ledger = &self.ledger;
        match read {
            Read::Undelivered(user, device, after, limit) => {
                Saw::Undelivered(ledger.undelivered(user, device, after.as_ref(), *limit))
            }
            Read::Since(user, after, limit) => {
                Saw::Since(ledger.since(user, *after, Whose::Others, *limit))
            }
            Read::Behind(user, after, max) => {
                Saw::Behind(ledger.behind(user, *after, Whose::Others, *max))
            }
            Read::Received(user, device, up_to) => {
                Saw::Received(ledger.received(user, device, *up_to, usize::MAX))
            }
            Read::Log(after, positions_max) => Saw::Log(ledger.log(*after, *positions_max)),
            Read::History(query) => Saw::History(ledger.history(query)),
            Read::List(user) => {
                let page = ledger.conversations(user, None, usize::MAX);
                Saw::List(page.conversations.into_iter().map(|line| line.conversation).collect())
            }
        }
    }
}

fn apply(ledger: &mut Ledger, batch: &[Queued]) -> Told {
    let mut told = Told { entries: Vec::new(), answers: Vec::new() };
    for (_, ticket, write) in batch {
        let (written, entry) = write_to(ledger, write);
        told.entries.extend(entry);
        told.answers.push((*ticket, written));
    }
    told
}

fn key_of(write: &Write) -> Option<String> {
    match write {
        Write::Append(append, _) => append.client_id.as_ref().map(|key| key.to_string()),
        Write::Group(append) => Some(append.client_id.to_string()),
        Write::Mark(_) | Write::Attach(_) | Write::Block(_) => None,
    }
}

fn write_to(ledger: &mut Ledger, write: &Write) -> (Written, Option<Committed>) {
    let refused = |error: StoreError| parlor_chat::refusal::of_store(&error);
    match write {
        Write::Append(append, seq) => match ledger.append(append, *seq) {
            Ok((appended, entry)) => {
                let committed = entry.map(|entry| Committed { entry, origin: append.origin });
                (Written::Appended(Ok(appended)), committed)
            }
            Err(error) => (Written::Appended(Err(refused(error))), None),
        },
        Write::Group(append) => match ledger.group_append(append) {
            Ok((appended, entry)) => {
                let committed = entry.map(|entry| Committed { entry, origin: append.origin });
                (Written::Appended(Ok(appended)), committed)
            }
            Err(refusal) => (Written::Appended(Err(refusal)), None),
        },
        Write::Mark(marks) => {
            (Written::Marked(marks.iter().map(|mark| ledger.mark(mark)).collect()), None)
        }
        Write::Attach(attach) => {
            (Written::Done(ledger.attach_device(attach).map_err(refused)), None)
        }
        Write::Block(block) => {
            (Written::Done(ledger.block(block).map(|_| ()).map_err(refused)), None)
        }
    }
}
