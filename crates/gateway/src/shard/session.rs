//! Socket.IO on a connection: joining namespaces, answers, leaving. Events have a file of their own.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use parlor_wire::packet::{Kind, Packet};
use serde_json::value::RawValue;

use super::connection::{Member, Space};
use super::ops::Op;
use super::rooms::Memberships;
use super::send::When;
use super::{Place, Shard};
use crate::frame::Frame;
use crate::handshake::Handshake;
use crate::ids::SocketKey;
use crate::namespace::{ConnectError, ConnectRequest, Data, Namespace};
use crate::reason::{CloseReason, DisconnectReason};
use crate::shared::Shared;
use crate::socket::{Answer, Socket};
use crate::stats::Counters;

impl Shard {
    /// Handles one Socket.IO packet with its attachments.
    pub(super) fn packet(&mut self, place: Place, packet: Packet<'_>, attachments: Vec<Bytes>) {
        let socket = self.socket_in(place, packet.namespace);
        match (packet.kind, socket) {
            (Kind::Connect, None) => self.connect(place, packet.namespace, packet.data),
            (Kind::Event | Kind::BinaryEvent, Some(slot)) => {
                self.event(place, slot, &packet, attachments);
            }
            (Kind::Ack | Kind::BinaryAck, Some(slot)) => {
                let (Some(id), Some(member)) = (packet.ack_id, self.sockets.at(slot)) else {
                    return self.close(place, CloseReason::ParseError);
                };
                let args = if packet.data.is_empty() { "[]" } else { packet.data };
                let answer = Answer { args: args.to_owned(), attachments };
                self.acks.answer(id, &mut member.owed, answer);
            }
            (Kind::Disconnect, Some(slot)) => {
                self.forget_socket(place, slot);
                self.remove_socket(slot, DisconnectReason::ClientNamespaceDisconnect);
            }
            (Kind::Connect, Some(_)) | (Kind::ConnectError, _) => {
                self.close(place, CloseReason::ProtocolViolation);
            }
            (_, None) => {
                // After a leave by the server, the client's packets may still be on their way.
                let left = self.connections.get(place.0, place.1).is_some_and(|it| it.left);
                if !left {
                    self.close(place, CloseReason::ProtocolViolation);
                }
            }
        }
    }

    fn socket_in(&mut self, (slot, generation): Place, namespace: &str) -> Option<u32> {
        let connection = self.connections.get(slot, generation)?;
        connection.sockets.iter().copied().find(|&socket| {
            let space = self.sockets.at(socket).map(|member| member.space);
            let space = space.and_then(|space| self.spaces.get(space as usize)?.as_ref());
            space.is_some_and(|space| &*space.name == namespace)
        })
    }

    /// The rules of a space that exists.
    pub(super) fn rules(&self, space: u32) -> Option<Arc<Namespace>> {
        self.spaces.get(space as usize)?.as_ref().map(|space| Arc::clone(&space.rules))
    }

