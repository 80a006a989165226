//! Is a member of a cluster of Socket.IO servers: hears what its members and programs beside it say over Redis,
//! and answers them.
//!
//! With the classic `@socket.io/redis-adapter`, and `@socket.io/redis-emitter`, what is emitted to rooms is
//! published on `<prefix>#<namespace>#`, or for one room on `<prefix>#<namespace>#<room>#`, requests on
//! `<prefix>-request#<namespace>#`, and answers on `<prefix>-response#<namespace>#<uid>#`. With the sharded one
//! all is published on `<prefix>#<namespace>#`, and answers on `<prefix>#<namespace>#<uid>#`, in shards; unless its
//! `subscriptionMode` is static, what is emitted to one room is on `<prefix>#<namespace>#<room>#` instead. Whoever asks
//! counts who is subscribed to the channel of requests, and waits for as many answers. All of it is in
//! passing: what is published while there is no connection is heard by nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use rand::Rng;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::channels::{Channels, Hearing};
use super::links::{Command, Links};
use super::subscription::{By, Subscription};
use super::{Config, Engine, OpenError};
use crate::backoff::Backoff;

/// The server is asked whether it is there so often.
const PING_EVERY: Duration = Duration::from_secs(5);

/// Answers that are published together.
const ROUND_MAX: usize = 512;

/// Which adapter the members have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The classic one.
    Classic,
    /// The sharded one.
    Sharded,
}

/// What may wait to be published; what comes above is dropped.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Answers, at least one.
    pub answers_max: usize,
    /// Bytes of them.
    pub answers_bytes_max: usize,
}

/// A message as it was heard.
#[derive(Debug, Clone, Copy)]
pub enum Heard<'a> {
    /// An event for rooms, of the classic adapter.
    Emitted(&'a [u8]),
    /// A request, or anything of the sharded adapter.
    Told(&'a [u8]),
}

/// A member of the cluster until it is dropped.
#[derive(Debug)]
pub struct Adapter {
    is_up: Arc<AtomicBool>,
    answers: Answers,
    rooms: Option<Rooms>,
    _stop: DropGuard,
}

/// Rooms that have a channel of their own, of the sharded adapter's.
#[derive(Debug, Clone)]
pub struct Rooms {
    channels: Channels,
    prefix: Arc<str>,
}

/// Where answers go.
#[derive(Debug, Clone)]
pub struct Answers(Arc<Queue>);

#[derive(Debug)]
struct Queue {
    kind: Kind,
    prefix: String,
    waiting: mpsc::Sender<Waiting>,
    waiting_bytes: AtomicUsize,
    waiting_bytes_max: usize,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Waiting {
    channel: String,
    bytes: Vec<u8>,
}

impl Adapter {
    /// Is a member in the namespace `/` under a prefix: `take` is called with each message, on a connection's own
    /// task, and must not block. A Redis that is out of reach is waited for.
    ///
    /// # Errors
    /// [`OpenError`] when an address is none.
    ///
    /// # Panics
    /// Outside of a tokio runtime, or when no answer may wait.
    pub fn join(
        engine: Engine,
        kind: Kind,
        prefix: &str,
        limits: Limits,
        take: impl Fn(Heard<'_>, &Answers) + Send + Sync + 'static,
    ) -> Result<Self, OpenError> {
        let config = Config::new(engine);
        let links = Arc::new(Links::new(&config)?);
        let (stop, is_up) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)));
        let (answers, published) = Answers::new(kind, prefix, limits);
        let speaking = publish(Arc::clone(&links), Arc::clone(&answers.0), published);
        tokio::spawn(stop.clone().run_until_cancelled_owned(speaking));
        let (told, given) = (Arc::clone(&is_up), answers.clone());
        let take = Arc::new(move |by: By, message: &[u8]| {
            let heard = match by {
                By::Pattern => Heard::Emitted(message),
                By::Name => Heard::Told(message),
            };
            take(heard, &given);
        });
        let rooms = match kind {
            Kind::Classic => {
                let hearing = hear(links, config, prefix.to_owned(), told, take);
                tokio::spawn(stop.clone().run_until_cancelled_owned(hearing));
                None
            }
            Kind::Sharded => {
                let rooms = Rooms::new(prefix);
                let hearing = hear_sharded(links, &config, &rooms, told, take);
                tokio::spawn(stop.clone().run_until_cancelled_owned(hearing.run()));
                Some(rooms)
            }
        };
        Ok(Self { is_up, answers, rooms, _stop: stop.drop_guard() })
    }

    /// The rooms of which the sharded adapter hears what is said to one of them alone; none of the classic one.
    pub fn rooms(&self) -> Option<&Rooms> {
        self.rooms.as_ref()
    }

    /// Says at any time whether members are heard.
    pub fn is_up(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_up)
    }

    /// Says at any time how many answers were not published, since there was no room or Redis was out of reach.
    pub fn dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.answers.0.dropped)
    }
}

