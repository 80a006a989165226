//! What the app's own server does, on behalf of its users or as the system: the rules behind the HTTP
//! API.
//!
//! Each operation reads its fields like an event's payload, but refuses those it does not know;
//! goes through the same store as a user's command; and answers with the same objects. Who may ask
//! for what is decided before it gets here. A user's own rates do not count what is done for them;
//! sizes, rights, blocks and idempotency hold. What is done in nobody's name is done by the
//! configured system user, by the right of the system ([`Authority::System`]).
//!
//! `messages` is what is said and done to what was said, `groups` (with `members` and `invites`) what
//! is done to groups; here is what concerns users alone.

mod groups;
mod invites;
mod members;
mod messages;

use std::sync::Arc;

use parlor_chat::entry::Millis;
use parlor_chat::idempotency;
use parlor_chat::ids::{ClientId, DeviceId, InvalidId, UserId};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::{Authority, Block, Blocked, Revoked, StoreError, Viewer};
use serde_json::value::RawValue;

use crate::blocks;
use crate::closing::Ending;
use crate::fields::{Fields, required};
use crate::nodes::Word;
use crate::service::Service;
use crate::sessions::OfUser;
use crate::{clock, queries, records};

/// How far a time that is named may lie ahead of this clock, in milliseconds.
const NOT_BEFORE_AHEAD_MAX_MS: u64 = 60_000;

/// An answer's JSON, or why there is none.
pub type Answer = Result<String, Refusal>;

/// The app's own server, as the service knows it. Cheap to clone.
///
/// # Cancel safety
/// Every operation: one that is dropped may or may not be carried out; asking again is safe, of a
/// send with its key.
#[derive(Debug, Clone)]
pub struct Backend {
    service: Arc<Service>,
}

impl Service {
    /// Takes the part of the app's own server.
    pub fn backend(self: &Arc<Self>) -> Backend {
        Backend { service: Arc::clone(self) }
    }
}

/// In whose name something is done, and by what right.
#[derive(Debug, Clone)]
struct Actor {
    user: UserId,
    authority: Authority,
}

impl Backend {
    /// Who acts: the user of a field, by their own right; if it is absent, or names it, the system.
    fn actor<const N: usize>(
        &self,
        field: &'static str,
        fields: &Fields<'_, N>,
    ) -> Result<Actor, Refusal> {
        let system = self.service.settings.system_user.as_ref();
        let user = required(field, fields.id(field, UserId::parse)?.or_else(|| system.cloned()))?;
        let authority = match system == Some(&user) {
            true => Authority::System,
            false => Authority::User,
        };
        Ok(Actor { user, authority })
    }

    /// As whom a group is read: as the user of `as`, or if it is absent as the system, which needs no
    /// name for that.
    fn viewer<const N: usize>(&self, fields: &Fields<'_, N>) -> Result<Viewer, Refusal> {
        let named = fields.id("as", UserId::parse)?;
        let named = named.filter(|user| self.service.settings.system_user.as_ref() != Some(user));
        Ok(named.map_or(Viewer::System, Viewer::User))
    }

    /// The idempotency key as it is given, if that is not too old.
    fn key(&self, key: Option<&str>) -> Result<Option<ClientId>, Refusal> {
        let key = key.map(|key| id("Idempotency-Key", ClientId::parse(key))).transpose()?;
        let window_ms = self.service.settings.limits.client_id_window_ms();
        match &key {
            Some(key) if idempotency::is_stale(key, clock::now(), window_ms) => {
                Err(Refusal::StaleClientId)
            }
            _ => Ok(key),
        }
    }

    /// Lists a user's devices.
    ///
    /// # Errors
    /// As `devices`.
    pub async fn devices(&self, user: &str) -> Answer {
        let user = user_id(user)?;
        let devices = self.service.store.devices(user.clone()).await.map_err(failed)?;
        Ok(queries::device_lines(&self.service, &user, &devices, None))
    }

    /// Ends a user's device and closes its connections at once.
    ///
    /// # Errors
    /// As `device_revoke`.
    pub async fn revoke_device(&self, user: &str, device: &str) -> Answer {
        let (user, device) = (user_id(user)?, id("deviceId", DeviceId::parse(device))?);
        self.service.accepts_writes()?;
        let (store, now) = (&self.service.store, clock::now());
        match store.revoke_device(user.clone(), device.clone(), now).await.map_err(failed)? {
            Revoked::NotFound => Err(Refusal::NotFound),
            Revoked::Done => {
                let sessions = self.service.sessions().revoke(&user, &device, clock::now());
                tracing::info!(%user, %device, sessions = sessions.len(), "api: device revoked");
                self.end(&sessions);
                self.service.tell_revoked(&user, &device);
                Ok(records::ok())
            }
        }
    }

