//! What users report, and what moderators do: the commands, and who hears of it.
//!
//! Each command of moderators asks the session's role first, which its token gave; the store does
//! the rest in one commit. After a suspension's commit all of the user's connections are closed, and
//! those that were being opened meanwhile are closed once they are listed. Open moderators' sockets
//! are in a room of their own and hear of each new report, but not of one of their own doings.

mod payloads;
mod records;

use std::sync::Arc;

use parlor_chat::around::port::{ChangeMessage, MessageChanged, Removal, Wish};
use parlor_chat::entry::Millis;
use parlor_chat::ids::{ConversationId, Seq, UserId};
use parlor_chat::moderation::{
    Act, Acted, AuditQuery, Cause, Deed, Done, NewReport, Report, ReportsQuery, Role, TakeReport,
    Target,
};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::Authority;
use parlor_gateway::Socket;

use crate::around_records;
use crate::clock;
use crate::closing::Ending;
use crate::commands::Payload;
use crate::delivery::room;
use crate::dispatch::{Caller, Work};
use crate::nodes::{Address, Word};
use crate::paces::Action;
use crate::records::{alone, ok};
use crate::service::Service;
use crate::session::{Kind, Session};
use crate::traces;

/// The room of moderators' sockets.
const MODERATORS: &str = "moderators";

/// Puts a socket into the moderators' room if its session's role says so. Its CONNECT must have been
/// answered: what it hears before that it would hear on another connection.
pub(crate) fn seat(socket: &Socket, session: &Session) {
    if session.role().moderates() {
        socket.join(MODERATORS);
    }
}

/// Gives a session the role of its new token.
pub(crate) fn reseat(socket: &Socket, session: &Session, role: Role) {
    session.set_role(role);
    match role.moderates() {
        true => socket.join(MODERATORS),
        false => socket.leave(MODERATORS),
    }
}

/// Tells a device that is live what its user was told and has not confirmed.
pub(crate) async fn remind(service: &Service, socket: &Socket, session: &Session) {
    let Some(user) = session.user().filter(|_| session.kind == Kind::Standard) else { return };
    let notices = match service.store.moderation().notices(user.clone()).await {
        Ok(notices) => notices,
        Err(error) => return tracing::warn!(%error, "resume: notices were not read"),
    };
    for notice in notices {
        if let Err(error) = socket.emit_raw("notice", &alone(&records::notice(&notice))) {
            tracing::debug!(%error, "resume: a notice was not told");
        }
    }
}

/// Tells moderators of a new report.
fn announce(service: &Service, report: &Report) {
    let accused = room(Kind::Standard, &report.accused);
    let except = Some((&*accused).into());
    let others = Address { room: MODERATORS.into(), except, volatile: false };
    service.tell_room(&others, None, "report", &records::report(report));
}

/// Tells moderators of a message that a content rule has flagged in its commit.
pub(crate) async fn announce_flagged(service: &Service, conversation: ConversationId, seq: Seq) {
    match service.store.moderation().flagged(conversation, seq).await {
        Ok(Some(report)) => announce(service, &report),
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "publish: a flagged message was not told"),
    }
}

/// `report {messageId | userId, reason, comment?, clientId?}`.
pub(crate) fn report(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let limits = &service.settings.limits;
    let asked = payloads::report(payload, limits)?;
    if asked.target == Target::User(caller.user.clone()) {
        return Err(Refusal::invalid("userId", "must be another user"));
    }
    service.accepts_writes()?;
    caller.charge_for(service, Action::Report)?;
    let filed = service.store.moderation().report(NewReport {
        by: caller.user.clone(),
        target: asked.target,
        reason: asked.reason,
        comment: asked.comment,
        client_id: asked.client_id,
        now: caller.now,
        open_max: limits.reports_open_per_user_max,
    });
    let service = Arc::clone(service);
    Ok(Work::Later(Box::pin(async move {
        let filed = filed.await.map_err(|error| of_store(&error))?;
        if !filed.repeated {
            service.counters().moderation.reports.add(1);
            announce(&service, &filed.report);
        }
        Ok(records::filed(&filed))
    })))
}

/// Refuses who is no moderator.
fn moderator(caller: &Caller<'_>) -> Result<Role, Refusal> {
    let role = caller.session.role();
    if role.moderates() { Ok(role) } else { Err(Refusal::Forbidden) }
}

