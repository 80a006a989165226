//! What each watermark does inside the writer's transaction.
//!
//! Those of a direct conversation are in the rows of its two members, those of a group in blocks of
//! members, which are read and written once for all the marks of a command.

use parlor_chat::ids::Seq;
use parlor_chat::requests::RequestState;
use parlor_chat::store::{Mark, Marked};
use rusqlite::{Connection, OptionalExtension};

use super::commands::Executor;
use super::devices;
use super::mark_blocks::{self, Blocks};
use super::requests;
use super::rows::{self, Failure, Place, Thread, corrupt, nat};
use super::visible;

/// A mark that may move something.
struct Step<'a> {
    mark: &'a Mark,
    thread: &'a Thread,
    user: i64,
    to: Place,
    /// The seq and the time of the mark.
    seq: i64,
    at: i64,
}

impl Executor {
    pub(crate) fn mark(
        &mut self,
        conn: &Connection,
        mark: &Mark,
        blocks: &mut Blocks,
    ) -> Result<Marked, Failure> {
        let Some(thread) = self.thread(conn, &mark.conversation)? else {
            return Ok(Marked::NotFound);
        };
        let Some(user) = thread.member(conn, &mark.user)? else { return Ok(Marked::NotFound) };
        if mark.seq.0 == 0 {
            return Ok(Marked::Unmoved);
        }
        let (seq, at) = (rows::bound(mark.seq.0), rows::bound(mark.now.0));
        if thread.is_group() && !visible::may_see(conn, thread.id, user, seq)? {
            return Ok(Marked::NotFound);
        }
        let Some(to) = blocks.place_at(conn, thread.id, seq)? else { return Ok(Marked::NotFound) };
        let step = Step { mark, thread: &thread, user, to, seq, at };
        match thread.is_group() {
            true => self.mark_in_group(conn, &step, blocks),
            false => step.mark_in_pair(conn, blocks),
        }
    }

    fn mark_in_group(
        &self,
        conn: &Connection,
        step: &Step<'_>,
        blocks: &mut Blocks,
    ) -> Result<Marked, Failure> {
        let (conversation, user) = (step.thread.id, step.user);
        let is_in = "SELECT 1 FROM member WHERE user = ?1 AND conversation = ?2 AND left IS NULL";
        if !conn.prepare_cached(is_in)?.exists([user, conversation])? {
            // Who is out has no block.
            let moved = step.mark_in_row(conn, blocks)?;
            return self.told_in_group(conn, step, blocks, moved, step.seq - 1);
        }
        let device = match step.mark.device().is_shared() {
            true => None,
            false => devices::device_row(conn, user, step.mark.device())?.filter(|it| it.active),
        };
        let (slot, was) = blocks.look(conn, conversation, user)?;
        let mut standing = was.clone();
        let position = rows::head_position(conn)?;
        if let Some(device) = device {
            let mark = (step.seq, step.at);
            mark_blocks::move_device(conn, (conversation, user), &mut standing, device.id, mark)?;
        }
        let mut from = Vec::new();
        if step.seq > standing.delivered {
            from.push(standing.delivered);
            (standing.delivered, standing.delivered_at) = (step.seq, step.at);
            standing.moved = position;
        }
        if step.mark.is_read() && step.seq > standing.read {
            from.push(standing.read);
            (standing.read, standing.read_at) = (step.seq, step.at);
            standing.read_moved = position;
        }
        if standing != was {
            blocks.put(conversation, slot, standing);
        }
        let mut moved = Marked::Unmoved;
        for before in &from {
            if step.passes_others(conn, blocks, *before)? {
                moved = Marked::Moved;
            }
        }
        let after = from.into_iter().min().unwrap_or_default();
        self.told_in_group(conn, step, blocks, moved, after)
    }

    /// What is to be told of a mark in a group; where each member is, that is noted.
    fn told_in_group(
        &self,
        conn: &Connection,
        step: &Step<'_>,
        blocks: &mut Blocks,
        moved: Marked,
        after: i64,
    ) -> Result<Marked, Failure> {
        if moved != Marked::Moved {
            return Ok(moved);
        }
        let conversation = step.thread.id;
        let is_few = match blocks.few.get(&conversation) {
            Some(is_few) => *is_few,
            None => {
                let sql = "UPDATE chat_group SET marked = (SELECT max(pos) FROM entry), \
                           marked_at = ?1 WHERE conversation = ?2 AND members <= ?3";
                let max = rows::bound(self.receipts_members_max);
                let is_few = conn.prepare_cached(sql)?.execute([step.at, conversation, max])? > 0;
                blocks.few.insert(conversation, is_few);
                is_few
            }
        };
        match is_few {
            true => Ok(Marked::Moved),
            false => Ok(Marked::MovedAmongMany { after: Seq(nat(after)?) }),
        }
    }
}

impl Step<'_> {
    fn mark_in_pair(&self, conn: &Connection, blocks: &mut Blocks) -> Result<Marked, Failure> {
        let moved = self.mark_in_row(conn, blocks)?;
        let state = || requests::state(conn, self.thread.id, self.user);
        match moved == Marked::Moved && state()?.is_some_and(RequestState::hides) {
            true => Ok(Marked::MovedInRequest),
            false => Ok(moved),
        }
    }

    fn mark_in_row(&self, conn: &Connection, blocks: &mut Blocks) -> Result<Marked, Failure> {
        let Self { thread, user, seq, at, .. } = self;
        let device = self.mark.device();
        if !device.is_shared() {
            devices::mark(conn, *user, device, thread.id, *seq, *at)?;
        }
        let sql = "SELECT delivered, read FROM member WHERE user = ?1 AND conversation = ?2";
        let (delivered, read): (i64, i64) = conn
            .prepare_cached(sql)?
            .query_row([*user, thread.id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?
            .ok_or_else(|| corrupt(format!("the members of conversation {}", thread.id)))?;
        let mut moved = Marked::Unmoved;
        let mut advance = |sql: &str, before: i64| -> Result<(), Failure> {
            if *seq <= before {
                return Ok(());
            }
            conn.prepare_cached(sql)?.execute((seq, at, user, thread.id))?;
            if self.passes_others(conn, blocks, before)? {
                moved = Marked::Moved;
            }
            Ok(())
        };
        advance(
            "UPDATE member SET delivered = ?1, delivered_at = ?2, \
             moved = (SELECT max(pos) FROM entry) WHERE user = ?3 AND conversation = ?4",
            delivered,
        )?;
        if self.mark.is_read() {
            advance(
                "UPDATE member SET read = ?1, read_at = ?2, \
                 read_moved = (SELECT max(pos) FROM entry) \
                 WHERE user = ?3 AND conversation = ?4",
                read,
            )?;
        }
        Ok(moved)
    }

    /// Whether others said something between a mark's old place and its new one.
    fn passes_others(
        &self,
        conn: &Connection,
        blocks: &mut Blocks,
        before: i64,
    ) -> Result<bool, Failure> {
        let from = blocks
            .place_at(conn, self.thread.id, before)?
            .ok_or_else(|| corrupt(format!("a watermark in conversation {}", self.thread.id)))?;
        // Who said what was removed is not known any more.
        let over_removed = from.seq > before;
        Ok(over_removed || self.thread.by_others(conn, self.user, from, self.to)? > 0)
    }
}
