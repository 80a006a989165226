//! Drives a connecting device's way to live: chat's state machine decides, this file reads,
//! pushes and waits.
//!
//! One task per connecting socket, on its shard. Pages go out as direct emits, each after the
//! queue of the one before has drained; the last step hands over to the gateway's held room. If
//! the store fails or the device cannot keep up, the connection is closed with a reason that a
//! stock client reconnects after.

use std::sync::Arc;

use parlor_chat::catch_up::{CatchUp, Next};
use parlor_chat::entry::{Entry, Position};
use parlor_chat::ids::UserId;
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::{StoreError, Whose};
use parlor_gateway::{Busy, Closed, EmitError, Released, Socket};

use crate::closing::Ending;
use crate::delivery::{frame, room};
use crate::records;
use crate::service::Service;
use crate::session::Session;

/// Why a catch-up ended before the device was live.
enum Stopped {
    Gone,
    Failed(Refusal),
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
    let page_max = limits.catch_up_page_entries;
    let mut catch_up = CatchUp::new(limits.catch_up_overflows_max);
    let mut told = Position::default();
    // From before the first read on: what is committed after it may be broadcast before the join
    // is known here, and what was committed before it is read.
    session.starts_hearing();
    let mut out = Out { service, socket, session, user, pushed: 0 };
    loop {
        match catch_up.next() {
            Next::ReadUndelivered(cursor) => {
                let device = session.device().clone();
                let page = store.undelivered(user.clone(), device, cursor, page_max).await?;
                out.push(&catch_up.page(page)).await?;
            }
            Next::Join => {
                let position = socket.join_held(&room(session.kind, user)).await?;
                session.starts_proving();
                told = Position(position);
                catch_up.joined(told);
            }
            Next::ReadSince(after) => {
                let page = store.since(user.clone(), after, Whose::Others, page_max).await?;
                out.push(&catch_up.since(page)).await?;
            }
            Next::Release(position) => match release(service, socket, position, told).await? {
                Released::Live => catch_up.released(),
                Released::Overflowed => catch_up.overflowed(),
            },
            Next::Rest => {
                socket.emit_raw("caught_up", &records::alone(&records::caught_up(out.pushed)))?;
                return Ok(out.pushed);
            }
            Next::GiveUp => return Err(Stopped::Failed(Refusal::overloaded())),
        }
    }
}

/// Makes the socket live from `position` on.
///
/// A read may see a commit before it is broadcast. Then the release has to come behind that
/// broadcast in the shard's inbox, or the entry would go out once more: it waits until the
/// delivery has handed it over, and comes the same way, from another thread.
async fn release(
    service: &Service,
    socket: &Socket,
    position: Position,
    told: Position,
) -> Result<Released, Stopped> {
    if position <= told {
        return Ok(socket.release(position.0).await?);
    }
    let (delivery, socket) = (Arc::clone(service.delivery()), socket.clone());
    let released = service.outside_shards(async move {
        delivery.handed_over(position).await;
        socket.release(position.0).await
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
}

impl Out<'_> {
    /// Emits a page, waiting whenever the client has yet to take most of what was queued: a page
    /// may hold more than a connection's queue can.
    async fn push(&mut self, entries: &[Arc<Entry>]) -> Result<(), Stopped> {
        let limits = &self.service.settings.limits;
        let mut queued_bytes = 0;
        for entry in entries {
            self.session.pushed(entry, limits);
            self.socket.emit_frame(frame(entry, self.session.kind, self.user))?;
            self.pushed += 1;
            queued_bytes += entry.content.0.len();
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
