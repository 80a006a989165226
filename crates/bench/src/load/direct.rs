//! Direct messages between neighbours (user 2n with user 2n+1), each awaited twice: its ack by
//! the sender and its delivery at the recipient.
//!
//! The ack id and the text's head are the message's number, so that a lost, a doubled and an
//! unknown one are told apart. In the open loop latency counts from when a message was due, not
//! from when the generator came round to sending it.

use std::io;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::connection::{Connection, user_name};
use super::xmpp;
use crate::latency::Latency;
use crate::protocol::{Dialect, Direct, Pace, Reply};

/// What is known of one message.
struct Sent {
    due: Instant,
    acked: bool,
    delivered: bool,
}

/// A run of direct messages.
pub(super) struct Directing {
    direct: Direct,
    padding: String,
    connections: usize,
    messages: Vec<Sent>,
    acked: u64,
    delivered: u64,
    started: Instant,
    ended: Instant,
    ack: Latency,
    delivery: Latency,
}

impl Directing {
    pub(super) fn new(direct: Direct, connections: usize) -> Self {
        let started = Instant::now();
        Self {
            // `#` and the digits of the number lead the text.
            padding: "x".repeat(direct.content_bytes.saturating_sub(10)),
            direct,
            connections,
            messages: Vec::new(),
            acked: 0,
            delivered: 0,
            started,
            ended: started,
            ack: Latency::new(),
            delivery: Latency::new(),
        }
    }

    /// Sends no more.
    pub(super) fn finish(&mut self) {
        self.direct.seconds = 0.0;
    }

    fn sending(&self) -> bool {
        self.started.elapsed().as_secs_f64() < self.direct.seconds
    }

    /// When the next message of the open loop is due.
    fn next_due(&self, per_second: f64) -> Instant {
        self.started + Duration::from_secs_f64(self.messages.len() as f64 / per_second)
    }

    /// How long the poll may sleep.
    pub(super) fn wait(&self) -> Duration {
        match self.direct.pace {
            Pace::PerSecond(rate) if self.sending() => {
                self.next_due(rate).saturating_duration_since(Instant::now())
            }
            // The end of sending must be noticed without traffic.
            _ => Duration::from_millis(20),
        }
    }

    pub(super) fn advance(&mut self, connections: &mut [Connection]) -> io::Result<()> {
        while self.sending() {
            let now = Instant::now();
            let due = match self.direct.pace {
                Pace::InFlight(limit) => {
                    let open = self.messages.len() as u64 - self.acked.min(self.delivered);
                    if open >= u64::from(limit) {
                        break;
                    }
                    now
                }
                Pace::PerSecond(rate) => self.next_due(rate),
            };
            if due > now {
                break;
            }
            let number = self.messages.len();
            let sender = number % (self.connections & !1);
            let user = connections[sender].user;
            // Neighbours by place: the connections of a process are numbered from an even user.
            let to = connections[sender ^ 1].user;
            let packet = self.packet(number, &mut connections[sender], to);
            self.messages.push(Sent { due, acked: false, delivered: false });
            connections[sender]
                .send_text(packet.as_bytes())
                .map_err(|error| io::Error::other(format!("user {user} sends: {error}")))?;
        }
        Ok(())
    }

