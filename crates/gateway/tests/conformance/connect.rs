//! Joining and leaving namespaces.

use std::time::{Duration, Instant};

use parlor_gateway::{Close, Config, ConnectError, ConnectRequest, Data, Namespace};

use crate::support::server::{self, Server};
use crate::support::sio::Client;
use crate::support::ws::Received;

#[test]
fn the_main_namespace_is_joined_with_and_without_a_payload() {
    let server = server::echo();
    let mut client = Client::open(&server);
    client.connect("/");
    client.expect(r#"42["auth",{}]"#);
    let mut client = Client::open(&server);
    client.send(r#"40{"token":"123"}"#);
    assert!(client.text().starts_with(r#"40{"sid":""#));
    client.expect(r#"42["auth",{"token":"123"}]"#);
}

#[test]
fn another_namespace_is_joined_alone() {
    let server = server::echo();
    let mut client = Client::open(&server);
    client.connect("/custom");
    client.expect(r#"42/custom,["auth",{}]"#);
    client.send(r#"42/custom,["message",1]"#);
    client.expect(r#"42/custom,["message-back",1]"#);
}

#[test]
fn another_namespace_is_joined_with_a_payload() {
    let server = server::echo();
    let mut client = Client::open(&server);
    client.send(r#"40/custom,{"token":"abc"}"#);
    assert!(client.text().starts_with(r#"40/custom,{"sid":""#));
    client.expect(r#"42/custom,["auth",{"token":"abc"}]"#);
}

#[test]
fn an_unknown_namespace_is_refused_and_the_connection_stays() {
    let server = server::echo();
    let mut client = Client::open(&server);
    client.send("40/random");
    client.expect(r#"44/random,{"message":"Invalid namespace"}"#);
    client.connect("/");
}

#[test]
fn the_socket_id_is_not_the_engine_sid() {
    let server = server::echo();
    let mut client = Client::open(&server);
    let main = client.connect("/");
    client.text();
    let custom = client.connect("/custom");
    assert_eq!([main.len(), custom.len()], [20, 20]);
    assert_ne!(main, client.engine_sid);
    assert_ne!(custom, client.engine_sid);
    assert_ne!(main, custom);
}

#[test]
fn a_socket_id_opens_no_session() {
    let server = server::echo();
    let (_client, id) = Client::join(&server, "/");
    let target = format!("{}?EIO=4&transport=polling&sid={id}", server::PATH);
    crate::support::http::get(server.address, &target).expect_refusal(400, 1);
}

#[test]
fn a_second_connect_to_a_namespace_closes_the_connection() {
    let server = server::echo();
    let (mut client, _) = Client::join(&server, "/");
    client.text();
    client.send("40");
    let (code, reason) = client.closed();
    assert_eq!((code, reason.as_str()), (1002, "protocol violation"));
}

#[test]
fn a_second_connect_while_the_first_is_decided_joins_once() {
    let server = Server::start(server::fast(), 1, |gateway| {
        gateway.namespace(
            "/",
            Namespace::new()
                .middleware(async |_: &ConnectRequest| {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Ok(Data::none())
                })
                .on_connect(|socket| socket.emit("joined", &()).unwrap()),
        );
    });
    let mut client = Client::open(&server);
    client.send("40");
    client.send("40");
    let mut joined = 0;
    loop {
        match client.receive() {
            Received::Text(text) if text.contains("joined") => joined += 1,
            Received::Close(..) | Received::End => break,
            _ => {}
        }
    }
    assert!(joined <= 1, "{joined} sockets in one namespace");
}

#[test]
fn no_connect_in_time_closes_the_connection() {
    let config = Config { connect_timeout: Duration::from_millis(100), ..server::fast() };
    let server = server::echo_with(config);
    let started = Instant::now();
    let mut client = Client::open(&server);
    let (_, reason) = client.closed();
    assert_eq!(reason, "connect timeout");
    assert!(started.elapsed() >= Duration::from_millis(90));
}

#[test]
fn what_is_not_a_packet_closes_the_connection() {
    for packet in ["4abc", "4", "49", "42{}", "42[]", "42", "42abc[\"a\"]", "42\"a\""] {
        let server = server::echo();
        let mut client = Client::main(&server);
        client.text();
        client.send(packet);
        let (code, reason) = client.closed();
        assert_eq!(code, 1002, "{packet}");
        assert!(!reason.is_empty(), "{packet} closes in silence");
    }
}

#[test]
fn a_first_packet_that_is_no_connect_closes_the_connection() {
    for packet in ["4abc", "42[\"message\"]", "41"] {
        let server = server::echo();
        let mut client = Client::open(&server);
        client.send(packet);
        assert_eq!(client.closed().0, 1002, "{packet}");
    }
}

#[test]
fn leaving_the_main_namespace_leaves_the_connection_open() {
    let server = server::echo();
    let mut client = Client::main(&server);
    client.text();
    client.send("41");
    assert_eq!(client.socket.text(), "2");
    client.socket.send("3");
    client.connect("/custom");
}

#[test]
fn leaving_one_namespace_leaves_the_others() {
    let server = server::echo();
    let mut client = Client::main(&server);
    client.text();
    client.connect("/custom");
    client.text();
    client.send("41/custom");
    client.send(r#"42["message","here"]"#);
    client.expect(r#"42["message-back","here"]"#);
    client.connect("/custom");
}

#[test]
fn a_middleware_refuses_with_a_message_and_data() {
    let server = Server::start(server::fast(), 1, |gateway| {
        gateway.namespace(
            "/",
            Namespace::new().middleware(async |request: &ConnectRequest| {
                match request.auth().map(|auth| auth.get()) {
                    Some(r#"{"token":"good"}"#) => Ok(Data::none()),
                    _ => Err(ConnectError {
                        message: "unauthorized".to_owned(),
                        data: serde_json::value::RawValue::from_string(
                            r#"{"code":"unauthorized","retry":false}"#.to_owned(),
                        )
                        .ok(),
                    }),
                }
            }),
        );
    });
    let mut client = Client::open(&server);
    client.send(r#"40{"token":"bad"}"#);
    client.expect(r#"44{"message":"unauthorized","data":{"code":"unauthorized","retry":false}}"#);
    client.send(r#"40{"token":"good"}"#);
    assert!(client.text().starts_with(r#"40{"sid""#));
}

#[test]
fn middlewares_run_in_order_and_the_first_refusal_ends_it() {
    let server = Server::start(server::fast(), 1, |gateway| {
        gateway.namespace(
            "/",
            Namespace::new()
                .middleware(async |_: &ConnectRequest| Ok(Data::new(1_u32)))
                .middleware(async |_: &ConnectRequest| Err(ConnectError::new("second")))
                .middleware(async |_: &ConnectRequest| Err(ConnectError::new("third"))),
        );
    });
    let mut client = Client::open(&server);
    client.send("40");
    client.expect(r#"44{"message":"second"}"#);
}

#[test]
fn a_middleware_sees_the_opening_request() {
    let server = Server::start(server::fast(), 1, |gateway| {
        gateway.namespace(
            "/",
            Namespace::new()
                .middleware(async |request: &ConnectRequest| {
                    assert!(request.remote_addr().ip().is_loopback());
                    assert!(!request.secure());
                    let host = request.headers()["host"].to_str().unwrap().to_owned();
                    Ok(Data::new(format!("{host} {}", request.query())))
                })
                .on_connect(|socket| {
                    let seen = socket.data::<String>().cloned().unwrap();
                    socket.emit("seen", &(seen,)).unwrap();
                }),
        );
    });
    let mut client = Client::open_with(&server, "&color=blue");
    client.connect("/");
    client.expect(r#"42["seen","localhost EIO=4&transport=websocket&color=blue"]"#);
}

#[test]
fn a_pattern_names_namespaces_that_are_made_when_joined() {
    let server = Server::start(server::fast(), 1, |gateway| {
        gateway.namespace("/", Namespace::new());
        let pattern = regex::Regex::new(r"^/room-\d+$").unwrap();
        gateway.namespace_pattern(
            pattern,
            Namespace::new().on_connect(|socket| {
                let namespace = socket.namespace().to_owned();
                socket.emit("in", &(namespace,)).unwrap();
            }),
        );
    });
    let mut client = Client::open(&server);
    client.connect("/room-7");
    client.expect(r#"42/room-7,["in","/room-7"]"#);
    client.send("40/room-x,");
    client.expect(r#"44/room-x,{"message":"Invalid namespace"}"#);
}

#[test]
fn a_disconnect_by_the_server_is_told_to_the_client() {
    let server = Server::start(server::fast(), 1, |gateway| {
        let leave =
            |close| Namespace::new().on("leave", move |socket, _event| socket.disconnect(close));
        gateway.namespace("/", leave(Close::Namespace));
        gateway.namespace("/whole", leave(Close::Connection));
    });
    let mut client = Client::main(&server);
    client.connect("/whole");
    client.send(r#"42["leave"]"#);
    client.expect("41");
    client.send(r#"42/whole,["leave"]"#);
    client.closed();
}

#[test]
fn more_namespaces_than_the_limit_close_the_connection() {
    let server = Server::start(Config { namespaces_max: 2, ..server::fast() }, 1, |gateway| {
        for name in ["/", "/a", "/b"] {
            gateway.namespace(name, Namespace::new());
        }
    });
    let mut client = Client::main(&server);
    client.connect("/a");
    client.send("40/b,");
    assert_eq!(client.closed().0, 1002);
}
