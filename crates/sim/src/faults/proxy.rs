//! The network between clients and server: a TCP proxy that treats each connection after its own
//! fashion, by a seed.
//!
//! A connection is carried faithfully, or late, or in crumbs; and after some bytes in one direction
//! it is cut, stalled (for less or more than the heartbeat allows), or closed in that direction
//! alone. Nothing that devices of the history send is changed. Hostile clients come by a listener
//! of their own, on which bytes are flipped. From [`Phase::Finish`] on every connection is carried
//! faithfully, and one that was half closed is cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::shared::Phase;
use super::tally::Tally;

/// The longest stall; heartbeats of the run allow less.
const STALL_MS_MAX: u64 = 6_000;
/// How long a server may take to answer before the next is tried.
const CONNECT_PATIENCE: Duration = Duration::from_millis(500);
/// How long a connection that is closed in one direction lives on.
const HALF_CLOSED_LIFE: Duration = Duration::from_secs(5);
/// How long one direction may outlive the other's regular end.
const END_PATIENCE: Duration = Duration::from_secs(1);
/// What is read at a time.
const CHUNK_BYTES: usize = 16 * 1024;
/// What is read at a time of a connection that is carried in crumbs, and the pause after.
const CRUMB_BYTES: usize = 200;
const CRUMB_PAUSE: Duration = Duration::from_millis(1);

/// What the proxy did.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Connections carried.
    pub(super) connections: AtomicU64,
    /// Connections cut.
    pub(super) cuts: AtomicU64,
    /// Directions that stood still for a while.
    pub(super) stalls: AtomicU64,
    /// Directions that were closed alone.
    pub(super) half_closes: AtomicU64,
    /// Connections carried late.
    pub(super) delayed: AtomicU64,
    /// Connections carried in crumbs.
    pub(super) crumbs: AtomicU64,
    /// Bytes of hostile clients that were flipped on their way to the server.
    pub(super) flipped: AtomicU64,
    /// Hostile connections that the server ended after that.
    pub(super) thrown_out: AtomicU64,
}

impl Counts {
    /// Adds all up.
    pub(super) fn note(&self, tally: &mut Tally) {
        for (what, counter) in [
            ("connections through the proxy", &self.connections),
            (CUTS, &self.cuts),
            ("connections the proxy stalled", &self.stalls),
            ("connections the proxy half closed", &self.half_closes),
            ("connections the proxy delayed", &self.delayed),
            ("connections the proxy carried in crumbs", &self.crumbs),
            ("bytes of hostile clients flipped", &self.flipped),
            ("hostile connections ended by the server", &self.thrown_out),
        ] {
            tally.add(what, counter.load(Ordering::Relaxed));
        }
    }
}

/// What its cuts are counted under.
pub(super) const CUTS: &str = "connections the proxy cut";

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Which clients a listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clients {
    /// Those whose history is kept.
    Honest,
    /// Those whose bytes may be changed.
    Hostile,
}

/// How bytes are carried in one direction.
#[derive(Debug, Clone, Copy)]
enum Manner {
    Plain,
    Late(Duration),
    Crumbs,
    /// One byte in so many is flipped.
    Flipped(u32),
}

/// What happens in one direction after some bytes.
#[derive(Debug, Clone, Copy)]
enum Fate {
    None,
    Cut,
    Stall(Duration),
    HalfClose,
}

#[derive(Debug, Clone, Copy)]
struct Plan {
    manner: Manner,
    fate: Fate,
    after_bytes: u64,
}

impl Plan {
    const FAITHFUL: Self = Self { manner: Manner::Plain, fate: Fate::None, after_bytes: 0 };

    /// What is to come of a connection, towards the server and back.
    fn draw(clients: Clients, counts: &Counts, rng: &mut StdRng) -> [Self; 2] {
        let mut plans = [Self::FAITHFUL; 2];
        let side = &mut plans[usize::from(rng.random_ratio(1, 2))];
        let magnitude = rng.random_range(4..16);
        side.after_bytes = rng.random_range(0..1u64 << magnitude);
        if clients == Clients::Hostile {
            let one_in = 1 << rng.random_range(6..11);
            plans.iter_mut().for_each(|side| side.manner = Manner::Flipped(one_in));
            return plans;
        }
        match rng.random_range(0..100) {
            0..40 => {}
            40..55 => side.fate = Fate::Cut,
            55..67 => {
                let ms = rng.random_range(100..STALL_MS_MAX);
                side.fate = Fate::Stall(Duration::from_millis(ms));
                if rng.random() {
                    plans = [*side; 2];
                }
            }
            67..75 => side.fate = Fate::HalfClose,
            75..88 => {
                count(&counts.delayed);
                let late = Duration::from_millis(rng.random_range(1..60));
                plans.iter_mut().for_each(|side| side.manner = Manner::Late(late));
            }
            _ => {
                count(&counts.crumbs);
                plans.iter_mut().for_each(|side| side.manner = Manner::Crumbs);
            }
        }
        plans
    }
}

