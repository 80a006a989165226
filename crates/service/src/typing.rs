//! `typing`: told to the other's sockets that can be written to at once, and never kept.
//!
//! A socket types in one place at a time. What it told is over when it says so, types elsewhere, is
//! silent for too long, or is gone: then the other is told, unless another socket of the same user
//! still types there. It is over without a word when the user's message goes out, since that says it.
//! Nothing is told between users of whom one blocks the other.
//!
//! There is an entry only for each socket that types now, and one timer for all. Who may be told is
//! known at once or read first; meanwhile the entry waits, so that what ends it counts all the same.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use parlor_chat::crowds::Kind as News;
use parlor_chat::entry::Millis;
use parlor_chat::ids::{ConversationId, GroupId, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::{Recipient, StoreError};
use parlor_gateway::SocketKey;
use tokio::sync::Notify;

use crate::clock;
use crate::commands::{self, Payload};
use crate::delivery::{group_room, room};
use crate::dispatch::{Caller, Work};
use crate::nodes::Address;
use crate::records;
use crate::service::Service;
use crate::session::Kind;
use crate::sessions::Sessions;

mod typists;

use typists::{Started, Typist, Typists};

/// Where somebody types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// In the conversation with another user.
    Direct(UserId),
    /// In a group.
    Group(GroupId),
}

impl From<Recipient> for Target {
    fn from(recipient: Recipient) -> Self {
        match recipient {
            Recipient::User(user) => Self::Direct(user),
            Recipient::Group(group) => Self::Group(group),
        }
    }
}

/// Who is told that somebody types.
enum Audience {
    /// Nobody.
    None,
    /// The other, or each member of a group.
    Each,
    /// Who has a group open in which many are, of how many type.
    Many(GroupId),
}

/// Who types.
#[derive(Debug)]
pub(crate) struct Typing {
    typists: Mutex<Typists<SocketKey>>,
    /// Told when somebody starts while nobody types.
    first: Notify,
    expires_ms: u64,
}

/// `typing {toUserId or groupId, typing?}`.
pub(crate) fn typing(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let commands::Typing { to, typing } = commands::typing(payload)?;
    caller.charge(service)?;
    let (socket, user, target) = (caller.socket.key(), caller.user.clone(), Target::from(to));
    let service = Arc::clone(service);
    Ok(Work::Later(Box::pin(async move {
        if let Target::Group(group) = &target {
            service.prove_in_group(&user, group).await?;
        }
        match typing {
            true => starts(&service, socket, &user, &target).await?,
            false => {
                if let Some(ended) = service.typing.stop(socket, Some(&target)) {
                    tell_end(&service, &ended);
                }
            }
        }
        Ok(records::ok())
    })))
}

/// Somebody types who may do so there.
async fn starts(
    service: &Arc<Service>,
    socket: SocketKey,
    user: &UserId,
    target: &Target,
) -> Result<(), Refusal> {
    let started = match target.has_audience(user, service) {
        true => service.typing.start(socket, user, target, clock::now()),
        false => Started { ended: service.typing.stop(socket, None), turn: None },
    };
    if let Some(ended) = started.ended {
        tell_end(service, &ended);
    }
    let Some(turn) = started.turn else { return Ok(()) };
    match target.audience(service, user).await {
        Ok(Audience::Each) => {
            if service.typing.told(socket, turn, false) {
                tell(service, user, target, true);
            }
        }
        Ok(Audience::Many(group)) => {
            if service.typing.told(socket, turn, true) {
                service.crowd().changed(&group, News::Typing);
            }
        }
        Ok(Audience::None) => withdraw(service, socket, turn),
        Err(error) => {
            withdraw(service, socket, turn);
            return Err(of_store(&error));
        }
    }
    Ok(())
}

/// Ends what may not be told any more.
fn withdraw(service: &Service, socket: SocketKey, turn: u64) {
    let withdrawn = service.typing.typists.lock().remove_if(socket, |typist| typist.turn == turn);
    if let Some(ended) = withdrawn.filter(|typist| typist.is_told) {
        tell_end(service, &ended);
    }
}

/// Ends what a socket types that is gone.
pub(crate) fn gone(service: &Service, socket: SocketKey) {
    if let Some(ended) = service.typing.stop(socket, None) {
        tell_end(service, &ended);
    }
}

/// Ends what is not repeated, as long as the service runs.
pub(crate) async fn run(service: Arc<Service>) {
    loop {
        let next = service.typing.typists.lock().next_end();
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
            () = service.typing.first.notified() => continue,
            () = service.ending.cancelled() => break,
        }
        for ended in service.typing.expired(clock::now()) {
            tell_end(&service, &ended);
        }
    }
}

