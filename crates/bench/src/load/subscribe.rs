//! Subscriptions to the presence of others: each connection of this process names its share, and
//! each command is answered once.

use std::io;

use super::connection::{Connection, user_name};
use super::direct::{contains, number_at};
use crate::protocol::{Reply, Subscribe};

/// Users of one command, as many as the server takes.
const USERS_MAX: u32 = 100;
/// Commands unanswered at a time.
const IN_FLIGHT: u64 = 256;

/// A run of such commands.
pub(super) struct Subscribing {
    subscribe: Subscribe,
    connections: u64,
    sent: u64,
    acked: u64,
}

impl Subscribing {
    pub(super) fn new(subscribe: Subscribe, connections: usize) -> Self {
        Self { subscribe, connections: connections as u64, sent: 0, acked: 0 }
    }

    fn per_connection(&self) -> u64 {
        u64::from(self.subscribe.each.div_ceil(USERS_MAX))
    }

    fn total(&self) -> u64 {
        self.connections * self.per_connection()
    }

    pub(super) fn advance(&mut self, connections: &mut [Connection]) -> io::Result<()> {
        while self.sent < self.total().min(self.acked + IN_FLIGHT) {
            let slot = usize::try_from(self.sent / self.per_connection()).expect("it fits");
            let part = u32::try_from(self.sent % self.per_connection()).expect("it fits");
            let packet = self.packet(connections[slot].user, part);
            connections[slot].send_text(packet.as_bytes())?;
            self.sent += 1;
        }
        Ok(())
    }

    /// The users that follow on those of the connection before, and begin anew at the last.
    fn packet(&self, user: u32, part: u32) -> String {
        let Subscribe { first, users, each } = self.subscribe;
        let begin = user.wrapping_mul(each) + part * USERS_MAX;
        let end = begin + USERS_MAX.min(each - part * USERS_MAX);
        let names = (begin..end).map(|at| format!("\"{}\"", user_name(first + at % users)));
        let names = names.collect::<Vec<_>>().join(",");
        format!(r#"42{}["presence_subscribe",{{"userIds":[{names}]}}]"#, self.sent)
    }

    pub(super) fn on_packet(&mut self, packet: &[u8]) -> io::Result<()> {
        let Some(rest) = packet.strip_prefix(b"43") else { return Ok(()) };
        let (number, answer) = number_at(rest);
        if !contains(answer, b"\"status\":\"ok\"") {
            let answer = String::from_utf8_lossy(answer).into_owned();
            return Err(io::Error::other(format!("command {number} was refused: {answer}")));
        }
        self.acked += 1;
        Ok(())
    }

    pub(super) fn progress(&self) -> u64 {
        self.acked + 1
    }

    pub(super) fn state(&self) -> String {
        format!("{} of {} subscriptions answered, {} sent", self.acked, self.total(), self.sent)
    }

    pub(super) fn reply(&self) -> Option<Reply> {
        (self.acked == self.total()).then_some(Reply::Subscribed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_is_watched_as_often_as_any_other() {
        let (first, users, each) = (1_000, 300, 150);
        let run = Subscribing::new(Subscribe { first, users, each }, 4);
        assert_eq!(run.total(), 8);
        let mut watched = std::collections::HashMap::new();
        for user in 0..4 {
            for part in 0..2 {
                let packet = run.packet(user, part);
                for name in packet.split('"').filter(|text| text.starts_with("u0")) {
                    *watched.entry(name.to_owned()).or_insert(0) += 1;
                }
            }
        }
        assert_eq!(watched.len(), 300);
        assert!(watched.values().all(|times| *times == 2));
    }
}
