//! How far the members of groups are: the watermarks of many members in one row.
//!
//! A member has a place in the group, its slot, and so many slots make a block. A member's marks are
//! in the block from the first one on, and until the member is out; before and after that the row in
//! `member` has them. So what a group's members confirm together is one write for each block, and who
//! has read something is counted by reading the blocks alone.
//!
//! A block also knows who tells nobody what they read; that is kept right by whatever changes it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use parlor_chat::store::StoreError;
use rusqlite::{Connection, OptionalExtension};

use super::mark_block::{Block, DEVICES_MAX, Standing, place};
use super::regard;
use super::rows::{self, Failure, Place, corrupt};

/// A block as it is stored; empty where nothing is.
pub(crate) fn load(conn: &Connection, conversation: i64, block: i64) -> Result<Block, Failure> {
    let sql = "SELECT marks FROM mark_block WHERE conversation = ?1 AND block = ?2";
    let bytes: Option<Vec<u8>> =
        conn.prepare_cached(sql)?.query_row([conversation, block], |row| row.get(0)).optional()?;
    match bytes {
        None => Ok(Block::default()),
        Some(bytes) => Ok(decoded(&bytes, conversation, block)?),
    }
}

/// The block that some stored bytes are.
pub(crate) fn decoded(bytes: &[u8], conversation: i64, block: i64) -> Result<Block, StoreError> {
    let what =
        || corrupt(format!("block {block} of the watermarks of conversation {conversation}"));
    Block::decode(bytes).ok_or_else(what)
}

fn save(
    conn: &Connection,
    conversation: i64,
    at: i64,
    block: &Block,
) -> Result<(), rusqlite::Error> {
    if block.0.is_empty() {
        let sql = "DELETE FROM mark_block WHERE conversation = ?1 AND block = ?2";
        conn.prepare_cached(sql)?.execute([conversation, at])?;
        return Ok(());
    }
    let sql = "INSERT INTO mark_block (conversation, block, marks) VALUES (?1, ?2, ?3) \
               ON CONFLICT (conversation, block) DO UPDATE SET marks = excluded.marks";
    conn.prepare_cached(sql)?.execute((conversation, at, block.encode()))?;
    Ok(())
}

/// A member's row.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) slot: i64,
    pub(crate) standing: Standing,
}

/// What the row of a member, or of who was one, says.
pub(crate) fn row(
    conn: &Connection,
    conversation: i64,
    user: i64,
) -> Result<Option<Row>, rusqlite::Error> {
    let sql = "SELECT slot, delivered, delivered_at, read, read_at, moved, read_moved, joined \
               FROM member WHERE user = ?1 AND conversation = ?2";
    conn.prepare_cached(sql)?
        .query_row([user, conversation], |row| {
            Ok(Row {
                slot: row.get(0)?,
                standing: Standing {
                    delivered: row.get(1)?,
                    delivered_at: row.get(2)?,
                    read: row.get(3)?,
                    read_at: row.get(4)?,
                    moved: row.get(5)?,
                    read_moved: row.get(6)?,
                    joined: row.get(7)?,
                    ..Standing::default()
                },
            })
        })
        .optional()
}

/// How far a user is in a conversation, wherever that is kept.
pub(crate) fn standing(
    conn: &Connection,
    conversation: i64,
    user: i64,
) -> Result<Standing, Failure> {
    Standings::new(conversation).of(conn, user)
}

/// How far several users are in one conversation: each block is read once.
#[derive(Debug)]
pub(crate) struct Standings {
    conversation: i64,
    blocks: HashMap<i64, Block>,
}

impl Standings {
    pub(crate) fn new(conversation: i64) -> Self {
        Self { conversation, blocks: HashMap::new() }
    }

    /// How far a user is, wherever that is kept.
    pub(crate) fn of(&mut self, conn: &Connection, user: i64) -> Result<Standing, Failure> {
        let conversation = self.conversation;
        let what = || corrupt(format!("the members of conversation {conversation}"));
        let row = row(conn, conversation, user)?.ok_or_else(what)?;
        if row.slot == 0 {
            return Ok(row.standing);
        }
        let (at, place) = place(row.slot);
        let block = match self.blocks.entry(at) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(load(conn, conversation, at)?),
        };
        Ok(block.0.get(&place).cloned().unwrap_or(row.standing))
    }
}

