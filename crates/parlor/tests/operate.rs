//! What operators look at a running server with: `parlor health`.

use std::net::TcpListener;

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
