//! Whether what is stored agrees with itself.
//!
//! Reads one snapshot and changes nothing, so it may run beside a server. Each rule has a name;
//! each breach of it is a finding, of which at most [`FINDINGS_MAX`] are told. What cannot be read
//! is a finding too, and the rest is looked at all the same.

use std::path::Path;

use parlor_chat::store::StoreError;
use rusqlite::{Connection, OpenFlags};

use super::names::{IsSealed, Names, entry_columns};
use super::progress::{Progress, Report};
use super::rows::Failure;
use super::verify_marks;
use super::{DATABASE_FILE, OpenError, audit, health, rows, schema};
use crate::kept::clock::Clock;

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

/// The rule that the engine can read its own pages.
const FILE_IS_SOUND: &str = "file_is_sound";

/// The rule that each entry has its checksum, or is older than those.
const ENTRY_IS_AS_WRITTEN: &str = "entry_is_as_written";

/// Each rule, as a query that yields a text for each breach; `entry_walk` is done beside them.
const RULES: [(&str, &str); 27] = [
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
        // The system speaks in groups that it is not in, and deletes what others say to each other.
        "entry_sender_is_member",
        "SELECT 'entry ' || e.pos || ' is by user ' || e.sender || ', who is not a member' \
         FROM entry e JOIN conversation c ON c.id = e.conversation \
         WHERE CASE WHEN c.low IS NULL OR e.kind = 3 \
         THEN NOT EXISTS (SELECT 1 FROM user u WHERE u.id = e.sender) \
         ELSE e.sender <> c.low AND e.sender <> c.high END",
    ),
    (
        // One that is not would make every packet it is put into unreadable.
        "content_is_json",
        "SELECT 'entry ' || pos || ' holds no JSON' FROM entry \
         WHERE sealed IS NULL AND NOT json_valid(content)",
    ),
    (
        "conversation_members_exist",
        "SELECT 'conversation ' || c.id || ' lacks a user' FROM conversation c \
         LEFT JOIN user l ON l.id = c.low LEFT JOIN user h ON h.id = c.high \
         WHERE c.low IS NOT NULL AND (l.id IS NULL OR h.id IS NULL \
         OR CAST(l.name AS BLOB) > CAST(h.name AS BLOB))",
    ),
    (
        "member_of_conversation",
        "SELECT 'conversation ' || c.id || ' has ' || count(m.user) || ' members' \
         FROM conversation c LEFT JOIN member m \
         ON m.conversation = c.id AND m.user IN (c.low, c.high) WHERE c.low IS NOT NULL \
         GROUP BY c.id HAVING count(m.user) <> CASE WHEN c.low = c.high THEN 1 ELSE 2 END",
    ),
    (
        "group_of_conversation",
        "SELECT 'conversation ' || c.id || ' has no two members and is no group''s' \
         FROM conversation c LEFT JOIN chat_group g ON g.conversation = c.id \
         WHERE (c.low IS NULL) <> (g.conversation IS NOT NULL)",
    ),
    (
        "group_counts_its_members",
        "SELECT 'the group of conversation ' || g.conversation || ' counts ' || g.members \
         || ' members, not ' || count(m.user) FROM chat_group g \
         LEFT JOIN member m ON m.conversation = g.conversation AND m.joined > 0 \
         AND m.left IS NULL GROUP BY g.conversation HAVING g.members <> count(m.user)",
    ),
    (
        "group_has_its_owner",
        "SELECT 'the group of conversation ' || g.conversation || ' has not one owner' \
         FROM chat_group g WHERE g.deleted = 0 AND (SELECT count(*) FROM member m \
         WHERE m.conversation = g.conversation AND m.role = 3) <> 1 OR NOT EXISTS (SELECT 1 \
         FROM member m WHERE m.conversation = g.conversation AND m.user = g.owner AND m.role = 3)",
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
         WHERE v.id IS NULL OR v.active = 0 OR m.user IS NULL \
         OR m.slot = 0 AND d.seq > m.delivered",
    ),
    (
        "key_names_its_entry",
        "SELECT 'the key ' || quote(i.client_id) || ' of user ' || i.sender \
         || ' does not name an entry of it' FROM idempotency i \
         LEFT JOIN entry e ON e.conversation = i.conversation AND e.seq = i.seq \
         LEFT JOIN conversation c ON c.id = i.conversation WHERE CASE WHEN i.ts IS NULL \
         THEN e.pos IS NULL OR e.sender <> i.sender OR e.client_id IS NOT i.client_id \
         ELSE e.pos IS NOT NULL OR c.first IS NULL OR i.seq >= c.first END",
    ),
    (
        "sealed_entry_has_its_key",
        "SELECT 'entry ' || e.pos || ' is sealed by a key that is not there' FROM entry e \
         LEFT JOIN data_key d ON d.conversation = e.conversation \
         LEFT JOIN master_key m ON m.id = d.master \
         WHERE e.sealed IS NOT NULL AND (m.id IS NULL OR e.content <> '')",
    ),
    (
        "deleted_content_is_gone",
        "SELECT 'entry ' || e.pos || ' is deleted and holds something' FROM entry e \
         LEFT JOIN entry d ON d.conversation = e.conversation AND d.seq = e.gone AND d.kind = 3 \
         AND d.about = CASE e.kind WHEN 2 THEN e.about ELSE e.seq END WHERE e.gone IS NOT NULL \
         AND (e.content <> 'null' OR e.sealed IS NOT NULL OR e.kind NOT IN (0, 2, 10) \
         OR d.pos IS NULL AND (e.gone <> e.seq OR e.expires IS NULL))",
    ),
    (
        "content_ends_after_it_came",
        "SELECT 'entry ' || pos || ' holds nothing that could end then' FROM entry \
         WHERE expires IS NOT NULL AND (kind NOT IN (0, 2, 10) OR kind <> 2 AND expires < ts)",
    ),
    (
        "edit_ends_with_its_message",
        "SELECT 'entry ' || d.pos || ' does not end with its message' FROM entry d JOIN entry e \
         ON e.conversation = d.conversation AND e.seq = d.about \
         WHERE d.kind = 2 AND d.expires IS NOT e.expires",
    ),
    (
        "what_is_due_is_to_be_said",
        "SELECT 'record ' || quote(key) || ' of user ' || user || ' is due and no message' \
         FROM own WHERE due IS NOT NULL AND (kind <> 9 OR value IS NULL)",
    ),
    (
        "deletion_took_effect",
        "SELECT 'entry ' || e.pos || ' was deleted and is there' FROM entry d JOIN entry e \
         ON e.conversation = d.conversation AND (e.seq = d.about AND e.kind IN (0, 10) \
         OR e.about = d.about AND e.kind = 2) WHERE d.kind = 3 AND e.gone IS NOT d.seq",
    ),
    (
        "state_is_what_was_done",
        "SELECT 'the state of message ' || s.seq || ' of conversation ' || s.conversation \
         || ' is not what was done to it' FROM message_state s LEFT JOIN entry e \
         ON e.conversation = s.conversation AND e.seq = s.seq AND e.kind IN (0, 10) \
         LEFT JOIN entry p ON p.conversation = s.conversation AND p.seq = s.pinned \
         AND p.kind = 6 AND p.about = s.seq WHERE e.pos IS NULL \
         OR s.edits <> CASE WHEN e.gone IS NULL THEN (SELECT count(*) FROM entry d \
         WHERE d.conversation = s.conversation AND d.about = s.seq AND d.kind = 2) ELSE 0 END \
         OR s.pinned IS NOT NULL AND (p.pos IS NULL OR e.gone IS NOT NULL) \
         OR s.replies <> (SELECT count(*) FROM entry r WHERE r.conversation = s.conversation \
         AND r.about = s.seq AND r.kind = 0 AND r.about IS NOT NULL)",
    ),
    (
        "edit_or_reply_is_counted",
        "SELECT 'entry ' || d.pos || ' is about a message that does not know it' FROM entry d \
         JOIN entry e ON e.conversation = d.conversation AND e.seq = d.about \
         LEFT JOIN message_state s ON s.conversation = d.conversation AND s.seq = d.about \
         WHERE (d.kind = 2 AND e.gone IS NULL OR d.kind = 0) AND s.seq IS NULL",
    ),
    (
        "reactions_are_counted",
        "SELECT 'message ' || c.seq || ' of conversation ' || c.conversation \
         || ' counts its reactions wrongly' FROM reaction_count c LEFT JOIN message_state s \
         ON s.conversation = c.conversation AND s.seq = c.seq WHERE s.seq IS NULL \
         OR c.users <> (SELECT count(*) FROM reaction r WHERE r.conversation = c.conversation \
         AND r.seq = c.seq AND r.emoji = c.emoji) UNION ALL \
         SELECT 'message ' || r.seq || ' of conversation ' || r.conversation \
         || ' has a reaction that is not counted' FROM reaction r LEFT JOIN reaction_count c \
         ON c.conversation = r.conversation AND c.seq = r.seq AND c.emoji = r.emoji \
         WHERE c.seq IS NULL",
    ),
    (
        "own_records_are_counted",
        "SELECT 'user ' || user || ' has not so many records of kind ' || kind FROM ( \
         SELECT user, kind, live, removed FROM own_kind WHERE live <> 0 OR removed <> 0 EXCEPT \
         SELECT user, kind, count(value), count(*) - count(value) FROM own GROUP BY user, kind) \
         UNION SELECT 'user ' || user || ' has uncounted records of kind ' || kind FROM ( \
         SELECT user, kind, count(value), count(*) - count(value) FROM own GROUP BY user, kind \
         EXCEPT SELECT user, kind, live, removed FROM own_kind)",
    ),
    (
        "sealed_record_has_its_key",
        "SELECT 'a record of user ' || o.user || ' is sealed by a key that is not there' \
         FROM own o LEFT JOIN own_key k ON k.user = o.user \
         LEFT JOIN master_key m ON m.id = k.master \
         WHERE o.sealed IS NOT NULL AND (m.id IS NULL OR o.value IS NOT '')",
    ),
    (
        "profile_word_of_profile",
        "SELECT 'user ' || w.user || ' is found without a profile' FROM profile_word w \
         LEFT JOIN profile p ON p.user = w.user WHERE p.user IS NULL",
    ),
    (
        "index_not_above_head",
        "SELECT 'the index of words is at ' || value || ', beyond the log' FROM meta \
         WHERE key = 'words_up_to' AND value > (SELECT coalesce(max(pos), 0) FROM entry)",
    ),
    (
        // A conversation of which entries were removed still has its newest.
        "first_entry_is_there",
        "SELECT 'conversation ' || c.id || ' lacks its first entry, ' || c.first \
         FROM conversation c LEFT JOIN entry e ON e.conversation = c.id AND e.seq = c.first \
         WHERE e.pos IS NULL",
    ),
];

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// Each breach of a rule, at most [`FINDINGS_MAX`] of them.
    pub findings: Vec<Finding>,
    /// Entries that were read.
    pub entries: u64,
    /// Those of them that an older version wrote without a checksum.
    pub entries_without_sum: u64,
    /// Those of them whose content is sealed.
    pub entries_sealed: u64,
}

