//! What moderators do, who is suspended, and what users are told.

use std::sync::Arc;

use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;
use parlor_chat::moderation::{
    Act, Acted, Cause, Deed, DeedKind, Done, Notice, NoticeId, Report, ReportState, Suspension,
    TakeReport,
};
use parlor_chat::store::StoreError;

use super::conn::{Conn, Failure, params};
use super::turn::Turn;
use super::{audit, reports};
use crate::kept::audit::Doing;
use crate::kept::numbers::{bound, int, nat};

/// A user's suspension, if it holds at that time.
pub(crate) async fn suspension(
    conn: Conn<'_>,
    user: &UserId,
    now: Millis,
) -> Result<Option<Suspension>, Failure> {
    let sql = "SELECT until, reason FROM suspension WHERE user_id = $1 \
               AND (until IS NULL OR until > $2)";
    let row = conn.first(sql, params![user.as_str(), bound(now.0)]).await?;
    let Some(row) = row else { return Ok(None) };
    let until = row.try_get::<_, Option<i64>>(0)?.map(nat).transpose()?.map(Millis);
    Ok(Some(Suspension { until, reason: row.try_get::<_, &str>(1)?.into() }))
}

/// Refuses what a suspended user does.
pub(crate) async fn refuse(conn: Conn<'_>, user: &UserId, now: Millis) -> Result<(), Failure> {
    match suspension(conn, user, now).await? {
        None => Ok(()),
        Some(suspension) => Err(StoreError::Suspended { until: suspension.until }.into()),
    }
}

/// What a user was told and has not confirmed, oldest first.
pub(crate) async fn notices(conn: Conn<'_>, user: &UserId) -> Result<Vec<Notice>, Failure> {
    let sql = "SELECT id, at, text FROM notice WHERE user_id = $1 ORDER BY id";
    let mut notices = Vec::new();
    for row in conn.query(sql, params![user.as_str()]).await? {
        let (id, at) = (NoticeId(nat(row.try_get(0)?)?), Millis(nat(row.try_get(1)?)?));
        notices.push(Notice { id, at, text: row.try_get::<_, &str>(2)?.into() });
    }
    Ok(notices)
}

/// Forgets what a user has confirmed.
pub(crate) async fn confirm(
    turn: &mut Turn<'_>,
    user: &UserId,
    up_to: NoticeId,
) -> Result<(), Failure> {
    let sql = "DELETE FROM notice WHERE user_id = $1 AND id <= $2";
    turn.conn.execute(sql, params![user.as_str(), bound(up_to.0)]).await?;
    Ok(())
}

/// Takes a report, so that others leave it alone.
pub(crate) async fn take(turn: &mut Turn<'_>, wish: &TakeReport) -> Result<Arc<Report>, Failure> {
    let conn = turn.conn;
    let mut report = reports::for_moderator(conn, wish.report, &wish.by).await?;
    if report.state.is_closed() {
        return Err(StoreError::ReportClosed.into());
    }
    reports::check_taken(&report, &wish.by, wish.role)?;
    if report.moderator.as_ref() == Some(&wish.by) {
        return Ok(Arc::new(report));
    }
    report.state = ReportState::Taken;
    report.moderator = Some(wish.by.clone());
    report.moved = Some(wish.now);
    reports::advance(conn, &report).await?;
    let doing = Doing {
        at: wish.now,
        by: &wish.by,
        deed: DeedKind::Take,
        user: &report.accused,
        report: Some(report.id),
        until: None,
        text: None,
        note: None,
        client_id: None,
    };
    audit::append(conn, &doing).await?;
    Ok(Arc::new(report))
}

/// Does something and writes it into the audit log.
pub(crate) async fn act(turn: &mut Turn<'_>, act: &Act) -> Result<Acted, Failure> {
    let conn = turn.conn;
    let before = |user| Ok(Acted { user, done: Done::Before, notice: None });
    let (user, report) = match &act.cause {
        Cause::User(user) => (user.clone(), None),
        Cause::Report(id) => {
            let report = reports::for_moderator(conn, *id, &act.by).await?;
            if report.state.is_closed() {
                let same = report.moderator.as_ref() == Some(&act.by)
                    && report.outcome == Some(act.deed.kind());
                return match same {
                    true => before(report.accused),
                    false => Err(StoreError::ReportClosed.into()),
                };
            }
            reports::check_taken(&report, &act.by, act.role)?;
            (report.accused.clone(), Some(report))
        }
    };
    if let Some(known) = warned(conn, act).await? {
        return match known == user {
            true => before(user),
            false => Err(StoreError::ClientIdConflict.into()),
        };
    }
    if report.is_none() && !changes(conn, act, &user).await? {
        return before(user);
    }
    let number = audit::append(conn, &doing(act, &user)).await?;
    let notice = carry_out(conn, act, &user, number).await?;
    if let Some(mut report) = report {
        report.state = match act.deed {
            Deed::Dismiss => ReportState::Dismissed,
            _ => ReportState::Resolved,
        };
        report.moderator = Some(act.by.clone());
        report.moved = Some(act.now);
        report.outcome = Some(act.deed.kind());
        report.note = act.note.clone();
        reports::advance(conn, &report).await?;
    }
    Ok(Acted { user, done: Done::Now, notice })
}

