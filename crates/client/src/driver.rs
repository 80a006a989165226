//! The task that keeps the client connected: one connection after the other.
//!
//! When to try again is decided here: by the server's advice, or else by delays that double. A
//! connection that ends is thrown away whole, so nothing that was to be said on an old one is ever
//! said on a later one.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Uri;
use rustls::ClientConfig;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::{sleep, sleep_until, timeout};
use tracing::debug;

use crate::backoff::Backoff;
use crate::error::{Error, Refusal};
use crate::link::{Heard, Link, LinkError};
use crate::protocol::{Closing, Ready, VERSION};
use crate::shared::Shared;
use crate::status::{Reason, State, Status};
use crate::token::{TokenReason, Tokens, renew_delay};

/// How long an attempt may take until the server says `ready`.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(20);
const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);
/// Delays between attempts start anew after a connection was live for so long.
const STABLE: Duration = Duration::from_secs(10);
/// Who had too many connections open waits for so long, so as not to push out another at once.
const CROWDED_DELAY: Duration = Duration::from_secs(30);
/// How many tokens in a row may be refused before the client gives up.
const EXPIRED_TRIES_MAX: u32 = 3;
const UNAUTHORIZED_TRIES_MAX: u32 = 1;

/// How to connect.
#[derive(Debug)]
pub(crate) struct Connecting {
    pub(crate) url: Uri,
    /// Whose certificates are believed, where the address asks for TLS.
    pub(crate) trust: Option<Arc<ClientConfig>>,
    pub(crate) tokens: Tokens,
    pub(crate) device: Option<String>,
    pub(crate) first_delay: Duration,
    pub(crate) max_delay: Duration,
}

/// How a connection, or an attempt, ended.
enum End {
    /// It is tried again.
    Lost(Reason, Option<Duration>),
    /// The server said why.
    Refused(Refusal),
    /// It is not tried again.
    Closed(Reason),
}

impl From<LinkError> for End {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Busy(advised) => {
                Self::Lost(Reason::Network("the server is too busy now".to_owned()), advised)
            }
            LinkError::Certificate(why) => Self::Lost(Reason::Certificate(why), None),
            LinkError::Broken(what) => Self::Lost(Reason::Network(what), None),
        }
    }
}

/// Keeps the client connected until it is closed.
pub(crate) async fn drive(shared: Arc<Shared>, connecting: Connecting) {
    let Connecting { first_delay, max_delay, .. } = connecting;
    let mut driver = Driver {
        shared: Arc::clone(&shared),
        connecting,
        token_reason: TokenReason::Connect,
        tokens_refused: 0,
    };
    let mut backoff = Backoff::new(first_delay, max_delay);
    let mut before = None;
    while !shared.is_closed() {
        shared.look().set_status(Status::new(State::Connecting, before.take()));
        let end = tokio::select! {
            end = driver.attempt() => end,
            () = shared.until_closed() => return,
        };
        let live_for = driver.live_for();
        if live_for.is_some_and(|live_for| live_for >= STABLE) {
            backoff.succeeded();
        }
        shared.act(|core| core.lost());
        let (reason, advised) = match end {
            End::Lost(reason, advised) => (reason, advised),
            End::Refused(refusal) => match driver.is_hopeless(&refusal) {
                Ok(advised) => (Reason::Refused(refusal), advised),
                Err(()) => {
                    shared.close(Reason::Refused(refusal));
                    return;
                }
            },
            End::Closed(reason) => {
                shared.close(reason);
                return;
            }
        };
        let delay = backoff.next(advised);
        debug!(%reason, ?delay, "offline");
        let status =
            Status { retry_in: Some(delay), ..Status::new(State::Offline, Some(reason.clone())) };
        shared.look().set_status(status);
        before = Some(reason);
        tokio::select! {
            () = sleep(delay) => {}
            () = shared.hurry.notified(), if advised.is_none() => {}
            () = shared.until_closed() => return,
        }
    }
}

struct Driver {
    shared: Arc<Shared>,
    connecting: Connecting,
    token_reason: TokenReason,
    tokens_refused: u32,
}

type Renewing = Pin<Box<dyn Future<Output = Option<Duration>> + Send>>;

impl Driver {
    async fn token(&self) -> Result<String, End> {
        let getting = self.connecting.tokens.get(self.token_reason);
        match timeout(TOKEN_TIMEOUT, getting).await {
            Ok(Ok(token)) => Ok(token),
            Ok(Err(error)) => Err(End::Lost(Reason::NoToken(error.to_string()), None)),
            Err(_) => Err(End::Lost(Reason::NoToken("none came in time".to_owned()), None)),
        }
    }

    /// Connects, and serves the connection until it ends.
    async fn attempt(&mut self) -> End {
        let token = match self.token().await {
            Ok(token) => token,
            Err(end) => return end,
        };
        let auth = self.shared.look().auth(&token, self.connecting.device.as_deref());
        let greeting = timeout(HANDSHAKE_TIMEOUT, async {
            let Connecting { url, trust, .. } = &self.connecting;
            let mut link = Link::open(url, trust.as_ref(), &auth).await?;
            let ready = greeted(&mut link).await?;
            Ok((link, ready))
        });
        let (mut link, ready) = match greeting.await {
            Ok(Ok(greeted)) => greeted,
            Ok(Err(end)) => return end,
            Err(_) => return End::Lost(Reason::TimedOut, None),
        };
        if ready.version != VERSION {
            return End::Closed(Reason::Version(ready.version));
        }
        let is_another = ready.user_id != self.shared.look().me;
        if is_another {
            return End::Closed(Reason::AnotherUser(ready.user_id));
        }
        self.tokens_refused = 0;
        self.token_reason = TokenReason::Connect;
        self.shared.act(|core| core.greeted(ready));
        let end = self.serve(&mut link, &token).await;
        link.close().await;
        end
    }