impl Target {
    /// The conversation, as seen by one who types there.
    fn conversation(&self, user: &UserId) -> ConversationId {
        match self {
            Self::Direct(to) => ConversationId::direct(user, to),
            Self::Group(group) => ConversationId::group(group),
        }
    }

    /// Whether there is somebody to tell. Nobody is told of themself.
    fn has_audience(&self, user: &UserId, service: &Service) -> bool {
        match self {
            Self::Direct(to) => to != user && service.may_be_connected(to),
            Self::Group(_) => true,
        }
    }

    /// Who may be told that a user types.
    async fn audience(&self, service: &Service, user: &UserId) -> Result<Audience, StoreError> {
        match self {
            Self::Direct(to) => {
                let (visibility, store) = (service.visibility(), &*service.store);
                let is_open = !visibility.of(store, to).await?.keeps_out(user)
                    && !visibility.of(store, user).await?.keeps_out(to);
                Ok(if is_open { Audience::Each } else { Audience::None })
            }
            // Members of a group see each other.
            Self::Group(group) if service.is_large(group).await? => {
                Ok(Audience::Many(group.clone()))
            }
            Self::Group(_) => Ok(Audience::Each),
        }
    }

    /// The room of those who are told.
    fn room(&self) -> Arc<str> {
        match self {
            Self::Direct(to) => room(Kind::Standard, to),
            Self::Group(group) => group_room(group),
        }
    }
}

/// Tells that somebody types no more, unless another of their sockets goes on.
fn tell_end(service: &Service, ended: &Typist) {
    if let (Target::Group(group), true) = (&ended.target, ended.is_one_of_many) {
        service.crowd().changed(group, News::Typing);
    } else if !service.typing.types_elsewhere(service.sessions(), ended) {
        tell(service, &ended.user, &ended.target, false);
    }
}

fn tell(service: &Service, user: &UserId, target: &Target, typing: bool) {
    let (room, own) = (target.room(), room(Kind::Standard, user));
    let others = Address { room: (&*room).into(), except: Some((&*own).into()), volatile: true };
    let said = records::typing(&target.conversation(user), user, typing);
    service.tell_room(&others, None, "typing", &said);
}

impl Typing {
    pub(crate) fn new(limits: &Limits) -> Self {
        let (typists, first) = (Mutex::default(), Notify::new());
        Self { typists, first, expires_ms: limits.typing_expires_ms }
    }

    /// A message of the user has gone out there: what their sockets typed is over, and the others
    /// know by the message.
    pub(crate) fn sent(&self, service: &Service, user: &UserId, target: &Target) {
        if self.typists.lock().is_empty() {
            return;
        }
        let sessions = service.sessions().of(user);
        let mut typists = self.typists.lock();
        let keys = sessions.iter().filter_map(|session| session.key());
        let ended =
            keys.filter_map(|key| typists.remove_if(key, |typist| typist.target == *target));
        let was_one_of_many = ended.fold(false, |any, typist| any | typist.is_one_of_many);
        drop(typists);
        if let (Target::Group(group), true) = (target, was_one_of_many) {
            service.crowd().changed(group, News::Typing);
        }
    }

    /// Who types in a group in which many are.
    pub(crate) fn many_in(&self, group: &GroupId) -> Vec<UserId> {
        self.typists.lock().many_in(&Target::Group(group.clone()))
    }

    fn start(&self, socket: SocketKey, user: &UserId, target: &Target, now: Millis) -> Started {
        let expires = Millis(now.0 + self.expires_ms);
        let mut typists = self.typists.lock();
        let was_idle = typists.is_empty();
        let started = typists.start(socket, user, target, now, expires);
        drop(typists);
        if was_idle {
            self.first.notify_one();
        }
        started
    }

    /// Notes that the others are about to know; `false` if it is over meanwhile.
    fn told(&self, socket: SocketKey, turn: u64, is_one_of_many: bool) -> bool {
        self.typists.lock().told(socket, turn, is_one_of_many)
    }

    /// Ends what a socket types, there or wherever; gives it if the others know of it.
    fn stop(&self, socket: SocketKey, target: Option<&Target>) -> Option<Typist> {
        let is_it = |typist: &Typist| target.is_none_or(|target| typist.target == *target);
        self.typists.lock().remove_if(socket, is_it).filter(|typist| typist.is_told)
    }

    /// Ends what was not repeated in time; gives what the others know of.
    fn expired(&self, now: Millis) -> Vec<Typist> {
        self.typists.lock().expired(now)
    }

    /// Whether another socket of the user is known to type in the same place.
    fn types_elsewhere(&self, sessions: &Sessions, ended: &Typist) -> bool {
        let sessions = sessions.of(&ended.user);
        let typists = self.typists.lock();
        sessions.iter().filter_map(|session| session.key()).any(|key| typists.goes_on(key, ended))
    }
}
