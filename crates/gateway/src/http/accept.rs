//! Accepting connections: one loop per listener and shard.
//!
//! A connection that comes in gets TCP_NODELAY, a place among the handshakes in progress, the client's address
//! from a proxy that is to say it, its TLS handshake where the listener has a certificate, and then a task that speaks HTTP until the
//! connection ends or becomes a WebSocket. The place is given back with the first request, so that
//! clients who connect and say nothing cannot use up the shard.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::Site;
use super::connection::{self, Arrival};
use super::forwarded::is_trusted;
use super::proxied;

/// Connections of one shard that have not sent their first request whole.
const HANDSHAKES_IN_PROGRESS_MAX: usize = 8_192;

/// How long to wait before accepting again when the process is out of descriptors or memory.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// Accepts until `stop`, serving each connection in a task of its own.
///
/// # Errors
/// When the listener cannot be registered with the runtime.
pub(crate) async fn accept(
    listener: std::net::TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    site: Arc<Site>,
    stop: CancellationToken,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let tls = tls.map(TlsAcceptor::from);
    let places = Arc::new(Semaphore::new(HANDSHAKES_IN_PROGRESS_MAX));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place.expect("the semaphore is never closed"), listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            next = next => next,
        };
        match accepted {
            Ok((stream, peer)) => {
                let task = greet(stream, peer, tls.clone(), place, Arc::clone(&site), stop.clone());
                tokio::spawn(task);
            }
            Err(error) if is_of_one_connection(&error) => {
                tracing::debug!(%error, "a connection ended before it was accepted");
            }
            Err(error) => {
                tracing::warn!(%error, pause = ?EXHAUSTED_PAUSE, "cannot accept connections");
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep(EXHAUSTED_PAUSE) => {}
                }
            }
        }
    }
}

/// Takes one connection from TCP to HTTP.
async fn greet(
    mut stream: TcpStream,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    place: OwnedSemaphorePermit,
    site: Arc<Site>,
    stop: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended before it was served");
        return;
    }
    // An IPv4 client of a dual-stack listener is known by its IPv4 address.
    let address = SocketAddr::new(address.ip().to_canonical(), address.port());
    let Some((address, is_http_believed)) = behind_proxy(&mut stream, address, &site).await else {
        return;
    };
    let arrival = Arrival { address, is_http_believed, secure: tls.is_some(), place };
    let Some(tls) = tls else {
        return connection::serve(stream, arrival, site, stop).await;
    };
    match tokio::time::timeout(site.config().handshake_timeout, tls.accept(stream)).await {
        Ok(Ok(stream)) => connection::serve(stream, arrival, site, stop).await,
        Ok(Err(error)) => tracing::debug!(%error, %address, "a TLS handshake failed"),
        Err(_) => tracing::debug!(%address, "a TLS handshake took too long"),
    }
}

/// The client's address, as a trusted proxy says before all else if it is to, and whether HTTP may say another;
/// `None` if the proxy does not say it in time.
async fn behind_proxy(
    stream: &mut TcpStream,
    address: SocketAddr,
    site: &Site,
) -> Option<(SocketAddr, bool)> {
    let config = site.config();
    if !config.proxy_protocol || !is_trusted(&config.trusted_proxies, address.ip()) {
        return Some((address, true));
    }
    match tokio::time::timeout(config.handshake_timeout, proxied::client(stream)).await {
        Ok(Ok(Some(client))) => {
            Some((SocketAddr::new(client.ip().to_canonical(), client.port()), true))
        }
        // The headers of HTTP are the client's, whoever that is: the proxy does not look at them.
        Ok(Ok(None)) => Some((address, false)),
        Ok(Err(error)) => {
            tracing::debug!(%error, %address, "a proxy does not say for whom it speaks");
            None
        }
        Err(_) => {
            tracing::debug!(%address, "a proxy took too long to say for whom it speaks");
            None
        }
    }
}

/// Errors that concern the connection that was about to be accepted, and not the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
