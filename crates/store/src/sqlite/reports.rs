//! The moderators' queue: what users and content rules brought before them, and how far it is.
//!
//! A report of a message keeps the message as it was then, sealed like the message itself, so that
//! neither retention nor a deletion takes the evidence away. What is not for a moderator's eyes, a
//! report of the moderator's own doings, is to that moderator as good as not there.

use std::sync::Arc;

use parlor_chat::entry::{Body, Content, Entry, Millis};
use parlor_chat::ids::{ConversationId, Seq, UserId};
use parlor_chat::moderation::{
    DeedKind, Filed, NewReport, Report, ReportId, ReportState, Reporter, ReportsPage, ReportsQuery,
    Role, Target,
};
use parlor_chat::rules::Flagged;
use parlor_chat::store::StoreError;
use rusqlite::{Connection, OptionalExtension, Row};

use super::commands::user_or_new;
use super::keys::Keys;
use super::names::{Names, entry_columns};
use super::readers::Reader;
use super::rows::{self, Failure, Thread, bound, corrupt, int, nat};
use super::visible;

/// What a report is inside.
fn state_number(state: ReportState) -> i64 {
    match state {
        ReportState::Open => 0,
        ReportState::Taken => 1,
        ReportState::Resolved => 2,
        ReportState::Dismissed => 3,
    }
}

/// What the evidence of a report is sealed to.
pub(crate) fn context(id: i64, conversation: &ConversationId) -> Vec<u8> {
    format!("parlor: report {id} of {conversation}").into_bytes()
}

/// A message that is reported.
struct Evidence {
    thread: Arc<Thread>,
    entry: Arc<Entry>,
}

/// Files a user's report.
pub(crate) fn file(
    conn: &Connection,
    names: &mut Names,
    keys: &mut Keys,
    report: &NewReport,
) -> Result<Filed, Failure> {
    if let Some(known) = known(conn, names, report)? {
        return Ok(Filed { report: Arc::new(known), repeated: true });
    }
    let evidence = match &report.target {
        Target::User(_) => None,
        Target::Message(conversation, seq) => {
            Some(evidence(conn, names, &report.by, conversation, *seq)?)
        }
    };
    let reporter = user_or_new(conn, &report.by)?;
    let sql = "SELECT count(*) FROM report WHERE reporter = ?1 AND state < 2";
    let open: i64 = conn.prepare_cached(sql)?.query_row([reporter], |row| row.get(0))?;
    if nat(open)? >= report.open_max as u64 {
        return Err(StoreError::TooManyReports.into());
    }
    let accused = match (&report.target, &evidence) {
        (Target::User(user), _) => user.clone(),
        (Target::Message(..), Some(evidence)) => evidence.entry.from.clone(),
        (Target::Message(..), None) => return Err(StoreError::NotFound.into()),
    };
    let id = insert(
        conn,
        keys,
        &NewRow {
            at: report.now,
            reporter: Some(reporter),
            client_id: report.client_id.as_ref().map(|id| id.as_str()),
            accused: &accused,
            reason: &report.reason,
            comment: report.comment.as_deref(),
            evidence: evidence.as_ref(),
        },
    )?;
    let report = find(conn, names, id)?.ok_or_else(|| corrupt("a report"))?;
    Ok(Filed { report: Arc::new(report), repeated: false })
}

/// Brings a message or an edit that was just appended before the moderators, unless too many of its author's
/// are there.
pub(crate) fn flag(
    conn: &Connection,
    keys: &mut Keys,
    thread: &Arc<Thread>,
    entry: &Arc<Entry>,
    flagged: &Flagged,
) -> Result<(), Failure> {
    let accused = user_or_new(conn, &entry.from)?;
    let sql = "SELECT count(*) FROM report WHERE reporter IS NULL AND accused = ?1 AND state < 2";
    let open: i64 = conn.prepare_cached(sql)?.query_row([accused], |row| row.get(0))?;
    if nat(open)? >= flagged.open_max as u64 {
        return Ok(());
    }
    let evidence = Evidence { thread: Arc::clone(thread), entry: Arc::clone(entry) };
    insert(
        conn,
        keys,
        &NewRow {
            at: entry.ts,
            reporter: None,
            client_id: None,
            accused: &entry.from,
            reason: &flagged.rule,
            comment: None,
            evidence: Some(&evidence),
        },
    )?;
    Ok(())
}

/// A report about to be written.
struct NewRow<'a> {
    at: Millis,
    reporter: Option<i64>,
    client_id: Option<&'a str>,
    accused: &'a UserId,
    reason: &'a str,
    comment: Option<&'a str>,
    evidence: Option<&'a Evidence>,
}

