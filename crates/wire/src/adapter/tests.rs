//! What the Node packages write, byte by byte, and what no message is.

use bytes::Bytes;

use super::*;
use crate::packet::{Limits, PacketError};

/// `io.to("r1").emit("ev", { a: 1 })` of a server with the classic adapter, 8.3.0.
const EMITTED: &str = "93a661626364656683a47479706502a46461746192a2657681a16101a36e7370a12f\
    83a5726f6f6d7391a27231a665786365707490a5666c61677381a774696d656f7574d40000";
/// `to("r1").emit("ev", { a: 1 })` of `@socket.io/redis-emitter` 5.1.0.
const BY_EMITTER: &str = "93a7656d697474657283a47479706502a46461746192a2657681a16101a36e7370a12f\
    83a5726f6f6d7391a27231a5666c61677380a665786365707490";
/// `io.to("r").except("x").timeout(1000).emit("ev", <01 ff>, callback)`, classic.
const ASKING: &str = "85a3756964a6616263646566a9726571756573744964a27131a47479706507a67061636b6574\
    83a47479706502a46461746192a26576c40201ffa36e7370a12fa46f70747383a5726f6f6d7391a172\
    a665786365707491a178a5666c61677381a774696d656f7574cd03e8";
/// `io.emit("ev", <01 ff>)`, sharded.
const SHARDED: &str = "84a47479706503a46461746182a67061636b657483a47479706502a46461746192a26576c40201ff\
    a36e7370a12fa46f70747383a5726f6f6d7390a665786365707490a5666c61677380\
    a3756964b030313233343536373839616263646566a36e7370a12f";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| {
        let pair = str::from_utf8(pair).expect("ASCII");
        u8::from_str_radix(pair, 16).expect("two digits")
    };
    digits.chunks(2).map(byte).collect()
}

fn requested(json: &str) -> Result<Message, PacketError> {
    super::requested(json.as_bytes(), "/", &Limits::default())
}

fn told(json: &str) -> Result<Message, PacketError> {
    super::told(json.as_bytes(), &Limits::default())
}

fn rooms<const N: usize>(names: [&str; N]) -> Vec<Box<str>> {
    names.map(Box::from).into()
}

fn selection<const N: usize, const M: usize>(within: [&str; N], except: [&str; M]) -> Selection {
    Selection { rooms: rooms(within), except: rooms(except) }
}

