//! One connection while it speaks HTTP.
//!
//! hyper reads requests, `Site::answer` routes each to Engine.IO or to the fallback, and when a
//! request became a WebSocket the stream leaves through `upgrade::take` for its shard. A
//! connection that is slow with its request head, or idle between requests for as long, is closed,
//! and so is one that takes nothing of an answer for a whole heartbeat.
//!
//! hyper's buffers are the largest thing that a polling client costs; they are bounded here.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::Site;
use super::body::Body;
use super::engineio::{self, PendingUpgrade};
use super::fallback::Peer;
use super::forwarded::client_address;
use super::patient::Patient;

/// Bytes that hyper may buffer of a request head, and at a time of a body.
const BUFFER_BYTES_MAX: usize = 16 * 1024;

/// A connection that has just come in.
pub(crate) struct Arrival {
    /// The peer's address.
    pub(crate) address: SocketAddr,
    /// Whether what HTTP says of the client's address is believed, if the peer is trusted.
    pub(crate) is_http_believed: bool,
    /// Whether it is TLS.
    pub(crate) secure: bool,
    /// Its place among the handshakes in progress.
    pub(crate) place: OwnedSemaphorePermit,
}

/// Serves a connection until it ends or is handed to its shard as a WebSocket.
pub(crate) async fn serve<S>(stream: S, arrival: Arrival, site: Arc<Site>, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let upgrade: Arc<Mutex<Option<PendingUpgrade>>> = Arc::default();
    let Arrival { address, is_http_believed, secure, place } = arrival;
    let place = Mutex::new(Some(place));
    let service = {
        let (site, upgrade) = (Arc::clone(&site), Arc::clone(&upgrade));
        service_fn(move |request| {
            // The first request is here, so the handshake is no longer in progress.
            drop(place.lock().take());
            let (site, upgrade) = (Arc::clone(&site), Arc::clone(&upgrade));
            async move {
                let peer = Peer { address, secure };
                let (response, pending) = answer(&site, peer, is_http_believed, request).await;
                *upgrade.lock() = pending;
                Ok::<_, std::convert::Infallible>(response)
            }
        })
    };
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(site.config().handshake_timeout)
        .max_buf_size(BUFFER_BYTES_MAX);
    {
        let patience = site.config().ping_interval + site.config().ping_timeout;
        let stream = TokioIo::new(Patient::new(stream, patience));
        let connection = protocol.serve_connection(stream, service).with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, %address, "an HTTP connection failed");
        }
    }
    let pending = upgrade.lock().take();
    if let Some(pending) = pending {
        engineio::hand_over(&site, pending).await;
    }
}

/// Routes a request by its path.
async fn answer(
    site: &Arc<Site>,
    peer: Peer,
    is_http_believed: bool,
    mut request: Request<Incoming>,
) -> (Response<Body>, Option<PendingUpgrade>) {
    let trusted = if is_http_believed { &site.config().trusted_proxies[..] } else { &[] };
    let address = client_address(peer.address, request.headers(), trusted);
    let peer = Peer { address, ..peer };
    if site.is_engine_path(request.uri().path()) {
        engineio::answer(site, peer, request).await
    } else {
        request.extensions_mut().insert(peer);
        (site.fallback.answer(request).await, None)
    }
}
