//! From CONNECT to a socket: the middlewares decide in a task of their own, then the socket is made,
//! the client answered, and the handler called. An application that wants to say something first
//! answers later; until then the client may send acknowledgements and nothing else.

use std::sync::Arc;

use http::HeaderMap;
use parlor_wire::packet;
use serde_json::value::RawValue;

use super::connection::{Member, Past};
use super::ops::Op;
use super::recover::{Comeback, Left, identity};
use super::rooms::Memberships;
use super::timers::{Kind, Timer, millis};
use super::{Place, Shard};
use crate::handshake::Handshake;
use crate::ids::SocketKey;
use crate::namespace::{
    Answering, ConnectError, ConnectRequest, Data, Entry, Namespace, RoomChange,
};
use crate::reason::CloseReason;
use crate::recovery::Claim;
use crate::shared::Shared;
use crate::socket::{Inner, Socket};
use crate::stats::Counters;

impl Shard {
    /// A wish to join a namespace.
    pub(super) fn connect(&mut self, place: Place, namespace: &str, auth: &str) {
        let namespaces_max = self.shared.config.namespaces_max;
        let known = self.space_names.get(namespace).copied();
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        let pending = connection.pending.as_ref().map_or(0, |it| it.len());
        let doubled = connection.pending.iter().any(|it| known.is_some_and(|k| it.contains(&k)));
        if doubled || connection.sockets.len() + pending >= namespaces_max {
            return self.close(place, CloseReason::ProtocolViolation);
        }
        let Some(space) = known.or_else(|| self.open_space(namespace)) else {
            let error = ConnectError::new("Invalid namespace");
            return self.refuse(place, namespace, &error);
        };
        let Some(rules) = self.rules(space) else { return };
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        connection.pending.get_or_insert_default().push(space);
        if let Some(Some(space)) = self.spaces.get_mut(space as usize) {
            space.pending += 1;
        }
        let claim = self.shared.recovery.as_ref().and_then(|_| Claim::of(auth));
        if rules.middlewares.is_empty() && claim.is_none() {
            return self.decided(place, space, Ok(Data::none()), None);
        }
        let handshake = connection.handshake.clone().unwrap_or_else(|| {
            Arc::new(Handshake {
                headers: HeaderMap::new(),
                query: String::new(),
                remote: connection.remote,
                secure: connection.secure,
            })
        });
        let auth = (!auth.is_empty()).then(|| RawValue::from_string(auth.to_owned()));
        let request = ConnectRequest {
            namespace: namespace.into(),
            auth: auth.and_then(Result::ok),
            handshake,
        };
        let Some(claim) = claim else { return self.examine(place, space, request, None) };
        let (connection, request) = (self.key(place), Box::new(request));
        let op = Op::Claim { connection, space, request, claim: Box::new(claim) };
        self.shared.push_claim(self.index, op);
    }

    /// Lets the middlewares of a namespace decide.
    pub(super) fn examine(
        &mut self,
        place: Place,
        space: u32,
        request: ConnectRequest,
        left: Option<Box<Left>>,
    ) {
        let Some(rules) = self.rules(space) else { return };
        let verdict = Verdict {
            shared: Arc::clone(&self.shared),
            connection: self.key(place),
            space,
            outcome: Some(Err(ConnectError::new("internal error"))),
            left,
        };
        tokio::task::spawn_local(decide(rules, Arc::new(request), verdict));
    }

