//! A connection on which channels are heard.
//!
//! It is by itself, since in a cluster it goes to where the channel's slot is, and is given up when the slot moves:
//! Redis says so, or the map does.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{PushInfo, PushKind, RedisResult, Value};
use tokio::sync::Notify;

use super::links::Links;
use super::slots::{Place, slot};

/// How a message was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// By the channel's name.
    Name,
    /// By a pattern.
    Pattern,
}

/// What a connection tells by itself.
#[derive(Debug, Clone, Copy)]
pub(super) enum Told<'a> {
    /// A message.
    Message(By, &'a [u8]),
    /// A channel is not heard any more, be it asked for or not.
    Left(&'a [u8]),
    /// Nothing more will be told.
    Gone,
}

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
        let channels = [(self.pub_sub().1, channel.to_owned())];
        self.hear(&channels, move |_, message| take(message)).await
    }

    /// Has channels heard, each by the word for it, which may take its name for a pattern. They are where the
    /// first one is; what is published in a cluster without shards is heard at each of its nodes.
    ///
    /// # Errors
    /// Why they cannot be heard now.
    pub(super) async fn hear(
        &self,
        channels: &[(&str, String)],
        take: impl Fn(By, &[u8]) + Send + Sync + 'static,
    ) -> RedisResult<Subscription> {
        let slot = slot(channels.first().map_or(&[], |(_, name)| name.as_bytes()));
        let place = self.owner(slot).await?;
        let gone = Arc::new(Notify::new());
        let told = Arc::clone(&gone);
        let mut connection = self
            .listen(&place, move |it| match it {
                Told::Message(by, message) => take(by, message),
                Told::Left(_) | Told::Gone => told.notify_one(),
            })
            .await?;
        for (command, name) in channels {
            let mut cmd = redis::cmd(command);
            cmd.arg(name);
            connection.send_packed_command(&cmd).await.and_then(Value::extract_error)?;
        }
        Ok(Subscription { connection, place, slot, gone })
    }

    /// Connects to a node for what it tells by itself: `tell` is called on the connection's own task.
    ///
    /// # Errors
    /// Why that is not possible now.
    pub(super) async fn listen(
        &self,
        place: &Place,
        tell: impl Fn(Told<'_>) + Send + Sync + 'static,
    ) -> RedisResult<MultiplexedConnection> {
        let settings = self.settings().set_push_sender(move |push: PushInfo| {
            match (&push.kind, push.data.as_slice()) {
                (PushKind::Message | PushKind::SMessage, [_, Value::BulkString(message)]) => {
                    tell(Told::Message(By::Name, message));
                }
                (PushKind::PMessage, [_, _, Value::BulkString(message)]) => {
                    tell(Told::Message(By::Pattern, message));
                }
                (PushKind::SUnsubscribe | PushKind::Unsubscribe, [Value::BulkString(name), ..]) => {
                    tell(Told::Left(name));
                }
                (PushKind::Disconnection | PushKind::SUnsubscribe | PushKind::Unsubscribe, _) => {
                    tell(Told::Gone);
                }
                _ => {}
            }
            Ok::<(), ()>(())
        });
        self.connect(place, settings).await
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
