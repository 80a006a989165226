//! The server from its start to its end: pages, identity, TLS, drain, kill.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{Client, SECRET, Server, connect, parlor, request, run, stdout};

#[test]
fn start_prints_address_data_warning_and_a_client() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::dev(dir.path());
    let greeting = server.greeting();
    assert!(greeting.starts_with(&format!("Parlor listens on http://{}\n", server.addr)));
    assert!(greeting.contains(&format!("Its data lies in {}", dir.path().display())));
    assert!(greeting.contains("ANYONE"));
    assert!(greeting.contains(&format!("open http://{}/ in a browser", server.addr)));
    let client = format!("io(\"http://{}\", {{ auth: {{ token: \"alice\" }} }})", server.addr);
    assert!(greeting.contains(&client), "{greeting}");
}

#[test]
fn pages_answer() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    assert_eq!(
        (server.get("/healthz").status, server.get("/healthz").body.as_str()),
        (200, "ok\n")
    );
    assert_eq!(
        (server.get("/readyz").status, server.get("/readyz").body.as_str()),
        (200, "ready\n")
    );
    assert_eq!(server.get("/nothing").status, 404);
    assert_eq!(request(&mut connect(server.addr), "POST /healthz HTTP/1.1", "").status, 405);
}

#[test]
fn metrics_count_what_happened() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let mut alice = Client::connect(server.addr, "alice");
    alice.expect("40");
    alice.send(1, "bob", "hello");
    let metrics = server.get("/metrics");
    assert_eq!(metrics.status, 200);
    assert!(metrics.head.contains("text/plain; version=0.0.4"));
    let lines: Vec<&str> = metrics.body.lines().collect();
    for line in [
        "parlor_server_ready 1",
        "parlor_gateway_connections 1",
        "parlor_service_sessions 1",
        "parlor_service_messages_sent_total 1",
        "parlor_store_entries_total 1",
        "parlor_store_healthy 1",
        "parlor_gateway_connections_closed_total{reason=\"ping timeout\"} 0",
        "parlor_service_refusals_total{code=\"unauthorized\"} 0",
    ] {
        assert!(lines.contains(&line), "{line} is not in:\n{}", metrics.body);
    }
    assert!(metrics.body.contains("parlor_store_commit_duration_seconds_bucket{le=\"+Inf\"}"));
    for line in lines.iter().filter(|line| !line.starts_with('#')) {
        assert!(line.starts_with("parlor_"), "{line}");
        let value = line.rsplit(' ').next().unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}

#[test]
fn documented_metrics_are_those_that_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = parlor(&["serve", "--listen", "127.0.0.1:0"]);
    let jwks = dir.path().join("jwks.json");
    std::fs::write(&jwks, JWKS).unwrap();
    command.arg("--data").arg(dir.path().join("data")).env("PARLOR_IDENTITY__JWKS_FILE", &jwks);
    let server = Server::start(&mut command);
    let manual = include_str!("../../../docs/running.md");
    let served = server.get("/metrics").body;
    let names = served.lines().filter_map(|line| line.strip_prefix("# HELP "));
    let names: Vec<&str> = names.filter_map(|line| line.split(' ').next()).collect();
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        assert!(manual.contains(&format!("`{name}")), "docs/running.md does not list {name}");
    }
}

/// A key set with one key that signed nothing.
const JWKS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

#[test]
fn minted_token_lets_its_user_in_and_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with_secret(dir.path());
    let mut command = parlor(&["token", "--user", "alice"]);
    let token = stdout(&run(command.env("PARLOR_IDENTITY__HS256_SECRET", SECRET)));
    let mut alice = Client::connect(server.addr, token.trim_end());
    alice.expect("40{");
    let ready = alice.expect("42[\"ready\"");
    assert!(ready.contains("\"userId\":\"alice\""), "{ready}");
    assert_eq!(alice.send(1, "bob", "hello")["status"], "sent");

    for (token, reason) in [("alice", "malformed"), (&forged(), "bad signature")] {
        let mut stranger = Client::connect(server.addr, token);
        let refusal = stranger.expect("44");
        assert!(refusal.contains("unauthorized") && refusal.contains(reason), "{refusal}");
    }
}