    /// It is decided on a connection's wish to join a namespace.
    pub(super) fn decided(
        &mut self,
        place: Place,
        number: u32,
        outcome: Result<Data, ConnectError>,
        comeback: Option<Comeback>,
    ) {
        let Some(Some(space)) = self.spaces.get_mut(number as usize) else { return };
        space.pending = space.pending.saturating_sub(1);
        let (name, rules) = (Arc::clone(&space.name), Arc::clone(&space.rules));
        let Some(connection) = self.connections.get_mut(place.0, place.1) else {
            return self.close_space_if_empty(number);
        };
        if let Some(pending) = &mut connection.pending {
            pending.retain(|it| *it != number);
            if pending.is_empty() {
                connection.pending = None;
            }
        }
        let data = match outcome {
            Ok(data) => data,
            Err(error) => {
                self.refuse(place, &name, &error);
                return self.close_space_if_empty(number);
            }
        };
        let retain = self.shared.config.retain_handshake;
        let handshake = if retain { connection.handshake.clone() } else { None };
        if !retain && connection.pending.is_none() {
            connection.handshake = None;
        }
        let Data { value, entry } = data;
        let Entry { pid, id, answering } = entry.map_or_else(Entry::default, |entry| *entry);
        let session = comeback.as_ref().map(|it| &it.session);
        let value = value.or_else(|| session?.data.clone());
        let identity = identity(&self.shared, self.performed, pid, id, session);
        connection.recoverable |= identity.as_ref().is_some_and(|it| it.pid.is_some());
        let (shared, index, remote) = (&self.shared, self.index, connection.remote);
        let members = space.members.len() as u32;
        let connection_key = SocketKey::new(index, place.0, place.1);
        let (slot, generation) = self.sockets.insert(|slot, generation| Member {
            handle: Socket::new(Inner {
                key: SocketKey::new(index, slot, generation),
                connection: connection_key,
                namespace: Arc::clone(&name),
                shared: Arc::clone(shared),
                data: value,
                handshake,
                remote,
                identity,
            }),
            connection: place,
            space: number,
            place: members,
            mark: 0,
            rooms: Memberships::new(),
            hold: None,
            owed: None,
            jobs: None,
            proving: 0,
            confirmed: 0,
        });
        space.members.push(slot);
        connection.sockets.push(slot);
        let Some(member) = self.sockets.at(slot) else { return };
        let socket = member.handle.clone();
        Counters::add(&self.counters().sockets, 1);
        if let Some(id) = socket.restored_id() {
            self.restored.insert(socket.key(), id);
            self.shared.restored.lock().insert(socket.key(), id);
        }
        if let Some(watch) = &rules.on_room {
            let id = socket.id();
            watch.tell(RoomChange { room: id.as_str(), is_own: true, is_there: true });
        }
        if let Some(comeback) = comeback {
            self.come_back(place, slot, comeback);
        }
        match answering {
            Answering::AtOnce => self.answer(place, &socket),
            Answering::Later => {
                self.unanswered.insert(slot);
                let at_ms = self.now_ms + millis(self.shared.config.connect_timeout);
                self.wheel.insert(at_ms, Timer { place: (slot, generation), kind: Kind::Answer });
            }
        }
        if let Some(handler) = &rules.on_connect {
            self.guard(place, || handler(socket));
        }
    }

    /// Answers the CONNECT of a socket that was to be answered later, unless that is done.
    pub(super) fn answer_connect(&mut self, (slot, generation): Place) {
        let Some(member) = self.sockets.get(slot, generation) else { return };
        let (place, socket) = (member.connection, member.handle.clone());
        if self.unanswered.remove(&slot) {
            self.answer(place, &socket);
        }
    }

    fn answer(&mut self, place: Place, socket: &Socket) {
        self.has_past(place, Past::Joined);
        let sid = socket.id();
        let answer = match socket.pid() {
            Some(pid) => format!(r#"{{"sid":"{sid}","pid":{}}}"#, serde_json::Value::from(pid)),
            None => format!(r#"{{"sid":"{sid}"}}"#),
        };
        self.send_packet(place, packet::Kind::Connect, socket.namespace(), &answer);
    }

    /// Notes what became of a connection's wishes; what came before is not undone by less.
    pub(super) fn has_past(&mut self, place: Place, past: Past) {
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        if connection.past == Past::Fresh {
            self.shared.handshakes.over();
        }
        connection.past = connection.past.max(past);
    }

    /// The time to answer a CONNECT is over.
    pub(super) fn answer_overdue(&mut self, (slot, generation): Place) {
        if let Some(member) = self.sockets.get(slot, generation)
            && self.unanswered.contains(&slot)
        {
            self.close(member.connection, CloseReason::ConnectTimeout);
        }
    }

    fn refuse(&mut self, place: Place, namespace: &str, error: &ConnectError) {
        let message = serde_json::Value::from(error.message.as_str());
        let text = match &error.data {
            Some(data) => format!(r#"{{"message":{message},"data":{data}}}"#),
            None => format!(r#"{{"message":{message}}}"#),
        };
        self.has_past(place, Past::Refused);
        self.send_packet(place, packet::Kind::ConnectError, namespace, &text);
    }
}

/// Tells the shard what the middlewares decided, or that they never will.
struct Verdict {
    shared: Arc<Shared>,
    connection: SocketKey,
    space: u32,
    outcome: Option<Result<Data, ConnectError>>,
    left: Option<Box<Left>>,
}

impl Drop for Verdict {
    fn drop(&mut self) {
        if let Some(outcome) = self.outcome.take() {
            let (connection, space) = (self.connection, self.space);
            let op = Op::Decided { connection, space, outcome, left: self.left.take() };
            self.shared.push_always(connection.shard(), op);
        }
    }
}

async fn decide(rules: Arc<Namespace>, request: Arc<ConnectRequest>, mut verdict: Verdict) {
    let asked = async {
        let mut data = Data::none();
        for middleware in &rules.middlewares {
            data = data.then(middleware(Arc::clone(&request)).await?);
        }
        Ok(data)
    };
    verdict.outcome = Some(verdict.shared.handshakes.in_turn(asked).await);
}
