//! What carries the nodes' connections on to an engine: to whichever server is the right one now, and as
//! slowly as is asked for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// What is read at a time.
const CHUNK_BYTES: usize = 16 * 1024;

/// Carries connections from one address to another, which may change.
pub(super) struct Carrier {
    addr: SocketAddr,
    to: watch::Sender<SocketAddr>,
    late_us: Arc<AtomicU64>,
    _listening: JoinSet<()>,
}

impl Carrier {
    /// Carries what comes to `addr` on to `to`, until it is dropped.
    ///
    /// # Errors
    /// When it cannot listen.
    pub(super) async fn start(addr: SocketAddr, to: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let (to, late_us) = (watch::Sender::new(to), Arc::new(AtomicU64::new(0)));
        let (leads, late) = (to.subscribe(), Arc::clone(&late_us));
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else { continue };
                let to = *leads.borrow();
                tokio::spawn(carry(client, to, late.clone()));
            }
        });
        Ok(Self { addr, to, late_us, _listening: listening })
    }

    /// Where it is reached.
    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Carries new connections there from now on.
    pub(super) fn lead(&self, to: SocketAddr) {
        self.to.send_replace(to);
    }

    /// Keeps each piece back for so long from now on.
    pub(super) fn slow(&self, late: Duration) {
        self.late_us.store(late.as_micros() as u64, Ordering::Relaxed);
    }
}

async fn carry(client: TcpStream, to: SocketAddr, late_us: Arc<AtomicU64>) {
    let Ok(server) = TcpStream::connect(to).await else { return };
    // Small packets wait for nothing; if that cannot be set, they are late.
    let _ = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    // The end of either is the end of both.
    tokio::select! {
        () = pump(client_read, server_write, &late_us) => {}
        () = pump(server_read, client_write, &late_us) => {}
    }
}

async fn pump(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    late_us: &AtomicU64,
) {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let Ok(len @ 1..) = from.read(&mut chunk).await else { return };
        let late = late_us.load(Ordering::Relaxed);
        if late > 0 {
            sleep(Duration::from_micros(late)).await;
        }
        if to.write_all(&chunk[..len]).await.is_err() {
            return;
        }
    }
}
