//! The port's part for moderators: what each write does inside the writer's transaction, and where
//! it waits for its answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parlor_chat::entry::Millis;
use parlor_chat::ids::{ConversationId, Seq, UserId};
use parlor_chat::moderation::{
    Act, Acted, AuditPage, AuditQuery, Cause, Deed, DeedKind, Done, Filed, Moderation, NewReport,
    Notice, NoticeId, Report, ReportState, ReportsPage, ReportsQuery, Suspension, TakeReport,
};
use parlor_chat::store::{Pending, StoreError};
use rusqlite::Connection;

use super::audit::{self, Doing};
use super::command::{Command, Reply};
use super::commands::{Executor, user_or_new};
use super::rows::{Failure, Subject, nat};
use super::writer::told;
use super::{Shared, SqliteStore, reports, suspensions};

/// A write, and where its outcome goes.
#[derive(Debug)]
pub(crate) enum Write {
    Report(NewReport, Reply<Filed>),
    Take(TakeReport, Reply<Arc<Report>>),
    Act(Act, Reply<Acted>),
    Confirm(UserId, NoticeId, Reply<()>),
}

impl Write {
    /// About how much memory it holds on to.
    pub(crate) fn weight(&self) -> usize {
        let text = |text: &Option<Arc<str>>| text.as_ref().map_or(0, |text| text.len());
        512 + match self {
            Self::Report(report, _) => report.reason.len() + text(&report.comment),
            Self::Act(act, _) => text(&act.note),
            Self::Take(..) | Self::Confirm(..) => 0,
        }
    }

    /// What it is about.
    pub(crate) fn subject(&self) -> Subject {
        match self {
            Self::Report(report, _) => Subject::User(report.by.clone()),
            Self::Take(take, _) => Subject::User(take.by.clone()),
            Self::Act(act, _) => Subject::User(act.by.clone()),
            Self::Confirm(user, ..) => Subject::User(user.clone()),
        }
    }

    /// Carries it out and notes what it is to be told.
    pub(crate) fn carry_out(
        &mut self,
        conn: &Connection,
        executor: &mut Executor,
        shared: &Shared,
    ) -> Result<(), rusqlite::Error> {
        match self {
            Self::Report(report, reply) => {
                let (names, keys) = executor.names_and_keys();
                reply.decide(told(reports::file(conn, names, keys, report))?);
            }
            Self::Take(wish, reply) => reply.decide(told(take(conn, executor, wish))?),
            Self::Act(wish, reply) => {
                // Before the commit: whoever reads what it did finds this set.
                if matches!(wish.deed, Deed::Suspend { .. } | Deed::Warn { .. }) {
                    shared.moderated.store(true, Ordering::Release);
                }
                reply.decide(told(act(conn, executor, wish))?);
            }
            Self::Confirm(user, up_to, reply) => {
                reply.decide(told(suspensions::confirm(conn, user, *up_to))?);
            }
        }
        Ok(())
    }

    /// Notes that it cannot be carried out.
    pub(crate) fn refuse(&mut self, error: StoreError) {
        match self {
            Self::Report(_, reply) => reply.decide(Err(error)),
            Self::Take(_, reply) => reply.decide(Err(error)),
            Self::Act(_, reply) => reply.decide(Err(error)),
            Self::Confirm(_, _, reply) => reply.decide(Err(error)),
        }
    }

    /// Tells what was decided.
    pub(crate) fn answer(self, shared: &Shared) {
        match self {
            Self::Report(_, reply) => reply.answer(shared),
            Self::Take(_, reply) => reply.answer(shared),
            Self::Act(_, reply) => reply.answer(shared),
            Self::Confirm(_, _, reply) => reply.answer(shared),
        }
    }

    /// Tells that it failed, whatever was decided.
    pub(crate) fn fail(self, error: StoreError) {
        match self {
            Self::Report(_, reply) => reply.fail(error),
            Self::Take(_, reply) => reply.fail(error),
            Self::Act(_, reply) => reply.fail(error),
            Self::Confirm(_, _, reply) => reply.fail(error),
        }
    }
}

fn take(
    conn: &Connection,
    executor: &mut Executor,
    wish: &TakeReport,
) -> Result<Arc<Report>, Failure> {
    let (names, _) = executor.names_and_keys();
    let mut report = reports::for_moderator(conn, names, wish.report, &wish.by)?;
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
    reports::advance(conn, &report)?;
    audit::append(
        conn,
        &Doing {
            at: wish.now,
            by: &wish.by,
            deed: DeedKind::Take,
            user: &report.accused,
            report: Some(report.id),
            until: None,
            text: None,
            note: None,
            client_id: None,
        },
    )?;
    Ok(Arc::new(report))
}

