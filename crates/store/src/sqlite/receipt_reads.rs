//! How far the members of groups are: who has an entry, how many have it, and up to where each is.
//!
//! Both the list and the count are read from the blocks of marks (`mark_blocks`), in which only those
//! are who are in and have a mark since they came in. Who has none has nothing that was said since.

use parlor_chat::entry::Millis;
use parlor_chat::group::port::{
    MembersCursor, ReceiptCount, ReceiptLine, ReceiptsPage, ReceiptsQuery,
};
use parlor_chat::ids::{ConversationId, GroupId, Seq};
use parlor_chat::store::{StoreError, Watermarks};

use super::body;
use super::group_reads::user_of;
use super::groups::group_row;
use super::mark_block::{BLOCK_SLOTS, Standing, slot_at};
use super::mark_blocks::{self, Walk};
use super::readers::Reader;
use super::regard;
use super::rows::{self, Failure, Thread, bound, nat};
use super::visible;

/// Blocks that one page of receipts goes through; where few have an entry, a page may be short.
const PAGE_BLOCKS_MAX: usize = 64;

impl Standing {
    /// Whether the member was there when the entry at `seq` came, and has it.
    fn has(&self, seq: i64) -> bool {
        self.joined <= seq && self.delivered >= seq
    }

    /// Whether the member has read it, and tells so.
    fn tells_read(&self, seq: i64) -> bool {
        self.has(seq) && self.read >= seq && !self.is_silent
    }
}

impl Reader {
    pub(crate) fn group_receipts(
        &mut self,
        query: &ReceiptsQuery,
    ) -> Result<ReceiptsPage, Failure> {
        let (thread, _, _) = self.seen(&query.group, &query.user.clone().into())?;
        let seq = bound(query.seq.0);
        let asker = thread.member(&self.conn, &query.user)?.ok_or(StoreError::NotFound)?;
        let is_there = rows::place_at(&self.conn, thread.id, seq)?.is_some();
        let may_see = visible::may_see(&self.conn, thread.id, asker, seq)?;
        if seq == 0 || !is_there || !may_see || self.is_anothers_shadow(&thread, seq, asker)? {
            return Err(StoreError::NotFound.into());
        }
        let hears_reads = regard::has_read_receipts(&self.conn, asker)?;
        let author = self.author_slot(&thread, seq)?;
        let after = query.after.map_or(0, |after| bound(after.0));
        let mut page = ReceiptsPage { members: Vec::new(), next: None };
        let (mut last, mut blocks) = (after, 0);
        let name = "SELECT u.name FROM member m JOIN user u ON u.id = m.user \
                    WHERE m.conversation = ?1 AND m.slot = ?2 AND m.slot > 0";
        mark_blocks::each(&self.conn, thread.id, after / BLOCK_SLOTS, |at, block| {
            if blocks >= PAGE_BLOCKS_MAX {
                page.next = Some(MembersCursor(nat(last)?));
                return Ok(Walk::End);
            }
            blocks += 1;
            for (place, standing) in &block.0 {
                let slot = slot_at(at, *place);
                if slot <= after || Some(slot) == author || !standing.has(seq) {
                    continue;
                }
                if page.members.len() >= query.limit {
                    page.next = Some(MembersCursor(nat(last)?));
                    return Ok(Walk::End);
                }
                let mut named = self.conn.prepare_cached(name)?;
                let named: String = named.query_row([thread.id, slot], |row| row.get(0))?;
                let read = hears_reads && standing.tells_read(seq);
                let since = if read { standing.read_at } else { standing.delivered_at };
                let (user, at) = (user_of(&named, &thread)?, Millis(nat(since)?));
                page.members.push(ReceiptLine { user, read, at });
                last = slot;
            }
            last = last.max(slot_at(at, (BLOCK_SLOTS - 1) as u8));
            Ok(Walk::On)
        })?;
        Ok(page)
    }

    /// Whether an entry is shadowed and by another: to the asker, nothing is there.
    fn is_anothers_shadow(&self, thread: &Thread, seq: i64, asker: i64) -> Result<bool, Failure> {
        let sql = "SELECT count(*) FROM entry \
                   WHERE conversation = ?1 AND seq = ?2 AND kind = ?3 AND sender <> ?4";
        let params = (thread.id, seq, body::SHADOWED, asker);
        let count: i64 = self.conn.prepare_cached(sql)?.query_row(params, |row| row.get(0))?;
        Ok(count > 0)
    }

