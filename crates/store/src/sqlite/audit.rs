//! The audit log: what moderators did, as a chain that shows when it was edited.
//!
//! Each entry's hash is over all that it says, by name, and the hash of the entry before it, so
//! that no entry can be changed, put in or taken out without all later hashes being made anew. The
//! log's length and last hash are kept beside it, so that an end that got lost shows too. Triggers
//! refuse to change or remove entries. Whoever can write the file can make all of it anew: the
//! hashes that `audit` gives to moderators, and that the server's log has, are kept elsewhere.

use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;
use parlor_chat::moderation::{AuditPage, AuditQuery, Audited, DeedKind, ReportId};
use rusqlite::{Connection, OptionalExtension, Row};

use super::commands::user_or_new;
use super::readers::Reader;
use super::rows::{Failure, bound, corrupt, int, nat};
use super::verify::Verified;
use crate::kept::audit::{BEFORE_FIRST, Hash, hash, hex};

pub(crate) use crate::kept::audit::Doing;

/// How many entries there are, and the last one's hash.
fn head(conn: &Connection) -> Result<(i64, Hash), Failure> {
    let found: Option<Vec<u8>> = conn
        .prepare_cached("SELECT value FROM meta WHERE key = 'audit_head'")?
        .query_row((), |row| row.get(0))
        .optional()?;
    let what = || corrupt("the head of the audit log");
    let found = found.ok_or_else(what)?;
    let (count, hash) = found.split_first_chunk::<8>().ok_or_else(what)?;
    Ok((i64::from_be_bytes(*count), Hash::try_from(hash).map_err(|_| what())?))
}

/// Appends an entry inside the writer's transaction; gives its number.
pub(crate) fn append(conn: &Connection, doing: &Doing<'_>) -> Result<i64, Failure> {
    let (count, before) = head(conn)?;
    let number = count + 1;
    let hash = hash(&before, number, doing);
    let (by, user) = (user_or_new(conn, doing.by)?, user_or_new(conn, doing.user)?);
    let sql = "INSERT INTO audit \
               (number, at, moderator, deed, user, report, until, text, note, client_id, hash) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    conn.prepare_cached(sql)?.execute((
        number,
        int(doing.at.0),
        by,
        doing.deed.name(),
        user,
        doing.report.map(|report| int(report.0)),
        doing.until.map(|until| int(until.0)),
        doing.text,
        doing.note,
        doing.client_id,
        &hash[..],
    ))?;
    let head = [&number.to_be_bytes()[..], &hash].concat();
    let sql = "UPDATE meta SET value = ?1 WHERE key = 'audit_head'";
    conn.prepare_cached(sql)?.execute([head])?;
    let deed = doing.deed.name();
    tracing::info!(number, deed, moderator = %doing.by, hash = %hex(&hash), "audit");
    Ok(number)
}

/// What is in an audit row.
struct Kept {
    entry: Audited,
    client_id: Option<String>,
}

const COLUMNS: &str = "SELECT a.number, a.at, m.name, a.deed, u.name, a.report, a.until, a.text, \
     a.note, a.client_id, a.hash FROM audit a LEFT JOIN user m ON m.id = a.moderator \
     LEFT JOIN user u ON u.id = a.user";

/// Reads a row of [`COLUMNS`]; `None` when it is none that was written.
fn kept(row: &Row<'_>) -> Option<Kept> {
    let user = |at: usize| UserId::parse(&row.get::<_, String>(at).ok()?).ok();
    let number = |at: usize| Some(row.get::<_, Option<i64>>(at).ok()?.map(|n| n.unsigned_abs()));
    let text = |at: usize| row.get::<_, Option<String>>(at).ok();
    let entry = Audited {
        number: number(0)??,
        at: Millis(number(1)??),
        by: user(2)?,
        deed: DeedKind::of(&text(3)??)?,
        user: user(4)?,
        report: number(5)?.map(ReportId),
        until: number(6)?.map(Millis),
        text: text(7)?.map(Into::into),
        note: text(8)?.map(Into::into),
        hash: row.get::<_, Vec<u8>>(10).ok()?.try_into().ok()?,
    };
    Some(Kept { entry, client_id: text(9)? })
}

/// A warning that a moderator gave before under the same key: to whom, what, and its number.
pub(crate) fn by_key(
    conn: &Connection,
    by: i64,
    client_id: &str,
) -> Result<Option<Audited>, Failure> {
    let sql = format!("{COLUMNS} WHERE a.moderator = ?1 AND a.client_id = ?2");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query((by, client_id))?;
    match rows.next()? {
        None => Ok(None),
        Some(row) => {
            let kept = kept(row).ok_or_else(|| corrupt("an entry of the audit log"))?;
            Ok(Some(kept.entry))
        }
    }
}

impl Reader {
    pub(crate) fn audit(&mut self, query: AuditQuery) -> Result<AuditPage, Failure> {
        let before = query.before.map_or(i64::MAX, bound);
        let sql = format!("{COLUMNS} WHERE a.number < ?1 ORDER BY a.number DESC LIMIT ?2");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
        let mut rows = statement.query([before, limit.saturating_add(1)])?;
        let mut page = AuditPage { entries: Vec::new(), more: false };
        while let Some(row) = rows.next()? {
            if page.entries.len() == query.limit {
                page.more = true;
                break;
            }
            let kept = kept(row).ok_or_else(|| corrupt("an entry of the audit log"))?;
            nat(bound(kept.entry.number))?;
            page.entries.push(kept.entry);
        }
        Ok(page)
    }
}

/// The rule that the audit log is as it was written.
const AUDIT_IS_AS_WRITTEN: &str = "audit_is_as_written";

/// Walks the chain.
pub(crate) fn verify(conn: &Connection, verified: &mut Verified) -> Result<(), rusqlite::Error> {
    let mut statement = conn.prepare(&format!("{COLUMNS} ORDER BY a.number"))?;
    let mut rows = statement.query(())?;
    let (mut count, mut before) = (0, BEFORE_FIRST);
    while let Some(row) = rows.next()? {
        count += 1;
        let found: i64 = row.get(0)?;
        let Some(Kept { entry, client_id }) = kept(row).filter(|_| found == count) else {
            let what = format!("entry {count} of the audit log is not there or cannot be read");
            verified.add(AUDIT_IS_AS_WRITTEN, what);
            return Ok(());
        };
        let doing = Doing {
            at: entry.at,
            by: &entry.by,
            deed: entry.deed,
            user: &entry.user,
            report: entry.report,
            until: entry.until,
            text: entry.text.as_deref(),
            note: entry.note.as_deref(),
            client_id: client_id.as_deref(),
        };
        if hash(&before, count, &doing) != entry.hash {
            let what =
                format!("entry {count} of the audit log, or what comes before it, was changed");
            verified.add(AUDIT_IS_AS_WRITTEN, what);
            return Ok(());
        }
        before = entry.hash;
    }
    let ends = head(conn).ok();
    if ends != Some((count, before)) {
        let what = format!("the audit log ends at {count}, which is not where it ended");
        verified.add(AUDIT_IS_AS_WRITTEN, what);
    }
    Ok(())
}
