//! What operators look at a running server with: `parlor health` and `parlor top`.

use std::net::TcpListener;

#[cfg(feature = "top")]
use crate::support::Client;
#[cfg(feature = "top")]
use crate::support::screen::Screen;
use crate::support::{SECRET, Server, parlor, run, stderr, stdout};

fn url(server: &Server) -> String {
    format!("http://{}", server.addr)
}

/// An address where nobody listens.
fn nowhere() -> String {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    format!("http://{}", free.local_addr().expect("it is bound"))
}

#[test]
fn health_is_0_for_a_ready_server_and_1_with_the_reason_else() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let ready = run(&mut parlor(&["health", "--url", &url(&server)]));
    assert_eq!((ready.status.code(), stdout(&ready).as_str()), (Some(0), "ready\n"));

    let gone = run(&mut parlor(&["health", "--url", &nowhere()]));
    assert_eq!(gone.status.code(), Some(1));
    assert!(stderr(&gone).contains("refused"), "{}", stderr(&gone));

    let wrong = run(&mut parlor(&["health", "--url", "chat.example"]));
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn health_says_why_a_server_that_runs_is_not_ready() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = parlor(&["serve", "--listen", "127.0.0.1:0", "--data"]);
    command.arg(dir.path()).env("PARLOR_IDENTITY__JWKS_URL", nowhere());
    let server = Server::start(&mut command);
    let unready = run(&mut parlor(&["health", "--url", &url(&server)]));
    assert_eq!(unready.status.code(), Some(1));
    assert!(stderr(&unready).contains("signing keys"), "{}", stderr(&unready));
}

#[test]
fn health_finds_the_server_that_the_configuration_makes_with_tls_too() {
    let dir = tempfile::tempdir().unwrap();
    let signed = rcgen::generate_simple_self_signed(vec![String::from("chat.example")]).unwrap();
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&cert, signed.cert.pem()).unwrap();
    std::fs::write(&key, signed.signing_key.serialize_pem()).unwrap();
    let mut command = parlor(&["serve", "--listen", "127.0.0.1:0", "--data"]);
    command.arg(dir.path().join("data"));
    let tls = |command: &mut std::process::Command| {
        command.env("PARLOR_SERVER__TLS_CERT", &cert).env("PARLOR_SERVER__TLS_KEY", &key);
    };
    tls(&mut command);
    let server = Server::start(command.env("PARLOR_IDENTITY__HS256_SECRET", SECRET));
    let mut command = parlor(&["health"]);
    tls(&mut command);
    let listen = format!("0.0.0.0:{}", server.addr.port());
    let ready = run(command.env("PARLOR_SERVER__LISTEN", listen));
    assert_eq!(ready.status.code(), Some(0), "{}", stderr(&ready));
}

#[cfg(feature = "top")]
#[test]
fn top_once_prints_a_row_for_each_server_and_ends_with_1_if_one_is_down() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let mut alice = Client::connect(server.addr, "alice");
    alice.expect("40");
    alice.send(1, "bob", "hello");
    let one = run(&mut parlor(&["top", "--once", "--interval-ms", "100", &url(&server)]));
    assert_eq!(one.status.code(), Some(0), "{}", stderr(&one));
    let text = stdout(&one);
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let addr = server.addr.to_string();
    assert_eq!((rows.len(), rows[0][..3].to_vec()), (3, vec!["node", "state", "conns"]), "{text}");
    assert_eq!(rows[1][..3], [addr.as_str(), "ready", "1"], "{text}");
    assert_eq!(rows[2][..4], ["all", "1/1", "ready", "1"], "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    #[cfg(target_os = "linux")]
    assert!(rows[1].iter().any(|cell| cell.ends_with("MiB")), "{text}");

    let urls = [url(&server), nowhere()];
    let both = run(&mut parlor(&["top", "--once", "--interval-ms", "100", &urls[0], &urls[1]]));
    assert_eq!(both.status.code(), Some(1));
    assert!(stdout(&both).contains("DOWN") && stdout(&both).contains("1/2 ready"), "{text}");
    assert!(stderr(&both).contains("is down"), "{}", stderr(&both));
}

#[cfg(feature = "top")]
#[test]
fn top_watches_at_most_64_servers() {
    let urls: Vec<String> = (1..=65).map(|port| format!("http://127.0.0.1:{port}")).collect();
    let mut command = parlor(&["top", "--once", "--interval-ms", "100"]);
    assert_eq!(run(command.args(&urls)).status.code(), Some(2));
    let mut command = parlor(&["top", "--once", "--interval-ms", "100"]);
    assert_eq!(run(command.args(&urls[..64])).status.code(), Some(1));
}

#[cfg(feature = "top")]
#[test]
fn top_shows_servers_in_a_terminal_one_that_dies_as_down_and_q_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let one = Server::dev(&dir.path().join("one"));
    let other = Server::dev(&dir.path().join("other"));
    let mut alice = Client::connect(one.addr, "alice");
    alice.expect("40");
    let arguments = ["top", "--interval-ms", "100", &url(&one), &url(&other)];
    let mut screen = Screen::open(&arguments, (100, 24));
    screen.shows("2/2 ready");
    screen.shows(&one.addr.to_string());
    screen.shows("mismatches");
    drop(other);
    screen.shows("1/2 ready");
    screen.shows("DOWN 1s");
    // It can be made smaller while it runs.
    screen.resize(80, 20);
    screen.shows("1/2 ready");
    assert!(screen.ends_by("q").success(), "{}", screen.text());
}
