//! What HTTP adds around sessions: CORS, cookies, proxies, limits, the fallback, slow clients.

use std::time::{Duration, Instant};

use parlor_gateway::{Config, ConnectRequest, Cors, Data, Namespace, Transports, TrustedProxy};

use crate::support::http::{self, get, request};
use crate::support::polling::Polling;
use crate::support::server::{self, PATH, Server};
use crate::support::sio::Client;
use crate::support::stream::Stream;
use crate::support::ws::WebSocket;

fn target() -> String {
    format!("{PATH}?EIO=4&transport=polling")
}

const ORIGIN: &str = "Origin: https://chat.example.org";

#[test]
fn any_origin_may_read_by_default() {
    let server = server::echo();
    let response = request(server.address, "GET", &target(), &[ORIGIN], b"");
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    assert_eq!(response.header("access-control-allow-credentials"), None);
}

#[test]
fn a_refusal_may_be_read_across_origins_too() {
    let server = server::echo();
    let response = request(server.address, "GET", PATH, &[ORIGIN], b"");
    assert_eq!(response.status, 400);
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
}

#[test]
fn listed_origins_alone_may_read_with_credentials() {
    let cors = Cors::Origins(vec!["https://chat.example.org".to_owned()]);
    let server = server::echo_with(Config { cors, ..server::fast() });
    let response = request(server.address, "GET", &target(), &[ORIGIN], b"");
    let allowed = response.header("access-control-allow-origin");
    assert_eq!(allowed, Some("https://chat.example.org"));
    assert_eq!(response.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(response.header("vary"), Some("Origin"));
    let other = "Origin: https://chat.example.org.evil.example";
    let response = request(server.address, "GET", &target(), &[other], b"");
    assert_eq!(response.header("access-control-allow-origin"), None);
}

#[test]
fn a_preflight_is_answered_without_a_session() {
    let server = server::echo();
    let lines =
        [ORIGIN, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x-a, x-b"];
    let response = request(server.address, "OPTIONS", &target(), &lines, b"");
    assert_eq!((response.status, response.body.as_str()), (204, ""));
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    assert_eq!(response.header("access-control-allow-headers"), Some("x-a, x-b"));
    assert!(response.header("access-control-allow-methods").unwrap().contains("POST"));
}

#[test]
fn with_cors_off_nothing_is_said() {
    let server = server::echo_with(Config { cors: Cors::Off, ..server::fast() });
    let response = request(server.address, "GET", &target(), &[ORIGIN], b"");
    assert_eq!(response.status, 200);
    assert!(!response.headers.iter().any(|(name, _)| name.starts_with("access-control")));
}

#[test]
fn the_cookie_carries_the_sid_where_it_is_switched_on() {
    let server = server::echo_with(Config { cookie: Some("io".to_owned()), ..server::fast() });
    let response = get(server.address, &target());
    let open: serde_json::Value = serde_json::from_str(&response.body[1..]).unwrap();
    let expected = format!("io={}; Path=/; HttpOnly; SameSite=Lax", open["sid"].as_str().unwrap());
    assert_eq!(response.header("set-cookie"), Some(expected.as_str()));
}

#[test]
fn a_transport_that_is_switched_off_is_unknown() {
    let only = |transports| server::echo_with(Config { transports, ..server::fast() });
    let server = only(Transports::WebSocketOnly);
    get(server.address, &target()).expect_refusal(400, 0);
    Client::main(&server);
    let server = only(Transports::PollingOnly);
    assert_eq!(Polling::open(server.address, PATH).open["upgrades"], serde_json::json!([]));
    let refused = WebSocket::try_open(server.address, &format!("{PATH}?EIO=4&transport=websocket"));
    refused.err().expect("refused").expect_refusal(400, 0);
}

/// The address that a middleware sees of a client that sends `X-Forwarded-For: 203.0.113.9`.
fn seen_address(trusted: Vec<TrustedProxy>) -> String {
    let config = Config { trusted_proxies: trusted, ..server::fast() };
    let server = telling_addresses(config);
    let stream = Stream::plain(server.address);
    let target = format!("{PATH}?EIO=4&transport=websocket");
    let socket = WebSocket::over(stream, &target, &["X-Forwarded-For: 203.0.113.9"]);
    let mut client = Client::over(socket.expect("upgraded"));
    client.connect("/");
    client.text()
}

/// A server that tells each socket its address, as a middleware sees it.
fn telling_addresses(config: Config) -> Server {
    Server::start(config, 1, |gateway| {
        gateway.namespace(
            "/",
            Namespace::new()
                .middleware(async |request: &ConnectRequest| {
                    Ok(Data::new(request.remote_addr().ip().to_string()))
                })
                .on_connect(|socket| {
                    let seen = socket.data::<String>().cloned().unwrap();
                    socket.emit("seen", &(seen,)).unwrap();
                }),
        );
    })
}

#[test]
fn a_forwarded_address_is_believed_of_trusted_proxies_alone() {
    assert_eq!(seen_address(Vec::new()), r#"42["seen","127.0.0.1"]"#);
    let proxy = "127.0.0.1".parse().unwrap();
    assert_eq!(seen_address(vec![proxy]), r#"42["seen","203.0.113.9"]"#);
}

/// The address that a middleware sees of a client on whose behalf a proxy begins with these bytes, and which sends
/// `X-Forwarded-For: 203.0.113.7`.
fn proxied_address(server: &Server, begin: &[u8]) -> String {
    let mut stream = Stream::plain(server.address);
    stream.write(begin);
    let target = format!("{PATH}?EIO=4&transport=websocket");
    let socket = WebSocket::over(stream, &target, &["X-Forwarded-For: 203.0.113.7"]);
    let mut client = Client::over(socket.expect("upgraded"));
    client.connect("/");
    client.text()
}

#[test]
fn a_trusted_proxy_names_the_client_before_all_else() {
    let with = |trusted: &str| {
        let trusted_proxies = vec![trusted.parse().unwrap()];
        telling_addresses(Config { trusted_proxies, proxy_protocol: true, ..server::fast() })
    };
    // A request behind these bytes is not served.
    let refuses = |server: &Server, begin: &[u8]| {
        let mut stream = Stream::plain(server.address);
        stream.write(&[begin, b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"].concat());
        http::receive(&mut stream).is_none_or(|response| response.status == 400)
    };
    let server = with("127.0.0.1");
    let text = b"PROXY TCP4 203.0.113.9 10.0.0.1 12345 80\r\n";
    let binary = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x08\x0a\0\0\x01\0\x07\0\x50";
    let check = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
    let seen = |address: &str| format!(r#"42["seen","{address}"]"#);
    assert_eq!(proxied_address(&server, text), seen("203.0.113.9"));
    assert_eq!(proxied_address(&server, binary), seen("203.0.113.8"));
    // Of whom it does not know, nothing is known: HTTP is the client's own.
    assert_eq!(proxied_address(&server, check), seen("127.0.0.1"));
    assert_eq!(proxied_address(&server, b"PROXY UNKNOWN\r\n"), seen("127.0.0.1"));
    assert!(refuses(&server, b""), "a proxy is to say for whom it speaks");
    // Nobody else may, and nobody else has to.
    let server = with("192.0.2.1");
    assert_eq!(proxied_address(&server, b""), seen("127.0.0.1"));
    assert!(refuses(&server, text));
    assert!(!refuses(&server, b""));
}

#[test]
fn connections_of_one_address_are_bounded_and_places_come_back() {
    let config = Config { connections_per_address_max: Some(2), ..server::fast() };
    let server = server::echo_with(config);
    let one = Client::main(&server);
    let _two = Client::main(&server);
    let refused = WebSocket::try_open(server.address, &format!("{PATH}?EIO=4&transport=websocket"));
    refused.err().expect("refused").expect_refusal(403, 4);
    get(server.address, &target()).expect_refusal(403, 4);
    one.socket.stream.shutdown();
    let mut opened = None;
    server::until(|| {
        let target = format!("{PATH}?EIO=4&transport=websocket");
        opened = WebSocket::try_open(server.address, &target).ok();
        opened.is_some()
    });
}

#[test]
fn a_client_that_is_slow_with_its_request_is_closed() {
    let config = Config { handshake_timeout: Duration::from_millis(150), ..server::fast() };
    let server = server::echo_with(config);
    for beginning in ["", "GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: loc"] {
        let started = Instant::now();
        let mut stream = Stream::plain(server.address);
        stream.write(beginning.as_bytes());
        stream.read_to_end();
        let waited = started.elapsed();
        assert!(waited >= Duration::from_millis(140), "{waited:?} after {beginning:?}");
    }
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let server = server::echo();
    let mut stream = Stream::plain(server.address);
    let _ = stream.try_write(b"GET / HTTP/1.1\r\nHost: localhost\r\n");
    for _ in 0..40 {
        let line = format!("X-Filler: {}\r\n", "a".repeat(1_000));
        if stream.try_write(line.as_bytes()).is_err() {
            break;
        }
    }
    let answer = stream.read_to_end();
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431"), "{answer:?}");
}

#[test]
fn other_paths_go_to_the_fallback_with_their_peer() {
    #[derive(Clone)]
    struct Hello;

    impl tower_service::Service<::http::Request<hyper::body::Incoming>> for Hello {
        type Response = ::http::Response<String>;
        type Error = std::convert::Infallible;
        type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), Self::Error>> {
            std::task::Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: ::http::Request<hyper::body::Incoming>) -> Self::Future {
            let peer = request.extensions().get::<parlor_gateway::Peer>().copied().unwrap();
            let text = format!("{} {}", request.uri().path(), peer.address.ip());
            std::future::ready(Ok(::http::Response::new(text)))
        }
    }

    let server = Server::start(server::fast(), 1, |gateway| {
        gateway.namespace("/", Namespace::new()).fallback(Hello);
    });
    assert_eq!(get(server.address, "/hello").body, "/hello 127.0.0.1");
    assert_eq!(get(server.address, &target()).status, 200);
}

#[test]
fn a_shutdown_tells_every_client() {
    let server = server::echo();
    let mut client = Client::main(&server);
    client.text();
    let session = Polling::open(server.address, PATH);
    let poll = session.poll_aside();
    server::settle();
    let Server { address, running } = server;
    server::wait(running.shutdown(Duration::from_secs(5)));
    let (code, reason) = client.closed();
    assert_eq!((code, reason.as_str()), (1001, "server shutting down"));
    let poll = poll.join().expect("a response");
    assert_eq!((poll.status, poll.body.as_str()), (200, "1"));
    assert!(std::net::TcpStream::connect(address).is_err(), "still listening");
}

#[test]
fn compression_is_negotiated_where_it_is_switched_on() {
    const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";
    let ask = |config| {
        let server = server::echo_with(config);
        let lines = crate::support::ws::upgrade_headers();
        let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        lines.push(OFFER);
        let mut stream = Stream::plain(server.address);
        http::send(&mut stream, "GET", &format!("{PATH}?EIO=4&transport=websocket"), &lines, b"");
        let response = http::receive(&mut stream).expect("a response");
        response.header("sec-websocket-extensions").map(str::to_owned)
    };
    assert_eq!(ask(server::fast()), None, "off by default");
    assert_eq!(
        ask(Config { deflate: true, ..server::fast() }).as_deref(),
        Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover")
    );
}
