//! Socket.IO packets, as the protocol's text prints them and by properties.

use bytes::Bytes;
use parlor_wire::packet::{
    EventArgs, Kind, Limits, Packet, PacketError, RESERVED_EVENTS, Reassembly, encode_ack,
    encode_event,
};
use proptest::prelude::*;

fn decode(text: &str) -> Result<Packet<'_>, PacketError> {
    Packet::decode(text, &Limits::default())
}

fn packet<'a>(
    kind: Kind,
    namespace: &'a str,
    ack_id: Option<u64>,
    attachments: usize,
    data: &'a str,
) -> Packet<'a> {
    Packet { kind, namespace, ack_id, attachments, data }
}

#[test]
fn the_packets_of_the_protocol_text_are_read_and_written() {
    let bin = r#"["baz",{"_placeholder":true,"num":0}]"#;
    let cases = [
        ("0", packet(Kind::Connect, "/", None, 0, "")),
        (
            r#"0{"sid":"oSO0OpakMV_3jnilAAAA"}"#,
            packet(Kind::Connect, "/", None, 0, r#"{"sid":"oSO0OpakMV_3jnilAAAA"}"#),
        ),
        (
            r#"0/admin,{"token":"123"}"#,
            packet(Kind::Connect, "/admin", None, 0, r#"{"token":"123"}"#),
        ),
        ("0/admin,", packet(Kind::Connect, "/admin", None, 0, "")),
        (
            r#"4{"message":"Not authorized"}"#,
            packet(Kind::ConnectError, "/", None, 0, r#"{"message":"Not authorized"}"#),
        ),
        (r#"4"no""#, packet(Kind::ConnectError, "/", None, 0, r#""no""#)),
        (r#"2["foo"]"#, packet(Kind::Event, "/", None, 0, r#"["foo"]"#)),
        (r#"2/admin,["bar"]"#, packet(Kind::Event, "/admin", None, 0, r#"["bar"]"#)),
        (r#"212["foo"]"#, packet(Kind::Event, "/", Some(12), 0, r#"["foo"]"#)),
        (r#"3/admin,13["bar"]"#, packet(Kind::Ack, "/admin", Some(13), 0, r#"["bar"]"#)),
        ("312[]", packet(Kind::Ack, "/", Some(12), 0, "[]")),
        ("1", packet(Kind::Disconnect, "/", None, 0, "")),
        ("1/admin,", packet(Kind::Disconnect, "/admin", None, 0, "")),
        (
            r#"51-["baz",{"_placeholder":true,"num":0}]"#,
            packet(Kind::BinaryEvent, "/", None, 1, bin),
        ),
        (
            r#"51-/admin,7["baz",{"_placeholder":true,"num":0}]"#,
            packet(Kind::BinaryEvent, "/admin", Some(7), 1, bin),
        ),
        (
            r#"61-/admin,15["baz",{"_placeholder":true,"num":0}]"#,
            packet(Kind::BinaryAck, "/admin", Some(15), 1, bin),
        ),
    ];
    for (text, packet) in cases {
        assert_eq!(decode(text), Ok(packet), "{text}");
        let mut out = String::new();
        packet.encode(&mut out);
        assert_eq!(out, text);
    }
}

#[test]
fn a_namespace_may_end_the_text() {
    assert_eq!(decode("0/admin").map(|packet| packet.namespace), Ok("/admin"));
    assert_eq!(decode("0/Ünï").map(|packet| packet.namespace), Ok("/Ünï"));
    assert_eq!(decode(r#"0/a?b=c,{}"#).map(|packet| packet.namespace), Ok("/a?b=c"));
}

#[test]
fn malformed_packets_are_named() {
    use PacketError::*;
    let cases = [
        ("", Empty),
        ("9", UnknownKind),
        ("abc", UnknownKind),
        (" 2[\"a\"]", UnknownKind),
        ("5[\"a\"]", AttachmentCount),
        ("5-[\"a\"]", AttachmentCount),
        ("5x-[\"a\"]", AttachmentCount),
        ("5-1-[\"a\"]", AttachmentCount),
        ("51.5-[\"a\"]", AttachmentCount),
        ("5", AttachmentCount),
        ("51", AttachmentCount),
        ("511-[\"a\"]", TooManyAttachments { limit: 10 }),
        ("599999999999999999999999999-[\"a\"]", TooManyAttachments { limit: 10 }),
        ("51-[\"a\",{\"_placeholder\":true,\"num\":1}]", Placeholder),
        ("299999999999999999999[\"a\"]", AckId),
        ("2", Data),
        ("2{}", Data),
        ("2[]", Data),
        ("2[null]", Data),
        ("2[{}]", Data),
        ("2[true]", Data),
        ("2[[\"a\"]]", Data),
        ("2\"a\"", Data),
        ("2[\"a\"", Data),
        ("2[\"a\"]]", Data),
        ("2abc[\"a\"]", Data),
        ("2-1[\"a\"]", Data),
        ("2[\"\\ud800\"]", Data),
        ("3{}", Data),
        ("3", Data),
        ("0[]", Data),
        ("0\"a\"", Data),
        ("0null", Data),
        ("0{", Data),
        ("1{}", Data),
        ("1[]", Data),
        ("4", Data),
        ("4[]", Data),
        ("4\"", Data),
    ];
    for (text, error) in cases {
        assert_eq!(decode(text), Err(error), "{text}");
    }
}

#[test]
fn multibyte_text_anywhere_is_an_error_or_data_and_never_a_panic() {
    for text in [
        "é",
        "2é",
        "5é",
        "51é-",
        "51-é",
        "0/é",
        "2/é,é",
        "2/é,1é",
        "21é[\"a\"]",
        "😀",
        "2😀[]",
        "2[\"é\"]é",
        "\u{feff}2[\"a\"]",
        "2\u{a0}[\"a\"]",
        "2\u{661}[\"a\"]",
    ] {
        let _ = decode(text);
    }
    assert_eq!(decode("2[\"é😀\"]").map(|packet| packet.data), Ok("[\"é😀\"]"));
}

#[test]
fn reserved_names_are_refused_in_any_spelling() {
    for name in RESERVED_EVENTS {
        assert_eq!(decode(&format!("2[\"{name}\"]")), Err(PacketError::ReservedEvent));
        assert_eq!(decode(&format!("50-[\"{name}\",1]")), Err(PacketError::ReservedEvent));
        assert!(decode(&format!("3[\"{name}\"]")).is_ok());
        assert!(decode(&format!("2[\"{name}x\"]")).is_ok());
    }
    assert_eq!(decode(r#"2["\u0063onnect"]"#), Err(PacketError::ReservedEvent));
}

#[test]
fn attachments_are_bounded_by_the_limit_given() {
    let limits = Limits { attachments_max: 2, ..Limits::default() };
    assert!(Packet::decode("52-[\"a\"]", &limits).is_ok());
    let error = Err(PacketError::TooManyAttachments { limit: 2 });
    assert_eq!(Packet::decode("53-[\"a\"]", &limits), error);
}

#[test]
fn nesting_is_bounded_by_the_limit_given() {
    let limits = Limits { depth_max: 3, ..Limits::default() };
    assert!(Packet::decode("2[\"a\",[[]]]", &limits).is_ok());
    let error = Err(PacketError::TooDeep { limit: 3 });
    assert_eq!(Packet::decode("2[\"a\",[[[]]]]", &limits), error);
    let deep = format!("2[\"a\",{}", "[".repeat(500_000));
    assert_eq!(decode(&deep), Err(PacketError::TooDeep { limit: 64 }));
}

#[test]
fn events_and_answers_are_written_from_their_arguments() {
    let mut out = String::new();
    encode_event("/", None, 0, "say \"hi\"", " [ 1, 2 ] ", &mut out);
    assert_eq!(out, r#"2["say \"hi\"",1, 2]"#);
    out.clear();
    encode_event("/admin", Some(3), 0, "a", "[]", &mut out);
    assert_eq!(out, r#"2/admin,3["a"]"#);
    out.clear();
    encode_event("/", None, 2, "a", "[1]", &mut out);
    assert_eq!(out, r#"52-["a",1]"#);
    out.clear();
    encode_ack("/", 0, 0, "[{}]", &mut out);
    assert_eq!(out, "30[{}]");
    out.clear();
    encode_ack("/a", 9, 1, "[1]", &mut out);
    assert_eq!(out, "61-/a,9[1]");
}

fn json_args() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<i32>().prop_map(|number| number.to_string()),
        any::<String>().prop_map(|text| serde_json::to_string(&text).expect("a string")),
    ];
    let value = leaf.prop_recursive(3, 12, 4, |inner| {
        prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(" ,")))
    });
    prop::collection::vec(value, 0..4).prop_map(|items| format!("[{}]", items.join(", ")))
}

proptest! {
    #[test]
    fn events_make_the_round_trip(
        namespace in "/[a-zé0-9]{0,8}",
        ack_id in prop::option::of(any::<u64>()),
        name: String,
        args in json_args(),
    ) {
        prop_assume!(!RESERVED_EVENTS.contains(&&*name));
        let mut out = String::new();
        encode_event(&namespace, ack_id, 0, &name, &args, &mut out);
        let packet = decode(&out).expect("our own packet");
        prop_assert_eq!((packet.namespace, packet.ack_id), (&*namespace, ack_id));
        let event = EventArgs::split(packet.data).expect("an event");
        prop_assert_eq!(event.name(), name);
        prop_assert_eq!(event.to_array(), args);
        let mut again = String::new();
        packet.encode(&mut again);
        prop_assert_eq!(again, out);
    }

    #[test]
    fn whatever_is_decoded_is_encoded_to_what_decodes_the_same(
        head in "[0-6][0-9]{0,2}-?(/[a-zé]{0,3},)?[0-9]{0,3}",
        data in prop_oneof![
            json_args(),
            Just("[\"a\"]".to_owned()),
            Just("{}".to_owned()),
            "\\PC{0,10}",
        ],
    ) {
        let text = head + &data;
        if let Ok(packet) = decode(&text) {
            let mut out = String::new();
            packet.encode(&mut out);
            prop_assert_eq!(decode(&out), Ok(packet));
            if matches!(packet.kind, Kind::Event | Kind::BinaryEvent) {
                prop_assert!(EventArgs::split(packet.data).is_ok());
            }
        }
    }

    #[test]
    fn any_messages_are_taken_without_a_panic(
        messages in prop::collection::vec(
            prop_oneof![
                "\\PC{0,12}".prop_map(Ok),
                "5[0-9]-\\[\"a\"\\]".prop_map(Ok),
                prop::collection::vec(any::<u8>(), 0..8).prop_map(Err),
            ],
            0..12,
        ),
    ) {
        let limits = Limits { attachments_max: 3, attachment_bytes_max: 10, depth_max: 8 };
        let mut reassembly = Reassembly::default();
        for message in messages {
            match message {
                Ok(text) => drop(reassembly.text(&text, &limits)),
                Err(bytes) => {
                    if let Ok(Some(packet)) = reassembly.binary(bytes.into(), &limits) {
                        prop_assert!(packet.attachments.len() <= 3);
                        prop_assert!(packet.attachments.iter().map(Bytes::len).sum::<usize>() <= 10);
                    }
                }
            }
        }
    }
}
