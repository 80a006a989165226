//! A store that does what a test asks for, and a gate that a test opens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parlor_chat::entry::{Epoch, Millis, Position};
use parlor_chat::ids::{ConversationId, DeviceId, Seq, UserId};
use parlor_chat::moderation::Moderation;
use parlor_chat::own::{OwnChange, OwnChanged, OwnKey, OwnKind, OwnPage, OwnQuery, OwnRecord};
use parlor_chat::people::{Profile, ProfileChange, ProfileChanged, UsersPage, UsersQuery};
use parlor_chat::privacy::Regard;
use parlor_chat::rules::Screening;
use parlor_chat::store::{
    Append, Appended, AttachDevice, Badge, Behind, Block, Blocked, Blocks, ConversationsCursor,
    ConversationsPage, Device, HistoryPage, HistoryQuery, Mark, Marked, MovedPage, Pending, Placed,
    Revoked, SealKey, SincePage, Store, StoreError, UndeliveredCursor, UndeliveredPage, Whose,
};
use tokio::sync::watch;

use super::client::PATIENCE;

/// Whose reads of what was committed since wait at the gate.
pub(crate) const GATED_USER: &str = "bob";

/// Long enough for another thread to do something meanwhile.
const STALL: Duration = Duration::from_millis(30);

#[expect(clippy::disallowed_methods, reason = "the fault is a thread that is held up")]
fn busy() {
    std::thread::sleep(STALL);
}

/// Where someone waits until the test lets them pass. Open at first.
pub(crate) struct Gate {
    open: watch::Sender<bool>,
    waiting: watch::Sender<usize>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { open: watch::Sender::new(true), waiting: watch::Sender::new(0) }
    }
}

impl Gate {
    pub(crate) fn close(&self) {
        self.open.send_replace(false);
    }

    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }

    /// Waits until someone waits here.
    pub(crate) async fn reached(&self) {
        let mut waiting = self.waiting.subscribe();
        let reached = waiting.wait_for(|waiting| *waiting > 0);
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        assert!(reached.is_ok(), "nobody came to the gate");
    }

    /// Lets all pass but the first who comes while it is closed.
    pub(crate) async fn pass_second(&self) {
        if *self.waiting.borrow() == 0 {
            self.pass().await;
        }
    }

    pub(crate) async fn pass(&self) {
        self.waiting.send_modify(|waiting| *waiting += 1);
        let _ = self.open.subscribe().wait_for(|open| *open).await;
        self.waiting.send_modify(|waiting| *waiting -= 1);
    }
}

/// What goes wrong.
#[derive(Default)]
pub(crate) struct Faults {
    /// So many appends are refused as overloaded.
    pub(crate) appends: AtomicUsize,
    pub(crate) attaches: AtomicBool,
    /// That a device was attached is told behind this gate.
    pub(crate) attached: Gate,
    pub(crate) marks: AtomicBool,
    pub(crate) reads: AtomicBool,
    /// So many reads of whom a user blocks fail.
    pub(crate) blocks: AtomicUsize,
    /// What was read of the log since a position is handed over behind this gate.
    pub(crate) since: Gate,
    /// The thread that reads what was committed since is kept busy for a while right after.
    pub(crate) stalls: AtomicBool,
    /// How far behind the first is who asks is handed over behind this gate.
    pub(crate) first_behind: Gate,
    /// What moved is handed over behind this gate.
    pub(crate) moved: Gate,
    /// The first page of what is undelivered is handed over behind this gate.
    pub(crate) first_page: Gate,
    /// Pages of what is undelivered, but for the first, are handed over behind this gate.
    pub(crate) second_page: Gate,
}

/// Fails what it is told to fail, and passes everything else on.
pub(crate) struct Faulty {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) faults: Arc<Faults>,
}

fn unavailable() -> StoreError {
    StoreError::Unavailable { reason: "the test says so".into() }
}

fn fails<T: Send + 'static>(error: StoreError) -> Pending<T> {
    Box::pin(async move { Err(error) })
}

impl Store for Faulty {
    fn epoch(&self) -> Epoch {
        self.store.epoch()
    }

