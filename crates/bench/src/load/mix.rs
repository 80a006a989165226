//! What the users of a messenger do, in its proportions and at a fixed rate: direct messages, messages
//! to groups, typing, looking at who is there; and receipts for all that arrives.
//!
//! An act is due by the clock, whatever the answers do, and its latency counts from then; a receipt is due
//! when its message arrives. Everything is awaited: each act and each receipt its ack, each message its
//! delivery at everyone it is for. A refusal, a doubled answer or a delivery to the wrong one fails the
//! run, and so does what never comes.

use std::io;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::connection::{Connection, user_name};
use super::direct::{contains, number_at, text_number};
use crate::chance::scattered;
use crate::latency::Latency;
use crate::protocol::{Mix, Operation, Reply};

/// What a hundred acts are: typing is said twice for each message, once when it begins and once while it
/// goes on; a chat is opened or left for every third message.
const SHARES: [(Act, u64); 4] =
    [(Act::Direct, 24), (Act::Group, 6), (Act::Typing, 60), (Act::Presence, 10)];
const SHARES_SUM: u64 = 100;
/// Coprime to the sum, so that acts of a kind are spread evenly.
const STRIDE: u64 = 37;

/// One in so many messages is read at once, which is said beside that it was delivered.
const DIRECT_READ_EVERY: u64 = 2;
const GROUP_READ_EVERY: u64 = 4;
/// Users whose presence a chat shows.
const WATCHED_AT_ONCE: u64 = 5;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Direct,
    Group,
    Typing,
    Presence,
}

/// What was asked of the server, by its ack id.
struct Asked {
    operation: Operation,
    due: Instant,
    acked: bool,
    /// Deliveries still to come.
    owed: u32,
}

/// A run of such acts.
pub(super) struct Mixing {
    mix: Mix,
    padding: String,
    /// The number of the first connection's user, and how many there are.
    first_user: u32,
    connections: u64,
    asked: Vec<Asked>,
    acts: u64,
    open_acks: u64,
    owed: u64,
    /// Which connections watch somebody.
    watching: Vec<bool>,
    told: u64,
    steps: u64,
    started: Instant,
    latencies: Vec<(Operation, Latency)>,
}

impl Mixing {
    pub(super) fn new(mix: Mix, connections: &[Connection]) -> Self {
        Self {
            padding: "x".repeat(mix.content_bytes.saturating_sub(10)),
            first_user: connections.first().map_or(0, |connection| connection.user),
            connections: connections.len() as u64,
            mix,
            asked: Vec::new(),
            acts: 0,
            open_acks: 0,
            owed: 0,
            watching: vec![false; connections.len()],
            told: 0,
            steps: 0,
            started: Instant::now(),
            latencies: Operation::ALL.map(|operation| (operation, Latency::new())).to_vec(),
        }
    }

    fn sending(&self) -> bool {
        self.started.elapsed().as_secs_f64() < self.mix.seconds
    }

    fn next_due(&self) -> Instant {
        self.started + Duration::from_secs_f64(self.acts as f64 / self.mix.per_second)
    }

    /// How long the poll may sleep.
    pub(super) fn wait(&self) -> Duration {
        match self.sending() {
            true => self.next_due().saturating_duration_since(Instant::now()),
            false => Duration::from_millis(20),
        }
    }

    pub(super) fn advance(&mut self, connections: &mut [Connection]) -> io::Result<()> {
        while self.sending() {
            let due = self.next_due();
            if due > Instant::now() {
                break;
            }
            let number = self.acts;
            self.acts += 1;
            // Everyone in turn, in no order.
            let actor = scattered(number) % self.connections;
            self.act(connections, act(number), actor, scattered(number ^ 0x5555_5555), due)?;
        }
        Ok(())
    }

