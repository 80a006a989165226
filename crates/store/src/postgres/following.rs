//! The one thread of a node that tells the sink what all nodes commit, in the order of the log.
//!
//! ```text
//! this node's writer ──► own commits ──┐   ┌──► sink, then the answers of this node's commits
//! bus ──► other nodes' hints ──────────┼─► order
//! pages of the log ────────────────────┘   └──► behind: a page is read
//! ```
//!
//! It is told of a commit before those who wait for it are answered, so what this node tells the bus is
//! there as soon as it can be. If an entry before it is not here yet, it is waited for a moment, and then
//! read; whoever waits for an answer does not wait for that without end ([`Follower`] decides it all).
//!
//! **How far the log goes** is known from commits, hints, from every snapshot that anything reads in, and, if
//! nothing is heard, by looking every so often. So a bus that is down delays what others said and loses
//! nothing. Users' own records are not in the log: that changes of them may have been missed, the sink is
//! told. The thread has a runtime of its own, since the sink may wait for room.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parlor_chat::bus::{Bus, Ear, NodeId, Topic};
use parlor_chat::order::{Follower, Page};
use parlor_chat::own::OwnCommitted;
use parlor_chat::store::{CommitSink, Committed, StoreError};
use parlor_chat::trace::Took;
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::Shared;
use super::command::Command;
use super::hint::{self, Hint};
use super::turn::Work;
use crate::kept::traces;

/// Entries that are kept aside until their turn.
const AHEAD_MAX: usize = 8_192;
/// What may wait to be looked at.
const TOLD_MAX: usize = 4_096;
/// Positions that one page covers at most.
const PAGE_POSITIONS_MAX: u64 = 512;

/// What the thread is told.
enum Told {
    /// The writer is about to commit these.
    Expect(Vec<Committed>),
    /// It has committed this, for those.
    Own(Box<Work>, Vec<Command>),
    Heard(Hint),
    /// The log goes beyond what was given out.
    Behind,
    /// Hints may have been missed.
    Missed,
    Page(Result<Page, StoreError>),
    Close,
}

/// How others speak to the thread.
#[derive(Debug)]
pub(crate) struct Following {
    told: mpsc::Sender<Told>,
    shared: Arc<Seen>,
}

/// What is known of the log at any moment.
#[derive(Default)]
struct Seen {
    applied: AtomicU64,
    head: AtomicU64,
    /// Whether the thread was told that there is more than was given out.
    is_told: AtomicBool,
    /// Whether there was no room for what was heard.
    is_overrun: AtomicBool,
    bus: std::sync::OnceLock<Arc<dyn Bus>>,
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seen").field("applied", &self.applied).finish_non_exhaustive()
    }
}

impl Following {
    /// Where the thread hears, to be given to [`start`]; everything up to `applied` counts as told.
    pub(crate) fn new(applied: u64) -> (Self, Inbox) {
        let (told, inbox) = mpsc::channel(TOLD_MAX);
        let seen = Arc::new(Seen::default());
        seen.applied.store(applied, Ordering::Relaxed);
        seen.head.store(applied, Ordering::Relaxed);
        (Self { told, shared: seen.clone() }, Inbox { inbox, seen })
    }

    /// Says what is about to be committed.
    pub(crate) async fn expect(&self, entries: Vec<Committed>) {
        if !entries.is_empty() {
            self.tell(Told::Expect(entries)).await;
        }
    }

    /// Says what was committed, and has those answered who wait for it.
    pub(crate) async fn committed(&self, work: Work, batch: Vec<Command>) {
        self.tell(Told::Own(Box::new(work), batch)).await;
    }

    async fn tell(&self, told: Told) {
        if self.told.send(told).await.is_err() {
            tracing::error!("the thread that follows the log is gone");
        }
    }

    /// Takes that the log goes up to there, as a snapshot showed.
    pub(crate) fn seen(&self, head: u64) {
        self.shared.head.fetch_max(head, Ordering::Relaxed);
        let is_behind = head > self.shared.applied.load(Ordering::Relaxed);
        if is_behind && !self.shared.is_told.swap(true, Ordering::Relaxed) {
            // If there is no room, there is enough to do.
            let _ = self.told.try_send(Told::Behind);
        }
    }