#[test]
fn connection_ends_with_its_token() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = parlor(&["serve", "--listen", "127.0.0.1:0"]);
    command.arg("--data").arg(dir.path()).env("PARLOR_IDENTITY__LEEWAY_MS", "0");
    let server = Server::start(command.env("PARLOR_IDENTITY__HS256_SECRET", SECRET));
    let mut command = parlor(&["token", "--user", "alice", "--expires", "2s"]);
    let token = stdout(&run(command.env("PARLOR_IDENTITY__HS256_SECRET", SECRET)));
    let mut alice = Client::connect(server.addr, token.trim_end());
    alice.expect("42[\"ready\"");
    let closing = alice.expect("42[\"closing\"");
    assert!(closing.contains("token_expired"), "{closing}");
}

/// A token by another secret.
fn forged() -> String {
    let mut command = parlor(&["token", "--user", "alice"]);
    let secret = "another secret of thirty-two bytes";
    stdout(&run(command.env("PARLOR_IDENTITY__HS256_SECRET", secret))).trim_end().to_owned()
}

#[test]
fn server_without_its_keys_runs_but_is_not_ready() {
    let dir = tempfile::tempdir().unwrap();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = parlor(&["serve", "--listen", "127.0.0.1:0"]);
    command.arg("--data").arg(dir.path());
    command.env("PARLOR_IDENTITY__JWKS_URL", format!("http://{gone}/keys"));
    let server = Server::start(&mut command);
    assert_eq!(server.get("/healthz").status, 200);
    let readyz = server.get("/readyz");
    assert_eq!(readyz.status, 503);
    assert!(readyz.body.contains("signing keys"), "{}", readyz.body);
}

#[test]
fn certificate_makes_it_speak_tls() {
    let dir = tempfile::tempdir().unwrap();
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&cert, signed.cert.pem()).unwrap();
    std::fs::write(&key, signed.signing_key.serialize_pem()).unwrap();
    let mut command = parlor(&["serve", "--dev", "--listen", "127.0.0.1:0"]);
    command.arg("--data").arg(dir.path().join("data"));
    command.env("PARLOR_SERVER__TLS_CERT", &cert).env("PARLOR_SERVER__TLS_KEY", &key);
    let server = Server::start(&mut command);
    assert!(server.first_line.contains("https://"), "{}", server.first_line);

    let mut roots = rustls::RootCertStore::empty();
    roots.add(signed.cert.der().clone()).unwrap();
    let config =
        rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let mut session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut tcp = connect(server.addr);
    let mut stream = rustls::Stream::new(&mut session, &mut tcp);
    let answer = request(&mut stream, "GET /healthz HTTP/1.1", "");
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"));
}

#[test]
fn end_signals_drain_and_end_with_0() {
    for name in ["TERM", "INT"] {
        let dir = tempfile::tempdir().unwrap();
        let mut server = Server::dev(dir.path());
        let mut alice = Client::connect(server.addr, "alice");
        alice.expect("40");
        assert_eq!(alice.send(1, "bob", "kept")["status"], "sent");
        let begun = Instant::now();
        server.signal(name);
        assert_eq!(server.wait().code(), Some(0), "SIG{name}");
        assert!(begun.elapsed() < Duration::from_secs(9), "well before the bound");
    }
}

#[test]
fn drain_beyond_its_bound_ends_with_5_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = parlor(&["serve", "--dev", "--listen", "127.0.0.1:0"]);
    command.arg("--data").arg(dir.path()).env("PARLOR_SERVER__DRAIN_MS", "0");
    let mut server = Server::start(&mut command);
    let mut alice = Client::connect(server.addr, "alice");
    alice.expect("40");
    assert_eq!(alice.send(1, "bob", "kept")["status"], "sent");
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(5));
    let server = Server::dev(dir.path());
    Client::connect(server.addr, "bob").expect("42[\"private_message\"");
}

#[test]
fn acknowledged_message_outlives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::dev(dir.path());
    let mut alice = Client::connect(server.addr, "alice");
    alice.expect("40");
    let ack = alice.send(1, "bob", "kept");
    server.signal("KILL");
    assert_eq!(server.wait().code(), None);

    let server = Server::dev(dir.path());
    let mut bob = Client::connect(server.addr, "bob");
    let message = bob.expect("42[\"private_message\"");
    assert!(message.contains(ack["id"].as_str().unwrap()), "{message} {ack}");
    assert!(message.contains("\"kept\""));
}

