//! Removes entries for their age, a few at a time.
//!
//! It walks the entries in the order of arrival behind a mark kept in `meta`. One that is too old
//! goes, unless it is the newest of its conversation: that one stays, since the next seq and time
//! are made from it, and goes with the append that succeeds it. So what is kept of a conversation is
//! always its end, from the seq that `conversation.first` names.
//!
//! The idempotency key of a removed entry stays for as long as any, with the time that a retry is
//! answered by.

use std::time::Instant;

use parlor_chat::entry::Millis;
use rusqlite::{Connection, OptionalExtension};

use super::message_state::{self, At};
use super::names::Names;
use super::rows;
use super::word_index;

/// Where the walk stands.
#[derive(Debug)]
pub(crate) struct Retention {
    /// Entries older than this go; `None` keeps all.
    max_age_ms: Option<u64>,
    /// Entries up to here were looked at; `None` until it was read.
    considered: Option<i64>,
    /// Before this nothing is due.
    due: Millis,
    next: Option<(i64, Millis)>,
    given_up: bool,
}

/// An entry, as far as its removal needs it.
#[derive(Debug)]
pub(crate) struct Gone<'a> {
    pub(crate) position: i64,
    pub(crate) conversation: i64,
    pub(crate) seq: i64,
    pub(crate) ts: i64,
    pub(crate) sender: i64,
    pub(crate) client_id: Option<&'a str>,
}

impl Retention {
    pub(crate) fn new(max_age_ms: Option<u64>) -> Self {
        Self { max_age_ms, considered: None, due: Millis(0), next: None, given_up: false }
    }

    /// When there is something to do, as far as is known; never, if all is kept.
    pub(crate) fn due(&self) -> Option<Millis> {
        self.max_age_ms.filter(|_| !self.given_up).map(|_| self.due)
    }

    /// Up to which position an entry is only there because it is the newest of its conversation.
    pub(crate) fn considered(&mut self, conn: &Connection) -> Result<i64, rusqlite::Error> {
        let Some(max_age_ms) = self.max_age_ms else { return Ok(0) };
        if let Some(considered) = self.considered {
            return Ok(considered);
        }
        let meta = |key: &str| {
            conn.prepare_cached("SELECT value FROM meta WHERE key = ?1")?
                .query_row([key], |row| row.get::<_, i64>(0))
                .optional()
        };
        // Under another age other entries are too old: the walk begins again.
        let same_age = meta("removed_age_ms")? == Some(rows::bound(max_age_ms));
        let considered = if same_age { meta("removed_up_to")?.unwrap_or(0) } else { 0 };
        self.considered = Some(considered);
        Ok(considered)
    }

    /// One step within a transaction: looks at up to `entries_max` entries, until a deadline.
    /// Gives how many it removed.
    pub(crate) fn step(
        &mut self,
        conn: &Connection,
        names: &mut Names,
        now: Millis,
        entries_max: usize,
        deadline: Instant,
    ) -> Result<u64, rusqlite::Error> {
        let Some(max_age_ms) = self.max_age_ms.filter(|_| !self.given_up && now >= self.due) else {
            return Ok(0);
        };
        let start = self.considered(conn)?;
        let (mut considered, mut due, mut removed) = (start, now, 0);
        let mut looked_at = 0;
        let sql = "SELECT pos, conversation, seq, ts, sender, client_id FROM entry \
                   WHERE pos > ?1 ORDER BY pos LIMIT ?2";
        let newest = "SELECT max(seq) FROM entry WHERE conversation = ?1";
        // Read before any of them is removed: a statement must not walk what is changed under it.
        let found: Vec<(i64, i64, i64, i64, i64, Option<String>)> = conn
            .prepare_cached(sql)?
            .query_map([start, rows::bound(entries_max as u64)], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
            })?
            .collect::<Result<_, _>>()?;
        let until = |ts: i64| Millis(rows::nat(ts).unwrap_or(0).saturating_add(max_age_ms));
        // What was committed before an entry that is too old is so too, even if a clock that once
        // ran ahead gave it a time to come.
        let too_old = found.iter().rposition(|entry| until(entry.3) < now);
        let too_old = too_old.map_or(0, |last| last + 1);
        if let Some(entry) = found.get(too_old) {
            due = Millis(until(entry.3).0.saturating_add(1));
        }
        for (position, conversation, seq, ts, sender, client_id) in &found[..too_old] {
            looked_at += 1;
            let head: i64 =
                conn.prepare_cached(newest)?.query_row([conversation], |row| row.get(0))?;
            if head != *seq {
                remove(
                    conn,
                    names,
                    &Gone {
                        position: *position,
                        conversation: *conversation,
                        seq: *seq,
                        ts: *ts,
                        sender: *sender,
                        client_id: client_id.as_deref(),
                    },
                )?;
                removed += 1;
            }
            considered = *position;
            if Instant::now() >= deadline {
                due = now;
                break;
            }
        }
        if found.is_empty() {
            // Whatever comes is kept for its time.
            due = Millis(now.0.saturating_add(max_age_ms));
        }
        if looked_at > 0 {
            let sql = "INSERT INTO meta (key, value) VALUES ('removed_up_to', ?1), \
                       ('removed_age_ms', ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
            conn.prepare_cached(sql)?.execute([considered, rows::bound(max_age_ms)])?;
        }
        self.next = Some((considered, due));
        Ok(removed)
    }

    /// Hears of a new entry: it may be due before all that is known.
    pub(crate) fn appended(&mut self, ts: Millis) {
        if let Some(max_age_ms) = self.max_age_ms {
            self.due = self.due.min(Millis(ts.0.saturating_add(max_age_ms).saturating_add(1)));
        }
    }

    /// Takes the step for done.
    pub(crate) fn committed(&mut self) {
        if let Some((considered, due)) = self.next.take() {
            self.considered = Some(considered);
            self.due = due;
        }
    }

    /// Takes it back.
    pub(crate) fn forget(&mut self) {
        self.next = None;
        self.considered = None;
        self.due = Millis(0);
    }

    /// Removes nothing more until the store is opened again: what is to be removed is damaged.
    pub(crate) fn give_up(&mut self) {
        self.forget();
        self.given_up = true;
    }
}

/// Removes an entry that has another behind it in its conversation.
pub(crate) fn remove(
    conn: &Connection,
    names: &mut Names,
    gone: &Gone<'_>,
) -> Result<(), rusqlite::Error> {
    word_index::forget(conn, names, At { conversation: gone.conversation, seq: gone.seq })?;
    conn.prepare_cached("DELETE FROM entry WHERE pos = ?1")?.execute([gone.position])?;
    message_state::forget(conn, gone.conversation, gone.seq)?;
    conn.prepare_cached("UPDATE conversation SET first = ?1 WHERE id = ?2")?
        .execute([gone.seq + 1, gone.conversation])?;
    if let Some(client_id) = gone.client_id {
        let sql = "UPDATE idempotency SET ts = ?1 \
                   WHERE client_id = ?2 AND sender = ?3 AND conversation = ?4 AND seq = ?5";
        conn.prepare_cached(sql)?.execute((
            gone.ts,
            client_id,
            gone.sender,
            gone.conversation,
            gone.seq,
        ))?;
    }
    Ok(())
}