fn event(name: &str, args: &str, attachments: &[&'static [u8]]) -> Event {
    let attachments = attachments.iter().copied().map(Bytes::from_static).collect();
    Event { name: name.into(), args: args.into(), attachments }
}

#[test]
fn what_server_and_emitter_emit_is_read() {
    for (hex, from) in [(EMITTED, "abcdef"), (BY_EMITTER, "emitter")] {
        let message = emitted(&bytes(hex), &Limits::default()).expect("it is one");
        let call = Call::Emit {
            sockets: selection(["r1"], []),
            event: event("ev", r#"[{"a":1}]"#, &[]),
            volatile: false,
            timeout_ms: None,
        };
        let expected = Message { from: from.into(), namespace: "/".into(), request: None, call };
        assert_eq!(message, expected);
    }
}

#[test]
fn a_broadcast_that_asks_for_acks_is_read_with_its_bytes() {
    let message = super::requested(&bytes(ASKING), "/", &Limits::default()).expect("it is one");
    assert_eq!((&*message.from, message.request.as_deref()), ("abcdef", Some("q1")));
    let expected = Call::Emit {
        sockets: selection(["r"], ["x"]),
        event: event("ev", r#"[{"_placeholder":true,"num":0}]"#, &[b"\x01\xff"]),
        volatile: false,
        timeout_ms: Some(1_000),
    };
    assert_eq!(message.call, expected);
}

#[test]
fn requests_of_the_classic_adapter_are_read() {
    let opts = r#""opts":{"rooms":["a"],"except":["b"]}"#;
    let of = |rest: &str| {
        let message = requested(&format!(r#"{{"uid":"u","requestId":"q",{rest}}}"#));
        message.expect("it is one").call
    };
    let sockets = || selection(["a"], ["b"]);
    let joined = || rooms(["n"]);
    let table = [
        (r#""type":0,"rooms":["a"]"#.to_owned(), Call::SocketIds { sockets: selection(["a"], []) }),
        (r#""type":1"#.to_owned(), Call::Rooms),
        (
            format!(r#""type":2,"rooms":["n"],{opts}"#),
            Call::Join { sockets: sockets(), rooms: joined() },
        ),
        (
            format!(r#""type":3,"rooms":["n"],{opts}"#),
            Call::Leave { sockets: sockets(), rooms: joined() },
        ),
        (
            format!(r#""type":4,{opts},"close":true"#),
            Call::Disconnect { sockets: sockets(), close: true },
        ),
        (format!(r#""type":5,{opts}"#), Call::Fetch { sockets: sockets() }),
        (r#""type":6,"data":["ev",{"any":["thing"]}]"#.to_owned(), Call::ServerSideEmit),
    ];
    for (text, call) in table {
        assert_eq!(of(&text), call, "{text}");
    }
    // An emitter says neither who it is nor what to answer.
    let join = requested(r#"{"type":2,"opts":{"rooms":[],"except":[]},"rooms":["n"]}"#);
    let join = join.expect("it is one");
    assert_eq!((&*join.from, join.request), ("", None));
}

#[test]
fn rooms_and_times_may_be_any_numbers() {
    let message = requested(
        r#"{"uid":"u","type":7,"opts":{"rooms":[42,-1,1.5],"except":[7],"flags":{"timeout":333.3}},
            "packet":{"type":2,"data":["ev"]}}"#,
    );
    let Ok(Message { call: Call::Emit { sockets, timeout_ms, .. }, .. }) = message else {
        panic!("it is an event: {message:?}")
    };
    assert_eq!(sockets, selection(["42", "-1", "1.5"], ["7"]));
    assert_eq!(timeout_ms, Some(333));
}

#[test]
fn what_asks_and_cannot_be_read_is_answered_that_there_is_nothing() {
    let of = |text: String, dialect| refused(text.as_bytes(), dialect).map(|it| it.answer);
    let classic =
        |kind| of(format!(r#"{{"uid":"u","requestId":"q","type":{kind}}}"#), Dialect::Classic);
    let table = [
        (0, Some(Answer::SocketIds("[]"))),
        (1, Some(Answer::Rooms("[]"))),
        (2, None),
        (5, Some(Answer::Sockets("[]"))),
        (6, Some(Answer::NoCode)),
        (7, Some(Answer::Asked(0))),
    ];
    for (kind, answer) in table {
        assert_eq!(classic(kind), answer, "{kind}");
    }
    let sharded = |kind| {
        let text = format!(r#"{{"uid":"u","nsp":"/","type":{kind},"data":{{"requestId":"q"}}}}"#);
        of(text, Dialect::Sharded)
    };
    assert_eq!(sharded(3), Some(Answer::Asked(0)));
    assert_eq!(sharded(7), Some(Answer::Sockets("[]")));
    assert_eq!(sharded(9), Some(Answer::NoCode));
    // Nobody waits for these.
    assert_eq!(of(r#"{"uid":"u","type":5}"#.to_owned(), Dialect::Classic), None);
    assert_eq!(refused(&bytes(SHARDED), Dialect::Sharded), None);
    let asking = refused(&bytes(ASKING), Dialect::Classic).expect("it asks");
    assert_eq!((&*asking.from, &*asking.request), ("abcdef", "q1"));
}

#[test]
fn messages_of_the_sharded_adapter_are_read() {
    let message = super::told(&bytes(SHARDED), &Limits::default()).expect("it is one");
    assert_eq!((&*message.from, &*message.namespace), ("0123456789abcdef", "/"));
    let Call::Emit { event: said, .. } = message.call else { panic!("it is an event") };
    assert_eq!(said, event("ev", r#"[{"_placeholder":true,"num":0}]"#, &[b"\x01\xff"]));

    let opts = r#""opts":{"rooms":["a"],"except":[],"flags":{"volatile":true,"timeout":5}}"#;
    let of = |kind: u32, data: &str| {
        let text =
            format!(r#"{{"uid":"u","nsp":"/x","type":{kind},"data":{{"requestId":"q",{data}}}}}"#);
        told(&text).expect("it is one")
    };
    let asked = of(3, &format!(r#"{opts},"packet":{{"type":2,"data":["ev",1],"nsp":"/x"}}"#));
    assert_eq!((&*asked.namespace, asked.request.as_deref()), ("/x", Some("q")));
    let expected = Call::Emit {
        sockets: selection(["a"], []),
        event: event("ev", "[1]", &[]),
        volatile: true,
        timeout_ms: Some(5),
    };
    assert_eq!(asked.call, expected);
    let sockets = || selection(["a"], []);
    let joined = || rooms(["n"]);
    let in_rooms = format!(r#"{opts},"rooms":["n"]"#);
    assert_eq!(of(4, &in_rooms).call, Call::Join { sockets: sockets(), rooms: joined() });
    assert_eq!(of(5, &in_rooms).call, Call::Leave { sockets: sockets(), rooms: joined() });
    assert_eq!(of(6, opts).call, Call::Disconnect { sockets: sockets(), close: false });
    assert_eq!(of(7, opts).call, Call::Fetch { sockets: sockets() });
    assert_eq!(of(9, r#""packet":["ev",{"any":1}]"#).call, Call::ServerSideEmit);
    for sign_of_life in [1, 2, 13] {
        let text = format!(r#"{{"uid":"u","nsp":"/","type":{sign_of_life}}}"#);
        assert_eq!(told(&text).expect("it is one").call, Call::Nothing);
    }
}

#[test]
fn no_other_message_is_taken_for_one() {
    let limits = Limits::default();
    let whole = bytes(EMITTED);
    for cut in 0..whole.len() {
        assert!(emitted(&whole[..cut], &limits).is_err(), "cut at {cut}");
    }
    assert!(emitted(&[&whole[..], b"\x00"].concat(), &limits).is_err(), "one more item");
    let with = |at: &[u8], by: &[u8]| {
        let start = whole.windows(at.len()).position(|it| it == at).expect("it is there");
        emitted(&[&whole[..start], by, &whole[start + at.len()..]].concat(), &limits)
    };
    assert!(with(b"type\x02", b"type\x00").is_err(), "a connect");
    assert!(with(b"type\x02", b"type\x03").is_err(), "an ack");
    assert!(with(b"\x91\xa2r1", b"\x91\xc3").is_err(), "a room that is true");
    assert!(with(b"\xa2ev", b"\xaadisconnect").is_err(), "a reserved name");

    for text in [
        "",
        "{",
        "{}",
        r#"{"uid":"u","type":99}"#,
        r#"{"uid":"u","type":5}"#,
        // As adapters before 7 named one socket.
        r#"{"uid":"u","requestId":"q","type":2,"sid":"s","room":"r"}"#,
        r#"{"uid":"u","type":2,"opts":{"rooms":[null],"except":[]},"rooms":[]}"#,
    ] {
        assert!(requested(text).is_err(), "{text}");
    }
    assert!(told(r#"{"uid":"u","nsp":"/","type":3,"data":{"opts":{}}}"#).is_err(), "no event");
    let with_ack = r#"{"uid":"u","nsp":"/","type":3,"data":{"opts":{},"packet":{"type":2,"id":1,"data":["e"]}}}"#;
    assert_eq!(told(with_ack), Err(PacketError::AckId));
}

#[test]
fn limits_hold_at_their_edges() {
    let join = |rooms: usize, name: usize| {
        let names = vec![format!("\"{}\"", "r".repeat(name)); rooms].join(",");
        requested(&format!(r#"{{"type":2,"opts":{{}},"rooms":[{names}]}}"#))
    };
    assert!(join(ROOMS_MAX, 1).is_ok());
    assert!(join(ROOMS_MAX + 1, 1).is_err());
    assert!(join(1, ROOM_BYTES_MAX).is_ok());
    assert!(join(1, ROOM_BYTES_MAX + 1).is_err());
    let by = |name: usize| {
        let name = "u".repeat(name);
        requested(&format!(r#"{{"uid":"{name}","requestId":"{name}","type":1}}"#))
    };
    assert!(by(NAME_BYTES_MAX).is_ok());
    assert!(by(NAME_BYTES_MAX + 1).is_err());
    assert!(by(0).is_err());
    let long = |bytes: usize| {
        let head = r#"{"uid":"u","type":6,"data":[""#;
        let text = bytes - head.len() - 3;
        requested(&format!("{head}{}\"]}}", "x".repeat(text)))
    };
    assert!(long(MESSAGE_BYTES_MAX).is_ok());
    assert!(long(MESSAGE_BYTES_MAX + 1).is_err());
}

#[test]
fn answers_are_what_node_reads() {
    let of = |answer: Answer<'_>, dialect| {
        let mut out = Vec::new();
        answer.encode(dialect, "me", "/", "q\"1", &mut out).expect("it can be written");
        String::from_utf8(out).expect("JSON")
    };
    let table = [
        (Answer::Sockets("[{}]"), r#""sockets":[{}]"#, 8, r#""sockets":[{}]"#),
        (Answer::Asked(3), r#""type":8,"clientCount":3"#, 11, r#""clientCount":3"#),
        (Answer::Ack("[7]", &[]), r#""type":9,"packet":[7]"#, 12, r#""packet":[7]"#),
        (Answer::NoCode, r#""type":6,"data":null"#, 10, r#""packet":null"#),
        (Answer::SocketIds(r#"["a"]"#), r#""sockets":["a"]"#, 8, r#""sockets":["a"]"#),
        (Answer::Rooms(r#"["a"]"#), r#""rooms":["a"]"#, 8, r#""rooms":["a"]"#),
    ];
    for (answer, classic, kind, sharded) in table {
        assert_eq!(of(answer, Dialect::Classic), format!(r#"{{"requestId":"q\"1",{classic}}}"#));
        let data = format!(r#"{{"requestId":"q\"1",{sharded}}}"#);
        let sharded = format!(r#"{{"uid":"me","nsp":"/","type":{kind},"data":{data}}}"#);
        assert_eq!(of(answer, Dialect::Sharded), sharded);
    }
}

#[test]
fn an_ack_with_bytes_is_messagepack() {
    let bytes_of_ack = [Bytes::from_static(b"\x01")];
    let answer = Answer::Ack(r#"{"_placeholder":true,"num":0}"#, &bytes_of_ack);
    let mut out = Vec::new();
    answer.encode(Dialect::Classic, "me", "/", "q1", &mut out).expect("it can be written");
    // As notepack.io writes it, but for the order of the fields.
    assert_eq!(out, bytes("83a9726571756573744964a27131a47479706509a67061636b6574c40101"));
}