impl Answers {
    fn new(kind: Kind, prefix: &str, limits: Limits) -> (Self, mpsc::Receiver<Waiting>) {
        let (waiting, published) = mpsc::channel(limits.answers_max);
        let queue = Queue {
            kind,
            prefix: prefix.to_owned(),
            waiting,
            waiting_bytes: AtomicUsize::new(0),
            waiting_bytes_max: limits.answers_bytes_max,
            dropped: Arc::default(),
        };
        (Self(Arc::new(queue)), published)
    }

    /// Publishes an answer for the member of that name, or for all where it has none, if there is room.
    pub fn publish(&self, member: &str, bytes: Vec<u8>) {
        let Queue { kind, prefix, waiting, waiting_bytes, waiting_bytes_max, dropped } = &*self.0;
        let size = bytes.len();
        let channel = match (kind, member) {
            (Kind::Classic, "") => format!("{prefix}-response#/#"),
            (Kind::Classic, member) => format!("{prefix}-response#/#{member}#"),
            (Kind::Sharded, member) => format!("{prefix}#/#{member}#"),
        };
        let bytes_then = waiting_bytes.fetch_add(size, Ordering::Relaxed) + size;
        let has_room = bytes_then <= *waiting_bytes_max;
        if !has_room || waiting.try_send(Waiting { channel, bytes }).is_err() {
            waiting_bytes.fetch_sub(size, Ordering::Relaxed);
            dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Rooms {
    fn new(prefix: &str) -> Self {
        let prefix = Arc::from(format!("{prefix}#/#"));
        Self { channels: Channels::default(), prefix }
    }

    /// Somebody is in a room: what is said to it is heard soon, and until [`Rooms::ended`] was called as often. Never
    /// waits.
    pub fn opened(&self, room: &str) {
        self.channels.want(&self.channel(room));
    }

    /// Nobody is in a room any more, of those whom one call of [`Rooms::opened`] was about. Never waits.
    pub fn ended(&self, room: &str) {
        self.channels.let_go(&self.channel(room));
    }

    fn channel(&self, room: &str) -> String {
        [&self.prefix, room, "#"].concat()
    }
}

/// A name for a member, as the sharded adapter makes them.
pub fn member_name() -> String {
    format!("{:016x}", rand::rng().random::<u64>())
}

/// Publishes what waits, in its order.
async fn publish(links: Arc<Links>, queue: Arc<Queue>, mut waiting: mpsc::Receiver<Waiting>) {
    let publish = match queue.kind {
        Kind::Classic => "PUBLISH",
        Kind::Sharded => "SPUBLISH",
    };
    let mut round = Vec::new();
    while waiting.recv_many(&mut round, ROUND_MAX).await > 0 {
        let bytes = round.iter().map(|answer| answer.bytes.len()).sum();
        let count = round.len() as u64;
        let command =
            |answer: Waiting| Command::new(publish, &answer.channel).arg(answer.bytes.as_slice());
        // Whoever asked gives up in time, and asks again if it likes.
        if let Err(error) = links.run(round.drain(..).map(command).collect()).await {
            queue.dropped.fetch_add(count, Ordering::Relaxed);
            tracing::debug!(%error, "answers to members of the cluster are lost");
        }
        queue.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What hears members of the sharded adapter, for ever: what all are told, and what is said to a room.
fn hear_sharded<T: Fn(By, &[u8]) + Send + Sync + 'static>(
    links: Arc<Links>,
    config: &Config,
    rooms: &Rooms,
    is_up: Arc<AtomicBool>,
    take: Arc<T>,
) -> Hearing<impl Fn(&[u8]) + Send + Sync + 'static + use<T>> {
    let (channels, all) = (rooms.channels.clone(), Arc::clone(&rooms.prefix));
    channels.want(&all);
    let told = move || {
        let hears = channels.hears(&all);
        if is_up.swap(hears, Ordering::Relaxed) != hears {
            tell(hears, &all);
        }
    };
    Hearing {
        links,
        channels: rooms.channels.clone(),
        take: Arc::new(move |message: &[u8]| take(By::Name, message)),
        told: Box::new(told),
        delay_max: config.reconnect_delay_max,
    }
}

fn tell(is_up: bool, prefix: &str) {
    if is_up {
        tracing::info!(prefix, "the app's Socket.IO servers are heard");
    } else {
        tracing::warn!("the app's Socket.IO servers are not heard; Redis is connected to anew");
    }
}

/// Hears members of the classic adapter for ever.
async fn hear(
    links: Arc<Links>,
    config: Config,
    prefix: String,
    is_up: Arc<AtomicBool>,
    take: Arc<impl Fn(By, &[u8]) + Send + Sync + 'static>,
) {
    // Requests come last: whoever is counted among those that answer hears events already.
    let channels = [
        ("PSUBSCRIBE", format!("{}#/#*", escaped(&prefix))),
        ("SUBSCRIBE", format!("{prefix}-request#/#")),
    ];
    let mut backoff = Backoff::new(config.reconnect_delay_max);
    loop {
        let take = Arc::clone(&take);
        let heard = async {
            links.look_anew().await?;
            links.hear(&channels, move |by, message| take(by, message)).await
        };
        match heard.await {
            Ok(subscription) => {
                backoff.reset();
                is_up.store(true, Ordering::Relaxed);
                tell(true, &prefix);
                stay(&links, subscription).await;
                is_up.store(false, Ordering::Relaxed);
                tell(false, &prefix);
            }
            Err(error) => {
                tracing::debug!(%error, "the app's Socket.IO servers cannot be heard");
            }
        }
        tokio::time::sleep(backoff.delay()).await;
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

    const LIMITS: Limits = Limits { answers_max: 3, answers_bytes_max: 10 };

    #[test]
    fn answers_go_to_who_asked() {
        for (kind, member, channel) in [
            (Kind::Classic, "abc", "p-response#/#abc#"),
            (Kind::Classic, "", "p-response#/#"),
            (Kind::Sharded, "abc", "p#/#abc#"),
        ] {
            let (answers, mut published) = Answers::new(kind, "p", LIMITS);
            answers.publish(member, b"x".to_vec());
            assert_eq!(published.try_recv().expect("it waits").channel, channel);
        }
    }

    #[test]
    fn what_finds_no_room_is_dropped_and_counted() {
        let (full, _published) = Answers::new(Kind::Classic, "p", LIMITS);
        for dropped in [0, 0, 0, 1, 2] {
            full.publish("m", Vec::new());
            assert_eq!(full.0.dropped.load(Ordering::Relaxed), dropped);
        }
        let (heavy, _published) = Answers::new(Kind::Classic, "p", LIMITS);
        for (bytes, dropped) in [(10, 0), (1, 1), (0, 1)] {
            heavy.publish("m", vec![0; bytes]);
            assert_eq!(heavy.0.dropped.load(Ordering::Relaxed), dropped);
        }
    }
}
