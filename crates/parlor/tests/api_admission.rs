//! Who and what the HTTP API lets in: keys, rates, sizes and times, over real HTTP on the real binary.

use std::io::Write;

use crate::support::api::{Api, Key, SCOPES, exchange, now_s, said, serving, token};
use crate::support::{Server, connect};
use serde_json::json;

#[test]
fn without_a_key_there_is_no_api() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with_secret(dir.path());
    for path in ["/v1", "/v1/openapi.json", "/v1/users/bob/devices"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
}

#[test]
fn who_has_no_good_key_is_turned_away_and_told_why() {
    let dir = tempfile::tempdir().unwrap();
    let (server, api) = Api::start(dir.path());
    for (authorization, text) in [
        (String::new(), "an API key is required"),
        (format!("authorization: Basic {}\r\n", api.key), "an API key is required"),
        (format!("authorization: Bearer {}x\r\n", api.key), "the API key is unknown"),
        (format!("authorization: Bearer {}\r\n", token("bob", now_s())), "the API key is unknown"),
    ] {
        let head = "GET /v1/users/bob/devices HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
        let answer = exchange(server.addr, format!("{head}{authorization}\r\n").as_bytes());
        assert!(answer.head.contains("www-authenticate: bearer"), "{answer:?}");
        let (status, refusal) = said(&answer);
        assert_eq!((status, &refusal["code"]), (401, &json!("unauthorized")));
        assert!(refusal["error"].as_str().unwrap().contains(text), "{refusal}");
        assert_eq!(refusal.get("retryAfterMs"), None);
    }
}

#[test]
fn sizes_hold_at_their_edge() {
    let dir = tempfile::tempdir().unwrap();
    let key = Key::new("all", &SCOPES);
    let mut command = serving(dir.path(), &[&key]);
    command.env("PARLOR_LIMITS__CONTENT_BYTES_MAX", "100");
    let server = Server::start(command.env("PARLOR_LIMITS__PACKET_BYTES_MAX", "2048"));
    let api = Api { addr: server.addr, key: key.key };
    let of = |content: usize, spaces: usize| {
        let content = "x".repeat(content - 2);
        let body = json!({"from": "a", "to": "b", "content": content}).to_string();
        body + &" ".repeat(spaces)
    };
    let bytes = of(100, 0).len();
    for (body, status) in [
        (of(100, 0), 200),
        (of(101, 0), 413),
        (of(100, 2048 - bytes), 200),
        (of(100, 2049 - bytes), 413),
    ] {
        let (got, answer) = api.ask("POST /v1/messages", &body);
        assert_eq!(got, status, "{answer}");
        assert!(status == 200 || answer["code"] == "too_large", "{answer}");
    }
    // One that does not say how long it is, and one that is far too long.
    let chunk = format!("{:x}\r\n{}\r\n0\r\n\r\n", 4_096, "x".repeat(4_096));
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
         transfer-encoding: chunked\r\n\r\n{chunk}",
        api.key
    );
    assert_eq!(said(&exchange(server.addr, head.as_bytes())).0, 413);
    assert_eq!(api.ask("POST /v1/messages", &" ".repeat(5_000_000)).0, 413);
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let key = Key::new("all", &SCOPES);
    let mut command = serving(dir.path(), &[&key]);
    let server = Server::start(command.env("PARLOR_LIMITS__REQUEST_TIMEOUT_MS", "200"));
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
         content-length: 100\r\n\r\n{{",
        key.key
    );
    let (status, refusal) = said(&exchange(server.addr, head.as_bytes()));
    assert_eq!((status, &refusal["error"]), (400, &json!("body must arrive whole in time")));
}

#[test]
fn each_key_is_kept_to_its_rate() {
    let dir = tempfile::tempdir().unwrap();
    let keys = [Key::new("one", &["users:read"]), Key::new("two", &["users:read"])];
    let mut command = serving(dir.path(), &[&keys[0], &keys[1]]);
    command.env("PARLOR_LIMITS__API_RATE_BURST", "3");
    let server = Server::start(command.env("PARLOR_LIMITS__API_RATE_PER_SECOND", "1"));
    let [one, two] = keys.map(|key| Api { addr: server.addr, key: key.key });
    let line = "GET /v1/users/bob/devices";
    let statuses: Vec<u16> = (0..3).map(|_| one.ask(line, "").0).collect();
    assert_eq!(statuses, [200, 200, 200]);
    let answer = one.send(line, "", b"");
    let (status, refusal) = said(&answer);
    assert_eq!((status, &refusal["code"]), (429, &json!("rate_limited")));
    let ms = refusal["retryAfterMs"].as_u64().expect("a delay");
    assert!((1..=1_000).contains(&ms), "{refusal}");
    assert!(answer.head.contains("retry-after: 1"), "{answer:?}");
    assert_eq!(two.ask(line, "").0, 200);
    assert_eq!(
        said(&exchange(
            server.addr,
            b"GET /v1/users/b/devices HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        ))
        .0,
        401
    );
}

#[test]
fn logs_have_the_name_of_a_key_and_nothing_that_is_secret() {
    let dir = tempfile::tempdir().unwrap();
    let key = Key::new("shop-backend", &SCOPES);
    let log = dir.path().join("log");
    let mut command = serving(&dir.path().join("data"), &[&key]);
    command.env("PARLOR_LOG__LEVEL", "trace").stderr(std::fs::File::create(&log).unwrap());
    let mut server = Server::start_logging(&mut command);
    let api = Api { addr: server.addr, key: key.key.clone() };
    let body = "{\"from\":\"alice\",\"to\":\"bob\",\"content\":\"whispered\"}";
    let sent = api.send("POST /v1/messages", "idempotency-key: order-7001\r\n", body.as_bytes());
    assert_eq!(sent.status, 200);
    assert_eq!(api.ask("POST /v1/messages", "{\"content\":\"whispered\"").0, 400);
    api.done("POST /v1/users/bob/revoke-tokens", "");
    let wrong = Api { addr: server.addr, key: "prl_wrong-and-secret".into() };
    assert_eq!(wrong.ask("POST /v1/messages", body).0, 401);
    server.signal("TERM");
    server.wait();
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.contains("key=\"shop-backend\"") || log.contains("key=shop-backend"), "{log}");
    for secret in [&key.key[..], "prl_", "whispered", "order-7001"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[test]
fn a_connection_is_kept_for_further_requests() {
    let dir = tempfile::tempdir().unwrap();
    let (server, api) = Api::start(dir.path());
    let mut stream = connect(server.addr);
    for close in ["keep-alive", "close"] {
        let head = format!(
            "GET /v1/users/bob/blocks HTTP/1.1\r\nhost: x\r\nconnection: {close}\r\n\
             authorization: Bearer {}\r\n\r\n",
            api.key
        );
        stream.write_all(head.as_bytes()).unwrap();
    }
    let mut text = String::new();
    std::io::Read::read_to_string(&mut stream, &mut text).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2, "{text}");
}
