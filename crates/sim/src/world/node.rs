//! A node: connections on one side, the store and the bus on the other, and in between chat's own
//! machines: catching up, following the log, proofs of receipt, order after a failure.
//!
//! What the service and the gateway do in the real server, without bytes and threads. [`commands`]
//! takes what devices say, [`catching`] brings a connection up to date, [`following`] turns commits
//! and hints into broadcasts, [`session`] is one connection. A node in another life knows nothing
//! of the last one.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::world::members::Members;
use parlor_chat::aborts::Order;
use parlor_chat::entry::{Epoch, Millis, Position};
use parlor_chat::ids::{ConversationId, Seq, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::order::Follower;
use parlor_chat::rate::Rate;
use parlor_chat::receipts::{Gathered, Marks};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::resume::Cursor;
use parlor_chat::store::MarkKind;

use super::disk::{Asker, Read, Saw, Ticket, Told, Write, Written};
use super::event::{AtNode, Event, Gone};
use super::message::{AckId, Answer, Conn, Down, Wished};
use super::outside::Outside;
use super::planted::Planted;
use crate::history::Receipt;

mod catching;
mod commands;
mod following;
mod session;

use following::{AHEAD_MAX, Answers, LOOK_EVERY};
use session::Session;

/// Milliseconds between pings.
const PING_MS: u64 = 400;
/// Pings in a row that may go unanswered.
const PINGS_UNANSWERED_MAX: u64 = 3;
/// When the world begins, for the domain.
const EPOCH_MS: u64 = 1_800_000_000_000;

/// What a question to the store was asked for.
#[derive(Debug)]
enum Waiting {
    /// A device to be noted; then its catch-up begins.
    Attach(Conn, Option<Cursor>),
    /// A command to be answered.
    Wish(Conn, AckId, Wished, Order),
    /// Watermarks.
    Marks(Vec<Gathered<(Conn, AckId)>>),
    /// How far behind a cursor is.
    Behind(Conn, Cursor),
    /// What a cursor confirms.
    Received(Conn),
    /// A page of a catch-up.
    Page(Conn),
    /// A page of the whole log.
    Log,
    /// A question of a device.
    Asked(Conn, AckId),
}

/// One node in one of its lives.
pub(crate) struct Node {
    me: Asker,
    up: bool,
    /// Until when it stands still.
    pub(crate) paused_until: u64,
    epoch: Epoch,
    /// Its clock's difference.
    skew: u64,
    /// The log as far as it was broadcast, or was there before this life.
    follower: Follower<Answers>,
    /// When it asks its follower next, at the latest.
    look_at: Option<u64>,
    /// Who belongs to each group, as of what was broadcast.
    groups: BTreeMap<ConversationId, Members>,
    /// Counts broadcasts, from 1: what a ping proves, 0 being nothing.
    count: u64,
    sessions: BTreeMap<Conn, Session>,
    marks: Marks<(Conn, AckId)>,
    gathering: bool,
    waiting: BTreeMap<Ticket, Waiting>,
    /// Writes that the store has not answered, and in which of its lives it took them.
    under_way: BTreeMap<Ticket, u32>,
    tickets: u64,
    sends: u64,
    rate: Rate,
    limits: Limits,
    /// The planted fault's own count of each conversation.
    seqs: BTreeMap<ConversationId, Seq>,
}

impl Node {
    /// A node that is about to start.
    pub(crate) fn new(node: usize, life: u32, out: &Outside, skew: u64) -> Self {
        let limits = Limits {
            catch_up_page_entries: out.noise.page,
            unconfirmed_entries_max: 64,
            ..Limits::default()
        };
        let (ledger, now) = (out.disk.ledger(), Duration::from_millis(out.now));
        let every =
            if out.plants(Planted::NoLook) { Duration::from_secs(3_600) } else { LOOK_EVERY };
        Self {
            me: Asker { node, life },
            up: true,
            paused_until: 0,
            epoch: ledger.epoch(),
            skew,
            follower: Follower::new(ledger.position().0, AHEAD_MAX, now, every),
            look_at: None,
            groups: ledger.groups(),
            count: 1,
            sessions: BTreeMap::new(),
            marks: Marks::new(limits.marks_pending_max),
            gathering: false,
            waiting: BTreeMap::new(),
            under_way: BTreeMap::new(),
            tickets: 0,
            sends: 0,
            rate: Rate::new(out.noise.burst, 20),
            limits,
            seqs: BTreeMap::new(),
        }
    }

    /// Its name in this life.
    pub(crate) fn me(&self) -> Asker {
        self.me
    }

    /// Whether it runs.
    pub(crate) fn is_up(&self) -> bool {
        self.up
    }

    /// Dies.
    pub(crate) fn crash(&mut self) {
        self.up = false;
    }

    /// Begins its rounds.
    pub(crate) fn start(&mut self, out: &mut Outside) {
        let life = self.me.life;
        out.note(|| format!("node {} starts, life {life}", self.me.node));
        self.later(out, PING_MS, AtNode::Ping);
        self.follow_on(out);
    }

    /// Everything up to here was broadcast, or was there before this life.
    fn position(&self) -> Position {
        Position(self.follower.order().applied())
    }

    /// How often two entries claimed one position, as far as this life knows.
    pub(crate) fn mismatches(&self) -> u64 {
        self.follower.order().mismatches()
    }

    fn later(&self, out: &mut Outside, ms: u64, what: AtNode) {
        out.at(out.now + ms, Event::Node(self.me, what));
    }

    fn clock(&self, out: &Outside) -> Millis {
        Millis(EPOCH_MS + out.now + self.skew)
    }

    fn ticket(&mut self, waiting: Waiting) -> Ticket {
        self.tickets += 1;
        self.waiting.insert(Ticket(self.tickets), waiting);
        Ticket(self.tickets)
    }

    fn read(&mut self, out: &mut Outside, read: Read, waiting: Waiting) {
        let ticket = self.ticket(waiting);
        out.read(self.me, ticket, read);
    }

    /// Hands a write to the store. What a node wrote to a life of the store that is over has failed,
    /// though it may not have been told yet: until it is, nothing that comes later may be kept, or
    /// it would overtake. That is what any backend behind the port has to see to.
    fn write(&mut self, out: &mut Outside, write: Write, waiting: Waiting) {
        let ticket = self.ticket(waiting);
        let life = out.disk.life();
        let refusal = if self.under_way.values().any(|taken| *taken != life) {
            Some(Refusal::unavailable())
        } else {
            out.write(self.me, ticket, write).err().map(|error| of_store(&error))
        };
        match refusal {
            Some(refusal) => self.answered(out, ticket, &Err(refusal)),
            None => drop(self.under_way.insert(ticket, life)),
        }
    }

    /// Something happens here.
    pub(crate) fn take(&mut self, out: &mut Outside, what: AtNode) {
        match what {
            AtNode::Expect(entries) => self.expect(out, entries),
            AtNode::Told(told) => self.told(out, told),
            AtNode::Saw(ticket, saw) => self.saw(out, ticket, saw),
            AtNode::Hint(hint) => self.hinted(out, &hint),
            AtNode::Receipt(epoch, gone) => {
                if epoch == self.epoch || out.plants(Planted::StrayReceipt) {
                    self.tell_here(out, &gone);
                }
            }
            AtNode::Look => drop(self.look_at.take_if(|at| *at <= out.now)),
            AtNode::Ping => {
                self.later(out, PING_MS, AtNode::Ping);
                self.ping(out);
            }
            AtNode::Gather => self.store_marks(out),
            AtNode::Flushed(conn) => self.flushed(out, conn),
            AtNode::Joined(conn) => self.joined_late(conn),
        }
        self.follow_on(out);
    }

    fn told(&mut self, out: &mut Outside, told: Told) {
        for (ticket, _) in &told.answers {
            self.under_way.remove(ticket);
        }
        let (failed, answers): (Vec<_>, Vec<_>) =
            told.answers.into_iter().partition(|(_, written)| matches!(written, Written::Unknown));
        // What failed waits for nothing.
        self.answer(out, failed);
        self.committed(out, told.entries, answers);
    }

    /// Answers those who wait for a commit.
    fn answer(&mut self, out: &mut Outside, answers: Answers) {
        for (ticket, written) in answers {
            match written {
                Written::Appended(done) => {
                    let answer = done.map(|appended| Answer::Sent {
                        conversation: appended.conversation,
                        seq: appended.seq,
                        ts: appended.ts,
                    });
                    self.answered(out, ticket, &answer);
                }
                Written::Done(done) => self.answered(out, ticket, &done.map(|()| Answer::Done)),
                Written::Marked(marked) => self.marked(out, ticket, &marked),
                Written::Unknown => self.answered(out, ticket, &Err(Refusal::unavailable())),
            }
        }
    }

    fn saw(&mut self, out: &mut Outside, ticket: Ticket, saw: Saw) {
        // Whatever is read in shows how far the log goes.
        let as_of = match &saw {
            Saw::Undelivered(page) => Some(page.as_of),
            Saw::Since(page) => Some(page.as_of),
            Saw::Behind(behind) => Some(behind.as_of),
            _ => None,
        };
        if let Some(Position(head)) = as_of {
            self.follower.seen(head);
        }
        match (self.waiting.remove(&ticket), saw) {
            (Some(Waiting::Behind(conn, cursor)), Saw::Behind(behind)) => {
                self.resume(out, conn, cursor, behind);
            }
            (Some(Waiting::Received(conn)), Saw::Received(received)) => {
                self.confirm(out, conn, received);
            }
            (Some(Waiting::Page(conn)), saw) => self.page(out, conn, saw),
            (Some(Waiting::Log), saw) => self.log_read(out, saw),
            (Some(Waiting::Asked(conn, ack)), saw) => {
                let answer = match saw {
                    Saw::History(Ok(page)) => Answer::Page(page),
                    Saw::History(Err(error)) => Answer::Refused(of_store(&error)),
                    Saw::List(conversations) => Answer::Listed(conversations),
                    _ => Answer::Refused(Refusal::unavailable()),
                };
                out.down(conn, Down::Answer { ack, answer });
            }
            (Some(Waiting::Behind(conn, _) | Waiting::Received(conn)), _) => self.close(out, conn),
            _ => {}
        }
    }

    /// A connection is gone.
    pub(crate) fn closed(&mut self, out: &mut Outside, conn: Conn) {
        if let Some(session) = self.sessions.remove(&conn) {
            out.note(|| format!("node {} drops {}", self.me.node, name(&session)));
        }
    }

    fn close(&mut self, out: &mut Outside, conn: Conn) {
        out.turn_away(conn);
        self.closed(out, conn);
    }

    fn ping(&mut self, out: &mut Outside) {
        let mut silent = Vec::new();
        for (conn, session) in &mut self.sessions {
            if session.pinged >= session.ponged + PINGS_UNANSWERED_MAX {
                silent.push(*conn);
                continue;
            }
            session.pinged += 1;
            let is_held = !matches!(session.hearing, session::Hearing::Live(_));
            session.proving =
                if is_held && !out.plants(Planted::ProofBeforeHold) { 0 } else { self.count };
            out.down(*conn, Down::Ping(session.pinged));
        }
        silent.into_iter().for_each(|conn| self.close(out, conn));
    }

    /// Tells those of a conversation who are here how far somebody is.
    fn tell_here(&mut self, out: &mut Outside, gone: &Gone) {
        for (conn, session) in self.sessions.iter().filter(|(_, session)| session.listed) {
            if session.user != gone.user && self.belongs(&gone.conversation, &session.user) {
                out.down(*conn, Down::Told(gone.clone()));
            }
        }
    }

    /// Whether a user is in a conversation, as far as this node knows.
    fn belongs(&self, conversation: &ConversationId, user: &UserId) -> bool {
        let (low, high) = conversation.direct_members().expect("all are, here");
        let group = self.groups.get(conversation);
        low == *user || high == *user || group.is_some_and(|members| members.has(user))
    }
}

fn receipt_of(kind: &MarkKind) -> Receipt {
    match kind {
        MarkKind::Delivered(_) => Receipt::Delivered,
        MarkKind::Read(_) => Receipt::Read,
    }
}

fn name(session: &Session) -> String {
    format!("{}/{}", session.user, session.device)
}
