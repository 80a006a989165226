//! From CONNECT to a session: who is it, may it be here, and what is it told first.
//!
//! [`admit`] runs before the CONNECT is answered: token, then device. What retrying cannot mend
//! is refused by `connect_error`. What it can mend must not be, since a stock client never
//! reconnects after that: such a connection is let in as [`TurnedAway`] and closed at once.
//! [`welcome`] runs once the answer is queued: the session is listed, `ready` goes out first,
//! and the catch-up starts.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parlor_chat::entry::Millis;
use parlor_chat::ids::{DeviceId, UserId};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::AttachDevice;
use parlor_gateway::{ConnectError, ConnectRequest, Data, EmitError, Socket};
use serde_json::value::RawValue;
use tracing::Instrument;

use crate::clock;
use crate::closing::Ending;
use crate::commands;
use crate::identity::AuthError;
use crate::records;
use crate::service::Service;
use crate::session::{Kind, Session, Start};
use crate::{catch_up, identity::Identity, moderation, profiles, recovery, typing};

/// A connection that is to come back later.
struct TurnedAway(Refusal);

/// Decides on a CONNECT.
pub(crate) async fn admit(
    service: &Service,
    request: &ConnectRequest,
) -> Result<Data, ConnectError> {
    let refusal = match session(service, request).await {
        Ok(data) => return Ok(data),
        Err(refusal) => refusal,
    };
    service.counters().refused(refusal.code());
    tracing::debug!(code = refusal.name(), "connection: refused");
    match refusal {
        Refusal::Overloaded { .. } | Refusal::Unavailable { .. } | Refusal::ShuttingDown { .. } => {
            Ok(Data::new(TurnedAway(refusal)))
        }
        refusal => Err(connect_error(&refusal)),
    }
}

/// The session of a connection that is let in, and how its socket joins.
async fn session(service: &Service, request: &ConnectRequest) -> Result<Data, Refusal> {
    service.is_open()?;
    let hello = commands::hello(request.auth())?;
    let device = hello.device.unwrap_or_else(|| service.shared_device.clone());
    let now = clock::now();
    let Some(token) = hello.token.or_else(|| bearer(request)) else {
        return match service.settings.is_development() {
            true => Ok(Data::new(Session::unregistered(service.shared_device.clone(), now))),
            false => Err(Refusal::unauthorized("a token is required")),
        };
    };
    let identity = verify(service, &token, now)?;
    // Before anything is awaited, which may take any time.
    let attempt = service.attempts.fetch_add(1, Ordering::Relaxed) + 1;
    service.turns.room().await;
    attach(service, &identity, &device).await?;
    profiles::note(service, &identity);
    if let Some(asked) = hello.recovery {
        let came = (now, attempt);
        return recovery::admit(service, identity, device, &asked, hello.resume, came).await;
    }
    let start = hello.resume.map_or(Start::Unconfirmed, Start::Resume);
    let session = Session::new(identity.user, device, identity.expires, now);
    Ok(Data::new(session.issued(identity.issued).with_role(identity.role).starting(start)))
}

/// Whose a token is.
pub(crate) fn verify(service: &Service, token: &str, now: Millis) -> Result<Identity, Refusal> {
    let identity = service.auth.verify(token, now).map_err(untrusted)?;
    match service.settings.system_user == Some(identity.user.clone()) {
        true => Err(Refusal::unauthorized("the user is reserved for the system")),
        false => Ok(identity),
    }
}

/// Notes in the store that a device is here, which checks that neither it nor the token was
/// revoked.
pub(crate) async fn attach(
    service: &Service,
    identity: &Identity,
    device: &DeviceId,
) -> Result<(), Refusal> {
    let limits = &service.settings.limits;
    let attach = AttachDevice {
        user: identity.user.clone(),
        device: device.clone(),
        token_issued: identity.issued,
        now: clock::now(),
        devices_max: limits.devices_per_user_max,
        idle_expiry_ms: limits.device_idle_expiry_ms(),
    };
    service.store.attach_device(attach).await.map_err(|error| of_store(&error))
}

/// Has a session prove again that it would be let in.
///
/// # Errors
/// [`Refusal`] as when it was let in.
pub(crate) async fn prove(
    service: &Service,
    session: &Session,
    user: &UserId,
) -> Result<(), Refusal> {
    let (user, issued, expires) = (user.clone(), session.token_issued(), None);
    let identity = Identity { user, issued, expires, role: session.role(), name: None };
    attach(service, &identity, session.device()).await
}

/// What a client is told about a token that is not accepted.
fn untrusted(error: AuthError) -> Refusal {
    if error.expired {
        Refusal::TokenExpired
    } else if error.undecided {
        Refusal::unavailable()
    } else {
        Refusal::Unauthorized { reason: error.reason }
    }
}

