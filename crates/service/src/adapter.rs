//! What the servers of a Socket.IO cluster, and programs beside it, ask of this node's sockets, as if it were one
//! of those servers.
//!
//! A user is a room, by the bare id, and so is a group, by `group:` and its id, and a socket. Rooms of any other
//! name are the app's own, which sockets are in for as long as they are connected ([`OUTSIDE`]); one whose name is
//! a user's id adds to that user's sockets. Chat's own rooms and events are nobody else's. All of it is in
//! passing: nothing is kept, and who is not there does not hear it. Each node hears what is said, and answers
//! for its own sockets.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parlor_chat::ids::{ConversationId, UserId};
use parlor_gateway::adapter::{Answer, Call, Event, Message, Selection};
use parlor_gateway::{Close, EmitError, Io, RemoteSocket, RoomChange, Target};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::delivery::{NAMESPACE, group_room, room};
use crate::json::{Object, json_text};
use crate::service::Service;
use crate::session::{Kind, Session};

/// What only chat says.
const OWN_EVENTS: &[&str] = &[
    "app_event",
    "blocked",
    "caught_up",
    "closing",
    "contact",
    "conversation_settings",
    "delivered",
    "draft",
    "entry",
    "group_message",
    "group_request",
    "hidden",
    "moved",
    "notice",
    "position",
    "presence",
    "privacy",
    "private message",
    "private_message",
    "profile",
    "read",
    "ready",
    "receipts",
    "report",
    "request",
    "schedule",
    "snapshot",
    "starred",
    "typing",
];

/// What the names of the app's own rooms begin with here, so that they are none of chat's.
const OUTSIDE: &str = "out:";

/// Requests about sockets that are worked at at the same time, and how long the others wait: whoever asks gives up
/// after five seconds.
const FETCHES_AT_ONCE: usize = 4;
const FETCH_TURN_TIMEOUT: Duration = Duration::from_secs(4);

/// How long clients' acks are waited for if a request does not say.
const ACKS_TIMEOUT: Duration = Duration::from_secs(5);

/// How much the app's own Socket.IO servers may ask of this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberLimits {
    /// Rooms that a socket may be in, its groups counted, for it to join one of the app's own. Default 1,000.
    pub rooms_per_socket_max: usize,
    /// Sockets of this node that may be told of in one answer. Default 10,000.
    pub sockets_told_max: usize,
    /// Bytes of such an answer. Default 16 MiB.
    pub told_bytes_max: usize,
    /// Requests about sockets that are under way. Default 256.
    pub fetches_max: usize,
    /// Requests that wait for clients' acks. Default 4,096.
    pub asks_max: usize,
    /// How long clients' acks are waited for, at most. Default a minute.
    pub ack_timeout_max: Duration,
}

impl Default for MemberLimits {
    fn default() -> Self {
        Self {
            rooms_per_socket_max: 1_000,
            sockets_told_max: 10_000,
            told_bytes_max: 16 << 20,
            fetches_max: 256,
            asks_max: 4_096,
            ack_timeout_max: Duration::from_secs(60),
        }
    }
}

/// Requests that are in the making. Those about sockets are apart from those that wait for clients, which may be
/// silent.
#[derive(Debug)]
pub(crate) struct Requests {
    asks: Arc<Semaphore>,
    fetches: Arc<Semaphore>,
    fetching: Arc<Semaphore>,
}

impl Requests {
    pub(crate) fn new(limits: &MemberLimits) -> Self {
        let at_most = |most: usize| Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self {
            asks: at_most(limits.asks_max),
            fetches: at_most(limits.fetches_max),
            fetching: Arc::new(Semaphore::new(FETCHES_AT_ONCE)),
        }
    }
}

/// Leave to make one more, until it is dropped.
fn one_more(of: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, NotDone> {
    Arc::clone(of).try_acquire_owned().map_err(|_| NotDone::TooBusy)
}

/// Why something is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum NotDone {
    /// It is for sockets of another namespace.
    #[error("it is for another namespace than `/`")]
    Namespace,
    /// Only chat says such an event.
    #[error("chat keeps events of that name for itself")]
    OwnEvent,
    /// A room is no group's, and can be none of the app's own.
    #[error("a room begins with `group:`, and is no group's")]
    Room,
    /// Only chat has sockets join or leave a group's room.
    #[error("who is in a group's room is chat's to say")]
    GroupRoom,
    /// There are more sockets than can be told of.
    #[error(
        "there are more sockets than may be told of: adapter.sockets_told_max, adapter.told_bytes_max"
    )]
    TooMany,
    /// The server has too much to do.
    #[error("the server has too much to do")]
    TooBusy,
    /// The server begins or ends.
    #[error("the server is not open")]
    Closed,
}

