//! What every backend of chat's bus port must keep to, as tests.
//!
//! A backend's tests call [`run_all`] with what makes a [`Stage`]: an engine without nodes, and the faults that
//! can be made on it. Each claim is named as what it says and has a stage of its own; a breach panics with the
//! claim's name.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use parlor_chat::bus::{Bus, Ear, Elsewhere, NodeId, Topic};
use parlor_chat::ids::{DeviceId, UserId};
use tokio::sync::Notify;

mod directory;
mod faults;
mod speaking;

/// An engine, and what can be done to it.
pub trait Stage: Send + Sync {
    /// Opens a node of a log; says why that is not possible.
    fn join(&self, log: u64) -> BoxFuture<'_, Result<Arc<dyn Bus>, String>>;

    /// Has a node end without a goodbye. Its lease ends after a time.
    fn crash(&self, node: NodeId) -> BoxFuture<'_, ()>;

    /// Empties the engine while nodes are connected.
    fn wipe(&self) -> BoxFuture<'_, ()>;

    /// Cuts all nodes off for a while.
    fn interrupt(&self, kept: Kept) -> BoxFuture<'_, ()>;

    /// Puts bytes of any kind on a topic.
    fn say(&self, topic: Topic, bytes: Vec<u8>) -> BoxFuture<'_, ()>;
}

/// What is left of an engine's data after an interruption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// All of it.
    All,
    /// Nothing.
    Nothing,
}

type Claim = for<'a> fn(&'a dyn Stage) -> BoxFuture<'a, ()>;

macro_rules! claims {
    ($($module:ident::$name:ident),* $(,)?) => {
        &[$((stringify!($name), |stage| Box::pin($module::$name(stage)))),*]
    };
}

const CLAIMS: &[(&str, Claim)] = claims![
    speaking::messages_of_a_topic_are_heard_in_order_by_all_others,
    speaking::topics_are_kept_apart,
    speaking::long_messages_arrive_whole,
    speaking::another_log_is_refused,
    speaking::what_is_no_message_of_this_log_is_passed_over,
    speaking::who_leaves_is_told_at_once,
    speaking::a_lease_that_ends_is_told,
    directory::it_knows_who_is_elsewhere,
    directory::of_what_is_said_of_a_user_the_last_holds,
    directory::entries_of_the_dead_are_not_given,
    directory::a_hundred_thousand_seats_are_taken,
    faults::a_wipe_is_told_and_seats_that_are_said_again_are_found,
    faults::after_an_interruption_messages_flow_again,
    faults::after_an_interruption_that_lost_all_seats_are_asked_for,
];

/// Holds a backend to every claim, each on a stage that `make` makes.
pub async fn run_all<S: Stage>(make: impl AsyncFn() -> S) {
    for (name, claim) in CLAIMS {
        let began = Instant::now();
        let stage = make().await;
        let done = tokio::time::timeout(CLAIM_TIMEOUT, claim(&stage)).await;
        assert!(done.is_ok(), "{name}: not done in {CLAIM_TIMEOUT:?}");
        println!("{name}: {:.2} s", began.elapsed().as_secs_f64());
    }
}

/// The longest that a claim may take.
const CLAIM_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest that something may take to be noticed.
const NOTICED: Duration = Duration::from_secs(20);

/// The log that nodes are of here.
pub const LOG: u64 = 0x0123_4567_89ab_cdef;

/// Something that an ear was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A message.
    Heard(NodeId, Vec<u8>),
    /// That something may have been missed.
    Missed,
    /// That a node is gone.
    Left(NodeId),
    /// That the directory was emptied.
    Forgotten,
}

/// An ear that takes notes.
#[derive(Default)]
pub struct Notes {
    notes: Mutex<Vec<Note>>,
    changed: Notify,
}