    async fn serve(&mut self, link: &mut Link, token: &str) -> End {
        let mut closing = None;
        let mut renewing = self.renewing(token.to_owned());
        loop {
            while let Some(said) = { self.shared.look().take_said() } {
                if let Err(error) = link.say(&said).await {
                    return error.into();
                }
            }
            let due = {
                let mut core = self.shared.look();
                if let Some(reason) = core.take_end() {
                    return match reason {
                        Reason::Refused(refusal) => End::Refused(refusal),
                        reason => End::Lost(reason, None),
                    };
                }
                core.next_due().unwrap_or_else(|| Instant::now() + Duration::from_secs(60))
            };
            tokio::select! {
                biased;
                () = self.shared.woken() => {}
                heard = link.next() => match heard {
                    Ok(Heard::Event(name, value)) if name == "closing" => {
                        closing = serde_json::from_value::<Closing>(value).ok().map(Refusal::from);
                    }
                    Ok(Heard::Event(name, value)) => self.shared.act(|core| core.heard(&name, value)),
                    Ok(Heard::Ack(id, value)) => self.shared.act(|core| core.answered(id, value)),
                    Ok(Heard::Disconnected | Heard::ConnectRefused(_)) => {
                        let ended = || Reason::Network("the server ended the connection".to_owned());
                        return closing.map_or_else(|| End::Lost(ended(), None), End::Refused);
                    }
                    Ok(Heard::Connected) => {}
                    Err(error) => return closing.map_or_else(|| error.into(), End::Refused),
                },
                () = sleep_until(due.into()) => self.shared.act(|core| core.due(Instant::now())),
                again = &mut renewing => {
                    // Once it is renewed the next renewal begins; when that fails for good, the server
                    // ends the connection, and a new token is asked for then.
                    renewing = match again {
                        Some(_) => self.renewing_later(again),
                        None => Box::pin(std::future::pending()),
                    };
                }
            }
        }
    }

    fn live_for(&self) -> Option<Duration> {
        self.shared.look().live_for()
    }

    /// Gives the connection new tokens before the old one ends. Resolves to how long the new one is good
    /// for, or `None` if there is none to be had.
    fn renewing(&self, token: String) -> Renewing {
        if !self.connecting.tokens.may_change() {
            return Box::pin(std::future::pending());
        }
        let delay = renew_delay(&token, self.shared.look().clock.now_ms());
        self.renewing_later(delay)
    }

    fn renewing_later(&self, delay: Option<Duration>) -> Renewing {
        let Some(delay) = delay else { return Box::pin(std::future::pending()) };
        let (shared, tokens) = (Arc::clone(&self.shared), self.connecting.tokens.clone());
        Box::pin(async move {
            sleep(delay).await;
            renew(&shared, &tokens).await
        })
    }

    /// How long to wait before another try, or that there is no use in it.
    fn is_hopeless(&mut self, refusal: &Refusal) -> Result<Option<Duration>, ()> {
        match refusal.code.as_str() {
            code @ ("token_expired" | "unauthorized") => {
                self.tokens_refused += 1;
                self.token_reason = TokenReason::Expired;
                let is_expired = code == "token_expired";
                let tries_max = if is_expired { EXPIRED_TRIES_MAX } else { UNAUTHORIZED_TRIES_MAX };
                let may_try =
                    self.connecting.tokens.may_change() && self.tokens_refused <= tries_max;
                may_try.then_some(None).ok_or(())
            }
            "too_many_connections" => Ok(Some(CROWDED_DELAY)),
            // It ends connections, too, that are good but for what went wrong at the server.
            "internal" => Ok(None),
            _ => refusal.retry_after.map(Some).ok_or(()),
        }
    }
}

/// Waits for `ready`.
async fn greeted(link: &mut Link) -> Result<Ready, End> {
    let mut closing = None;
    loop {
        match link.next().await {
            Ok(Heard::ConnectRefused(said)) => return Err(End::Refused(said.into())),
            Ok(Heard::Event(name, value)) if name == "closing" => {
                closing = serde_json::from_value::<Closing>(value).ok().map(Refusal::from);
            }
            Ok(Heard::Event(name, value)) if name == "ready" => {
                let not_understood =
                    |_| End::Lost(Reason::Network("`ready` is not understood".to_owned()), None);
                return serde_json::from_value(value).map_err(not_understood);
            }
            Ok(Heard::Disconnected) => {
                let ended = || Reason::Network("the server ended the connection".to_owned());
                return Err(closing.map_or_else(|| End::Lost(ended(), None), End::Refused));
            }
            Ok(_) => {}
            Err(error) => return Err(closing.map_or_else(|| error.into(), End::Refused)),
        }
    }
}

/// Renews the token. Resolves to when that is to be done again.
async fn renew(shared: &Shared, tokens: &Tokens) -> Option<Duration> {
    let mut pace = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
    loop {
        let advised = match timeout(TOKEN_TIMEOUT, tokens.get(TokenReason::Renew)).await {
            Ok(Ok(token)) => match ask(shared, "renew", json!({ "token": token })).await {
                Ok(_) => return renew_delay(&token, shared.look().clock.now_ms()),
                Err(Error::Busy(refusal)) => refusal.retry_after,
                Err(_) => return None,
            },
            Ok(Err(_)) | Err(_) => None,
        };
        sleep(pace.next(advised)).await;
    }
}

/// Asks the server once.
pub(crate) async fn ask(shared: &Shared, command: &str, payload: Value) -> Result<Value, Error> {
    let (caller, answer) = oneshot::channel();
    shared.act(|core| core.ask_for(command, payload, caller));
    answer.await.unwrap_or(Err(Error::Disconnected))
}
