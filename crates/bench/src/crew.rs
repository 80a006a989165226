//! The load processes as their parent sees them.
//!
//! A command goes to all of them, each answers once, and any `Failed` or a process that ends is
//! an error. Dropping the crew ends its processes.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::latency::Latency;
use crate::pin::pinned;
use crate::process::{self, Cpu};
use crate::protocol::{Auth, Command, Connect, Reply, Window};

/// Connections of one load process, below the usual limit of 20,000 open files.
pub(crate) const CONNECTIONS_MAX: u32 = 10_000;

/// For so long nothing comes where all has come: longer than any window in which packets are gathered.
const QUIET: Duration = Duration::from_secs(3);

/// The program that is running, even when the file it came from was replaced since.
pub(crate) fn own_program() -> String {
    format!("/proc/{}/exe", std::process::id())
}

struct Hand {
    child: Child,
    commands: ChildStdin,
    replies: BufReader<ChildStdout>,
}

/// Load processes and the server they talk to.
pub(crate) struct Crew {
    hands: Vec<Hand>,
    addresses: Vec<SocketAddr>,
    auth: Auth,
    at_once: u32,
    first_user: u32,
    next_user: u32,
    /// The certificate of servers that speak TLS.
    trusted: Option<PathBuf>,
}

/// How a batch of connections was opened.
pub(crate) struct Opened {
    pub(crate) wall: Duration,
    pub(crate) latency: Latency,
}

impl Crew {
    /// Starts as many processes as this many connections need.
    pub(crate) fn start(
        connections_max: u32,
        core: Option<u32>,
        address: SocketAddr,
        auth: Auth,
        at_once: u32,
    ) -> anyhow::Result<Self> {
        let hands = (0..connections_max.div_ceil(CONNECTIONS_MAX)).map(|_| {
            let mut child = pinned(core, own_program())
                .arg("client")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .context("cannot start a load process")?;
            let commands = child.stdin.take().context("a load process has standard input")?;
            let replies = child.stdout.take().context("a load process has standard output")?;
            Ok(Hand { child, commands, replies: BufReader::new(replies) })
        });
        let hands = hands.collect::<anyhow::Result<_>>()?;
        let addresses = vec![address];
        let (first_user, next_user, trusted) = (0, 0, None);
        Ok(Self { hands, addresses, auth, at_once, first_user, next_user, trusted })
    }

    /// The same crew with users from this number on, an even one, so that it may be one of several.
    pub(crate) fn with_users_from(mut self, first_user: u32) -> Self {
        (self.first_user, self.next_user) = (first_user, first_user);
        self
    }

    /// The same crew, talking to servers by TLS that have this certificate, if any.
    pub(crate) fn trusting(mut self, certificate: Option<PathBuf>) -> Self {
        self.trusted = certificate;
        self
    }

    /// Talks to the server at this address from now on.
    pub(crate) fn talk_to(&mut self, address: SocketAddr) {
        self.addresses = vec![address];
    }

    /// Talks to several servers from now on: each user to the next one.
    pub(crate) fn talk_to_all(&mut self, addresses: Vec<SocketAddr>) {
        self.addresses = addresses;
    }

    pub(crate) fn size(&self) -> u32 {
        u32::try_from(self.hands.len()).expect("a crew is small")
    }

    /// Processor time that all of them have used.
    pub(crate) fn cpu(&self) -> anyhow::Result<Cpu> {
        self.hands.iter().try_fold(Cpu::default(), |total, hand| {
            process::cpu(hand.child.id()).map(|cpu| total + cpu)
        })
    }

    /// Opens this many more connections, spread evenly; each process gets an even number.
    pub(crate) fn connect(&mut self, count: u32) -> anyhow::Result<Opened> {
        self.connect_by(count, Window::Usual)
    }

