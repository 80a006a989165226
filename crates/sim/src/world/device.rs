//! A device: sends in order and again until answered, keeps an outbox over reconnects, confirms as
//! it likes, comes back with a cursor or without. What it sends, is told and sees is recorded.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::world::members::Wish;
use parlor_chat::entry::{Content, Entry, Epoch};
use parlor_chat::group::Change;
use parlor_chat::ids::{ClientId, ConversationId, DeviceId, Seq, UserId};
use parlor_chat::resume::Cursor;

use super::chance::{Chance, Source};
use super::disk::Asker;
use super::event::{Event, Gone};
use super::group::{group_id, text_of, written};
use super::message::{AckId, Answer, Conn, Down, Up, Wished};
use super::outside::Outside;
use crate::history::{Acked, DeviceName, Mark, Message, Receipt, Seen, Sent};

mod rereading;

use rereading::Rereading;

/// How many sends wait for their answer at a time.
const IN_FLIGHT_MAX: usize = 8;
/// Milliseconds after which a connection that says nothing is given up.
const SILENCE_MS: u64 = 2_500;
/// Milliseconds after which an answer is no longer waited for.
const ANSWER_MS: u64 = 2_000;

/// Something to send.
struct Outgoing {
    wished: Wished,
    /// Of each time it was sent on this connection: any answer will do.
    acks: Vec<AckId>,
    sent_at: u64,
    answered: bool,
}

/// One device of one user.
pub(crate) struct Device {
    number: usize,
    user: UserId,
    name: DeviceId,
    chance: Chance,
    /// Of a hundred messages, so many are confirmed by `delivered`; the others by pongs alone.
    confirms: u64,
    /// Whether it says how far it is.
    resumes: bool,
    conn: Option<Conn>,
    ready: bool,
    connections: u32,
    heard_at: u64,
    connect_at: u64,
    epoch: Option<Epoch>,
    cursor: Option<Cursor>,
    known: BTreeMap<ConversationId, BTreeSet<Seq>>,
    rereading: Option<Rereading>,
    /// What it read on this connection: pushed after that, it is no repeat of a push.
    reread: BTreeSet<(ConversationId, Seq)>,
    outbox: VecDeque<Outgoing>,
    in_flight: usize,
    rewind: bool,
    send_at: u64,
    sends: u64,
    /// On which connection each of its messages was sent first.
    first_sent: BTreeMap<ClientId, u32>,
    acks: u64,
    marks: BTreeMap<AckId, Mark>,
}

impl Device {
    /// A device that has never been connected.
    pub(crate) fn new(number: usize, user: UserId, name: DeviceId, seed: u64) -> Self {
        let mut chance = Chance::of(seed, Source::Device, number as u64);
        Self {
            number,
            user,
            name,
            confirms: [0, 30, 100][chance.below(3)],
            resumes: chance.percent(50),
            connect_at: chance.range(0, 100),
            chance,
            conn: None,
            ready: false,
            connections: 0,
            heard_at: 0,
            epoch: None,
            cursor: None,
            known: BTreeMap::new(),
            rereading: None,
            reread: BTreeSet::new(),
            outbox: VecDeque::new(),
            in_flight: 0,
            rewind: false,
            send_at: 0,
            sends: 0,
            first_sent: BTreeMap::new(),
            acks: 0,
            marks: BTreeMap::new(),
        }
    }

    /// Its connection, if it believes in one.
    pub(crate) fn conn(&self) -> Option<Conn> {
        self.conn
    }

    /// Who it is.
    pub(crate) fn label(&self) -> DeviceName {
        DeviceName { user: self.user.to_string(), device: self.name.to_string() }
    }

    /// What it still waits for; nothing when it is connected and all is done.
    pub(crate) fn pending(&self) -> Option<String> {
        let name = format!("{}/{}", self.user, self.name);
        if let Some(first) = self.outbox.front() {
            return Some(format!("{name}: never answered: {:?}", first.wished));
        }
        if !self.ready || self.rereading.is_some() {
            return Some(format!("{name}: never up to date"));
        }
        None
    }

    fn ack(&mut self) -> AckId {
        self.acks += 1;
        AckId(self.acks)
    }