fn insert(conn: &Connection, keys: &mut Keys, row: &NewRow<'_>) -> Result<i64, Failure> {
    let sql = "SELECT coalesce(max(id), 0) + 1 FROM report";
    let id: i64 = conn.prepare_cached(sql)?.query_row((), |row| row.get(0))?;
    let accused = user_or_new(conn, row.accused)?;
    let (mut content, mut sealed) = (None, None);
    if let Some(Evidence { thread, entry }) = row.evidence {
        let what = entry.body.said().or(entry.body.edit());
        let text = what.map_or("null", |content| &*content.0);
        match keys.find_or_make(conn, thread)? {
            None => content = Some(text),
            Some(keys) => {
                let context = context(id, &thread.conversation);
                sealed = Some(keys.content.seal(&context, text.as_bytes()));
            }
        }
    }
    let place = row.evidence.map(|Evidence { thread, entry }| match &entry.body {
        // An edit is brought before them as the message that it is about.
        Body::Acted(act) => (thread.id, int(act.on.0)),
        _ => (thread.id, int(entry.seq.0)),
    });
    let sql = "INSERT INTO report (id, at, reporter, client_id, conversation, seq, accused, \
               reason, comment, content, sealed, state) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0)";
    conn.prepare_cached(sql)?.execute((
        id,
        bound(row.at.0),
        row.reporter,
        row.client_id,
        place.map(|place| place.0),
        place.map(|place| place.1),
        accused,
        row.reason,
        row.comment,
        content,
        sealed,
    ))?;
    Ok(id)
}

/// The report that was filed before under the same key.
fn known(
    conn: &Connection,
    names: &mut Names,
    report: &NewReport,
) -> Result<Option<Report>, Failure> {
    let (Some(client_id), Some(reporter)) = (&report.client_id, rows::user_id(conn, &report.by)?)
    else {
        return Ok(None);
    };
    let sql = "SELECT id FROM report WHERE reporter = ?1 AND client_id = ?2";
    let id: Option<i64> = conn
        .prepare_cached(sql)?
        .query_row((reporter, client_id.as_str()), |row| row.get(0))
        .optional()?;
    let Some(id) = id else { return Ok(None) };
    let known = find(conn, names, id)?.ok_or_else(|| corrupt("a report"))?;
    let same = known.target == report.target
        && known.reason == report.reason
        && known.comment == report.comment;
    if same { Ok(Some(known)) } else { Err(StoreError::ClientIdConflict.into()) }
}

/// The message, for a member who did not write it.
fn evidence(
    conn: &Connection,
    names: &mut Names,
    by: &UserId,
    conversation: &ConversationId,
    seq: Seq,
) -> Result<Evidence, Failure> {
    let thread = rows::find_thread(conn, conversation)?.ok_or(StoreError::NotFound)?;
    let member = thread.member(conn, by)?.ok_or(StoreError::NotFound)?;
    if thread.is_group() && !visible::may_see(conn, thread.id, member, bound(seq.0))? {
        return Err(StoreError::NotFound.into());
    }
    let sql = concat!(
        "SELECT ",
        entry_columns!(),
        " FROM entry e WHERE e.conversation = ?1 AND e.seq = ?2"
    );
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([thread.id, bound(seq.0)])?;
    let row = rows.next()?.ok_or(StoreError::NotFound)?;
    let entry = names.entry(conn, row)?;
    if entry.from == *by || entry.is_shadowed() || entry.body.said().is_none() {
        return Err(StoreError::NotFound.into());
    }
    Ok(Evidence { thread: Arc::new(thread), entry })
}

const COLUMNS: &str = "SELECT r.id, r.at, p.name, r.conversation, r.seq, a.name, r.reason, \
     r.comment, r.content, r.sealed, r.state, m.name, r.moved, r.outcome, r.note, r.reporter \
     FROM report r LEFT JOIN user p ON p.id = r.reporter LEFT JOIN user a ON a.id = r.accused \
     LEFT JOIN user m ON m.id = r.moderator";

/// A report by its id.
pub(crate) fn find(
    conn: &Connection,
    names: &mut Names,
    id: i64,
) -> Result<Option<Report>, Failure> {
    let mut statement = conn.prepare_cached(&format!("{COLUMNS} WHERE r.id = ?1"))?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(|row| read(conn, names, row)).transpose()
}

/// A report that a moderator may see to: not closed, not about the moderator, not taken by another
/// unless it is an admin who asks.
pub(crate) fn for_moderator(
    conn: &Connection,
    names: &mut Names,
    id: ReportId,
    by: &UserId,
) -> Result<Report, Failure> {
    let report = find(conn, names, bound(id.0))?.filter(|report| report.accused != *by);
    report.ok_or_else(|| StoreError::NotFound.into())
}

/// Refuses a moderator who is not the one that sees to the report.
pub(crate) fn check_taken(report: &Report, by: &UserId, role: Role) -> Result<(), Failure> {
    let others = report.moderator.as_ref().is_some_and(|moderator| moderator != by);
    if others && role < Role::Admin { Err(StoreError::ReportTaken.into()) } else { Ok(()) }
}

/// Moves a report on.
pub(crate) fn advance(conn: &Connection, to: &Report) -> Result<(), Failure> {
    let moderator = to.moderator.as_ref().map(|user| user_or_new(conn, user)).transpose()?;
    let sql = "UPDATE report SET state = ?1, moderator = ?2, moved = ?3, outcome = ?4, note = ?5 \
               WHERE id = ?6";
    conn.prepare_cached(sql)?.execute((
        state_number(to.state),
        moderator,
        to.moved.map(|at| bound(at.0)),
        to.outcome.map(DeedKind::name),
        to.note.as_deref(),
        int(to.id.0),
    ))?;
    Ok(())
}