/// The token of an `Authorization: Bearer` header.
fn bearer(request: &ConnectRequest) -> Option<String> {
    let header = request.headers().get("authorization")?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

fn connect_error(refusal: &Refusal) -> ConnectError {
    let data = RawValue::from_string(records::reason(refusal)).ok();
    ConnectError { message: refusal.name().to_owned(), data }
}

/// Takes over a socket whose CONNECT was answered.
pub(crate) fn connected(service: &Arc<Service>, socket: &Socket) {
    if let Some(TurnedAway(refusal)) = socket.data() {
        if let Some(io) = service.io() {
            Ending::Resume(refusal.clone()).carry_out(io, socket.key());
        } else {
            socket.close_with(parlor_gateway::CloseReason::ForcedClose);
        }
        return;
    }
    let Some(session) = socket.data_arc::<Session>() else { return };
    session.connected(socket.key());
    service.counters().connects.add(1);
    if session.user().is_some() {
        welcome(service, socket, &session);
    }
}

/// Lists a session whose user is known, greets it and brings it up to date.
pub(crate) fn welcome(service: &Arc<Service>, socket: &Socket, session: &Arc<Session>) {
    let Some(user) = session.user() else { return };
    // Before it is listed: what it takes the place of counts no more among the user's connections.
    let recovers = matches!(session.start(), Start::Recover(_));
    if recovers && !take_over(service, socket, session) {
        return;
    }
    // Before anything is read: an entry that was not broadcast because nobody was listed here is
    // then visible to the catch-up's first read, however late its batch comes to this shard.
    let stalest = service.sessions().add(session, service.settings.connections_per_user_max());
    service.seated(user, clock::now());
    if let Some(stalest) = stalest {
        service.counters().replaced.add(1);
        service.end(&stalest, Ending::Replaced);
    }
    let sessions = service.sessions();
    if sessions.was_revoked(session) || sessions.was_token_revoked(session) {
        service.end(session, Ending::Revoked);
        return;
    }
    if let Some(ending) = moderation::suspended_meanwhile(service, session) {
        service.end(session, ending);
        return;
    }
    service.expiry.note(session, clock::now());
    if recovers {
        // Another that recovers the same socket may have been listed meanwhile.
        if !take_over(service, socket, session) {
            return;
        }
    } else if let Err(error) = greet(service, socket, session) {
        tracing::debug!(%error, "connection: not greeted");
        service.end(session, Ending::Resume(Refusal::overloaded()));
        return;
    } else {
        moderation::seat(socket, session);
    }
    let resume = tracing::debug_span!("resume", conn = %socket.id(), %user);
    let task = catch_up::run(Arc::clone(service), socket.clone(), Arc::clone(session));
    service.tasks.spawn(task.instrument(resume));
}

/// Says `ready`.
pub(crate) fn greet(
    service: &Service,
    socket: &Socket,
    session: &Session,
) -> Result<(), EmitError> {
    let Some(user) = session.user() else { return Ok(()) };
    let ready = records::ready(session, user, service.store.epoch(), &service.settings.limits);
    socket.emit_raw("ready", &records::alone(&ready))?;
    tracing::debug!(%user, device = %session.device(), conn = %socket.id(), "connection: ready");
    Ok(())
}

/// Closes the connections on which a recovered socket was before, if the server has not noticed yet
/// that they are gone; or this one, if the client has come once more since: whose store answers last
/// need not be who came last.
fn take_over(service: &Service, socket: &Socket, session: &Arc<Session>) -> bool {
    let (Some(user), Some(io)) = (session.user(), service.io()) else { return true };
    for other in service.sessions().of(user) {
        let is_same = other.key().is_some_and(|key| io.id_of(key) == socket.id());
        if !is_same || Arc::ptr_eq(&other, session) {
            continue;
        }
        if other.attempt() > session.attempt() {
            service.end(session, Ending::TakenOver);
            return false;
        }
        service.end(&other, Ending::TakenOver);
    }
    true
}

/// Forgets a socket that is gone.
pub(crate) fn disconnected(service: &Service, socket: &Socket, reason: &'static str) {
    let Some(session) = socket.data::<Session>() else { return };
    service.unlist(session);
    service.presence.forget(socket.key());
    typing::gone(service, socket.key());
    service.crowd().forget(socket.key());
    if let Some(user) = session.user() {
        let kind = match session.kind {
            Kind::Standard => "standard",
            Kind::Tutorial => "tutorial",
        };
        tracing::debug!(%user, device = %session.device(), kind, reason, "connection: gone");
    }
}
