//! Whose address a request comes from, behind a proxy.
//!
//! `X-Forwarded-For` is written by anyone, so it is read only when the peer itself is trusted, and
//! then from the right: every proxy appends what it saw, and the first address that is not a
//! trusted proxy's is the client. Nothing is trusted by default.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::HeaderMap;
use ipnet::IpNet;
use serde::Deserialize;

/// Whose `X-Forwarded-For` is believed: an address, or a network as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TrustedProxy(IpNet);

/// A text that is neither an address nor a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither an IP address nor a network such as 10.0.0.0/8")]
pub struct NoProxy(String);

impl TrustedProxy {
    /// Whether an address is it, or in it. An IPv4 address in IPv6 form is that IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl From<IpAddr> for TrustedProxy {
    fn from(address: IpAddr) -> Self {
        Self(address.to_canonical().into())
    }
}

impl TryFrom<String> for TrustedProxy {
    type Error = NoProxy;

    fn try_from(text: String) -> Result<Self, NoProxy> {
        text.parse()
    }
}

impl FromStr for TrustedProxy {
    type Err = NoProxy;

    fn from_str(text: &str) -> Result<Self, NoProxy> {
        let address = || text.parse::<IpAddr>().ok().map(Self::from);
        let network = || text.parse::<IpNet>().ok().map(|network| Self(network.trunc()));
        address().or_else(network).ok_or_else(|| NoProxy(text.to_owned()))
    }
}

impl fmt::Display for TrustedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.prefix_len() == self.0.max_prefix_len() {
            true => self.0.addr().fmt(f),
            false => self.0.fmt(f),
        }
    }
}

/// Whether an address is that of a trusted proxy.
pub(crate) fn is_trusted(trusted: &[TrustedProxy], address: IpAddr) -> bool {
    trusted.iter().any(|proxy| proxy.contains(address))
}

/// The client's address; with an untrusted or silent peer, the peer's own.
///
/// The port of an address taken from the header is 0, for the header has none.
pub(crate) fn client_address(
    peer: SocketAddr,
    headers: &HeaderMap,
    trusted: &[TrustedProxy],
) -> SocketAddr {
    if !is_trusted(trusted, peer.ip()) {
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
        if !is_trusted(trusted, address) {
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
        let trusted: Vec<TrustedProxy> =
            trusted.iter().map(|text| text.parse().expect("a proxy")).collect();
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
    fn whole_networks_may_be_trusted() {
        check("10.0.0.1", &["1.2.3.4, 10.9.9.9"], &["10.0.0.0/8"], "1.2.3.4");
        check("11.0.0.1", &["1.2.3.4"], &["10.0.0.0/8"], "11.0.0.1");
        check("::ffff:10.0.0.1", &["1.2.3.4"], &["10.0.0.0/8"], "1.2.3.4");
        check("2001:db8::1", &["1.2.3.4"], &["2001:db8::/32"], "1.2.3.4");
        check("2001:db9::1", &["1.2.3.4"], &["2001:db8::/32", "10.0.0.0/8"], "2001:db9::1");
    }

    #[test]
    fn a_proxy_is_written_as_it_is_read() {
        let written = |text: &str| text.parse::<TrustedProxy>().map(|proxy| proxy.to_string());
        for same in ["10.0.0.1", "10.0.0.0/8", "2001:db8::/32", "::1", "0.0.0.0/0"] {
            assert_eq!(written(same).as_deref(), Ok(same));
        }
        assert_eq!(written("10.1.2.3/8").as_deref(), Ok("10.0.0.0/8"));
        assert_eq!(written("10.1.2.3/32").as_deref(), Ok("10.1.2.3"));
        for no_proxy in ["", "10.0.0", "10.0.0.0/33", "proxy.example", "10.0.0.0/"] {
            assert!(written(no_proxy).is_err(), "{no_proxy}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_hide_nothing_behind_them() {
        let mut headers = HeaderMap::new();
        let value = http::HeaderValue::from_bytes(b"\xff, 1.2.3.4").expect("a header value");
        headers.append("x-forwarded-for", value);
        let proxy = SocketAddr::new([10, 0, 0, 1].into(), 9);
        let found = client_address(proxy, &headers, &[proxy.ip().into()]);
        assert_eq!(found.ip().to_string(), "1.2.3.4");
    }

    #[test]
    fn what_is_not_an_address_ends_the_search() {
        check("10.0.0.1", &["nonsense"], &["10.0.0.1"], "10.0.0.1");
        check("10.0.0.1", &["[2001:db8::1]:443"], &["10.0.0.1"], "2001:db8::1");
        check("10.0.0.1", &["1.2.3.4:80"], &["10.0.0.1"], "1.2.3.4");
    }
}
