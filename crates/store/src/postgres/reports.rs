//! The moderators' queue: what users and content rules brought before them, and how far it is.
//!
//! A report of a message keeps the message as it was then, so that neither retention nor a deletion
//! takes the evidence away. What is not for a moderator's eyes, a report of the moderator's own doings,
//! is to that moderator as good as not there.

use std::sync::Arc;

use parlor_chat::entry::{Body, Content, Entry, Millis};
use parlor_chat::ids::{ConversationId, Seq, UserId};
use parlor_chat::moderation::{
    DeedKind, Filed, NewReport, Report, ReportId, ReportState, Reporter, ReportsPage, ReportsQuery,
    Role, Target,
};
use parlor_chat::rules::Flagged;
use parlor_chat::store::StoreError;
use tokio_postgres::Row;

use super::acts;
use super::conn::{Conn, Failure, params};
use super::reads::PAGE_BYTES_MAX;
use super::threads;
use super::turn::Turn;
use crate::kept::numbers::{bound, corrupt, int, nat};

/// What a report is in the table.
fn state_number(state: ReportState) -> i64 {
    match state {
        ReportState::Open => 0,
        ReportState::Taken => 1,
        ReportState::Resolved => 2,
        ReportState::Dismissed => 3,
    }
}

/// Files a user's report.
pub(crate) async fn file(turn: &mut Turn<'_>, report: &NewReport) -> Result<Filed, Failure> {
    let conn = turn.conn;
    if let Some(known) = known(conn, report).await? {
        return Ok(Filed { report: Arc::new(known), repeated: true });
    }
    let evidence = match &report.target {
        Target::User(_) => None,
        Target::Message(conversation, seq) => {
            Some(evidence(turn, &report.by, conversation, *seq).await?)
        }
    };
    let sql = "SELECT count(*) FROM report WHERE reporter = $1 AND state < 2";
    let open = conn.number(sql, params![report.by.as_str()]).await?;
    if nat(open)? >= report.open_max as u64 {
        return Err(StoreError::TooManyReports.into());
    }
    let accused = match (&report.target, &evidence) {
        (Target::User(user), _) => user.clone(),
        (Target::Message(..), Some(evidence)) => evidence.from.clone(),
        (Target::Message(..), None) => return Err(StoreError::NotFound.into()),
    };
    let new = NewRow {
        at: report.now,
        reporter: Some(report.by.as_str()),
        client_id: report.client_id.as_ref().map(|id| id.as_str()),
        accused: &accused,
        reason: &report.reason,
        comment: report.comment.as_deref(),
        evidence: evidence.as_deref(),
    };
    let id = insert(conn, &new).await?;
    let report = find(conn, id).await?.ok_or_else(|| corrupt("a report"))?;
    Ok(Filed { report: Arc::new(report), repeated: false })
}

/// Brings a message or an edit that was just appended before the moderators, unless too many of its
/// author's are there.
pub(crate) async fn flag(conn: Conn<'_>, entry: &Entry, flagged: &Flagged) -> Result<(), Failure> {
    let sql = "SELECT count(*) FROM report \
               WHERE reporter IS NULL AND accused = $1 AND state < 2";
    let open = conn.number(sql, params![entry.from.as_str()]).await?;
    if nat(open)? >= flagged.open_max as u64 {
        return Ok(());
    }
    let new = NewRow {
        at: entry.ts,
        reporter: None,
        client_id: None,
        accused: &entry.from,
        reason: &flagged.rule,
        comment: None,
        evidence: Some(entry),
    };
    insert(conn, &new).await?;
    Ok(())
}

/// A report about to be written.
struct NewRow<'a> {
    at: Millis,
    reporter: Option<&'a str>,
    client_id: Option<&'a str>,
    accused: &'a UserId,
    reason: &'a str,
    comment: Option<&'a str>,
    evidence: Option<&'a Entry>,
}

