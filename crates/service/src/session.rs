//! One connection of one device: who it is, and what it has under way.
//!
//! A session is attached to its socket as the socket's data and listed in
//! [`crate::sessions::Sessions`]; it knows its socket only by key, so that the two never keep
//! each other alive. It is kept small, since there may be a million: what is rare is boxed, and
//! there is no timer.

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use parking_lot::Mutex;
use parlor_chat::aborts::{Aborts, Order};
use parlor_chat::entry::{Entry, Millis, Position};
use parlor_chat::ids::{ClientId, ConversationId, DeviceId, Seq, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::moderation::Role;
use parlor_chat::rate::{Bucket, Rate, TooFast};
use parlor_chat::receipts::Unconfirmed;
use parlor_chat::refusal::Refusal;
use parlor_chat::resume::Cursor;
use parlor_gateway::SocketKey;

/// Messages that a session may send while it catches up and not be pushed itself; of more, the
/// oldest come back to it.
const SENT_MEANWHILE_MAX: usize = 1_024;
const NEVER: u64 = u64::MAX;

/// Which events a session speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The event protocol.
    Standard,
    /// The simplest tutorial's events (`--dev` only).
    Tutorial,
}

/// One connection of one device.
#[derive(Debug)]
pub(crate) struct Session {
    user: OnceLock<UserId>,
    device: DeviceId,
    key: OnceLock<SocketKey>,
    /// When it came, before its device was attached.
    pub(crate) since: Millis,
    expires_ms: AtomicU64,
    /// When its token was issued; 0 if that does not say.
    issued_ms: AtomicU64,
    heard_ms: AtomicU64,
    pub(crate) kind: Kind,
    /// Whether its client keeps offsets.
    pub(crate) recoverable: bool,
    /// What its token lets it do, as a number.
    role: AtomicU8,
    flow: Mutex<Flow>,
}

#[derive(Debug, Default)]
struct Flow {
    bucket: Bucket,
    unconfirmed: Unconfirmed,
    stage: Stage,
    /// Whether a proof of receipt speaks of all that was pushed: not before the socket is held.
    proves: bool,
    /// Up to here a proof says nothing new of what was broadcast to groups.
    groups_proved: Position,
    rare: Option<Box<Rare>>,
}

/// How far a session is on its way to being live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    /// Nothing was read for it.
    #[default]
    New,
    /// Broadcasts reach it, or will be read for it, so that they have to be noted.
    CatchingUp,
    /// Broadcasts go straight to it.
    Live,
}

#[derive(Debug, Default)]
struct Rare {
    aborts: Aborts,
    /// The places in the log of what it sent before it was live.
    sent_meanwhile: VecDeque<Position>,
    start: Start,
    /// The number of the attempt to recover that it is; 0 for one that is none.
    attempt: u64,
    track: Option<Track>,
}

/// From where a session catches up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Start {
    /// From what its device has not confirmed.
    #[default]
    Unconfirmed,
    /// From where its client says it is.
    Resume(Cursor),
    /// From where it was when it was cut off: it is the same socket again.
    Recover(Position),
}

/// What the client of a session that keeps a position was pushed, and told of it.
#[derive(Debug, Default)]
struct Track {
    pushed: Position,
    told: Position,
}

impl Session {
    /// The session of an authenticated user.
    pub(crate) fn new(
        user: UserId,
        device: DeviceId,
        expires: Option<Millis>,
        now: Millis,
    ) -> Self {
        let session = Self::unregistered(device, now);
        session.renew(expires);
        Self { user: OnceLock::from(user), kind: Kind::Standard, ..session }
    }

    /// A session that has yet to register a user id.
    pub(crate) fn unregistered(device: DeviceId, now: Millis) -> Self {
        Self {
            user: OnceLock::new(),
            device,
            key: OnceLock::new(),
            since: now,
            expires_ms: AtomicU64::new(NEVER),
            issued_ms: AtomicU64::new(0),
            heard_ms: AtomicU64::new(now.0),
            kind: Kind::Tutorial,
            recoverable: false,
            role: AtomicU8::new(0),
            flow: Mutex::default(),
        }
    }

    /// Says what its token lets it do.
    pub(crate) fn with_role(self, role: Role) -> Self {
        self.set_role(role);
        self
    }

    pub(crate) fn set_role(&self, role: Role) {
        self.role.store(role as u8, Ordering::Relaxed);
    }

