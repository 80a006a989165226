//! From commit to sockets: hears each committed batch and hands its messages to the gateway.
//!
//! The store calls on its own thread, in commit order. For each entry whose reader has a session
//! here, the frame is encoded once and becomes one broadcast to the reader's room; the sender's
//! other sockets get a copy with the sender's `clientId`. Sessions note what is pushed to them
//! before it is pushed, and what they sent themselves while they catch up. After the batch the gateway's position is the last entry's, whether or
//! not anyone here was concerned; so a position says that everything up to it was pushed.

use std::sync::{Arc, OnceLock};

use parlor_chat::entry::{Entry, Epoch, Position};
use parlor_chat::ids::UserId;
use parlor_chat::limits::Limits;
use parlor_chat::own::OwnCommitted;
use parlor_chat::resume::Cursor;
use parlor_chat::store::{CommitSink, Committed, Origin};
use parlor_gateway::{Broadcast, Frame, Io, SocketKey};
use tokio::sync::watch;

use crate::own;
use crate::privacy::Regards;
use crate::records;
use crate::session::{Kind, Session};
use crate::sessions::{OfUser, Sessions};
use crate::stats::Counters;

/// The namespace that chat lives in.
pub(crate) const NAMESPACE: &str = "/";

/// Carries committed messages to the sockets of this node. Made first, given to the store when it
/// is opened and to the service when that is made; commits wait until the service has started.
#[derive(Debug)]
pub struct Delivery {
    limits: Limits,
    io: OnceLock<Io>,
    /// Everything up to here is in the gateway's hands.
    handed_over: watch::Sender<Position>,
    pub(crate) sessions: Sessions,
    pub(crate) regards: Regards,
    pub(crate) counters: Counters,
}

impl Delivery {
    /// Delivers nothing yet.
    pub fn new(limits: Limits) -> Arc<Self> {
        let (sessions, counters) = (Sessions::default(), Counters::default());
        let regards = Regards::new(limits.regards_cached_max);
        let handed_over = watch::Sender::default();
        Arc::new(Self { limits, io: OnceLock::new(), handed_over, sessions, regards, counters })
    }

    /// The gateway, once the service has started.
    pub(crate) fn io(&self) -> Option<&Io> {
        self.io.get()
    }

    /// Starts to deliver; everything up to `head` counts as told.
    pub(crate) fn attach(&self, io: Io, head: Position) {
        io.broadcast_batch(NAMESPACE, Vec::new(), head.0);
        self.handed_over.send_replace(head);
        let first = self.io.set(io).is_ok();
        debug_assert!(first, "a delivery has one gateway");
    }

    /// Up to where everything is in the gateway's hands.
    pub(crate) fn position(&self) -> Position {
        *self.handed_over.borrow()
    }

    /// Waits until everything up to a position is in the gateway's hands.
    pub(crate) async fn handed_over(&self, position: Position) {
        let mut handed_over = self.handed_over.subscribe();
        // The sender is `self`, so it is there.
        let _ = handed_over.wait_for(|up_to| *up_to >= position).await;
    }

    fn add(&self, committed: &Committed, out: &mut Vec<Broadcast>) {
        let entry = &*committed.entry;
        if entry.from != entry.to {
            let readers = self.sessions.of(&entry.to);
            readers.iter().for_each(|reader| reader.broadcast(entry, &self.limits));
            for kind in [Kind::Standard, Kind::Tutorial] {
                if readers.iter().any(|reader| reader.kind == kind) {
                    let offset = offset_if_kept(entry, &readers);
                    out.push(broadcast(entry, kind, &entry.to, None, offset));
                }
            }
        }
        let own = self.sessions.of(&entry.from);
        let sender = sender(&own, committed.origin);
        if let Some(sender) = sender {
            sender.sent(entry.position);
        }
        let origin = sender.and_then(|sender| sender.key());
        let hears = |session: &Arc<Session>| {
            session.kind == Kind::Standard
                && session.key().map(SocketKey::get) != Some(committed.origin.0)
        };
        if own.iter().any(hears) {
            let offset = offset_if_kept(entry, &own);
            out.push(broadcast(entry, Kind::Standard, &entry.from, origin, offset));
        }
    }
}

impl CommitSink for Delivery {
    fn committed(&self, batch: &[Committed]) {
        let Some(last) = batch.last() else { return };
        let io = self.io.wait();
        let mut broadcasts = Vec::new();
        batch.iter().for_each(|committed| self.add(committed, &mut broadcasts));
        self.counters.broadcasts.add(broadcasts.len() as u64);
        tracing::trace!(entries = batch.len(), broadcasts = broadcasts.len(), "publish");
        io.broadcast_batch(NAMESPACE, broadcasts, last.entry.position.0);
        self.handed_over.send_replace(last.entry.position);
    }

    fn own_changed(&self, changes: &[OwnCommitted]) {
        for changed in changes {
            self.regards.changed(changed);
            let own = self.sessions.of(&changed.user);
            let Some(io) = self.io().filter(|_| !own.is_empty()) else { continue };
            let origin = sender(&own, changed.origin).and_then(|sender| sender.key());
            own::tell(io, changed, origin.map(|key| io.id_of(key)));
        }
    }
}

/// The room of a user's sockets of one kind.
pub(crate) fn room(kind: Kind, user: &UserId) -> Arc<str> {
    let prefix = match kind {
        Kind::Standard => "user:",
        Kind::Tutorial => "tutorial:",
    };
    Arc::from([prefix, user.as_str()].concat())
}

/// A message as an event for sockets of one kind.
pub(crate) fn frame(entry: &Entry, kind: Kind, viewer: &UserId) -> Frame {
    let (event, object) = match kind {
        Kind::Standard => ("private_message", records::message(entry, viewer)),
        Kind::Tutorial => ("private message", records::tutorial_message(entry)),
    };
    Frame::event_raw(NAMESPACE, event, &records::alone(&object))
}

/// The offset that stands for everything up to an entry.
pub(crate) fn offset(entry: &Entry, epoch: Epoch) -> String {
    Cursor { epoch, position: entry.position }.to_string()
}

/// The offset of an entry that was just committed, if one of these sessions keeps offsets.
fn offset_if_kept(entry: &Entry, sessions: &OfUser) -> Option<String> {
    sessions.iter().any(|session| session.recoverable).then(|| offset(entry, entry.epoch))
}

fn broadcast(
    entry: &Entry,
    kind: Kind,
    to: &UserId,
    except: Option<SocketKey>,
    offset: Option<String>,
) -> Broadcast {
    let (room, frame) = (room(kind, to), frame(entry, kind, to));
    let frame = match offset {
        Some(offset) => frame.with_offset(&offset),
        None => frame,
    };
    Broadcast { room, except, frame, position: entry.position.0 }
}

fn sender(sessions: &OfUser, origin: Origin) -> Option<&Session> {
    let is_sender = |session: &&Arc<Session>| session.key().map(SocketKey::get) == Some(origin.0);
    sessions.iter().find(is_sender).map(AsRef::as_ref)
}
