//! Connections that were cut and come back all at once: each tries until it is let in, and has come
//! back when it has heard every message it missed and was told that it is caught up.
//!
//! A refusal with 503 says when to try again; whatever else ends a connection, it tries again a
//! moment later, as a stock client does. What is heard again after such an end is counted.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::connect::auth;
use super::connection::{Connection, Stage};
use super::direct::{number_at, text_number};
use crate::latency::Latency;
use crate::protocol::{Auth, Reply, Window};

/// When one tries again that was not told when; each user has its own moment in the spread.
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_SPREAD_MS: u64 = 1_000;

/// One user on its way back.
#[derive(Clone, Copy, Default)]
struct Traveller {
    /// A bit for each message that it has heard.
    heard: u64,
    is_connected: bool,
    is_caught_up: bool,
    is_back: bool,
}

/// Connections on their way back.
pub(super) struct Returning {
    address: SocketAddr,
    auth: Auth,
    first: u32,
    missed: u32,
    travellers: Vec<Traveller>,
    /// Who is to try when.
    due: BTreeSet<(Instant, usize)>,
    started: Instant,
    latency: Latency,
    back: usize,
    steps: u64,
    refused: u64,
    lost: u64,
    repeats: u64,
}

impl Returning {
    /// The users are numbered from `first`.
    pub(super) fn new(
        address: SocketAddr,
        auth: Auth,
        first: u32,
        users: usize,
        missed: u32,
    ) -> Self {
        let started = Instant::now();
        Self {
            address,
            auth,
            first,
            missed,
            travellers: vec![Traveller::default(); users],
            due: (0..users).map(|slot| (started, slot)).collect(),
            started,
            latency: Latency::new(),
            back: 0,
            steps: 0,
            refused: 0,
            lost: 0,
            repeats: 0,
        }
    }

    pub(super) fn wait(&self) -> Duration {
        let next = self.due.first().map(|(due, _)| due.saturating_duration_since(Instant::now()));
        next.unwrap_or(Duration::from_millis(50))
    }

    /// The next connection that is to be tried now, and its place.
    pub(super) fn next(&mut self) -> io::Result<Option<(usize, Connection)>> {
        if self.due.first().is_none_or(|(due, _)| *due > Instant::now()) {
            return Ok(None);
        }
        let Some((_, slot)) = self.due.pop_first() else { return Ok(None) };
        self.travellers[slot].is_connected = true;
        let user = self.first + u32::try_from(slot).expect("a slot is small");
        Connection::begin(self.address, user, Window::Usual, self.auth.wire(), None)
            .map(|it| Some((slot, it)))
    }

    /// Whether a place has no connection now.
    pub(super) fn is_away(&self, slot: usize) -> bool {
        !self.travellers[slot].is_connected
    }

    /// A connection was refused or has ended.
    pub(super) fn on_lost(&mut self, slot: usize, error: &io::Error) {
        let text = error.to_string();
        let told =
            text.split_once("\"retryAfterMs\":").map(|(_, rest)| number_at(rest.as_bytes()).0);
        let wait = match told {
            Some(ms) => Duration::from_millis(ms as u64),
            None => RETRY_MIN + Duration::from_millis(slot as u64 * 7_919 % RETRY_SPREAD_MS),
        };
        if text.contains(" 503 ") {
            self.refused += 1;
        } else {
            self.lost += 1;
        }
        self.steps += 1;
        let traveller = &mut self.travellers[slot];
        traveller.is_connected = false;
        traveller.is_caught_up = false;
        self.due.insert((Instant::now() + wait, slot));
    }

    pub(super) fn on_packet(
        &mut self,
        connection: &mut Connection,
        packet: &[u8],
    ) -> io::Result<()> {
        self.steps += 1;
        match (connection.stage, packet) {
            (Stage::Opening, [b'0', ..]) => {
                connection.stage = Stage::Joining;
                let connect = format!("40{}", auth(&self.auth, connection.user)?);
                connection.send_text(connect.as_bytes())
            }
            (Stage::Joining, [b'4', b'4', error @ ..]) => {
                let error = String::from_utf8_lossy(error).into_owned();
                Err(io::Error::other(format!("CONNECT was refused: {error}")))
            }
            (_, packet) if packet.starts_with(b"42[\"ready\"") => {
                connection.stage = Stage::Live;
                Ok(())
            }
            (_, packet) => {
                self.hear((connection.user - self.first) as usize, packet);
                Ok(())
            }
        }
    }

    fn hear(&mut self, slot: usize, packet: &[u8]) {
        let all = u64::MAX >> (64 - self.missed.clamp(1, 64));
        let traveller = &mut self.travellers[slot];
        if packet.starts_with(b"42[\"private_message\",") {
            let bit = 1_u64.checked_shl(u32::try_from(text_number(packet)).unwrap_or(u32::MAX));
            let bit = bit.unwrap_or(0) & all;
            self.repeats += u64::from(traveller.heard & bit != 0);
            traveller.heard |= bit;
        } else if packet.starts_with(b"42[\"caught_up\"") {
            traveller.is_caught_up = true;
        }
        if traveller.heard == all && traveller.is_caught_up && !traveller.is_back {
            traveller.is_back = true;
            self.back += 1;
            self.latency.record(self.started.elapsed());
        }
    }

    pub(super) fn progress(&self) -> u64 {
        self.steps + 1
    }

    pub(super) fn state(&self) -> String {
        let Self { back, travellers, refused, lost, .. } = self;
        format!("{back} of {} are back, {refused} refused, {lost} lost", travellers.len())
    }

    pub(super) fn reply(&self) -> Option<Reply> {
        (self.back == self.travellers.len()).then(|| Reply::Returned {
            seconds: self.started.elapsed().as_secs_f64(),
            latency: self.latency.clone(),
            refused: self.refused,
            lost: self.lost,
            repeats: self.repeats,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn returning() -> Returning {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        Returning::new(address, Auth::Name, 10, 2, 2)
    }

    #[test]
    fn who_has_all_and_is_caught_up_is_back_once() {
        let mut run = returning();
        let message = |number| format!(r##"42["private_message",{{"content":"#{number:08} x"}}]"##);
        for packet in [&message(0), &message(0), r#"42["caught_up",{}]"#] {
            run.hear(0, packet.as_bytes());
        }
        assert_eq!((run.back, run.repeats), (0, 1), "one is missing");
        run.hear(0, message(1).as_bytes());
        run.hear(0, br#"42["caught_up",{}]"#);
        assert_eq!(run.back, 1);
        assert!(run.reply().is_none());
        run.hear(1, message(7).as_bytes());
        assert_eq!(run.travellers[1].heard, 0, "not one of those that were missed");
    }

    #[test]
    fn who_is_refused_comes_when_it_is_told() {
        let mut run = returning();
        run.due.clear();
        let refusal = "HTTP/1.1 503 x\r\n\r\n{\"code\":4,\"retryAfterMs\":60000}";
        run.on_lost(1, &io::Error::other(refusal));
        assert_eq!((run.refused, run.lost, run.is_away(1)), (1, 0, true));
        assert!(run.wait() > Duration::from_secs(50));
        run.on_lost(0, &io::Error::other("reset"));
        assert!(run.wait() < Duration::from_secs(2));
        assert_eq!((run.refused, run.lost), (1, 1));
    }
}
