//! A WebSocket client (RFC 6455) that can also say what a good client never says.

use std::net::SocketAddr;

use super::http::{self, Response};
use super::stream::Stream;

/// The example key of the RFC; any will do.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// What a server answers to [`KEY`].
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// What the server sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// A close frame: code (0 if absent) and reason.
    Close(u16, String),
    /// The stream ended.
    End,
}

/// A client.
pub struct WebSocket {
    pub stream: Stream,
}

/// The header lines of an upgrade request.
pub fn upgrade_headers() -> Vec<String> {
    vec![
        "Upgrade: websocket".to_owned(),
        "Connection: Upgrade".to_owned(),
        "Sec-WebSocket-Version: 13".to_owned(),
        format!("Sec-WebSocket-Key: {KEY}"),
    ]
}

impl WebSocket {
    /// Opens; fails if the server refuses.
    pub fn open(address: SocketAddr, target: &str) -> WebSocket {
        Self::try_open(address, target).unwrap_or_else(|response| panic!("refused: {response:?}"))
    }

    /// Opens, or gives the refusal.
    pub fn try_open(address: SocketAddr, target: &str) -> Result<WebSocket, Response> {
        Self::over(Stream::plain(address), target, &[])
    }

    /// Opens over a stream that is already there.
    pub fn over(mut stream: Stream, target: &str, more: &[&str]) -> Result<WebSocket, Response> {
        let lines = upgrade_headers();
        let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        lines.extend_from_slice(more);
        http::send(&mut stream, "GET", target, &lines, b"");
        let response = http::receive(&mut stream).expect("a response");
        if response.status != 101 {
            return Err(response);
        }
        assert_eq!(response.header("sec-websocket-accept"), Some(ACCEPT));
        Ok(WebSocket { stream })
    }

    pub fn send(&mut self, text: &str) {
        self.send_frame(0x80 | TEXT, text.as_bytes());
    }

    pub fn send_binary(&mut self, bytes: &[u8]) {
        self.send_frame(0x80 | BINARY, bytes);
    }

    /// Sends one masked frame with this first byte.
    pub fn send_frame(&mut self, first: u8, payload: &[u8]) {
        let bytes = frame(first, payload);
        self.stream.write(&bytes);
    }

    pub fn receive(&mut self) -> Received {
        let Some(head) = self.stream.read_exact(2) else { return Received::End };
        assert_eq!(head[1] & 0x80, 0, "a server does not mask");
        assert_eq!(head[0] & 0xf0, 0x80, "one frame per message, nothing compressed");
        let length = match head[1] {
            126 => self.number(2),
            127 => self.number(8),
            short => u64::from(short),
        };
        let payload = self.stream.read_exact(length as usize).expect("a whole frame");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        match head[0] & 0x0f {
            TEXT => Received::Text(text(payload)),
            BINARY => Received::Binary(payload),
            PING => Received::Ping(payload),
            PONG => Received::Pong(payload),
            CLOSE if payload.is_empty() => Received::Close(0, String::new()),
            CLOSE => {
                let code = u16::from_be_bytes([payload[0], payload[1]]);
                Received::Close(code, text(payload[2..].to_vec()))
            }
            other => panic!("opcode {other}"),
        }
    }

    fn number(&mut self, width: usize) -> u64 {
        let bytes = self.stream.read_exact(width).expect("a whole frame head");
        bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// The next text message.
    pub fn text(&mut self) -> String {
        match self.receive() {
            Received::Text(text) => text,
            other => panic!("text was expected, came {other:?}"),
        }
    }

    /// The next binary message.
    pub fn binary(&mut self) -> Vec<u8> {
        match self.receive() {
            Received::Binary(bytes) => bytes,
            other => panic!("binary was expected, came {other:?}"),
        }
    }

    /// Fails unless this is the next text message.
    pub fn expect(&mut self, expected: &str) {
        assert_eq!(self.text(), expected);
    }

    /// Skips messages up to the close frame and gives its code and reason; `(0, "")` if the stream
    /// ends without one.
    pub fn closed(&mut self) -> (u16, String) {
        loop {
            match self.receive() {
                Received::Close(code, reason) => return (code, reason),
                Received::End => return (0, String::new()),
                _ => {}
            }
        }
    }
}

/// A masked frame with this first byte.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}