/// To whom the moderator gave the same warning before under the same key.
async fn warned(conn: Conn<'_>, act: &Act) -> Result<Option<UserId>, Failure> {
    let (Deed::Warn { text }, Some(client_id)) = (&act.deed, &act.client_id) else {
        return Ok(None);
    };
    let known = audit::by_key(conn, &act.by, client_id.as_str()).await?;
    let Some(known) = known else { return Ok(None) };
    if known.text.as_ref() != Some(text) {
        return Err(StoreError::ClientIdConflict.into());
    }
    Ok(Some(known.user))
}

/// Whether a deed makes something else of a user than is so already.
async fn changes(conn: Conn<'_>, act: &Act, user: &UserId) -> Result<bool, Failure> {
    let now = suspension(conn, user, act.now).await?;
    Ok(match &act.deed {
        Deed::Warn { .. } | Deed::Dismiss | Deed::Resolve => true,
        Deed::Suspend { until, reason } => {
            now != Some(Suspension { until: *until, reason: reason.clone() })
        }
        Deed::Unsuspend => now.is_some(),
    })
}

fn doing<'a>(act: &'a Act, user: &'a UserId) -> Doing<'a> {
    let (until, text) = match &act.deed {
        Deed::Warn { text } => (None, Some(&**text)),
        Deed::Suspend { until, reason } => (*until, Some(&**reason)),
        Deed::Dismiss | Deed::Resolve | Deed::Unsuspend => (None, None),
    };
    let report = match act.cause {
        Cause::Report(report) => Some(report),
        Cause::User(_) => None,
    };
    let client_id = match act.deed {
        Deed::Warn { .. } => act.client_id.as_ref().map(|id| id.as_str()),
        _ => None,
    };
    Doing {
        at: act.now,
        by: &act.by,
        deed: act.deed.kind(),
        user,
        report,
        until,
        text,
        note: act.note.as_deref(),
        client_id,
    }
}

async fn carry_out(
    conn: Conn<'_>,
    act: &Act,
    user: &UserId,
    number: i64,
) -> Result<Option<Notice>, Failure> {
    match &act.deed {
        Deed::Warn { text } => {
            let notice = Notice { id: NoticeId(nat(number)?), at: act.now, text: text.clone() };
            tell(conn, user, &notice, act.notices_max).await?;
            return Ok(Some(notice));
        }
        Deed::Suspend { until, reason } => {
            let sql = "INSERT INTO suspension (user_id, until, reason) VALUES ($1, $2, $3) \
                       ON CONFLICT (user_id) DO UPDATE \
                       SET until = excluded.until, reason = excluded.reason";
            let until = until.map(|until| int(until.0));
            conn.execute(sql, params![user.as_str(), until, &**reason]).await?;
        }
        Deed::Unsuspend => {
            let sql = "DELETE FROM suspension WHERE user_id = $1";
            conn.execute(sql, params![user.as_str()]).await?;
        }
        Deed::Dismiss | Deed::Resolve => {}
    }
    Ok(None)
}

/// Keeps what a user is told until it is confirmed; of more than `notices_max` the oldest go.
async fn tell(
    conn: Conn<'_>,
    user: &UserId,
    notice: &Notice,
    notices_max: usize,
) -> Result<(), Failure> {
    let sql = "INSERT INTO notice (id, user_id, at, text) VALUES ($1, $2, $3, $4)";
    let (id, at) = (int(notice.id.0), int(notice.at.0));
    conn.execute(sql, params![id, user.as_str(), at, &*notice.text]).await?;
    let sql = "DELETE FROM notice WHERE id IN \
               (SELECT id FROM notice WHERE user_id = $1 ORDER BY id DESC OFFSET $2)";
    conn.execute(sql, params![user.as_str(), bound(notices_max.max(1) as u64)]).await?;
    Ok(())
}