    fn act(
        &mut self,
        connections: &mut [Connection],
        act: Act,
        actor: u64,
        chance: u64,
        due: Instant,
    ) -> io::Result<()> {
        let members = u64::from(self.mix.members);
        let (group, place) = (actor / members, actor % members);
        // Friends are who is in the same group.
        let friend = group * members + (place + 1 + chance % (members - 1)) % members;
        let to = user_name(self.first_user + u32::try_from(friend).map_err(io::Error::other)?);
        let (id, padding) = (self.asked.len(), &self.padding);
        let actor = usize::try_from(actor).map_err(io::Error::other)?;
        let (operation, owed, packet) = match act {
            Act::Direct => (
                Operation::Direct,
                1,
                format!(
                    r##"["private_message",{{"toUserId":"{to}","content":"#{id:08} {padding}","clientId":"m-{id}-{to}"}}]"##
                ),
            ),
            Act::Group => {
                let group = self.mix.groups.get(usize::try_from(group).map_err(io::Error::other)?);
                let group = group.ok_or_else(|| io::Error::other("a connection is in no group"))?;
                (
                    Operation::Group,
                    self.mix.members - 1,
                    format!(
                        r##"["group_message",{{"groupId":"{group}","content":"#{id:08} {padding}","clientId":"m-{id}"}}]"##
                    ),
                )
            }
            Act::Typing => {
                (Operation::Typing, 0, format!(r#"["typing",{{"toUserId":"{to}","typing":true}}]"#))
            }
            Act::Presence => {
                let event = match std::mem::replace(&mut self.watching[actor], false) {
                    true => "presence_unsubscribe",
                    false => {
                        self.watching[actor] = true;
                        "presence_subscribe"
                    }
                };
                (
                    Operation::Presence,
                    0,
                    format!(r#"["{event}",{{"userIds":[{}]}}]"#, self.watched(actor)),
                )
            }
        };
        self.ask(&mut connections[actor], operation, owed, due, &packet)
    }

    /// Whom a connection looks at: always the same, so that leaving undoes looking.
    fn watched(&self, actor: usize) -> String {
        let (first, count) = self.mix.watched;
        let names = (0..WATCHED_AT_ONCE.min(u64::from(count))).map(|at| {
            let user = (actor as u64 * WATCHED_AT_ONCE + at) % u64::from(count);
            format!("\"{}\"", user_name(first + u32::try_from(user).unwrap_or(0)))
        });
        names.collect::<Vec<_>>().join(",")
    }

    fn ask(
        &mut self,
        connection: &mut Connection,
        operation: Operation,
        owed: u32,
        due: Instant,
        packet: &str,
    ) -> io::Result<()> {
        let id = self.asked.len();
        self.asked.push(Asked { operation, due, acked: false, owed });
        self.open_acks += 1;
        self.owed += u64::from(owed);
        connection.send_text(format!("42{id}{packet}").as_bytes())
    }

    pub(super) fn on_packet(
        &mut self,
        connection: &mut Connection,
        packet: &[u8],
    ) -> io::Result<()> {
        self.steps += 1;
        if let Some(rest) = packet.strip_prefix(b"43") {
            return self.on_ack(rest);
        }
        let (of, delivery, read_every): (_, _, u64) = match packet {
            packet if packet.starts_with(b"42[\"private_message\",") => {
                (Operation::Direct, Operation::DirectDelivery, DIRECT_READ_EVERY)
            }
            packet if packet.starts_with(b"42[\"group_message\",") => {
                (Operation::Group, Operation::GroupDelivery, GROUP_READ_EVERY)
            }
            _ => {
                // What is told of others: receipts, typing, presence.
                self.told += u64::from(packet.starts_with(b"42"));
                return Ok(());
            }
        };
        let number = text_number(packet);
        let asked = self.asked.get_mut(number);
        let Some(asked) = asked.filter(|asked| asked.owed > 0 && asked.operation == of) else {
            return Err(io::Error::other(format!("delivery {number} is doubled or unknown")));
        };
        asked.owed -= 1;
        self.owed -= 1;
        let late = asked.due.elapsed();
        self.record(delivery, late);
        let message = Message::of(packet)?;
        let now = Instant::now();
        let delivered = format!(r#"["delivered",{{"messageId":"{}"}}]"#, message.id);
        self.ask(connection, Operation::Receipt, 0, now, &delivered)?;
        if message.seq.is_multiple_of(read_every) {
            let Message { conversation_id, seq, .. } = message;
            let read = format!(r#"["read",{{"conversationId":"{conversation_id}","seq":{seq}}}]"#);
            self.ask(connection, Operation::Receipt, 0, now, &read)?;
        }
        Ok(())
    }

    fn on_ack(&mut self, rest: &[u8]) -> io::Result<()> {
        let (number, answer) = number_at(rest);
        if contains(answer, b"\"status\":\"error\"") {
            let answer = String::from_utf8_lossy(answer).into_owned();
            return Err(io::Error::other(format!("command {number} was refused: {answer}")));
        }
        match self.asked.get_mut(number) {
            Some(asked) if !asked.acked => {
                asked.acked = true;
                self.open_acks -= 1;
                let (operation, late) = (asked.operation, asked.due.elapsed());
                self.record(operation, late);
                Ok(())
            }
            _ => Err(io::Error::other(format!("ack {number} is doubled or unknown"))),
        }
    }

    fn record(&mut self, operation: Operation, late: Duration) {
        if let Some((_, latency)) = self.latencies.iter_mut().find(|(of, _)| *of == operation) {
            latency.record(late);
        }
    }

    pub(super) fn progress(&self) -> u64 {
        self.steps + 1
    }

    pub(super) fn state(&self) -> String {
        let Self { acts, open_acks, owed, .. } = self;
        format!("{acts} acts, {open_acks} acks and {owed} deliveries are still to come")
    }

    pub(super) fn reply(&self) -> Option<Reply> {
        let whole = self.open_acks == 0 && self.owed == 0;
        (whole && !self.sending()).then(|| Reply::Mixed {
            acts: self.acts,
            told: self.told,
            latencies: self.latencies.clone(),
        })
    }
}

fn act(number: u64) -> Act {
    let mut place = number * STRIDE % SHARES_SUM;
    for (act, share) in SHARES {
        if place < share {
            return act;
        }
        place -= share;
    }
    unreachable!("the shares add up to their sum")
}

/// What a receipt needs of a message.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    id: String,
    conversation_id: String,
    seq: u64,
}

impl Message {
    fn of(packet: &[u8]) -> io::Result<Self> {
        let (_, message): (&str, Self) = serde_json::from_slice(&packet[2..])?;
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_acts_have_the_shares_that_are_stated() {
        assert_eq!(SHARES.iter().map(|(_, share)| share).sum::<u64>(), SHARES_SUM);
        for (wanted, share) in SHARES {
            let found = (700..800).filter(|number| act(*number) == wanted).count();
            assert_eq!(found as u64, share, "{wanted:?}");
        }
    }

    fn mixing() -> Mixing {
        let mix = Mix {
            per_second: 1.0,
            seconds: 0.0,
            content_bytes: 20,
            groups: vec!["g".to_owned()],
            members: 4,
            watched: (100, 10),
        };
        let mut mixing = Mixing::new(mix, &[]);
        mixing.asked.push(Asked {
            operation: Operation::Direct,
            due: Instant::now(),
            acked: false,
            owed: 0,
        });
        mixing.open_acks = 1;
        mixing
    }

    #[test]
    fn an_act_is_acked_once_and_never_refused() {
        let mut run = mixing();
        assert!(run.reply().is_none());
        assert!(mixing().on_ack(br#"0[{"status":"error","code":"x"}]"#).is_err());
        run.on_ack(br#"0[{"status":"sent"}]"#).expect("it is acked");
        assert!(run.on_ack(br#"0[{"status":"sent"}]"#).is_err());
        assert!(matches!(run.reply(), Some(Reply::Mixed { .. })));
    }

    #[test]
    fn who_is_watched_is_the_same_at_leaving() {
        let run = mixing();
        assert_eq!(run.watched(1), run.watched(1));
        assert_eq!(run.watched(0).matches("u000").count(), 5);
    }
}
