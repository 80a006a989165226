//! Nodes that share a Redis server, or a Redis Cluster with sharded pub/sub.
//!
//! - `links`: the connections for commands, each to where its key lives; `slots` is the map of a cluster.
//! - `speaking`: one task that renews the lease, publishes what waits and writes seats, for ever.
//! - `lease`: whose log the cluster is about, and which nodes live.
//! - `hearing`: one task and connection (`subscription`) for each topic; what it reads goes to [`Ear`]s at once.
//! - `directory`: who is connected elsewhere.
//! - `adapter`: speaks with the app's Socket.IO servers as one of them; it has connections of its own, of which
//!   those of the sharded kind are `channels`'.
//!
//! What always holds: nothing waits for Redis but these tasks and `elsewhere`, which gives up in time; what
//! waits is bounded; whatever Redis says or does, nothing but the log of the node tells of it.
//!
//! [`Ear`]: parlor_chat::bus::Ear

pub mod adapter;
mod channels;
mod config;
mod directory;
mod hearing;
mod lease;
mod links;
mod slots;
mod speaking;
mod subscription;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use parlor_chat::bus::{Bus, BusDown, BusStats, Ear, Elsewhere, NodeId, Topic};
use parlor_chat::ids::{DeviceId, UserId};
use redis::RedisError;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::config::{Config, Engine};
use self::links::Links;
use self::subscription::Subscription;
use crate::counts::Counts;
use crate::ears::Ears;
pub use crate::names::InvalidName;
use crate::names::Names;
use crate::outbox::Outbox;
use crate::seats::Seats;

/// The shortest lease; shorter ones would end between two renewals.
const LEASE_MIN: Duration = Duration::from_millis(100);

/// Why a bus cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The prefix or the name of the cluster cannot be part of a key.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// An address that is none.
    #[error("the address of Redis cannot be used")]
    Address(#[source] RedisError),
    /// A cluster without an address.
    #[error("there is no address of Redis")]
    NoAddress,
    /// Redis does not answer, or not as it should.
    #[error("Redis cannot be used")]
    Engine(#[source] RedisError),
    /// The cluster's name is taken by the nodes of another log.
    #[error(transparent)]
    OtherLog(#[from] OtherLog),
}

/// The cluster's name is taken by the nodes of another log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the cluster `{cluster}` on Redis is of another log: the key `{key}` holds {theirs}, and this node's log \
     is {ours}; choose another bus.cluster for this log, or delete that key if no node of the other log \
     will come back"
)]
pub struct OtherLog {
    /// The cluster's name.
    pub cluster: String,
    /// The key that says whose it is.
    pub key: String,
    /// What it says.
    pub theirs: String,
    /// What it should say.
    pub ours: String,
}

/// A node's bus on Redis. It works on the runtime that it was opened on, and leaves when it is dropped.
pub struct RedisBus {
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

/// What the tasks of a bus have in common.
struct Shared {
    node: NodeId,
    log: u64,
    config: Config,
    names: Names,
    links: Links,
    ears: Ears,
    outbox: Outbox,
    seats: Seats,
    /// Until when it proves nothing that another node has no lease.
    doubt: Mutex<Option<Instant>>,
    /// Entries of the directory whose nodes were found dead.
    dead: Mutex<Vec<(UserId, NodeId)>>,
    counts: Arc<Counts>,
    wake: Arc<Notify>,
    can_speak: AtomicBool,
    can_hear: [AtomicBool; Topic::ALL.len()],
    /// Why it is out of reach, where it is.
    trouble: Mutex<Arc<str>>,
    stop: CancellationToken,
    runtime: Handle,
}

impl RedisBus {
    /// Opens the bus for a new node of a log. A Redis that is out of reach is waited for by the bus itself: a
    /// node has to come up without it as it goes on without it. Cancel safe.
    ///
    /// # Errors
    /// [`OpenError`] when Redis answers that it cannot be used, or not for this log.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn open(config: Config, log: u64) -> Result<Self, OpenError> {
        let shared = Arc::new(Shared::new(config, log)?);
        let mut subscriptions = Vec::new();
        match shared.clone().enter_and_subscribe().await {
            Ok(entered) => subscriptions.extend(entered.into_iter().map(|(of, it)| (of, Some(it)))),
            Err(OpenError::Engine(error)) if is_out_of_reach(&error) => {
                shared.is_not_there(&error);
                subscriptions.extend(Topic::ALL.map(|topic| (topic, None)));
            }
            Err(error) => return Err(error),
        }
        let tasks = TaskTracker::new();
        for (topic, subscription) in subscriptions {
            tasks.spawn(Arc::clone(&shared).hear(topic, subscription));
        }
        tasks.spawn(Arc::clone(&shared).speak());
        tasks.close();
        Ok(Self { shared, tasks })
    }
}

