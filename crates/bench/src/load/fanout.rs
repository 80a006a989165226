//! Broadcasts to a room that every connection is in, or to several that each a part of them is in,
//! counted on each connection.

use std::collections::VecDeque;
use std::io;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::connection::Connection;
use super::direct::contains;
use super::xmpp;
use crate::latency::Latency;
use crate::protocol::{Fanout, Reply, Room};

/// A run of broadcasts.
pub(super) struct FanningOut {
    fanout: Fanout,
    payload: String,
    rooms: Vec<Progress>,
    /// The number of the first connection's user, and how many connections each room has.
    first_user: u32,
    members: usize,
    last: Latency,
    ack: Latency,
    delivered: u64,
    bytes: u64,
    began_ns: u64,
    ended_ns: u64,
}

/// How far a room is.
#[derive(Default)]
struct Progress {
    sent: u32,
    delivered: u64,
    /// When those were sent of which not all deliveries or no ack have come.
    sent_at: VecDeque<Instant>,
    unacked: VecDeque<Instant>,
}

/// Nanoseconds since 1970, which processes on one machine agree on.
fn now_ns() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

impl FanningOut {
    pub(super) fn new(fanout: Fanout, connections: &[Connection]) -> Self {
        Self {
            payload: "x".repeat(fanout.payload_bytes),
            rooms: fanout.rooms.iter().map(|_| Progress::default()).collect(),
            first_user: connections.first().map_or(0, |connection| connection.user),
            members: (connections.len() / fanout.rooms.len().max(1)).max(1),
            fanout,
            last: Latency::new(),
            ack: Latency::new(),
            delivered: 0,
            bytes: 0,
            began_ns: now_ns(),
            ended_ns: 0,
        }
    }

    fn expected(&self) -> u64 {
        u64::from(self.fanout.broadcasts) * (self.members * self.rooms.len()) as u64
    }

    pub(super) fn on_packet(
        &mut self,
        connection: &mut Connection,
        packet: &[u8],
    ) -> io::Result<()> {
        let expected = self.expected();
        let place = (connection.user - self.first_user) as usize / self.members;
        let (Some(room), Some(to)) = (self.rooms.get_mut(place), self.fanout.rooms.get(place))
        else {
            return Err(io::Error::other("a connection is in no room"));
        };
        if packet.starts_with(b"43") {
            if !contains(packet, br#""status":"sent""#) {
                return Err(io::Error::other(String::from_utf8_lossy(packet).into_owned()));
            }
            if let Some(sent_at) = room.unacked.pop_front() {
                self.ack.record(sent_at.elapsed());
            }
            return Ok(());
        }
        let is_event = match to {
            Room::All | Room::Named(_) => packet.starts_with(b"42[\"event\","),
            Room::Group(_) => packet.starts_with(b"42[\"group_message\","),
            Room::Muc(_) => xmpp::is_said_in_room(packet),
        };
        if !is_event {
            return Ok(());
        }
        connection.events += 1;
        self.delivered += 1;
        self.bytes += packet.len() as u64;
        room.delivered += 1;
        if room.delivered.is_multiple_of(self.members as u64)
            && let Some(sent_at) = room.sent_at.pop_front()
        {
            self.last.record(sent_at.elapsed());
        }
        if self.delivered == expected {
            self.ended_ns = now_ns();
        }
        Ok(())
    }

    /// Triggers broadcasts from the first connection of each room, a few ahead of what has arrived
    /// here.
    pub(super) fn advance(&mut self, connections: &mut [Connection]) -> io::Result<()> {
        let Fanout { send: true, broadcasts, in_flight, ref rooms, .. } = self.fanout else {
            return Ok(());
        };
        let payload = &self.payload;
        for (place, (to, room)) in rooms.iter().zip(&mut self.rooms).enumerate() {
            let Some(sender) = connections.get_mut(place * self.members) else { continue };
            // Broadcasts sent of which deliveries are still to come.
            let unfinished =
                |room: &Progress| u64::from(room.sent) - room.delivered / self.members as u64;
            while room.sent < broadcasts && unfinished(room) < u64::from(in_flight) {
                let sent = room.sent;
                let packet = match to {
                    Room::All => format!(r#"42["broadcast",{{"id":{sent},"text":"{payload}"}}]"#),
                    Room::Named(name) => format!(
                        r#"42["broadcast",{{"id":{sent},"room":"{name}","text":"{payload}"}}]"#
                    ),
                    Room::Group(group) => format!(
                        r#"42{sent}["group_message",{{"groupId":"{group}","content":"{payload}","echo":true}}]"#
                    ),
                    Room::Muc(name) => xmpp::to_room(name, sent, payload),
                };
                sender.send_text(packet.as_bytes())?;
                room.sent_at.push_back(Instant::now());
                if matches!(to, Room::Group(_)) {
                    room.unacked.push_back(Instant::now());
                }
                room.sent += 1;
            }
        }
        Ok(())
    }

    pub(super) fn progress(&self) -> u64 {
        self.delivered + 1
    }

    pub(super) fn state(&self) -> String {
        let sent: u32 = self.rooms.iter().map(|room| room.sent).sum();
        let (delivered, expected) = (self.delivered, self.expected());
        format!("{delivered} of {expected} deliveries, {sent} broadcasts sent")
    }

    pub(super) fn reply(&self, connections: &[Connection]) -> Option<Reply> {
        let is_unacked = self.rooms.iter().any(|room| !room.unacked.is_empty());
        if self.delivered < self.expected() || is_unacked {
            return None;
        }
        let broadcasts = self.fanout.broadcasts;
        let uneven = connections.iter().find(|connection| connection.events != broadcasts);
        Some(match uneven {
            Some(connection) => Reply::Failed {
                why: format!(
                    "user {} got {} of {} broadcasts",
                    connection.user, connection.events, broadcasts
                ),
            },
            None => Reply::FannedOut {
                deliveries: self.delivered,
                bytes: self.bytes,
                last: self.last.clone(),
                ack: self.ack.clone(),
                began_ns: self.began_ns,
                ended_ns: self.ended_ns,
            },
        })
    }
}