    fn note(&self, out: &mut Outside, line: impl FnOnce() -> String) {
        let (user, name, connections) = (&self.user, &self.name, self.connections);
        out.note(|| format!("{user}/{name}#{connections} {}", line()));
    }

    // What its user does.

    /// Says something to a user.
    pub(crate) fn say(&mut self, out: &mut Outside, to: &UserId) {
        let conversation = ConversationId::direct(&self.user, to);
        self.send(
            out,
            conversation,
            |key| (format!("to {to} {key}"), None),
            |key, content, _| Wished::Say { to: to.clone(), key, content },
        );
    }

    /// Wishes something for a group's log: a change, or to say something.
    pub(crate) fn group(&mut self, out: &mut Outside, group: usize, change: Option<Change>) {
        let by = self.user.clone();
        let text = |key: &str| match &change {
            Some(change) => (written(change, &by, key), Some(change.clone())),
            None => (format!("to group {group} {key}"), None),
        };
        self.send(out, group_id(group), text, |key, content, change| {
            let wish = change.map_or(Wish::Say, Wish::Change);
            Wished::Group { group, wish, key, content }
        });
    }

    fn send(
        &mut self,
        out: &mut Outside,
        conversation: ConversationId,
        text: impl Fn(&str) -> (String, Option<Change>),
        wished: impl Fn(ClientId, Content, Option<Change>) -> Wished,
    ) {
        self.sends += 1;
        let key = format!("{}/{}/{}", self.user, self.name, self.sends);
        let (content, change) = text(&key);
        out.history.sent.push(Sent {
            by: self.label(),
            client_id: key.clone(),
            conversation: conversation.to_string(),
            content: content.clone(),
        });
        self.note(out, || format!("wishes {content:?}"));
        let key = ClientId::parse(&key).expect("short and printable");
        self.queue(wished(key, Content(content.into()), change));
    }

    /// Keeps another user out, or lets them in.
    pub(crate) fn block(&mut self, out: &mut Outside, other: &UserId, blocked: bool) {
        self.note(out, || format!("blocks {other}: {blocked}"));
        self.queue(Wished::Block { other: other.clone(), blocked });
    }

    fn queue(&mut self, wished: Wished) {
        self.outbox.push_back(Outgoing { wished, acks: Vec::new(), sent_at: 0, answered: false });
    }

    /// Says that everything it saw is read.
    pub(crate) fn read_all(&mut self, out: &mut Outside) {
        let Some(conn) = self.conn.filter(|_| self.ready) else { return };
        let highest = |(conversation, seqs): (&ConversationId, &BTreeSet<Seq>)| {
            Some((conversation.clone(), *seqs.last()?))
        };
        let highest: Vec<_> = self.known.iter().filter_map(highest).collect();
        for (conversation, seq) in highest {
            let mark = self.mark(Receipt::Read, &conversation, seq);
            out.history.given.push(mark.clone());
            let ack = self.ack();
            self.marks.insert(ack, mark);
            let ack = Some(ack);
            out.up(conn, Up::Mark { ack, conversation, seq, receipt: Receipt::Read });
        }
    }

    fn mark(&self, receipt: Receipt, conversation: &ConversationId, seq: Seq) -> Mark {
        let (user, conversation) = (self.user.to_string(), conversation.to_string());
        Mark { receipt, user, conversation, seq: seq.0 }
    }

    /// Goes away by itself, to come back later.
    pub(crate) fn leave(&mut self, out: &mut Outside, ms: u64) {
        if let Some(conn) = self.conn {
            out.hang_up(conn);
        }
        self.lost(out);
        self.connect_at = out.now + ms;
    }

    /// Its connection is gone.
    pub(crate) fn dropped(&mut self, out: &mut Outside, conn: Conn) {
        if self.conn == Some(conn) {
            self.lost(out);
        }
    }

    fn lost(&mut self, out: &mut Outside) {
        self.note(out, || "has no connection".into());
        self.conn = None;
        self.ready = false;
        self.rereading = None;
        self.reread.clear();
        self.in_flight = 0;
        self.rewind = false;
        self.outbox.iter_mut().for_each(|send| send.acks.clear());
        self.marks.clear();
        self.connect_at = out.now + self.chance.range(5, 250);
    }

