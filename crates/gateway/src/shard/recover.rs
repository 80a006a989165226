//! Recovery in memory, as one shard sees it: what a lost socket leaves, and how it comes back. A
//! claim waits its turn among the ordered operations; then the session is taken, and when the
//! socket joins, what it missed goes out before the CONNECT is answered.

use std::sync::Arc;

use super::output::FRAME_COST;
use super::send::When;
use super::timers::{Kind, Timer};
use super::{Place, Shard};
use crate::frame::Frame;
use crate::ids::SocketId;
use crate::namespace::{ConnectError, ConnectRequest, Data};
use crate::reason::DisconnectReason;
use crate::recovery::{Claim, Session};
use crate::shared::Shared;
use crate::socket::Identity;
use crate::stats::Counters;

/// How often is looked for lost sockets whose time is over.
pub(super) const FORGET_MS: u64 = 1_000;

/// What a socket left when it was lost, and what its client last heard.
pub(crate) struct Left {
    session: Session,
    offset: u64,
}

/// A lost socket that is about to join.
pub(super) struct Comeback {
    pub(super) session: Session,
    missed: Vec<Frame>,
}

/// What a socket that joins is known by, if it is recoverable or was.
pub(super) fn identity(
    shared: &Shared,
    performed: u64,
    pid: Option<Arc<str>>,
    id: Option<SocketId>,
    session: Option<&Session>,
) -> Option<Box<Identity>> {
    let made = || {
        let number = shared.recovery.as_ref()?.next_pid();
        Some(Arc::from(shared.seal.private_id(number).as_str()))
    };
    let pid = session.map(|it| Arc::clone(&it.pid)).or(pid).or_else(made);
    let id = session.map(|it| it.id).or(id);
    let since = session.map_or(performed, |it| it.since);
    (pid.is_some() || id.is_some()).then(|| Box::new(Identity { pid, id, since }))
}

impl Shard {
    /// A client that wishes to join says that it was here before.
    pub(super) fn claimed(
        &mut self,
        place: Place,
        space: u32,
        request: ConnectRequest,
        claim: &Claim,
    ) {
        let shared = Arc::clone(&self.shared);
        let Some(recovery) = &shared.recovery else { return };
        if self.connections.get(place.0, place.1).is_none() {
            return self.decided(place, space, Err(ConnectError::default()), None);
        }
        let session = recovery.take(&request.namespace, claim);
        let left = session.map(|session| Left { session, offset: claim.offset });
        let comeback = left.and_then(|left| self.comeback(left));
        let Some(comeback) = comeback else {
            Counters::add(&self.counters().not_recovered, 1);
            return self.examine(place, space, request, None);
        };
        if recovery.config.skip_middlewares {
            return self.decided(place, space, Ok(Data::none()), Some(comeback));
        }
        let left = Left { session: comeback.session, offset: claim.offset };
        self.examine(place, space, request, Some(Box::new(left)));
    }

    /// The middlewares have decided.
    pub(super) fn examined(
        &mut self,
        place: Place,
        space: u32,
        outcome: Result<Data, ConnectError>,
        left: Option<Box<Left>>,
    ) {
        let Some(left) = left else { return self.decided(place, space, outcome, None) };
        if outcome.is_err() || self.connections.get(place.0, place.1).is_none() {
            // The session waits on: its client may come again.
            if let Some(recovery) = &self.shared.recovery {
                recovery.save(left.session);
            }
            return self.decided(place, space, outcome, None);
        }
        let comeback = self.comeback(*left);
        if comeback.is_none() {
            Counters::add(&self.counters().not_recovered, 1);
        }
        self.decided(place, space, outcome, comeback);
    }

    /// What a session has missed up to now, if that is known and a connection takes it.
    fn comeback(&self, left: Left) -> Option<Comeback> {
        let Left { session, offset } = left;
        let recovery = self.shared.recovery.as_ref()?;
        let missed = recovery.missed(&session, offset, self.performed)?;
        let bytes: usize = missed.iter().map(|frame| 2 * (frame.len() + FRAME_COST)).sum();
        (bytes <= self.shared.config.output_bytes_max).then_some(Comeback { session, missed })
    }

    /// Gives a socket that joins its rooms again, and what it missed.
    pub(super) fn come_back(&mut self, place: Place, slot: u32, comeback: Comeback) {
        let Some(number) = self.sockets.at(slot).map(|member| member.space) else { return };
        if let Some(Some(space)) = self.spaces.get_mut(number as usize) {
            for room in &comeback.session.rooms {
                space.rooms.join(room, slot, &mut self.sockets);
            }
        }
        Counters::add(&self.counters().recovered, 1);
        for frame in comeback.missed {
            self.send(place, frame.recoverable(), When::Batched);
        }
    }

    /// Keeps what a socket leaves that is lost.
    pub(super) fn save_session(&mut self, slot: u32, reason: DisconnectReason) {
        let Some(recovery) = &self.shared.recovery else { return };
        let Some(member) = self.sockets.at(slot).filter(|_| reason.is_recoverable()) else {
            return;
        };
        let inner = member.handle.inner();
        let Some(identity) = &inner.identity else { return };
        let Some(pid) = &identity.pid else { return };
        let Some(Some(space)) = self.spaces.get(member.space as usize) else { return };
        recovery.save(Session {
            namespace: Arc::clone(&inner.namespace),
            pid: Arc::clone(pid),
            id: member.handle.id(),
            rooms: space.rooms.names(&member.rooms).cloned().collect(),
            data: inner.data.clone(),
            since: identity.since,
            ends_at: recovery.end_of_waiting(),
        });
    }

    /// Lets go of lost sockets whose time is over, and looks again in a while.
    pub(super) fn forget_expired(&mut self) {
        if let Some(recovery) = &self.shared.recovery {
            recovery.forget_expired();
        }
        self.wheel.insert(self.now_ms + FORGET_MS, Timer::of_the_shard(Kind::Forget));
    }
}