/// Blocks that are changed together: each is read once and written once, by [`Blocks::save`].
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    open: HashMap<(i64, i64), Opened>,
    places: HashMap<(i64, i64), Option<Place>>,
    /// Whether all members of a group are told of a mark, once it was looked up.
    pub(crate) few: HashMap<i64, bool>,
}

#[derive(Debug)]
struct Opened {
    block: Block,
    is_changed: bool,
}

impl Blocks {
    /// How far a member is, and the slot to [`Blocks::put`] what becomes of it.
    pub(crate) fn look(
        &mut self,
        conn: &Connection,
        conversation: i64,
        user: i64,
    ) -> Result<(i64, Standing), Failure> {
        let what = || corrupt(format!("the members of conversation {conversation}"));
        let row = row(conn, conversation, user)?.filter(|row| row.slot > 0).ok_or_else(what)?;
        let (at, place) = place(row.slot);
        if let Some(standing) = self.open(conn, conversation, at)?.block.0.get(&place) {
            return Ok((row.slot, standing.clone()));
        }
        let is_silent = !regard::has_read_receipts(conn, user)?;
        Ok((row.slot, Standing { is_silent, ..row.standing }))
    }

    /// Changes how far a member is, whom [`Blocks::look`] was asked about.
    pub(crate) fn put(&mut self, conversation: i64, slot: i64, standing: Standing) {
        let (at, place) = place(slot);
        if let Some(opened) = self.open.get_mut(&(conversation, at)) {
            opened.is_changed = true;
            opened.block.0.insert(place, standing);
        }
    }

    /// What [`rows::place_at`] says, looked up once.
    pub(crate) fn place_at(
        &mut self,
        conn: &Connection,
        conversation: i64,
        seq: i64,
    ) -> Result<Option<Place>, rusqlite::Error> {
        if let Some(place) = self.places.get(&(conversation, seq)) {
            return Ok(*place);
        }
        let place = rows::place_at(conn, conversation, seq)?;
        self.places.insert((conversation, seq), place);
        Ok(place)
    }

    fn open(
        &mut self,
        conn: &Connection,
        conversation: i64,
        at: i64,
    ) -> Result<&mut Opened, Failure> {
        match self.open.entry((conversation, at)) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let block = load(conn, conversation, at)?;
                Ok(entry.insert(Opened { block, is_changed: false }))
            }
        }
    }

    /// Writes what was changed; gives how many blocks that were.
    pub(crate) fn save(self, conn: &Connection) -> Result<u64, rusqlite::Error> {
        let mut saved = 0;
        for ((conversation, at), opened) in self.open {
            if opened.is_changed {
                save(conn, conversation, at, &opened.block)?;
                saved += 1;
            }
        }
        Ok(saved)
    }
}

/// Moves a named device's mark, of which it is known that the device is there.
pub(crate) fn move_device(
    conn: &Connection,
    (conversation, user): (i64, i64),
    standing: &mut Standing,
    device: i64,
    (seq, at): (i64, i64),
) -> Result<(), rusqlite::Error> {
    if let Some((_, had)) = standing.devices.iter_mut().find(|(id, _)| *id == device) {
        *had = seq.max(*had);
        return Ok(());
    }
    if standing.devices.len() >= DEVICES_MAX {
        let moved = std::mem::take(&mut standing.devices);
        let at = standing.delivered_at.max(at);
        moved.into_iter().try_for_each(|mark| to_table(conn, conversation, user, mark, at))?;
    }
    standing.devices.push((device, seq));
    Ok(())
}

/// Lets a new device start where its user is in groups, as far as blocks have that.
pub(crate) fn start_device(conn: &Connection, user: i64, device: i64) -> Result<(), Failure> {
    for (conversation, slot) in slots(conn, user)? {
        let (at, place) = place(slot);
        if let Some(standing) = load(conn, conversation, at)?.0.get(&place) {
            let mark = (device, standing.delivered);
            to_table(conn, conversation, user, mark, standing.delivered_at)?;
        }
    }
    Ok(())
}

