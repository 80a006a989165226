//! WebSocket frames, byte by byte and by properties.

use std::borrow::Cow;

use parlor_wire::deflate;
use parlor_wire::websocket::{
    Body, Decoder, Deflate, FrameError, Message, Opcode, Role, encode_close, encode_frame,
    encode_header, encode_masked,
};
use proptest::prelude::*;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn server(max_message_bytes: u32) -> Decoder {
    Decoder::new(Role::Server, Deflate::Off, max_message_bytes)
}

/// A message that outlives its input.
fn owned(message: Message<'_>) -> Message<'static> {
    match message {
        Message::Text(text) => Message::Text(Cow::Owned(text.into_owned())),
        Message::Binary(bytes) => Message::Binary(Cow::Owned(bytes.into_owned())),
        Message::Fragment => Message::Fragment,
        Message::Ping(bytes) => Message::Ping(bytes.to_vec().leak()),
        Message::Pong(bytes) => Message::Pong(bytes.to_vec().leak()),
        Message::Close { code, reason } => {
            Message::Close { code, reason: reason.to_owned().leak() }
        }
    }
}

/// Reads chunks as a connection does: keeps what is incomplete and decodes what can be.
fn read(decoder: &mut Decoder, chunks: &[&[u8]]) -> (Vec<Message<'static>>, Option<FrameError>) {
    let mut messages = Vec::new();
    let mut kept = Vec::new();
    for chunk in chunks {
        kept.extend_from_slice(chunk);
        loop {
            match decoder.decode(&mut kept) {
                Ok(None) => break,
                Ok(Some((consumed, message))) => {
                    assert!(consumed > 0);
                    messages.push(owned(message));
                    kept.drain(..consumed);
                }
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}

fn decode_one(decoder: &mut Decoder, bytes: &[u8]) -> Result<Message<'static>, FrameError> {
    let mut bytes = bytes.to_vec();
    let len = bytes.len();
    let (consumed, message) = decoder.decode(&mut bytes)?.expect("a whole frame");
    assert_eq!(consumed, len);
    Ok(owned(message))
}

/// A client's frame with every part as given.
fn raw(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    encode_masked(Opcode::Text, payload, Body::Plain, MASK, &mut frame);
    frame[0] = first;
    frame
}

fn text(text: &str) -> Message<'_> {
    Message::Text(Cow::Borrowed(text))
}

#[test]
fn the_decoder_is_sixteen_bytes() {
    assert!(size_of::<Decoder>() <= 16);
}

#[test]
fn the_examples_of_the_rfc_are_read() {
    let mut client = Decoder::new(Role::Client, Deflate::Off, 100_000);
    let hello = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    assert_eq!(decode_one(&mut client, &hello), Ok(text("Hello")));
    let (messages, error) =
        read(&mut client, &[&[0x01, 0x03, 0x48, 0x65, 0x6c], &[0x80, 0x02, 0x6c, 0x6f]]);
    assert_eq!((messages, error), (vec![Message::Fragment, text("Hello")], None));
    let ping = [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    assert_eq!(decode_one(&mut client, &ping), Ok(Message::Ping(b"Hello")));

    let masked = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(decode_one(&mut server(5), &masked), Ok(text("Hello")));
    let pong = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(decode_one(&mut server(0), &pong), Ok(Message::Pong(b"Hello")));

    for (len, header) in
        [(256, &[0x82, 0x7e, 0x01, 0x00][..]), (65536, &[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0])]
    {
        let bytes = vec![9; len];
        let frame = [header, &bytes].concat();
        assert_eq!(decode_one(&mut client, &frame), Ok(Message::Binary(Cow::Owned(bytes))));
        assert_eq!(encode_header(Opcode::Binary, len, Body::Plain).as_bytes(), header);
    }
}

#[test]
fn the_examples_of_the_rfc_are_written() {
    let mut out = Vec::new();
    encode_frame(Opcode::Text, b"Hello", Body::Plain, &mut out);
    assert_eq!(out, [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
    out.clear();
    encode_masked(Opcode::Text, b"Hello", Body::Plain, MASK, &mut out);
    assert_eq!(out, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    assert_eq!(encode_header(Opcode::Text, 7, Body::Deflated).as_bytes(), [0xc1, 0x07]);
}

#[test]
fn lengths_are_encoded_minimally_at_every_border() {
    for (len, header_bytes) in [(0, 2), (125, 2), (126, 4), (65535, 4), (65536, 10)] {
        assert_eq!(encode_header(Opcode::Binary, len, Body::Plain).as_bytes().len(), header_bytes);
        let mut frame = Vec::new();
        encode_masked(Opcode::Binary, &vec![1; len], Body::Plain, MASK, &mut frame);
        assert_eq!(Decoder::frame_bytes(&frame), Some(header_bytes + 4 + len));
        assert_eq!(Decoder::frame_bytes(&frame[..header_bytes - 1]), None);
        let message = decode_one(&mut server(65536), &frame);
        assert_eq!(message, Ok(Message::Binary(Cow::Owned(vec![1; len]))));
    }
}

#[test]
fn a_complete_text_frame_is_lent_out_of_the_input() {
    let mut frame = raw(0x81, b"Hello");
    let (_, message) = server(5).decode(&mut frame).expect("valid").expect("whole");
    assert!(matches!(message, Message::Text(Cow::Borrowed("Hello"))));
}

#[test]
fn an_incomplete_frame_is_left_as_it_came() {
    let frame = raw(0x81, b"Hello");
    let mut decoder = server(5);
    for len in 0..frame.len() {
        let mut part = frame[..len].to_vec();
        assert_eq!(decoder.decode(&mut part), Ok(None));
        assert_eq!(part, frame[..len]);
    }
}

#[test]
fn protocol_errors_close_with_1002() {
    let mut client = Decoder::new(Role::Client, Deflate::Off, 100);
    let masked_by_server = client.decode(&mut raw(0x81, b"x")).expect_err("masked");
    assert_eq!(masked_by_server.close_code(), 1002);

    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("not masked", vec![0x81, 0x01, b'x']),
        ("rsv1 without deflate", raw(0xc1, b"x")),
        ("rsv2", raw(0xa1, b"x")),
        ("rsv3", raw(0x91, b"x")),
        ("opcode 3", raw(0x83, b"x")),
        ("opcode 7", raw(0x87, b"x")),
        ("opcode 11", raw(0x8b, b"x")),
        ("opcode 15", raw(0x8f, b"x")),
        ("fragmented ping", raw(0x09, b"x")),
        ("fragmented close", raw(0x08, b"")),
        ("ping of 126 bytes", raw(0x89, &[0; 126])),
        ("close of 126 bytes", raw(0x88, &[0; 126])),
        ("continuation of nothing", raw(0x80, b"x")),
        ("close code of one byte", raw(0x88, &[3])),
        ("length 5 in two bytes", vec![0x81, 0xfe, 0, 5, 0, 0, 0, 0]),
        ("length 5 in eight bytes", vec![0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0]),
        ("length over 63 bits", vec![0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]),
    ];
    for (name, mut bytes) in cases {
        let error = server(1000).decode(&mut bytes).expect_err(name);
        assert_eq!(error.close_code(), 1002, "{name}");
    }

    let mut decoder = server(1000);
    assert_eq!(decode_one(&mut decoder, &raw(0x01, b"a")), Ok(Message::Fragment));
    let error = decoder.decode(&mut raw(0x81, b"b")).expect_err("a message within a message");
    assert_eq!(error.close_code(), 1002);
}

#[test]
fn a_bad_header_is_refused_before_its_payload_comes() {
    let error = server(1000).decode(&mut [0x83, 0x85]).expect_err("opcode");
    assert_eq!(error.close_code(), 1002);
    let too_big = [0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0];
    let error = server(1000).decode(&mut too_big.to_vec()).expect_err("4 GiB");
    assert_eq!(error, FrameError::TooBig { limit: 1000 });
    assert_eq!(error.close_code(), 1009);
}

#[test]
fn the_limit_counts_all_fragments() {
    let mut decoder = server(10);
    assert_eq!(decode_one(&mut decoder, &raw(0x02, &[1; 6])), Ok(Message::Fragment));
    assert_eq!(decode_one(&mut decoder, &raw(0x89, &[1; 100])), Ok(Message::Ping(&[1; 100])));
    let error = decoder.decode(&mut raw(0x80, &[1; 5])).expect_err("11 bytes");
    assert_eq!(error, FrameError::TooBig { limit: 10 });

    let mut decoder = server(10);
    assert_eq!(decode_one(&mut decoder, &raw(0x02, &[1; 6])), Ok(Message::Fragment));
    let whole = decode_one(&mut decoder, &raw(0x80, &[1; 4]));
    assert_eq!(whole, Ok(Message::Binary(Cow::Owned(vec![1; 10]))));
}

#[test]
fn text_that_is_not_utf8_closes_with_1007() {
    for bytes in [&b"\xff"[..], b"a\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf"] {
        let error = server(10).decode(&mut raw(0x81, bytes)).expect_err("not UTF-8");
        assert_eq!(error.close_code(), 1007, "{bytes:?}");
    }
}

#[test]
fn a_character_may_be_cut_by_fragments_but_not_by_the_end() {
    let mut decoder = server(10);
    let face = "😀".as_bytes();
    assert_eq!(decode_one(&mut decoder, &raw(0x01, &face[..1])), Ok(Message::Fragment));
    assert_eq!(decode_one(&mut decoder, &raw(0x00, b"")), Ok(Message::Fragment));
    assert_eq!(decode_one(&mut decoder, &raw(0x00, &face[1..3])), Ok(Message::Fragment));
    assert_eq!(decode_one(&mut decoder, &raw(0x80, &face[3..])), Ok(text("😀")));

    assert_eq!(decode_one(&mut decoder, &raw(0x01, &face[..1])), Ok(Message::Fragment));
    let error = decoder.decode(&mut raw(0x80, &face[1..3])).expect_err("cut");
    assert_eq!(error.close_code(), 1007);
}

#[test]
fn bad_text_is_refused_at_its_first_fragment() {
    let error = server(10).decode(&mut raw(0x01, b"a\xff")).expect_err("not UTF-8");
    assert_eq!(error.close_code(), 1007);
    let binary = decode_one(&mut server(10), &raw(0x02, b"a\xff"));
    assert_eq!(binary, Ok(Message::Fragment));
}

#[test]
fn close_codes_are_read_and_checked() {
    let close = |payload: &[u8]| decode_one(&mut server(10), &raw(0x88, payload));
    assert_eq!(close(b""), Ok(Message::Close { code: 1005, reason: "" }));
    assert_eq!(close(b"\x03\xe8bye"), Ok(Message::Close { code: 1000, reason: "bye" }));
    for code in [1000u16, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999] {
        assert_eq!(close(&code.to_be_bytes()), Ok(Message::Close { code, reason: "" }));
    }
    for code in [0u16, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        let error = close(&code.to_be_bytes()).expect_err("may not be sent");
        assert_eq!(error.close_code(), 1002, "{code}");
    }
    assert_eq!(close(b"\x03\xe8\xff").expect_err("reason").close_code(), 1007);
}

#[test]
fn a_close_reason_is_cut_at_a_character() {
    let mut out = Vec::new();
    encode_close(1009, &"é".repeat(100), &mut out);
    assert_eq!(out[..4], [0x88, 124, 0x03, 0xf1]);
    assert_eq!(str::from_utf8(&out[4..]), Ok(&*"é".repeat(61)));
    out.clear();
    encode_close(1000, "", &mut out);
    assert_eq!(out, [0x88, 2, 0x03, 0xe8]);
}

#[test]
fn compressed_messages_are_read_whole_and_in_fragments() {
    let mut payload = Vec::new();
    deflate::compress("Hello, Hello, Hello, é".as_bytes(), &mut payload);
    let mut decoder = Decoder::new(Role::Server, Deflate::Negotiated, 100);
    let expected = Ok(text("Hello, Hello, Hello, é"));
    assert_eq!(decode_one(&mut decoder, &raw(0xc1, &payload)), expected);
    let (first, second) = payload.split_at(3);
    assert_eq!(decode_one(&mut decoder, &raw(0x41, first)), Ok(Message::Fragment));
    assert_eq!(decode_one(&mut decoder, &raw(0x80, second)), expected);
    assert_eq!(decode_one(&mut decoder, &raw(0x81, b"plain")), Ok(text("plain")));
}

#[test]
fn a_compressed_message_is_bounded_and_checked_once_unfolded() {
    let mut bomb = Vec::new();
    deflate::compress(&[b'a'; 5000], &mut bomb);
    assert!(bomb.len() < 100);
    let mut decoder = Decoder::new(Role::Server, Deflate::Negotiated, 100);
    let error = decoder.decode(&mut raw(0xc1, &bomb)).expect_err("a bomb");
    assert_eq!(error.close_code(), 1009);

    let mut bad = Vec::new();
    deflate::compress(b"\xff\xff", &mut bad);
    assert_eq!(decoder.decode(&mut raw(0xc1, &bad)).expect_err("not UTF-8").close_code(), 1007);
    let garbage = decoder.decode(&mut raw(0xc2, &[0xff; 20])).expect_err("garbage");
    assert_eq!(garbage.close_code(), 1007);
}

#[test]
fn rsv1_belongs_on_the_first_data_frame_only() {
    let mut decoder = Decoder::new(Role::Server, Deflate::Negotiated, 100);
    assert_eq!(decoder.decode(&mut raw(0xc9, b"x")).expect_err("ping").close_code(), 1002);
    assert_eq!(decode_one(&mut decoder, &raw(0x01, b"x")), Ok(Message::Fragment));
    assert_eq!(decoder.decode(&mut raw(0xc0, b"x")).expect_err("later").close_code(), 1002);
}

/// What a client sends as one message: its fragments' sizes, and whether it is compressed.
#[derive(Debug, Clone)]
struct Sent {
    message: Result<String, Vec<u8>>,
    cuts: Vec<prop::sample::Index>,
    body: Body,
    ping_between: bool,
}

fn sent() -> impl Strategy<Value = Sent> {
    let message = prop_oneof![
        "\\PC{0,200}".prop_map(Ok),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Err),
    ];
    let body = prop_oneof![Just(Body::Plain), Just(Body::Deflated)];
    let cuts = prop::collection::vec(any::<prop::sample::Index>(), 0..4);
    (message, cuts, body, any::<bool>()).prop_map(|(message, cuts, body, ping_between)| Sent {
        message,
        cuts,
        body,
        ping_between,
    })
}

impl Sent {
    fn write(&self, mask: [u8; 4], out: &mut Vec<u8>) {
        let bytes = match &self.message {
            Ok(text) => text.as_bytes(),
            Err(bytes) => bytes,
        };
        let opcode = if self.message.is_ok() { Opcode::Text } else { Opcode::Binary };
        let mut payload = bytes.to_vec();
        if self.body == Body::Deflated {
            payload.clear();
            deflate::compress(bytes, &mut payload);
        }
        let mut ends: Vec<_> = self.cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
        ends.push(payload.len());
        ends.sort_unstable();
        let mut start = 0;
        for (index, end) in ends.iter().enumerate() {
            let at = out.len();
            let (opcode, body) =
                if index == 0 { (opcode, self.body) } else { (Opcode::Continuation, Body::Plain) };
            encode_masked(opcode, &payload[start..*end], body, mask, out);
            if index + 1 < ends.len() {
                out[at] &= 0x7f;
                if self.ping_between {
                    encode_masked(Opcode::Ping, b"between", Body::Plain, mask, out);
                }
            }
            start = *end;
        }
    }
}

/// Cuts bytes at arbitrary places.
fn chunks<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut start = 0;
    let cut = |end| &bytes[std::mem::replace(&mut start, end)..end];
    ends.into_iter().map(cut).collect()
}

proptest! {
    #[test]
    fn messages_survive_fragments_and_any_split_of_the_input(
        sent in prop::collection::vec(sent(), 0..5),
        mask: [u8; 4],
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let mut bytes = Vec::new();
        for message in &sent {
            message.write(mask, &mut bytes);
        }
        let mut decoder = Decoder::new(Role::Server, Deflate::Negotiated, 10_000);
        let (messages, error) = read(&mut decoder, &chunks(&bytes, &cuts));
        prop_assert_eq!(error, None);
        let received: Vec<_> = messages
            .into_iter()
            .filter(|message| !matches!(message, Message::Fragment | Message::Ping(b"between")))
            .collect();
        let expected: Vec<_> = sent
            .into_iter()
            .map(|sent| match sent.message {
                Ok(text) => Message::Text(Cow::Owned(text)),
                Err(bytes) => Message::Binary(Cow::Owned(bytes)),
            })
            .collect();
        prop_assert_eq!(received, expected);
    }

    #[test]
    fn any_bytes_in_any_split_come_to_the_same_end(
        bytes in prop::collection::vec(
            prop_oneof![any::<u8>(), Just(0x80), Just(0x81), Just(0x01), Just(0xc1), Just(0x82)],
            0..200,
        ),
        server: bool,
        deflate: bool,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let deflate = if deflate { Deflate::Negotiated } else { Deflate::Off };
        let whole = read(&mut Decoder::new(role, deflate, 100), &[&bytes]);
        let split = read(&mut Decoder::new(role, deflate, 100), &chunks(&bytes, &cuts));
        prop_assert_eq!(whole, split);
    }

    #[test]
    fn compression_makes_the_round_trip(
        message in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..5000),
            prop::collection::vec(0u8..3, 0..50_000),
        ],
    ) {
        let mut payload = Vec::new();
        deflate::compress(&message, &mut payload);
        prop_assert_eq!(deflate::inflate(&payload, message.len()), Ok(message));
    }
}
