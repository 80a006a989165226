//! What the nodes of one log tell each other beside the log: what is told in passing, who is where, and what
//! has to take effect everywhere at once.
//!
//! ```text
//! tell_room ──┬─► sockets of this node
//!             └─► bus ─► the other nodes' ear ─► line ─► one task, behind the log ─► their sockets
//! ```
//!
//! An event in passing carries how far the log was when it was said, and goes out on another node only
//! behind that (`behind`): rooms follow the log, so who is out of a group by then does not hear it. What
//! takes somebody's leave, such as a revoked device, waits for nothing.
//!
//! Words may be lost. When they may have been ([`Ear::missed`]), what could be wrong by that is looked up
//! again (`missed`). Where there is no bus all of this costs one look at an empty cell.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use parlor_chat::bus::{Bus, Ear, NodeId, Topic};
use parlor_chat::entry::{Millis, Position};
use parlor_chat::ids::{ConversationId, DeviceId, Seq, UserId};
use parlor_chat::trace::{TraceContext, Traced};
use parlor_gateway::SocketKey;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::closing::Ending;
use crate::delivery::{NAMESPACE, room};
use crate::service::Service;
use crate::session::Kind;
use crate::{blocks, clock, moderation, records};

mod behind;
mod crowds;
mod elsewhere;
mod missed;
mod word;

use behind::{Behind, Event};
use crowds::Crowds;
use elsewhere::{Elsewhere, SEATED_WITHIN};
pub(crate) use missed::recover;
use missed::{Missed, What};
pub(crate) use word::{Address, Word};

/// Words that may wait to be carried out; beyond it they count as missed.
const LINE_MAX: usize = 8_192;
/// How often what is known of who is where is tidied.
const TIDY_EVERY: Duration = Duration::from_secs(30);
/// How often all seats are said again, as the directory wants it.
const RESEAT_EVERY: Duration = Duration::from_secs(8 * 3_600);
/// Users who are asked for at once.
const ASKED_AT_ONCE: usize = 256;

/// This node among the others.
#[derive(Default)]
pub(crate) struct Nodes {
    bus: OnceLock<Arc<dyn Bus>>,
    line: Mutex<Option<mpsc::Receiver<Heard>>>,
    /// Whether there was no room in the line.
    overflowed: Arc<AtomicBool>,
    missed: Missed,
    pub(crate) elsewhere: Elsewhere,
    pub(crate) crowds: Crowds,
}

impl std::fmt::Debug for Nodes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Nodes").field("elsewhere", &self.elsewhere).finish_non_exhaustive()
    }
}

/// What the bus says.
enum Heard {
    Word(NodeId, Vec<u8>),
    Missed,
    Left(NodeId),
    Forgotten,
}

struct TalkEar {
    line: mpsc::Sender<Heard>,
    /// That there was no room, which whoever makes some finds.
    overflowed: Arc<AtomicBool>,
}

impl TalkEar {
    fn put(&self, heard: Heard) {
        if self.line.try_send(heard).is_err() {
            self.overflowed.store(true, Ordering::Relaxed);
        }
    }
}

impl Ear for TalkEar {
    fn heard(&self, from: NodeId, message: &[u8]) {
        self.put(Heard::Word(from, message.to_vec()));
    }

    fn missed(&self) {
        self.put(Heard::Missed);
    }

    fn left(&self, node: NodeId) {
        self.put(Heard::Left(node));
    }

    fn forgotten(&self) {
        self.put(Heard::Forgotten);
    }
}

impl Nodes {
    /// Speaks with other nodes from now on.
    pub(crate) fn join(&self, bus: Arc<dyn Bus>) {
        let (line, heard) = mpsc::channel(LINE_MAX);
        *self.line.lock() = Some(heard);
        if self.bus.set(Arc::clone(&bus)).is_ok() {
            let overflowed = Arc::clone(&self.overflowed);
            bus.listen(Topic::Talk, Arc::new(TalkEar { line, overflowed }));
        }
    }