fn act(conn: &Connection, executor: &mut Executor, act: &Act) -> Result<Acted, Failure> {
    let before = |user| Ok(Acted { user, done: Done::Before, notice: None });
    let (user, report) = match &act.cause {
        Cause::User(user) => (user.clone(), None),
        Cause::Report(id) => {
            let (names, _) = executor.names_and_keys();
            let report = reports::for_moderator(conn, names, *id, &act.by)?;
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
    if let Some(known) = warned(conn, act)? {
        return match known == user {
            true => before(user),
            false => Err(StoreError::ClientIdConflict.into()),
        };
    }
    if !changes(conn, act, &user)? && report.is_none() {
        return before(user);
    }
    let number = audit::append(conn, &doing(act, &user))?;
    let notice = carry_out(conn, act, &user, number)?;
    if let Some(mut report) = report {
        report.state = match act.deed {
            Deed::Dismiss => ReportState::Dismissed,
            _ => ReportState::Resolved,
        };
        report.moderator = Some(act.by.clone());
        report.moved = Some(act.now);
        report.outcome = Some(act.deed.kind());
        report.note = act.note.clone();
        reports::advance(conn, &report)?;
    }
    Ok(Acted { user, done: Done::Now, notice })
}

/// To whom the moderator gave the same warning before under the same key.
fn warned(conn: &Connection, act: &Act) -> Result<Option<UserId>, Failure> {
    let (Deed::Warn { text }, Some(client_id)) = (&act.deed, &act.client_id) else {
        return Ok(None);
    };
    let by = user_or_new(conn, &act.by)?;
    let Some(known) = audit::by_key(conn, by, client_id.as_str())? else { return Ok(None) };
    if known.text.as_ref() != Some(text) {
        return Err(StoreError::ClientIdConflict.into());
    }
    Ok(Some(known.user))
}

/// Whether a deed makes something else of a user than is so already.
fn changes(conn: &Connection, act: &Act, user: &UserId) -> Result<bool, Failure> {
    let now = match super::rows::user_id(conn, user)? {
        Some(user) => suspensions::find(conn, user, act.now)?,
        None => None,
    };
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

fn carry_out(
    conn: &Connection,
    act: &Act,
    user: &UserId,
    number: i64,
) -> Result<Option<Notice>, Failure> {
    let user = user_or_new(conn, user)?;
    match &act.deed {
        Deed::Warn { text } => {
            let id = NoticeId(nat(number)?);
            let notice = Notice { id, at: act.now, text: text.clone() };
            suspensions::tell(conn, user, &notice, act.notices_max)?;
            return Ok(Some(notice));
        }
        Deed::Suspend { until, reason } => {
            suspensions::set(conn, user, &Suspension { until: *until, reason: reason.clone() })?;
        }
        Deed::Unsuspend => suspensions::lift(conn, user)?,
        Deed::Dismiss | Deed::Resolve => {}
    }
    Ok(None)
}

impl SqliteStore {
    fn moderate<T: Send + 'static>(&self, write: impl FnOnce(Reply<T>) -> Write) -> Pending<T> {
        self.write(|reply| Command::Moderate(write(reply)))
    }
}

impl Moderation for SqliteStore {
    fn report(&self, report: NewReport) -> Pending<Filed> {
        self.moderate(|reply| Write::Report(report, reply))
    }

    fn reports(&self, query: ReportsQuery) -> Pending<ReportsPage> {
        self.read(Subject::User(query.viewer.clone()), move |reader| reader.reports(&query))
    }

    fn flagged(&self, conversation: ConversationId, seq: Seq) -> Pending<Option<Arc<Report>>> {
        let subject = Subject::Conversation(conversation.clone());
        self.read(subject, move |reader| reader.flagged(&conversation, seq))
    }

    fn take_report(&self, take: TakeReport) -> Pending<Arc<Report>> {
        self.moderate(|reply| Write::Take(take, reply))
    }

    fn act(&self, act: Act) -> Pending<Acted> {
        self.moderate(|reply| Write::Act(act, reply))
    }

    fn suspension(&self, user: UserId, now: Millis) -> Pending<Option<Suspension>> {
        self.read(Subject::User(user.clone()), move |reader| reader.suspension(&user, now))
    }

    /// As long as nobody was told anything, it asks no reader.
    fn notices(&self, user: UserId) -> Pending<Vec<Notice>> {
        if !self.shared.moderated.load(Ordering::Acquire) {
            return Box::pin(std::future::ready(Ok(Vec::new())));
        }
        self.read(Subject::User(user.clone()), move |reader| reader.notices(&user))
    }

    fn confirm_notices(&self, user: UserId, up_to: NoticeId) -> Pending<()> {
        self.moderate(|reply| Write::Confirm(user, up_to, reply))
    }

    fn audit(&self, query: AuditQuery) -> Pending<AuditPage> {
        self.read(Subject::Audit, move |reader| reader.audit(query))
    }
}