    /// What its token lets it do.
    pub(crate) fn role(&self) -> Role {
        let number = self.role.load(Ordering::Relaxed);
        let roles = [Role::Moderator, Role::Admin].into_iter();
        roles.into_iter().find(|role| *role as u8 == number).unwrap_or_default()
    }

    /// Says that its client keeps offsets.
    pub(crate) fn recoverable(self) -> Self {
        Self { recoverable: true, ..self }
    }

    /// Says when its token was issued.
    pub(crate) fn issued(self, issued: Option<Millis>) -> Self {
        self.reissue(issued);
        self
    }

    /// When its token was issued, if that says so.
    pub(crate) fn token_issued(&self) -> Option<Millis> {
        let issued = self.issued_ms.load(Ordering::SeqCst);
        (issued > 0).then_some(Millis(issued))
    }

    /// From now on it has a token that was issued then.
    pub(crate) fn reissue(&self, issued: Option<Millis>) {
        self.issued_ms.store(issued.map_or(0, |at| at.0), Ordering::SeqCst);
    }

    /// Whether its token was issued before a time, or does not say when.
    pub(crate) fn is_issued_before(&self, not_before: Millis) -> bool {
        self.issued_ms.load(Ordering::SeqCst) < not_before.0
    }

    /// Says from where it catches up.
    pub(crate) fn starting(self, start: Start) -> Self {
        if start != Start::Unconfirmed {
            let rare = Rare { start, track: Some(Track::default()), ..Rare::default() };
            self.flow.lock().rare = Some(Box::new(rare));
        }
        self
    }

    /// Says that it recovers what its client heard up to a position, and which attempt to recover, of
    /// all on this node, that is.
    pub(crate) fn recovering(self, after: Position, attempt: u64) -> Self {
        let session = self.starting(Start::Recover(after));
        session.flow.lock().rare.get_or_insert_default().attempt = attempt;
        session
    }

    /// The number of the attempt to recover that it is; 0 for one that is none, and is therefore older
    /// than any that recovers its socket.
    pub(crate) fn attempt(&self) -> u64 {
        self.flow.lock().rare.as_ref().map_or(0, |rare| rare.attempt)
    }

    /// From where it catches up.
    pub(crate) fn start(&self) -> Start {
        self.flow.lock().rare.as_ref().map(|rare| rare.start).unwrap_or_default()
    }

    /// Whether its CONNECT may not have been answered: that of one that recovers is when it is live.
    pub(crate) fn is_unanswered(&self) -> bool {
        matches!(self.start(), Start::Recover(_)) && self.flow.lock().stage != Stage::Live
    }

    /// From now on its client keeps a position.
    pub(crate) fn keeps_position(&self) {
        self.flow.lock().rare.get_or_insert_default().track.get_or_insert_default();
    }

    /// Whether its client keeps a position.
    pub(crate) fn is_keeping_position(&self) -> bool {
        self.flow.lock().track().is_some()
    }

    /// The newest position that its client was pushed and not told of since the last call; `None`
    /// while it catches up, or if it was not handed to the gateway yet, which is at `handed_over`.
    pub(crate) fn untold_position(&self, handed_over: Position) -> Option<Position> {
        let mut flow = self.flow.lock();
        let is_live = flow.stage == Stage::Live;
        let track = flow.track()?;
        let untold = is_live && track.told < track.pushed && track.pushed <= handed_over;
        untold.then(|| {
            track.told = track.pushed;
            track.told
        })
    }

    /// Whose it is, if that is known yet.
    pub(crate) fn user(&self) -> Option<&UserId> {
        self.user.get()
    }

    /// Says whose it is; only the first call counts.
    pub(crate) fn register(&self, user: UserId) -> Result<(), Refusal> {
        self.user.set(user).map_err(|_| Refusal::AlreadyRegistered)
    }

    pub(crate) fn device(&self) -> &DeviceId {
        &self.device
    }

    /// Its socket, once it is connected.
    pub(crate) fn key(&self) -> Option<SocketKey> {
        self.key.get().copied()
    }

    pub(crate) fn connected(&self, key: SocketKey) {
        let first = self.key.set(key).is_ok();
        debug_assert!(first, "a session has one socket");
    }

    /// When its token ends.
    pub(crate) fn expires(&self) -> Option<Millis> {
        let ms = self.expires_ms.load(Ordering::Relaxed);
        (ms != NEVER).then_some(Millis(ms))
    }