    fn append(&self, append: Append) -> Pending<Appended> {
        let take = |left: usize| left.checked_sub(1);
        if self.faults.appends.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
            return fails(StoreError::Overloaded);
        }
        self.store.append(append)
    }

    fn append_screened(&self, append: Append, screening: Screening) -> Pending<Appended> {
        self.store.append_screened(append, screening)
    }

    fn mark(&self, marks: Vec<Mark>) -> Pending<Vec<Marked>> {
        if self.faults.marks.load(Ordering::SeqCst) {
            fails(unavailable())
        } else {
            self.store.mark(marks)
        }
    }

    fn attach_device(&self, attach: AttachDevice) -> Pending<()> {
        if self.faults.attaches.load(Ordering::SeqCst) {
            return fails(StoreError::Overloaded);
        }
        let (attached, faults) = (self.store.attach_device(attach), Arc::clone(&self.faults));
        Box::pin(async move {
            let attached = attached.await;
            faults.attached.pass().await;
            attached
        })
    }

    fn devices(&self, user: UserId) -> Pending<Vec<Device>> {
        self.store.devices(user)
    }

    fn last_seen(&self, user: UserId) -> Pending<Option<Millis>> {
        self.store.last_seen(user)
    }

    fn revoke_device(&self, user: UserId, device: DeviceId, now: Millis) -> Pending<Revoked> {
        self.store.revoke_device(user, device, now)
    }

    fn undelivered(
        &self,
        user: UserId,
        device: DeviceId,
        after: Option<UndeliveredCursor>,
        limit: usize,
    ) -> Pending<UndeliveredPage> {
        if self.faults.reads.load(Ordering::SeqCst) {
            return fails(unavailable());
        }
        let (gated, first) = (user.as_str() == GATED_USER, after.is_none());
        let page = self.store.undelivered(user, device, after, limit);
        let faults = self.faults.clone();
        Box::pin(async move {
            if gated && !first {
                faults.second_page.pass().await;
            }
            let page = page.await;
            if gated && first {
                faults.first_page.pass().await;
            }
            page
        })
    }

    fn since(
        &self,
        user: UserId,
        after: Position,
        whose: Whose,
        limit: usize,
    ) -> Pending<SincePage> {
        let page = self.store.since(user.clone(), after, whose, limit);
        let gate = self.faults.clone();
        Box::pin(async move {
            let page = page.await;
            if user.as_str() == GATED_USER {
                gate.since.pass().await;
            }
            if gate.stalls.load(Ordering::SeqCst) {
                tokio::spawn(async { busy() });
            }
            page
        })
    }

    fn history(&self, query: HistoryQuery) -> Pending<HistoryPage> {
        if self.faults.reads.load(Ordering::SeqCst) {
            return fails(StoreError::Corrupt { what: "a secret".into() });
        }
        self.store.history(query)
    }

    fn message_requests(
        &self,
        user: UserId,
        cursor: Option<ConversationsCursor>,
        limit: usize,
    ) -> Pending<ConversationsPage> {
        self.store.message_requests(user, cursor, limit)
    }

    fn conversations(
        &self,
        user: UserId,
        cursor: Option<ConversationsCursor>,
        limit: usize,
    ) -> Pending<ConversationsPage> {
        self.store.conversations(user, cursor, limit)
    }

    fn badge(&self, user: UserId, now: Millis) -> Pending<Badge> {
        self.store.badge(user, now)
    }

    fn behind(
        &self,
        user: UserId,
        after: Position,
        whose: Whose,
        entries_max: usize,
    ) -> Pending<Behind> {
        let behind = self.store.behind(user.clone(), after, whose, entries_max);
        let faults = self.faults.clone();
        Box::pin(async move {
            let behind = behind.await;
            if user.as_str() == GATED_USER {
                faults.first_behind.pass_second().await;
            }
            behind
        })
    }

    fn moved(&self, user: UserId, after: Position, limit: usize) -> Pending<MovedPage> {
        let page = self.store.moved(user.clone(), after, limit);
        let faults = self.faults.clone();
        Box::pin(async move {
            let page = page.await;
            if user.as_str() == GATED_USER {
                faults.moved.pass().await;
            }
            page
        })
    }

    fn received(
        &self,
        user: UserId,
        device: DeviceId,
        up_to: Position,
        limit: usize,
    ) -> Pending<Vec<(ConversationId, Seq)>> {
        self.store.received(user, device, up_to, limit)
    }

    fn change_own(&self, change: OwnChange) -> Pending<OwnChanged> {
        self.store.change_own(change)
    }

    fn own(&self, query: OwnQuery) -> Pending<OwnPage> {
        self.store.own(query)
    }

    fn own_at(&self, user: UserId, places: Vec<(OwnKind, OwnKey)>) -> Pending<Vec<OwnRecord>> {
        self.store.own_at(user, places)
    }

    fn regard(&self, user: UserId, other: UserId) -> Pending<Regard> {
        self.store.regard(user, other)
    }

    fn entries_at(
        &self,
        user: UserId,
        places: Vec<(ConversationId, Seq)>,
    ) -> Pending<Vec<Option<Placed>>> {
        self.store.entries_at(user, places)
    }

    fn change_profile(&self, change: ProfileChange) -> Pending<ProfileChanged> {
        self.store.change_profile(change)
    }

    fn profile(&self, user: UserId) -> Pending<Profile> {
        self.store.profile(user)
    }

    fn users(&self, query: UsersQuery) -> Pending<UsersPage> {
        self.store.users(query)
    }

    fn block(&self, block: Block) -> Pending<Blocked> {
        self.store.block(block)
    }

    fn blocks(&self, user: UserId) -> Pending<Blocks> {
        let take = |left: usize| left.checked_sub(1);
        if self.faults.blocks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
            return fails(unavailable());
        }
        self.store.blocks(user)
    }

    fn revoke_tokens(&self, user: UserId, not_before: Millis) -> Pending<Millis> {
        self.store.revoke_tokens(user, not_before)
    }

    fn moderation(&self) -> &dyn Moderation {
        self.store.moderation()
    }

    fn seal_key(&self) -> SealKey {
        self.store.seal_key()
    }

    fn health(&self) -> Result<(), StoreError> {
        self.store.health()
    }
}
