//! Hears what programs of the app emit to Socket.IO rooms over Redis.
//!
//! `@socket.io/redis-emitter`, and Socket.IO servers with the classic `@socket.io/redis-adapter`, publish on
//! `<prefix>#<namespace>#`, or for one room on `<prefix>#<namespace>#<room>#`. All of it is in passing: what
//! is published while there is no connection is heard by nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::{CancellationToken, DropGuard};

use super::links::Links;
use super::subscription::Subscription;
use super::{Config, Engine, OpenError};
use crate::backoff::Backoff;

/// The server is asked whether it is there so often.
const PING_EVERY: Duration = Duration::from_secs(5);

/// Hears emitters until it is dropped.
#[derive(Debug)]
pub struct Emitters {
    is_up: Arc<AtomicBool>,
    _stop: DropGuard,
}

impl Emitters {
    /// Hears what is emitted in the namespace `/` under a prefix: `take` is called with each message, on the
    /// connection's own task, and must not block. A Redis that is out of reach is waited for.
    ///
    /// # Errors
    /// [`OpenError`] when an address is none.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn hear(
        engine: Engine,
        prefix: &str,
        take: impl Fn(&[u8]) + Send + Sync + 'static,
    ) -> Result<Self, OpenError> {
        let config = Config::new(engine);
        let links = Links::new(&config)?;
        let (stop, is_up) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)));
        let (pattern, told) = (format!("{}#/#*", escaped(prefix)), Arc::clone(&is_up));
        let (ended, take) = (stop.clone(), Arc::new(take));
        tokio::spawn(async move {
            let mut backoff = Backoff::new(config.reconnect_delay_max);
            let hear_on = async {
                loop {
                    let take = Arc::clone(&take);
                    let heard = async {
                        links.look_anew().await?;
                        links.subscribe_to_all(&pattern, move |message| take(message)).await
                    };
                    match heard.await {
                        Ok(subscription) => {
                            backoff.reset();
                            told.store(true, Ordering::Relaxed);
                            tracing::info!(pattern, "emitters are heard");
                            stay(&links, subscription).await;
                            told.store(false, Ordering::Relaxed);
                            tracing::warn!("emitters are not heard; Redis is connected to anew");
                        }
                        Err(error) => tracing::debug!(%error, "emitters cannot be heard"),
                    }
                    tokio::time::sleep(backoff.delay()).await;
                }
            };
            ended.run_until_cancelled(hear_on).await;
        });
        Ok(Self { is_up, _stop: stop.drop_guard() })
    }

    /// Says at any time whether they are heard.
    pub fn is_up(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_up)
    }
}

/// Returns when a subscription is none any more.
async fn stay(links: &Links, mut subscription: Subscription) {
    loop {
        tokio::select! {
            () = subscription.gone() => return,
            () = tokio::time::sleep(PING_EVERY) => {}
        }
        if subscription.ping().await.is_err() || !links.is_in_place(&subscription) {
            return;
        }
    }
}

/// A text that a pattern of Redis takes as it is.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, '*' | '?' | '[' | ']' | '\\' | '^') {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_no_pattern() {
        assert_eq!(escaped("socket.io"), "socket.io");
        assert_eq!(escaped("a*[b]\\"), "a\\*\\[b\\]\\\\");
    }
}
