//! Requests to the HTTP API, with a key that a configuration lets in.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

use super::{Answer, SECRET, Server, connect, parlor, run, stdout};

/// Every scope.
pub(crate) const SCOPES: [&str; 8] = [
    "messages:write",
    "messages:read",
    "messages:delete",
    "groups:write",
    "groups:read",
    "users:read",
    "users:write",
    "tokens:revoke",
];

/// A key, and what lets it in.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) key: String,
    pub(crate) variable: String,
}

impl Key {
    /// As `parlor api-key new` makes it.
    pub(crate) fn new(name: &str, scopes: &[&str]) -> Self {
        let mut command = parlor(&["api-key", "new", "--name", name]);
        for scope in scopes {
            command.args(["--scope", scope]);
        }
        let printed = stdout(&run(&mut command));
        let after = |mark: &str| {
            let (_, rest) = printed.split_once(mark).unwrap_or_else(|| panic!("{printed}"));
            rest.lines().next().expect("a line").to_owned()
        };
        Self { key: after("Key, shown this once: "), variable: after("PARLOR_API__KEYS=") }
    }
}

/// `parlor serve` with a secret and these keys, on a free port.
pub(crate) fn serving(data: &Path, keys: &[&Key]) -> Command {
    let mut command = parlor(&["serve", "--listen", "127.0.0.1:0"]);
    let variables: Vec<&str> = keys.iter().map(|key| key.variable.as_str()).collect();
    command.arg("--data").arg(data).env("PARLOR_IDENTITY__HS256_SECRET", SECRET);
    command.env("PARLOR_API__KEYS", variables.join(","));
    command
}

/// The API of a server, for one key.
pub(crate) struct Api {
    pub(crate) addr: SocketAddr,
    pub(crate) key: String,
}

impl Api {
    /// That server's, with a key of every scope.
    pub(crate) fn start(data: &Path) -> (Server, Self) {
        let key = Key::new("all", &SCOPES);
        let server = Server::start(&mut serving(data, &[&key]));
        let api = Self { addr: server.addr, key: key.key };
        (server, api)
    }

    /// One request with these further head lines.
    pub(crate) fn send(&self, line: &str, head: &str, body: &[u8]) -> Answer {
        let head = format!(
            "{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
             content-length: {}\r\n{head}\r\n",
            self.key,
            body.len()
        );
        exchange(self.addr, &[head.as_bytes(), body].concat())
    }

    /// One request, and the status and JSON of its answer; `None` if there is none, or none whole.
    pub(crate) fn try_send(&self, line: &str, head: &str, body: &str) -> Option<(u16, Value)> {
        let mut stream = TcpStream::connect(self.addr).ok()?;
        let head = format!(
            "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
             content-length: {}\r\n{head}\r\n{body}",
            self.key,
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, serde_json::from_str(body).ok()?))
    }

    /// One request, and the status and JSON of its answer.
    pub(crate) fn ask(&self, line: &str, body: &str) -> (u16, Value) {
        said(&self.send(line, "", body.as_bytes()))
    }

    /// The same, when it must succeed.
    pub(crate) fn done(&self, line: &str, body: &str) -> Value {
        let (status, said) = self.ask(line, body);
        assert_eq!(status, 200, "{line}: {said}");
        said
    }
}

/// Sends these bytes, and reads the answer to its end.
pub(crate) fn exchange(addr: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = connect(addr);
    // A server that has seen enough may answer before all is sent.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

/// The status and the JSON of an answer, which every answer of the API is.
pub(crate) fn said(answer: &Answer) -> (u16, Value) {
    assert!(answer.head.contains("content-type: application/json"), "{answer:?}");
    let said = serde_json::from_str(&answer.body);
    (answer.status, said.unwrap_or_else(|error| panic!("{error}: {answer:?}")))
}

/// Now, in seconds.
pub(crate) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// A token of a user that was issued then.
pub(crate) fn token(user: &str, iat: u64) -> String {
    let claims = json!({"sub": user, "iat": iat, "exp": now_s() + 3_600});
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key).expect("it is signed")
}
