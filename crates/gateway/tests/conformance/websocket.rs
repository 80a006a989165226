//! WebSocket frames: echo, fragments, control frames, and the close codes of what is forbidden.

use parlor_gateway::Config;

use crate::support::http;
use crate::support::server::{self, PATH, Server};
use crate::support::stream::Stream;
use crate::support::ws::{self, BINARY, CLOSE, CONTINUATION, PING, Received, TEXT, WebSocket};

const FIN: u8 = 0x80;

fn target() -> String {
    format!("{PATH}?EIO=4&transport=websocket")
}

fn open(server: &Server) -> WebSocket {
    let mut socket = WebSocket::open(server.address, &target());
    assert!(socket.text().starts_with('0'));
    socket
}

#[test]
fn text_and_bytes_are_echoed() {
    let server = server::engine_echo();
    let mut socket = open(&server);
    socket.send("4hello €🦀");
    socket.expect("4hello €🦀");
    socket.send_binary(&[1, 2, 3, 4]);
    assert_eq!(socket.binary(), [1, 2, 3, 4]);
}

#[test]
fn frames_of_every_length_encoding_are_echoed() {
    let server = server::engine_echo();
    let mut socket = open(&server);
    for length in [0, 1, 124, 125, 126, 65_534, 65_535, 65_536, 300_000] {
        let message = format!("4{}", "x".repeat(length));
        socket.send(&message);
        socket.expect(&message);
    }
}

#[test]
fn a_frame_may_come_byte_by_byte() {
    let server = server::engine_echo();
    let mut socket = open(&server);
    for byte in ws::frame(FIN | TEXT, "4slow €".as_bytes()) {
        socket.stream.write(&[byte]);
    }
    socket.expect("4slow €");
}

#[test]
fn many_frames_may_come_in_one_segment() {
    let server = server::engine_echo();
    let mut socket = open(&server);
    let bytes: Vec<u8> =
        (0..50).flat_map(|index| ws::frame(FIN | TEXT, format!("4{index}").as_bytes())).collect();
    socket.stream.write(&bytes);
    for index in 0..50 {
        socket.expect(&format!("4{index}"));
    }
}

#[test]
fn bytes_sent_with_the_upgrade_request_are_not_lost() {
    let server = server::engine_echo();
    let mut stream = Stream::plain(server.address);
    let mut bytes = format!("GET {} HTTP/1.1\r\nHost: localhost\r\n", target());
    bytes.push_str(&ws::upgrade_headers().join("\r\n"));
    bytes.push_str("\r\n\r\n");
    let mut bytes = bytes.into_bytes();
    bytes.extend(ws::frame(FIN | TEXT, b"4early"));
    stream.write(&bytes);
    assert_eq!(http::receive(&mut stream).expect("a response").status, 101);
    let mut socket = WebSocket { stream };
    assert!(socket.text().starts_with('0'));
    socket.expect("4early");
}

#[test]
fn fragments_are_joined_around_a_ping() {
    let server = server::engine_echo();
    let mut socket = open(&server);
    socket.send_frame(TEXT, b"4he");
    socket.send_frame(FIN | PING, b"still there?");
    socket.send_frame(CONTINUATION, b"l");
    socket.send_frame(FIN | CONTINUATION, b"lo");
    assert_eq!(socket.receive(), Received::Pong(b"still there?".to_vec()));
    socket.expect("4hello");
}

#[test]
fn a_character_may_be_split_between_fragments() {
    let server = server::engine_echo();
    let mut socket = open(&server);
    let bytes = "4€".as_bytes();
    socket.send_frame(TEXT, &bytes[..2]);
    socket.send_frame(FIN | CONTINUATION, &bytes[2..]);
    socket.expect("4€");
}

#[test]
fn a_close_frame_is_answered_with_its_code() {
    let server = server::engine_echo();
    let mut socket = open(&server);
    socket.send_frame(FIN | CLOSE, &1000u16.to_be_bytes());
    assert_eq!(socket.closed().0, 1000);
    assert_eq!(socket.receive(), Received::End);
}

