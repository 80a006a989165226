//! Whether the blocks of watermarks say what can be: part of [`super::verify()`].

use parlor_chat::store::StoreError;
use rusqlite::{Connection, OptionalExtension};

use super::mark_block::{Block, Standing, slot_at};
use super::mark_blocks::decoded;
use super::regard;
use super::verify::Verified;

/// The rule that is checked.
const MARKS_ARE_SOUND: &str = "group_marks_are_sound";

/// A member as its row says, with what else marks are held against.
struct Member {
    user: i64,
    joined: i64,
    delivered: i64,
    head: i64,
    /// The highest mark of one of the member's devices in the table.
    on_a_device: i64,
}

/// Checks every block.
pub(crate) fn verify(conn: &Connection, verified: &mut Verified) -> Result<(), rusqlite::Error> {
    let mut statement = conn.prepare("SELECT conversation, block, marks FROM mark_block")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let (conversation, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        let bytes: Vec<u8> = row.get(2)?;
        match decoded(&bytes, conversation, at) {
            Ok(block) => check(conn, verified, (conversation, at), &block)?,
            Err(StoreError::Corrupt { what }) => verified.add(MARKS_ARE_SOUND, what.to_string()),
            Err(error) => verified.add(MARKS_ARE_SOUND, error.to_string()),
        }
    }
    Ok(())
}

fn check(
    conn: &Connection,
    verified: &mut Verified,
    (conversation, at): (i64, i64),
    block: &Block,
) -> Result<(), rusqlite::Error> {
    for (place, standing) in &block.0 {
        let slot = slot_at(at, *place);
        let mut add = |what: &str| {
            let what = format!("the marks of slot {slot} of conversation {conversation} {what}");
            verified.add(MARKS_ARE_SOUND, what);
        };
        let Some(member) = member(conn, conversation, slot)? else {
            add("are of nobody who is in");
            continue;
        };
        let Standing { delivered, read, joined, .. } = standing;
        if *joined != member.joined || *delivered < member.delivered {
            add("are older than the membership");
        }
        let most = standing.devices.iter().map(|(_, seq)| *seq).max().unwrap_or(0);
        if read > delivered || most.max(member.on_a_device) > *delivered {
            add("say more than was delivered");
        }
        if *delivered > member.head {
            add("are beyond the head");
        }
        if standing.is_silent == regard::has_read_receipts(conn, member.user)? {
            add("do not know whether they are told");
        }
    }
    Ok(())
}

fn member(
    conn: &Connection,
    conversation: i64,
    slot: i64,
) -> Result<Option<Member>, rusqlite::Error> {
    let sql = "SELECT m.user, m.joined, m.delivered, \
               (SELECT max(seq) FROM entry WHERE conversation = ?1), \
               (SELECT coalesce(max(d.seq), 0) FROM device v JOIN delivered d ON d.device = v.id \
               AND d.conversation = ?1 WHERE v.user = m.user) \
               FROM member m WHERE m.conversation = ?1 AND m.slot = ?2 AND m.slot > 0 \
               AND m.left IS NULL";
    conn.prepare_cached(sql)?
        .query_row([conversation, slot], |row| {
            Ok(Member {
                user: row.get(0)?,
                joined: row.get(1)?,
                delivered: row.get(2)?,
                head: row.get(3)?,
                on_a_device: row.get(4)?,
            })
        })
        .optional()
}
