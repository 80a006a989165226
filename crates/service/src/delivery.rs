//! From commit to sockets: hears each committed batch and hands its messages to the gateway.
//!
//! The store calls on its own thread, in commit order. For each entry whose reader has a session
//! here, the frame is encoded once and becomes one broadcast to the reader's room; the sender's
//! other sockets get a copy with the sender's `clientId`. Sessions note what is pushed to them
//! before it is pushed, and what they sent themselves while they catch up. An entry of a group is one
//! broadcast to the group's room, whoever is in it; who comes in by it enters the room before, and who
//! goes leaves it behind it. After the batch the gateway's position is the last entry's, whether or
//! not anyone here was concerned; so a position says that everything up to it was pushed.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use parlor_chat::crowds::Kind as News;
use parlor_chat::entry::{Body, Entry, Epoch, Position};
use parlor_chat::group::Gone;
use parlor_chat::ids::{ConversationId, GroupId, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::own::OwnCommitted;
use parlor_chat::resume::Cursor;
use parlor_chat::store::{CommitSink, Committed, Origin};
use parlor_chat::trace::{Took, Traced};
use parlor_gateway::{Broadcast, Frame, Io, SocketKey};
use tokio::sync::watch;

use crate::clock;
use crate::crowds::Crowd;
use crate::group_rules::Ruled;
use crate::nodes::Nodes;
use crate::own;
use crate::presence::Presences;
use crate::privacy::Regards;
use crate::records;
use crate::rosters::Change;
use crate::session::{Kind, Session};
use crate::sessions::{OfUser, Sessions};
use crate::stats::Counters;
use crate::tails::Tails;
use crate::traces::{self, Traces};
use crate::visibility::Visibility;

/// The namespace that chat lives in.
pub(crate) const NAMESPACE: &str = "/";

/// Carries committed messages to the sockets of this node. Made first, given to the store when it
/// is opened and to the service when that is made; commits wait until the service has started.
#[derive(Debug)]
pub struct Delivery {
    limits: Limits,
    io: OnceLock<Io>,
    /// What was committed up to there was so before this node served anybody.
    began: OnceLock<Position>,
    /// Everything up to here is in the gateway's hands.
    handed_over: watch::Sender<Position>,
    pub(crate) sessions: Sessions,
    pub(crate) tails: Tails,
    pub(crate) crowd: Crowd,
    pub(crate) regards: Regards,
    pub(crate) visibility: Visibility,
    pub(crate) ruled: Ruled,
    pub(crate) presence: Arc<Presences>,
    pub(crate) nodes: Nodes,
    pub(crate) counters: Counters,
    pub(crate) traces: Traces,
}

impl Delivery {
    /// Delivers nothing yet.
    pub fn new(limits: Limits) -> Arc<Self> {
        let sessions = Sessions::new(limits.presence_grace_ms);
        let (crowd, counters) = (Crowd::new(&limits), Counters::default());
        let regards = Regards::new(limits.regards_cached_max);
        let handed_over = watch::Sender::default();
        let (io, tails) = (OnceLock::new(), Tails::default());
        let visibility = Visibility::new(&limits);
        let presence = Arc::new(Presences::new(&limits));
        let (ruled, nodes, began) = (Ruled::new(&limits), Nodes::default(), OnceLock::new());
        Arc::new(Self {
            limits,
            io,
            began,
            handed_over,
            sessions,
            tails,
            crowd,
            regards,
            visibility,
            ruled,
            presence,
            nodes,
            counters,
            traces: Traces::default(),
        })
    }

    /// The gateway, once the service has started.
    pub(crate) fn io(&self) -> Option<&Io> {
        self.io.get()
    }

    /// Starts to deliver; everything up to `head` counts as told.
    pub(crate) fn attach(&self, io: Io, head: Position) {
        io.broadcast_batch(NAMESPACE, Vec::new(), head.0);
        self.handed_over.send_replace(head);
        self.began.get_or_init(|| head);
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

    /// Adds an entry to what is to be broadcast, or broadcasts that before rooms change.
    fn add(&self, io: &Io, committed: &Committed, out: &mut Vec<Broadcast>) {
        match (&committed.entry.to, committed.entry.conversation.group_id()) {
            _ if committed.entry.is_shadowed() => self.add_to_sender(committed, out),
            (Some(to), _) => self.add_direct(committed, to, out),
            (None, Some(group)) => self.add_to_group(io, committed, &group, out),
            (None, None) => self.add_to_two(committed, out),
        }
    }

    /// Shows that an entry was handed to the gateway, to whoever is in its room.
    fn delivered(&self, io: &Io, entry: &Entry, traced: Traced) {
        let room = match (&entry.to, entry.conversation.group_id()) {
            (_, Some(group)) => group_room(&group),
            (Some(to), None) if !entry.is_shadowed() => room(Kind::Standard, to),
            _ => room(Kind::Standard, &entry.from),
        };
        self.traces.delivered(io, traced, room);
    }

    fn add_to_group(
        &self,
        io: &Io,
        committed: &Committed,
        group: &GroupId,
        out: &mut Vec<Broadcast>,
    ) {
        let entry = &*committed.entry;
        let room = group_room(group);
        let own = self.sessions.of(&entry.from);
        let sender = sender(&own, committed.origin);
        if let Some(sender) = sender {
            sender.sent(entry.position);
        }
        self.tails.note(group, entry, clock::now());
        self.ruled.follow(group, entry);
        if let Body::Changed(change) = &entry.body {
            self.flush(io, out, entry.position.0 - 1);
            for user in change.joined(&entry.from) {
                self.follow(io, user, entry.position, group, true);
            }
        }
        let frame = group_frame(entry, None).with_offset(&offset(entry, entry.epoch));
        let except = sender.and_then(|sender| sender.key());
        out.push(Broadcast { room: room.clone(), except, frame, position: entry.position.0 });
        let Body::Changed(change) = &entry.body else { return };
        match change.left(&entry.from) {
            Gone::Nobody => {}
            Gone::One(user) => {
                self.flush(io, out, entry.position.0);
                self.follow(io, user, entry.position, group, false);
            }
            Gone::Everybody => {
                self.flush(io, out, entry.position.0);
                self.crowd.sizes.changed(group);
                self.crowd.end(group, None);
                // Rosters keep it: nothing follows in that room.
                io.of(NAMESPACE).to(room.clone()).leave([room]);
            }
        }
    }

    /// Lets a user's roster, and the rooms of their sockets, follow a change of membership.
    fn follow(&self, io: &Io, user: &UserId, position: Position, group: &GroupId, is_in: bool) {
        let change = Change { position, group: group.clone(), is_in };
        self.crowd.sizes.changed(group);
        self.sessions.follow(user, change, || {
            let sockets = io.of(NAMESPACE).to(room(Kind::Standard, user));
            match is_in {
                true => sockets.join([group_room(group)]),
                false => {
                    self.crowd.end(group, Some(user));
                    sockets.leave([group_room(group)]);
                }
            }
        });
        self.crowd.changed(group, News::Presence);
    }

    /// Broadcasts what was gathered, so that what is asked of the shards next comes behind it.
    fn flush(&self, io: &Io, out: &mut Vec<Broadcast>, position: u64) {
        if !out.is_empty() {
            self.counters.broadcasts.add(out.len() as u64);
            io.broadcast_batch(NAMESPACE, std::mem::take(out), position);
        }
    }

    /// What the system did in the direct conversation of two others: all devices of both hear it.
    fn add_to_two(&self, committed: &Committed, out: &mut Vec<Broadcast>) {
        let entry = &*committed.entry;
        let Some((low, high)) = entry.conversation.direct_members() else { return };
        let alone = low == high;
        for user in [low].iter().chain((!alone).then_some(&high)) {
            let readers = self.sessions.of(user);
            readers.iter().for_each(|reader| reader.broadcast(entry, &self.limits));
            if readers.iter().any(|reader| reader.kind == Kind::Standard) {
                let offset = offset_if_kept(entry, &readers);
                out.extend(broadcast(entry, Kind::Standard, user, None, offset));
            }
        }
    }

    fn add_direct(&self, committed: &Committed, to: &UserId, out: &mut Vec<Broadcast>) {
        let entry = &*committed.entry;
        if entry.from != *to {
            let readers = self.sessions.of(to);
            readers.iter().for_each(|reader| reader.broadcast(entry, &self.limits));
            for kind in [Kind::Standard, Kind::Tutorial] {
                if readers.iter().any(|reader| reader.kind == kind) {
                    let offset = offset_if_kept(entry, &readers);
                    out.extend(broadcast(entry, kind, to, None, offset));
                }
            }
        }
        self.add_to_sender(committed, out);
    }

    /// Adds an entry for the sender's other sockets.
    fn add_to_sender(&self, committed: &Committed, out: &mut Vec<Broadcast>) {
        let entry = &*committed.entry;
        let own = self.sessions.of(&entry.from);
        let sender = sender(&own, committed.origin);
        if let Some(sender) = sender {
            sender.sent(entry.position);
        }
        let origin = sender.and_then(|sender| sender.key());
        let hears = |session: &Arc<Session>| {
            session.kind == Kind::Standard
                && session.key().map(SocketKey::get) != Some(committed.origin.connection)
        };
        if own.iter().any(hears) {
            let offset = offset_if_kept(entry, &own);
            out.extend(broadcast(entry, Kind::Standard, &entry.from, origin, offset));
        }
    }
}

impl CommitSink for Delivery {
    fn committed(&self, batch: &[Committed]) {
        let (io, now) = (self.io.wait(), Instant::now());
        let began = self.began.get().copied().unwrap_or_default();
        let told = batch.partition_point(|committed| committed.entry.position <= began);
        let batch = &batch[told..];
        let Some(last) = batch.last() else { return };
        let mut broadcasts = Vec::new();
        for committed in batch {
            match committed.entry.has_expired(clock::now()) {
                false => self.add(io, committed, &mut broadcasts),
                true => {
                    let entry = committed.entry.told_at(clock::now());
                    let late = Committed { entry, origin: committed.origin };
                    self.add(io, &late, &mut broadcasts);
                }
            }
        }
        self.counters.broadcasts.add(broadcasts.len() as u64);
        tracing::trace!(entries = batch.len(), broadcasts = broadcasts.len(), "publish");
        io.broadcast_batch(NAMESPACE, broadcasts, last.entry.position.0);
        self.handed_over.send_replace(last.entry.position);
        for committed in batch {
            if let Some(traced) = committed.origin.traced {
                self.delivered(io, &committed.entry, traces::arrived(traced, now));
            }
        }
    }

    fn took(&self, traced: &[Traced], took: &Took) {
        self.traces.took(traced, took);
    }

    fn own_missed(&self) {
        self.nodes.hints_missed();
    }

    fn own_changed(&self, changes: &[OwnCommitted]) {
        for changed in changes {
            let now = Instant::now();
            self.regards.changed(changed);
            if self.visibility.own_changed(changed) {
                self.presence.look_again(&changed.user);
            }
            let own = self.sessions.of(&changed.user);
            let Some(io) = self.io().filter(|_| !own.is_empty()) else { continue };
            let origin = sender(&own, changed.origin).and_then(|sender| sender.key());
            own::tell(io, changed, origin.map(|key| io.id_of(key)));
            if let Some(traced) = changed.origin.traced {
                let room = room(Kind::Standard, &changed.user);
                self.traces.delivered(io, traces::arrived(traced, now), room);
            }
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

/// The room of the sockets of a group's members.
pub(crate) fn group_room(group: &GroupId) -> Arc<str> {
    Arc::from(ConversationId::group(group).as_str())
}

/// An entry of a group as an event; the sender's own idempotency key is for the sender alone.
fn group_frame(entry: &Entry, viewer: Option<&UserId>) -> Frame {
    let event = match entry.body {
        Body::Said(_) | Body::Gone => "group_message",
        Body::Changed(_) | Body::Acted(_) | Body::App(_) | Body::TimerSet(_) => "entry",
    };
    Frame::event_raw(NAMESPACE, event, &records::alone(&records::entry(entry, viewer)))
}

/// An entry as an event for sockets of one kind; `None` if it is none of theirs.
pub(crate) fn frame(entry: &Entry, kind: Kind, viewer: &UserId) -> Option<Frame> {
    match (&entry.to, kind) {
        (Some(_), kind) => direct_frame(entry, kind, viewer),
        (None, Kind::Standard) => Some(group_frame(entry, Some(viewer))),
        (None, Kind::Tutorial) => None,
    }
}

/// The simplest tutorial knows nothing but what is said.
fn direct_frame(entry: &Entry, kind: Kind, viewer: &UserId) -> Option<Frame> {
    let (event, object) = match (kind, &entry.body) {
        (Kind::Standard, Body::Said(_) | Body::Gone) => {
            ("private_message", records::entry(entry, Some(viewer)))
        }
        (Kind::Standard, _) => ("entry", records::entry(entry, Some(viewer))),
        (Kind::Tutorial, Body::Said(_)) => ("private message", records::tutorial_message(entry)),
        (Kind::Tutorial, _) => return None,
    };
    Some(Frame::event_raw(NAMESPACE, event, &records::alone(&object)))
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
) -> Option<Broadcast> {
    let (room, frame) = (room(kind, to), frame(entry, kind, to)?);
    let frame = match offset {
        Some(offset) => frame.with_offset(&offset),
        None => frame,
    };
    Some(Broadcast { room, except, frame, position: entry.position.0 })
}

fn sender(sessions: &OfUser, origin: Origin) -> Option<&Session> {
    let is_sender =
        |session: &&Arc<Session>| session.key().map(SocketKey::get) == Some(origin.connection);
    sessions.iter().find(is_sender).map(AsRef::as_ref)
}