/// Checks the store in a data directory.
///
/// # Errors
/// [`OpenError`] when there is no store of this version to check, or it cannot be read.
pub fn verify(dir: &Path) -> Result<Vec<Finding>, OpenError> {
    Ok(verify_file(&dir.join(DATABASE_FILE), &mut |_| {})?.findings)
}

/// Checks a store's database, telling how far it has come.
///
/// # Errors
/// As [`verify`].
pub fn verify_file(path: &Path, report: Report<'_>) -> Result<Verified, OpenError> {
    let conn = open_to_read(path)?;
    schema::check(&conn)?;
    conn.execute_batch("BEGIN")?;
    let mut verified = Verified::default();
    let steps = RULES.len() as u64 + 2;
    report(Progress { step: "checking pages", done: 0, total: None });
    let pages = integrity(&conn, &mut verified);
    verified.note("pages", pages)?;
    let entries = entries(&conn, &mut verified, report);
    verified.note("entries", entries)?;
    report(Progress { step: "checking rules", done: 0, total: Some(steps) });
    let walked = entry_walk(&conn, &mut verified);
    verified.note("the order of entries", walked)?;
    let audited = audit::verify(&conn, &mut verified);
    verified.note("the audit log", audited)?;
    let marked = verify_marks::verify(&conn, &mut verified);
    verified.note("the watermarks of groups", marked)?;
    for (done, (rule, sql)) in (2..).zip(RULES) {
        report(Progress { step: "checking rules", done, total: Some(steps) });
        let kept = keeps(&conn, &mut verified, rule, sql);
        verified.note(rule, kept)?;
    }
    report(Progress { step: "checking rules", done: steps, total: Some(steps) });
    // Nothing was written; and after damage the engine would refuse a commit.
    conn.execute_batch("ROLLBACK")?;
    Ok(verified)
}