/// `reports {state?, cursor?, limit?}`, for moderators.
pub(crate) fn reports(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    moderator(caller)?;
    let asked = payloads::reports(payload, &service.settings.limits)?;
    caller.charge(service)?;
    let viewer = caller.user.clone();
    let query =
        ReportsQuery { viewer, state: asked.state, after: asked.cursor, limit: asked.limit };
    let page = service.store.moderation().reports(query);
    Ok(Work::Later(Box::pin(async move {
        let page = page.await.map_err(|error| of_store(&error))?;
        Ok(records::reports(&page))
    })))
}

/// `report_take {reportId}`, for moderators.
pub(crate) fn report_take(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let role = moderator(caller)?;
    let report = payloads::report_id(payload)?;
    service.accepts_writes()?;
    caller.charge(service)?;
    let take = TakeReport { by: caller.user.clone(), role, report, now: caller.now };
    let taken = service.store.moderation().take_report(take);
    Ok(Work::Later(Box::pin(async move {
        let taken = taken.await.map_err(|error| of_store(&error))?;
        Ok(records::taken(&taken))
    })))
}

/// `report_resolve {reportId, action, text?, reason?, until?, note?}`, for moderators.
pub(crate) fn report_resolve(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    moderator(caller)?;
    let asked = payloads::resolve(payload, &service.settings.limits, caller.now)?;
    act(service, caller, asked)
}

/// `warn {userId, text, note?, clientId?}`, for moderators.
pub(crate) fn warn(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    moderator(caller)?;
    let asked = payloads::warn(payload, &service.settings.limits)?;
    act(service, caller, asked)
}

/// `suspend {userId, reason, until?, note?}`, for moderators.
pub(crate) fn suspend(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    moderator(caller)?;
    let asked = payloads::suspend(payload, &service.settings.limits, caller.now)?;
    act(service, caller, asked)
}

/// `unsuspend {userId, note?}`, for moderators.
pub(crate) fn unsuspend(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    moderator(caller)?;
    let asked = payloads::unsuspend(payload, &service.settings.limits)?;
    act(service, caller, asked)
}

/// `message_remove {messageId, note?}`, for moderators: any message, for everyone.
pub(crate) fn message_remove(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    moderator(caller)?;
    let payloads::Removal { conversation, seq, note } =
        payloads::removal(payload, &service.settings.limits)?;
    service.accepts_writes()?;
    caller.charge(service)?;
    let changed = service.around.change_message(ChangeMessage {
        by: caller.user.clone(),
        conversation: conversation.clone(),
        seq,
        wish: Wish::Delete,
        client_id: None,
        now: caller.now,
        // Its author's devices are told as well, wherever the moderator is.
        origin: traces::origin(0),
        limits: service.settings.limits.clone(),
        screening: None,
        authority: Authority::User,
        removal: Some(Removal { note }),
    });
    let service = Arc::clone(service);
    Ok(Work::Later(Box::pin(async move {
        let changed = changed.await.map_err(|error| of_store(&error))?;
        let removed = matches!(changed, MessageChanged::Committed { .. });
        service.counters().moderation.removed.add(u64::from(removed));
        Ok(around_records::changed(&conversation, seq, &changed))
    })))
}

/// Hands a deed to the store, and sees to what follows from it.
fn act(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    asked: payloads::Asked,
) -> Result<Work, Refusal> {
    if asked.cause == Cause::User(caller.user.clone()) {
        return Err(Refusal::invalid("userId", "must be another user"));
    }
    service.accepts_writes()?;
    caller.charge(service)?;
    let deed = asked.deed.clone();
    let acted = service.store.moderation().act(Act {
        by: caller.user.clone(),
        role: caller.session.role(),
        cause: asked.cause,
        deed: asked.deed,
        note: asked.note,
        client_id: asked.client_id,
        now: caller.now,
        notices_max: service.settings.limits.notices_per_user_max,
    });
    let service = Arc::clone(service);
    Ok(Work::Later(Box::pin(async move {
        let acted = acted.await.map_err(|error| of_store(&error))?;
        follow_up(&service, &deed, &acted);
        Ok(ok())
    })))
}