impl From<EmitError> for NotDone {
    fn from(_: EmitError) -> Self {
        Self::TooBusy
    }
}

/// Takes the answers to one message.
pub type Answering = Arc<dyn Fn(Answer<'_>) + Send + Sync>;

impl Service {
    /// Does what a member of the app's Socket.IO cluster says, at once and in the order of the calls; what takes
    /// longer, and is answered, goes on by itself. A request is answered even where nothing is done, since whoever
    /// asked waits for every member. Never waits.
    pub fn hear_member(self: &Arc<Self>, message: Message, answer: &Answering) {
        let nothing = message.request.is_some().then(|| no_answer(&message.call)).flatten();
        match self.do_for_member(message, answer) {
            Ok(()) => self.counters().emissions.add(1),
            Err(why) => {
                self.not_done(why);
                nothing.into_iter().for_each(|nothing| answer(nothing));
            }
        }
    }

    fn not_done(&self, why: NotDone) {
        self.counters().emissions_refused.add(1);
        match why {
            NotDone::TooBusy | NotDone::TooMany => {
                tracing::warn!(%why, "what a member of the cluster asks is not done");
            }
            _ => tracing::debug!(%why, "what a member of the cluster asks is not done"),
        }
    }

    /// Counts what is said in the cluster and cannot be read.
    pub fn member_not_understood(&self) {
        self.counters().emissions_refused.add(1);
    }

    fn do_for_member(
        self: &Arc<Self>,
        message: Message,
        answer: &Answering,
    ) -> Result<(), NotDone> {
        if &*message.namespace != NAMESPACE {
            return Err(NotDone::Namespace);
        }
        let io = self.io().ok_or(NotDone::Closed)?;
        let asks = message.request.is_some();
        match message.call {
            Call::Emit { sockets, event, volatile: _, timeout_ms } if asks => {
                self.ask(io, &sockets, event, timeout_ms, answer)?;
            }
            Call::Emit { sockets, event, volatile, .. } => emit(io, &sockets, event, volatile)?,
            Call::Join { sockets, rooms } => {
                let rooms = outside_rooms(&rooms)?;
                let most = self.settings.members.rooms_per_socket_max;
                selected(io, &sockets)?.join_up_to(&rooms, most);
            }
            Call::Leave { sockets, rooms } => selected(io, &sockets)?.leave(outside_rooms(&rooms)?),
            Call::Disconnect { sockets, close } => {
                let close = if close { Close::Connection } else { Close::Namespace };
                selected(io, &sockets)?.disconnect(close);
            }
            Call::Fetch { sockets } => self.fetch(io, &sockets, answer, SOCKETS)?,
            Call::SocketIds { sockets } => self.fetch(io, &sockets, answer, IDS)?,
            Call::Rooms => self.fetch(io, &Selection::default(), answer, ROOMS)?,
            Call::ServerSideEmit if asks => answer(Answer::NoCode),
            Call::ServerSideEmit | Call::Nothing => {}
        }
        Ok(())
    }

    /// Asks sockets for acks, and answers how many, and each ack as it comes.
    fn ask(
        &self,
        io: &Io,
        sockets: &Selection,
        event: Event,
        timeout_ms: Option<u64>,
        answer: &Answering,
    ) -> Result<(), NotDone> {
        allowed(&event)?;
        let sockets = selected(io, sockets)?;
        let turn = one_more(&self.member_requests.asks)?;
        let asked = sockets.ask(&event.name, &event.args, event.attachments)?;
        let timeout = timeout_ms.map_or(ACKS_TIMEOUT, Duration::from_millis);
        let timeout = timeout.min(self.settings.members.ack_timeout_max);
        let answer = Arc::clone(answer);
        self.go_on(async move {
            let _turn = turn;
            let gather = async {
                answer(Answer::Asked(asked.count().await));
                while let Some(ack) = asked.next().await {
                    answer(Answer::Ack(first(&ack.args), &ack.attachments));
                }
            };
            // Whoever asked knows by its own clock who did not answer.
            let _ = tokio::time::timeout(timeout, gather).await;
        });
        Ok(())
    }

    /// Answers with what `tell` says of sockets.
    fn fetch(
        self: &Arc<Self>,
        io: &Io,
        sockets: &Selection,
        answer: &Answering,
        tell: Tell,
    ) -> Result<(), NotDone> {
        let sockets = selected(io, sockets)?;
        let place = one_more(&self.member_requests.fetches)?;
        let fetching = Arc::clone(&self.member_requests.fetching);
        let (service, answer) = (Arc::clone(self), Arc::clone(answer));
        self.go_on(async move {
            let _place = place;
            let told =
                match tokio::time::timeout(FETCH_TURN_TIMEOUT, fetching.acquire_owned()).await {
                    Ok(_turn) => told(&sockets, tell, &service.settings.members).await,
                    Err(_) => Err(NotDone::TooBusy),
                };
            let told = told.unwrap_or_else(|why| {
                service.not_done(why);
                String::from("[]")
            });
            answer((tell.as_answer)(&told));
        });
        Ok(())
    }

    fn go_on(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = self.runtime.get() {
            runtime.spawn(work);
        }
    }
}

/// What a request is answered where nothing is done for it.
fn no_answer(call: &Call) -> Option<Answer<'static>> {
    match call {
        Call::Emit { .. } => Some(Answer::Asked(0)),
        Call::Fetch { .. } => Some(Answer::Sockets("[]")),
        Call::SocketIds { .. } => Some(Answer::SocketIds("[]")),
        Call::Rooms => Some(Answer::Rooms("[]")),
        Call::ServerSideEmit => Some(Answer::NoCode),
        Call::Join { .. } | Call::Leave { .. } | Call::Disconnect { .. } | Call::Nothing => None,
    }
}

