//! The same over TLS: polling, WebSocket and upgrade.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_gateway::{Config, Engine, Gateway};
use rustls::pki_types::PrivateKeyDer;

use crate::support::http;
use crate::support::server::{self, PATH, Server};
use crate::support::sio::Client;
use crate::support::stream::Stream;
use crate::support::ws::{self, WebSocket};

/// A server with a certificate for `localhost`, and a client that trusts it.
fn encrypted(build: impl FnOnce(&mut Gateway)) -> (Server, Arc<rustls::ClientConfig>) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let tls = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let trust = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Config {
        handshake_timeout: Duration::from_millis(500),
        output_bytes_max: 64 << 20,
        // A slow reader may be slow on a busy machine.
        ping_timeout: Duration::from_secs(20),
        ..server::fast()
    };
    let server = Server::start_tls(config, 1, Some(Arc::new(tls)), build);
    (server, Arc::new(trust))
}

fn echo(gateway: &mut Gateway) {
    gateway.namespace("/", server::echo_namespace());
}

fn open_websocket(server: &Server, trust: &Arc<rustls::ClientConfig>, query: &str) -> WebSocket {
    let stream = Stream::tls(server.address, Arc::clone(trust));
    let target = format!("{PATH}?EIO=4&transport=websocket{query}");
    WebSocket::over(stream, &target, &[]).expect("upgraded")
}

#[test]
fn events_travel_over_an_encrypted_websocket() {
    let (server, trust) = encrypted(echo);
    let mut client = Client::over(open_websocket(&server, &trust, ""));
    client.connect("/");
    client.expect(r#"42["auth",{}]"#);
    for length in [1, 100, 20_000, 300_000] {
        let text = "x".repeat(length);
        client.send(&format!(r#"42["message","{text}"]"#));
        client.expect(&format!(r#"42["message-back","{text}"]"#));
    }
}

#[test]
fn bytes_sent_with_the_upgrade_request_are_not_lost() {
    let (server, trust) = encrypted(|gateway| {
        gateway.engine(Engine::new().on_message(|link, message| link.send(message).unwrap()));
    });
    let mut stream = Stream::tls(server.address, trust);
    let mut bytes = format!("GET {PATH}?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n");
    bytes.push_str(&ws::upgrade_headers().join("\r\n"));
    bytes.push_str("\r\n\r\n");
    let mut bytes = bytes.into_bytes();
    // More than one record's worth, so that part of it is decrypted and part is not.
    let text = format!("4{}", "x".repeat(20_000));
    bytes.extend(ws::frame(0x80 | ws::TEXT, b"4early"));
    bytes.extend(ws::frame(0x80 | ws::TEXT, text.as_bytes()));
    stream.write(&bytes);
    assert_eq!(http::receive(&mut stream).expect("a response").status, 101);
    let mut client = Client::over(WebSocket { stream });
    client.expect("4early");
    client.expect(&text);
}

#[test]
fn many_small_events_survive_the_records() {
    let (server, trust) = encrypted(echo);
    let mut client = Client::over(open_websocket(&server, &trust, ""));
    client.connect("/");
    client.text();
    for number in 0..200 {
        client.send(&format!(r#"42["message",{number}]"#));
    }
    for number in 0..200 {
        client.expect(&format!(r#"42["message-back",{number}]"#));
    }
}

#[test]
fn the_heartbeat_goes_over_tls() {
    let (server, trust) = encrypted(echo);
    let mut client = Client::over(open_websocket(&server, &trust, ""));
    client.connect("/");
    client.text();
    for _ in 0..2 {
        client.socket.expect("2");
        client.send("3");
    }
}

#[test]
fn a_session_is_opened_polled_and_upgraded_over_tls() {
    let (server, trust) = encrypted(echo);
    let mut stream = Stream::tls(server.address, Arc::clone(&trust));
    http::send(&mut stream, "GET", &format!("{PATH}?EIO=4&transport=polling"), &[], b"");
    let open = http::receive(&mut stream).expect("a response").body;
    let open: serde_json::Value = serde_json::from_str(&open[1..]).expect("JSON");
    let sid = open["sid"].as_str().expect("a sid");
    let target = format!("{PATH}?EIO=4&transport=polling&sid={sid}");
    http::send(&mut stream, "POST", &target, &[], b"40");
    assert_eq!(http::receive(&mut stream).expect("a response").body, "ok");
    http::send(&mut stream, "GET", &target, &[], b"");
    assert!(http::receive(&mut stream).expect("a response").body.starts_with("40{"));
    let mut socket = open_websocket(&server, &trust, &format!("&sid={sid}"));
    socket.send("2probe");
    socket.expect("3probe");
    socket.send("5");
    socket.send(r#"42["message","moved"]"#);
    while socket.text() != r#"42["message-back","moved"]"# {}
}

#[test]
fn a_request_over_tls_is_secure_and_says_so() {
    use parlor_gateway::{ConnectRequest, Data, Namespace};
    let (server, trust) = encrypted(|gateway| {
        gateway.namespace(
            "/",
            Namespace::new()
                .middleware(async |request: &ConnectRequest| Ok(Data::new(request.secure())))
                .on_connect(|socket| {
                    socket.emit("secure", &(socket.data::<bool>(),)).unwrap();
                }),
        );
    });
    let mut client = Client::over(open_websocket(&server, &trust, ""));
    client.connect("/");
    client.expect(r#"42["secure",true]"#);
}

#[test]
fn plain_http_on_the_encrypted_port_is_not_served() {
    let (server, _trust) = encrypted(echo);
    let mut stream = Stream::plain(server.address);
    stream.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let answer = stream.read_to_end();
    assert!(!answer.starts_with(b"HTTP/"));
}

#[test]
fn a_client_that_does_not_shake_hands_is_closed() {
    let (server, _trust) = encrypted(echo);
    let started = Instant::now();
    let mut stream = Stream::plain(server.address);
    assert_eq!(stream.read_to_end(), b"");
    assert!(started.elapsed() >= Duration::from_millis(490));
}

#[test]
fn a_tls_client_that_does_not_read_is_cut_off() {
    let (server, trust) = encrypted(|gateway| {
        gateway.namespace("/", parlor_gateway::Namespace::new());
    });
    // The client is not to be found dead while this is encoded.
    let text = "x".repeat(10_000_000);
    let frame = parlor_gateway::Frame::event("/", "big", &(text,)).unwrap();
    let mut client = Client::over(open_websocket(&server, &trust, ""));
    client.connect("/");
    for _ in 0..20 {
        server.io().of("/").emit_frame(frame.clone()).unwrap();
    }
    let slow = parlor_gateway::CloseReason::SlowReader;
    server::until(|| server.running.stats().closed_for(slow) == 1);
}

#[test]
fn what_was_sent_before_a_close_reaches_a_slow_reader() {
    use parlor_gateway::{Close, Namespace};
    let (server, trust) = encrypted(|gateway| {
        let rules = Namespace::new().on("end", |socket, _| {
            let text = "x".repeat(12_000_000);
            socket.emit("last", &(text,)).unwrap();
            socket.disconnect(Close::Connection);
        });
        gateway.namespace("/", rules);
    });
    let mut client = Client::over(open_websocket(&server, &trust, ""));
    client.connect("/");
    client.send(r#"42["end"]"#);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(client.text().len(), 12_000_000 + r#"42["last",""]"#.len());
    client.expect("41");
    assert_eq!(client.closed().0, 1000);
}