    /// The slot of who said an entry, if that is known.
    fn author_slot(&self, thread: &Thread, seq: i64) -> Result<Option<i64>, Failure> {
        use rusqlite::OptionalExtension;
        let sql = "SELECT m.slot FROM entry e JOIN member m ON m.user = e.sender \
                   AND m.conversation = e.conversation WHERE e.conversation = ?1 AND e.seq = ?2";
        let slot = self
            .conn
            .prepare_cached(sql)?
            .query_row([thread.id, seq], |row| row.get(0))
            .optional()?;
        Ok(slot)
    }

    pub(crate) fn receipt_counts(
        &mut self,
        group: &GroupId,
        after: Seq,
        up_to: Seq,
        limit: usize,
    ) -> Result<Vec<ReceiptCount>, Failure> {
        let conversation = ConversationId::group(group);
        let Some(thread) = rows::find_thread(&self.conn, &conversation)? else {
            return Ok(Vec::new());
        };
        let mut said = self.said_last(&thread, after, up_to, limit)?;
        mark_blocks::each(&self.conn, thread.id, 0, |at, block| {
            for (place, standing) in &block.0 {
                let slot = slot_at(at, *place);
                for (_, count) in said.iter_mut().filter(|(author, _)| *author != slot) {
                    let seq = bound(count.seq.0);
                    count.delivered += u64::from(standing.has(seq));
                    count.read += u64::from(standing.tells_read(seq));
                }
            }
            Ok(Walk::On)
        })?;
        Ok(said.into_iter().map(|(_, count)| count).collect())
    }

    /// The newest messages of a stretch, in order, each with its author's slot and nobody counted yet.
    fn said_last(
        &self,
        thread: &Thread,
        after: Seq,
        up_to: Seq,
        limit: usize,
    ) -> Result<Vec<(i64, ReceiptCount)>, Failure> {
        // The system may say something without being in, and has no slot then.
        let sql = "SELECT e.seq, u.name, coalesce(m.slot, 0) FROM entry e \
                   JOIN user u ON u.id = e.sender \
                   LEFT JOIN member m ON m.user = e.sender AND m.conversation = e.conversation \
                   WHERE e.conversation = ?1 AND e.seq > ?2 AND e.seq <= ?3 AND e.kind = 0 \
                   ORDER BY e.seq DESC LIMIT ?4";
        let mut statement = self.conn.prepare_cached(sql)?;
        let (after, up_to) = (bound(after.0), bound(up_to.0));
        let mut rows = statement.query([thread.id, after, up_to, bound(limit as u64)])?;
        let mut said = Vec::new();
        while let Some(row) = rows.next()? {
            let name: String = row.get(1)?;
            let (seq, author) = (Seq(nat(row.get(0)?)?), user_of(&name, thread)?);
            said.push((row.get(2)?, ReceiptCount { seq, author, delivered: 0, read: 0 }));
        }
        said.reverse();
        Ok(said)
    }

    pub(crate) fn group_size(&mut self, group: &GroupId) -> Result<u64, Failure> {
        match self.living(group) {
            Ok((_, row)) => Ok(row.group.members),
            Err(Failure::Refused(StoreError::NotFound)) => Ok(0),
            Err(failure) => Err(failure),
        }
    }

    /// Up to where each member of a group has it, or only the viewer where there are many.
    pub(crate) fn watermarks_of_group(
        &self,
        thread: &Thread,
        viewer: i64,
    ) -> Result<Vec<Watermarks>, Failure> {
        let conn = &self.conn;
        let is_large = group_row(conn, thread.id)?.group.members > self.receipts_members_max;
        let sql = match is_large {
            true => {
                "SELECT u.name, m.user FROM member m JOIN user u ON u.id = m.user \
                 WHERE m.conversation = ?1 AND m.user = ?2"
            }
            false => {
                "SELECT u.name, m.user FROM member m JOIN user u ON u.id = m.user \
                 WHERE m.conversation = ?1 AND m.joined > 0 AND (m.left IS NULL OR m.user = ?2) \
                 ORDER BY m.user"
            }
        };
        let hears_reads = regard::has_read_receipts(conn, viewer)?;
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query([thread.id, viewer])?;
        let (mut all, mut standings) = (Vec::new(), mark_blocks::Standings::new(thread.id));
        while let Some(row) = rows.next()? {
            let (name, user): (String, i64) = (row.get(0)?, row.get(1)?);
            let Standing { delivered, read, .. } = standings.of(conn, user)?;
            let tells = user == viewer || hears_reads && regard::has_read_receipts(conn, user)?;
            all.push(Watermarks {
                user: user_of(&name, thread)?,
                delivered: Seq(nat(delivered)?),
                read: Seq(if tells { nat(read)? } else { 0 }),
            });
        }
        Ok(all)
    }
}
