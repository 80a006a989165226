//! Broadcasts to a room that every connection is in, counted on each connection.

use std::collections::VecDeque;
use std::io;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::connection::Connection;
use super::direct::contains;
use crate::latency::Latency;
use crate::protocol::Reply;

/// A run of broadcasts.
pub(super) struct FanningOut {
    send: bool,
    broadcasts: u32,
    in_flight: u32,
    payload: String,
    /// A group of Parlor's, to be spoken to in place of the peers' room.
    group: Option<String>,
    connections: u64,
    sent: u32,
    /// When those were sent of which not all deliveries or no ack have come.
    sent_at: VecDeque<Instant>,
    unacked: VecDeque<Instant>,
    last: Latency,
    ack: Latency,
    delivered: u64,
    began_ns: u64,
    ended_ns: u64,
}

/// Nanoseconds since 1970, which processes on one machine agree on.
fn now_ns() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

impl FanningOut {
    pub(super) fn new(
        send: bool,
        broadcasts: u32,
        in_flight: u32,
        payload_bytes: usize,
        group: Option<String>,
        connections: usize,
    ) -> Self {
        Self {
            send,
            broadcasts,
            in_flight,
            payload: "x".repeat(payload_bytes),
            group,
            connections: connections as u64,
            sent: 0,
            sent_at: VecDeque::new(),
            unacked: VecDeque::new(),
            last: Latency::new(),
            ack: Latency::new(),
            delivered: 0,
            began_ns: now_ns(),
            ended_ns: 0,
        }
    }

    fn expected(&self) -> u64 {
        u64::from(self.broadcasts) * self.connections
    }

    pub(super) fn on_packet(
        &mut self,
        connection: &mut Connection,
        packet: &[u8],
    ) -> io::Result<()> {
        let expected: &[u8] = match self.group {
            None => b"42[\"event\",",
            Some(_) => b"42[\"group_message\",",
        };
        if packet.starts_with(b"43") {
            if !contains(packet, br#""status":"sent""#) {
                return Err(io::Error::other(String::from_utf8_lossy(packet).into_owned()));
            }
            if let Some(sent_at) = self.unacked.pop_front() {
                self.ack.record(sent_at.elapsed());
            }
            return Ok(());
        }
        if !packet.starts_with(expected) {
            return Ok(());
        }
        connection.events += 1;
        self.delivered += 1;
        if self.delivered.is_multiple_of(self.connections)
            && let Some(sent_at) = self.sent_at.pop_front()
        {
            self.last.record(sent_at.elapsed());
        }
        if self.delivered == self.expected() {
            self.ended_ns = now_ns();
        }
        Ok(())
    }

    /// Triggers broadcasts from the first connection, a few ahead of what has arrived here.
    pub(super) fn advance(&mut self, connections: &mut [Connection]) -> io::Result<()> {
        let Some(sender) = connections.first_mut().filter(|_| self.send) else { return Ok(()) };
        while self.sent < self.broadcasts && self.unfinished() < u64::from(self.in_flight) {
            let Self { sent, payload, .. } = self;
            let packet = match &self.group {
                None => format!(r#"42["broadcast",{{"id":{sent},"text":"{payload}"}}]"#),
                Some(group) => format!(
                    r#"42{sent}["group_message",{{"groupId":"{group}","content":"{payload}","echo":true}}]"#
                ),
            };
            sender.send_text(packet.as_bytes())?;
            self.sent_at.push_back(Instant::now());
            if self.group.is_some() {
                self.unacked.push_back(Instant::now());
            }
            self.sent += 1;
        }
        Ok(())
    }

    /// Broadcasts sent of which deliveries are still to come.
    fn unfinished(&self) -> u64 {
        u64::from(self.sent) - self.delivered / self.connections.max(1)
    }

    pub(super) fn progress(&self) -> u64 {
        self.delivered + 1
    }

    pub(super) fn state(&self) -> String {
        format!(
            "{} of {} deliveries, {} broadcasts sent",
            self.delivered,
            self.expected(),
            self.sent
        )
    }

    pub(super) fn reply(&self, connections: &[Connection]) -> Option<Reply> {
        if self.delivered < self.expected() || !self.unacked.is_empty() {
            return None;
        }
        let uneven = connections.iter().find(|connection| connection.events != self.broadcasts);
        Some(match uneven {
            Some(connection) => Reply::Failed {
                why: format!(
                    "user {} got {} of {} broadcasts",
                    connection.user, connection.events, self.broadcasts
                ),
            },
            None => Reply::FannedOut {
                deliveries: self.delivered,
                last: self.last.clone(),
                ack: self.ack.clone(),
                began_ns: self.began_ns,
                ended_ns: self.ended_ns,
            },
        })
    }
}
