//! Drives a connecting device's way to live: chat's state machine decides, this file reads,
//! pushes and waits.
//!
//! One task per connecting socket, on its shard; reads of the store take turns ([`crate::turns`]). Pages go out as direct emits, each after the
//! queue of the one before has drained; the last step hands over to the gateway's held room. If
//! the store fails or the device cannot keep up, the connection is closed with a reason that a
//! stock client reconnects after.

use std::sync::Arc;
use std::time::Duration;

use parlor_chat::catch_up::{CatchUp, Next};
use parlor_chat::entry::{Entry, Position};
use parlor_chat::ids::UserId;
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::resume::{Cursor, Resume};
use parlor_chat::store::{StoreError, Whose};
use parlor_gateway::{Busy, Closed, EmitError, Frame, Released, Socket};

use crate::clock;
use crate::closing::Ending;
use crate::connect;
use crate::delivery::{NAMESPACE, frame, group_room, offset, room};
use crate::moderation;
use crate::records;
use crate::resume;
use crate::service::Service;
use crate::session::{Kind, Session, Start};

/// How often an emit is tried that the shard has no room for, and the pause between two tries.
const BUSY_TRIES_MAX: u32 = 200;
const BUSY_PAUSE: Duration = Duration::from_millis(25);

/// Why a catch-up ended before the device was live.
pub(crate) enum Stopped {
    Gone,
    Failed(Refusal),
}

impl From<Refusal> for Stopped {
    fn from(refusal: Refusal) -> Self {
        Self::Failed(refusal)
    }
}

impl From<Closed> for Stopped {
    fn from(_: Closed) -> Self {
        Self::Gone
    }
}

impl From<Busy> for Stopped {
    fn from(_: Busy) -> Self {
        Self::Failed(Refusal::overloaded())
    }
}

impl From<EmitError> for Stopped {
    fn from(error: EmitError) -> Self {
        match error {
            EmitError::Busy(busy) => busy.into(),
            EmitError::Encode(_) => Self::Failed(Refusal::Internal),
        }
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, "resume: the store failed");
        Self::Failed(of_store(&error))
    }
}

/// Brings a device up to date, or closes its connection.
pub(crate) async fn run(service: Arc<Service>, socket: Socket, session: Arc<Session>) {
    let Some(user) = session.user().cloned() else { return };
    let driven = tokio::select! {
        driven = drive(&service, &socket, &session, &user) => driven,
        // The gateway is about to close the connection.
        () = service.draining.cancelled() => return,
    };
    match driven {
        Ok(pushed) => {
            service.counters().caught_up.add(1);
            service.counters().caught_up_entries.add(pushed as u64);
            tracing::debug!(%user, device = %session.device(), pushed, "resume: caught up");
            if matches!(session.start(), Start::Recover(_)) {
                moderation::seat(&socket, &session);
            }
            moderation::remind(&service, &socket, &session).await;
        }
        Err(Stopped::Gone) => {}
        Err(Stopped::Failed(refusal)) => service.end(&session, Ending::Resume(refusal)),
    }
}

