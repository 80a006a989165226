//! A connection on which a channel is heard, or what channels of a pattern carry.
//!
//! It is by itself, since in a cluster it goes to where the channel's slot is, and is given up when the slot moves:
//! Redis says so, or the map does.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{PushInfo, PushKind, RedisResult, Value};
use tokio::sync::Notify;

use super::links::Links;
use super::slots::{Place, slot};

/// A connection on which something is heard.
pub(super) struct Subscription {
    connection: MultiplexedConnection,
    place: Place,
    slot: u16,
    gone: Arc<Notify>,
}

impl Links {
    /// Has a channel heard: `take` is called with each message, on the connection's own task.
    ///
    /// # Errors
    /// Why it cannot be heard now.
    pub(super) async fn subscribe(
        &self,
        channel: &str,
        take: impl Fn(&[u8]) + Send + Sync + 'static,
    ) -> RedisResult<Subscription> {
        self.hear(self.pub_sub().1, channel, take).await
    }

    /// Has all channels heard whose names a pattern fits, as [`Links::subscribe`]. What is published in a
    /// cluster without shards is heard at each of its nodes.
    ///
    /// # Errors
    /// Why they cannot be heard now.
    pub(super) async fn subscribe_to_all(
        &self,
        pattern: &str,
        take: impl Fn(&[u8]) + Send + Sync + 'static,
    ) -> RedisResult<Subscription> {
        self.hear("PSUBSCRIBE", pattern, take).await
    }

    async fn hear(
        &self,
        command: &str,
        name: &str,
        take: impl Fn(&[u8]) + Send + Sync + 'static,
    ) -> RedisResult<Subscription> {
        let slot = slot(name.as_bytes());
        let place = self.owner(slot).await?;
        let gone = Arc::new(Notify::new());
        let told = Arc::clone(&gone);
        let settings = self.settings().set_push_sender(move |push: PushInfo| {
            match (&push.kind, push.data.as_slice()) {
                (PushKind::Message | PushKind::SMessage, [_, Value::BulkString(message)])
                | (PushKind::PMessage, [_, _, Value::BulkString(message)]) => take(message),
                (PushKind::Disconnection | PushKind::SUnsubscribe | PushKind::Unsubscribe, _) => {
                    told.notify_one();
                }
                _ => {}
            }
            Ok::<(), ()>(())
        });
        let mut connection = self.connect(&place, settings).await?;
        let mut cmd = redis::cmd(command);
        cmd.arg(name);
        connection.send_packed_command(&cmd).await.and_then(Value::extract_error)?;
        Ok(Subscription { connection, place, slot, gone })
    }

    /// Whether a subscription is where its slot is.
    pub(super) fn is_in_place(&self, subscription: &Subscription) -> bool {
        self.has(&subscription.place, subscription.slot)
    }
}

impl Subscription {
    /// Waits until the connection or the subscription is gone. Cancel safe.
    pub(super) async fn gone(&self) {
        self.gone.notified().await;
    }

    /// Whether the server is still there.
    ///
    /// # Errors
    /// Why not.
    pub(super) async fn ping(&mut self) -> RedisResult<()> {
        let answer = self.connection.send_packed_command(&redis::cmd("PING")).await?;
        answer.extract_error().map(drop)
    }
}
