//! Broadcasts to a room that every connection is in, counted on each connection.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use super::connection::Connection;
use crate::protocol::Reply;

/// A run of broadcasts.
pub(super) struct FanningOut {
    send: bool,
    broadcasts: u32,
    in_flight: u32,
    payload: String,
    connections: u64,
    sent: u32,
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
        connections: usize,
    ) -> Self {
        Self {
            send,
            broadcasts,
            in_flight,
            payload: "x".repeat(payload_bytes),
            connections: connections as u64,
            sent: 0,
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
        if !packet.starts_with(b"42[\"event\",") {
            return Ok(());
        }
        connection.events += 1;
        self.delivered += 1;
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
            let packet = format!(r#"42["broadcast",{{"id":{sent},"text":"{payload}"}}]"#);
            sender.send_text(packet.as_bytes())?;
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
        if self.delivered < self.expected() {
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
                began_ns: self.began_ns,
                ended_ns: self.ended_ns,
            },
        })
    }
}