    pub(crate) fn renew(&self, expires: Option<Millis>) {
        self.expires_ms.store(expires.map_or(NEVER, |at| at.0), Ordering::Relaxed);
    }

    /// When something last came from it.
    pub(crate) fn heard(&self) -> Millis {
        Millis(self.heard_ms.load(Ordering::Relaxed))
    }

    pub(crate) fn hear(&self, now: Millis) {
        self.heard_ms.store(now.0, Ordering::Relaxed);
    }

    pub(crate) fn charge(&self, rate: &Rate, now: Millis, commands: u32) -> Result<(), TooFast> {
        self.flow.lock().bucket.take_many(rate, now, commands)
    }

    /// From now on broadcasts are noted: they reach it, or will be read for it.
    pub(crate) fn starts_hearing(&self) {
        self.flow.lock().stage = Stage::CatchingUp;
    }

    /// From now on broadcasts go straight to it; its client was told that it has all up to `at`.
    pub(crate) fn goes_live(&self, at: Position) {
        let mut flow = self.flow.lock();
        flow.stage = Stage::Live;
        flow.groups_proved = at;
        if let Some(track) = flow.track() {
            track.told = track.told.max(at);
        }
        if let Some(rare) = &mut flow.rare {
            rare.sent_meanwhile = VecDeque::new();
        }
    }

    /// Notes the place of an entry that it sent itself.
    pub(crate) fn sent(&self, position: Position) {
        let mut flow = self.flow.lock();
        if flow.stage != Stage::Live {
            let sent = &mut flow.rare.get_or_insert_default().sent_meanwhile;
            if sent.len() >= SENT_MEANWHILE_MAX {
                sent.pop_front();
            }
            sent.push_back(position);
        }
    }

    /// Whether it sent the entry at a position itself, on its way to being live.
    pub(crate) fn has_sent(&self, position: Position) -> bool {
        let flow = self.flow.lock();
        flow.rare.as_ref().is_some_and(|rare| rare.sent_meanwhile.binary_search(&position).is_ok())
    }

    /// Notes an entry that is about to be broadcast.
    pub(crate) fn broadcast(&self, entry: &Entry, limits: &Limits) {
        let mut flow = self.flow.lock();
        if flow.stage != Stage::New {
            flow.pushed(entry, limits);
        }
    }

    /// Notes an entry that is about to be sent to it alone.
    pub(crate) fn pushed(&self, entry: &Entry, limits: &Limits) {
        self.flow.lock().pushed(entry, limits);
    }

    /// From now on its proofs of receipt count. Earlier ones may be older than the pages that were
    /// pushed meanwhile.
    pub(crate) fn starts_proving(&self) {
        self.flow.lock().proves = true;
    }

    /// Takes what it has proved to have received.
    pub(crate) fn confirmed(&self, position: Position) -> Vec<(ConversationId, Seq)> {
        let mut flow = self.flow.lock();
        if flow.proves { flow.unconfirmed.confirmed(position) } else { Vec::new() }
    }

    /// Takes that it has proved to have received what was broadcast to groups up to a position;
    /// gives from where on that is news.
    pub(crate) fn groups_proved(&self, position: Position) -> Option<Position> {
        let mut flow = self.flow.lock();
        let is_news = flow.proves && flow.stage == Stage::Live && flow.groups_proved < position;
        is_news.then(|| std::mem::replace(&mut flow.groups_proved, position))
    }

    /// Notes that everything up to a position was pushed to it, of a group.
    pub(crate) fn group_pushed(&self, position: Position) {
        if let Some(track) = self.flow.lock().track() {
            track.pushed = track.pushed.max(position);
        }
    }

    /// Forgets what it confirmed itself.
    pub(crate) fn marked(&self, conversation: &ConversationId, seq: Seq) {
        self.flow.lock().unconfirmed.marked(conversation, seq);
    }

    /// Whether a send may go to the store now; see [`Aborts::admit`].
    pub(crate) fn admit(
        &self,
        conversation: &ConversationId,
        key: Option<&ClientId>,
        order: Order,
        now: Millis,
    ) -> Result<(), Refusal> {
        match &mut self.flow.lock().rare {
            None => Ok(()),
            Some(rare) => rare.aborts.admit(conversation, key, order, now),
        }
    }

