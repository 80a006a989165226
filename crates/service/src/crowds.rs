//! Groups in which many are: `conversation_open` and `conversation_close`, and what is told of such a
//! group's receipts, typing and presence, to whom.
//!
//! Chat's machine knows who has what open and when something is due; [`run`] looks up the present truth
//! then, outside of every lock, and emits it to each socket that has the conversation open, and receipts
//! to the authors' other sockets. Nothing of it touches what is sent in a group. Open conversations are an
//! index and not rooms, as subscriptions to presence are: what a socket is told depends on what it knows,
//! on whose it is and since when that user is in.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use parlor_chat::crowds::{Bounds, Crowds, Kind, Viewer};
use parlor_chat::entry::Millis;
use parlor_chat::group::port::ReceiptCount;
use parlor_chat::ids::{ConversationId, GroupId, Seq, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::StoreError;
use parlor_gateway::{Frame, SocketKey};
use tokio::sync::Notify;

use crate::clock;
use crate::commands::Payload;
use crate::delivery::NAMESPACE;
use crate::dispatch::{Caller, Work};
use crate::fields::{Fields, required};
use crate::receipts::is_a_member;
use crate::records;
use crate::service::Service;
use crate::session::Session;

mod lines;
mod sizes;

use sizes::Sizes;

/// Messages whose counts one packet tells, the newest of those that have moved.
const RECEIPTS_TOLD_MAX: usize = 32;
/// Users that one packet names who type.
const TYPISTS_NAMED_MAX: usize = 5;
/// Packets that are emitted in one go, and the pause behind them, as with presence.
const BURST_PACKETS: usize = 2_048;
const BURST_PAUSE: Duration = Duration::from_millis(2);

/// Who has what open, and which groups are large.
#[derive(Debug)]
pub(crate) struct Crowd {
    machine: Mutex<Crowds<SocketKey>>,
    /// Told when something is due earlier than before.
    sooner: Notify,
    pub(crate) sizes: Sizes,
}

/// `conversation_open {conversationId}`.
pub(crate) fn open(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let conversation = conversation(payload)?;
    caller.charge(service)?;
    is_a_member(caller.user, &conversation)?;
    let (user, key) = (caller.user.clone(), caller.socket.key());
    let Some(group) = conversation.group_id() else {
        let opened = service.crowd().open(key, &user, &conversation, Seq(0), caller.now);
        return opened.map(|()| Work::Done(records::ok()));
    };
    let (service, socket) = (Arc::clone(service), caller.socket.clone());
    Ok(Work::Later(Box::pin(async move {
        let failed = |error: StoreError| of_store(&error);
        service.know_roster(&user).await?;
        if !service.sessions().with_roster(&user, |roster| roster.has(&group)) {
            return Err(Refusal::NotAMember);
        }
        let view = service.groups.group(user.clone(), group.clone()).await.map_err(failed)?;
        let since = view.membership.ok_or(Refusal::NotAMember)?.joined;
        // Under the roster's lock: who is removed meanwhile is so before, or finds it open.
        service.sessions().with_roster(&user, |roster| match roster.has(&group) {
            true => service.crowd().open(key, &user, &conversation, since, clock::now()),
            false => Err(Refusal::NotAMember),
        })?;
        // What a socket has open ends with it, also if it was gone before this.
        let is_here = |session: &Session| {
            service.sessions().of(&user).iter().any(|here| std::ptr::eq(&**here, session))
        };
        if !socket.data::<Session>().is_some_and(is_here) {
            service.crowd().forget(key);
        }
        Ok(records::ok())
    })))
}

/// `conversation_close {conversationId}`.
pub(crate) fn close(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let conversation = conversation(payload)?;
    caller.charge(service)?;
    service.crowd().with(|machine| machine.close(caller.socket.key(), &conversation));
    Ok(Work::Done(records::ok()))
}

fn conversation(payload: Payload<'_>) -> Result<ConversationId, Refusal> {
    let fields = Fields::parse(payload, ["conversationId"])?;
    required("conversationId", fields.id("conversationId", ConversationId::parse)?)
}

impl Crowd {
    pub(crate) fn new(limits: &Limits) -> Self {
        let bounds =
            Bounds { gather_ms: limits.crowd_gather_ms, open_max: limits.open_conversations_max };
        let machine = Mutex::new(Crowds::new(bounds));
        let sizes = Sizes::new(limits.receipts_members_max);
        Self { machine, sooner: Notify::new(), sizes }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Crowds<SocketKey>) -> T) -> T {
        let mut machine = self.machine.lock();
        let before = machine.next_due();
        let done = act(&mut machine);
        let is_sooner = match (before, machine.next_due()) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(before), Some(after)) => after < before,
        };
        drop(machine);
        if is_sooner {
            self.sooner.notify_one();
        }
        done
    }

    fn open(
        &self,
        key: SocketKey,
        user: &UserId,
        conversation: &ConversationId,
        since: Seq,
        now: Millis,
    ) -> Result<(), Refusal> {
        let opened = self.with(|machine| machine.open(key, user, conversation, since, now));
        opened.map_err(|_| Refusal::TooManyOpen)
    }

    /// Closes all that a socket has open that is gone.
    pub(crate) fn forget(&self, key: SocketKey) {
        self.with(|machine| machine.forget(key));
    }

    /// Closes a group for a user who is out of it, or for everybody.
    pub(crate) fn end(&self, group: &GroupId, user: Option<&UserId>) {
        self.with(|machine| machine.end(&ConversationId::group(group), user));
    }

    /// Says that a mark moved in a large group.
    pub(crate) fn marked(&self, conversation: &ConversationId, after: Seq, up_to: Seq) {
        self.with(|machine| machine.marked(conversation, after, up_to, clock::now()));
    }

    /// Says that who types in a group, or how many of it are here, has changed.
    pub(crate) fn changed(&self, group: &GroupId, kind: Kind) {
        let conversation = ConversationId::group(group);
        self.with(|machine| machine.changed(&conversation, kind, clock::now()));
    }

    /// Says that a user of these groups has come.
    pub(crate) fn came<'a>(&self, groups: impl Iterator<Item = &'a GroupId>) {
        groups.for_each(|group| self.changed(group, Kind::Presence));
    }

    /// Says that a user of these groups has gone, and counts as online until then.
    pub(crate) fn went<'a>(&self, groups: impl Iterator<Item = &'a GroupId>, until: Millis) {
        self.with(|machine| {
            groups.for_each(|group| machine.changes_at(&ConversationId::group(group), until));
        });
    }
}