    /// The last position that was told, and the last that is known of.
    pub(crate) fn positions(&self) -> (u64, u64) {
        let applied = self.shared.applied.load(Ordering::Relaxed);
        (applied, self.shared.head.load(Ordering::Relaxed).max(applied))
    }

    /// Speaks with other nodes from now on.
    pub(crate) fn join(&self, bus: Arc<dyn Bus>, shared: &Shared) {
        let (epoch, clock) = (shared.epoch, shared.config.clock);
        let ear = LogEar { told: self.told.clone(), seen: Arc::clone(&self.shared), epoch, clock };
        if self.shared.bus.set(bus.clone()).is_ok() {
            bus.listen(Topic::Log, Arc::new(ear));
        }
    }

    /// Ends the thread once it has told everything that it was told.
    pub(crate) async fn close(&self) {
        self.tell(Told::Close).await;
    }
}

/// Hears what other nodes commit.
struct LogEar {
    told: mpsc::Sender<Told>,
    seen: Arc<Seen>,
    epoch: parlor_chat::entry::Epoch,
    clock: crate::kept::clock::Clock,
}

impl LogEar {
    /// Without room the log is read.
    fn tell(&self, told: Told) {
        if self.told.try_send(told).is_err() {
            self.seen.is_overrun.store(true, Ordering::Relaxed);
        }
    }
}

impl Ear for LogEar {
    fn heard(&self, from: NodeId, message: &[u8]) {
        match hint::decode(message, self.epoch, self.clock) {
            Some(hint) => self.tell(Told::Heard(hint)),
            None => tracing::debug!(%from, "a hint says nothing of this log"),
        }
    }

    fn missed(&self) {
        self.tell(Told::Missed);
    }
}

/// What the thread begins with.
pub(crate) struct Inbox {
    inbox: mpsc::Receiver<Told>,
    seen: Arc<Seen>,
}

/// Starts the thread.
///
/// # Errors
/// That no thread, or no runtime for it, is to be had.
pub(crate) fn start(
    inbox: Inbox,
    shared: Arc<Shared>,
    sink: Arc<dyn CommitSink>,
    pages: Handle,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let Inbox { inbox, seen } = inbox;
    let applied = seen.applied.load(Ordering::Relaxed);
    let every = shared.config.look_every;
    let follower = Follower::new(applied, AHEAD_MAX, Duration::ZERO, every);
    let began = Instant::now();
    let teller = Teller { shared, sink, pages, seen, began, follower };
    let run = move || runtime.block_on(teller.run(inbox));
    std::thread::Builder::new().name("store-follow".to_owned()).spawn(run)
}

/// The thread.
struct Teller {
    shared: Arc<Shared>,
    sink: Arc<dyn CommitSink>,
    /// Where pages are read.
    pages: Handle,
    seen: Arc<Seen>,
    /// From when on the follower counts its time.
    began: Instant,
    follower: Follower<Answers>,
}

/// What is told, and who is answered, behind an entry.
struct Answers {
    own: Vec<OwnCommitted>,
    batch: Vec<Command>,
}

impl Teller {
    async fn run(mut self, mut inbox: mpsc::Receiver<Told>) {
        self.follower.look_every(self.now(), self.look_every());
        loop {
            let due = self.due();
            tokio::select! {
                biased;
                told = inbox.recv() => match told {
                    None | Some(Told::Close) => break,
                    Some(told) => self.hear(told),
                },
                () = sleep_until(due) => {}
            }
            if self.seen.is_overrun.swap(false, Ordering::Relaxed) {
                self.missed();
            }
            let now = self.now();
            while let Some(answers) = self.follower.told(now) {
                tell(&*self.sink, answers);
            }
            // A bus may have been lost since the last look.
            self.follower.look_every(now, self.look_every());
            self.look();
        }
        let Self { sink, follower, .. } = self;
        follower.left().for_each(|answers| tell(&*sink, answers));
    }

