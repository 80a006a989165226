//! Brings a connection up to date: chat's [`CatchUp`] decides, this reads, pushes and waits.

use std::sync::Arc;

use parlor_chat::catch_up::{CatchUp, Next};
use parlor_chat::entry::{Entry, Position};
use parlor_chat::ids::{ConversationId, Seq};
use parlor_chat::resume::{self, Cursor, Reason, Resume};
use parlor_chat::store::{Behind, Mark, MarkKind, SincePage};

use super::session::{Hearing, Hold};
use super::{Node, Waiting, name};
use crate::world::disk::{Read, Saw};
use crate::world::event::{AtNode, Event};
use crate::world::message::{Conn, Down};
use crate::world::outside::Outside;
use crate::world::planted::Planted;

impl Node {
    /// The device of a connection is noted: it is listed, and only then the store is read.
    pub(super) fn begin(&mut self, out: &mut Outside, conn: Conn, cursor: Option<Cursor>) {
        let Some(session) = self.sessions.get_mut(&conn) else { return };
        session.listed = true;
        out.note(|| format!("node {} lists {}", self.me.node, name(session)));
        out.down(conn, Down::Ready(self.epoch));
        match cursor {
            None => self.drive(out, conn),
            Some(cursor) => {
                let user = session.user.clone();
                let read = Read::Behind(user, cursor.position, out.noise.behind_max);
                self.read(out, read, Waiting::Behind(conn, cursor));
            }
        }
    }

    /// Decides what a cursor is good for.
    pub(super) fn resume(&mut self, out: &mut Outside, conn: Conn, cursor: Cursor, behind: Behind) {
        let overflows_max = self.limits.catch_up_overflows_max;
        let Some(session) = self.sessions.get_mut(&conn) else { return };
        let decided = match resume::decide(cursor, self.epoch, behind, out.noise.behind_max) {
            Resume::Snapshot { reason: Reason::Epoch, .. }
                if out.plants(Planted::CursorAcrossEpochs) && cursor.position <= behind.as_of =>
            {
                Resume::Since(cursor.position)
            }
            decided => decided,
        };
        match decided {
            Resume::Snapshot { from, .. } => {
                out.down(conn, Down::Snapshot);
                session.rereads = !out.plants(Planted::SnapshotProves);
                session.catch_up = CatchUp::resuming(from, overflows_max);
            }
            Resume::Since(after) => {
                session.catch_up = CatchUp::resuming(after, overflows_max);
                let (user, device) = (session.user.clone(), session.device.clone());
                self.read(out, Read::Received(user, device, after), Waiting::Received(conn));
            }
        }
        self.drive(out, conn);
    }

    /// Does what the catch-up asks for next.
    pub(super) fn drive(&mut self, out: &mut Outside, conn: Conn) {
        let page = self.limits.catch_up_page_entries;
        loop {
            let Some(session) = self.sessions.get_mut(&conn) else { return };
            let user = session.user.clone();
            match session.catch_up.next() {
                Next::ReadUndelivered(cursor) => {
                    let read = Read::Undelivered(user, session.device.clone(), cursor, page);
                    return self.read(out, read, Waiting::Page(conn));
                }
                Next::Join => self.join(out, conn),
                Next::ReadSince(_) if out.plants(Planted::GapNotClosed) => {
                    let as_of = Position(self.follower.order().applied());
                    session.catch_up.since(SincePage { entries: Vec::new(), more: false, as_of });
                }
                Next::ReadSince(after) => {
                    return self.read(out, Read::Since(user, after, page), Waiting::Page(conn));
                }
                Next::Release(position) => self.release(out, conn, position),
                Next::Rest => return,
                Next::GiveUp => return self.close(out, conn),
            }
        }
    }

    fn join(&mut self, out: &mut Outside, conn: Conn) {
        let position = self.position();
        let Some(session) = self.sessions.get_mut(&conn) else { return };
        session.catch_up.joined(position);
        session.proves = !session.rereads;
        if out.plants(Planted::PushBeforeSubscribe) {
            return self.later(out, 25, AtNode::Joined(conn));
        }
        session.hearing = Hearing::Held(Hold::default());
        // A ping that is under way proves nothing of what is pushed from here on.
        if !out.plants(Planted::ProofBeforeHold) {
            session.proving = 0;
        }
    }

    /// The planted fault's join takes effect.
    pub(super) fn joined_late(&mut self, conn: Conn) {
        if let Some(session) = self.sessions.get_mut(&conn)
            && matches!(session.hearing, Hearing::Apart)
        {
            session.hearing = Hearing::Held(Hold::default());
        }
    }

    fn release(&mut self, out: &mut Outside, conn: Conn, position: Position) {
        let cursor = self.cursor(position);
        let Some(session) = self.sessions.get_mut(&conn) else { return };
        let mut held = match std::mem::replace(&mut session.hearing, Hearing::Apart) {
            Hearing::Held(hold) => hold,
            Hearing::Apart | Hearing::Live(_) => Hold::default(),
        };
        if held.overflowed && !out.plants(Planted::OverflowForgotten) {
            session.hearing = Hearing::Held(Hold::default());
            return session.catch_up.overflowed();
        }
        if !out.plants(Planted::ReleaseKeepsRead) {
            held.entries.retain(|entry| entry.position > position);
        }
        session.hearing = Hearing::Live(position);
        session.catch_up.released();
        out.note(|| format!("node {} releases {} at {}", self.me.node, name(session), position.0));
        out.down(conn, Down::CaughtUp(cursor));
        for entry in held.entries {
            self.push(out, conn, &entry, Some(entry.position));
        }
    }

    /// A page of a catch-up is read: it goes out, and the next waits until it has.
    pub(super) fn page(&mut self, out: &mut Outside, conn: Conn, saw: Saw) {
        let Some(session) = self.sessions.get_mut(&conn) else { return };
        let (entries, in_order): (Vec<Arc<Entry>>, bool) = match saw {
            Saw::Undelivered(page) => (session.catch_up.page(page), false),
            Saw::Since(page) => (session.catch_up.since(page), true),
            _ => return self.close(out, conn),
        };
        if entries.is_empty() {
            return self.drive(out, conn);
        }
        session.disturbed = false;
        for entry in &entries {
            let Some(session) = self.sessions.get_mut(&conn) else { return };
            let (max, proof) = (self.limits.unconfirmed_entries_max, Position(self.count));
            session.unconfirmed.pushed(&entry.conversation, entry.seq, proof, max);
            self.push(out, conn, entry, in_order.then_some(entry.position));
        }
        let at = out.now + 1 + (out.noise.link_delay / 2);
        out.at(at, Event::Node(self.me, AtNode::Flushed(conn)));
    }

    /// What was queued for a connection is out.
    pub(super) fn flushed(&mut self, out: &mut Outside, conn: Conn) {
        let missed = self.sessions.get(&conn).is_some_and(|session| session.disturbed);
        if !(missed && out.plants(Planted::LostWakeUp)) {
            self.drive(out, conn);
        }
    }

    /// A device is known to have received so much.
    pub(super) fn confirm(
        &mut self,
        out: &mut Outside,
        conn: Conn,
        mut received: Vec<(ConversationId, Seq)>,
    ) {
        received.sort();
        let now = self.clock(out);
        for (conversation, seq) in received {
            let Some(session) = self.sessions.get(&conn) else { return };
            let kind = MarkKind::Delivered(session.device.clone());
            let mark = Mark { user: session.user.clone(), conversation, seq, kind, now };
            self.gather(out, mark, None);
        }
    }
}