    /// Notes a send that is to be sent again before later ones; see [`Aborts::failed`].
    pub(crate) fn failed(
        &self,
        conversation: &ConversationId,
        key: Option<&ClientId>,
        order: Order,
        now: Millis,
        refusal: &Refusal,
        limits: &Limits,
    ) {
        let Some(retry_after_ms) = refusal.retry_after_ms() else { return };
        let max = limits.aborted_conversations_max;
        let mut flow = self.flow.lock();
        let rare = flow.rare.get_or_insert_default();
        rare.aborts.failed(conversation, key, order, now, retry_after_ms, max);
    }

    /// Notes a send that needs no retry any more; see [`Aborts::settled`].
    pub(crate) fn settled(&self, conversation: &ConversationId, key: Option<&ClientId>) {
        if let Some(rare) = &mut self.flow.lock().rare {
            rare.aborts.settled(conversation, key);
        }
    }
}

impl Flow {
    fn track(&mut self) -> Option<&mut Track> {
        self.rare.as_mut()?.track.as_mut()
    }

    fn pushed(&mut self, entry: &Entry, limits: &Limits) {
        if let Some(track) = self.track() {
            track.pushed = track.pushed.max(entry.position);
        }
        let max = limits.unconfirmed_entries_max;
        self.unconfirmed.pushed(&entry.conversation, entry.seq, entry.position, max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        let user = UserId::parse("alice").expect("an id in a test");
        Session::new(user, DeviceId::shared(), None, Millis(1))
    }

    #[test]
    fn an_idle_session_is_small() {
        assert!(size_of::<Session>() <= 176, "{}", size_of::<Session>());
    }

    #[test]
    fn a_session_has_the_role_of_its_last_token() {
        let session = session();
        assert_eq!(session.role(), Role::User);
        for role in [Role::Moderator, Role::Admin, Role::User] {
            session.set_role(role);
            assert_eq!(session.role(), role);
        }
    }

    #[test]
    fn a_user_id_is_registered_once() {
        let session = Session::unregistered(DeviceId::shared(), Millis(1));
        let bob = UserId::parse("bob").expect("an id in a test");
        assert_eq!(session.register(bob.clone()), Ok(()));
        assert_eq!(session.register(bob), Err(Refusal::AlreadyRegistered));
    }

    #[test]
    fn a_proof_of_receipt_covers_what_was_pushed_before_it_and_no_more() {
        let session = session();
        let chat = ConversationId::parse("dm:a:b").expect("an id in a test");
        for n in [1, 2, 3] {
            session.flow.lock().unconfirmed.pushed(&chat, Seq(n), Position(10 * n), 9);
        }
        assert_eq!(session.confirmed(Position(99)), [], "nothing is proved before the hold");
        session.starts_proving();
        assert_eq!(session.confirmed(Position(20)), [(chat.clone(), Seq(2))]);
        assert_eq!(session.confirmed(Position(29)), []);
        assert_eq!(session.confirmed(Position(30)), [(chat, Seq(3))]);
    }

    #[test]
    fn a_position_is_told_once_and_only_to_who_keeps_one() {
        let plain = session();
        let untold = |up_to| plain.untold_position(Position(up_to));
        let pushed = |at| {
            plain.flow.lock().track().expect("it keeps one").pushed = Position(at);
        };
        plain.goes_live(Position(3));
        assert_eq!(untold(99), None);
        plain.keeps_position();
        assert_eq!(untold(99), None);
        pushed(7);
        assert_eq!(untold(6), None, "the message is yet to be handed over");
        assert_eq!(untold(7), Some(Position(7)));
        assert_eq!(untold(99), None);
        pushed(9);
        plain.goes_live(Position(9));
        assert_eq!(untold(99), None);
    }

    #[test]
    fn what_a_session_sent_is_known_until_it_is_live_and_no_more_than_may_be() {
        let session = session();
        let max = SENT_MEANWHILE_MAX as u64;
        (0..=max).for_each(|n| session.sent(Position(2 * n)));
        let has_sent = |position| session.has_sent(Position(position));
        assert_eq!([0, 2, 3, 2 * max].map(has_sent), [false, true, false, true]);
        session.goes_live(Position(2 * max));
        session.sent(Position(2 * max + 2));
        assert_eq!([2, 2 * max + 2].map(has_sent), [false, false]);
    }
}