/// Whether Redis did not answer, which may pass, rather than refuse.
fn is_out_of_reach(error: &RedisError) -> bool {
    error.is_io_error() || error.is_timeout() || error.is_connection_dropped()
}

impl Shared {
    fn new(mut config: Config, log: u64) -> Result<Self, OpenError> {
        config.lease = config.lease.max(LEASE_MIN);
        let names = Names::new(&config.prefix, &config.cluster)?;
        let links = Links::new(&config)?;
        let node = NodeId(rand::random());
        let (counts, wake) = (Arc::<Counts>::default(), Arc::<Notify>::default());
        let bounds = (config.queue_messages_max, config.queue_bytes_max);
        Ok(Self {
            node,
            log,
            names,
            links,
            ears: Ears::new(node, log, Arc::clone(&counts)),
            outbox: Outbox::new((node, log), bounds, Arc::clone(&counts), Arc::clone(&wake)),
            seats: Seats::new(config.seats_max, Arc::clone(&wake)),
            doubt: Mutex::default(),
            dead: Mutex::default(),
            counts,
            wake,
            can_speak: AtomicBool::new(true),
            can_hear: [const { AtomicBool::new(true) }; Topic::ALL.len()],
            trouble: Mutex::new(Arc::from("it was not reached yet")),
            stop: CancellationToken::new(),
            runtime: Handle::current(),
            config,
        })
    }

    /// Takes a lease, and connects to where the topics are heard.
    async fn enter_and_subscribe(self: Arc<Self>) -> Result<Vec<(Topic, Subscription)>, OpenError> {
        self.enter().await?;
        let mut subscriptions = Vec::new();
        for topic in Topic::ALL {
            let subscription = self.subscribe(topic).await.map_err(OpenError::Engine)?;
            subscriptions.push((topic, subscription));
        }
        Ok(subscriptions)
    }

    /// Begins with a Redis that is out of reach.
    fn is_not_there(&self, error: &RedisError) {
        tracing::warn!(%error, "the bus is out of reach; it is tried again");
        *self.trouble.lock() = Arc::from(error.to_string());
        self.can_speak.store(false, Ordering::Relaxed);
        self.can_hear.iter().for_each(|topic| topic.store(false, Ordering::Relaxed));
    }

    fn is_up(&self) -> bool {
        let all_heard = self.can_hear.iter().all(|topic| topic.load(Ordering::Relaxed));
        all_heard && self.can_speak.load(Ordering::Relaxed)
    }
}

impl Bus for RedisBus {
    fn node(&self) -> NodeId {
        self.shared.node
    }

    fn publish(&self, topic: Topic, message: Vec<u8>) {
        self.shared.outbox.put(topic, &message);
    }

    fn listen(&self, topic: Topic, ear: Arc<dyn Ear>) {
        self.shared.ears.listen(topic, ear);
    }

    fn seat(&self, user: UserId, devices: Vec<DeviceId>) {
        self.shared.seats.say(user, devices);
    }

    fn elsewhere(&self, users: Vec<UserId>) -> BoxFuture<'static, Result<Vec<Elsewhere>, BusDown>> {
        // On the bus's own runtime, whatever the caller's is.
        let asked = self.shared.runtime.spawn(Arc::clone(&self.shared).elsewhere(users));
        let ended = |_| Err(BusDown { reason: Arc::from("this node is ending") });
        async move { asked.await.unwrap_or_else(ended) }.boxed()
    }

    fn leave(&self) -> BoxFuture<'static, ()> {
        self.shared.stop.cancel();
        let tasks = self.tasks.clone();
        async move { tasks.wait().await }.boxed()
    }

    fn stats(&self) -> BusStats {
        BusStats {
            is_up: self.shared.is_up(),
            queued: self.shared.outbox.len() as u64,
            unseated: self.shared.seats.len() as u64,
            ..self.shared.counts.read()
        }
    }
}

impl Drop for RedisBus {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}
