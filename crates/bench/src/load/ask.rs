//! Commands one after the other, each sent once the one before it was answered: how long each takes
//! on a server that has little else to do.

use std::io;
use std::time::Instant;

use super::connection::Connection;
use super::direct::{contains, number_at};
use crate::latency::Latency;
use crate::protocol::{Ask, Reply};

/// A run of such commands.
pub(super) struct Asking {
    ask: Ask,
    sent: u64,
    sent_at: Instant,
    answered: u64,
    latencies: Vec<Latency>,
}

impl Asking {
    pub(super) fn new(ask: Ask) -> Self {
        let latencies = ask.commands.iter().map(|_| Latency::new()).collect();
        Self { ask, sent: 0, sent_at: Instant::now(), answered: 0, latencies }
    }

    fn total(&self) -> u64 {
        u64::from(self.ask.rounds) * self.ask.commands.len() as u64
    }

    /// Which of the commands the `number`th is.
    fn place(&self, number: u64) -> usize {
        usize::try_from(number % self.ask.commands.len() as u64).expect("there are few commands")
    }

    pub(super) fn advance(&mut self, connections: &mut [Connection]) -> io::Result<()> {
        if self.sent > self.answered || self.sent == self.total() {
            return Ok(());
        }
        let (by, event) = &self.ask.commands[self.place(self.sent)];
        let packet = format!("42{}{event}", self.sent);
        let connection = connections.get_mut(*by).ok_or_else(|| io::Error::other("nobody asks"))?;
        self.sent_at = Instant::now();
        self.sent += 1;
        connection.send_text(packet.as_bytes())
    }

    pub(super) fn on_packet(&mut self, packet: &[u8]) -> io::Result<()> {
        let Some(rest) = packet.strip_prefix(b"43") else { return Ok(()) };
        let (number, answer) = number_at(rest);
        if contains(answer, br#""status":"error""#) || number as u64 != self.answered {
            let answer = String::from_utf8_lossy(answer).into_owned();
            return Err(io::Error::other(format!("command {number} was refused: {answer}")));
        }
        let place = self.place(self.answered);
        self.latencies[place].record(self.sent_at.elapsed());
        self.answered += 1;
        Ok(())
    }

    pub(super) fn progress(&self) -> u64 {
        self.answered + 1
    }

    pub(super) fn state(&self) -> String {
        format!("{} of {} commands answered", self.answered, self.total())
    }

    pub(super) fn reply(&self) -> Option<Reply> {
        (self.answered == self.total()).then(|| Reply::Asked { latencies: self.latencies.clone() })
    }
}