/// Opens a store's database only to read it.
pub(crate) fn open_to_read(path: &Path) -> Result<Connection, OpenError> {
    std::fs::metadata(path).map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(std::time::Duration::from_secs(5))?;
    Ok(conn)
}

impl Verified {
    pub(crate) fn add(&mut self, rule: &'static str, what: String) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { rule, what });
        }
    }

    /// Takes damage that ended a step for a finding.
    fn note(&mut self, step: &str, done: Result<(), rusqlite::Error>) -> Result<(), OpenError> {
        match done {
            Err(error) if health::is_damage(&error) => {
                self.add(FILE_IS_SOUND, format!("{step} could not be checked to the end: {error}"));
                Ok(())
            }
            done => Ok(done?),
        }
    }
}

fn integrity(conn: &Connection, verified: &mut Verified) -> Result<(), rusqlite::Error> {
    let mut statement = conn.prepare("PRAGMA integrity_check(100)")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let what: String = row.get(0)?;
        if what != "ok" {
            verified.add(FILE_IS_SOUND, what);
        }
    }
    Ok(())
}

fn keeps(
    conn: &Connection,
    verified: &mut Verified,
    rule: &'static str,
    sql: &str,
) -> Result<(), rusqlite::Error> {
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        verified.add(rule, row.get(0)?);
    }
    Ok(())
}