    /// Ends all of a user's tokens that were issued before `{notBefore?}`, by default now, and
    /// closes the connections that have one at once.
    ///
    /// # Errors
    /// [`Refusal::InvalidArgument`] when the time lies in the future; or as any write.
    pub async fn revoke_tokens(&self, user: &str, body: Option<&RawValue>) -> Answer {
        let user = user_id(user)?;
        let fields = Fields::exactly(body, ["notBefore"])?;
        let now = clock::now();
        let not_before = fields.number("notBefore", 1)?.map_or(now, Millis);
        if not_before.0 > now.0.saturating_add(NOT_BEFORE_AHEAD_MAX_MS) {
            return Err(Refusal::invalid("notBefore", "must not lie in the future"));
        }
        self.service.accepts_writes()?;
        let holds = self.service.store.revoke_tokens(user.clone(), not_before);
        let holds = holds.await.map_err(failed)?;
        let sessions = self.service.sessions().revoke_tokens(&user, holds, clock::now());
        tracing::info!(%user, sessions = sessions.len(), "api: tokens revoked");
        self.end(&sessions);
        let (user, not_before) = (user.as_str().into(), holds.0);
        self.service.nodes().say(&Word::TokensRevoked { user, not_before });
        Ok(records::ok_with().number("notBefore", holds.0).end())
    }

    /// Keeps `{userId}` from writing to a user.
    ///
    /// # Errors
    /// As `block`.
    pub async fn block(&self, user: &str, body: Option<&RawValue>) -> Answer {
        let fields = Fields::exactly(body, ["userId"])?;
        let other = required("userId", fields.id("userId", UserId::parse)?)?;
        self.change_block(user, other, true).await
    }

    /// Lets somebody write to a user again.
    ///
    /// # Errors
    /// As `unblock`.
    pub async fn unblock(&self, user: &str, other: &str) -> Answer {
        self.change_block(user, user_id(other)?, false).await
    }

    /// Whom a user keeps out.
    ///
    /// # Errors
    /// As `blocked`.
    pub async fn blocks(&self, user: &str) -> Answer {
        let blocks = self.service.store.blocks(user_id(user)?).await.map_err(failed)?;
        Ok(records::blocks(&blocks))
    }

    async fn change_block(&self, user: &str, other: UserId, blocked: bool) -> Answer {
        let user = user_id(user)?;
        if user == other {
            return Err(Refusal::invalid("userId", "must be another user"));
        }
        self.service.accepts_writes()?;
        let changed = self.service.store.block(Block {
            user: user.clone(),
            other: other.clone(),
            blocked,
            now: clock::now(),
            blocks_max: self.service.settings.limits.blocks_per_user_max,
        });
        if changed.await.map_err(failed)? == Blocked::Changed {
            blocks::changed_by(&self.service, &user);
            let said = records::blocked(&other, blocked);
            self.service.tell_user(&user, None, "blocked", &said);
        }
        Ok(records::ok())
    }

    fn end(&self, sessions: &OfUser) {
        sessions.iter().for_each(|session| self.service.end(session, Ending::Revoked));
    }

    /// Counts a refusal among those of the service.
    pub fn refused(&self, refusal: &Refusal) {
        self.service.counters().refused(refusal.code());
        if matches!(refusal, Refusal::ContentRefused { .. }) {
            self.service.counters().moderation.refused_by_rule.add(1);
        }
    }
}

/// What a refusal looks like where it is all there is to say: `{code, error, retryAfterMs?}`.
pub fn refusal_json(refusal: &Refusal) -> String {
    records::reason(refusal)
}

fn user_id(text: &str) -> Result<UserId, Refusal> {
    id("userId", UserId::parse(text))
}

fn id<T>(name: &'static str, parsed: Result<T, InvalidId>) -> Result<T, Refusal> {
    parsed.map_err(|invalid| Refusal::invalid(name, format!("must be {}", invalid.rule)))
}

fn failed(error: StoreError) -> Refusal {
    let refusal = of_store(&error);
    if refusal == Refusal::Internal {
        tracing::error!(%error, "api: the store failed");
    }
    refusal
}
