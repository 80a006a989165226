//! From commits and hints to broadcasts: each conversation's entries in order, membership first.
//!
//! One's own commits come in order and for sure, the others' by hints; both go through chat's
//! [`Follow`]. A conversation that is not followed yet is begun by a sweep, at the entry up to which
//! everything is known to be in the hands of the connections here.

use std::sync::Arc;

use parlor_chat::entry::{Entry, Epoch, Position};
use parlor_chat::follow::{Follow, Next};
use parlor_chat::ids::{ConversationId, Seq, UserId};
use parlor_chat::members::Members;
use parlor_chat::resume::Cursor;
use parlor_chat::store::Committed;

use super::session::Hearing;
use super::{Node, Waiting};
use crate::world::disk::{Read, Saw};
use crate::world::group::{change_of, is_group, text_of};
use crate::world::message::{Conn, Down};
use crate::world::outside::Outside;
use crate::world::planted::Planted;

/// Entries kept aside per followed log.
const AHEAD_MAX: usize = 8;
/// Entries of one read of a followed log.
const LOG_PAGE: usize = 4;

/// A conversation that is followed.
pub(super) struct Followed {
    follow: Follow<Arc<Entry>>,
    /// Who belongs to it as of what is applied, if it is a group.
    pub(super) members: Option<Members>,
}

impl Node {
    /// An entry that was committed through this node.
    pub(super) fn committed(&mut self, out: &mut Outside, committed: &Committed) {
        let entry = &committed.entry;
        // Alone, a node hears every commit since it started, in order.
        if self.alone && !self.followed.contains_key(&entry.conversation) {
            let base = Seq(entry.seq.0 - 1);
            let members = is_group(&entry.conversation)
                .then(|| out.disk.ledger().members_at(&entry.conversation, base));
            self.begin_following(&entry.conversation, base, members);
        }
        self.offered(out, entry, Some(Conn(committed.origin.connection)));
    }

    /// An entry that the bus brings.
    pub(super) fn hinted(&mut self, out: &mut Outside, epoch: Epoch, entry: &Arc<Entry>) {
        let stray = epoch != self.epoch;
        if !stray || out.plants(Planted::StrayLife) {
            self.offered(out, entry, None);
        }
    }

    fn offered(&mut self, out: &mut Outside, entry: &Arc<Entry>, origin: Option<Conn>) {
        let conversation = &entry.conversation;
        let Some(followed) = self.followed.get_mut(conversation) else {
            let here = |user: &UserId| self.sessions.values().any(|s| s.listed && s.user == *user);
            if is_group(&entry.conversation)
                || here(&entry.from)
                || entry.to.as_ref().is_some_and(here)
            {
                self.look_around(out);
            }
            return;
        };
        let ready = if out.plants(Planted::HintOutOfOrder) {
            vec![entry.clone()]
        } else {
            followed.follow.hint(self.epoch, entry.clone())
        };
        for (at, ready) in ready.into_iter().enumerate() {
            self.apply(out, &ready, origin.filter(|_| at == 0), true);
        }
        self.follow_on(out, &entry.conversation);
    }

    /// Does what following a log asks for next.
    fn follow_on(&mut self, out: &mut Outside, conversation: &ConversationId) {
        let Some(followed) = self.followed.get_mut(conversation) else { return };
        if let Next::Read(after) = followed.follow.next() {
            followed.follow.reads();
            let read = Read::Log(conversation.clone(), after, LOG_PAGE);
            self.read(out, read, Waiting::Log(conversation.clone()));
        }
    }

    /// A page of a followed log is read.
    pub(super) fn log_read(&mut self, out: &mut Outside, at: &ConversationId, saw: Saw) {
        let Some(followed) = self.followed.get_mut(at) else { return };
        let ready = match saw {
            Saw::Log(page) => followed.follow.page(page),
            _ => {
                followed.follow.failed();
                Vec::new()
            }
        };
        for entry in ready {
            self.apply(out, &entry, None, false);
        }
        self.follow_on(out, at);
        self.nudge(out);
    }