    // Time.

    /// Looks at the time: connects, gives up, sends.
    pub(crate) fn tick(&mut self, out: &mut Outside, nodes: &[Option<Asker>]) {
        out.at(out.now + self.chance.range(15, 60), Event::Tick(self.number));
        match self.conn {
            None if out.now >= self.connect_at => self.connect(out, nodes),
            None => {}
            Some(conn) if out.now > self.heard_at + SILENCE_MS => {
                out.hang_up(conn);
                self.lost(out);
            }
            Some(conn) => self.send_next(out, conn),
        }
    }

    fn connect(&mut self, out: &mut Outside, nodes: &[Option<Asker>]) {
        let Some(asker) = nodes[self.chance.below(nodes.len())] else {
            self.connect_at = out.now + self.chance.range(20, 200);
            return;
        };
        let conn = out.connect(self.number, asker);
        self.conn = Some(conn);
        self.connections += 1;
        self.heard_at = out.now;
        let cursor = self.cursor.filter(|_| self.resumes);
        self.note(out, || match cursor {
            Some(at) => {
                format!("connects to node {} at {}.{}", asker.node, at.epoch.0, at.position.0)
            }
            None => format!("connects to node {}", asker.node),
        });
        out.up(conn, Up::Hello { user: self.user.clone(), device: self.name.clone(), cursor });
    }

    fn send_next(&mut self, out: &mut Outside, conn: Conn) {
        if !self.ready || out.now < self.send_at {
            return;
        }
        let waits = self.outbox.iter().take(self.in_flight).find(|send| !send.answered);
        if waits.is_some_and(|send| out.now > send.sent_at + ANSWER_MS) {
            self.note(out, || "waits no longer for an answer".into());
            self.in_flight = 0;
            self.rewind = false;
        }
        while !self.rewind && self.in_flight < self.outbox.len().min(IN_FLIGHT_MAX) {
            let ack = self.ack();
            let next = &mut self.outbox[self.in_flight];
            next.acks.push(ack);
            (next.sent_at, next.answered) = (out.now, false);
            let wished = next.wished.clone();
            self.in_flight += 1;
            if let Some(key) = key_of(&wished) {
                self.first_sent.entry(key.clone()).or_insert(self.connections);
            }
            out.up(conn, Up::Wish { ack, wished });
            if self.chance.percent(40) {
                break;
            }
        }
    }

    // What it hears.

    /// Something arrives.
    pub(crate) fn hears(&mut self, out: &mut Outside, conn: Conn, down: Down) {
        if self.conn != Some(conn) {
            return;
        }
        self.heard_at = out.now;
        match down {
            Down::Ready(epoch) => {
                self.ready = true;
                if self.epoch.replace(epoch).is_some_and(|old| old != epoch) {
                    self.note(out, || "learns of another life of the log".into());
                    self.known.clear();
                }
            }
            Down::Snapshot => {
                self.note(out, || "is told to read everything anew".into());
                let list = self.ack();
                self.rereading = Some(Rereading {
                    list,
                    todo: Vec::new(),
                    under_way: None,
                    read: Vec::new(),
                    aside: Vec::new(),
                    cursor: None,
                });
                self.cursor = None;
                out.up(conn, Up::List { ack: list });
            }
            Down::Push { entry, up_to } => {
                let cursor = up_to.map(|position| (self.epoch, position));
                let first_sent = entry.client_id.as_ref().and_then(|key| self.first_sent.get(key));
                if entry.from == self.user && first_sent == Some(&self.connections) {
                    let (user, name, id) = (&self.user, &self.name, entry.id());
                    out.echoes.push(format!("{user}/{name} was pushed its own {id}"));
                }
                if let Some(rereading) = &mut self.rereading {
                    rereading.aside.push(entry);
                } else if !self.reread.contains(&(entry.conversation.clone(), entry.seq)) {
                    self.saw(out, conn, &entry);
                }
                if let Some((Some(epoch), position)) = cursor {
                    self.advance(Cursor { epoch, position });
                }
            }
            Down::CaughtUp(cursor) => self.advance(cursor),
            Down::Answer { ack, answer } => self.answer(out, conn, ack, answer),
            Down::Told(Gone { user, conversation, seq, receipt }) => {
                let (user, conversation) = (user.to_string(), conversation.to_string());
                out.history.told.push(Mark { receipt, user, conversation, seq: seq.0 });
            }
            Down::Ping(number) => out.up(conn, Up::Pong(number)),
        }
    }

