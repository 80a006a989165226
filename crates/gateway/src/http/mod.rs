//! HTTP in front of the shards.

mod body;
mod fallback;

pub(crate) use fallback::Fallback;
pub use fallback::Peer;

use crate::front::Front;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

pub(crate) struct Site {
    _front: Front,
    _fallback: Fallback,
}

/// What every connection of a shard is served with.
pub(crate) fn site(front: Front, fallback: Fallback) -> Arc<Site> {
    Arc::new(Site { _front: front, _fallback: fallback })
}

/// Accepts until `stop`.
pub(crate) async fn accept(
    _listener: std::net::TcpListener,
    _tls: Option<Arc<rustls::ServerConfig>>,
    _site: Arc<Site>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    stop.cancelled().await;
    Ok(())
}
