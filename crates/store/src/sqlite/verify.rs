//! Whether what is stored agrees with itself.
//!
//! Reads one snapshot and changes nothing, so it may run beside a server. Each rule has a name;
//! each breach of it is a finding, of which at most [`FINDINGS_MAX`] are told.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{DATABASE_FILE, OpenError, schema};

/// Findings told at most.
pub const FINDINGS_MAX: usize = 1_000;

/// One breach of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which rule.
    pub rule: &'static str,
    /// Where, and what was found.
    pub what: String,
}

/// Each rule, as a query that yields a text for each breach; `entry_walk` is done beside them.
const RULES: [(&str, &str); 10] = [
    (
        "entry_conversation_exists",
        "SELECT 'entry ' || pos || ' is in conversation ' || conversation || ', which is not there' \
         FROM entry WHERE conversation NOT IN (SELECT id FROM conversation)",
    ),
    (
        "entry_life_exists",
        "SELECT 'entry ' || pos || ' is of life ' || life || ', which is not there' \
         FROM entry WHERE life NOT IN (SELECT id FROM life)",
    ),
    (
        "entry_sender_is_member",
        "SELECT 'entry ' || e.pos || ' is by user ' || e.sender || ', who is not a member' \
         FROM entry e JOIN conversation c ON c.id = e.conversation \
         WHERE e.sender <> c.low AND e.sender <> c.high",
    ),
    (
        // One that is not would make every packet it is put into unreadable.
        "content_is_json",
        "SELECT 'entry ' || pos || ' holds no JSON' FROM entry WHERE NOT json_valid(content)",
    ),
    (
        "conversation_members_exist",
        "SELECT 'conversation ' || c.id || ' lacks a user' FROM conversation c \
         LEFT JOIN user l ON l.id = c.low LEFT JOIN user h ON h.id = c.high \
         WHERE l.id IS NULL OR h.id IS NULL \
         OR CAST(l.name AS BLOB) > CAST(h.name AS BLOB)",
    ),
    (
        "member_of_conversation",
        "SELECT 'conversation ' || c.id || ' has ' || count(m.user) || ' members' \
         FROM conversation c LEFT JOIN member m \
         ON m.conversation = c.id AND m.user IN (c.low, c.high) \
         GROUP BY c.id HAVING count(m.user) <> CASE WHEN c.low = c.high THEN 1 ELSE 2 END",
    ),
    (
        "watermark_not_above_head",
        "SELECT 'user ' || user || ' is beyond the head of conversation ' || conversation \
         FROM member m WHERE max(delivered, read) > \
         coalesce((SELECT max(seq) FROM entry e WHERE e.conversation = m.conversation), 0)",
    ),
    (
        "read_not_above_delivered",
        "SELECT 'user ' || user || ' read more than it got in conversation ' || conversation \
         FROM member WHERE read > delivered",
    ),
    (
        "device_not_above_user",
        "SELECT 'device ' || d.device || ' is beyond its user in conversation ' || d.conversation \
         FROM delivered d LEFT JOIN device v ON v.id = d.device \
         LEFT JOIN member m ON m.user = v.user AND m.conversation = d.conversation \
         WHERE v.id IS NULL OR v.active = 0 OR m.user IS NULL OR d.seq > m.delivered",
    ),
    (
        "key_names_its_entry",
        "SELECT 'the key ' || quote(i.client_id) || ' of user ' || i.sender \
         || ' does not name an entry of it' FROM idempotency i \
         LEFT JOIN entry e ON e.conversation = i.conversation AND e.seq = i.seq \
         WHERE e.pos IS NULL OR e.sender <> i.sender OR e.client_id IS NOT i.client_id",
    ),
];

/// Checks the store in a data directory.
///
/// # Errors
/// [`OpenError`] when there is no store of this version to check, or it cannot be read.
pub fn verify(dir: &Path) -> Result<Vec<Finding>, OpenError> {
    let path = dir.join(DATABASE_FILE);
    std::fs::metadata(&path).map_err(|source| OpenError::Io { path: path.clone(), source })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(&path, flags)?;
    conn.busy_timeout(std::time::Duration::from_secs(5))?;
    schema::check(&conn)?;
    conn.execute_batch("BEGIN")?;
    let mut findings = Findings::default();
    integrity(&conn, &mut findings)?;
    entry_walk(&conn, &mut findings)?;
    for (rule, sql) in RULES {
        let mut statement = conn.prepare(sql)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            findings.add(rule, row.get(0)?);
        }
    }
    conn.execute_batch("COMMIT")?;
    Ok(findings.found)
}

#[derive(Default)]
struct Findings {
    found: Vec<Finding>,
}

impl Findings {
    fn add(&mut self, rule: &'static str, what: String) {
        if self.found.len() < FINDINGS_MAX {
            self.found.push(Finding { rule, what });
        }
    }
}

fn integrity(conn: &Connection, findings: &mut Findings) -> Result<(), rusqlite::Error> {
    let mut statement = conn.prepare("PRAGMA integrity_check(100)")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let what: String = row.get(0)?;
        if what != "ok" {
            findings.add("file_is_sound", what);
        }
    }
    Ok(())
}

/// What the walk through one conversation expects next.
#[derive(Default)]
struct Walk {
    conversation: i64,
    seq: i64,
    pos: i64,
    ts: i64,
    low_count: i64,
}

/// Walks each conversation in order: seqs dense from 1, positions rising, times not falling, the
/// kept count equal to the recount. (Positions are unique by being the row id.)
fn entry_walk(conn: &Connection, findings: &mut Findings) -> Result<(), rusqlite::Error> {
    let sql = "SELECT e.conversation, e.seq, e.pos, e.ts, e.low_count, e.sender = c.low \
               FROM entry e JOIN conversation c ON c.id = e.conversation \
               ORDER BY e.conversation, e.seq";
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query(())?;
    let mut walk = Walk::default();
    while let Some(row) = rows.next()? {
        let (conversation, seq, pos, ts): (i64, i64, i64, i64) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let (low_count, by_low): (i64, bool) = (row.get(4)?, row.get(5)?);
        if conversation != walk.conversation {
            walk = Walk { conversation, ..Walk::default() };
        }
        let at = |what: &str| format!("entry {seq} of conversation {conversation} {what}");
        if seq != walk.seq + 1 {
            findings.add("seq_is_dense", at(&format!("comes after {}", walk.seq)));
        }
        if pos <= walk.pos {
            findings.add("position_rises_with_seq", at("was committed before the one before it"));
        }
        if ts < walk.ts {
            findings.add("ts_does_not_fall", at("is earlier than the one before it"));
        }
        if low_count != walk.low_count + i64::from(by_low) {
            findings.add("count_equals_recount", at("counts wrongly"));
        }
        walk = Walk { conversation, seq, pos, ts, low_count };
    }
    Ok(())
}