/// What a deed brings about beside its commit.
fn follow_up(service: &Arc<Service>, deed: &Deed, acted: &Acted) {
    let counters = &service.counters().moderation;
    match (deed, acted.done) {
        // Also when it was so before: a retry closes what an earlier try could not.
        (Deed::Suspend { until, .. }, done) => {
            counters.suspensions.add(u64::from(done == Done::Now));
            close_suspended(service, &acted.user, *until);
            let (user, until) = (acted.user.as_str().into(), until.map(|until| until.0));
            service.nodes().say(&Word::Suspended { user, until });
        }
        (Deed::Unsuspend, _) => {
            service.sessions().unsuspend(&acted.user);
            service.nodes().say(&Word::Unsuspended { user: acted.user.as_str().into() });
        }
        (Deed::Warn { .. }, Done::Now) => counters.warnings.add(1),
        (Deed::Warn { .. } | Deed::Dismiss | Deed::Resolve, _) => {}
    }
    if let Some(notice) = &acted.notice {
        service.tell_user(&acted.user, None, "notice", &records::notice(notice));
    }
}

/// Ends the sessions that a suspended user has here.
pub(crate) fn close_suspended(service: &Service, user: &UserId, until: Option<Millis>) {
    let sessions = service.sessions().suspend(user, until, clock::now());
    let ending = Ending::Suspended(until);
    sessions.iter().for_each(|session| service.end(session, ending.clone()));
}

/// `notice_confirm {noticeId}`: the user has seen it and those before it.
pub(crate) fn notice_confirm(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let notice = payloads::notice_id(payload)?;
    service.accepts_writes()?;
    caller.charge(service)?;
    let confirmed = service.store.moderation().confirm_notices(caller.user.clone(), notice);
    Ok(Work::Later(Box::pin(async move {
        confirmed.await.map_err(|error| of_store(&error))?;
        Ok(ok())
    })))
}

/// `audit {cursor?, limit?}`, for moderators.
pub(crate) fn audit(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    moderator(caller)?;
    let asked = payloads::audit(payload, &service.settings.limits)?;
    caller.charge(service)?;
    let query = AuditQuery { before: asked.cursor, limit: asked.limit };
    let page = service.store.moderation().audit(query);
    Ok(Work::Later(Box::pin(async move {
        let page = page.await.map_err(|error| of_store(&error))?;
        Ok(records::audit(&page))
    })))
}

/// A suspension that came between a session's admission and its listing, with its end.
pub(crate) fn suspended_meanwhile(service: &Service, session: &Session) -> Option<Ending> {
    service.sessions().was_suspended(session).map(Ending::Suspended)
}

/// How a connection ends that was refused after it was let in.
pub(crate) fn ending_of(refusal: Refusal) -> Ending {
    match refusal {
        Refusal::Suspended { until } => Ending::Suspended(until),
        refusal => Ending::Resume(refusal),
    }
}

#[cfg(test)]
mod tests {
    use parlor_chat::entry::Millis;
    use parlor_chat::ids::{DeviceId, UserId};

    use super::*;

    #[test]
    fn what_time_mends_closes_so_that_clients_come_back_and_a_suspension_does_not() {
        let until = Some(Millis(7));
        assert_eq!(ending_of(Refusal::Suspended { until }), Ending::Suspended(until));
        let overloaded = Refusal::overloaded();
        assert_eq!(ending_of(overloaded.clone()), Ending::Resume(overloaded));
    }

    #[test]
    fn a_suspension_concerns_the_sessions_of_its_user_that_are_older() {
        let user = |name: &str| UserId::parse(name).expect("an id in a test");
        let session = |name: &str, since| {
            Arc::new(Session::new(user(name), DeviceId::shared(), None, Millis(since)))
        };
        let sessions = crate::sessions::Sessions::default();
        sessions.suspend(&user("a"), Some(Millis(99)), Millis(10));
        assert_eq!(sessions.was_suspended(&session("a", 10)), Some(Some(Millis(99))));
        assert_eq!(sessions.was_suspended(&session("a", 11)), None);
        assert_eq!(sessions.was_suspended(&session("b", 5)), None);
        sessions.unsuspend(&user("a"));
        assert_eq!(sessions.was_suspended(&session("a", 5)), None);
    }
}