/// Entries between two reports.
const REPORT_EVERY: u64 = 10_000;

/// Holds every entry against its checksum, in the order of arrival, stepping over what cannot be
/// read.
fn entries(
    conn: &Connection,
    verified: &mut Verified,
    report: Report<'_>,
) -> Result<(), rusqlite::Error> {
    let head = rows::head_position(conn)?;
    let total = u64::try_from(head).unwrap_or(0);
    let mut names = Names::new(None, Clock::SYSTEM);
    let (mut after, mut stride) = (0, 1);
    while after < head {
        let begun = after;
        match scan(conn, verified, &mut names, total, &mut after, report) {
            Ok(()) => break,
            Err(error) if !health::is_damage(&error) => return Err(error),
            Err(error) => {
                stride = if after > begun { 1 } else { stride * 2 };
                let what = format!("entries after {after} cannot be read: {error}");
                // Told once for each stretch, not for each attempt to get over it.
                if stride == 1 || begun == 0 && stride == 2 {
                    verified.add(FILE_IS_SOUND, what);
                }
                after += stride;
            }
        }
    }
    report(Progress { step: "checking messages", done: total, total: Some(total) });
    Ok(())
}

fn scan(
    conn: &Connection,
    verified: &mut Verified,
    names: &mut Names,
    total: u64,
    after: &mut i64,
    report: Report<'_>,
) -> Result<(), rusqlite::Error> {
    let sql = concat!("SELECT ", entry_columns!(), " FROM entry e WHERE e.pos > ?1 ORDER BY e.pos");
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([*after])?;
    while let Some(row) = rows.next()? {
        match names.check(conn, row) {
            Ok(IsSealed::Yes) => verified.entries_sealed += 1,
            Ok(IsSealed::No) => {}
            Err(Failure::Refused(StoreError::Corrupt { what })) => {
                verified.add(ENTRY_IS_AS_WRITTEN, what.to_string());
            }
            Err(Failure::Refused(error)) => verified.add(ENTRY_IS_AS_WRITTEN, error.to_string()),
            Err(Failure::Engine(error)) => return Err(error),
        }
        verified.entries += 1;
        verified.entries_without_sum += u64::from(names.lacks_sum(row));
        *after = row.get(0)?;
        if verified.entries.is_multiple_of(REPORT_EVERY) {
            let done = u64::try_from(*after).unwrap_or(0);
            report(Progress { step: "checking messages", done, total: Some(total) });
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
    said: i64,
}

/// Walks each conversation in order: seqs dense from the first that is kept, positions rising, times not falling, the
/// kept count equal to the recount. (Positions are unique by being the row id.)
fn entry_walk(conn: &Connection, verified: &mut Verified) -> Result<(), rusqlite::Error> {
    let sql = "SELECT e.conversation, e.seq, e.pos, e.ts, e.low_count, \
               coalesce(e.sender = c.low, 0) AND e.kind = 0, c.first, c.low IS NULL, \
               coalesce(e.said, e.seq), e.kind = 0 FROM entry e JOIN conversation c ON c.id = e.conversation \
               ORDER BY e.conversation, e.seq";
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query(())?;
    let mut walk = Walk::default();
    while let Some(row) = rows.next()? {
        let (conversation, seq, pos, ts): (i64, i64, i64, i64) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let (low_count, by_low): (i64, bool) = (row.get(4)?, row.get(5)?);
        let (said, is_said): (i64, bool) = (row.get(8)?, row.get(9)?);
        let is_group: bool = row.get(7)?;
        if conversation != walk.conversation {
            let removed = row.get::<_, i64>(6)? - 1;
            // How many of the removed ones were by `low`, only the first that is kept can tell.
            let by_low_before = (low_count - i64::from(by_low)).clamp(0, removed);
            let low_count = if removed > 0 { by_low_before } else { 0 };
            let said_before = (said - i64::from(is_said)).clamp(0, removed);
            let said = if removed > 0 { said_before } else { 0 };
            walk = Walk { conversation, seq: removed, low_count, said, ..Walk::default() };
        }
        let at = |what: &str| format!("entry {seq} of conversation {conversation} {what}");
        if seq != walk.seq + 1 {
            verified.add("seq_is_dense", at(&format!("comes after {}", walk.seq)));
        }
        if pos <= walk.pos {
            verified.add("position_rises_with_seq", at("was committed before the one before it"));
        }
        if ts < walk.ts {
            verified.add("ts_does_not_fall", at("is earlier than the one before it"));
        }
        let counted = if is_group { -1 } else { walk.low_count + i64::from(by_low) };
        if low_count != counted || said != walk.said + i64::from(is_said) {
            verified.add("count_equals_recount", at("counts wrongly"));
        }
        walk = Walk { conversation, seq, pos, ts, low_count, said };
    }
    Ok(())
}
