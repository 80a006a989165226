//! From a builder to running threads and back: one thread per shard, each with a single-threaded
//! runtime that serves HTTP and drives the shard; and the orderly end of both.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use regex::Regex;
use tokio::task::LocalSet;
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use crate::config::Config;
use crate::descriptors::{self, Opened};
use crate::drain::Drain;
use crate::engine::Engine;
use crate::front::Front;
use crate::http::Fallback;
use crate::io::Io;
use crate::namespace::Namespace;
use crate::shard::Shard;
use crate::shared::Shared;
use crate::stats::Stats;

/// Most shards: a socket's key has one byte for its shard.
const SHARDS_MAX: usize = 256;

/// How long HTTP may still write when the shard is done.
const FAREWELL: Duration = Duration::from_millis(50);

/// A socket that listens, and its certificate if it speaks TLS.
#[derive(Debug)]
pub struct Listener {
    /// The listening socket, already bound.
    pub tcp: TcpListener,
    /// The TLS configuration, if connections are encrypted.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

/// A gateway that is being put together.
#[derive(Debug)]
pub struct Gateway {
    config: Config,
    namespaces: HashMap<Arc<str>, Arc<Namespace>>,
    patterns: Vec<(Regex, Arc<Namespace>)>,
    engine: Option<Engine>,
    fallback: Fallback,
}

impl Gateway {
    /// Starts with a config and no namespace.
    pub fn builder(config: Config) -> Self {
        Self {
            config,
            namespaces: HashMap::new(),
            patterns: Vec::new(),
            engine: None,
            fallback: Fallback::default(),
        }
    }

    /// Adds a namespace, or replaces the one of that name.
    pub fn namespace(&mut self, name: &str, rules: Namespace) -> &mut Self {
        self.namespaces.insert(name.into(), Arc::new(rules));
        self
    }

    /// Adds rules for all namespaces whose name matches; static ones and earlier patterns go first.
    pub fn namespace_pattern(&mut self, pattern: Regex, rules: Namespace) -> &mut Self {
        self.patterns.push((pattern, Arc::new(rules)));
        self
    }

    /// Serves Engine.IO alone: messages go to these handlers and no Socket.IO is spoken.
    pub fn engine(&mut self, engine: Engine) -> &mut Self {
        self.engine = Some(engine);
        self
    }

    /// Serves all paths but the gateway's own.
    pub fn fallback<S, B>(&mut self, service: S) -> &mut Self
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
        S::Future: Send,
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.fallback = Fallback::new(service);
        self
    }

    /// Starts the shards; connections are accepted from now on.
    ///
    /// # Errors
    /// When a socket cannot be shared with the shards, or a thread or its runtime cannot start.
    ///
    /// # Panics
    /// When `shards` is not between 1 and 256.
    pub fn serve(self, listeners: Vec<Listener>, shards: usize) -> io::Result<Running> {
        assert!((1..=SHARDS_MAX).contains(&shards), "between 1 and {SHARDS_MAX} shards");
        let shared =
            Arc::new(Shared::new(self.config, shards, self.namespaces, self.patterns, self.engine));
        let addresses = listeners.iter().map(|listener| listener.tcp.local_addr());
        let addresses = addresses.collect::<io::Result<_>>()?;
        let opened = descriptors::open(&listeners, shards, shared.config.own_file_tables)?;
        let mut running = Running { shared, addresses, threads: Vec::new() };
        for (index, opened) in opened.into_iter().enumerate() {
            let shared = Arc::clone(&running.shared);
            let fallback = self.fallback.clone();
            let (ready, started) = std::sync::mpsc::sync_channel(1);
            let thread = std::thread::Builder::new()
                .name(format!("shard-{index}"))
                .spawn(move || run(shared, index as u8, opened, fallback, &ready))?;
            running.threads.push(thread);
            started.recv().map_err(|_| io::Error::other("shard ended at its start"))??;
        }
        Ok(running)
    }
}

/// The thread of a shard.
fn run(
    shared: Arc<Shared>,
    index: u8,
    Opened { runtime, listeners }: Opened,
    fallback: Fallback,
    ready: &std::sync::mpsc::SyncSender<io::Result<()>>,
) {
    if shared.config.own_file_tables
        && let Err(error) = descriptors::leave_table()
    {
        let _ = ready.send(Err(error));
        return;
    }
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async {
        let shard = match Shard::new(Arc::clone(&shared), index) {
            Ok(shard) => shard,
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        let serving = shared.serve();
        let front = Front::new(Arc::clone(&shared), index);
        let stop = CancellationToken::new();
        let site = crate::http::site(front, fallback);
        for Listener { tcp, tls } in listeners {
            let accepting = crate::http::accept(tcp, tls, Arc::clone(&site), stop.clone());
            tokio::spawn(async move {
                if let Err(error) = accepting.await {
                    tracing::error!(%error, "a listener failed");
                }
            });
        }
        let _ = ready.send(Ok(()));
        shard.run().await;
        drop(serving);
        // Requests that came in here may be for sessions of a shard that has still some to close.
        shared.over.cancelled().await;
        // Until here new handshakes were refused by an answer, and others may have gone on.
        stop.cancel();
        // The last answers of HTTP are on their way out in tasks of this thread.
        tokio::time::sleep(FAREWELL).await;
    });
    drop(tasks);
    runtime.shutdown_timeout(Duration::from_millis(100));
}

/// A gateway that serves.
pub struct Running {
    shared: Arc<Shared>,
    addresses: Vec<SocketAddr>,
    threads: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Running({:?})", self.addresses)
    }
}

impl Running {
    /// A handle for emitting from anywhere.
    pub fn io(&self) -> Io {
        Io(Arc::clone(&self.shared))
    }

    /// The addresses that are listened on, in the order of the listeners.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The counters of all shards together.
    pub fn stats(&self) -> Stats {
        self.io().stats()
    }

    /// Refuses new sessions, closes all connections with the reason "server shutting down", spread
    /// over `Config::drain_spread` unless [`Io::drain`] has begun already, and waits for the
    /// threads, at most `patience`, which is to be longer than the spread by some seconds.
    ///
    /// # Cancel safety
    /// Not cancel safe: the shutdown goes on, unwatched.
    pub async fn shutdown(mut self, patience: Duration) {
        self.stop();
        let threads = std::mem::take(&mut self.threads);
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().filter_map(|thread| thread.join().err()).count()
        });
        match tokio::time::timeout(patience, joined).await {
            Ok(Ok(0)) => {}
            Ok(_) => tracing::error!("a shard panicked"),
            Err(_) => tracing::warn!(?patience, "shards did not stop in time"),
        }
    }

    fn stop(&self) {
        let spread = self.shared.config.drain_spread;
        self.shared.drain(Drain { spread, farewell: None });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}