fn allowed(event: &Event) -> Result<(), NotDone> {
    match OWN_EVENTS.contains(&&*event.name) {
        true => Err(NotDone::OwnEvent),
        false => Ok(()),
    }
}

fn emit(io: &Io, sockets: &Selection, event: Event, volatile: bool) -> Result<(), NotDone> {
    allowed(&event)?;
    let sockets = selected(io, sockets)?;
    let sockets = if volatile { sockets.volatile() } else { sockets };
    Ok(sockets.emit_with(&event.name, &event.args, event.attachments)?)
}

/// The sockets that are meant.
fn selected(io: &Io, selection: &Selection) -> Result<Target, NotDone> {
    let mut sockets = io.of(NAMESPACE);
    for name in &selection.rooms {
        sockets = rooms_of(io, name)?.fold(sockets, Target::to);
    }
    for name in &selection.except {
        sockets = rooms_of(io, name)?.fold(sockets, Target::except);
    }
    Ok(sockets)
}

/// The rooms that a name stands for: a group's, a socket's, or a user's and one of the app's own.
fn rooms_of(io: &Io, name: &str) -> Result<impl Iterator<Item = Arc<str>> + use<>, NotDone> {
    let (one, other) = if name.starts_with("group:") {
        let group = ConversationId::parse(name).ok().and_then(|it| it.group_id());
        (Some(group_room(&group.ok_or(NotDone::Room)?)), None)
    } else if io.key_of(name).is_some() {
        (Some(name.into()), None)
    } else {
        let user = UserId::parse(name).ok().map(|user| room(Kind::Standard, &user));
        (user, Some(outside_room(name)))
    };
    Ok(one.into_iter().chain(other))
}

fn outside_room(name: &str) -> Arc<str> {
    Arc::from([OUTSIDE, name].concat())
}

/// The app's own rooms of these names.
fn outside_rooms(names: &[Box<str>]) -> Result<Vec<Arc<str>>, NotDone> {
    if names.iter().any(|name| name.starts_with("group:")) {
        return Err(NotDone::GroupRoom);
    }
    Ok(names.iter().map(|name| outside_room(name)).collect())
}

/// What a room is called outside; `None` for what is chat's alone.
fn outside_name(room: &str) -> Option<&str> {
    if room.starts_with("group:") {
        return Some(room);
    }
    let name = room.strip_prefix("user:").or_else(|| room.strip_prefix(OUTSIDE))?;
    // A user may be called as if a group.
    (!name.starts_with("group:")).then_some(name)
}

