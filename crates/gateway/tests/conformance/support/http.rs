//! HTTP/1.1 requests, written and read byte by byte.

use std::net::SocketAddr;

use super::stream::Stream;

/// A response.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Response {
    /// A header's value, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails unless it is Engine.IO's refusal with this code.
    pub fn expect_refusal(&self, status: u16, code: u64) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.json()["code"], code, "{self:?}");
        assert!(self.json()["message"].is_string(), "{self:?}");
    }
}

/// Writes a request without waiting for its answer.
pub fn send(stream: &mut Stream, method: &str, target: &str, headers: &[&str], body: &[u8]) {
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    if !body.is_empty() || method == "POST" || method == "PUT" {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    stream.write(&bytes);
}

/// Reads a response; `None` if the connection ends first.
pub fn receive(stream: &mut Stream) -> Option<Response> {
    let head = String::from_utf8(stream.read_until(b"\r\n\r\n")?).expect("an ASCII head");
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().expect("a status");
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(':').expect("a header"))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().expect("a length"));
    let body = String::from_utf8(stream.read_exact(length)?).expect("a UTF-8 body");
    Some(Response { status, headers, body })
}

/// One request on a connection of its own.
pub fn request(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[&str],
    body: &[u8],
) -> Response {
    let mut stream = Stream::plain(address);
    send(&mut stream, method, target, headers, body);
    receive(&mut stream).expect("a response")
}

/// A GET on a connection of its own.
pub fn get(address: SocketAddr, target: &str) -> Response {
    request(address, "GET", target, &[], b"")
}

/// A POST on a connection of its own.
pub fn post(address: SocketAddr, target: &str, body: &str) -> Response {
    request(address, "POST", target, &["Content-Type: text/plain;charset=UTF-8"], body.as_bytes())
}