    fn packet(&self, number: usize, sender: &mut Connection, to_user: u32) -> String {
        let (to, padding, run) = (user_name(to_user), &self.padding, self.direct.run);
        let text = format!("#{number:08} {padding}");
        match self.direct.dialect {
            Dialect::PrivateMessage => format!(
                r##"42{number}["private_message",{{"toUserId":"{to}","content":"{text}","clientId":"r{run}-{number}-{to}"}}]"##
            ),
            Dialect::Relay => {
                format!(r##"42{number}["dm",{{"to":"{to}","content":"{text}"}}]"##)
            }
            Dialect::Stanza => match sender.xmpp_mut() {
                Some(stream) => stream.message(number, to_user, &text),
                None => unreachable!("a kind with this dialect logs in by XMPP"),
            },
        }
    }

    pub(super) fn on_packet(
        &mut self,
        connection: &mut Connection,
        packet: &[u8],
    ) -> io::Result<()> {
        let name: &[u8] = match self.direct.dialect {
            Dialect::PrivateMessage => b"42[\"private_message\",",
            Dialect::Relay => b"42[\"dm\",",
            Dialect::Stanza => return self.on_stanza(connection, packet),
        };
        if let Some(rest) = packet.strip_prefix(b"43") {
            self.on_ack(rest)
        } else if packet.starts_with(name) {
            connection.events += 1;
            self.on_delivery(text_number(packet))?;
            if self.direct.receipts && self.direct.dialect == Dialect::PrivateMessage {
                let receipt = receipt(packet).map_err(io::Error::other)?;
                connection.send_text(receipt.as_bytes())?;
            }
            Ok(())
        } else {
            Ok(())
        }
    }

    fn on_stanza(&mut self, connection: &mut Connection, stanza: &[u8]) -> io::Result<()> {
        if xmpp::attribute(stanza, "type") == Some(b"error") {
            return Err(io::Error::other(String::from_utf8_lossy(stanza)));
        }
        if stanza.starts_with(b"<a ")
            && let Some(stream) = connection.xmpp_mut()
        {
            return stream.confirmed(stanza)?.into_iter().try_for_each(|it| self.on_acked(it));
        }
        match xmpp::body(stanza) {
            Some([b'#', number @ ..]) if stanza.starts_with(b"<message ") => {
                connection.events += 1;
                self.on_delivery(number_at(number).0)
            }
            _ => Ok(()),
        }
    }

    fn on_ack(&mut self, rest: &[u8]) -> io::Result<()> {
        let (number, answer) = number_at(rest);
        if !contains(answer, b"\"status\":\"sent\"") {
            let answer = String::from_utf8_lossy(answer).into_owned();
            return Err(io::Error::other(format!("message {number} was refused: {answer}")));
        }
        self.on_acked(number)
    }

    fn on_acked(&mut self, number: usize) -> io::Result<()> {
        match self.messages.get_mut(number) {
            Some(sent) if !sent.acked => {
                sent.acked = true;
                self.ack.record(sent.due.elapsed());
                self.acked += 1;
                self.ended = Instant::now();
                Ok(())
            }
            _ => Err(io::Error::other(format!("ack {number} is doubled or unknown"))),
        }
    }

    fn on_delivery(&mut self, number: usize) -> io::Result<()> {
        match self.messages.get_mut(number) {
            Some(sent) if !sent.delivered => {
                sent.delivered = true;
                self.delivery.record(sent.due.elapsed());
                self.delivered += 1;
                self.ended = Instant::now();
                Ok(())
            }
            _ => Err(io::Error::other(format!("delivery {number} is doubled or unknown"))),
        }
    }

    pub(super) fn progress(&self) -> u64 {
        self.acked + self.delivered + 1
    }

    pub(super) fn state(&self) -> String {
        let sent = self.messages.len();
        format!("{sent} messages sent, {} acked, {} delivered", self.acked, self.delivered)
    }

    pub(super) fn reply(&self) -> Option<Reply> {
        let sent = self.messages.len() as u64;
        let whole = self.acked == sent && self.delivered == sent;
        (whole && !self.sending()).then(|| Reply::Directed {
            messages: sent,
            seconds: (self.ended - self.started).as_secs_f64(),
            ack: self.ack.clone(),
            delivery: self.delivery.clone(),
        })
    }
}

/// The packet that confirms this `private_message`.
fn receipt(packet: &[u8]) -> Result<String, serde_json::Error> {
    #[derive(Deserialize)]
    struct Message {
        id: String,
    }
    let (_, message): (&str, Message) = serde_json::from_slice(&packet[2..])?;
    Ok(format!(r#"42["delivered",{{"messageId":"{}"}}]"#, message.id))
}

/// The number at the head of a message's text.
pub(super) fn text_number(packet: &[u8]) -> usize {
    let head = packet.windows(3).position(|bytes| bytes == b":\"#");
    head.map_or(usize::MAX, |at| number_at(&packet[at + 3..]).0)
}

/// The decimal number at the head of `bytes`, and what follows it.
pub(super) fn number_at(bytes: &[u8]) -> (usize, &[u8]) {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(&bytes[..digits]).ok().and_then(|text| text.parse().ok());
    (number.unwrap_or(usize::MAX), &bytes[digits..])
}

pub(super) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(pace: Pace) -> Directing {
        let direct = Direct {
            dialect: Dialect::Relay,
            pace,
            seconds: 0.0,
            content_bytes: 100,
            receipts: false,
            run: 1,
        };
        let mut run = Directing::new(direct, 2);
        run.messages.push(Sent { due: Instant::now(), acked: false, delivered: false });
        run
    }

    #[test]
    fn a_message_counts_once_acked_and_once_delivered() {
        let mut run = run(Pace::InFlight(1));
        assert!(run.reply().is_none());
        run.on_ack(br#"0[{"status":"sent"}]"#).unwrap();
        assert!(run.on_ack(br#"0[{"status":"sent"}]"#).is_err());
        assert!(run.reply().is_none());
        let packet = br##"42["dm",{"from":"u000000","content":"#00000000 xx"}]"##;
        run.on_delivery(text_number(packet)).unwrap();
        assert!(matches!(run.reply(), Some(Reply::Directed { messages: 1, .. })));
    }

    #[test]
    fn a_receipt_names_the_message() {
        let packet = br##"42["private_message",{"id":"m1","content":"#00000000 xx"}]"##;
        assert_eq!(receipt(packet).unwrap(), r#"42["delivered",{"messageId":"m1"}]"#);
    }

    #[test]
    fn a_refused_message_is_an_error() {
        let refused = run(Pace::InFlight(1)).on_ack(br#"0[{"status":"error","code":"x"}]"#);
        assert!(refused.unwrap_err().to_string().contains("refused"));
    }

    #[test]
    fn a_message_that_was_never_sent_is_an_error() {
        assert!(run(Pace::InFlight(1)).on_delivery(7).is_err());
    }
}
