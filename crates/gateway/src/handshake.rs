//! What the opening HTTP request said. HTTP makes it once per session, the shard keeps it until the
//! first namespace has answered (or for life, if the config says so), middlewares read it.

use std::net::SocketAddr;

use http::HeaderMap;

/// The opening request of a connection, without its body.
#[derive(Clone, Debug)]
pub struct Handshake {
    /// The request's headers.
    pub headers: HeaderMap,
    /// The raw query of the URL, without the question mark.
    pub query: String,
    /// The peer, as far as HTTP knows it (behind a proxy: the proxy, unless it is trusted).
    pub remote: SocketAddr,
    /// Whether the request came over TLS.
    pub secure: bool,
}