#[test]
fn the_clients_close_packet_ends_the_connection() {
    let server = server::engine_echo();
    let mut socket = open(&server);
    socket.send("1");
    socket.closed();
}

#[test]
fn a_packet_that_is_not_of_the_protocol_closes_the_connection() {
    for packet in ["abc", "", "9", "é", "7x"] {
        let server = server::engine_echo();
        let mut socket = open(&server);
        socket.send(packet);
        let (code, reason) = socket.closed();
        assert_eq!(code, 1002, "{packet:?}");
        assert!(!reason.is_empty(), "{packet:?} closes in silence");
    }
}

/// What is forbidden is answered with this close code.
fn check_violation(code: u16, violate: impl FnOnce(&mut WebSocket)) {
    let server = server::engine_echo();
    let mut socket = open(&server);
    violate(&mut socket);
    assert_eq!(socket.closed().0, code);
}

#[test]
fn an_unmasked_frame_is_a_violation() {
    check_violation(1002, |socket| socket.stream.write(&[FIN | TEXT, 2, b'4', b'a']));
}

#[test]
fn reserved_bits_and_opcodes_are_violations() {
    for first in [0xc0 | TEXT, 0xa0 | TEXT, 0x90 | TEXT, FIN | 3, FIN | 11] {
        check_violation(1002, |socket| socket.send_frame(first, b"4a"));
    }
}

#[test]
fn a_fragmented_or_long_control_frame_is_a_violation() {
    check_violation(1002, |socket| socket.send_frame(PING, b""));
    check_violation(1002, |socket| socket.send_frame(FIN | PING, &[0; 126]));
}

#[test]
fn fragments_out_of_order_are_violations() {
    check_violation(1002, |socket| socket.send_frame(FIN | CONTINUATION, b"4a"));
    check_violation(1002, |socket| {
        socket.send_frame(TEXT, b"4a");
        socket.send_frame(FIN | TEXT, b"4b");
    });
    check_violation(1002, |socket| {
        socket.send_frame(TEXT, b"4a");
        socket.send_frame(FIN | BINARY, b"4b");
    });
}

#[test]
fn text_that_is_not_utf8_is_a_violation() {
    check_violation(1007, |socket| socket.send_frame(FIN | TEXT, b"4\xff\xfe"));
    check_violation(1007, |socket| {
        socket.send_frame(TEXT, b"4\xe2");
        socket.send_frame(FIN | CONTINUATION, b"a");
    });
}

#[test]
fn a_bad_close_code_is_a_violation() {
    check_violation(1002, |socket| socket.send_frame(FIN | CLOSE, &1005u16.to_be_bytes()));
    check_violation(1002, |socket| socket.send_frame(FIN | CLOSE, &[3]));
}

#[test]
fn a_message_over_the_limit_is_closed_with_a_code_and_a_reason() {
    let server = server::engine_echo_with(Config { max_payload: 1_000, ..server::fast() });
    let mut socket = open(&server);
    let most = format!("4{}", "a".repeat(999));
    socket.send(&most);
    socket.expect(&most);
    socket.send(&format!("4{}", "a".repeat(1_000)));
    let (code, reason) = socket.closed();
    assert_eq!(code, 1009);
    assert!(reason.contains("1000 bytes"), "{reason:?}");
}

#[test]
fn fragments_over_the_limit_together_are_closed_too() {
    let server = server::engine_echo_with(Config { max_payload: 1_000, ..server::fast() });
    let mut socket = open(&server);
    socket.send_frame(TEXT, format!("4{}", "a".repeat(700)).as_bytes());
    socket.send_frame(FIN | CONTINUATION, "a".repeat(700).as_bytes());
    assert_eq!(socket.closed().0, 1009);
}

#[test]
fn a_huge_declared_length_is_refused_before_it_is_sent() {
    check_violation(1009, |socket| {
        socket.stream.write(&[FIN | BINARY, 0x80 | 127, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4]);
    });
}
