//! The ledger behind chat's store port, each write a commit of its own: for the port's contract
//! suite, which shows that the simulated store is a faithful stand-in for a real one.

use std::sync::Arc;

use parking_lot::Mutex;
use parlor_chat::entry::{Epoch, Millis, Position};
use parlor_chat::ids::{ConversationId, DeviceId, Seq, UserId};
use parlor_chat::moderation::{
    Act, Acted, AuditPage, AuditQuery, Filed, Moderation, NewReport, Notice, NoticeId, Report,
    ReportsPage, ReportsQuery, Suspension, TakeReport,
};
use parlor_chat::own::{OwnChange, OwnChanged, OwnKey, OwnKind, OwnPage, OwnQuery, OwnRecord};
use parlor_chat::people::{Profile, ProfileChange, ProfileChanged, UsersPage, UsersQuery};
use parlor_chat::privacy::Regard;
use parlor_chat::rules::Screening;
use parlor_chat::store::{
    Append, Appended, AttachDevice, Badge, Behind, Block, Blocked, Blocks, CommitSink, Committed,
    ConversationsCursor, ConversationsPage, Device, HistoryPage, HistoryQuery, Mark, Marked,
    MovedPage, Pending, Placed, Revoked, SealKey, SincePage, Store, StoreError, UndeliveredCursor,
    UndeliveredPage, Whose,
};

use super::ledger::Ledger;

/// A store that commits at once and keeps everything in memory.
pub struct MemoryStore {
    ledger: Mutex<Ledger>,
    sink: Arc<dyn CommitSink>,
}

impl MemoryStore {
    /// An empty one that tells its commits to the sink.
    pub fn new(sink: Arc<dyn CommitSink>) -> Self {
        Self { ledger: Mutex::new(Ledger::new(Epoch(1), None)), sink }
    }
}

fn ready<T: Send + 'static>(result: Result<T, StoreError>) -> Pending<T> {
    Box::pin(std::future::ready(result))
}

impl Store for MemoryStore {
    fn epoch(&self) -> Epoch {
        self.ledger.lock().epoch()
    }

    fn append(&self, append: Append) -> Pending<Appended> {
        let mut ledger = self.ledger.lock();
        let done = ledger.append(&append, None).map(|(appended, entry)| {
            if let Some(entry) = entry {
                // Told under the lock, so that the order of commits is the order of telling.
                self.sink.committed(&[Committed { entry, origin: append.origin }]);
            }
            let told = ledger.take_told();
            if !told.is_empty() {
                self.sink.own_changed(&told);
            }
            appended
        });
        drop(ledger);
        ready(done)
    }

    /// The simulated world has no content rules.
    fn append_screened(&self, append: Append, _: Screening) -> Pending<Appended> {
        self.append(append)
    }

    fn mark(&self, marks: Vec<Mark>) -> Pending<Vec<Marked>> {
        let mut ledger = self.ledger.lock();
        let mut marked = Vec::new();
        for mark in &marks {
            marked.push(ledger.mark(mark));
            if marked.last() != Some(&Marked::NotFound)
                && let Some(changed) = ledger.end_unread(mark)
            {
                self.sink.own_changed(&[changed]);
            }
        }
        ready(Ok(marked))
    }

    fn attach_device(&self, attach: AttachDevice) -> Pending<()> {
        ready(self.ledger.lock().attach_device(&attach))
    }

    fn devices(&self, user: UserId) -> Pending<Vec<Device>> {
        ready(Ok(self.ledger.lock().devices(&user)))
    }

    fn last_seen(&self, user: UserId) -> Pending<Option<Millis>> {
        ready(Ok(self.ledger.lock().last_seen(&user)))
    }

    fn revoke_device(&self, user: UserId, device: DeviceId, now: Millis) -> Pending<Revoked> {
        ready(Ok(self.ledger.lock().revoke_device(&user, &device, now)))
    }

    fn undelivered(
        &self,
        user: UserId,
        device: DeviceId,
        after: Option<UndeliveredCursor>,
        limit: usize,
    ) -> Pending<UndeliveredPage> {
        ready(Ok(self.ledger.lock().undelivered(&user, &device, after.as_ref(), limit)))
    }

    fn since(
        &self,
        user: UserId,
        after: Position,
        whose: Whose,
        limit: usize,
    ) -> Pending<SincePage> {
        ready(Ok(self.ledger.lock().since(&user, after, whose, limit)))
    }

    fn behind(
        &self,
        user: UserId,
        after: Position,
        whose: Whose,
        entries_max: usize,
    ) -> Pending<Behind> {
        ready(Ok(self.ledger.lock().behind(&user, after, whose, entries_max)))
    }

    fn moved(&self, user: UserId, after: Position, limit: usize) -> Pending<MovedPage> {
        ready(Ok(self.ledger.lock().moved(&user, after, limit)))
    }

    fn received(
        &self,
        user: UserId,
        device: DeviceId,
        up_to: Position,
        limit: usize,
    ) -> Pending<Vec<(ConversationId, Seq)>> {
        ready(Ok(self.ledger.lock().received(&user, &device, up_to, limit)))
    }

