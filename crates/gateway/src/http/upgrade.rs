//! The WebSocket handshake over HTTP, and the way out of HTTP.
//!
//! A request is checked as RFC 6455 section 4.2.1 asks, answered with 101, and once hyper has
//! written that answer the raw stream is taken from it, with whatever bytes the client sent early.
//! From then on nothing of the request or of hyper's buffers is left.

use std::io;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode, request};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use parlor_wire::deflate;
use tokio_rustls::server::TlsStream;

use super::body::{Body, full};
use super::patient::Patient;
use super::refusal::Refusal;
use crate::front::Stream;

/// The only parameters that `permessage-deflate` is ever switched on with: no context takeover
/// either way, so that a compressed broadcast can be shared and no connection keeps a window.
const DEFLATE: HeaderValue = HeaderValue::from_static(deflate::ANSWER);

/// What a valid upgrade request agrees on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Agreement {
    accept: HeaderValue,
    /// Whether messages may be compressed.
    pub(crate) deflate: bool,
}

/// Whether a request asks for a WebSocket at all.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    has_token(headers, header::UPGRADE, "websocket")
}

/// Checks an upgrade request.
///
/// # Errors
/// A [`Refusal::BadRequest`] that names the header at fault.
pub(crate) fn check(parts: &request::Parts, deflate_enabled: bool) -> Result<Agreement, Refusal> {
    let headers = &parts.headers;
    if parts.method != Method::GET {
        return Err(Refusal::BadHandshakeMethod);
    }
    if parts.version != http::Version::HTTP_11 {
        return Err(Refusal::BadRequest("a websocket needs HTTP/1.1"));
    }
    if !is_wanted(headers) {
        return Err(Refusal::BadRequest("no 'Upgrade: websocket'"));
    }
    if !has_token(headers, header::CONNECTION, "upgrade") {
        return Err(Refusal::BadRequest("no 'Connection: Upgrade'"));
    }
    let version = headers.get(header::SEC_WEBSOCKET_VERSION).map(HeaderValue::as_bytes);
    if version != Some(b"13") {
        return Err(Refusal::BadRequest("Sec-WebSocket-Version is not 13"));
    }
    let key = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .and_then(|key| key.to_str().ok())
        .filter(|key| is_key(key.as_bytes()))
        .ok_or(Refusal::BadRequest("Sec-WebSocket-Key is not 16 bytes in base64"))?;
    let accept = HeaderValue::from_str(&parlor_wire::websocket::accept_key(key))
        .expect("base64 is a header value");
    Ok(Agreement { accept, deflate: deflate_enabled && offers_deflate(headers) })
}

impl Agreement {
    /// The response with status 101.
    pub(crate) fn response(&self) -> Response<Body> {
        let mut response = Response::new(full(""));
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept.clone());
        if self.deflate {
            headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, DEFLATE);
        }
        response
    }
}

/// Takes the stream out of hyper once the 101 is written, with the bytes read beyond the request.
///
/// # Errors
/// When the connection ended first.
pub(crate) async fn take(on_upgrade: OnUpgrade) -> io::Result<(Stream, Bytes)> {
    let upgraded = on_upgrade.await.map_err(io::Error::other)?;
    match upgraded.downcast::<TokioIo<Patient<tokio::net::TcpStream>>>() {
        Ok(parts) => {
            let tcp = parts.io.into_inner().into_inner();
            Ok((Stream::Plain(tcp.into_std()?), parts.read_buf))
        }
        Err(upgraded) => take_tls(upgraded),
    }
}

fn take_tls(upgraded: Upgraded) -> io::Result<(Stream, Bytes)> {
    let parts = upgraded
        .downcast::<TokioIo<Patient<TlsStream<tokio::net::TcpStream>>>>()
        .map_err(|_| io::Error::other("a stream of an unknown kind was upgraded"))?;
    let (tcp, tls) = parts.io.into_inner().into_inner().into_inner();
    Ok((Stream::Tls(tcp.into_std()?, Box::new(tls)), parts.read_buf))
}

/// Whether a list header contains a token, in any case.
fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

/// Sixteen bytes in base64 are 22 characters and two signs of padding.
fn is_key(key: &[u8]) -> bool {
    key.len() == 24
        && key.ends_with(b"==")
        && key[..22].iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// Whether one of the client's offers can be met.
fn offers_deflate(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::SEC_WEBSOCKET_EXTENSIONS)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|offers| deflate::negotiate(offers).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(lines: &[(&str, &str)]) -> request::Parts {
        let mut builder = http::Request::builder().method("GET").uri("/");
        for (name, value) in lines {
            builder = builder.header(*name, *value);
        }
        builder.body(()).expect("a valid request").into_parts().0
    }

    const GOOD: [(&str, &str); 4] = [
        ("upgrade", "WebSocket"),
        ("connection", "keep-alive, Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    #[test]
    fn the_specifications_example_is_accepted() {
        let agreement = check(&request(&GOOD), false).expect("accepted");
        assert_eq!(agreement.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(!agreement.deflate);
    }

    #[test]
    fn each_header_is_needed() {
        for (absent, (name, _)) in GOOD.into_iter().enumerate() {
            let mut lines = GOOD.to_vec();
            lines.remove(absent);
            assert!(check(&request(&lines), false).is_err(), "without {name}");
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        let mut lines = GOOD.to_vec();
        lines[3].1 = "c2hvcnQ=";
        assert!(check(&request(&lines), false).is_err());
    }

    #[test]
    fn compression_is_agreed_only_where_switched_on_and_offered() {
        let offered = |offer: &'static str, enabled: bool| {
            let mut lines = GOOD.to_vec();
            lines.push(("sec-websocket-extensions", offer));
            check(&request(&lines), enabled).expect("accepted").deflate
        };
        assert!(offered("permessage-deflate; client_max_window_bits", true));
        assert!(!offered("permessage-deflate; client_max_window_bits", false));
        assert!(!offered("permessage-deflate; server_max_window_bits=10", true));
        assert!(offered("permessage-deflate; server_max_window_bits=10, permessage-deflate", true));
        assert!(!offered("x-webkit-deflate-frame", true));
    }
}