async fn insert(conn: Conn<'_>, row: &NewRow<'_>) -> Result<i64, Failure> {
    let content = row.evidence.map(|entry| {
        let what = entry.body.said().or(entry.body.edit());
        what.map_or("null", |content| &*content.0)
    });
    let seq = row.evidence.map(|entry| match &entry.body {
        // An edit is brought before them as the message that it is about.
        Body::Acted(act) => int(act.on.0),
        _ => int(entry.seq.0),
    });
    let of = row.evidence.map(|entry| entry.conversation.as_str());
    let sql = "INSERT INTO report (id, at, reporter, client_id, conversation, seq, accused, \
               reason, comment, content, state) \
               SELECT coalesce(max(id), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8, $9, 0 FROM report \
               RETURNING id";
    let (at, accused) = (bound(row.at.0), row.accused.as_str());
    let NewRow { reporter, client_id, reason, comment, .. } = *row;
    let new = params![at, reporter, client_id, of, seq, accused, reason, comment, content];
    Ok(conn.number(sql, new).await?)
}

/// The report that was filed before under the same key.
async fn known(conn: Conn<'_>, report: &NewReport) -> Result<Option<Report>, Failure> {
    let Some(client_id) = &report.client_id else { return Ok(None) };
    let sql = format!("{COLUMNS} WHERE reporter = $1 AND client_id = $2");
    let row = conn.first(&sql, params![report.by.as_str(), client_id.as_str()]).await?;
    let Some(known) = row.map(|row| read(&row)).transpose()? else { return Ok(None) };
    let same = known.target == report.target
        && known.reason == report.reason
        && known.comment == report.comment;
    if same { Ok(Some(known)) } else { Err(StoreError::ClientIdConflict.into()) }
}

/// The message, for a member who did not write it.
async fn evidence(
    turn: &Turn<'_>,
    by: &UserId,
    conversation: &ConversationId,
    seq: Seq,
) -> Result<Arc<Entry>, Failure> {
    let thread = threads::of_member(turn.conn, conversation, by).await?;
    let entry = acts::message(turn, &thread, Some(by), bound(seq.0)).await?;
    if entry.from == *by || entry.is_shadowed() || entry.body.said().is_none() {
        return Err(StoreError::NotFound.into());
    }
    Ok(entry)
}

const COLUMNS: &str = "SELECT id, at, reporter, conversation, seq, accused, reason, comment, \
     content, state, moderator, moved, outcome, note FROM report";

/// A report by its id.
pub(crate) async fn find(conn: Conn<'_>, id: i64) -> Result<Option<Report>, Failure> {
    let row = conn.first(&format!("{COLUMNS} WHERE id = $1"), params![id]).await?;
    row.map(|row| read(&row)).transpose()
}

/// A report that a moderator may see to: not about the moderator.
pub(crate) async fn for_moderator(
    conn: Conn<'_>,
    id: ReportId,
    by: &UserId,
) -> Result<Report, Failure> {
    let report = find(conn, bound(id.0)).await?.filter(|report| report.accused != *by);
    report.ok_or_else(|| StoreError::NotFound.into())
}

/// Refuses a moderator who is not the one that sees to the report.
pub(crate) fn check_taken(report: &Report, by: &UserId, role: Role) -> Result<(), Failure> {
    let others = report.moderator.as_ref().is_some_and(|moderator| moderator != by);
    if others && role < Role::Admin { Err(StoreError::ReportTaken.into()) } else { Ok(()) }
}

/// Moves a report on.
pub(crate) async fn advance(conn: Conn<'_>, to: &Report) -> Result<(), Failure> {
    let sql = "UPDATE report SET state = $1, moderator = $2, moved = $3, outcome = $4, note = $5 \
               WHERE id = $6";
    let moderator = to.moderator.as_ref().map(UserId::as_str);
    let (moved, outcome) = (to.moved.map(|at| bound(at.0)), to.outcome.map(DeedKind::name));
    let (state, id) = (state_number(to.state), int(to.id.0));
    conn.execute(sql, params![state, moderator, moved, outcome, to.note.as_deref(), id]).await?;
    Ok(())
}

