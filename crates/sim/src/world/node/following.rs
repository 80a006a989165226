//! From commits, hints and pages of the log to broadcasts: the entries of all nodes in the one order,
//! each group's room changed by those before they are broadcast.
//!
//! Chat's [`Follower`](parlor_chat::order::Follower) says what is next, when a page is read, and when
//! who waits for a commit is answered; this does what it says, as the store's thread on PostgreSQL and
//! the service behind it do.

use std::sync::Arc;
use std::time::Duration;

use parlor_chat::entry::{Entry, Position};
use parlor_chat::resume::Cursor;
use parlor_chat::store::{Committed, Origin};

use super::session::Hearing;
use super::{Node, Waiting};
use crate::world::disk::{Read, Saw, Ticket, Written};
use crate::world::event::{AtNode, Event, Hint};
use crate::world::group::{change_of, is_group, text_of};
use crate::world::message::{Conn, Down};
use crate::world::outside::Outside;
use crate::world::planted::Planted;

// All of these are less than a server's, as worlds are small and short.

/// Entries kept aside until their turn.
pub(super) const AHEAD_MAX: usize = 8;
/// Positions of one page of the log.
const PAGE_POSITIONS_MAX: u64 = 4;
/// How often the log is looked at when nothing is missed.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(700);

/// Whom to answer what, once the entries of a commit were broadcast.
pub(super) type Answers = Vec<(Ticket, Written)>;

impl Node {
    /// What is about to be committed through this node.
    pub(super) fn expect(&mut self, out: &Outside, entries: Vec<Committed>) {
        // A batch without entries leaves expected what it was, as a server's writer does.
        if !entries.is_empty() && !out.plants(Planted::CommitUnexpected) {
            self.follower.expect(entries);
        }
    }

    /// What was committed through this node, and who waits for it.
    pub(super) fn committed(
        &mut self,
        out: &mut Outside,
        entries: Vec<Committed>,
        answers: Answers,
    ) {
        let last = entries.last().map(|it| it.entry.position.0);
        let position = last.unwrap_or(self.position().0);
        if !entries.is_empty() {
            out.hint(self.me, self.epoch, position, &entries);
        }
        let given = self.follower.heard(entries);
        self.give(out, &given, false);
        self.follower.answer(now(out), position, answers);
    }

    /// What the bus brings.
    pub(super) fn hinted(&mut self, out: &mut Outside, hint: &Hint) {
        if hint.epoch != self.epoch && !out.plants(Planted::StrayLife) {
            return;
        }
        self.follower.seen(hint.head);
        if out.plants(Planted::HintOutOfOrder) {
            return self.give(out, &hint.entries, false);
        }
        if out.plants(Planted::RoomChangedWhenHeard) {
            hint.entries.iter().for_each(|committed| self.change_room(&committed.entry));
        }
        let given = self.follower.heard(hint.entries.iter().cloned());
        self.give(out, &given, false);
    }

    /// A page of the log is read.
    pub(super) fn log_read(&mut self, out: &mut Outside, saw: Saw) {
        let Saw::Log(mut page) = saw else { return self.follower.failed(now(out)) };
        if out.plants(Planted::PageEndUnread) {
            let last = page.entries.last().map(|entry| entry.position.0);
            page.up_to = last.unwrap_or(self.position().0);
        }
        if out.plants(Planted::CutPageIsWhole) {
            page.up_to = page.head;
        }
        let given = self.follower.page(now(out), page);
        self.give(out, &given, true);
    }

    /// Does what there is to do by now: answers, reads on, and sees to it that it is asked again.
    pub(super) fn follow_on(&mut self, out: &mut Outside) {
        while let Some(answers) = self.follower.told(now(out)) {
            self.answer(out, answers);
        }
        if let Some(after) = self.follower.look(now(out)) {
            self.read(out, Read::Log(after, PAGE_POSITIONS_MAX), Waiting::Log);
        }
        let due = self.follower.due().map(|due| due.as_millis() as u64);
        if let Some(due) = due.filter(|due| self.look_at.is_none_or(|at| *due < at)) {
            self.look_at = Some(due);
            out.at(due, Event::Node(self.me, AtNode::Look));
        }
    }

    fn give(&mut self, out: &mut Outside, entries: &[Committed], are_read: bool) {
        for committed in entries {
            self.apply(out, committed, are_read);
        }
    }

    /// Applies the next entry of the log: membership first, then the broadcast to those who may
    /// see it.
    fn apply(&mut self, out: &mut Outside, committed: &Committed, is_read: bool) {
        let Committed { entry, origin } = committed;
        out.note(|| {
            format!("node {} applies {} at {}", self.me.node, entry.id(), entry.position.0)
        });
        self.count += 1;
        let before = self.groups.get(&entry.conversation).cloned();
        if !(is_read && out.plants(Planted::LostHintKeepsKicked)) {
            self.change_room(entry);
        }
        let after = self.groups.get(&entry.conversation);
        let mut hear = Vec::new();
        for (conn, session) in &self.sessions {
            let hears = match after {
                Some(after) if out.plants(Planted::SeesBeforeJoining) => after.knows(&session.user),
                // Who comes in hears that, and who goes out does.
                Some(after) => {
                    after.has(&session.user)
                        || before.as_ref().is_some_and(|before| before.has(&session.user))
                }
                None => Some(&session.user) == entry.to.as_ref() || session.user == entry.from,
            };
            if session.listed && hears && *origin != Origin::of(conn.0) {
                hear.push(*conn);
            }
        }
        hear.into_iter().for_each(|conn| self.broadcast(out, conn, entry));
    }

    /// Lets users into a group or out of it, if an entry says so.
    fn change_room(&mut self, entry: &Entry) {
        if is_group(&entry.conversation)
            && let Some(change) = change_of(text_of(entry))
        {
            let members = self.groups.entry(entry.conversation.clone()).or_default();
            members.apply(entry.seq, &entry.from, &change);
        }
    }

    /// Broadcasts an entry to one connection: held, written, or left to its catch-up.
    fn broadcast(&mut self, out: &mut Outside, conn: Conn, entry: &Arc<Entry>) {
        let Some(session) = self.sessions.get_mut(&conn) else { return };
        session.disturbed = true;
        if entry.from != session.user {
            let max = self.limits.unconfirmed_entries_max;
            let proof = Position(self.count);
            session.unconfirmed.pushed(&entry.conversation, entry.seq, proof, max);
        }
        match &mut session.hearing {
            Hearing::Apart => {}
            Hearing::Held(hold) => hold.push(entry, out.noise.held_max),
            Hearing::Live(above) => {
                if entry.position > *above || out.plants(Planted::ReleaseForgetsFloor) {
                    self.push(out, conn, entry, Some(entry.position));
                }
            }
        }
    }

    /// Writes a message to a connection.
    pub(super) fn push(
        &mut self,
        out: &mut Outside,
        conn: Conn,
        entry: &Arc<Entry>,
        up_to: Option<Position>,
    ) {
        out.down(conn, Down::Push { entry: entry.clone(), up_to });
        if out.plants(Planted::DeliveredWhenWritten) {
            self.confirm(out, conn, vec![(entry.conversation.clone(), entry.seq)]);
        }
    }

    /// The cursor that stands for everything up to a position.
    pub(super) fn cursor(&self, position: Position) -> Cursor {
        Cursor { epoch: self.epoch, position }
    }
}

/// The time, as the follower counts it.
fn now(out: &Outside) -> Duration {
    Duration::from_millis(out.now)
}
