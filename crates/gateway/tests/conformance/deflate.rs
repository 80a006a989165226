//! `permessage-deflate`, without context takeover either way.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use parlor_gateway::Config;

use crate::support::server::{self, PATH, Server};
use crate::support::sio::Client;
use crate::support::stream::Stream;
use crate::support::ws::{TEXT, WebSocket, frame};

/// First byte of a whole compressed text message.
const DEFLATED_TEXT: u8 = 0xc0 | TEXT;
const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";

fn deflate(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() + 64);
    let mut compress = Compress::new(Compression::default(), false);
    compress.compress_vec(text.as_bytes(), &mut bytes, FlushCompress::Sync).unwrap();
    bytes.strip_suffix(&[0, 0, 0xff, 0xff]).expect("a sync flush").to_vec()
}

fn inflate(bytes: &[u8]) -> String {
    let mut input = bytes.to_vec();
    input.extend_from_slice(&[0, 0, 0xff, 0xff]);
    let mut text = Vec::with_capacity(1 << 20);
    let mut decompress = Decompress::new(false);
    decompress.decompress_vec(&input, &mut text, FlushDecompress::Sync).unwrap();
    String::from_utf8(text).unwrap()
}

fn compressing() -> Server {
    server::echo_with(Config { deflate: true, ..server::calm() })
}

/// A client that negotiated compression and joined the main namespace.
fn open(server: &Server) -> Client {
    let stream = Stream::plain(server.address);
    let target = format!("{PATH}?EIO=4&transport=websocket");
    let socket = WebSocket::over(stream, &target, &[OFFER]).expect("upgraded");
    let mut client = Client::over(socket);
    client.connect("/");
    client.expect(r#"42["auth",{}]"#);
    client
}

/// Reads one compressed frame.
fn receive(client: &mut Client) -> String {
    let stream = &mut client.socket.stream;
    let head = stream.read_exact(2).expect("a frame");
    assert_eq!(head[0], DEFLATED_TEXT, "a compressed text message");
    let length = match head[1] {
        126 => {
            let bytes = stream.read_exact(2).expect("a length");
            usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))
        }
        short => usize::from(short),
    };
    inflate(&stream.read_exact(length).expect("a payload"))
}

#[test]
fn long_messages_are_compressed_both_ways() {
    let server = compressing();
    let mut client = open(&server);
    let text = "long ".repeat(2_000);
    // Twice: nothing of the first message may be needed to read the second.
    for _ in 0..2 {
        let packet = deflate(&format!(r#"42["message","{text}"]"#));
        client.socket.send_frame(DEFLATED_TEXT, &packet);
        assert_eq!(receive(&mut client), format!(r#"42["message-back","{text}"]"#));
    }
}

#[test]
fn a_compressed_broadcast_reaches_clients_with_and_without() {
    let server = compressing();
    let mut with = open(&server);
    let mut without = Client::main(&server);
    without.text();
    let text = "long ".repeat(2_000);
    server.io().of("/").emit("news", &(text.as_str(),)).unwrap();
    let expected = format!(r#"42["news","{text}"]"#);
    assert_eq!(receive(&mut with), expected);
    without.expect(&expected);
}

#[test]
fn uncompressed_messages_are_taken_beside_compressed_ones() {
    let server = compressing();
    let mut client = open(&server);
    client.send(r#"42["message","plain"]"#);
    client.expect(r#"42["message-back","plain"]"#);
}

#[test]
fn what_inflates_over_the_limit_is_closed() {
    let server = server::echo_with(Config { deflate: true, max_payload: 10_000, ..server::calm() });
    let mut client = open(&server);
    let bomb = deflate(&"0".repeat(5_000_000));
    assert!(bomb.len() < 10_000);
    client.socket.send_frame(DEFLATED_TEXT, &bomb);
    assert_eq!(client.closed().0, 1009);
}

#[test]
fn what_does_not_inflate_is_closed() {
    let server = compressing();
    let mut client = open(&server);
    client.socket.stream.write(&frame(DEFLATED_TEXT, &[0xff; 40]));
    assert_eq!(client.closed().0, 1007);
}