/// Tells what is due, until the service closes.
pub(crate) async fn run(service: Arc<Service>) {
    let crowd = service.crowd();
    let mut burst = Burst::default();
    loop {
        let next = crowd.machine.lock().next_due();
        let due = async {
            match next {
                Some(at) => {
                    let ms = at.0.saturating_sub(clock::now().0);
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            () = crowd.sooner.notified() => continue,
            () = service.closed.cancelled() => break,
            () = service.ending.cancelled() => break,
        }
        let mut present = HashSet::new();
        for (conversation, kind) in crowd.with(|machine| machine.due(clock::now())) {
            let Some(group) = conversation.group_id() else { continue };
            match kind {
                Kind::Receipts => tell_receipts(&service, &conversation, &group, &mut burst).await,
                Kind::Typing => tell_typing(&service, &conversation, &group, &mut burst).await,
                Kind::Presence => {
                    present.insert(group);
                }
            }
        }
        if !present.is_empty() {
            tell_presence(&service, present, &mut burst).await;
        }
    }
}

/// Counts packets since the last pause.
#[derive(Debug, Default)]
struct Burst(usize);

impl Burst {
    async fn emit(&mut self, service: &Service, to: SocketKey, event: &str, said: &str) {
        let Some(io) = service.io() else { return };
        let frame = Frame::event_raw(NAMESPACE, event, said);
        self.emit_frame(service, io, to, frame).await;
    }

    async fn emit_frame(
        &mut self,
        service: &Service,
        io: &parlor_gateway::Io,
        to: SocketKey,
        frame: Frame,
    ) {
        match io.emit_to(to, frame) {
            Ok(()) => service.counters().crowd_told.add(1),
            Err(error) => tracing::debug!(%error, "publish: a count was not told"),
        }
        self.0 += 1;
        if self.0 >= BURST_PACKETS {
            self.0 = 0;
            tokio::time::sleep(BURST_PAUSE).await;
        }
    }
}

async fn tell_receipts(
    service: &Service,
    conversation: &ConversationId,
    group: &GroupId,
    burst: &mut Burst,
) {
    let crowd = service.crowd();
    let Some((after, up_to)) = crowd.with(|machine| machine.moved(conversation)) else { return };
    let counts = service.groups.receipt_counts(group.clone(), after, up_to, RECEIPTS_TOLD_MAX);
    let counts = match counts.await {
        Ok(counts) => counts,
        Err(error) => {
            tracing::warn!(%error, %conversation, "publish: receipts were not counted");
            // To be counted again after the interval.
            crowd.marked(conversation, after, up_to);
            return;
        }
    };
    let viewers = crowd.with(|machine| machine.viewers(conversation));
    let open: HashSet<SocketKey> = viewers.iter().map(|(key, _)| *key).collect();
    for (key, Viewer { user, since, .. }) in viewers {
        let mine = counts.iter().filter(|count| count.seq >= since).collect();
        tell_counts(service, conversation, (key, &user), mine, burst).await;
    }
    let authors: HashSet<&UserId> = counts.iter().map(|count| &count.author).collect();
    for author in authors {
        if !service.sessions().with_roster(author, |roster| roster.has(group)) {
            continue;
        }
        let mine: Vec<_> = counts.iter().filter(|count| count.author == *author).collect();
        for session in service.sessions().of(author) {
            if let Some(key) = session.key().filter(|key| !open.contains(key)) {
                tell_counts(service, conversation, (key, author), mine.clone(), burst).await;
            }
        }
    }
}

/// Tells one socket of the counts that its user may see.
async fn tell_counts(
    service: &Service,
    conversation: &ConversationId,
    (key, user): (SocketKey, &UserId),
    counts: Vec<&ReceiptCount>,
    burst: &mut Burst,
) {
    if !counts.is_empty() {
        let hears_reads = service.tells_reads(user, user).await;
        let said = records::alone(&lines::receipts(conversation, &counts, hears_reads));
        burst.emit(service, key, "receipts", &said).await;
    }
}

async fn tell_typing(
    service: &Service,
    conversation: &ConversationId,
    group: &GroupId,
    burst: &mut Burst,
) {
    let users = service.typing.many_in(group);
    let told = service.crowd().with(|machine| machine.typing(conversation, users.clone()));
    for (key, viewer) in told {
        let others: Vec<&UserId> = users.iter().filter(|user| **user != viewer).collect();
        let said = lines::typing(conversation, &others, TYPISTS_NAMED_MAX);
        burst.emit(service, key, "typing", &records::alone(&said)).await;
    }
}

/// Tells of some groups how many of each are online, by one look at who is here.
async fn tell_presence(service: &Service, groups: HashSet<GroupId>, burst: &mut Burst) {
    let mut large = HashSet::new();
    for group in groups {
        match service.is_large(&group).await {
            Ok(true) => {
                large.insert(group);
            }
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, "publish: the size of a group was not read");
                service.crowd().changed(&group, Kind::Presence);
            }
        }
    }
    let mut counts = service.sessions().count_online(&large, clock::now());
    for group in large {
        let count = counts.remove(&group).unwrap_or(0);
        let conversation = ConversationId::group(&group);
        let told = service.crowd().with(|machine| machine.online(&conversation, count));
        let said = records::alone(&lines::presence(&conversation, count));
        for key in told {
            burst.emit(service, key, "presence", &said).await;
        }
    }
}

impl Service {
    pub(crate) fn crowd(&self) -> &Crowd {
        &self.delivery().crowd
    }

    /// Whether a group has more members than are told of each other.
    ///
    /// # Errors
    /// [`StoreError`] when it is not known and cannot be read.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn is_large(&self, group: &GroupId) -> Result<bool, StoreError> {
        let sizes = &self.crowd().sizes;
        let changes = match sizes.fresh(group) {
            Ok(is_large) => return Ok(is_large),
            Err(changes) => changes,
        };
        let members = self.groups.group_size(group.clone()).await?;
        Ok(sizes.read(group, members, changes))
    }
}