    /// The same with windows of this kind.
    pub(crate) fn connect_by(&mut self, count: u32, window: Window) -> anyhow::Result<Opened> {
        let size = self.size();
        let pairs = count / 2;
        let shares: Vec<u32> =
            (0..size).map(|at| 2 * (pairs / size + u32::from(at < pairs % size))).collect();
        let (addresses, auth) = (self.addresses.clone(), self.auth.clone());
        let trusted = self.trusted.clone();
        let at_once = self.at_once.div_ceil(size);
        let mut first = self.next_user;
        self.next_user += 2 * pairs;
        let began = Instant::now();
        let replies = self.command(|at| {
            let count = shares[at];
            let (addresses, auth) = (addresses.clone(), auth.clone());
            let trusted = trusted.clone();
            let connect = Connect { addresses, first, count, at_once, auth, window, trusted };
            first += count;
            Command::Connect(connect)
        })?;
        let wall = began.elapsed();
        let mut total = Latency::new();
        for reply in replies {
            let Reply::Connected { latency, .. } = reply else { bail!("unexpected {reply:?}") };
            total.merge(&latency);
        }
        Ok(Opened { wall, latency: total })
    }

    /// Closes every connection; the same users connect again next.
    pub(crate) fn drop_connections(&mut self) -> anyhow::Result<()> {
        self.next_user = self.first_user;
        self.command(|_| Command::Drop).map(drop)
    }

    /// Events that have arrived since the last run began.
    pub(crate) fn count_events(&mut self) -> anyhow::Result<u64> {
        let replies = self.command(|_| Command::Count)?;
        replies.iter().try_fold(0, |total, reply| match reply {
            Reply::Counted { events, .. } => Ok(total + events),
            _ => bail!("unexpected {reply:?}"),
        })
    }

    /// The same without receipts, which come when recipients' heartbeats have confirmed something.
    pub(crate) fn count_but_receipts(&mut self) -> anyhow::Result<u64> {
        let replies = self.command(|_| Command::Count)?;
        replies.iter().try_fold(0, |total, reply| match reply {
            Reply::Counted { events, receipts } => Ok(total + events - receipts),
            _ => bail!("unexpected {reply:?}"),
        })
    }

    /// How many events have come when no more come.
    pub(crate) fn settled(&mut self) -> anyhow::Result<u64> {
        let mut heard = self.count_events()?;
        loop {
            process::pause(QUIET);
            let now = self.count_events()?;
            if now == heard {
                return Ok(now);
            }
            heard = now;
        }
    }

    /// Gives each process its command and waits for all their replies.
    ///
    /// # Errors
    /// A process failed or ended.
    pub(crate) fn command(
        &mut self,
        command: impl FnMut(usize) -> Command,
    ) -> anyhow::Result<Vec<Reply>> {
        self.begin(command)?;
        self.end()
    }

    /// Gives each process its command, of which the replies are waited for by `end`.
    pub(crate) fn begin(
        &mut self,
        mut command: impl FnMut(usize) -> Command,
    ) -> anyhow::Result<()> {
        for (at, hand) in self.hands.iter_mut().enumerate() {
            let mut line = serde_json::to_string(&command(at)).context("a command is JSON")?;
            line.push('\n');
            hand.commands.write_all(line.as_bytes()).context("a load process ended")?;
        }
        Ok(())
    }

    /// Waits for the replies to what was begun.
    pub(crate) fn end(&mut self) -> anyhow::Result<Vec<Reply>> {
        let replies = self.hands.iter_mut().map(|hand| {
            let mut line = String::new();
            hand.replies.read_line(&mut line).context("a load process cannot be heard")?;
            if line.is_empty() {
                bail!("a load process ended");
            }
            match serde_json::from_str(&line).context("a load process said no reply")? {
                Reply::Failed { why } => bail!("{why}"),
                reply => Ok(reply),
            }
        });
        // All are read before the first error is told, so that none is left over.
        replies.collect::<Vec<_>>().into_iter().collect()
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for hand in &mut self.hands {
            // It may have ended by itself.
            let _ = hand.child.kill();
            let _ = hand.child.wait();
        }
    }
}