    /// The time, as the follower counts it.
    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn hear(&mut self, told: Told) {
        match told {
            Told::Expect(entries) => self.follower.expect(entries),
            Told::Own(work, batch) => self.own(*work, batch),
            Told::Heard(Hint { head, entries, own }) => {
                self.follower.seen(head);
                self.note_lag(&entries);
                let given = self.follower.heard(entries);
                self.give(&given);
                if !own.is_empty() {
                    let answers = Answers { own, batch: Vec::new() };
                    self.follower.answer(self.now(), head, answers);
                }
            }
            Told::Behind => {
                self.seen.is_told.store(false, Ordering::Relaxed);
                self.follower.seen(self.seen.head.load(Ordering::Relaxed));
            }
            Told::Missed => self.missed(),
            Told::Page(page) => self.page(page),
            Told::Close => {}
        }
    }

    /// The log is read; what users changed of their own is not in it.
    fn missed(&mut self) {
        self.follower.missed(self.now());
        self.sink.own_missed();
    }

    fn own(&mut self, work: Work, batch: Vec<Command>) {
        let last = work.committed.last().map(|it| it.entry.position.0);
        let position = last.unwrap_or(self.follower.order().applied());
        let mut published = None;
        if let Some(bus) = self.seen.bus.get()
            && !(work.committed.is_empty() && work.own.is_empty())
        {
            let began = Instant::now();
            bus.publish(Topic::Log, hint::encode(self.shared.epoch, position, &work));
            published = Some((began.into(), Instant::now().into()));
        }
        let traced = traces::traced(&work.committed, &work.own);
        if let Some(took) = work.took.filter(|_| !traced.is_empty()) {
            self.sink.took(&traced, &Took { published, ..took });
        }
        let given = self.follower.heard(work.committed);
        self.give(&given);
        self.follower.answer(self.now(), position, Answers { own: work.own, batch });
    }

    fn page(&mut self, page: Result<Page, StoreError>) {
        match page {
            Ok(page) => {
                let given = self.follower.page(self.now(), page);
                self.give(&given);
            }
            Err(error) => {
                tracing::debug!(%error, "the log is not read");
                self.follower.failed(self.now());
            }
        }
    }

    /// Tells the sink.
    fn give(&mut self, entries: &[Committed]) {
        if !entries.is_empty() {
            self.sink.committed(entries);
        }
        self.seen.applied.store(self.follower.order().applied(), Ordering::Relaxed);
        self.count();
    }

    /// Notes how long a commit took from another node's clock to here.
    fn note_lag(&self, entries: &[Committed]) {
        if let Some(last) = entries.last() {
            let lag_ms = self.shared.config.clock.now().0.saturating_sub(last.entry.ts.0);
            self.shared.counters.heard_lag_ms.store(lag_ms, Ordering::Relaxed);
        }
    }

    /// Hands on what the order has counted.
    fn count(&self) {
        let counters = &self.shared.counters;
        counters.repaired.store(self.follower.order().repaired(), Ordering::Relaxed);
        let mismatches = self.follower.order().mismatches();
        if counters.mismatches.swap(mismatches, Ordering::Relaxed) < mismatches {
            tracing::error!(
                mismatches,
                "another entry was heard at a position than is in the log: does each node of this \
                 bus write to the same database?"
            );
        }
    }

    /// How often the log is looked at when nothing is missed.
    fn look_every(&self) -> Duration {
        let config = &self.shared.config;
        let hears = self.seen.bus.get().is_some_and(|bus| bus.stats().is_up);
        if hears { config.look_every_with_bus } else { config.look_every }
    }

    /// When something is to be done at the latest.
    fn due(&self) -> Instant {
        // By then it is known whether the bus is lost.
        let later = Instant::now() + self.shared.config.look_every;
        self.follower.due().map_or(later, |due| later.min(self.began + due))
    }

    /// Reads on, if it is time.
    fn look(&mut self) {
        let Some(after) = self.follower.look(self.now()) else { return };
        let shared = self.shared.clone();
        self.pages.spawn(async move {
            let page = shared.read(|of| Box::pin(of.log(after, PAGE_POSITIONS_MAX))).await;
            // If the thread is gone nobody asks any more.
            drop(shared.following.told.send(Told::Page(page)).await);
        });
    }
}

fn tell(sink: &dyn CommitSink, answers: Answers) {
    let Answers { own, batch } = answers;
    if !own.is_empty() {
        sink.own_changed(&own);
    }
    batch.into_iter().for_each(Command::answer);
}