impl Notes {
    /// Waits until what was noted fits.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn until(&self, what: &str, fits: impl Fn(&[Note]) -> bool) {
        let end = tokio::time::Instant::now() + NOTICED;
        loop {
            let changed = self.changed.notified();
            if fits(&self.notes.lock()) {
                return;
            }
            let waited = tokio::time::timeout_at(end, changed).await;
            assert!(waited.is_ok(), "not noticed: {what}; but {:?}", self.last());
        }
    }

    /// Waits for a message.
    pub async fn heard(&self, from: &dyn Bus, message: &[u8]) {
        let note = Note::Heard(from.node(), message.to_vec());
        self.until("a message", |notes| notes.contains(&note)).await;
    }

    /// All messages so far.
    pub fn messages(&self) -> Vec<(NodeId, Vec<u8>)> {
        let message = |note: &Note| match note {
            Note::Heard(from, message) => Some((*from, message.clone())),
            _ => None,
        };
        self.notes.lock().iter().filter_map(message).collect()
    }

    /// How often something was noted.
    pub fn count(&self, wanted: &Note) -> usize {
        self.notes.lock().iter().filter(|note| *note == wanted).count()
    }

    fn last(&self) -> Vec<Note> {
        let notes = self.notes.lock();
        notes[notes.len().saturating_sub(8)..].to_vec()
    }

    fn take(&self, note: Note) {
        self.notes.lock().push(note);
        self.changed.notify_waiters();
    }
}

impl Ear for Notes {
    fn heard(&self, from: NodeId, message: &[u8]) {
        self.take(Note::Heard(from, message.to_vec()));
    }

    fn missed(&self) {
        self.take(Note::Missed);
    }

    fn left(&self, node: NodeId) {
        self.take(Note::Left(node));
    }

    fn forgotten(&self) {
        self.take(Note::Forgotten);
    }
}

/// A node, and what its ears note.
pub struct Node {
    /// The node.
    pub bus: Arc<dyn Bus>,
    /// What it hears of [`Topic::Log`].
    pub log: Arc<Notes>,
    /// What it hears of [`Topic::Talk`].
    pub talk: Arc<Notes>,
}

/// Opens a node that listens.
///
/// # Panics
/// When it cannot be opened.
pub async fn node(stage: &dyn Stage) -> Node {
    let bus = match stage.join(LOG).await {
        Ok(bus) => bus,
        Err(error) => panic!("a node joins: {error}"),
    };
    let (log, talk) = (Arc::<Notes>::default(), Arc::<Notes>::default());
    bus.listen(Topic::Log, log.clone());
    bus.listen(Topic::Talk, talk.clone());
    Node { bus, log, talk }
}

/// Waits until something holds of what no ear tells.
///
/// # Panics
/// When it does not in time.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < NOTICED, "not so in time: {what}");
        looks.tick().await;
    }
}

/// Waits until all that was said to the directory is there.
pub async fn seated(bus: &dyn Bus) {
    until("all seats are written", || bus.stats().unseated == 0).await;
}

/// Waits until the directory gives something.
///
/// # Panics
/// When it does not in time.
pub async fn found(bus: &dyn Bus, users: &[&str], expected: &[Elsewhere]) {
    let users: Vec<UserId> = users.iter().map(|name| user(name)).collect();
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let began = Instant::now();
    loop {
        let given = bus.elsewhere(users.clone()).await.map(sorted);
        if given.as_deref() == Ok(expected) {
            return;
        }
        assert!(began.elapsed() < NOTICED, "the directory gives {given:?}, not {expected:?}");
        looks.tick().await;
    }
}

/// By nodes and devices, whose order says nothing.
fn sorted(mut given: Vec<Elsewhere>) -> Vec<Elsewhere> {
    for nodes in &mut given {
        nodes.sort_by_key(|(node, _)| *node);
    }
    given
}

/// A user by name.
pub fn user(name: &str) -> UserId {
    UserId::parse(name).expect("it is one")
}

/// A device by name; the shared one for none.
pub fn device(name: &str) -> DeviceId {
    if name.is_empty() {
        return DeviceId::shared();
    }
    DeviceId::parse(name).expect("it is one")
}