    /// Applies the next entry of a conversation: membership first, then the broadcast to those who
    /// may see it.
    fn apply(&mut self, out: &mut Outside, entry: &Arc<Entry>, origin: Option<Conn>, hinted: bool) {
        out.note(|| format!("node {} applies {}", self.me.node, entry.id()));
        self.count += 1;
        self.position = self.position.max(entry.position);
        let mut members = None;
        if let Some(followed) = self.followed.get_mut(&entry.conversation) {
            let skips = out.plants(Planted::LostHintKeepsKicked) && !hinted;
            if let Some(members) = &mut followed.members
                && let Some(change) = change_of(text_of(entry)).filter(|_| !skips)
            {
                members.apply(entry.seq, &entry.from, &change);
            }
            members = followed.members.clone();
        }
        let conns: Vec<Conn> = self.sessions.keys().copied().collect();
        for conn in conns {
            let session = &self.sessions[&conn];
            let hears = match &members {
                Some(members) if out.plants(Planted::SeesBeforeJoining) => {
                    members.knows(&session.user)
                }
                Some(members) => members.may_see(&session.user, entry.seq),
                None => Some(&session.user) == entry.to.as_ref() || session.user == entry.from,
            };
            if session.listed && hears && Some(conn) != origin {
                self.broadcast(out, conn, entry);
            }
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
                    let up_to = session.in_commit_order.then_some(entry.position);
                    self.push(out, conn, entry, up_to);
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

    fn begin_following(&mut self, at: &ConversationId, base: Seq, members: Option<Members>) {
        let follow = Follow::new(self.epoch, base, AHEAD_MAX);
        self.followed.insert(at.clone(), Followed { follow, members });
    }

    /// Looks for what hints did not tell. A node that is alone hears everything.
    pub(super) fn look_around(&mut self, out: &mut Outside) {
        if self.alone || out.plants(Planted::NoSweep) {
            return;
        }
        if let Some(floor) = self.sweep.begin() {
            self.read(out, Read::Sweep(self.users(), floor), Waiting::Sweep);
        }
    }

    /// A sweep comes back.
    pub(super) fn swept(&mut self, out: &mut Outside, saw: Saw) {
        let Saw::Sweep(moved, as_of) = saw else { return self.sweep.failed() };
        for swept in moved {
            let conversation = &swept.conversation;
            if !self.followed.contains_key(conversation) {
                let members = is_group(conversation).then_some(swept.members);
                self.begin_following(conversation, swept.base, members);
            }
            if let Some(followed) = self.followed.get_mut(conversation) {
                followed.follow.head(self.epoch, swept.head);
            }
        }
        if self.sweep.came(as_of) {
            self.position = self.position.max(as_of);
            self.swept = Some(as_of);
        }
        let all: Vec<ConversationId> = self.followed.keys().cloned().collect();
        for conversation in &all {
            if let Some(followed) = self.followed.get_mut(conversation) {
                followed.follow.retry();
            }
            self.follow_on(out, conversation);
        }
        self.nudge(out);
    }

    /// Tells live connections that they have everything the last sweep saw, once they do.
    fn nudge(&mut self, out: &mut Outside) {
        if self.followed.values().any(|followed| followed.follow.is_behind()) {
            return;
        }
        let Some(position) = self.swept.take() else { return };
        let cursor = self.cursor(position);
        for (conn, session) in &self.sessions {
            if matches!(session.hearing, Hearing::Live(_)) && session.listed {
                out.down(*conn, Down::CaughtUp(cursor));
            }
        }
    }

    /// The users who are here.
    fn users(&self) -> Vec<UserId> {
        let mut users: Vec<UserId> =
            self.sessions.values().filter(|s| s.listed).map(|s| s.user.clone()).collect();
        users.sort();
        users.dedup();
        users
    }

    /// Forgets conversations of which nobody is here, nor anybody who ever was in them: what is
    /// followed anew may begin before what they had.
    pub(super) fn unfollow(&mut self) {
        let users = self.users();
        self.followed.retain(|conversation, followed| match &followed.members {
            Some(members) => users.iter().any(|user| members.knows(user)),
            None => {
                let (low, high) = conversation.direct_members().expect("a direct one");
                users.contains(&low) || users.contains(&high)
            }
        });
    }

    /// The cursor that stands for everything up to a position.
    pub(super) fn cursor(&self, position: Position) -> Cursor {
        Cursor { epoch: self.epoch, position }
    }
}
