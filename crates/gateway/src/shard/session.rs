//! Socket.IO on a connection: its packets, the namespaces that exist, leaving. Joining and events
//! have files of their own.

use std::sync::Arc;

use bytes::Bytes;
use parlor_wire::packet::{Kind, Packet};

use super::connection::{Past, Space};
use super::send::When;
use super::{Place, Shard};
use crate::frame::Frame;
use crate::namespace::{Namespace, RoomChange};
use crate::reason::{CloseReason, DisconnectReason};
use crate::socket::Answer;
use crate::stats::Counters;

impl Shard {
    /// Handles one Socket.IO packet with its attachments.
    pub(super) fn packet(&mut self, place: Place, packet: Packet<'_>, attachments: Vec<Bytes>) {
        let socket = self.socket_in(place, packet.namespace);
        match (packet.kind, socket) {
            (Kind::Connect, None) => self.connect(place, packet.namespace, packet.data),
            (Kind::Event | Kind::BinaryEvent, Some(slot)) if self.unanswered.contains(&slot) => {
                // As before the middlewares have decided: it has not been let in yet.
                self.close(place, CloseReason::ProtocolViolation);
            }
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
                let left =
                    self.connections.get(place.0, place.1).is_some_and(|it| it.past == Past::Left);
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

    /// The number of a namespace that has rules, opened if nobody is in it yet.
    pub(super) fn open_space(&mut self, namespace: &str) -> Option<u32> {
        let rules = Arc::clone(self.shared.namespace(namespace)?);
        let rooms = super::rooms::Rooms::new(rules.on_room.clone());
        let name: Arc<str> = namespace.into();
        let space = Some(Space {
            name: Arc::clone(&name),
            rules,
            members: Vec::new(),
            rooms,
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

    /// Queues a packet without attachments.
    pub(super) fn send_packet(&mut self, place: Place, kind: Kind, namespace: &str, data: &str) {
        let packet = Packet { kind, namespace, ack_id: None, attachments: 0, data };
        self.send(place, &Frame::packet(&packet), When::Batched);
    }

    /// Removes a socket from its connection's list.
    pub(super) fn forget_socket(&mut self, place: Place, slot: u32) {
        if let Some(connection) = self.connections.get_mut(place.0, place.1) {
            connection.sockets.retain(|it| *it != slot);
            self.has_past(place, Past::Left);
        }
    }

    /// Removes a socket from its namespace and rooms, settles what it owes, and tells.
    pub(super) fn remove_socket(&mut self, slot: u32, reason: DisconnectReason) {
        let Some(generation) = self.sockets.generation(slot) else { return };
        let Some(number) = self.sockets.at(slot).map(|member| member.space) else { return };
        self.save_session(slot, reason);
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
        self.unanswered.remove(&slot);
        if member.handle.restored_id().is_some() {
            self.restored.remove(member.handle.key());
            self.shared.restored.lock().remove(member.handle.key());
        }
        self.acks.gone(member.owed);
        Counters::take(&self.counters().sockets, 1);
        if let Some(watch) = rules.as_ref().and_then(|rules| rules.on_room.as_ref()) {
            let id = member.handle.id();
            watch.tell(RoomChange { room: id.as_str(), is_own: true, is_there: false });
        }
        if let Some(handler) = rules.as_ref().and_then(|rules| rules.on_disconnect.as_ref()) {
            self.guard(member.connection, || handler(&member.handle, reason));
        }
        self.close_space_if_empty(number);
    }
}