fn read(row: &Row) -> Result<Report, Failure> {
    let id: i64 = row.try_get(0)?;
    let bad = || corrupt(format!("report {id}"));
    let user = |at: usize| -> Result<Option<UserId>, Failure> {
        let name: Option<&str> = row.try_get(at)?;
        Ok(name.map(|name| UserId::parse(name).map_err(|_| bad())).transpose()?)
    };
    let text = |at: usize| -> Result<Option<Arc<str>>, Failure> {
        Ok(row.try_get::<_, Option<&str>>(at)?.map(Into::into))
    };
    let accused = user(5)?.ok_or_else(bad)?;
    let reason = text(6)?.ok_or_else(bad)?;
    let by = match user(2)? {
        Some(user) => Reporter::User(user),
        None => Reporter::Rule(Arc::clone(&reason)),
    };
    let (target, content) = match row.try_get::<_, Option<&str>>(3)? {
        None => (Target::User(accused.clone()), None),
        Some(conversation) => {
            let conversation = ConversationId::parse(conversation).map_err(|_| bad())?;
            let seq = row.try_get::<_, Option<i64>>(4)?.ok_or_else(bad)?;
            let content = Content(text(8)?.ok_or_else(bad)?);
            (Target::Message(conversation, Seq(nat(seq)?)), Some(content))
        }
    };
    let state: i64 = row.try_get(9)?;
    let state = ReportState::ALL.into_iter().find(|it| state_number(*it) == state);
    let outcome = text(12)?;
    Ok(Report {
        id: ReportId(nat(id)?),
        at: Millis(nat(row.try_get(1)?)?),
        by,
        target,
        accused,
        content,
        reason,
        comment: text(7)?,
        state: state.ok_or_else(bad)?,
        moderator: user(10)?,
        moved: row.try_get::<_, Option<i64>>(11)?.map(nat).transpose()?.map(Millis),
        outcome: outcome.map(|word| DeedKind::of(&word).ok_or_else(bad)).transpose()?,
        note: text(13)?,
    })
}

/// The report by which a content rule brought a message before the moderators.
pub(crate) async fn flagged(
    conn: Conn<'_>,
    conversation: &ConversationId,
    seq: Seq,
) -> Result<Option<Arc<Report>>, Failure> {
    let sql = format!(
        "{COLUMNS} WHERE conversation = $1 AND seq = $2 AND reporter IS NULL \
         ORDER BY id DESC LIMIT 1"
    );
    let row = conn.first(&sql, params![conversation.as_str(), bound(seq.0)]).await?;
    Ok(row.map(|row| read(&row)).transpose()?.map(Arc::new))
}

/// A piece of the queue, oldest first.
pub(crate) async fn page(conn: Conn<'_>, query: &ReportsQuery) -> Result<ReportsPage, Failure> {
    let states = match query.state {
        Some(state) => vec![state_number(state)],
        None => vec![state_number(ReportState::Open), state_number(ReportState::Taken)],
    };
    let sql = format!(
        "{COLUMNS} WHERE state = ANY ($1) AND id > $2 AND accused <> $3 ORDER BY id LIMIT $4"
    );
    let after = query.after.map_or(0, |after| bound(after.0));
    let limit = bound(query.limit as u64) + 1;
    let mut page = ReportsPage { reports: Vec::new(), next: None };
    let mut bytes = 0;
    for row in conn.query(&sql, params![states, after, query.viewer.as_str(), limit]).await? {
        if page.reports.len() == query.limit || bytes > PAGE_BYTES_MAX {
            page.next = page.reports.last().map(|report: &Arc<Report>| report.id);
            break;
        }
        let report = read(&row)?;
        bytes += report.content.as_ref().map_or(0, |content| content.0.len());
        page.reports.push(Arc::new(report));
    }
    Ok(page)
}