    /// Whether others may be elsewhere.
    pub(crate) fn are_many(&self) -> bool {
        self.bus.get().is_some()
    }

    /// That hints of what other nodes committed may have been missed.
    pub(crate) fn hints_missed(&self) {
        self.missed.note(What::Hints);
    }

    /// Tells the other nodes something.
    pub(crate) fn say(&self, word: &Word<'_>) {
        self.say_of(word, None);
    }

    /// Tells them something that is part of a span.
    fn say_of(&self, word: &Word<'_>, of: Option<TraceContext>) {
        if let Some(bus) = self.bus.get() {
            bus.publish(Topic::Talk, word.encode(of));
        }
    }
}

/// Carries out what other nodes say, as long as the service runs.
pub(crate) async fn run(service: Arc<Service>) {
    let Some(mut line) = service.nodes().line.lock().take() else { return };
    let mut behind = Behind::default();
    let mut tidy = tokio::time::interval(TIDY_EVERY);
    let mut reseat = tokio::time::interval(RESEAT_EVERY);
    let mut crowds = tokio::time::interval(crowds::ASK_EVERY);
    crowds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let first = behind.first();
        let log_is_there = async {
            match first {
                Some((after, until)) => {
                    let log = service.delivery().handed_over(after);
                    tokio::time::timeout_at(until, log).await.is_ok()
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            heard = line.recv() => match heard {
                Some(heard) => {
                    service.hear(heard, &mut behind);
                    if service.nodes().overflowed.swap(false, Ordering::Relaxed) {
                        service.missed();
                    }
                }
                None => break,
            },
            is_there = log_is_there => match behind.pop() {
                Some(event) if is_there => service.tell_event(&event),
                _ => tracing::debug!("an event in passing came to nothing"),
            },
            _ = crowds.tick() => service.ask_of_crowds(),
            _ = tidy.tick() => service.tidy(),
            _ = reseat.tick() => service.seat_everybody(),
            () = service.ending.cancelled() => break,
        }
    }
}

impl Service {
    pub(crate) fn nodes(&self) -> &Nodes {
        &self.delivery().nodes
    }

    /// Emits an event, whose argument is a JSON object, to a room on all nodes; on this one not to the
    /// socket that knows it already.
    pub(crate) fn tell_room(
        &self,
        to: &Address<'_>,
        knows: Option<SocketKey>,
        event: &str,
        object: &str,
    ) {
        self.tell_here(to, knows, event, &records::alone(object));
        self.tell_elsewhere(to, event, object);
    }

    /// Emits an event, whose argument is a JSON object, to a room on the other nodes.
    pub(crate) fn tell_elsewhere(&self, to: &Address<'_>, event: &str, object: &str) {
        if self.nodes().are_many() {
            let after = self.delivery().position().0;
            let (to, event, said) = (to.clone(), event.into(), records::alone(object).into());
            let word = Word::Emit { after, to, event, said };
            self.nodes().say_of(&word, self.traces().publish());
        }
    }

    /// Emits an event that was said on another node.
    fn tell_event(&self, event: &Event) {
        self.tell_here(&event.to, None, &event.event, &event.said);
        if let (Some(traced), Some(io)) = (event.traced, self.io()) {
            self.traces().delivered(io, traced, (&*event.to.room).into());
        }
    }

    fn tell_here(&self, to: &Address<'_>, knows: Option<SocketKey>, event: &str, said: &str) {
        let Some(io) = self.io() else { return };
        let mut sockets = io.of(NAMESPACE).to(&*to.room);
        if let Some(except) = &to.except {
            sockets = sockets.except(&**except);
        }
        if let Some(knows) = knows {
            sockets = sockets.except(io.id_of(knows).to_string());
        }
        if to.volatile {
            sockets = sockets.volatile();
        }
        if let Err(error) = sockets.emit_raw(event, said) {
            tracing::debug!(%error, event, "publish: an event was not told");
        }
    }

    /// Emits an event to a user's sockets on all nodes, but for the one that knows it already.
    pub(crate) fn tell_user(
        &self,
        user: &UserId,
        knows: Option<SocketKey>,
        event: &str,
        object: &str,
    ) {
        let room = room(Kind::Standard, user);
        let to = Address { room: (&*room).into(), except: None, volatile: false };
        self.tell_room(&to, knows, event, object);
    }

    /// Tells the other nodes that a device was revoked.
    pub(crate) fn tell_revoked(&self, user: &UserId, device: &DeviceId) {
        let (user, device) = (user.as_str().into(), device.as_str().into());
        self.nodes().say(&Word::DeviceRevoked { user, device });
    }

    /// Takes that a session of a user has come or gone.
    pub(crate) fn seated(&self, user: &UserId, now: Millis) {
        self.presence.changed(user, || self.is_connected(user), now);
        self.seat(user);
    }

    /// Says to the other nodes where a user is connected here.
    fn seat(&self, user: &UserId) {
        let Some(bus) = self.nodes().bus.get() else { return };
        let devices = self.devices_here(user);
        bus.seat(user.clone(), devices.clone());
        // The name of the shared one is empty.
        let devices = devices.iter().map(|device| device.as_str().into()).collect();
        self.nodes().say(&Word::Seat { user: user.as_str().into(), devices });
    }

    /// The devices on which a user is connected to this node.
    pub(crate) fn devices_here(&self, user: &UserId) -> Vec<DeviceId> {
        let sessions = self.sessions().of(user);
        let mut devices: Vec<_> = sessions.iter().map(|it| it.device().clone()).collect();
        devices.sort_unstable();
        devices.dedup();
        devices
    }

    /// Whether a user is connected to this node, or to another as far as that is known.
    pub(crate) fn is_connected(&self, user: &UserId) -> bool {
        self.sessions().is_here(user) || self.nodes().elsewhere.has(user)
    }

    /// Whether a user may be connected anywhere.
    pub(crate) fn may_be_connected(&self, user: &UserId) -> bool {
        self.nodes().are_many() || self.sessions().is_here(user)
    }

    /// Asks the directory where else users are; what it does not answer stays as it was known.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn find_elsewhere(&self, users: &[UserId]) {
        let Some(bus) = self.nodes().bus.get() else { return };
        for some in users.chunks(ASKED_AT_ONCE) {
            let asked = clock::now();
            match bus.elsewhere(some.to_vec()).await {
                Ok(found) => {
                    for (user, seats) in some.iter().zip(found) {
                        if self.nodes().elsewhere.learn(user, seats, asked) {
                            self.presence.changed(user, || self.is_connected(user), clock::now());
                        }
                    }
                }
                Err(error) => return tracing::debug!(%error, "presence: only this node is known"),
            }
        }
    }

    /// Asks the directory once more a moment later: what a node said just before may have been missed, or not
    /// kept for want of room, and not yet be in it.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn find_again(&self, users: &[UserId]) {
        if self.nodes().are_many() {
            tokio::time::sleep(SEATED_WITHIN).await;
            self.find_elsewhere(users).await;
        }
    }

    fn hear(self: &Arc<Self>, heard: Heard, behind: &mut Behind) {
        match heard {
            Heard::Word(from, message) => match word::decode(&message) {
                Some((word, of)) => self.carry_out(from, word, of, behind),
                None => tracing::debug!(%from, "a word of another node is not understood"),
            },
            Heard::Missed => self.missed(),
            Heard::Left(node) => {
                let now = clock::now();
                for user in self.nodes().elsewhere.left(node) {
                    self.presence.changed(&user, || self.is_connected(&user), now);
                }
            }
            Heard::Forgotten => self.seat_everybody(),
        }
    }

    fn carry_out(
        self: &Arc<Self>,
        from: NodeId,
        word: Word<'_>,
        of: Option<TraceContext>,
        behind: &mut Behind,
    ) {
        let now = clock::now();
        let user = |name: &str| UserId::parse(name).ok();
        match word {
            Word::Emit { after, to, event, said } => {
                let (event, said) = (event.into(), said.into());
                let traced = of.map(|of| Traced { of, since: Instant::now(), is_remote: true });
                let (after, to) = (Position(after), to.into_owned());
                let event = Event { after, to, event, said, traced };
                if let Some(event) = behind.take(event, self.delivery().position()) {
                    self.tell_event(&event);
                }
            }
            Word::Seat { user: name, devices } => {
                let (Some(user), Some(devices)) = (user(&name), devices_of(&devices)) else {
                    return;
                };
                let (is_watched, goes) = (self.presence.is_watched(&user), devices.is_empty());
                let elsewhere = &self.nodes().elsewhere;
                let has_changed = elsewhere.seat(from, &user, devices, is_watched, now);
                // That somebody goes is noted of everybody, as of those who go here: since when they are
                // not here, others may ask at any node.
                if has_changed || goes {
                    self.presence.changed(&user, || self.is_connected(&user), now);
                }
            }
            Word::Decided { user: name } => {
                if let Some(user) = user(&name) {
                    blocks::decided(self, &user);
                }
            }
            Word::DeviceRevoked { user: name, device } => {
                let (Some(user), Ok(device)) = (user(&name), DeviceId::parse(&device)) else {
                    return;
                };
                let sessions = self.sessions().revoke(&user, &device, now);
                sessions.iter().for_each(|session| self.end(session, Ending::Revoked));
            }
            Word::TokensRevoked { user: name, not_before } => {
                let Some(user) = user(&name) else { return };
                let sessions = self.sessions().revoke_tokens(&user, Millis(not_before), now);
                sessions.iter().for_each(|session| self.end(session, Ending::Revoked));
            }
            Word::Suspended { user: name, until } => {
                let Some(user) = user(&name) else { return };
                moderation::close_suspended(self, &user, until.map(Millis));
            }
            Word::Unsuspended { user: name } => {
                if let Some(user) = user(&name) {
                    self.sessions().unsuspend(&user);
                }
            }
            Word::CrowdAsk { groups } => self.answer_of_crowds(&groups),
            Word::CrowdCount { group, online, typing } => {
                self.learn_of_crowd(from, &group, online, &typing);
            }
            Word::CrowdMarked { conversation, after, up_to } => {
                let Ok(conversation) = ConversationId::parse(&conversation) else { return };
                let Some(group) = conversation.group_id() else { return };
                self.crowd().sizes.learn(&group, true);
                self.crowd().marked(&conversation, Seq(after), Seq(up_to));
            }
        }
    }

    fn seat_everybody(&self) {
        let mut users = Vec::new();
        self.sessions().sweep(clock::now(), |session| users.extend(session.user().cloned()));
        users.dedup();
        users.iter().for_each(|user| self.seat(user));
    }

    fn tidy(&self) {
        match self.nodes().bus.get().map(|bus| bus.stats().is_up) {
            // Nobody says what has changed.
            Some(false) => self.missed(),
            Some(true) => self.nodes().missed.heard_up_to(self.delivery().position()),
            None => {}
        }
        let watched = |user: &UserId| self.presence.is_watched(user);
        self.nodes().elsewhere.sweep(clock::now(), watched);
    }
}

fn devices_of(names: &[std::borrow::Cow<'_, str>]) -> Option<Vec<DeviceId>> {
    let device = |name: &str| match name {
        "" => Some(DeviceId::shared()),
        name => DeviceId::parse(name).ok(),
    };
    names.iter().map(|name| device(name)).collect()
}