/// Carries connections from a fresh loopback address to the first of the servers that is there, until the
/// run ends; returns that address.
///
/// # Errors
/// When it cannot listen.
pub(super) async fn start(
    servers: Vec<SocketAddr>,
    clients: Clients,
    seed: u64,
    counts: Arc<Counts>,
    phase: watch::Receiver<Phase>,
) -> Result<SocketAddr> {
    let listener = TcpListener::bind(super::server::free_addr()?).await?;
    let addr = listener.local_addr()?;
    let mut ending = phase.clone();
    tokio::spawn(async move {
        let ended = ending.wait_for(|phase| *phase == Phase::Stop);
        tokio::pin!(ended);
        let mut number = 0;
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = &mut ended => return,
            };
            let Ok((client, _)) = accepted else { continue };
            number += 1;
            let rng = StdRng::seed_from_u64(seed.wrapping_add(number));
            tokio::spawn(carry(
                client,
                servers.clone(),
                clients,
                rng,
                counts.clone(),
                phase.clone(),
            ));
        }
    });
    Ok(addr)
}

/// The first that answers.
async fn reach(servers: &[SocketAddr]) -> Option<TcpStream> {
    for server in servers {
        if let Ok(Ok(stream)) = timeout(CONNECT_PATIENCE, TcpStream::connect(server)).await {
            return Some(stream);
        }
    }
    None
}

async fn carry(
    client: TcpStream,
    servers: Vec<SocketAddr>,
    clients: Clients,
    mut rng: StdRng,
    counts: Arc<Counts>,
    mut phase: watch::Receiver<Phase>,
) {
    let Some(upstream) = reach(&servers).await else { return };
    // Small packets wait for nothing; if that cannot be set, they are late.
    let _ = client.set_nodelay(true).and_then(|()| upstream.set_nodelay(true));
    count(&counts.connections);
    let faithful = clients == Clients::Honest && *phase.borrow() != Phase::Send;
    let [up, down] =
        if faithful { [Plan::FAITHFUL; 2] } else { Plan::draw(clients, &counts, &mut rng) };
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = upstream.into_split();
    let mut pump = |from, to, plan| Pump {
        from,
        to,
        plan,
        carried: 0,
        counts: counts.clone(),
        rng: StdRng::seed_from_u64(rng.random()),
        phase: phase.clone(),
    };
    let up = pump(client_read, server_write, up);
    let down = pump(server_read, client_write, down);
    let mut up = tokio::spawn(up.run());
    let mut down = tokio::spawn(down.run());
    let (ending, server_ended) = tokio::select! {
        ending = &mut up => (ending, false),
        ending = &mut down => (ending, true),
    };
    match ending {
        Ok(Ending::HalfClosed) => {
            let finished = phase.wait_for(|phase| *phase >= Phase::Finish);
            drop(timeout(HALF_CLOSED_LIFE, finished).await);
        }
        Ok(Ending::Eof) => {
            if server_ended && clients == Clients::Hostile {
                count(&counts.thrown_out);
            }
            let other = if server_ended { &mut up } else { &mut down };
            drop(timeout(END_PATIENCE, other).await);
        }
        Ok(Ending::Cut) | Err(_) => {}
    }
    up.abort();
    down.abort();
}

/// How one direction ended.
enum Ending {
    Cut,
    HalfClosed,
    Eof,
}

struct Pump {
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    plan: Plan,
    carried: u64,
    counts: Arc<Counts>,
    rng: StdRng,
    phase: watch::Receiver<Phase>,
}

impl Pump {
    async fn run(mut self) -> Ending {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let limit =
                if matches!(self.plan.manner, Manner::Crumbs) { CRUMB_BYTES } else { CHUNK_BYTES };
            let Ok(len) = self.from.read(&mut chunk[..limit]).await else { return Ending::Eof };
            if len == 0 {
                // The other side may be gone too.
                let _ = self.to.shutdown().await;
                return Ending::Eof;
            }
            let until_fate = self.plan.after_bytes.saturating_sub(self.carried);
            let is_due = !matches!(self.plan.fate, Fate::None) && until_fate < len as u64;
            let first = if is_due { until_fate as usize } else { len };
            let (before, after) = chunk[..len].split_at_mut(first);
            if self.write(before).await.is_none() {
                return Ending::Eof;
            }
            if is_due && let Some(ending) = self.fate().await {
                return ending;
            }
            if self.write(after).await.is_none() {
                return Ending::Eof;
            }
        }
    }

    async fn write(&mut self, bytes: &mut [u8]) -> Option<()> {
        self.carried += bytes.len() as u64;
        match self.plan.manner {
            Manner::Plain => {}
            Manner::Late(by) => sleep(by).await,
            Manner::Crumbs => sleep(CRUMB_PAUSE).await,
            Manner::Flipped(one_in) => {
                for byte in bytes.iter_mut() {
                    if self.rng.random_ratio(1, one_in) {
                        *byte ^= 1 << self.rng.random_range(0..8);
                        count(&self.counts.flipped);
                    }
                }
            }
        }
        self.to.write_all(bytes).await.ok()
    }

    /// Does what is due, unless the run is past that.
    async fn fate(&mut self) -> Option<Ending> {
        let fate = std::mem::replace(&mut self.plan.fate, Fate::None);
        if *self.phase.borrow() != Phase::Send {
            return None;
        }
        match fate {
            Fate::None => None,
            Fate::Cut => {
                count(&self.counts.cuts);
                Some(Ending::Cut)
            }
            Fate::Stall(time) => {
                count(&self.counts.stalls);
                let finished = self.phase.wait_for(|phase| *phase >= Phase::Finish);
                drop(timeout(time, finished).await);
                None
            }
            Fate::HalfClose => {
                count(&self.counts.half_closes);
                let _ = self.to.shutdown().await;
                Some(Ending::HalfClosed)
            }
        }
    }
}
