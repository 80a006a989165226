//! A Socket.IO client over one WebSocket: packets as text, pings answered on the way.

use std::time::Instant;

use super::server::{PATH, Server};
use super::ws::{Received, WebSocket};

/// A client.
pub struct Client {
    pub socket: WebSocket,
    pub engine_sid: String,
}

impl Client {
    /// Opens the connection; no namespace is joined.
    pub fn open(server: &Server) -> Client {
        Self::open_with(server, "")
    }

    /// Opens with more query parameters, each after an `&`.
    pub fn open_with(server: &Server, query: &str) -> Client {
        let target = format!("{PATH}?EIO=4&transport=websocket{query}");
        Self::over(WebSocket::open(server.address, &target))
    }

    /// Reads the open packet of a WebSocket.
    pub fn over(mut socket: WebSocket) -> Client {
        let open = socket.text();
        let open = open.strip_prefix('0').expect("an open packet");
        let open: serde_json::Value = serde_json::from_str(open).expect("JSON");
        let engine_sid = open["sid"].as_str().expect("a sid").to_owned();
        Client { socket, engine_sid }
    }

    /// Opens and joins a namespace; gives the socket id too.
    pub fn join(server: &Server, namespace: &str) -> (Client, String) {
        let mut client = Self::open(server);
        let id = client.connect(namespace);
        (client, id)
    }

    /// Joins the main namespace.
    pub fn main(server: &Server) -> Client {
        Self::join(server, "/").0
    }

    /// Sends CONNECT, expects it to be granted, gives the socket id.
    pub fn connect(&mut self, namespace: &str) -> String {
        let prefix = match namespace {
            "/" => "40".to_owned(),
            other => format!("40{other},"),
        };
        self.send(&prefix);
        let answer = self.text();
        let json = answer.strip_prefix(&prefix).unwrap_or_else(|| panic!("refused: {answer}"));
        let json: serde_json::Value = serde_json::from_str(json).expect("JSON");
        let keys: Vec<&String> = json.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["sid"], "recovery is off, so there is no pid");
        json["sid"].as_str().expect("a sid").to_owned()
    }

    /// Sends an Engine.IO packet: `42["event"]`.
    pub fn send(&mut self, packet: &str) {
        self.socket.send(packet);
    }

    pub fn send_binary(&mut self, bytes: &[u8]) {
        self.socket.send_binary(bytes);
    }

    /// What comes next, pings answered and left out.
    pub fn receive(&mut self) -> Received {
        loop {
            match self.socket.receive() {
                Received::Text(ping) if ping == "2" => {
                    // The server may be closing already; then the answer has nowhere to go.
                    let pong = super::ws::frame(0x80 | super::ws::TEXT, b"3");
                    let _ = self.socket.stream.try_write(&pong);
                }
                other => return other,
            }
        }
    }

    /// The next text packet.
    pub fn text(&mut self) -> String {
        match self.receive() {
            Received::Text(text) => text,
            other => panic!("text was expected, came {other:?}"),
        }
    }

    /// Fails unless this packet comes next.
    pub fn expect(&mut self, expected: &str) {
        assert_eq!(self.text(), expected);
    }

    /// Fails unless these bytes come next.
    pub fn expect_binary(&mut self, expected: &[u8]) {
        assert_eq!(self.receive(), Received::Binary(expected.to_vec()));
    }

    /// Fails if anything but pings was sent before the server answers `42["sync"]`, which the
    /// namespaces of [`super::server`] echo as `42["synced"]`.
    pub fn expect_nothing(&mut self) {
        self.send(r#"42["sync"]"#);
        self.expect(r#"42["synced"]"#);
    }

    /// Skips everything up to the close frame: its code and reason.
    pub fn closed(&mut self) -> (u16, String) {
        let deadline = Instant::now() + super::stream::PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "the connection stays open");
            match self.receive() {
                Received::Close(code, reason) => return (code, reason),
                Received::End => return (0, String::new()),
                _ => {}
            }
        }
    }
}
