//! Presence: chat's state machine, driven by sessions that come and go and by the clock.
//!
//! Whatever changes who is here says so by [`Presences::changed`]; whether a user is here is looked up
//! in the sessions, and in what is known of other nodes, under the machine's lock, so that the last of
//! several calls is right however they raced. One task ([`run`]) tells what is due: it reads who may see the user, takes from the machine
//! whom to tell, and emits one encoded frame to those sockets.
//!
//! Subscriptions are an index in the machine and not rooms of the gateway. Who hears depends on the
//! pair (of two subscribers to one user one may be blocked), and each is told only what it does not
//! know, which a room cannot; an index has exact bounds; and a socket in some rooms joins another
//! one by going through them all. Sessions hold nothing of it: who never subscribes costs nothing.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;
use parlor_chat::limits::Limits;
use parlor_chat::presence::{Bounds, Presence, Ticket, TooMany, View};
use parlor_gateway::{Frame, Io, Socket, SocketKey};
use tokio::sync::Notify;

use crate::clock;
use crate::delivery::NAMESPACE;
use crate::records;
use crate::service::Service;

mod asking;
mod lines;

pub(crate) use asking::{presence, subscribe, unsubscribe};

/// Users who are told of before the clock is looked at again.
const BATCH_USERS: usize = 64;
/// Packets that are emitted in one go, a fraction of what a shard's inbox takes, and the pause behind
/// them: others emit too, and commits wait for room.
const BURST_PACKETS: usize = 2_048;
const BURST_PAUSE: Duration = Duration::from_millis(2);
/// Milliseconds after which what could not be told is tried again.
const AGAIN_MS: u64 = 100;

/// Who is online, and who is told.
#[derive(Debug)]
pub(crate) struct Presences {
    machine: Mutex<Presence<SocketKey>>,
    /// Told when something is due earlier than before.
    sooner: Notify,
    /// Held from the moment that something counts as told until it is in the gateway's hands.
    telling: tokio::sync::Mutex<()>,
}

impl Presences {
    pub(crate) fn new(limits: &Limits) -> Self {
        let bounds = Bounds {
            grace_ms: limits.presence_grace_ms,
            gather_ms: limits.presence_gather_ms,
            subscriptions_max: limits.presence_subscriptions_max,
            in_grace_max: limits.presence_in_grace_max,
            remembered_max: limits.presence_remembered_max,
        };
        let machine = Mutex::new(Presence::new(bounds));
        Self { machine, sooner: Notify::new(), telling: tokio::sync::Mutex::new(()) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Presence<SocketKey>) -> T) -> T {
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

    /// Says that a session of the user has come or gone, here or on another node.
    pub(crate) fn changed(&self, user: &UserId, is_connected: impl Fn() -> bool, now: Millis) {
        self.with(|machine| machine.changed(user, is_connected(), now));
    }

    /// Whether somebody is told of the user.
    pub(crate) fn is_watched(&self, user: &UserId) -> bool {
        self.machine.lock().is_watched(user)
    }

    /// Says that others may see more, or less, of a user than before.
    pub(crate) fn look_again(&self, user: &UserId) {
        self.with(|machine| machine.look_again(user, clock::now()));
    }

    /// Ends the subscriptions of a socket that is gone.
    pub(crate) fn forget(&self, socket: SocketKey) {
        self.with(|machine| machine.forget(socket));
    }

    /// How many subscriptions there are, and how many changes were never told.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let machine = self.machine.lock();
        (machine.subscriptions() as u64, machine.coalesced())
    }

    /// Waits until everything that counts as told to a socket was written to it, so that no answer
    /// overtakes it: answers go before what comes from other threads.
    async fn written(&self, service: &Service, socket: &Socket) {
        drop(self.telling.lock().await);
        let socket = socket.clone();
        // From a thread that is no shard's, behind what was told from there. That the socket is gone
        // its subscriptions hear by themselves.
        let _ = service.outside_shards(async move { socket.flushed(usize::MAX).await }).await;
    }

    fn subscribe(
        &self,
        is_connected: impl Fn(&UserId) -> bool,
        socket: SocketKey,
        viewer: &UserId,
        users: &[UserId],
    ) -> Result<Ticket, TooMany> {
        self.with(|machine| {
            let here = |user: &UserId| (user.clone(), is_connected(user));
            let users: Vec<_> = users.iter().map(here).collect();
            machine.subscribe(socket, viewer, &users)
        })
    }
}

/// Tells what is due, until the service closes: that users leave because the server goes down is
/// nobody's news.
pub(crate) async fn run(service: Arc<Service>) {
    let presences = &service.presence;
    let mut burst = 0;
    loop {
        let next = presences.machine.lock().next_due();
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
            () = presences.sooner.notified() => continue,
            () = service.closed.cancelled() => break,
            () = service.ending.cancelled() => break,
        }
        let users = presences.with(|machine| machine.due(clock::now(), BATCH_USERS));
        for user in users {
            tell(&service, &user, &mut burst).await;
        }
    }
}

/// Tells subscribers of a user what they do not know; `burst` counts packets since the last pause.
async fn tell(service: &Service, user: &UserId, burst: &mut usize) {
    let presences = &service.presence;
    let circle = match service.visibility().of(&*service.store, user).await {
        Ok(circle) => circle,
        Err(error) => {
            tracing::warn!(%error, %user, "presence: who may see it was not read");
            presences.with(|machine| machine.postpone(user, AGAIN_MS));
            return;
        }
    };
    let Some(io) = service.io() else { return };
    let _telling = presences.telling.lock().await;
    let tells = presences.with(|machine| machine.tell(user, |viewer| circle.may_see(viewer)));
    let mut frames = Frames { user, made: Vec::new() };
    let mut told = 0;
    for tell in &tells {
        if frames.emit(io, tell.to, tell.view) {
            told += 1;
        } else {
            presences.with(|machine| machine.untold(user, tell, AGAIN_MS));
        }
        *burst += 1;
        if *burst >= BURST_PACKETS {
            *burst = 0;
            tokio::time::sleep(BURST_PAUSE).await;
        }
    }
    service.counters().presence_told.add(told);
}

/// What is told of a user, each view encoded once.
struct Frames<'a> {
    user: &'a UserId,
    made: Vec<(View, Frame)>,
}

impl Frames<'_> {
    /// Whether the gateway took it.
    fn emit(&mut self, io: &Io, to: SocketKey, view: View) -> bool {
        let made = self.made.iter().find(|(of, _)| *of == view).map(|(_, frame)| frame.clone());
        let frame = made.unwrap_or_else(|| {
            let said = records::alone(&lines::event(self.user, view));
            let frame = Frame::event_raw(NAMESPACE, "presence", &said);
            self.made.push((view, frame.clone()));
            frame
        });
        match io.emit_to(to, frame) {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(%error, "presence: to be told again");
                false
            }
        }
    }
}