/// A change of a room that the app's servers know, by their name for it.
pub(crate) fn outside_change(change: RoomChange<'_>) -> Option<RoomChange<'_>> {
    if change.is_own {
        return Some(change);
    }
    outside_name(change.room).map(|room| RoomChange { room, ..change })
}

/// What is told of sockets: JSON texts of each, and the answer that they make.
#[derive(Clone, Copy)]
struct Tell {
    of_each: fn(&RemoteSocket) -> Vec<String>,
    as_answer: fn(&str) -> Answer<'_>,
}

const SOCKETS: Tell =
    Tell { of_each: |socket| vec![record(socket)], as_answer: |json| Answer::Sockets(json) };
const IDS: Tell = Tell {
    of_each: |socket| vec![json_text(socket.id.as_str())],
    as_answer: |json| Answer::SocketIds(json),
};
const ROOMS: Tell = Tell { of_each: names_of, as_answer: |json| Answer::Rooms(json) };

/// The JSON text of an array of what is told of sockets, each text once.
async fn told(sockets: &Target, tell: Tell, limits: &MemberLimits) -> Result<String, NotDone> {
    let found = sockets.fetch_at_most(limits.sockets_told_max).await.ok_or(NotDone::TooMany)?;
    let (mut texts, mut bytes) = (BTreeSet::new(), 0);
    for socket in &found {
        for text in (tell.of_each)(socket) {
            bytes += text.len() + 1;
            texts.insert(text);
        }
        if bytes > limits.told_bytes_max {
            return Err(NotDone::TooMany);
        }
    }
    Ok(array(texts))
}

/// A socket as `fetchSockets()` is told of it. Its token and its headers are nobody else's.
fn record(socket: &RemoteSocket) -> String {
    let session = socket.socket.data::<Session>();
    let since = session.map_or(0, |session| session.since.0);
    let data = match session.and_then(|session| Some((session.user()?, session.device()))) {
        Some((user, device)) => {
            Object::new().text("userId", user.as_str()).text("deviceId", device.as_str()).end()
        }
        None => Object::new().end(),
    };
    let handshake = Object::new()
        .raw("headers", "{}")
        .raw("query", "{}")
        .raw("auth", "{}")
        .text("address", &socket.socket.remote_addr().ip().to_string())
        .number("issued", since)
        .end();
    Object::new()
        .text("id", socket.id.as_str())
        .raw("handshake", &handshake)
        .raw("rooms", &array(names_of(socket)))
        .raw("data", &data)
        .end()
}

/// The names of a socket's rooms as JSON texts, that of its id first, each once.
fn names_of(socket: &RemoteSocket) -> Vec<String> {
    let names: BTreeSet<&str> = socket.rooms.iter().filter_map(|room| outside_name(room)).collect();
    std::iter::once(socket.id.as_str()).chain(names).map(json_text).collect()
}

fn array(texts: impl IntoIterator<Item = String>) -> String {
    let texts: Vec<String> = texts.into_iter().collect();
    ["[", &texts.join(","), "]"].concat()
}

/// The first of an ack's arguments, which is all that Node hands on.
fn first(args: &str) -> &str {
    let values = serde_json::from_str::<Vec<&serde_json::value::RawValue>>(args);
    values.ok().and_then(|values| values.first().map(|value| value.get())).unwrap_or("null")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_chat_says_is_kept_for_it() {
        let mut said = parlor_protocol::event_names();
        // What the simplest tutorial hears.
        said.push("private message");
        said.sort_unstable();
        assert_eq!(OWN_EVENTS, said);
    }

    #[test]
    fn nobody_outside_lets_sockets_into_chats_rooms() {
        assert_eq!(outside_rooms(&["group:01J".into()]), Err(NotDone::GroupRoom));
        // A name that is a room of chat's is another room here.
        assert_eq!(outside_rooms(&["user:bob".into()]), Ok(vec!["out:user:bob".into()]));
    }

    #[test]
    fn a_room_is_told_of_by_the_name_that_it_has_outside() {
        let table = [
            ("user:alice", Some("alice")),
            ("group:01J", Some("group:01J")),
            ("out:news", Some("news")),
            ("out:user:bob", Some("user:bob")),
            ("user:group:01J", None),
            ("tutorial:alice", None),
            ("moderators", None),
        ];
        for (room, name) in table {
            assert_eq!(outside_name(room), name);
        }
    }

    #[test]
    fn of_an_ack_the_first_argument_is_handed_on() {
        assert_eq!(first("[]"), "null");
        assert_eq!(first(r#"[{"a":[1]},2]"#), r#"{"a":[1]}"#);
    }
}
