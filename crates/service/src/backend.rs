//! What the app's own server does on behalf of its users: the rules behind the HTTP API.
//!
//! Each operation reads its fields like an event's payload, but refuses those it does not know;
//! goes through the same store as a user's command; and answers with the same objects. Who may ask
//! for what is decided before it gets here. A user's own rates do not count what is done for them;
//! sizes, blocks and idempotency hold.

use std::sync::Arc;

use parlor_chat::entry::Millis;
use parlor_chat::idempotency;
use parlor_chat::ids::{ClientId, ConversationId, DeviceId, GroupId, InvalidId, UserId};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::{
    Append, Block, Blocked, HistoryQuery, Origin, Recipient, Revoked, StoreError,
};
use serde_json::value::RawValue;

use crate::blocks;
use crate::closing::Ending;
use crate::delivery::{NAMESPACE, room};
use crate::fields::{Fields, required};
use crate::receipts::is_a_member;
use crate::service::Service;
use crate::session::Kind;
use crate::sessions::OfUser;
use crate::{clock, commands, queries, records};

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

impl Backend {
    /// Sends `{from?, to or groupId, content}` as that user, or as the system if one is configured. All
    /// of the user's own devices hear it too. Under the same `key` it is kept once.
    ///
    /// # Errors
    /// As `private_message`, but for rates.
    pub async fn send(&self, body: Option<&RawValue>, key: Option<&str>) -> Answer {
        let append = self.wish(body, key)?;
        let appended = self.service.store.append(append).await.map_err(failed)?;
        let counters = self.service.counters();
        if appended.repeated {
            counters.sent_again.add(1)
        } else {
            counters.sent.add(1)
        }
        Ok(records::sent(&appended))
    }

    fn wish(&self, body: Option<&RawValue>, key: Option<&str>) -> Result<Append, Refusal> {
        let settings = &self.service.settings;
        let fields = Fields::exactly(body, ["from", "to", "groupId", "content"])?;
        let from = fields.id("from", UserId::parse)?.or_else(|| settings.system_user.clone());
        let from = required("from", from)?;
        let to = match fields.id("groupId", GroupId::parse)? {
            Some(group) => Recipient::Group(group),
            None => Recipient::User(required("to", fields.id("to", UserId::parse)?)?),
        };
        let content = required("content", fields.raw("content"))?;
        let content = commands::checked("content", content, &settings.limits)?;
        let key = key.map(|key| id("Idempotency-Key", ClientId::parse(key))).transpose()?;
        let now = clock::now();
        let window_ms = settings.limits.client_id_window_ms();
        if key.as_ref().is_some_and(|key| idempotency::is_stale(key, now, window_ms)) {
            return Err(Refusal::StaleClientId);
        }
        self.service.accepts_writes()?;
        let client_id = key.as_ref().map(ClientId::of_backend);
        Ok(Append { from, to, client_id, content, now, origin: Origin::default() })
    }

    /// Reads `{as?, before?, after?, limit?}` of a conversation, as the member that is named, else
    /// as the first of its members; of a group one has to be named.
    ///
    /// # Errors
    /// As `history`.
    pub async fn history(&self, conversation: &str, query: Option<&RawValue>) -> Answer {
        let conversation = id("conversationId", ConversationId::parse(conversation))?;
        let fields = Fields::exactly(query, ["as", "before", "after", "limit"])?;
        let limits = &self.service.settings.limits;
        let range = commands::range(&fields)?;
        let limit =
            commands::limit(&fields, limits.history_limit_default, limits.history_limit_max)?;
        let user = match (fields.id("as", UserId::parse)?, conversation.direct_members()) {
            (Some(user), _) => user,
            (None, Some((low, _))) => low,
            (None, None) => return Err(Refusal::invalid("as", "is required for a group")),
        };
        is_a_member(&user, &conversation)?;
        let asked = HistoryQuery { user: user.clone(), conversation, range, limit };
        let page = self.service.store.history(asked).await.map_err(failed)?;
        Ok(records::history(&page, &user))
    }

    /// Lists `{cursor?, limit?}` of a user's conversations.
    ///
    /// # Errors
    /// As `conversations`.
    pub async fn conversations(&self, user: &str, query: Option<&RawValue>) -> Answer {
        let user = user_id(user)?;
        Fields::exactly(query, ["cursor", "limit"])?;
        let asked = commands::conversations(query, &self.service.settings.limits)?;
        let page = self.service.store.conversations(user.clone(), asked.cursor, asked.limit);
        // What the user has set for them is the user's own business.
        Ok(records::conversations(&page.await.map_err(failed)?, &[], &user))
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
            let Some(io) = self.service.io() else { return Ok(records::ok()) };
            let said = records::alone(&records::blocked(&other, blocked));
            let devices = io.of(NAMESPACE).to(room(Kind::Standard, &user));
            if let Err(error) = devices.emit_raw("blocked", &said) {
                tracing::debug!(%error, "publish: a block was not told");
            }
        }
        Ok(records::ok())
    }

    fn end(&self, sessions: &OfUser) {
        sessions.iter().for_each(|session| self.service.end(session, Ending::Revoked));
    }

    /// Counts a refusal among those of the service.
    pub fn refused(&self, refusal: &Refusal) {
        self.service.counters().refused(refusal.code());
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