    fn history(&self, query: HistoryQuery) -> Pending<HistoryPage> {
        ready(self.ledger.lock().history(&query))
    }

    fn conversations(
        &self,
        user: UserId,
        cursor: Option<ConversationsCursor>,
        limit: usize,
    ) -> Pending<ConversationsPage> {
        ready(Ok(self.ledger.lock().conversations(&user, cursor, limit)))
    }

    fn badge(&self, user: UserId, now: Millis) -> Pending<Badge> {
        let ledger = self.ledger.lock();
        let page = ledger.conversations(&user, None, usize::MAX);
        let mut badge = Badge::default();
        for line in page.conversations {
            let key = OwnKey::conversation(&line.conversation);
            let places = [(OwnKind::Muted, key.clone()), (OwnKind::Unread, key)];
            let of = ledger.own_at(&user, &places);
            let value = |kind| of.iter().find(|it| it.kind == kind).and_then(|it| it.value.clone());
            let until = value(OwnKind::Muted).and_then(|until| until.0.parse().ok());
            if until.is_none_or(|until: u64| until <= now.0) {
                badge.unread += line.unread;
                let is_marked = value(OwnKind::Unread).is_some();
                badge.conversations += u64::from(line.unread > 0 || is_marked);
            }
        }
        ready(Ok(badge))
    }

    fn message_requests(
        &self,
        user: UserId,
        cursor: Option<ConversationsCursor>,
        limit: usize,
    ) -> Pending<ConversationsPage> {
        ready(Ok(self.ledger.lock().message_requests(&user, cursor, limit)))
    }

    fn block(&self, block: Block) -> Pending<Blocked> {
        ready(self.ledger.lock().block(&block))
    }

    fn blocks(&self, user: UserId) -> Pending<Blocks> {
        ready(Ok(self.ledger.lock().blocks(&user)))
    }

    fn change_own(&self, change: OwnChange) -> Pending<OwnChanged> {
        let mut ledger = self.ledger.lock();
        let done = ledger.change_own(&change).map(|(done, changed)| {
            if !changed.records.is_empty() {
                self.sink.own_changed(&[changed]);
            }
            done
        });
        drop(ledger);
        ready(done)
    }

    fn own(&self, query: OwnQuery) -> Pending<OwnPage> {
        ready(Ok(self.ledger.lock().own(&query)))
    }

    fn own_at(&self, user: UserId, places: Vec<(OwnKind, OwnKey)>) -> Pending<Vec<OwnRecord>> {
        ready(Ok(self.ledger.lock().own_at(&user, &places)))
    }

    fn regard(&self, user: UserId, other: UserId) -> Pending<Regard> {
        ready(Ok(self.ledger.lock().regard(&user, &other)))
    }

    fn entries_at(
        &self,
        user: UserId,
        places: Vec<(ConversationId, Seq)>,
    ) -> Pending<Vec<Option<Placed>>> {
        let found = self.ledger.lock().entries_at(&user, &places);
        let placed = |entry| Placed { entry, state: Default::default() };
        ready(Ok(found.into_iter().map(|entry| entry.map(placed)).collect()))
    }

    fn change_profile(&self, change: ProfileChange) -> Pending<ProfileChanged> {
        ready(Ok(self.ledger.lock().change_profile(&change)))
    }

    fn profile(&self, user: UserId) -> Pending<Profile> {
        ready(Ok(self.ledger.lock().profile(&user)))
    }

    fn users(&self, query: UsersQuery) -> Pending<UsersPage> {
        ready(Ok(self.ledger.lock().users(&query)))
    }

    fn revoke_tokens(&self, user: UserId, not_before: Millis) -> Pending<Millis> {
        ready(Ok(self.ledger.lock().revoke_tokens(&user, not_before)))
    }

    fn moderation(&self) -> &dyn Moderation {
        &Unmoderated
    }

    fn seal_key(&self) -> SealKey {
        SealKey([7; 32])
    }

    fn health(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The simulated world has no moderators.
struct Unmoderated;

fn unmoderated<T: Send + 'static>() -> Pending<T> {
    ready(Err(StoreError::Unavailable { reason: "nobody moderates here".into() }))
}

impl Moderation for Unmoderated {
    fn report(&self, _: NewReport) -> Pending<Filed> {
        unmoderated()
    }

    fn reports(&self, _: ReportsQuery) -> Pending<ReportsPage> {
        unmoderated()
    }

    fn flagged(&self, _: ConversationId, _: Seq) -> Pending<Option<Arc<Report>>> {
        ready(Ok(None))
    }

    fn take_report(&self, _: TakeReport) -> Pending<Arc<Report>> {
        unmoderated()
    }

    fn act(&self, _: Act) -> Pending<Acted> {
        unmoderated()
    }

    fn suspension(&self, _: UserId, _: Millis) -> Pending<Option<Suspension>> {
        ready(Ok(None))
    }

    fn notices(&self, _: UserId) -> Pending<Vec<Notice>> {
        ready(Ok(Vec::new()))
    }

    fn confirm_notices(&self, _: UserId, _: NoticeId) -> Pending<()> {
        ready(Ok(()))
    }

    fn audit(&self, _: AuditQuery) -> Pending<AuditPage> {
        unmoderated()
    }
}