async fn drive(
    service: &Service,
    socket: &Socket,
    session: &Session,
    user: &UserId,
) -> Result<usize, Stopped> {
    let (store, limits) = (&service.store, &service.settings.limits);
    let (page_max, epoch) = (limits.catch_up_page_entries, store.epoch());
    let mut told = Position::default();
    // From before the first read on: what is committed after it may be broadcast before the join
    // is known here, and what was committed before it is read.
    session.starts_hearing();
    let greeted = !matches!(session.start(), Start::Recover(_));
    let mut out = Out { service, socket, session, user, pushed: 0, greeted };
    // An own message that another device sends meanwhile is broadcast to this one as well.
    let whose = match session.kind {
        Kind::Standard => Whose::Everyone,
        Kind::Tutorial => Whose::Others,
    };
    let Begun { mut catch_up, moved_since, proves } = begin(&mut out).await?;
    loop {
        match catch_up.next() {
            Next::ReadUndelivered(cursor) => {
                let device = session.device().clone();
                let turn = service.turns.next().await?;
                let page = store.undelivered(user.clone(), device, cursor, page_max).await?;
                drop(turn);
                // Conversation by conversation: no place in the log stands for what is out.
                out.push(&catch_up.page(page), Order::ByConversation).await?;
            }
            Next::Join => {
                let position = join(service, socket, session, user).await?;
                if proves {
                    session.starts_proving();
                }
                told = Position(position);
                catch_up.joined(told);
                // Only now: receipts that are told from here on are heard.
                if let Some(since) = moved_since {
                    resume::tell_moved(service, socket, user, since).await?;
                }
            }
            Next::ReadSince(after) => {
                let turn = service.turns.next().await?;
                let page = store.since(user.clone(), after, whose, page_max).await?;
                drop(turn);
                let entries = out.without_sent(catch_up.since(page)).await;
                out.push(&entries, Order::ByPosition).await?;
            }
            Next::Release(position) => {
                let caught_up = out.caught_up(Cursor { epoch, position }).await?;
                match release(service, socket, position, told, caught_up).await? {
                    Released::Live => {
                        session.goes_live(position);
                        catch_up.released();
                    }
                    Released::Overflowed => {
                        catch_up.overflowed();
                        // Receipts were held too; entries are read again, they are told again.
                        if let Some(since) = moved_since {
                            resume::tell_moved(service, socket, user, since).await?;
                        }
                    }
                }
            }
            Next::Rest => return Ok(out.pushed),
            Next::GiveUp => return Err(Stopped::Failed(Refusal::overloaded())),
        }
    }
}

/// Puts the socket, held, into the room of its user and those of the user's groups; gives the
/// position at which that took place.
async fn join(
    service: &Service,
    socket: &Socket,
    session: &Session,
    user: &UserId,
) -> Result<u64, Stopped> {
    let own = room(session.kind, user);
    if session.kind == Kind::Tutorial {
        return Ok(socket.join_held(vec![own]).await?);
    }
    service.know_roster(user).await?;
    let joined = service.sessions().with_roster(user, |roster| {
        socket.join_held([own].into_iter().chain(roster.groups().map(group_room)).collect())
    });
    Ok(joined.await?)
}

/// How a catch-up begins.
struct Begun {
    catch_up: CatchUp,
    /// From where on the device is told what moved.
    moved_since: Option<Position>,
    /// Whether what it is pushed says that it has what lies before: not while it reads everything
    /// anew, or a pong would confirm what it has yet to read.
    proves: bool,
}

/// Begins where the device is: by what it says of itself, if that is good, else by what it has
/// confirmed.
async fn begin(out: &mut Out<'_>) -> Result<Begun, Stopped> {
    let (service, session) = (out.service, out.session);
    let overflows_max = service.settings.limits.catch_up_overflows_max;
    let resume = match session.start() {
        Start::Unconfirmed => {
            let catch_up = CatchUp::new(overflows_max);
            return Ok(Begun { catch_up, moved_since: None, proves: true });
        }
        Start::Recover(after) => Resume::Since(after),
        Start::Resume(cursor) => resume::examine(service, out.user, cursor).await?,
    };
    match resume {
        Resume::Since(after) => {
            resume::confirm(service, session, out.user, after).await?;
            let catch_up = CatchUp::resuming(after, overflows_max);
            Ok(Begun { catch_up, moved_since: Some(after), proves: true })
        }
        Resume::Snapshot { reason, from } => {
            tracing::debug!(reason = reason.as_str(), "resume: a snapshot is due");
            let from_here = Cursor { epoch: service.store.epoch(), position: from };
            let snapshot = records::snapshot(reason, from_here);
            out.socket.emit_raw("snapshot", &records::alone(&snapshot))?;
            let catch_up = CatchUp::resuming(from, overflows_max);
            Ok(Begun { catch_up, moved_since: None, proves: false })
        }
    }
}