#[test]
fn relaxed_durability_still_serves() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = parlor(&["serve", "--dev", "--listen", "127.0.0.1:0"]);
    command.arg("--data").arg(dir.path()).env("PARLOR_DURABILITY__FSYNC", "relaxed");
    let server = Server::start(&mut command);
    let mut alice = Client::connect(server.addr, "alice");
    alice.expect("40");
    assert_eq!(alice.send(1, "bob", "hello")["status"], "sent");
}

#[test]
fn limits_of_the_configuration_reach_the_clients() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = parlor(&["serve", "--dev", "--listen", "127.0.0.1:0"]);
    command.arg("--data").arg(dir.path()).env("PARLOR_LIMITS__CONTENT_BYTES_MAX", "16");
    let server = Server::start(&mut command);
    let mut alice = Client::connect(server.addr, "alice");
    alice.expect("40");
    let refused = alice.send(1, "bob", "longer than sixteen bytes");
    assert_eq!(refused["status"], "error", "{refused}");
    assert!(refused["error"].as_str().is_some_and(|text| text.contains("16")), "{refused}");
}

#[test]
fn rates_hold_for_users_and_are_lifted_by_dev() {
    let bounds = [
        ("PARLOR_LIMITS__CONNECTION_RATE_BURST", "3"),
        ("PARLOR_LIMITS__CONNECTION_RATE_PER_SECOND", "1"),
    ];
    let dir = tempfile::tempdir().unwrap();
    let mut command = parlor(&["serve", "--listen", "127.0.0.1:0"]);
    command.arg("--data").arg(dir.path().join("users")).envs(bounds);
    let server = Server::start(command.env("PARLOR_IDENTITY__HS256_SECRET", SECRET));
    let mut command = parlor(&["token", "--user", "alice"]);
    let token = stdout(&run(command.env("PARLOR_IDENTITY__HS256_SECRET", SECRET)));
    let mut alice = Client::connect(server.addr, token.trim_end());
    alice.expect("40");
    let acks: Vec<_> = (1..=10).map(|id| alice.send(id, "bob", "hello")).collect();
    let refused = acks.iter().find(|ack| ack["status"] == "error").expect("one too fast");
    assert_eq!(refused["code"], "rate_limited");
    assert!(refused["retryAfterMs"].as_u64().is_some_and(|ms| ms > 0), "{refused}");

    let mut command = parlor(&["serve", "--dev", "--listen", "127.0.0.1:0"]);
    let server = Server::start(command.arg("--data").arg(dir.path().join("dev")).envs(bounds));
    let mut alice = Client::connect(server.addr, "alice");
    alice.expect("40");
    assert!((1..=10).all(|id| alice.send(id, "bob", "hello")["status"] == "sent"));
}

/// A limit on the size of files stands in for a full disk, which needs no privilege to make.
#[cfg(unix)]
#[test]
fn full_disk_is_not_ready_acknowledges_nothing_and_damages_nothing() {
    use std::process::Command;

    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    let limited = "trap '' XFSZ; ulimit -f 1024; exec \"$@\"";
    command.args(["-c", limited, "sh", env!("CARGO_BIN_EXE_parlor")]);
    command.args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"]).arg(dir.path());
    let mut server = Server::start(&mut command);
    let mut alice = Client::connect(server.addr, "alice");
    alice.expect("40");
    let content = "x".repeat(50_000);
    let mut sent = 0;
    let refused = (1..=100).map(|id| alice.send(id, "bob", &content)).find(|ack| {
        sent += usize::from(ack["status"] == "sent");
        ack["status"] == "error"
    });
    let refused = refused.expect("the disk is full in the end");
    assert_eq!(refused["code"], "unavailable", "{refused}");
    assert!(sent > 0);
    let readyz = server.get("/readyz");
    assert_eq!(readyz.status, 503, "{}", readyz.body);
    assert_eq!(server.get("/healthz").status, 200);
    assert!(server.get("/metrics").body.contains("\nparlor_store_healthy 0\n"));
    server.signal("KILL");
    server.wait();

    let checked = run(parlor(&["check", "--data"]).arg(dir.path()));
    assert!(checked.status.success(), "{}", stdout(&checked));
    let server = Server::dev(dir.path());
    assert_eq!(server.get("/readyz").status, 200);
    let mut bob = Client::connect(server.addr, "bob");
    bob.expect("40");
    for _ in 0..sent {
        bob.expect("42[\"private_message\"");
    }
}