fn read(conn: &Connection, names: &mut Names, row: &Row<'_>) -> Result<Report, Failure> {
    let id: i64 = row.get(0)?;
    let bad = || corrupt(format!("report {id}"));
    let user = |at: usize| -> Result<Option<UserId>, Failure> {
        let name: Option<String> = row.get(at)?;
        Ok(name.map(|name| UserId::parse(&name).map_err(|_| bad())).transpose()?)
    };
    let text = |at: usize| -> Result<Option<Arc<str>>, Failure> {
        Ok(row.get::<_, Option<String>>(at)?.map(Into::into))
    };
    let accused = user(5)?.ok_or_else(bad)?;
    let reason = text(6)?.ok_or_else(bad)?;
    let reporter: Option<i64> = row.get(15)?;
    let by = match reporter {
        Some(_) => Reporter::User(user(2)?.ok_or_else(bad)?),
        None => Reporter::Rule(Arc::clone(&reason)),
    };
    let (target, content) = match row.get::<_, Option<i64>>(3)? {
        None => (Target::User(accused.clone()), None),
        Some(conversation) => {
            let thread = names.thread(conn, conversation)?;
            let seq = row.get::<_, Option<i64>>(4)?.ok_or_else(bad)?;
            let content = match row.get::<_, Option<Vec<u8>>>(9)? {
                None => text(8)?.ok_or_else(bad)?,
                Some(sealed) => {
                    let context = context(id, &thread.conversation);
                    names.open(conn, &thread, &context, &sealed)?.ok_or_else(bad)?
                }
            };
            let target = Target::Message(thread.conversation.clone(), Seq(nat(seq)?));
            (target, Some(Content(content)))
        }
    };
    let state: i64 = row.get(10)?;
    let state = ReportState::ALL.into_iter().find(|it| state_number(*it) == state);
    let outcome = text(13)?;
    Ok(Report {
        id: ReportId(nat(id)?),
        at: Millis(nat(row.get(1)?)?),
        by,
        target,
        accused,
        content,
        reason,
        comment: text(7)?,
        state: state.ok_or_else(bad)?,
        moderator: user(11)?,
        moved: row.get::<_, Option<i64>>(12)?.map(nat).transpose()?.map(Millis),
        outcome: outcome.map(|word| DeedKind::of(&word).ok_or_else(bad)).transpose()?,
        note: text(14)?,
    })
}

/// Bytes of evidence that one page holds, but for its first report.
const PAGE_BYTES_MAX: usize = 256 * 1024;

impl Reader {
    pub(crate) fn flagged(
        &mut self,
        conversation: &ConversationId,
        seq: Seq,
    ) -> Result<Option<Arc<Report>>, Failure> {
        let Some(thread) = rows::find_thread(&self.conn, conversation)? else { return Ok(None) };
        let sql = "SELECT id FROM report \
                   WHERE conversation = ?1 AND seq = ?2 AND reporter IS NULL \
                   ORDER BY id DESC LIMIT 1";
        let id: Option<i64> = self
            .conn
            .prepare_cached(sql)?
            .query_row([thread.id, bound(seq.0)], |row| row.get(0))
            .optional()?;
        let Some(id) = id else { return Ok(None) };
        Ok(find(&self.conn, &mut self.names, id)?.map(Arc::new))
    }

    pub(crate) fn reports(&mut self, query: &ReportsQuery) -> Result<ReportsPage, Failure> {
        let states = match query.state {
            Some(state) => vec![state],
            None => vec![ReportState::Open, ReportState::Taken],
        };
        let viewer = rows::user_id(&self.conn, &query.viewer)?.unwrap_or(0);
        let after = query.after.map_or(0, |after| bound(after.0));
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1);
        let mut ids = Vec::new();
        for state in states {
            // One state at a time is a piece of the index, whatever there is of the others.
            let sql = "SELECT id FROM report WHERE state = ?1 AND id > ?2 AND accused <> ?3 \
                       ORDER BY id LIMIT ?4";
            let mut statement = self.conn.prepare_cached(sql)?;
            let mut rows = statement.query([state_number(state), after, viewer, limit])?;
            while let Some(row) = rows.next()? {
                ids.push(row.get::<_, i64>(0)?);
            }
        }
        ids.sort_unstable();
        let mut page = ReportsPage { reports: Vec::new(), next: None };
        let mut bytes = 0;
        for id in ids {
            if page.reports.len() == query.limit || bytes > PAGE_BYTES_MAX {
                page.next = page.reports.last().map(|report: &Arc<Report>| report.id);
                break;
            }
            let report = find(&self.conn, &mut self.names, id)?;
            let report = report.ok_or_else(|| corrupt(format!("report {id}")))?;
            bytes += report.content.as_ref().map_or(0, |content| content.0.len());
            page.reports.push(Arc::new(report));
        }
        Ok(page)
    }
}
