//! Whose address a request comes from, behind a proxy.
//!
//! `X-Forwarded-For` is written by anyone, so it is read only when the peer itself is trusted, and
//! then from the right: every proxy appends what it saw, and the first address that is not a
//! trusted proxy's is the client. Nothing is trusted by default.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

/// The client's address; with an untrusted or silent peer, the peer's own.
///
/// The port of an address taken from the header is 0, for the header has none.
pub(crate) fn client_address(
    peer: SocketAddr,
    headers: &HeaderMap,
    trusted: &[IpAddr],
) -> SocketAddr {
    if trusted.is_empty() || !trusted.contains(&peer.ip()) {
        return peer;
    }
    let mut client = peer;
    // What the client wrote may be no text; it must not hide what a proxy put behind it.
    let values: Vec<&[u8]> = headers
        .get_all("x-forwarded-for")
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .collect();
    for value in values.into_iter().rev() {
        let Some(address) = std::str::from_utf8(value).ok().and_then(parse) else { break };
        client = SocketAddr::new(address, 0);
        if !trusted.contains(&address) {
            break;
        }
    }
    client
}

/// An address as proxies write it: bare, with a port, or in brackets.
fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    bare.or_else(with_port).or_else(bracketed).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: &str, forwarded: &[&'static str], trusted: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().expect("a header value"));
        }
        let trusted: Vec<IpAddr> =
            trusted.iter().map(|text| text.parse().expect("an address")).collect();
        let peer = SocketAddr::new(peer.parse().expect("an address"), 9);
        let found = client_address(peer, &headers, &trusted);
        assert_eq!(found.ip().to_string(), expected, "{forwarded:?} {trusted:?}");
    }

    #[test]
    fn an_untrusted_peer_cannot_name_another_address() {
        check("10.0.0.1", &["1.2.3.4"], &[], "10.0.0.1");
        check("10.0.0.1", &["1.2.3.4"], &["10.0.0.2"], "10.0.0.1");
    }

    #[test]
    fn behind_trusted_proxies_the_last_untrusted_address_is_the_client() {
        check("10.0.0.1", &["1.2.3.4"], &["10.0.0.1"], "1.2.3.4");
        check("10.0.0.1", &["6.6.6.6, 1.2.3.4"], &["10.0.0.1"], "1.2.3.4");
        check("10.0.0.1", &["1.2.3.4, 10.0.0.2"], &["10.0.0.1", "10.0.0.2"], "1.2.3.4");
        check("10.0.0.1", &["1.2.3.4", "10.0.0.2"], &["10.0.0.1", "10.0.0.2"], "1.2.3.4");
    }

    #[test]
    fn bytes_that_are_no_text_hide_nothing_behind_them() {
        let mut headers = HeaderMap::new();
        let value = http::HeaderValue::from_bytes(b"\xff, 1.2.3.4").expect("a header value");
        headers.append("x-forwarded-for", value);
        let proxy = SocketAddr::new([10, 0, 0, 1].into(), 9);
        let found = client_address(proxy, &headers, &[proxy.ip()]);
        assert_eq!(found.ip().to_string(), "1.2.3.4");
    }

    #[test]
    fn what_is_not_an_address_ends_the_search() {
        check("10.0.0.1", &["nonsense"], &["10.0.0.1"], "10.0.0.1");
        check("10.0.0.1", &["[2001:db8::1]:443"], &["10.0.0.1"], "2001:db8::1");
        check("10.0.0.1", &["1.2.3.4:80"], &["10.0.0.1"], "1.2.3.4");
    }
}