/// The slots of a user in the groups that the user is in.
fn slots(conn: &Connection, user: i64) -> Result<Vec<(i64, i64)>, rusqlite::Error> {
    let sql = "SELECT conversation, slot FROM member WHERE user = ?1 AND slot > 0 AND left IS NULL";
    conn.prepare_cached(sql)?.query_map([user], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Keeps a device's mark in the table, if the device is there and not further by that.
fn to_table(
    conn: &Connection,
    conversation: i64,
    user: i64,
    (device, seq): (i64, i64),
    at: i64,
) -> Result<(), rusqlite::Error> {
    // Integer names of devices that were forgotten are given out again, to anybody.
    let sql = "INSERT INTO delivered (device, conversation, seq, at) \
               SELECT id, ?2, ?3, ?4 FROM device WHERE id = ?1 AND user = ?5 AND active = 1 \
               ON CONFLICT (device, conversation) DO UPDATE \
               SET seq = excluded.seq, at = excluded.at WHERE excluded.seq > seq";
    conn.prepare_cached(sql)?.execute([device, conversation, seq, at, user])?;
    Ok(())
}

/// Takes who goes out of their block, back to the row and the table.
pub(crate) fn fold(conn: &Connection, conversation: i64, user: i64) -> Result<(), Failure> {
    let Some(row) = row(conn, conversation, user)?.filter(|row| row.slot > 0) else {
        return Ok(());
    };
    let (at, place) = place(row.slot);
    let mut block = load(conn, conversation, at)?;
    let Some(standing) = block.0.remove(&place) else { return Ok(()) };
    save(conn, conversation, at, &block)?;
    let sql = "UPDATE member SET delivered = ?1, delivered_at = ?2, read = ?3, read_at = ?4, \
               moved = ?5, read_moved = ?6 WHERE user = ?7 AND conversation = ?8";
    let [delivered, delivered_at, read, read_at, moved, read_moved, _] = standing.numbers();
    conn.prepare_cached(sql)?.execute((
        delivered,
        delivered_at,
        read,
        read_at,
        moved,
        read_moved,
        user,
        conversation,
    ))?;
    for mark in standing.devices {
        to_table(conn, conversation, user, mark, standing.delivered_at)?;
    }
    Ok(())
}

/// Lets the blocks of a user's groups follow whether what the user reads is told.
pub(crate) fn silence(conn: &Connection, user: i64, is_silent: bool) -> Result<(), Failure> {
    for (conversation, slot) in slots(conn, user)? {
        let (at, place) = place(slot);
        let mut block = load(conn, conversation, at)?;
        let Some(standing) = block.0.get_mut(&place) else { continue };
        if standing.is_silent != is_silent {
            standing.is_silent = is_silent;
            save(conn, conversation, at, &block)?;
        }
    }
    Ok(())
}

/// Goes through the blocks of a group from one on, in order, until `visit` wants no more.
pub(crate) fn each(
    conn: &Connection,
    conversation: i64,
    from: i64,
    mut visit: impl FnMut(i64, &Block) -> Result<Walk, Failure>,
) -> Result<(), Failure> {
    let sql = "SELECT block, marks FROM mark_block WHERE conversation = ?1 AND block >= ?2 \
               ORDER BY block";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([conversation, from])?;
    while let Some(row) = rows.next()? {
        let (at, bytes) = (row.get(0)?, row.get_ref(1)?);
        let bytes = bytes.as_blob().map_err(|_| corrupt("a block of watermarks"))?;
        if visit(at, &decoded(bytes, conversation, at)?)? == Walk::End {
            break;
        }
    }
    Ok(())
}

/// Whether a walk through blocks goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Walk {
    On,
    End,
}

/// Brings the marks of a file of before there were blocks into blocks.
pub(crate) fn gather(conn: &Connection) -> Result<(), rusqlite::Error> {
    let sql = "SELECT conversation, slot, user, delivered, delivered_at, read, read_at, moved, \
               read_moved, joined FROM member \
               WHERE slot > 0 AND left IS NULL AND delivered >= joined ORDER BY conversation, slot";
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query(())?;
    let (mut of, mut block) = ((0, 0), Block::default());
    while let Some(row) = rows.next()? {
        let (at, place) = place(row.get(1)?);
        let next = (row.get(0)?, at);
        if next != of && !block.0.is_empty() {
            save(conn, of.0, of.1, &std::mem::take(&mut block))?;
        }
        of = next;
        let is_silent = !regard::has_read_receipts(conn, row.get(2)?)?;
        let mut standing = Standing { is_silent, ..Standing::default() };
        for (n, to) in standing.numbers_mut().into_iter().enumerate() {
            *to = row.get(3 + n)?;
        }
        block.0.insert(place, standing);
    }
    if block.0.is_empty() { Ok(()) } else { save(conn, of.0, of.1, &block) }
}
