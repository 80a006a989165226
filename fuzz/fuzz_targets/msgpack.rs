//! MessagePack packets: what was read is JSON within the limits, and is written to what reads the
//! same; and any JSON text is written or refused.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use parlor_wire::msgpack;
use parlor_wire::packet::{Kind, Limits, Packet};

const LIMITS: Limits = Limits { attachments_max: 4, attachment_bytes_max: 256, depth_max: 32 };

fuzz_target!(|input: &[u8]| {
    if let Ok(packet) = msgpack::decode(&Bytes::copy_from_slice(input), &LIMITS) {
        assert!(packet.attachments.len() <= LIMITS.attachments_max);
        if !packet.data.is_empty() {
            assert!(serde_json::from_str::<serde::de::IgnoredAny>(&packet.data).is_ok());
        }
        let mut written = Vec::new();
        msgpack::encode(&packet.as_packet(), &packet.attachments, &mut written)
            .expect("what was decoded can be encoded");
        assert_eq!(msgpack::decode(&written.into(), &LIMITS), Ok(packet));
    }
    if let Ok(data) = str::from_utf8(input) {
        let kind = Kind::BinaryEvent;
        let packet = Packet { kind, namespace: "/", ack_id: None, attachments: 2, data };
        let attachments = [Bytes::from_static(b"0"), Bytes::from_static(b"1")];
        let _ = msgpack::encode(&packet, &attachments, &mut Vec::new());
    }
});
