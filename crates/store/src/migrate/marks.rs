//! Watermarks of members of groups: many in a row of the source, a row each in the target.

use rusqlite::{OptionalExtension, Row};

use super::cells::{Cell, Cells};
use super::error::MigrateError;
use super::reading::{Reading, Take};
use crate::sqlite::mark_block::{Standing, place, slot_at};
use crate::sqlite::mark_blocks::decoded;
use crate::sqlite::rows::corrupt;

/// The columns of a member that a block may have.
const MARKS: std::ops::Range<usize> = 2..8;

impl Reading<'_> {
    /// How far a member is, if that is in a block.
    fn standing(&mut self, conversation: i64, slot: i64) -> Result<Option<Standing>, MigrateError> {
        if slot == 0 {
            return Ok(None);
        }
        let (block, place) = place(slot);
        Ok(self.block(conversation, block)?.0.get(&place).cloned())
    }
}

/// Lets a member be as far as a block says.
pub(crate) fn member(
    reading: &mut Reading<'_>,
    row: &Row<'_>,
    cells: &mut Cells,
) -> Result<(), MigrateError> {
    let (conversation, slot) = (row.get(0)?, row.get(15)?);
    if let Some(standing) = reading.standing(conversation, slot)? {
        let marks = standing.numbers().into_iter().map(Cell::Int);
        cells.splice(MARKS, marks.take(MARKS.len()));
    }
    Ok(())
}

/// Lets a device be as far as a block says, if that is further.
pub(crate) fn device(
    reading: &mut Reading<'_>,
    row: &Row<'_>,
    cells: &mut Cells,
) -> Result<(), MigrateError> {
    let (seq, at, device): (i64, i64, i64) = (row.get(3)?, row.get(4)?, row.get(5)?);
    let (conversation, slot) = (row.get(2)?, row.get(6)?);
    if let Some(standing) = reading.standing(conversation, slot)?
        && standing.of_device(device) > seq
    {
        cells[3] = Cell::Int(standing.of_device(device));
        cells[4] = Cell::Int(at.max(standing.delivered_at));
    }
    Ok(())
}

/// The marks of devices that only blocks have.
pub(crate) fn devices_of_blocks(
    reading: &mut Reading<'_>,
    take: Take<'_>,
) -> Result<(), MigrateError> {
    let conn = reading.conn;
    let mut statement = conn.prepare("SELECT conversation, block, marks FROM mark_block")?;
    let mut rows = statement.query(())?;
    // Numbers of devices that were forgotten are given out again, to anybody.
    let sql = "SELECT v.user, v.name FROM member m \
               JOIN device v ON v.id = ?3 AND v.user = m.user AND v.active = 1 \
               WHERE m.conversation = ?1 AND m.slot = ?2 AND m.slot > 0 \
               AND NOT EXISTS (SELECT 1 FROM delivered d WHERE d.device = ?3 AND d.conversation = ?1)";
    while let Some(row) = rows.next()? {
        let (conversation, block): (i64, i64) = (row.get(0)?, row.get(1)?);
        let bytes = row.get_ref(2)?.as_blob().map_err(|_| corrupt("a block of watermarks"))?;
        for (place, standing) in decoded(bytes, conversation, block)?.0 {
            for (device, seq) in standing.devices {
                let found: Option<(i64, String)> = conn
                    .prepare_cached(sql)?
                    .query_row([conversation, slot_at(block, place), device], |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })
                    .optional()?;
                let Some((user, name)) = found else { continue };
                let user = reading.names.user(conn, user)?;
                let thread = reading.names.thread(conn, conversation)?;
                take(vec![
                    Cell::Text(user.to_string()),
                    Cell::Text(name),
                    Cell::Text(thread.conversation.to_string()),
                    Cell::Int(seq),
                    Cell::Int(standing.delivered_at),
                ])?;
            }
        }
    }
    Ok(())
}
