//! A connection's Socket.IO messages, text and binary, one a line: packets that were read are
//! written to what reads the same, and attachments keep to their limits.
//!
//! A line that begins with `#` is an attachment.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use parlor_wire::packet::{EventArgs, Kind, Limits, Packet, Reassembly};

const LIMITS: Limits = Limits { attachments_max: 3, attachment_bytes_max: 64, depth_max: 32 };

fuzz_target!(|input: &str| {
    let mut reassembly = Reassembly::default();
    for line in input.split('\n') {
        if let Some(attachment) = line.strip_prefix('#') {
            let attachment = Bytes::copy_from_slice(attachment.as_bytes());
            if let Ok(Some(packet)) = reassembly.binary(attachment, &LIMITS) {
                assert!(packet.attachments.len() <= LIMITS.attachments_max);
                let bytes: usize = packet.attachments.iter().map(Bytes::len).sum();
                assert!(bytes <= LIMITS.attachment_bytes_max);
                check(&packet.as_packet());
            }
        } else if let Ok(Some(packet)) = reassembly.text(line, &LIMITS) {
            check(&packet);
        }
    }
});

fn check(packet: &Packet<'_>) {
    let mut text = String::new();
    packet.encode(&mut text);
    assert_eq!(Packet::decode(&text, &LIMITS).as_ref(), Ok(packet));
    if !packet.data.is_empty() {
        assert!(serde_json::from_str::<serde::de::IgnoredAny>(packet.data).is_ok());
    }
    if matches!(packet.kind, Kind::Event | Kind::BinaryEvent) {
        let args = EventArgs::split(packet.data).expect("checked when it was decoded");
        for index in 0..args.len() {
            let arg = args.get(index).expect("within the arguments");
            assert!(serde_json::from_str::<serde::de::IgnoredAny>(arg).is_ok());
        }
        assert!(serde_json::from_str::<serde::de::IgnoredAny>(&args.to_array()).is_ok());
    }
}
