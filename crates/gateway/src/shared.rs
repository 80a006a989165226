//! What all shards and all handles share: config, secrets, namespaces, and the inboxes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use regex::Regex;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::drain::Drain;
use crate::engine::Engine;
use crate::handshakes::Handshakes;
use crate::ids::{Seal, SocketId, SocketKey};
use crate::inbox::{Inbox, Local};
use crate::namespace::Namespace;
use crate::recovery::Recovery;
use crate::restored::Restored;
use crate::shard::ops::{Busy, Op};

/// What every part of a gateway can reach.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) seal: Seal,
    pub(crate) inboxes: Box<[Inbox]>,
    pub(crate) namespaces: HashMap<Arc<str>, Arc<Namespace>>,
    pub(crate) patterns: Vec<(Regex, Arc<Namespace>)>,
    pub(crate) engine: Option<Engine>,
    pub(crate) addresses: Mutex<HashMap<IpAddr, u32>>,
    pub(crate) handshakes: Handshakes,
    pub(crate) restored: Mutex<Restored>,
    pub(crate) recovery: Option<Recovery>,
    /// Cancelled when no new session is made any more.
    pub(crate) draining: CancellationToken,
    pub(crate) stopped: AtomicBool,
    /// Shards that serve.
    serving: AtomicUsize,
    /// Cancelled when none does any more.
    pub(crate) over: CancellationToken,
    ack_ids: AtomicU64,
}

impl Shared {
    pub(crate) fn new(
        config: Config,
        shards: usize,
        namespaces: HashMap<Arc<str>, Arc<Namespace>>,
        patterns: Vec<(Regex, Arc<Namespace>)>,
        engine: Option<Engine>,
    ) -> Self {
        let recovery = config.recovery.clone().map(Recovery::new);
        let handshakes = Handshakes::new(&config, shards);
        let inboxes = (0..shards).map(|_| Inbox::new(config.inbox_ops_max)).collect();
        Self {
            config,
            seal: Seal::default(),
            inboxes,
            namespaces,
            patterns,
            engine,
            addresses: Mutex::default(),
            handshakes,
            restored: Mutex::default(),
            recovery,
            draining: CancellationToken::new(),
            stopped: AtomicBool::new(false),
            serving: AtomicUsize::new(0),
            over: CancellationToken::new(),
            ack_ids: AtomicU64::new(0),
        }
    }

    /// An acknowledgement id that no other event of this process has.
    pub(crate) fn next_ack_id(&self) -> u64 {
        self.ack_ids.fetch_add(1, Ordering::Relaxed)
    }

    /// Begins the shutdown, if it has not begun: no handshake is taken any more.
    pub(crate) fn drain(&self, drain: Drain) {
        self.draining.cancel();
        if self.stopped.swap(true, Ordering::Relaxed) {
            return;
        }
        let drain = Arc::new(drain);
        for shard in 0..self.inboxes.len() {
            self.push_always(shard as u8, Op::Shutdown(Arc::clone(&drain)));
        }
    }

    /// Counts the calling shard among those that serve, until what this gives is dropped.
    pub(crate) fn serve(&self) -> Serving<'_> {
        self.serving.fetch_add(1, Ordering::Relaxed);
        Serving(self)
    }

    /// The public id of a socket.
    pub(crate) fn id_of(&self, key: SocketKey) -> SocketId {
        let restored = self.restored.lock().id_of(key);
        restored.unwrap_or_else(|| self.seal.socket_id(key))
    }

    /// The socket that a public id names; the newest, if it was restored.
    pub(crate) fn key_of(&self, id: &str) -> Option<SocketKey> {
        let restored = self.restored.lock().keys_of(id).last().copied();
        restored.or_else(|| self.seal.socket_key(id))
    }

    /// The rules for a namespace, if there is one of that name.
    pub(crate) fn namespace(&self, name: &str) -> Option<&Arc<Namespace>> {
        self.namespaces.get(name).or_else(|| {
            self.patterns.iter().find(|(regex, _)| regex.is_match(name)).map(|(_, rules)| rules)
        })
    }

    /// Hands an operation to a shard unless its inbox is full.
    pub(crate) fn push(&self, shard: u8, op: Op) -> Result<(), Busy> {
        let inbox = &self.inboxes[usize::from(shard)];
        match self.local(shard, &op) {
            Some(local) => local.push(op, inbox.capacity),
            None => inbox.push(op),
        }
        .inspect_err(|_| inbox.count_busy())
    }

    /// Hands an operation to a shard, full or not.
    pub(crate) fn push_always(&self, shard: u8, op: Op) {
        match self.local(shard, &op) {
            Some(local) => {
                let _ = local.push(op, usize::MAX);
            }
            None => self.inboxes[usize::from(shard)].push_always(op),
        }
    }

    /// Hands an operation to a shard, full or not, the way that those of other threads go.
    pub(crate) fn push_with_others(&self, shard: u8, op: Op) {
        self.inboxes[usize::from(shard)].push_always(op);
    }

    /// The queue of the calling thread, if it is the shard's. Where broadcasts are numbered, what
    /// is ordered goes the way that they go.
    fn local(&self, shard: u8, op: &Op) -> Option<Rc<Local>> {
        if self.recovery.is_some() && op.is_ordered() {
            return None;
        }
        Local::here(self, shard)
    }
}

/// A shard that serves.
pub(crate) struct Serving<'a>(&'a Shared);

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        if self.0.serving.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.over.cancel();
        }
    }
}
