//! What handles, the driver and the keeper share: the core behind its lock, and how they wake each
//! other.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, Semaphore, broadcast, watch};

use crate::core::Core;
use crate::status::{Reason, State, Status};
use crate::update::{News, UPDATES_MAX};

/// Messages that wait for the store at a time; who writes more waits.
const UNSAVED_MAX: usize = 256;
/// Questions of the app's that are unanswered at a time; who asks more waits. Fewer than a server
/// reads before it answers one.
const ASKED_MAX: usize = 32;

/// The shared part of a client.
pub(crate) struct Shared {
    core: Mutex<Core>,
    /// There may be something to say to the server.
    wake: Notify,
    /// There may be something for the store.
    bell: SyncSender<()>,
    /// Try to connect now.
    pub(crate) hurry: Notify,
    pub(crate) unsaved: Semaphore,
    pub(crate) asked: Semaphore,
    pub(crate) status: watch::Receiver<Status>,
    pub(crate) news: broadcast::Sender<News>,
    closed: watch::Sender<bool>,
    /// Set once the store is given up.
    pub(crate) kept: watch::Sender<bool>,
}

impl Shared {
    /// A client of this user, and the bell that its keeper hears.
    pub(crate) fn new(me: &str) -> (Arc<Self>, Receiver<()>) {
        let (status_sender, status) = watch::channel(Status::new(State::Connecting, None));
        let (news, _) = broadcast::channel(UPDATES_MAX);
        let (bell, ring) = sync_channel(1);
        let shared = Self {
            core: Mutex::new(Core::new(me, status_sender, news.clone())),
            wake: Notify::new(),
            bell,
            hurry: Notify::new(),
            unsaved: Semaphore::new(UNSAVED_MAX),
            asked: Semaphore::new(ASKED_MAX),
            status,
            news,
            closed: watch::Sender::new(false),
            kept: watch::Sender::new(false),
        };
        (Arc::new(shared), ring)
    }

    /// Looks at the core.
    pub(crate) fn look(&self) -> MutexGuard<'_, Core> {
        self.core.lock()
    }

    /// Changes the core, and wakes whoever has to do something about it.
    pub(crate) fn act<T>(&self, act: impl FnOnce(&mut Core) -> T) -> T {
        let outcome = act(&mut self.core.lock());
        self.wake.notify_one();
        self.ring();
        outcome
    }

    /// A bell that rings already needs not be rung.
    pub(crate) fn ring(&self) {
        let _ = self.bell.try_send(());
    }

    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    pub(crate) fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Resolves once the client is closed.
    pub(crate) async fn until_closed(&self) {
        let mut closed = self.closed.subscribe();
        // The sender lives as long as this.
        let _ = closed.wait_for(|closed| *closed).await;
    }

    /// Closes the client for good.
    pub(crate) fn close(&self, reason: Reason) {
        if self.closed.send_replace(true) {
            return;
        }
        {
            let mut core = self.core.lock();
            core.lost();
            core.set_status(Status::new(State::Closed, Some(reason)));
        }
        self.wake.notify_one();
        self.ring();
    }
}
