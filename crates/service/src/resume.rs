//! Devices that say how far they are: `sync`, and what `auth.resume` comes to.
//!
//! The store says how far behind a position is, chat decides whether that is good, and the device
//! gets what moved since, or the word that a snapshot is due. A device that names a position has
//! thereby confirmed everything up to it.

use std::sync::Arc;

use parlor_chat::entry::Position;
use parlor_chat::ids::UserId;
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::resume::{Cursor, Reason, Resume, decide};
use parlor_chat::store::{Mark, MarkKind, StoreError, Whose};
use parlor_gateway::Socket;

use crate::catch_up::Stopped;
use crate::clock;
use crate::commands::{self, Payload};
use crate::dispatch::{Caller, Work};
use crate::records;
use crate::service::Service;
use crate::session::Session;

/// As how many commands a `sync` counts: it may look at every conversation of its user.
const SYNC_COMMANDS: u32 = 8;

/// What a device that is at `cursor` gets pushed.
pub(crate) async fn examine(
    service: &Service,
    user: &UserId,
    cursor: Cursor,
) -> Result<Resume, Stopped> {
    let _turn = service.turns.next().await?;
    let entries_max = service.settings.limits.resume_entries_max;
    let (after, whose) = (cursor.position, Whose::Everyone);
    let behind = service.store.behind(user.clone(), after, whose, entries_max).await?;
    let resume = decide(cursor, service.store.epoch(), behind, entries_max);
    let counters = service.counters();
    match resume {
        Resume::Since(_) => counters.resumed.add(1),
        Resume::Snapshot { .. } => counters.snapshots.add(1),
    }
    Ok(resume)
}

/// Takes that a device has everything up to a position.
pub(crate) async fn confirm(
    service: &Service,
    session: &Session,
    user: &UserId,
    up_to: Position,
) -> Result<(), StoreError> {
    let (device, max) = (session.device(), service.settings.limits.unconfirmed_entries_max);
    let received = service.store.received(user.clone(), device.clone(), up_to, max).await?;
    let now = clock::now();
    for (conversation, seq) in received {
        let kind = MarkKind::Delivered(device.clone());
        service.receipts.prove(service, Mark { user: user.clone(), conversation, seq, kind, now });
    }
    Ok(())
}

/// Tells a device that resumes what it has missed beside messages. That may be more than a
/// connection's queue holds beside anything else: nothing waits before it, and little behind.
pub(crate) async fn tell_moved(
    service: &Service,
    socket: &Socket,
    user: &UserId,
    since: Position,
) -> Result<(), Stopped> {
    let turn = service.turns.next().await?;
    let max = service.settings.limits.sync_conversations_max;
    let moved = service.store.moved(user.clone(), since, max).await?;
    drop(turn);
    let told = records::moved(&moved, user);
    socket.flushed(1).await?;
    socket.emit_raw("moved", &records::alone(&told))?;
    Ok(socket.flushed(service.settings.limits.catch_up_queue_bytes).await?)
}

/// `sync {epoch, pos}`: which conversations moved since, or that a snapshot is due.
pub(crate) fn sync(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let cursor = commands::cursor(payload)?;
    caller.charge_as(service, SYNC_COMMANDS)?;
    caller.session.keeps_position();
    let epoch = service.store.epoch();
    if cursor.epoch != epoch {
        let position = service.delivery().position();
        let at = Cursor { epoch, position };
        return Ok(Work::Done(records::synced_snapshot(Reason::Epoch, at)));
    }
    let (service, user) = (Arc::clone(service), caller.user.clone());
    Ok(Work::Later(Box::pin(async move {
        let _turn = service.turns.next().await?;
        let answer = answer_sync(&service, &user, cursor).await;
        answer.map_err(|error| of_store(&error))
    })))
}

async fn answer_sync(
    service: &Service,
    user: &UserId,
    cursor: Cursor,
) -> Result<String, StoreError> {
    let epoch = service.store.epoch();
    let max = service.settings.limits.sync_conversations_max;
    let moved = service.store.moved(user.clone(), cursor.position, max).await?;
    let at = Cursor { epoch, position: moved.as_of };
    let reason = if cursor.position > moved.as_of {
        Some(Reason::Ahead)
    } else {
        moved.more.then_some(Reason::TooFar)
    };
    Ok(match reason {
        Some(reason) => records::synced_snapshot(reason, at),
        None => records::synced(&moved, at, user),
    })
}
