//! Makes this server a member of the app's cluster of Socket.IO servers, if one is configured.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

#[cfg(feature = "postgres")]
use parlor_bus::redis::{Engine, adapter};
#[cfg(feature = "postgres")]
use parlor_gateway::adapter::{self as said, Answer, Dialect, Message};
#[cfg(feature = "postgres")]
use parlor_gateway::{ID_LENGTH, RoomChange};
#[cfg(feature = "postgres")]
use parlor_service::Answering;
use parlor_service::Service;

use crate::config::Config;
#[cfg(feature = "postgres")]
use crate::config::{AdapterKind, Secret, SubscriptionMode};
#[cfg(feature = "postgres")]
use crate::exit::Code;
use crate::exit::Failure;

/// A member until this is dropped.
pub(super) struct Member {
    /// Whether there is a connection now.
    pub(super) is_up: Arc<AtomicBool>,
    /// How many answers were not published.
    pub(super) dropped: Arc<AtomicU64>,
    #[cfg(feature = "postgres")]
    _adapter: adapter::Adapter,
}

/// Is a member from now on, whose sockets are the service's.
///
/// # Errors
/// A [`Failure`] that says what to do.
#[cfg(feature = "postgres")]
pub(super) fn join(config: &Config, service: &Arc<Service>) -> Result<Option<Member>, Failure> {
    let Some((engine, kind)) = engine(config) else { return Ok(None) };
    let (hearer, uid) = (Arc::downgrade(service), Arc::<str>::from(adapter::member_name()));
    let take = move |heard: adapter::Heard<'_>, answers: &adapter::Answers| {
        let Some(service) = hearer.upgrade() else { return };
        match read(heard, kind) {
            Ok(message) => {
                let answer = answering(&message, kind, &uid, answers);
                service.hear_member(message, &answer);
            }
            Err(error) => {
                service.member_not_understood();
                tracing::debug!(%error, "what a member of the cluster says cannot be read");
                if let adapter::Heard::Told(bytes) = heard
                    && let Some(asked) = said::refused(bytes, dialect(kind))
                {
                    let (member, request) = (&asked.from, &asked.request);
                    publish(asked.answer, kind, &uid, "/", request, member, answers);
                }
            }
        }
    };
    let limits = adapter::Limits {
        answers_max: super::settings::size(config.adapter.answers_max),
        answers_bytes_max: super::settings::size(config.adapter.answers_bytes_max),
    };
    let adapter = adapter::Adapter::join(engine, kind, &config.adapter.prefix, limits, take);
    let adapter = adapter.map_err(|error| {
        let why = super::with_sources(&error);
        let text =
            format!("no member of your Socket.IO servers' cluster: {why}; look at [adapter]");
        Failure::new(Code::Usage, text)
    })?;
    if let Some(rooms) = adapter.rooms() {
        tell_rooms(service, config.adapter.subscription_mode, rooms.clone());
    }
    Ok(Some(Member { is_up: adapter.is_up(), dropped: adapter.dropped(), _adapter: adapter }))
}

#[cfg(feature = "postgres")]
fn engine(config: &Config) -> Option<(Engine, adapter::Kind)> {
    let text = |url: &Secret| String::from_utf8_lossy(url.expose()).into_owned();
    let (one, several) = (&config.adapter.url, &config.adapter.urls);
    let engine = match one {
        Some(url) => Engine::Server { url: text(url) },
        None if several.is_empty() => return None,
        None => Engine::Cluster { urls: several.iter().map(text).collect() },
    };
    let kind = match config.adapter.kind {
        AdapterKind::Classic => adapter::Kind::Classic,
        AdapterKind::Sharded => adapter::Kind::Sharded,
    };
    Some((engine, kind))
}

/// Has what is said to one room heard, of those that have a channel of their own.
#[cfg(feature = "postgres")]
fn tell_rooms(service: &Service, mode: SubscriptionMode, rooms: adapter::Rooms) {
    let is_private = |change: &RoomChange<'_>| {
        // The adapter takes any name that is as long for a socket's.
        change.is_own || change.room.encode_utf16().count() == ID_LENGTH
    };
    if mode == SubscriptionMode::Static {
        return;
    }
    service.tell_rooms(move |change| match (mode, change.is_there) {
        (SubscriptionMode::Dynamic, _) if is_private(&change) => {}
        (_, true) => rooms.opened(change.room),
        (_, false) => rooms.ended(change.room),
    });
}

#[cfg(feature = "postgres")]
fn read(
    heard: adapter::Heard<'_>,
    kind: adapter::Kind,
) -> Result<Message, parlor_gateway::PacketError> {
    let limits = &said::LIMITS;
    match (heard, kind) {
        (adapter::Heard::Emitted(message), _) => said::emitted(message, limits),
        (adapter::Heard::Told(message), adapter::Kind::Classic) => {
            said::requested(message, "/", limits)
        }
        (adapter::Heard::Told(message), adapter::Kind::Sharded) => said::told(message, limits),
    }
}

/// Publishes the answers to one message.
#[cfg(feature = "postgres")]
fn answering(
    message: &Message,
    kind: adapter::Kind,
    uid: &Arc<str>,
    answers: &adapter::Answers,
) -> Answering {
    let (member, namespace) = (message.from.clone(), message.namespace.clone());
    let (uid, answers, request) = (Arc::clone(uid), answers.clone(), message.request.clone());
    Arc::new(move |answer| {
        if let Some(request) = &request {
            publish(answer, kind, &uid, &namespace, request, &member, &answers);
        }
    })
}

#[cfg(feature = "postgres")]
fn publish(
    answer: Answer<'_>,
    kind: adapter::Kind,
    uid: &str,
    namespace: &str,
    request: &str,
    member: &str,
    answers: &adapter::Answers,
) {
    let mut bytes = Vec::new();
    match answer.encode(dialect(kind), uid, namespace, request, &mut bytes) {
        Ok(()) => answers.publish(member, bytes),
        Err(error) => tracing::warn!(%error, "an answer to a member of the cluster is not written"),
    }
}

#[cfg(feature = "postgres")]
fn dialect(kind: adapter::Kind) -> Dialect {
    match kind {
        adapter::Kind::Classic => Dialect::Classic,
        adapter::Kind::Sharded => Dialect::Sharded,
    }
}

/// There is none without what speaks to Redis.
#[cfg(not(feature = "postgres"))]
pub(super) fn join(_: &Config, _: &Arc<Service>) -> Result<Option<Member>, Failure> {
    Ok(None)
}
