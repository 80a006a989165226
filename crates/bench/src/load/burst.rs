//! One command by each of some connections at once, and its answer.

use std::io;
use std::time::Instant;

use super::connection::Connection;
use super::direct::contains;
use crate::latency::Latency;
use crate::protocol::{Burst, Reply};

/// A command that is being answered.
pub(super) struct Bursting {
    burst: Burst,
    began: Instant,
    sent: usize,
    answered: u64,
    latency: Latency,
    answer: String,
}

impl Bursting {
    /// By as many of the connections as there are, at most as many as are to send.
    pub(super) fn new(burst: Burst, connections: usize) -> Self {
        let connections = u32::try_from(connections).unwrap_or(u32::MAX);
        let burst = Burst { connections: burst.connections.min(connections), ..burst };
        let (latency, answer) = (Latency::new(), String::new());
        Self { burst, began: Instant::now(), sent: 0, answered: 0, latency, answer }
    }

    pub(super) fn advance(&mut self, connections: &mut [Connection]) -> io::Result<()> {
        let Burst { event, payload, connections: count } = &self.burst;
        let packet = format!(r#"420["{event}",{payload}]"#);
        while self.sent < *count as usize {
            connections[self.sent].send_text(packet.as_bytes())?;
            self.sent += 1;
        }
        Ok(())
    }

    pub(super) fn on_packet(
        &mut self,
        connection: &mut Connection,
        packet: &[u8],
    ) -> io::Result<()> {
        let Some(answer) = packet.strip_prefix(b"430") else {
            connection.events += u32::from(packet.starts_with(b"42"));
            return Ok(());
        };
        let text = String::from_utf8_lossy(answer);
        if contains(answer, b"\"status\":\"error\"") {
            return Err(io::Error::other(format!("{} was refused: {text}", self.burst.event)));
        }
        self.answered += 1;
        self.latency.record(self.began.elapsed());
        if self.answer.is_empty() {
            self.answer = text.into_owned();
        }
        Ok(())
    }

    pub(super) fn progress(&self) -> u64 {
        self.answered + 1
    }

    pub(super) fn state(&self) -> String {
        format!("{} of {} answers to {}", self.answered, self.burst.connections, self.burst.event)
    }

    pub(super) fn reply(&self) -> Option<Reply> {
        let done = self.answered >= u64::from(self.burst.connections);
        done.then(|| Reply::BurstAnswered {
            latency: self.latency.clone(),
            answer: self.answer.clone(),
        })
    }
}
