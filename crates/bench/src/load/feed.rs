//! Messages to users of other processes: sent in turn to each, from this process's connections in
//! turn, and each acknowledged once. The text's head is the message's number at its recipient.

use std::io;
use std::time::{Duration, Instant};

use super::connection::{Connection, user_name};
use super::direct::{contains, number_at};
use crate::protocol::{Feed, Pace, Reply};

/// A run of such messages.
pub(super) struct Feeding {
    feed: Feed,
    padding: String,
    sent: u64,
    acked: u64,
    started: Instant,
    ended: Instant,
}

impl Feeding {
    pub(super) fn new(feed: Feed) -> Self {
        let started = Instant::now();
        let padding = "x".repeat(feed.content_bytes.saturating_sub(10));
        Self { feed, padding, sent: 0, acked: 0, started, ended: started }
    }

    fn total(&self) -> u64 {
        u64::from(self.feed.users) * u64::from(self.feed.each)
    }

    /// How many may have been sent by now.
    fn allowed(&self) -> u64 {
        match self.feed.pace {
            Pace::InFlight(limit) => self.acked + u64::from(limit),
            Pace::PerSecond(rate) => (self.started.elapsed().as_secs_f64() * rate) as u64,
        }
    }

    pub(super) fn wait(&self) -> Duration {
        Duration::from_millis(5)
    }

    pub(super) fn advance(&mut self, connections: &mut [Connection]) -> io::Result<()> {
        while self.sent < self.total().min(self.allowed()) {
            let Self { sent: number, padding, .. } = self;
            let users = u64::from(self.feed.users);
            let to = self.feed.first + u32::try_from(*number % users).expect("below `users`");
            let (to, index) = (user_name(to), *number / users);
            let packet = format!(
                r##"42{number}["private_message",{{"toUserId":"{to}","content":"#{index:08} {padding}","clientId":"f-{number}-{to}"}}]"##
            );
            let sender = usize::try_from(*number).expect("a number fits") % connections.len();
            connections[sender].send_text(packet.as_bytes())?;
            self.sent += 1;
        }
        Ok(())
    }

    pub(super) fn on_packet(&mut self, packet: &[u8]) -> io::Result<()> {
        let Some(rest) = packet.strip_prefix(b"43") else { return Ok(()) };
        let (number, answer) = number_at(rest);
        if !contains(answer, b"\"status\":\"sent\"") {
            let answer = String::from_utf8_lossy(answer).into_owned();
            return Err(io::Error::other(format!("message {number} was refused: {answer}")));
        }
        self.acked += 1;
        self.ended = Instant::now();
        Ok(())
    }

    pub(super) fn progress(&self) -> u64 {
        self.acked + 1
    }

    pub(super) fn state(&self) -> String {
        format!("{} of {} messages acked, {} sent", self.acked, self.total(), self.sent)
    }

    pub(super) fn reply(&self) -> Option<Reply> {
        (self.acked == self.total()).then(|| Reply::Fed {
            messages: self.acked,
            seconds: (self.ended - self.started).as_secs_f64(),
        })
    }
}
