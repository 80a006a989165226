//! Hearing a topic, for ever: one task and one connection for each.
//!
//! Messages are handed to the ear on the connection's own task, so none waits here. This task sees to it that
//! there is a connection, and where the channel is; after each interruption the ear is told that it may have
//! missed something.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parlor_chat::bus::Topic;
use redis::RedisResult;

use super::Shared;
use super::subscription::Subscription;
use crate::backoff::Backoff;

/// The server is asked whether it is there so many times while a lease lasts.
const PINGS_PER_LEASE: u32 = 9;

impl Shared {
    /// Connects to where a topic is heard.
    ///
    /// # Errors
    /// Why it cannot be heard now.
    pub(super) async fn subscribe(self: &Arc<Self>, topic: Topic) -> RedisResult<Subscription> {
        let ears = Arc::downgrade(self);
        let take = move |message: &[u8]| {
            if let Some(shared) = ears.upgrade() {
                shared.ears.take(topic, message);
            }
        };
        self.links.subscribe(&self.names.channel(topic), take).await
    }

    /// Hears a topic until the node goes, from a subscription on, if there is one already.
    pub(super) async fn hear(self: Arc<Self>, topic: Topic, subscription: Option<Subscription>) {
        let stop = self.stop.clone();
        stop.run_until_cancelled(self.hear_on(topic, subscription)).await;
        self.can_hear[topic as usize].store(false, Ordering::Relaxed);
    }

    async fn hear_on(self: &Arc<Self>, topic: Topic, mut subscription: Option<Subscription>) {
        let can_hear = &self.can_hear[topic as usize];
        loop {
            // The old connection is closed first: nothing is heard twice.
            if let Some(mut subscription) = subscription.take() {
                self.stay(&mut subscription).await;
            }
            can_hear.store(false, Ordering::Relaxed);
            subscription = Some(self.subscribe_again(topic).await);
            can_hear.store(true, Ordering::Relaxed);
            self.ears.interrupted(topic);
        }
    }

    async fn subscribe_again(self: &Arc<Self>, topic: Topic) -> Subscription {
        let mut backoff = Backoff::new(self.config.reconnect_delay_max);
        loop {
            tokio::time::sleep(backoff.delay()).await;
            let found = match self.links.look_anew().await {
                Ok(()) => self.subscribe(topic).await,
                Err(error) => Err(error),
            };
            match found {
                Ok(subscription) => return subscription,
                Err(error) => {
                    tracing::debug!(topic = topic.as_str(), %error, "a topic cannot be heard");
                }
            }
        }
    }

    /// Returns when a subscription is none any more.
    async fn stay(&self, subscription: &mut Subscription) {
        let pause = (self.config.lease / PINGS_PER_LEASE).max(Duration::from_millis(10));
        loop {
            tokio::select! {
                () = subscription.gone() => return,
                () = tokio::time::sleep(pause) => {}
            }
            if subscription.ping().await.is_err() || !self.links.is_in_place(subscription) {
                return;
            }
        }
    }
}