    fn advance(&mut self, to: Cursor) {
        let at = match &mut self.rereading {
            Some(rereading) => &mut rereading.cursor,
            None => &mut self.cursor,
        };
        if at.is_none_or(|at| at.epoch != to.epoch || at.position < to.position) {
            *at = Some(to);
        }
    }

    /// Sees a message.
    fn saw(&mut self, out: &mut Outside, conn: Conn, entry: &Arc<Entry>) {
        self.note(out, || format!("sees {}", entry.id()));
        let message = message(entry);
        out.history.seen.push(Seen { by: self.label(), connection: self.connections, message });
        self.known.entry(entry.conversation.clone()).or_default().insert(entry.seq);
        if self.chance.percent(self.confirms) {
            let conversation = entry.conversation.clone();
            out.history.given.push(self.mark(Receipt::Delivered, &conversation, entry.seq));
            let (ack, seq, receipt) = (None, entry.seq, Receipt::Delivered);
            out.up(conn, Up::Mark { ack, conversation, seq, receipt });
        }
    }

    fn answer(&mut self, out: &mut Outside, conn: Conn, ack: AckId, answer: Answer) {
        if let Some(mark) = self.marks.remove(&ack) {
            if matches!(answer, Answer::Done) {
                out.history.kept.push(mark);
            }
            return;
        }
        match answer {
            Answer::Listed(conversations) => self.listed(out, conn, ack, conversations),
            Answer::Page(page) => self.page(out, conn, ack, page),
            answer => self.sent(out, ack, answer),
        }
    }

    fn sent(&mut self, out: &mut Outside, ack: AckId, answer: Answer) {
        let Some(at) = self.outbox.iter().position(|send| send.acks.contains(&ack)) else {
            let asked = |reading: &Rereading| {
                let page = reading.under_way.as_ref().is_some_and(|(asked, _)| *asked == ack);
                reading.list == ack || page
            };
            if self.rereading.as_ref().is_some_and(asked) {
                // Reading anew was refused: the connection is of no use.
                self.leave(out, 100);
            }
            return;
        };
        self.outbox[at].answered = true;
        match answer {
            Answer::Refused(refusal) if refusal.retryable() => {
                self.note(out, || format!("is refused for now: {refusal}"));
                self.rewind = true;
                let wait = refusal.retry_after_ms().unwrap_or(0);
                self.send_at = self.send_at.max(out.now + wait);
            }
            answer => {
                self.note(out, || format!("is answered {answer:?}"));
                let done = self.outbox.remove(at).expect("it was just found");
                self.in_flight -= usize::from(at < self.in_flight);
                if let (Answer::Sent { conversation, seq, ts }, Some(key)) =
                    (answer, key_of(&done.wished))
                {
                    let id = parlor_chat::ids::MessageId::new(&conversation, seq).to_string();
                    let client_id = key.to_string();
                    out.history.acked.push(Acked { client_id, id, seq: seq.0, ts: ts.0 });
                }
            }
        }
        let mut in_flight = self.outbox.iter().take(self.in_flight);
        if self.rewind && in_flight.all(|send| send.answered) {
            self.rewind = false;
            self.in_flight = 0;
        }
    }
}

/// An entry as clients see it.
pub(crate) fn message(entry: &Entry) -> Message {
    Message {
        id: entry.id().to_string(),
        conversation: entry.conversation.to_string(),
        seq: entry.seq.0,
        from: entry.from.to_string(),
        content: text_of(entry).to_owned(),
        ts: entry.ts.0,
    }
}

fn key_of(wished: &Wished) -> Option<&ClientId> {
    match wished {
        Wished::Say { key, .. } | Wished::Group { key, .. } => Some(key),
        Wished::Block { .. } => None,
    }
}