/// Makes the socket live from `position` on; `caught_up` goes out before everything live.
///
/// A read may see a commit before it is broadcast. Then the release has to come behind that
/// broadcast in the shard's inbox, or the entry would go out once more: it waits until the
/// delivery has handed it over, and comes the same way, from another thread.
async fn release(
    service: &Service,
    socket: &Socket,
    position: Position,
    told: Position,
    caught_up: Frame,
) -> Result<Released, Stopped> {
    if position <= told {
        return Ok(socket.release_behind(position.0, caught_up).await?);
    }
    let (delivery, socket) = (Arc::clone(service.delivery()), socket.clone());
    let released = service.outside_shards(async move {
        delivery.handed_over(position).await;
        socket.release_behind(position.0, caught_up).await
    });
    match released.await {
        Some(released) => Ok(released?),
        None => Err(Stopped::Failed(Refusal::unavailable())),
    }
}

/// Where pages go.
struct Out<'a> {
    service: &'a Service,
    socket: &'a Socket,
    session: &'a Session,
    user: &'a UserId,
    pushed: usize,
    /// Whether the client has heard `ready`.
    greeted: bool,
}

/// In which order entries are pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Each conversation by itself.
    ByConversation,
    /// As they were committed, so that each stands for all before it.
    ByPosition,
}

impl Out<'_> {
    /// The word that the device has everything up to a position. A recovered socket is answered
    /// and greeted before.
    async fn caught_up(&mut self, at: Cursor) -> Result<Frame, Stopped> {
        if !self.greeted {
            self.socket.answer_connect();
            connect::greet(self.service, self.socket, self.session)?;
            // The release may come from another thread, and would overtake this.
            self.socket.flushed(usize::MAX).await?;
            self.greeted = true;
        }
        let said = records::alone(&records::caught_up(self.pushed, at));
        Ok(Frame::event_raw(NAMESPACE, "caught_up", &said).with_offset(&at.to_string()))
    }

    /// Leaves out what this very connection sent while it was catching up: it has that.
    async fn without_sent(&self, mut entries: Vec<Arc<Entry>>) -> Vec<Arc<Entry>> {
        let last_own = entries.iter().rfind(|entry| entry.from == *self.user);
        if let Some(last_own) = last_own {
            // A read may see a commit before the delivery, which knows where it came from.
            self.service.delivery().handed_over(last_own.position).await;
            entries.retain(|entry| !self.session.has_sent(entry.position));
        }
        entries
    }

    /// Emits a frame, waiting for a while where thousands who catch up at once have filled the shard's
    /// inbox.
    async fn emit(&self, frame: Frame) -> Result<(), Stopped> {
        for _ in 0..BUSY_TRIES_MAX {
            match self.socket.emit_frame(frame.clone()) {
                Err(EmitError::Busy(_)) => tokio::time::sleep(BUSY_PAUSE).await,
                outcome => return Ok(outcome?),
            }
        }
        Err(Stopped::Failed(Refusal::overloaded()))
    }

    /// Emits a page, waiting whenever the client has yet to take most of what was queued: a page
    /// may hold more than a connection's queue can.
    async fn push(&mut self, entries: &[Arc<Entry>], order: Order) -> Result<(), Stopped> {
        let limits = &self.service.settings.limits;
        let epoch = self.service.store.epoch();
        let has_offset = self.session.recoverable && order == Order::ByPosition;
        let mut queued_bytes = 0;
        for entry in entries {
            self.session.pushed(entry, limits);
            // It may have waited for the client.
            let told = entry.told_at(clock::now());
            let Some(frame) = frame(&told, self.session.kind, self.user) else { continue };
            self.emit(match has_offset {
                true => frame.with_offset(&offset(entry, epoch)),
                false => frame,
            })
            .await?;
            self.pushed += 1;
            queued_bytes += entry.body.weight();
            if queued_bytes > limits.catch_up_queue_bytes {
                self.socket.flushed(limits.catch_up_queue_bytes).await?;
                queued_bytes = 0;
            }
        }
        if queued_bytes > 0 {
            self.socket.flushed(limits.catch_up_queue_bytes).await?;
        }
        Ok(())
    }
}
