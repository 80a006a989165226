//! Forgets idempotency keys whose time is over.
//!
//! It walks the entries in the order of arrival behind a mark kept in `meta`, a few per batch
//! and always more than the batch added, so it keeps up without ever being a large step.

use parlor_chat::entry::Millis;
use parlor_chat::idempotency::kept_until;
use rusqlite::{Connection, OptionalExtension};

use super::rows::{self, int};

/// Entries looked at per batch, beyond as many as the batch added.
const STEP_ENTRIES: usize = 64;

/// Where the sweep stands.
#[derive(Debug)]
pub(crate) struct Sweep {
    window_ms: u64,
    /// Entries up to here hold no key any more; `None` until it was read.
    swept: Option<i64>,
    /// Before this nothing is due.
    due: Millis,
    next: Option<(i64, Millis)>,
    /// Whether what is to be swept is damaged.
    given_up: bool,
}

impl Sweep {
    pub(crate) fn new(window_ms: u64) -> Self {
        Self { window_ms, swept: None, due: Millis(0), next: None, given_up: false }
    }

    /// One step within the writer's transaction, which appended `added` entries.
    pub(crate) fn step(
        &mut self,
        conn: &Connection,
        now: Millis,
        added: usize,
    ) -> Result<(), rusqlite::Error> {
        if self.given_up || now < self.due {
            return Ok(());
        }
        let start = match self.swept {
            Some(swept) => swept,
            None => conn
                .prepare_cached("SELECT value FROM meta WHERE key = 'keys_swept'")?
                .query_row((), |row| row.get(0))
                .optional()?
                .unwrap_or(0),
        };
        let mut swept = start;
        let mut due = now;
        let sql = "SELECT pos, ts, client_id, sender, conversation, seq FROM entry \
                   WHERE pos > ?1 ORDER BY pos LIMIT ?2";
        let delete = "DELETE FROM idempotency \
                      WHERE client_id = ?1 AND sender = ?2 AND conversation = ?3 AND seq = ?4";
        let mut entries = conn.prepare_cached(sql)?;
        let mut rows = entries.query((swept, int((STEP_ENTRIES + added) as u64)))?;
        let mut looked_at = 0;
        while let Some(row) = rows.next()? {
            looked_at += 1;
            let committed = Millis(rows::nat(row.get(1)?).unwrap_or(0));
            let until = kept_until(committed, self.window_ms);
            if until >= now {
                due = Millis(until.0 + 1);
                break;
            }
            if let Some(client_id) = row.get::<_, Option<String>>(2)? {
                let of_entry: (i64, i64, i64) = (row.get(3)?, row.get(4)?, row.get(5)?);
                conn.prepare_cached(delete)?
                    .execute((client_id, of_entry.0, of_entry.1, of_entry.2))?;
            }
            swept = row.get(0)?;
        }
        if looked_at == 0 {
            // Nothing is left behind the mark: whatever comes is kept for a whole window.
            due = kept_until(now, self.window_ms);
        }
        due = due.min(self.left_keys(conn, now, STEP_ENTRIES + added)?);
        if swept > start {
            let sql = "INSERT INTO meta (key, value) VALUES ('keys_swept', ?1) \
                       ON CONFLICT (key) DO UPDATE SET value = excluded.value";
            conn.prepare_cached(sql)?.execute([swept])?;
        }
        self.next = Some((swept, due));
        Ok(())
    }

    /// Forgets keys whose entries were removed before it came by. Gives when the next is due.
    fn left_keys(
        &self,
        conn: &Connection,
        now: Millis,
        keys_max: usize,
    ) -> Result<Millis, rusqlite::Error> {
        let sql = "SELECT ts, client_id, sender, conversation FROM idempotency \
                   WHERE ts IS NOT NULL ORDER BY ts LIMIT ?1";
        let left: Vec<(i64, String, i64, i64)> = conn
            .prepare_cached(sql)?
            .query_map([int(keys_max as u64)], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?
            .collect::<Result<_, _>>()?;
        let delete = "DELETE FROM idempotency \
                      WHERE client_id = ?1 AND sender = ?2 AND conversation = ?3";
        for (ts, client_id, sender, conversation) in &left {
            let until = kept_until(Millis(rows::nat(*ts).unwrap_or(0)), self.window_ms);
            if until >= now {
                return Ok(Millis(until.0 + 1));
            }
            conn.prepare_cached(delete)?.execute((client_id, sender, conversation))?;
        }
        Ok(if left.is_empty() { Millis(u64::MAX) } else { now })
    }

    /// Takes the step for done.
    pub(crate) fn committed(&mut self) {
        if let Some((swept, due)) = self.next.take() {
            self.swept = Some(swept);
            self.due = due;
        }
    }

    /// Sweeps no more until the store is opened again: what is to be swept is damaged.
    pub(crate) fn give_up(&mut self) {
        self.forget();
        self.given_up = true;
    }

    /// Takes it back.
    pub(crate) fn forget(&mut self) {
        self.next = None;
        self.swept = None;
        self.due = Millis(0);
    }
}
