//! Clients that chose the msgpack parser: every packet is one binary message.

use serde_json::{Value, json};

use parlor_gateway::Config;

use crate::support::msgpack::{decode, encode};
use crate::support::server::{self, Server};
use crate::support::sio::Client;
use crate::support::ws::Received;

struct Packed(Client);

impl Packed {
    fn open(server: &Server) -> Packed {
        Packed(Client::open(server))
    }

    /// Joins the main namespace of an echo server.
    fn main(server: &Server) -> Packed {
        let mut client = Self::open(server);
        client.send(json!({ "type": 0, "nsp": "/" }));
        let joined = client.receive();
        assert_eq!((&joined["type"], &joined["nsp"]), (&json!(0), &json!("/")), "{joined}");
        assert_eq!(joined["data"]["sid"].as_str().expect("a sid").len(), 20);
        let auth = client.receive();
        assert_eq!(auth["data"], json!(["auth", {}]));
        client
    }

    fn send(&mut self, packet: Value) {
        self.0.send_binary(&encode(&packet));
    }

    fn receive(&mut self) -> Value {
        match self.0.receive() {
            Received::Binary(bytes) => decode(&bytes),
            other => panic!("msgpack was expected, came {other:?}"),
        }
    }
}

#[test]
fn events_and_answers_are_msgpack_both_ways() {
    let server = server::echo();
    let mut client = Packed::main(&server);
    let args = json!(["message", 1, "€", { "3": [true, null, -7, 2.5] }]);
    client.send(json!({ "type": 2, "nsp": "/", "data": args }));
    let back = client.receive();
    assert_eq!((&back["type"], &back["nsp"]), (&json!(2), &json!("/")));
    assert_eq!(back["data"], json!(["message-back", 1, "€", { "3": [true, null, -7, 2.5] }]));

    client.send(json!({ "type": 2, "nsp": "/", "id": 12, "data": ["message-with-ack", "a"] }));
    let ack = client.receive();
    assert_eq!((&ack["type"], &ack["id"], &ack["data"]), (&json!(3), &json!(12), &json!(["a"])));
}

#[test]
fn bytes_stay_inside_the_packet() {
    let server = server::echo();
    let mut client = Packed::main(&server);
    let bytes = json!({ "$bytes": [1, 2, 3] });
    client.send(json!({ "type": 2, "nsp": "/", "data": ["message", { "deep": bytes }] }));
    let back = client.receive();
    assert_eq!(back["data"], json!(["message-back", { "deep": { "$bytes": [1, 2, 3] } }]));
}

#[test]
fn the_handshakes_auth_is_heard() {
    let server = server::echo();
    let mut client = Packed::open(&server);
    client.send(json!({ "type": 0, "nsp": "/custom", "data": { "token": "abc" } }));
    assert_eq!(client.receive()["nsp"], "/custom");
    assert_eq!(client.receive()["data"], json!(["auth", { "token": "abc" }]));
}

#[test]
fn a_refusal_is_msgpack_too() {
    let server = server::echo();
    let mut client = Packed::open(&server);
    client.send(json!({ "type": 0, "nsp": "/random" }));
    let refusal = client.receive();
    assert_eq!(refusal["type"], 4);
    assert_eq!(refusal["data"], json!({ "message": "Invalid namespace" }));
}

#[test]
fn a_broadcast_reaches_clients_of_both_parsers() {
    let server = server::echo();
    let mut packed = Packed::main(&server);
    let mut plain = Client::main(&server);
    plain.text();
    server.io().of("/").emit("news", &("both", [1, 2])).unwrap();
    plain.expect(r#"42["news","both",[1,2]]"#);
    assert_eq!(packed.receive()["data"], json!(["news", "both", [1, 2]]));
}

#[test]
fn what_is_not_msgpack_closes_the_connection_and_harms_nobody() {
    let server = server::echo();
    let truncated = encode(&json!({ "type": 2, "nsp": "/", "data": ["message", "long enough"] }));
    // Maps and arrays that promise more than there is, depth without end, a bad type, no type.
    let bad: [&[u8]; 7] = [
        &truncated[..truncated.len() - 3],
        &[0xdf, 0xff, 0xff, 0xff, 0xff],
        &[0xdd, 0xff, 0xff, 0xff, 0xff],
        &[0x91; 5_000],
        &encode(&json!({ "type": 99, "nsp": "/" })),
        &encode(&json!({ "nsp": "/" })),
        &[0xc1],
    ];
    for bytes in bad {
        let mut client = Packed::main(&server);
        client.0.send_binary(bytes);
        assert_eq!(client.0.closed().0, 1002, "{:x?}", &bytes[..bytes.len().min(16)]);
    }
    Packed::main(&server);
}

#[test]
fn msgpack_is_refused_where_it_is_switched_off() {
    let server = server::echo_with(Config { msgpack: false, ..server::fast() });
    let mut client = Packed::open(&server);
    client.send(json!({ "type": 0, "nsp": "/" }));
    assert_eq!(client.0.closed().0, 1002);
}