    /// A wish to join a namespace.
    fn connect(&mut self, place: Place, namespace: &str, auth: &str) {
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
        if rules.middlewares.is_empty() {
            return self.decided(place, space, Ok(Data::none()));
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
        let verdict = Verdict {
            shared: Arc::clone(&self.shared),
            connection: self.key(place),
            space,
            outcome: Some(Err(ConnectError::new("internal error"))),
        };
        tokio::task::spawn_local(decide(rules, Arc::new(request), verdict));
    }

    /// The number of a namespace that has rules, opened if nobody is in it yet.
    pub(super) fn open_space(&mut self, namespace: &str) -> Option<u32> {
        let rules = Arc::clone(self.shared.namespace(namespace)?);
        let name: Arc<str> = namespace.into();
        let space = Some(Space {
            name: Arc::clone(&name),
            rules,
            members: Vec::new(),
            rooms: super::rooms::Rooms::default(),
            pending: 0,
            dynamic: !self.shared.namespaces.contains_key(namespace),
        });
        let number = self.spaces_free.pop().unwrap_or_else(|| {
            self.spaces.push(None);
            self.spaces.len() as u32 - 1
        });
        self.spaces[number as usize] = space;
        self.space_names.insert(name, number);
        Some(number)
    }

    /// Ends a dynamic space that nobody is in or waits for.
    pub(super) fn close_space_if_empty(&mut self, number: u32) {
        if let Some(Some(space)) = self.spaces.get(number as usize)
            && space.dynamic
            && space.pending == 0
            && space.members.is_empty()
        {
            self.space_names.remove(&space.name);
            self.spaces[number as usize] = None;
            self.spaces_free.push(number);
        }
    }

    /// The middlewares of a namespace have decided on a connection's wish.
    pub(super) fn decided(
        &mut self,
        place: Place,
        number: u32,
        outcome: Result<Data, ConnectError>,
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
        connection.joined = true;
        let (shared, index, remote) = (&self.shared, self.index, connection.remote);
        let members = space.members.len() as u32;
        let connection_key = SocketKey::new(index, place.0, place.1);
        let (slot, _) = self.sockets.insert(|slot, generation| Member {
            handle: Socket::new(
                SocketKey::new(index, slot, generation),
                connection_key,
                Arc::clone(&name),
                Arc::clone(shared),
                data.0,
                handshake,
                remote,
            ),
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
        let answer = format!(r#"{{"sid":"{}"}}"#, socket.id());
        self.send_packet(place, Kind::Connect, &name, &answer);
        if let Some(handler) = &rules.on_connect {
            self.guard(place, || handler(socket));
        }
    }

    fn refuse(&mut self, place: Place, namespace: &str, error: &ConnectError) {
        let message = serde_json::Value::from(error.message.as_str());
        let text = match &error.data {
            Some(data) => format!(r#"{{"message":{message},"data":{data}}}"#),
            None => format!(r#"{{"message":{message}}}"#),
        };
        self.send_packet(place, Kind::ConnectError, namespace, &text);
    }

    /// Queues a packet without attachments.
    pub(super) fn send_packet(&mut self, place: Place, kind: Kind, namespace: &str, data: &str) {
        let packet = Packet { kind, namespace, ack_id: None, attachments: 0, data };
        self.send(place, &Frame::packet(&packet), When::Batched);
    }

    /// Removes a socket from its connection's list.
    pub(super) fn forget_socket(&mut self, place: Place, slot: u32) {
        if let Some(connection) = self.connections.get_mut(place.0, place.1) {
            connection.sockets.retain(|it| *it != slot);
            connection.left = true;
        }
    }

    /// Removes a socket from its namespace and rooms, settles what it owes, and tells.
    pub(super) fn remove_socket(&mut self, slot: u32, reason: DisconnectReason) {
        let Some(generation) = self.sockets.generation(slot) else { return };
        let Some(number) = self.sockets.at(slot).map(|member| member.space) else { return };
        if let Some(Some(space)) = self.spaces.get_mut(number as usize) {
            space.rooms.leave_all(slot, &mut self.sockets);
        }
        let Some(member) = self.sockets.remove(slot, generation) else { return };
        let mut rules = None;
        if let Some(Some(space)) = self.spaces.get_mut(number as usize) {
            space.members.swap_remove(member.place as usize);
            if let Some(&moved) = space.members.get(member.place as usize)
                && let Some(moved) = self.sockets.at(moved)
            {
                moved.place = member.place;
            }
            if space.members.is_empty() {
                space.members = Vec::new();
            }
            rules = Some(Arc::clone(&space.rules));
        }
        self.acks.gone(member.owed);
        Counters::take(&self.counters().sockets, 1);
        if let Some(handler) = rules.as_ref().and_then(|rules| rules.on_disconnect.as_ref()) {
            self.guard(member.connection, || handler(&member.handle, reason));
        }
        self.close_space_if_empty(number);
    }
}

/// Tells the shard what the middlewares decided, or that they never will.
struct Verdict {
    shared: Arc<Shared>,
    connection: SocketKey,
    space: u32,
    outcome: Option<Result<Data, ConnectError>>,
}

impl Drop for Verdict {
    fn drop(&mut self) {
        if let Some(outcome) = self.outcome.take() {
            let (connection, space) = (self.connection, self.space);
            let op = Op::Decided { connection, space, outcome };
            self.shared.push_always(connection.shard(), op);
        }
    }
}

async fn decide(rules: Arc<Namespace>, request: Arc<ConnectRequest>, mut verdict: Verdict) {
    let mut data = Data::none();
    for middleware in &rules.middlewares {
        match middleware(Arc::clone(&request)).await {
            Ok(step) => data = if step.0.is_some() { step } else { data },
            Err(error) => {
                verdict.outcome = Some(Err(error));
                return;
            }
        }
    }
    verdict.outcome = Some(Ok(data));
}
