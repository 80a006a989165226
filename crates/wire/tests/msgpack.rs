//! MessagePack packets: bytes as the reference's encoder writes them, hostile ones, properties.

use bytes::Bytes;
use parlor_wire::msgpack::{EncodeError, decode, encode};
use parlor_wire::packet::{Kind, Limits, OwnedPacket, Packet, PacketError};
use proptest::prelude::*;

fn bytes(hex: &str) -> Bytes {
    let digits: Vec<_> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| {
            let pair = str::from_utf8(pair).expect("ASCII");
            u8::from_str_radix(pair, 16).expect("hexadecimal")
        })
        .collect()
}

fn read(hex: &str) -> Result<OwnedPacket, PacketError> {
    decode(&bytes(hex), &Limits::default())
}

/// An event whose data is the given bytes.
fn event(data: &str) -> Result<OwnedPacket, PacketError> {
    read(&format!("83 a474797065 02 a36e7370 a12f a464617461 {data}"))
}

fn written(packet: &Packet<'_>, attachments: &[Bytes]) -> Bytes {
    let mut out = Vec::new();
    encode(packet, attachments, &mut out).expect("valid data");
    out.into()
}

#[test]
fn packets_of_the_reference_are_read() {
    let cases = [
        // {type: 0, nsp: "/"}
        ("82a47479706500a36e7370a12f", Kind::Connect, "/", None, ""),
        // {type: 0, data: {token: "123"}, nsp: "/admin"}
        (
            "83a47479706500a46461746181a5746f6b656ea3313233a36e7370a62f61646d696e",
            Kind::Connect,
            "/admin",
            None,
            r#"{"token":"123"}"#,
        ),
        // {type: 2, data: [...], options: {compress: true}, id: 7, nsp: "/"}
        (
            "85a47479706502a4646174619fb06d6573736167652d776974682d61636ba2c3a901ffccc8d1ff38ce0001\
             1170d2fffeee90cf000000012a05f200cb3ff8000000000000c3c2c0c081a16290a76f7074696f6e7381a8\
             636f6d7072657373c3a2696407a36e7370a12f",
            Kind::Event,
            "/",
            Some(7),
            "[\"message-with-ack\",\"é\",1,-1,200,-200,70000,-70000,5000000000,1.5,true,false,null,\
             null,{\"b\":[]}]",
        ),
        // {type: 2, data: ["d", new Date(1700000000123)], nsp: "/"}
        (
            "83a47479706502a46461746192a164d7ff1d5353006553f100a36e7370a12f",
            Kind::Event,
            "/",
            None,
            r#"["d","2023-11-14T22:13:20.123Z"]"#,
        ),
        // {type: 3, data: ["x"], id: 0, nsp: "/"}
        ("84a47479706503a46461746191a178a2696400a36e7370a12f", Kind::Ack, "/", Some(0), r#"["x"]"#),
        // {type: 4, data: {message: "no", data: {code: 1}}, nsp: "/"}
        (
            "83a47479706504a46461746182a76d657373616765a26e6fa46461746181a4636f646501a36e7370a12f",
            Kind::ConnectError,
            "/",
            None,
            r#"{"message":"no","data":{"code":1}}"#,
        ),
        // {type: 1, nsp: "/x"}
        ("82a47479706501a36e7370a22f78", Kind::Disconnect, "/x", None, ""),
    ];
    for (hex, kind, namespace, ack_id, data) in cases {
        let expected = Packet { kind, namespace, ack_id, attachments: 0, data };
        assert_eq!(read(hex).as_ref().map(OwnedPacket::as_packet), Ok(expected), "{hex}");
    }
}

#[test]
fn bytes_become_numbered_attachments_without_a_copy() {
    // {type: 2, data: ["m", Buffer [1, 2, 3], {x: Buffer [4]}], nsp: "/"}
    let input = bytes("83a47479706502a46461746193a16dc40301020381a178c40104a36e7370a12f");
    let packet = decode(&input, &Limits::default()).expect("valid");
    assert_eq!(packet.kind, Kind::BinaryEvent);
    let data = r#"["m",{"_placeholder":true,"num":0},{"x":{"_placeholder":true,"num":1}}]"#;
    assert_eq!(packet.data, data);
    assert_eq!(packet.attachments, [&[1, 2, 3][..], &[4]]);
    assert!(input.as_ptr_range().contains(&packet.attachments[0].as_ptr()));
}

#[test]
fn packets_are_written_as_the_reference_reads_them() {
    let connect = Packet {
        kind: Kind::Connect,
        namespace: "/",
        ack_id: None,
        attachments: 0,
        data: r#"{"sid":"a"}"#,
    };
    let expected = bytes("83 a474797065 00 a36e7370 a12f a464617461 81 a3736964 a161");
    assert_eq!(written(&connect, &[]), expected);

    let event = Packet {
        kind: Kind::BinaryEvent,
        namespace: "/x",
        ack_id: Some(300),
        attachments: 1,
        data: r#"[ "\u00e9", {"num":0,"_placeholder":true}, -1, -33, 1.0, {"_placeholder":true,"num":1} ]"#,
    };
    let expected = bytes(
        "84 a474797065 02 a36e7370 a22f78 a26964 cd012c a464617461
         96 a2c3a9 c40107 ff d0df cb3ff0000000000000 82 ac5f706c616365686f6c646572 c3 a36e756d 01",
    );
    assert_eq!(written(&event, &[Bytes::from_static(&[7])]), expected);
}

#[test]
fn long_arrays_and_objects_have_long_heads() {
    for count in [15, 16, 65535, 65536] {
        let items = vec!["0"; count].join(",");
        let object: Vec<_> = (0..count).map(|key| format!("\"{key}\":[]")).collect();
        let data = format!(r#"["a",[{items}],{{{}}},1]"#, object.join(","));
        let packet =
            Packet { kind: Kind::Event, namespace: "/", ack_id: None, attachments: 0, data: &data };
        let read = decode(&written(&packet, &[]), &Limits::default()).expect("our own");
        assert!(read.as_packet() == packet, "{count}");
    }
}

#[test]
fn what_json_has_no_word_for_is_replaced() {
    let cases = [
        // undefined and dates as notepack wrote them once
        ("92 a161 d40000", r#"["a",null]"#),
        ("92 a161 d700 0000018bcfe5687b", r#"["a","2023-11-14T22:13:20.123Z"]"#),
        // timestamps of 32 and 96 bits
        ("92 a161 d6ff 00000001", r#"["a","1970-01-01T00:00:01.000Z"]"#),
        ("92 a161 c70cff 00000000 ffffffffffffffff", r#"["a","1969-12-31T23:59:59.000Z"]"#),
        ("92 a161 c70cff 00000000 7fffffffffffffff", r#"["a",null]"#),
        // NaN, infinity, whole and other floats
        ("92 a161 cb7ff8000000000000", r#"["a",null]"#),
        ("92 a161 ca7f800000", r#"["a",null]"#),
        ("92 a161 cb4008000000000000", r#"["a",3]"#),
        ("92 a161 cb8000000000000000", r#"["a",0]"#),
        ("92 a161 cb7e37e43c8800759c", r#"["a",1e300]"#),
        ("92 a161 ca3fc00000", r#"["a",1.5]"#),
        // the largest integers
        ("92 a161 cfffffffffffffffff", r#"["a",18446744073709551615]"#),
        ("92 a161 d38000000000000000", r#"["a",-9223372036854775808]"#),
        // a positive number in a signed format, and numbers as keys
        ("92 a161 d005", r#"["a",5]"#),
        ("92 a161 82 01 c0 ff c0", r#"["a",{"1":null,"-1":null}]"#),
        // a lone surrogate, and a pair that was encoded one by one
        ("92 a161 a5 61eda08062", r#"["a","a\ud800b"]"#),
        ("92 a161 a6 eda0bdedb880", r#"["a","\ud83d\ude00"]"#),
        // characters that JSON escapes
        ("92 a161 a4 00225c0a", r#"["a","\u0000\"\\\n"]"#),
    ];
    for (hex, data) in cases {
        assert_eq!(event(hex).as_ref().map(|packet| &*packet.data), Ok(data), "{hex}");
    }
}

#[test]
fn extensions_hold_bytes() {
    let cases = [
        ("92 a161 c70200 0102", r#"["a",{"_placeholder":true,"num":0}]"#),
        ("92 a161 d505 0102", r#"["a",[5,{"_placeholder":true,"num":0}]]"#),
        ("92 a161 c702f6 0102", r#"["a",[-10,{"_placeholder":true,"num":0}]]"#),
    ];
    for (hex, data) in cases {
        let packet = event(hex).expect("valid");
        assert_eq!(packet.data, data, "{hex}");
        assert_eq!(packet.attachments, [&[1, 2][..]]);
    }
}

#[test]
fn hostile_packets_are_named() {
    use PacketError::*;
    let cases = [
        ("", Empty),
        ("c1", Data),
        ("90", Data),
        ("80", UnknownKind),
        ("81 a474797065 00", Data),
        ("82 a474797065 05 a36e7370 a12f", UnknownKind),
        ("82 a474797065 ff a36e7370 a12f", UnknownKind),
        ("82 a474797065 00 a36e7370 a161", Data),
        ("82 a474797065 00 a36e7370 a2c328", Data),
        ("82 a474797065 00 a36e7370 a12f 00", Data),
        ("82 a474797065 02 a36e7370 a12f", Data),
        ("83 a474797065 00 a36e7370 a12f a464617461 90", Data),
        ("83 a474797065 00 a36e7370 a12f a464617461 81 a161 c40100", Data),
        ("84 a474797065 03 a36e7370 a12f a26964 ff a464617461 90", AckId),
        ("84 a474797065 03 a36e7370 a12f a464617461 90 a464617461 90", Data),
        // lengths that the input does not have
        ("df ffffffff", Data),
        ("81 a178 dd ffffffff", Data),
        ("81 a178 df ffffffff", Data),
        ("81 a178 db ffffffff", Data),
        ("81 a178 c6 ffffffff", Data),
        ("81 a178 c9 ffffffff 05", Data),
    ];
    for (hex, error) in cases {
        assert_eq!(read(hex), Err(error), "{hex}");
    }
    let cases = [
        ("dd ffffffff", Data),
        ("df ffffffff", Data),
        ("92 a161 a1ff", Data),
        ("92 a161 81 c0 c0", Data),
        ("91 a7636f6e6e656374", ReservedEvent),
        ("91 a3eda080", Data),
        ("91 c0", Data),
        ("92 a161 82 ac5f706c616365686f6c646572 c3 a36e756d 00", Placeholder),
    ];
    for (hex, error) in cases {
        assert_eq!(event(hex), Err(error), "{hex}");
    }
}

#[test]
fn a_packet_cut_anywhere_is_refused() {
    let whole = bytes("83a47479706502a46461746193a16dc40301020381a178c40104a36e7370a12f");
    for end in 0..whole.len() {
        assert!(decode(&whole.slice(..end), &Limits::default()).is_err(), "{end}");
    }
}

#[test]
fn attachments_and_nesting_are_bounded() {
    let limits = Limits { attachments_max: 2, attachment_bytes_max: 3, depth_max: 4 };
    let event = |data: &str| {
        let hex = format!("83 a474797065 02 a36e7370 a12f a464617461 {data}");
        decode(&bytes(&hex), &limits)
    };
    assert!(event("93 a161 c40101 c4020102").is_ok());
    let too_big = Err(PacketError::AttachmentsTooBig { limit: 3 });
    assert_eq!(event("93 a161 c4020102 c4020102"), too_big);
    let too_many = Err(PacketError::TooManyAttachments { limit: 2 });
    assert_eq!(event("94 a161 c400 c400 c400"), too_many);
    assert!(event("92 a161 919190").is_ok());
    let too_deep = Err(PacketError::TooDeep { limit: 4 });
    assert_eq!(event("92 a161 91919190"), too_deep);
    assert_eq!(event(&format!("92 a161 {}", "91".repeat(100_000))), too_deep);

    // Fields that are passed over are not bounded by a depth, and need no stack.
    let skipped = format!("83 a178 {} c0 a474797065 01 a36e7370 a12f", "91".repeat(100_000));
    assert!(read(&skipped).is_ok());
}

#[test]
fn an_attachment_is_written_once_at_most() {
    let mut out = b"before".to_vec();
    let placeholder = r#"{"_placeholder":true,"num":0}"#;
    let data = format!(r#"["a",{placeholder},{placeholder}]"#);
    let packet = Packet {
        kind: Kind::BinaryEvent,
        namespace: "/",
        ack_id: None,
        attachments: 1,
        data: &data,
    };
    let attachments = [Bytes::from_static(&[1])];
    assert_eq!(encode(&packet, &attachments, &mut out), Err(EncodeError::Placeholder));
    let not_json = Packet { data: "[1", ..packet };
    assert_eq!(encode(&not_json, &attachments, &mut out), Err(EncodeError::Data));
    assert_eq!(out, b"before");
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        (-1000i32..1000).prop_map(Into::into),
        // Few digits, since serde_json does not read the last one exactly.
        any::<i16>()
            .prop_map(|number| f64::from(number) / 8.0)
            .prop_filter("whole floats come back as integers", |float| float.fract() != 0.0)
            .prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 60, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..20)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Bytes that begin as an event does, so that many get past its head.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let marker = prop_oneof![
        any::<u8>(),
        0x80u8..=0x9f,
        0xc0u8..=0xdf,
        Just(0xa1),
        Just(b'a'),
        Just(0),
        Just(0xff),
    ];
    (any::<bool>(), prop::collection::vec(marker, 0..60)).prop_map(|(begun, tail)| {
        let mut packet = Vec::new();
        if begun {
            packet.extend_from_slice(b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a");
        }
        packet.extend_from_slice(&tail);
        packet
    })
}

proptest! {
    #[test]
    fn events_make_the_round_trip(
        args in prop::collection::vec(value(), 0..4),
        ack_id in prop::option::of(any::<u64>()),
        attachments in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..4),
    ) {
        let mut data = vec![serde_json::Value::from("name")];
        data.extend(args);
        for num in 0..attachments.len() {
            data.push(serde_json::json!({"num": num, "_placeholder": true}));
        }
        let text = serde_json::to_string(&data).expect("values");
        let attachments: Vec<_> = attachments.into_iter().map(Bytes::from).collect();
        let kind = if attachments.is_empty() { Kind::Event } else { Kind::BinaryEvent };
        let packet = Packet {
            kind,
            namespace: "/n",
            ack_id,
            attachments: attachments.len(),
            data: &text,
        };
        let read = decode(&written(&packet, &attachments), &Limits::default()).expect("our own");
        prop_assert_eq!(read.kind, kind);
        prop_assert_eq!((&*read.namespace, read.ack_id), ("/n", ack_id));
        let json: Vec<serde_json::Value> = serde_json::from_str(&read.data).expect("JSON");
        prop_assert_eq!(json, data);
        prop_assert_eq!(read.attachments, attachments);
    }

    #[test]
    fn any_bytes_are_refused_or_can_be_written_again(packet in hostile()) {
        if let Ok(packet) = decode(&packet.into(), &Limits::default()) {
            let json: Result<serde::de::IgnoredAny, _> = match &*packet.data {
                "" => serde_json::from_str("null"),
                data => serde_json::from_str(data),
            };
            prop_assert!(json.is_ok());
            let again = written(&packet.as_packet(), &packet.attachments);
            prop_assert_eq!(decode(&again, &Limits::default()), Ok(packet));
        }
    }
}
